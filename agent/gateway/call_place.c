#include "gateway/call.h"

#include "core/balance.h"
#include "gateway/agent.h"

#include <errno.h>

static bool was_tried(const struct call *c, const struct replica *r) {
        for (unsigned i = 0; i < c->n_tried; i++)
                if (c->tried[i] == r->id)
                        return true;
        return false;
}

/* BALANCE_NONE, BALANCE_FULL, or a replica's index. */
static size_t choose(struct call *c) {
        struct balance_replica load[LIMIT_REPLICAS];
        struct function *fn = c->fn;

        function_load(fn, load);
        for (size_t i = 0; i < fn->n_replicas && c->n_tried > 0; i++)
                load[i].tried = was_tried(c, fn->replica[i]);
        return balance_choose(load, fn->n_replicas, fn->turn++);
}

/* All that are ready have as many calls as they may: this one's turn comes. */
static void wait_for_turn(struct call *c) {
        if (function_wait(c->fn, &c->waiter, c->n_attempts > 0) < 0) {
                call_fail_with(c, 429, "Retry-After: 1\r\n",
                               "The function '%s' is busy: %u calls at a time for each replica "
                               "(" CALL_LIMITS_CONCURRENCY ") and %u that wait (" CALL_LIMITS_QUEUE
                               ") are its limits; try again in a moment.",
                               c->fn->name, c->fn->limits.concurrency, c->fn->limits.queue);
                return;
        }
        c->waiting = c->queued = true;
        c->n_tried = 0; /* by then those may be the better ones; GATEWAY_ATTEMPTS holds */
        deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_QUEUE);
}

static void wait_for_replica(struct call *c) {
        if (c->fn->stuck) {
                call_fail(c, 503, "The function '%s' has no replica: %s.", c->fn->name,
                          c->fn->reason[0] ? c->fn->reason : "it does not start");
        } else if (function_wait(c->fn, &c->waiter, false) < 0) {
                call_fail_with(c, 429, "Retry-After: 1\r\n",
                               "Too many calls wait for the function '%s' to be ready: %u.",
                               c->fn->name, c->fn->n_waiting);
        } else {
                c->waiting = true;
                deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_REPLICA);
                if (function_sleeps(c->fn))
                        agent_wake(c->g->agent, c->fn);
        }
}

/* No attempt is left. */
static void fail_reach(struct call *c) {
        switch (c->error) {
        case -EBADMSG:
        case -E2BIG:
        case -EOPNOTSUPP:
        case -EPROTONOSUPPORT:
        case -EPROTO:
                call_fail(c, 502, "The function '%s' answered with something that is no HTTP.",
                          c->fn->name);
                break;
        default:
                if (c->reached)
                        call_fail(c, 502,
                                  "The function '%s' closed the connection without an answer.",
                                  c->fn->name);
                else
                        call_fail(c, 502, "The function '%s' cannot be reached: %s.", c->fn->name,
                                  uv_strerror(c->error));
                break;
        }
}

void call_dispatch(struct call *c, bool push_now) {
        /* those who came before go before */
        bool behind = !c->woken && c->n_attempts == 0 && c->fn->n_waiting > 0;
        size_t at = choose(c);
        struct replica *r;
        int e;

        if (at == BALANCE_FULL || (behind && at != BALANCE_NONE)) {
                wait_for_turn(c);
                return;
        }
        if (at == BALANCE_NONE) {
                if (c->n_attempts > 0)
                        fail_reach(c);
                else
                        wait_for_replica(c);
                return;
        }
        r = c->fn->replica[at];
        c->n_attempts++;
        c->tried[c->n_tried++] = r->id;
        e = upstream_open(c->g, r, &call_upstream_ops, c, &c->upstream);
        if (e < 0) {
                call_fail(c, 503, "The gateway cannot open a connection: %s.", uv_strerror(e));
                return;
        }
        c->replica = replica_ref(r);
        r->in_flight++;
        if (c->is_head)
                upstream_expect_no_body(c->upstream);
        if (e == 0)
                return;
        c->ready = true;
        call_watch(c);
        client_continue(c->client);
        if (push_now) {
                client_hold(c->client, false);
                (void)call_push(c, NULL, 0);
        }
}

void call_broke(struct call *c, int error) {
        /* A connection that was reset had not taken the whole request; a function that has may have
         * acted on it, and then only what is harmless goes again. */
        bool unheard = !c->ready || error == -ECONNRESET || error == -EPIPE;
        bool again = c->replay && !upstream_answered(c->upstream) && (unheard || c->idempotent);

        c->reached = c->ready;
        c->error = error;
        if (!c->reached)
                replica_suspect(&c->g->deadlines, c->replica);
        else if (upstream_was_kept(c->upstream))
                c->n_tried--; /* says nothing about the replica, only about that connection */
        call_leave(c, false);
        if (c->told)
                call_give_up(c);
        else if (again && c->n_attempts < GATEWAY_ATTEMPTS && !c->fn->gone)
                call_dispatch(c, true);
        else
                fail_reach(c);
}

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

static struct replica *choose(struct call *c) {
        struct balance_replica load[LIMIT_REPLICAS];
        struct function *fn = c->fn;
        uint64_t now = uv_now(c->g->loop);
        size_t at;

        for (size_t i = 0; i < fn->n_replicas; i++) {
                const struct replica *r = fn->replica[i];

                load[i] = (struct balance_replica){
                        .in_flight = r->in_flight,
                        .ready = r->ready,
                        .local = r->local,
                        .suspect = r->suspect_ms > now,
                        .tried = was_tried(c, r),
                };
        }
        at = balance_choose(load, fn->n_replicas, fn->turn++);
        return at == BALANCE_NONE ? NULL : fn->replica[at];
}

static void wait_for_replica(struct call *c) {
        if (c->fn->stuck) {
                call_fail(c, 503, "The function '%s' has no replica: %s.", c->fn->name,
                          c->fn->reason[0] ? c->fn->reason : "it does not start");
        } else if (function_wait(c->fn, &c->waiter) < 0) {
                call_fail(c, 429, "Too many calls wait for the function '%s' to be ready.",
                          c->fn->name);
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
        struct replica *r = choose(c);
        int e;

        if (!r) {
                if (c->n_attempts > 0)
                        fail_reach(c);
                else
                        wait_for_replica(c);
                return;
        }
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
        deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
        client_continue(c->client);
        if (push_now) {
                client_hold(c->client, false);
                (void)call_push(c, NULL, 0);
        }
}

void call_broke(struct call *c, int error) {
        /* a function that took the call may have acted on it: only what is harmless goes again */
        bool again =
                !c->ready || (c->idempotent && !c->has_body && !upstream_answered(c->upstream));

        c->reached = c->ready;
        c->error = error;
        if (!c->reached)
                c->replica->suspect_ms = uv_now(c->g->loop) + GATEWAY_SUSPECT_MS;
        else if (upstream_was_kept(c->upstream))
                c->n_tried--; /* says nothing about the replica, only about that connection */
        call_leave(c, false);
        if (c->started)
                call_give_up(c);
        else if (again && c->n_attempts < GATEWAY_ATTEMPTS && !c->fn->gone)
                call_dispatch(c, true);
        else
                fail_reach(c);
}

#include "core/drain.h"

#include <stdio.h>

static const char *plural(uint32_t n) {
        return n == 1 ? "" : "s";
}

static void say_moving(const struct drain_facts *f, char ret[static SIZE_REASON]) {
        int n = snprintf(ret, SIZE_REASON, "%u replica%s %s to move", (unsigned)f->placed,
                         plural(f->placed), f->placed == 1 ? "has" : "have");

        if (f->stuck[0] && n > 0 && n < SIZE_REASON)
                (void)snprintf(ret + n, (size_t)(SIZE_REASON - n), "; %.100s", f->stuck);
}

enum drain_state drain_step(const struct drain_facts *f, char ret[static SIZE_REASON]) {
        ret[0] = '\0';
        if (!f->cordoned)
                return DRAIN_NONE;
        if (f->leads && f->heir) {
                (void)snprintf(ret, SIZE_REASON, "it hands over leadership");
                return DRAIN_LEADING;
        }
        if (f->placed > 0) {
                say_moving(f, ret);
                return DRAIN_MOVING;
        }
        if (f->up && f->running > 0) {
                (void)snprintf(ret, SIZE_REASON, "calls under way end: %u replica%s left",
                               (unsigned)f->running, plural(f->running));
                return DRAIN_ENDING;
        }
        if (f->node && !f->cleared) {
                (void)snprintf(ret, SIZE_REASON, "Kubernetes moves its pods");
                return DRAIN_PODS;
        }
        (void)snprintf(ret, SIZE_REASON, "it carries no function%s",
                       f->leads ? ", and still leads: no other voter is up" : "");
        return DRAIN_DONE;
}

const char *drain_word(bool cordoned, bool drained) {
        return drained ? "cordoned" : cordoned ? "draining" : "";
}

bool drain_has_room(const struct drain_node *nodes, size_t n, uint64_t node) {
        uint32_t taken = 0;
        bool wants = false;

        for (size_t i = 0; i < n; i++) {
                if (nodes[i].node == node)
                        wants = nodes[i].kube && !nodes[i].cordoned;
                else if (nodes[i].kube && nodes[i].cordoned)
                        taken++;
        }
        return !wants || taken < LIMIT_CLEARED;
}

/* Is 'a' the better one to ask? */
static bool better_heir(const struct drain_voter *a, const struct drain_voter *b) {
        if (a->failed != b->failed)
                return b->failed;
        if (a->board.strength != b->board.strength)
                return a->board.strength > b->board.strength;
        return a->board.node < b->board.node;
}

uint64_t drain_heir(const struct drain_voter *voters, size_t n, uint64_t self) {
        const struct drain_voter *heir = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct drain_voter *v = &voters[i];

                if (v->board.node == self || !v->board.up || v->board.role != VOTER_VOTES ||
                    v->cordoned)
                        continue;
                if (!heir || better_heir(v, heir))
                        heir = v;
        }
        return heir ? heir->board.node : 0;
}

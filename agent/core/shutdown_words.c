/* shutdown_words - how a shutdown stands, for people. */
#include "base/scope.h"
#include "base/str.h"
#include "core/shutdown_plan.h"

#include <stdio.h>
#include <string.h>

const char *shutdown_phase_text(enum shutdown_phase phase) {
        static const char *const words[SHUTDOWN_PHASE_MAX] = {
                [SHUTDOWN_FREEZE] = "freeze",     [SHUTDOWN_FUNCTIONS] = "functions",
                [SHUTDOWN_SNAPSHOT] = "snapshot", [SHUTDOWN_BOARDS] = "boards",
                [SHUTDOWN_MASTER] = "master",     [SHUTDOWN_DONE] = "done",
                [SHUTDOWN_FAILED] = "failed",
        };

        return (unsigned)phase < SHUTDOWN_PHASE_MAX ? words[phase] : "?";
}

static const char *const state_words[SHUTDOWN_STATE_MAX] = {
        [SHUTDOWN_WAITING] = "waiting", [SHUTDOWN_STOPPING] = "stopping",
        [SHUTDOWN_SILENT] = "silent",   [SHUTDOWN_HUNG] = "hung",
        [SHUTDOWN_OFF] = "off",         [SHUTDOWN_BACK] = "back",
};

const char *shutdown_state_text(enum shutdown_state state) {
        return (unsigned)state < SHUTDOWN_STATE_MAX ? state_words[state] : "?";
}

int shutdown_state_from(const char *word) {
        for (int i = 0; i < SHUTDOWN_STATE_MAX; i++)
                if (str_eq(state_words[i], word))
                        return i;
        return -1;
}

static void add(char *dst, size_t size, const char *text) {
        size_t n = strlen(dst);

        (void)snprintf(dst + n, size - n, "%s", text);
}

/* "w1, w2": the boards that are in this state, the last one left out; how many. */
static unsigned name_those(const struct shutdown_plan *p, enum shutdown_state state,
                           const char *(*name)(void *arg, uint64_t node), void *arg, char *dst,
                           size_t size) {
        unsigned n = 0;

        for (uint32_t i = 0; i < p->n; i++) {
                if (p->boards[i].state != state || p->boards[i].node == p->last)
                        continue;
                if (n++)
                        add(dst, size, ", ");
                add(dst, size, name(arg, p->boards[i].node));
        }
        return n;
}

static void failed_text(const struct shutdown_plan *p,
                        const char *(*name)(void *arg, uint64_t node), void *arg, char *dst,
                        size_t size) {
        static const struct {
                enum shutdown_state state;
                const char *one, *many;
        } ways[] = {
                { SHUTDOWN_HUNG, " is not off: it still answers",
                  " are not off: they still answer" },
                { SHUTDOWN_SILENT, " never answered: look whether it is off",
                  " never answered: look whether they are off" },
                { SHUTDOWN_BACK, " was switched on again", " were switched on again" },
                { SHUTDOWN_OFF, " went off and did not come back",
                  " went off and did not come back" },
        };

        dst[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                size_t before = strlen(dst);
                unsigned n;

                if ((ways[i].state == SHUTDOWN_BACK && p->reboot) ||
                    (ways[i].state == SHUTDOWN_OFF && !(p->only && p->reboot)))
                        continue;
                if (before)
                        add(dst, size, "; ");
                n = name_those(p, ways[i].state, name, arg, dst, size);
                if (n)
                        add(dst, size, n == 1 ? ways[i].one : ways[i].many);
                else
                        dst[before] = '\0';
        }
        if (p->last && !p->only) {
                add(dst, size, "; the others are off, and ");
                add(dst, size, name(arg, p->last));
                add(dst, size, p->reboot ? " restarts now" : " goes off now");
        }
}

char *shutdown_text(const struct shutdown_plan *p, const char *(*name)(void *arg, uint64_t node),
                    void *arg, char *dst, size_t size) {
        const char *subject = p->only ? name(arg, p->only) : "";

        switch (p->phase) {
        case SHUTDOWN_FREEZE:
                (void)snprintf(dst, size, "nothing is started or moved any more");
                break;
        case SHUTDOWN_FUNCTIONS:
                (void)snprintf(dst, size, "functions stop, calls in flight end");
                break;
        case SHUTDOWN_SNAPSHOT:
                (void)snprintf(dst, size, "a snapshot of etcd goes to other boards");
                break;
        case SHUTDOWN_BOARDS:
                (void)snprintf(dst, size, "%s %s", p->only ? subject : "the boards",
                               p->only ? (p->reboot ? "restarts" : "goes off")
                                       : (p->reboot ? "restart" : "go off"));
                break;
        case SHUTDOWN_MASTER:
                (void)snprintf(dst, size, "%s %s now", name(arg, p->last),
                               p->reboot ? "restarts" : "goes off");
                break;
        case SHUTDOWN_DONE:
                if (p->only)
                        (void)snprintf(dst, size, "%s %s", subject,
                                       p->last     ? (p->reboot ? "restarts now" : "goes off now")
                                       : p->reboot ? "is back"
                                                   : "is off");
                else if (p->reboot)
                        (void)snprintf(dst, size, "all boards restart, %s last",
                                       name(arg, p->last));
                else
                        (void)snprintf(dst, size, "all boards are off, you can pull the plug");
                break;
        case SHUTDOWN_FAILED:
                failed_text(p, name, arg, dst, size);
                break;
        case SHUTDOWN_PHASE_MAX:
                dst[0] = '\0';
                break;
        }
        return dst;
}

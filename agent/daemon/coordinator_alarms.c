/* coordinator_alarms - what is wrong with which board, as the leader tells it. */
#include "base/str.h"
#include "core/alarms.h"
#include "daemon/coordinator_private.h"
#include "daemon/power.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond it a clock is no clock: what a board says of it is not counted with. */
#define CLOCK_MS_MAX (UINT64_C(1) << 46) /* the year 4199 */

bool coordinator_alarms_report(struct board_state *b, const struct report *r, usec_t now) {
        bool same = b->n_alarms == r->n_alarms;

        b->switched_off = false;
        b->clock_known = r->unix_ms > 0 && r->unix_ms < CLOCK_MS_MAX;
        if (b->clock_known)
                b->clock_ms = (int64_t)r->unix_ms - (int64_t)(now / USEC_PER_MSEC);
        for (uint32_t i = 0; same && i < r->n_alarms; i++)
                same = b->alarms[i].kind == r->alarms[i].kind &&
                       b->alarms[i].severity == r->alarms[i].severity &&
                       str_eq(b->alarms[i].text, r->alarms[i].text);
        b->n_alarms = r->n_alarms;
        memcpy(b->alarms, r->alarms, r->n_alarms * sizeof(r->alarms[0]));
        return !same;
}

/* A new leader goes on with what the old one had told, and misses nobody whom a person has switched
 * off under that. */
void coordinator_alarms_resume(const struct coordinator *c, struct board_state *b) {
        const struct world *w = &c->agent->world;

        b->switched_off = off_list_has(&c->off, b->node);
        for (uint32_t i = 0; i < w->n_alarms; i++) {
                const struct world_alarm *x = &w->alarms[i];
                struct report_alarm *own = &b->alarms[b->n_alarms];

                if (x->node != b->node)
                        continue;
                if (x->kind == ALARM_LOST)
                        alarm_resume(&b->lost, x->severity, x->age_sec, x->text, agent_now());
                else if (x->kind == ALARM_CLOCK)
                        alarm_resume(&b->clock, x->severity, x->age_sec, x->text, agent_now());
                else if (b->n_alarms < ALARM_BOARD_KINDS) { /* until it reports itself */
                        *own = (struct report_alarm){ .kind = x->kind,
                                                      .severity = x->severity,
                                                      .age_sec = x->age_sec };
                        (void)str_copy(own->text, sizeof(own->text), x->text);
                        b->n_alarms++;
                }
        }
}

/* A person switches it off, and nobody waits for it. */
static bool goes_off(const struct agent *a, uint64_t node) {
        return power_leaves(a, node) && !a->charter.shutdown.reboot;
}

static void look_lost(struct coordinator *c, usec_t now) {
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct board_state *b = c->boards[i];
                enum severity was = b->lost.level;

                if (goes_off(c->agent, b->node))
                        b->switched_off = true; /* until it speaks again; the record ends sooner */
                alarm_lost(&b->lost, b->up,
                           b->switched_off || power_leaves(c->agent, b->node) ||
                                   charter_awaits(&c->agent->charter, b->node),
                           now);
                c->dirty = c->dirty || b->lost.level != was;
        }
}

/* The clocks of boards that are up, against what most of them say. */
static void look_clocks(struct coordinator *c, usec_t now) {
        int64_t offsets[LIMIT_BOARDS], reference;
        size_t n = 0;

        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i]->up && c->boards[i]->clock_known)
                        offsets[n++] = c->boards[i]->clock_ms;
        if (n < 2)
                return;
        reference = alarm_clock_reference(offsets, n);
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct board_state *b = c->boards[i];
                enum severity was = b->clock.level;

                if (b->up && b->clock_known)
                        alarm_clock(&b->clock, b->clock_ms - reference, now);
                c->dirty = c->dirty || b->clock.level != was;
        }
}

void coordinator_alarms_look(struct coordinator *c, usec_t now) {
        look_lost(c, now);
        look_clocks(c, now);
}

static void add(struct world *w, uint64_t node, enum alarm_kind kind, enum severity severity,
                uint32_t age_sec, const char *text) {
        struct world_alarm *out = &w->alarms[w->n_alarms];

        if (severity == SEVERITY_NONE || w->n_alarms == LIMIT_ALARMS)
                return;
        *out = (struct world_alarm){
                .node = node, .kind = kind, .severity = severity, .age_sec = age_sec
        };
        (void)str_copy(out->text, sizeof(out->text), text);
        w->n_alarms++;
}

/* Those of a board that is away stay as it last told them: nobody knows better. */
static void add_board(struct world *w, const struct board_state *b) {
        usec_t now = agent_now(), silent = b->heard ? usec_sub(now, b->heard) / USEC_PER_SEC : 0;

        for (uint32_t i = 0; i < b->n_alarms; i++)
                add(w, b->node, b->alarms[i].kind, b->alarms[i].severity,
                    b->alarms[i].age_sec + (uint32_t)silent, b->alarms[i].text);
        add(w, b->node, ALARM_LOST, b->lost.level, alarm_age_sec(&b->lost, now), b->lost.text);
        add(w, b->node, ALARM_CLOCK, b->clock.level, alarm_age_sec(&b->clock, now), b->clock.text);
}

int coordinator_alarms_world(const struct coordinator *c, struct world *w) {
        const struct charter *charter = &c->agent->charter;
        uint32_t most = 0;

        for (uint32_t i = 0; i < c->n_boards; i++)
                most += c->boards[i]->n_alarms + 2;
        w->alarms = calloc(most + 1, sizeof(*w->alarms));
        if (!w->alarms)
                return -ENOMEM;
        for (uint32_t i = 0; i < charter->n_members; i++) {
                const struct board_state *b = coordinator_board(c, charter->members[i].node);

                if (b)
                        add_board(w, b);
        }
        return 0;
}

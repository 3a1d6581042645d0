#include "core/off_list.h"

#include "core/charter_shutdown.h"
#include "core/world.h"

static struct off_board *board(struct off_list *l, uint64_t node) {
        for (uint32_t i = 0; i < l->n; i++)
                if (l->boards[i].node == node)
                        return &l->boards[i];
        return NULL;
}

static void take_record(struct off_list *l, const struct charter_shutdown *record,
                        const struct world *world, usec_t now) {
        uint64_t node = record->id && !record->reboot ? record->only : 0;

        for (uint32_t i = 0; i < l->n; i++) {
                struct off_board *b = &l->boards[i];

                if (b->named && b->node != node)
                        b->ended = now;
                b->named = b->node == node;
        }
        /* before the first picture old records are read from the log, of boards that are long back
         */
        if (world_member(world, node) && !board(l, node) && l->n < LIMIT_BOARDS)
                l->boards[l->n++] = (struct off_board){ .node = node, .named = true };
}

/* Is the board one as any other again? */
static bool over(struct off_board *b, const struct world *world, usec_t now) {
        const struct world_member *m = world_member(world, b->node);

        if (!m)
                return !b->named && world->n_members > 0;
        if (!m->up) {
                b->down = true;
                return false;
        }
        return !b->named && (b->down || usec_sub(now, b->ended) >= OFF_LIST_LATE_USEC);
}

void off_list_follow(struct off_list *l, const struct charter_shutdown *record,
                     const struct world *world, usec_t now) {
        take_record(l, record, world, now);
        for (uint32_t i = 0; i < l->n;) {
                if (over(&l->boards[i], world, now))
                        l->boards[i] = l->boards[--l->n];
                else
                        i++;
        }
}

bool off_list_has(const struct off_list *l, uint64_t node) {
        for (uint32_t i = 0; i < l->n; i++)
                if (l->boards[i].node == node)
                        return true;
        return false;
}

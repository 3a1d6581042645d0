#include "gateway/deadline.h"

/* Deadlines that lie this close together expire together. */
enum { DEADLINE_SLACK_MS = 20 };

static struct deadline *first_of(struct list *l) {
        return list_empty(l) ? NULL : container_of(l->next, struct deadline, link);
}

static void fire(uv_timer_t *timer);

static void arm(struct deadlines *ds, uint64_t now) {
        uint64_t at = UINT64_MAX;

        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
                struct deadline *d = first_of(&ds->lists[kind]);

                if (d && d->at_ms < at)
                        at = d->at_ms;
        }
        ds->armed_ms = at;
        if (at != UINT64_MAX)
                (void)uv_timer_start(&ds->timer, fire,
                                     (at > now ? at - now : 0) + DEADLINE_SLACK_MS, 0);
}

static void fire(uv_timer_t *timer) {
        struct deadlines *ds = container_of(timer, struct deadlines, timer);
        uint64_t now = uv_now(timer->loop);

        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
                struct deadline *d;

                /* 'expired' may clear or set any other one: look at the front again each time */
                while ((d = first_of(&ds->lists[kind])) && d->at_ms <= now) {
                        deadline_clear(d);
                        d->expired(d);
                }
        }
        arm(ds, now);
}

void deadlines_init(struct deadlines *ds, uv_loop_t *loop) {
        (void)uv_timer_init(loop, &ds->timer);
        ds->armed_ms = UINT64_MAX;
        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
                list_init(&ds->lists[kind]);
}

void deadlines_close(struct deadlines *ds) {
        if (!uv_is_closing((uv_handle_t *)&ds->timer))
                uv_close((uv_handle_t *)&ds->timer, NULL);
        ds->armed_ms = 0; /* nothing is earlier: the closed timer is not started again */
}

void deadline_init(struct deadline *d, void (*expired)(struct deadline *d)) {
        list_init(&d->link);
        d->expired = expired;
}

void deadline_set(struct deadlines *ds, struct deadline *d, enum deadline_kind kind) {
        uint64_t now = uv_now(ds->timer.loop);

        list_remove(&d->link);
        d->at_ms = now + ds->after_ms[kind];
        list_append(&ds->lists[kind], &d->link);
        if (d->at_ms < ds->armed_ms)
                arm(ds, now);
}

#include "gateway/deadline.h"

/* Deadlines that lie this close together expire together. */
enum { DEADLINE_SLACK_MS = 20 };

static struct deadline *first_of(struct list *l) {
        return list_empty(l) ? NULL : container_of(l->next, struct deadline, link);
}

static uint64_t earlier(uint64_t at, struct list *l) {
        const struct deadline *d = first_of(l);

        return d && d->at_ms < at ? d->at_ms : at;
}

static void fire(uv_timer_t *timer);

static void arm(struct deadlines *ds, uint64_t now) {
        uint64_t at = UINT64_MAX;
        struct deadline_queue *q, *next;

        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
                at = earlier(at, &ds->lists[kind]);
        list_each(q, next, &ds->queues, link) at = earlier(at, &q->items);
        ds->armed_ms = at;
        if (at != UINT64_MAX)
                (void)uv_timer_start(&ds->timer, fire,
                                     (at > now ? at - now : 0) + DEADLINE_SLACK_MS, 0);
}

static struct deadline *due(struct list *l, uint64_t now) {
        struct deadline *d = first_of(l);

        return d && d->at_ms <= now ? d : NULL;
}

static struct deadline *due_in_queues(struct deadlines *ds, uint64_t now) {
        struct deadline_queue *q, *next;
        struct deadline *d;

        list_each(q, next, &ds->queues, link) {
                d = due(&q->items, now);
                if (d)
                        return d;
        }
        return NULL;
}

/* This may clear or set any other one, and end queues: whoever calls it looks afresh. */
static void expire(struct deadline *d) {
        deadline_clear(d);
        d->expired(d);
}

static void fire(uv_timer_t *timer) {
        struct deadlines *ds = container_of(timer, struct deadlines, timer);
        uint64_t now = uv_now(timer->loop);
        struct deadline *d;

        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
                while ((d = due(&ds->lists[kind], now)))
                        expire(d);
        while ((d = due_in_queues(ds, now)))
                expire(d);
        arm(ds, now);
}

void deadlines_init(struct deadlines *ds, uv_loop_t *loop) {
        (void)uv_timer_init(loop, &ds->timer);
        ds->armed_ms = UINT64_MAX;
        list_init(&ds->queues);
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

void deadline_set_in(struct deadlines *ds, struct deadline *d, struct deadline_queue *q,
                     uint64_t after_ms) {
        uint64_t now = uv_now(ds->timer.loop);
        struct list *behind;

        list_remove(&d->link);
        if (q->link.next == &q->link)
                list_append(&ds->queues, &q->link);
        d->at_ms = now + after_ms;
        /* in order by itself, unless the duration has become shorter since */
        for (behind = q->items.prev; behind != &q->items; behind = behind->prev)
                if (container_of(behind, struct deadline, link)->at_ms <= d->at_ms)
                        break;
        list_append(behind->next, &d->link);
        if (d->at_ms < ds->armed_ms)
                arm(ds, now);
}

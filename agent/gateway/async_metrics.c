/* The queue's figures, as Prometheus reads them. */
#include "gateway/async_private.h"

#include "core/metrics_text.h"
#include "gateway/gateway.h"

/* Fills in what a queue does not count by itself; one pass, however many there are. */
static void count(struct async *a) {
        uint64_t now = uv_now(a->g->loop);
        struct async_queue *q, *next_queue;
        struct async_item *item, *next;

        list_each(q, next_queue, &a->queues, link) q->depth = q->oldest_ms = 0;
        list_each(item, next, &a->items, all) {
                if (item->state == ASYNC_STORING || item->state == ASYNC_ENDING)
                        continue;
                q = item->lane->queue;
                if (q->depth++ == 0)
                        q->oldest_ms = now - item->since_ms;
        }
}

static double depth(const struct async_queue *q) {
        return (double)q->depth;
}

static double oldest(const struct async_queue *q) {
        return (double)q->oldest_ms / 1e3;
}

static double running(const struct async_queue *q) {
        return q->running;
}

static double accepted(const struct async_queue *q) {
        return (double)q->accepted;
}

static double done(const struct async_queue *q) {
        return (double)q->done;
}

static double failures(const struct async_queue *q) {
        return (double)q->failures;
}

static double retries(const struct async_queue *q) {
        return (double)q->retries;
}

static double callback_failures(const struct async_queue *q) {
        return (double)q->callback_failures;
}

static const struct family {
        const char *name, *type, *help;
        double (*value)(const struct async_queue *q);
} families[] = {
        { "bramble_async_depth", "gauge",
          "Asynchronous calls that this gateway has and that are not over.", depth },
        { "bramble_async_oldest_seconds", "gauge",
          "For how long it has had the oldest of them, since it was started.", oldest },
        { "bramble_async_running", "gauge", "Those that are being made.", running },
        { "bramble_async_accepted_total", "counter", "Calls that were stored.", accepted },
        { "bramble_async_completed_total", "counter", "Calls that are over.", done },
        { "bramble_async_failures_total", "counter",
          "Calls that are over and whose last attempt failed.", failures },
        { "bramble_async_retries_total", "counter", "Attempts that were followed by another one.",
          retries },
        { "bramble_async_callback_failures_total", "counter",
          "Answers that could not be delivered.", callback_failures },
};

static void print_family(const struct async *a, const struct family *f, struct buf *out) {
        struct async_queue *q, *next;

        metrics_text_family(out, f->name, f->type, f->help);
        list_each(q, next, &a->queues, link) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "queue", q->name);
                metrics_text_sample(out, f->name, &l, f->value(q));
        }
}

void async_metrics(struct gateway *g, struct buf *out) {
        struct async *a = g->async;

        count(a);
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                print_family(a, &families[i], out);
        metrics_text_one(out, "bramble_async_bytes", "gauge",
                         "Bytes of the calls that this gateway has.", (double)a->bytes);
        if (a->keeper->depth)
                metrics_text_one(out, "bramble_async_stream_depth", "gauge",
                                 "Calls in the queue that all gateways share.",
                                 (double)a->keeper->depth(a->keep));
}

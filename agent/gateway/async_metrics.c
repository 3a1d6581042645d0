/* The queue's figures, as Prometheus reads them. */
#include "gateway/async_private.h"

#include "gateway/gateway.h"

#include <inttypes.h>

static unsigned depth_of(const struct async *a, const struct async_queue *q, uint64_t *ret_since) {
        struct async_item *item, *next;
        unsigned n = 0;

        *ret_since = UINT64_MAX;
        list_each(item, next, &a->items, all) {
                if (item->lane->queue != q || item->state == ASYNC_STORING ||
                    item->state == ASYNC_ENDING)
                        continue;
                if (n++ == 0)
                        *ret_since = item->since_ms;
        }
        return n;
}

static void add_depths(const struct async *a, struct buf *out) {
        struct async_queue *q, *next;
        uint64_t now = uv_now(a->g->loop), since;

        (void)buf_add_text(out, "# HELP bramble_async_depth Asynchronous calls that are not over.\n"
                                "# TYPE bramble_async_depth gauge\n");
        list_each(q, next, &a->queues, link)(void) buf_printf(
                out, "bramble_async_depth{queue=\"%s\"} %u\n", q->name, depth_of(a, q, &since));
        (void)buf_add_text(out,
                           "# HELP bramble_async_oldest_seconds Age of the oldest call that is not "
                           "over, since the gateway knows it.\n"
                           "# TYPE bramble_async_oldest_seconds gauge\n");
        list_each(q, next, &a->queues, link) {
                unsigned n = depth_of(a, q, &since);
                uint64_t ms = n > 0 && now > since ? now - since : 0;

                (void)buf_printf(out,
                                 "bramble_async_oldest_seconds{queue=\"%s\"} %" PRIu64 ".%03u\n",
                                 q->name, ms / 1000, (unsigned)(ms % 1000));
        }
        (void)buf_add_text(out, "# HELP bramble_async_running Asynchronous calls being made.\n"
                                "# TYPE bramble_async_running gauge\n");
        list_each(q, next, &a->queues, link)(void)
                buf_printf(out, "bramble_async_running{queue=\"%s\"} %u\n", q->name, q->running);
}

static void add_counters(const struct async *a, struct buf *out) {
        static const struct {
                const char *name, *help;
                size_t offset;
        } counters[] = {
                { "accepted", "Calls that were stored.", offsetof(struct async_queue, accepted) },
                { "completed", "Calls that are over.", offsetof(struct async_queue, done) },
                { "failures", "Calls that were given up.", offsetof(struct async_queue, failures) },
                { "retries", "Attempts after the first one.",
                  offsetof(struct async_queue, retries) },
                { "callback_failures", "Answers that could not be delivered.",
                  offsetof(struct async_queue, callback_failures) },
        };
        struct async_queue *q, *next;

        for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
                (void)buf_printf(out,
                                 "# HELP bramble_async_%s_total %s\n"
                                 "# TYPE bramble_async_%s_total counter\n",
                                 counters[i].name, counters[i].help, counters[i].name);
                list_each(q, next, &a->queues, link) {
                        const char *field = (const char *)q + counters[i].offset;

                        (void)buf_printf(out, "bramble_async_%s_total{queue=\"%s\"} %" PRIu64 "\n",
                                         counters[i].name, q->name,
                                         *(const uint64_t *)(const void *)field);
                }
        }
}

static void add_whole(const struct async *a, struct buf *out) {
        if (a->keeper->depth)
                (void)buf_printf(out,
                                 "# HELP bramble_async_stream_depth Calls in the queue that all "
                                 "gateways share.\n"
                                 "# TYPE bramble_async_stream_depth gauge\n"
                                 "bramble_async_stream_depth %" PRIu64 "\n",
                                 a->keeper->depth(a->keep));
        (void)buf_printf(out,
                         "# HELP bramble_async_bytes Bytes of the calls that are not over.\n"
                         "# TYPE bramble_async_bytes gauge\n"
                         "bramble_async_bytes %" PRIu64 "\n",
                         a->bytes);
}

void async_metrics(struct gateway *g, struct buf *out) {
        const struct async *a = g->async;

        if (!a || !a->keeper)
                return;
        if (a->n_queues > 0) {
                add_depths(a, out);
                add_counters(a, out);
        }
        add_whole(a, out);
}

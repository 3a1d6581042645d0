#include "gateway/async_private.h"

#include "base/str.h"
#include "core/names.h"
#include "gateway/api.h"
#include "gateway/callback.h"
#include "gateway/gateway.h"
#include "gateway/server.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        STALL_MS = 1000,    /* after the keeper failed */
        UNTOLD_MS = 200,    /* until the agent has told what there is: looked at so often */
        PATH_CLIENTS = 256, /* connections of our own calls and callbacks */
};

/* ---- queues and lanes -------------------------------------------------------------------------
 */

static struct async_queue *find_queue(struct async *a, const char *name) {
        struct async_queue *q, *next;

        list_each(q, next, &a->queues, link) if (str_eq(q->name, name)) return q;
        return NULL;
}

/* Names come and go: one that nobody uses makes room, and its counts end with it. */
static void drop_unused_queue(struct async *a) {
        struct async_queue *q, *next;

        list_each(q, next, &a->queues, link) {
                if (q->lanes > 0)
                        continue;
                list_remove(&q->link);
                free(q);
                a->n_queues--;
                return;
        }
}

static struct async_queue *queue_of(struct async *a, const char *name) {
        struct async_queue *q = find_queue(a, name);

        if (q)
                return q;
        if (a->n_queues >= ASYNC_QUEUES)
                drop_unused_queue(a);
        q = calloc(1, sizeof(*q));
        if (!q)
                return NULL;
        (void)str_copy(q->name, sizeof(q->name), name);
        list_append(&a->queues, &q->link);
        a->n_queues++;
        return q;
}

static void use_queue(struct async_lane *lane, struct async_queue *q) {
        if (!q || lane->queue == q)
                return;
        if (lane->queue)
                lane->queue->lanes--;
        lane->queue = q;
        q->lanes++;
}

static void read_policy(struct async_lane *lane, const cJSON *annotations) {
        struct retry_policy policy = retry_default();
        char key[ASYNC_KEY + 16];
        const cJSON *o;

        (void)snprintf(key, sizeof(key), "retry %s", lane->key);

        cJSON_ArrayForEach(o, annotations) {
                struct fail f = { 0 };

                if (cJSON_IsString(o) && o->string &&
                    retry_annotation(&policy, o->string, o->valuestring, &f) == -EINVAL &&
                    log_once(key))
                        log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", lane->name,
                                  "the function '%s' is retried as if it said nothing: %s",
                                  lane->name, fail_text(&f));
        }
        lane->policy = policy;
}

/* What the function's annotations say now.  Where the workers are counted does not change while
 * some are under way. */
static void refresh(struct async *a, struct async_lane *lane) {
        const struct function *fn = functions_find(&a->g->functions, lane->name, lane->namespace);
        const cJSON *annotations;
        const char *name;

        if (!fn)
                return;
        annotations = cJSON_GetObjectItemCaseSensitive(fn->spec, "annotations");
        read_policy(lane, annotations);
        name = json_text(annotations, "com.openfaas.queue", "");
        if (!lane->queue || lane->queue->running == 0)
                use_queue(lane, queue_of(a, names_valid(name) ? name : lane->key));
}

static void lane_free(struct async_lane *lane) {
        list_remove(&lane->link);
        if (lane->queue)
                lane->queue->lanes--;
        free(lane);
}

struct async_lane *async_lane(struct async *a, const char *name, const char *namespace) {
        struct async_lane *lane, *next;

        list_each(lane, next, &a->lanes, link) {
                if (str_eq(lane->name, name) && str_eq(lane->namespace, namespace)) {
                        refresh(a, lane);
                        return lane;
                }
        }
        lane = calloc(1, sizeof(*lane));
        if (!lane)
                return NULL;
        (void)str_copy(lane->name, sizeof(lane->name), name);
        (void)str_copy(lane->namespace, sizeof(lane->namespace), namespace);
        (void)snprintf(lane->key, sizeof(lane->key), "%s.%s", name, namespace);
        list_init(&lane->ready);
        lane->policy = retry_default();
        refresh(a, lane);
        if (!lane->queue)
                use_queue(lane, queue_of(a, lane->key));
        if (!lane->queue) {
                free(lane);
                return NULL;
        }
        list_append(&a->lanes, &lane->link);
        return lane;
}

/* ---- items ------------------------------------------------------------------------------------
 */

struct async_item *async_item_new(struct async *a, struct async_lane *lane, const char *id) {
        struct async_item *item = calloc(1, sizeof(*item));

        if (!item)
                return NULL;
        item->a = a;
        item->lane = lane;
        item->state = ASYNC_STORING;
        item->since_ms = uv_now(a->g->loop);
        (void)str_copy(item->id, sizeof(item->id), id);
        list_init(&item->link);
        list_init(&item->op);
        list_append(&a->items, &item->all);
        a->n_items++;
        lane->n_items++;
        return item;
}

bool async_room(const struct async *a, uint64_t more) {
        return a->memory == 0 || a->memory + more <= GATEWAY_ASYNC_MEMORY;
}

void async_hold(struct async_item *item) {
        if (item->counted)
                return;
        item->counted = true;
        item->a->memory += item->bytes;
}

void async_drop_request(struct async_item *item) {
        buf_done(&item->request);
        if (item->counted)
                item->a->memory -= item->bytes;
        item->counted = false;
}

bool async_take_slot(struct async_item *item) {
        struct async *a = item->a;
        struct async_queue *q = item->lane->queue;

        if (a->stopping || !a->g->had_state || uv_now(a->g->loop) < a->stalled_ms ||
            a->n_callbacks >= GATEWAY_ASYNC_CALLBACKS || a->running >= GATEWAY_ASYNC_RUNNING ||
            q->running >= a->options.workers || (!item->counted && !async_room(a, item->bytes)))
                return false;
        item->slot = true;
        q->running++;
        a->running++;
        return true;
}

void async_leave_slot(struct async_item *item) {
        if (!item->slot)
                return;
        item->slot = false;
        item->lane->queue->running--;
        item->a->running--;
}

void async_item_free(struct async_item *item) {
        struct async *a = item->a;
        struct async_lane *lane = item->lane;

        async_leave_slot(item);
        async_drop_request(item);
        list_remove(&item->link);
        list_remove(&item->all);
        list_remove(&item->op);
        a->n_items--;
        a->bytes -= item->bytes;
        if (--lane->n_items == 0)
                lane_free(lane);
        free(item->reply);
        free(item);
}

void async_ready(struct async_item *item) {
        item->state = ASYNC_READY;
        list_remove(&item->link);
        list_append(&item->lane->ready, &item->link);
}

/* Keeps 'later' in order of time; most waits are as long as the last one. */
void async_wait(struct async_item *item, uint64_t wait_usec) {
        struct async *a = item->a;
        struct list *before = a->later.prev;

        item->state = ASYNC_LATER;
        item->due_ms = uv_now(a->g->loop) + wait_usec / USEC_PER_MSEC;
        while (before != &a->later &&
               container_of(before, struct async_item, link)->due_ms > item->due_ms)
                before = before->prev;
        list_remove(&item->link);
        list_append(before->next, &item->link); /* in front of what follows */
}

/* ---- who is next ------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer) {
        async_dispatch(container_of(timer, struct async, timer));
}

static void arm(struct async *a) {
        uint64_t now = uv_now(a->g->loop), at = UINT64_MAX;

        if (a->stopping || a->n_items == 0)
                return;
        if (!list_empty(&a->later))
                at = container_of(a->later.next, struct async_item, link)->due_ms;
        if (!a->g->had_state && at > now + UNTOLD_MS)
                at = now + UNTOLD_MS;
        if (a->stalled_ms > now && at > a->stalled_ms)
                at = a->stalled_ms;
        if (at != UINT64_MAX)
                (void)uv_timer_start(&a->timer, on_timer, at > now ? at - now : 1, 0);
}

static void wake_due(struct async *a) {
        uint64_t now = uv_now(a->g->loop);

        while (!list_empty(&a->later)) {
                struct async_item *item = container_of(a->later.next, struct async_item, link);

                if (item->due_ms > now)
                        break;
                async_ready(item);
        }
}

static void begin(struct async_item *item) {
        struct async *a = item->a;

        list_remove(&item->link);
        item->state = ASYNC_BEGINNING;
        item->attempts++;
        a->ops++;
        a->keeper->begin(a->keep, item);
}

/* One call of the lane, if it has one that may begin.  The lane goes behind the others. */
static bool begin_one(struct async *a, struct async_lane *lane) {
        struct async_item *item;

        if (list_empty(&lane->ready))
                return false;
        refresh(a, lane);
        item = container_of(lane->ready.next, struct async_item, link);
        if (!async_take_slot(item))
                return false;
        list_remove(&lane->link);
        list_append(&a->lanes, &lane->link);
        begin(item);
        return true;
}

void async_dispatch(struct async *a) {
        struct async_lane *lane, *next;
        bool some = true;

        if (a->stopping || a->dispatching)
                return;
        a->dispatching = true;
        wake_due(a);
        while (some && a->g->had_state) {
                unsigned most = a->n_items; /* lanes that began are behind: not seen for ever */

                some = false;
                list_each(lane, next, &a->lanes, link) {
                        if (most-- == 0)
                                break;
                        some = begin_one(a, lane) || some;
                }
        }
        a->dispatching = false;
        if (a->keeper->want && a->g->had_state)
                a->keeper->want(a->keep, a->n_items < GATEWAY_ASYNC_RUNNING
                                                 ? GATEWAY_ASYNC_RUNNING - a->n_items
                                                 : 0);
        arm(a);
}

/* ---- the keeper's answers ---------------------------------------------------------------------
 */

void async_check_stopped(struct async *a) {
        if (!a->stopping || a->closing || a->ops > 0 || a->running > 0 || a->n_callbacks > 0)
                return;
        a->closing = true;
        a->keeper->close(a->keep);
        callbacks_close(take_ptr(a->callbacks));
        uv_close((uv_handle_t *)&a->timer, NULL);
        if (a->server)
                server_stop(a->server, NULL);
        if (a->server)
                server_abort(a->server);
        if (a->stopped)
                a->stopped(a->stopped_arg);
}

static void op_over(struct async *a) {
        a->ops--;
        async_dispatch(a);
        async_check_stopped(a);
}

static void stall(struct async *a) {
        a->stalled_ms = uv_now(a->g->loop) + STALL_MS;
}

void async_stored(struct async_item *item, int error) {
        struct async *a = item->a;
        struct async_post *post = item->post;

        item->post = NULL;
        if (error == 0)
                item->lane->queue->accepted++;
        if (error < 0 || a->keeper->shared) {
                async_item_free(item);
        } else if (item->slot) {
                item->attempts = 1;
                item->state = ASYNC_RUNNING;
                async_run_start(item);
        } else {
                async_drop_request(item);
                async_ready(item);
        }
        if (post)
                async_post_done(post, error);
        op_over(a);
}

void async_begun(struct async_item *item, int error) {
        struct async *a = item->a;

        if (error == -ENOENT) { /* it was taken away behind our back */
                async_item_free(item);
        } else if (error < 0) {
                item->attempts--;
                async_leave_slot(item);
                stall(a);
                item->state = ASYNC_READY;
                list_append(item->lane->ready.next, &item->link); /* it was the first, and is */
        } else {
                async_hold(item);
                item->state = ASYNC_RUNNING;
                async_run_start(item);
        }
        op_over(a);
}

void async_postponed(struct async_item *item) {
        struct async *a = item->a;

        async_wait(item, item->wait_usec);
        op_over(a);
}

void async_forget(struct async_item *item) {
        struct async *a = item->a;

        async_item_free(item);
        op_over(a);
}

void async_ended(struct async_item *item) {
        struct async *a = item->a;
        struct api_request *cancel = item->cancel;

        async_item_free(item);
        if (cancel) {
                cancel->state = NULL;
                api_reply_empty(cancel, 202, "");
        }
        op_over(a);
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

/* Our own calls come by a listener of their own, so that they need no TLS, and neither take the
 * places of clients nor wait for one. */
static int open_path(struct async *a, struct fail *f) {
        struct replica *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return fail(f, -ENOMEM, "out of memory");
        r = server_open(a->g, "127.0.0.1", 0, PATH_CLIENTS, api_handle, &a->server, f);
        if (r < 0) {
                free(self);
                return r;
        }
        *self = (struct replica){ .refs = 1, .local = true, .ready = true };
        (void)uv_ip4_addr("127.0.0.1", server_port(&a->server->plain), &self->address.v4);
        list_init(&self->idle);
        a->self = self;
        return 0;
}

int async_open(struct gateway *g, const struct async_options *o, struct async **ret,
               struct fail *f) {
        struct async *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return fail(f, -ENOMEM, "out of memory");
        *a = (struct async){ .g = g, .options = *o };
        list_init(&a->lanes);
        list_init(&a->queues);
        list_init(&a->items);
        list_init(&a->later);
        *ret = a; /* also on failure: handles have to be closed on the loop */
        (void)uv_timer_init(g->loop, &a->timer);
        r = open_path(a, f);
        if (r < 0)
                return r;
        r = o->queue.nats ? async_nats_open(a, f) : async_file_open(a, f);
        if (r == 0)
                async_dispatch(a);
        return r;
}

void async_stop(struct async *a, void (*stopped)(void *arg), void *arg) {
        a->stopping = true;
        a->stopped = stopped;
        a->stopped_arg = arg;
        (void)uv_timer_stop(&a->timer);
        async_check_stopped(a);
}

void async_abort(struct async *a) {
        struct async_item *item, *next;

        a->aborted = true;
        if (a->closing)
                return;
        callbacks_close(take_ptr(a->callbacks));
        a->n_callbacks = 0;
        list_each(item, next, &a->items, all) if (item->run) async_run_abort(item->run);
        async_check_stopped(a);
}

void async_free(struct async *a) {
        struct async_item *item, *next;
        struct async_queue *q, *next_queue;

        if (!a)
                return;
        list_each(item, next, &a->items, all) async_item_free(item);
        list_each(q, next_queue, &a->queues, link) free(q);
        if (a->keeper)
                a->keeper->free(a->keep);
        if (a->self)
                replica_unref(a->self);
        server_free(a->server);
        free(a);
}

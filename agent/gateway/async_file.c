/* The keeper that stores calls in a file of this board.  All that waits while the card is busy goes
 * into the next transaction, so that one fsync serves them all; they are made on libuv's pool, one
 * at a time, and the loop never waits. */
#include "gateway/async_private.h"

#include "base/str.h"
#include "core/route.h"
#include "gateway/gateway.h"
#include "io/call_store.h"
#include "io/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        BATCH_OPS = 256,
        END_WAIT_MS = 100, /* ends alone wait so long for company: fewer writes to the card */
        AGAIN_MS = 1000,   /* after a failure */
};

enum op_kind { OP_PUT, OP_BEGIN, OP_LATER, OP_END };

struct keeper {
        struct async *a;
        char path[ASYNC_QUEUE_BYTES];
        struct call_store *store; /* NULL until the first call */
        struct list waiting;      /* items by 'op' */
        bool urgent;              /* somebody waits for one of them */
        struct list batch;        /* those that the pool has */
        bool busy, closing;
        uv_work_t work;
        uv_timer_t timer;
        uint64_t seq;     /* of the last call */
        uint64_t hold_ms; /* nothing is tried before */
        int error;        /* of the batch */
        struct fail fail;
        bool failing;
};

/* ---- on the pool ------------------------------------------------------------------------------
 */

static int put(struct call_store *s, const struct async_item *item, struct fail *f) {
        struct call_stored c = {
                .seq = item->seq,
                .id = item->id,
                .function = item->lane->key,
                .attempts = item->slot,
                .begun = item->slot,
                .bytes = item->request.len,
        };

        return call_store_put(s, &c, item->request.data, f);
}

static int apply(struct call_store *s, struct async_item *item, struct fail *f) {
        switch ((enum op_kind)item->op_kind) {
        case OP_PUT:
                return put(s, item, f);
        case OP_BEGIN:
                return call_store_attempt(s, item->seq, item->attempts,
                                          item->request.len > 0 ? NULL : &item->request, f);
        case OP_LATER:
                return call_store_later(s, item->seq, item->wait_usec, f);
        case OP_END:
                return call_store_remove(s, item->seq, f);
        }
        return -EINVAL;
}

static int run_batch(struct keeper *k, struct fail *f) {
        struct async_item *item, *next;
        int r = k->store ? 0 : call_store_open(k->path, &k->store, f);

        if (r == 0)
                r = call_store_begin(k->store, f);
        if (r < 0)
                return r;
        list_each(item, next, &k->batch, op) {
                r = apply(k->store, item, f);
                item->op_error = r == -ENOENT ? r : 0;
                if (r < 0 && r != -ENOENT) {
                        call_store_rollback(k->store);
                        return r;
                }
        }
        f->error = 0;
        f->text[0] = '\0';
        return call_store_commit(k->store, f);
}

static void on_work(uv_work_t *work) {
        struct keeper *k = container_of(work, struct keeper, work);

        k->error = run_batch(k, &k->fail);
}

/* ---- on the loop ------------------------------------------------------------------------------
 */

static void pump(struct keeper *k);

static void on_worked(uv_work_t *work, int status);

static void on_timer(uv_timer_t *timer) {
        struct keeper *k = container_of(timer, struct keeper, timer);

        k->urgent = true;
        pump(k);
}

static void start_batch(struct keeper *k) {
        for (unsigned n = 0; n < BATCH_OPS && !list_empty(&k->waiting); n++) {
                struct list *first = k->waiting.next;

                list_remove(first);
                list_append(&k->batch, first);
        }
        k->urgent = !list_empty(&k->waiting);
        k->fail = (struct fail){ 0 };
        k->busy = uv_queue_work(k->a->g->loop, &k->work, on_work, on_worked) == 0;
        assert(k->busy); /* fails only without a function to call */
}

static void pump(struct keeper *k) {
        uint64_t now = uv_now(k->a->g->loop);

        if (k->busy || k->closing || list_empty(&k->waiting))
                return;
        if (now < k->hold_ms)
                (void)uv_timer_start(&k->timer, on_timer, k->hold_ms - now, 0);
        else if (k->urgent || k->a->stopping)
                start_batch(k);
        else if (!uv_is_active((uv_handle_t *)&k->timer))
                (void)uv_timer_start(&k->timer, on_timer, END_WAIT_MS, 0);
}

static void done(struct async_item *item, int error) {
        switch ((enum op_kind)item->op_kind) {
        case OP_PUT:
                async_stored(item, error);
                break;
        case OP_BEGIN:
                async_begun(item, error);
                break;
        case OP_LATER:
                async_postponed(item);
                break;
        case OP_END:
                async_ended(item);
                break;
        }
}

/* What nobody waits for is tried again, until it is done or we are to end: then the call is made
 * once more, and marked, after the next start. */
static bool is_kept(const struct async_item *item) {
        return item->op_kind == OP_LATER || item->op_kind == OP_END;
}

static void tell(struct keeper *k) {
        if (k->error < 0 && !k->failing)
                log_error("the queue %s cannot be written, calls are refused until it can: %s",
                          k->path, fail_text(&k->fail));
        else if (k->error == 0 && k->failing)
                log_notice("the queue %s can be written again", k->path);
        k->failing = k->error < 0;
}

static void on_worked(uv_work_t *work, int status) {
        struct keeper *k = container_of(work, struct keeper, work);
        struct list batch;

        (void)status;
        k->busy = false;
        tell(k);
        if (k->error < 0)
                k->hold_ms = uv_now(k->a->g->loop) + AGAIN_MS;
        list_init(&batch);
        while (!list_empty(&k->batch)) {
                struct list *first = k->batch.next;

                list_remove(first);
                list_append(&batch, first);
        }
        while (!list_empty(&batch)) {
                struct async_item *item = container_of(batch.next, struct async_item, op);

                list_remove(&item->op);
                if (k->error < 0 && is_kept(item) && !k->a->aborted)
                        list_append(&k->waiting, &item->op);
                else
                        done(item, k->error < 0 ? k->error : item->op_error);
        }
        pump(k);
}

static void queue_op(struct keeper *k, struct async_item *item, enum op_kind kind) {
        item->op_kind = kind;
        list_append(&k->waiting, &item->op);
        if (kind == OP_PUT || kind == OP_BEGIN || item->cancel)
                k->urgent = true;
        pump(k);
}

/* A card that has just failed fails those who come now at once, but from the loop: as a batch of
 * its own, which is tried when the time has come.  Their clients wait no longer than that. */
static void keep_put(void *keeper, struct async_item *item) {
        struct keeper *k = keeper;

        item->seq = ++k->seq;
        queue_op(k, item, OP_PUT);
}

static void keep_begin(void *keeper, struct async_item *item) {
        queue_op(keeper, item, OP_BEGIN);
}

static void keep_later(void *keeper, struct async_item *item, uint64_t wait_usec) {
        item->wait_usec = wait_usec;
        queue_op(keeper, item, OP_LATER);
}

static void keep_end(void *keeper, struct async_item *item) {
        queue_op(keeper, item, OP_END);
}

static void keep_close(void *keeper) {
        struct keeper *k = keeper;

        k->closing = true;
        uv_close((uv_handle_t *)&k->timer, NULL);
}

static void keep_free(void *keeper) {
        struct keeper *k = keeper;

        call_store_close(k->store);
        free(k);
}

static const struct async_keeper file_keeper = {
        .put = keep_put,
        .begin = keep_begin,
        .later = keep_later,
        .end = keep_end,
        .close = keep_close,
        .free = keep_free,
};

/* ---- opening ----------------------------------------------------------------------------------
 */

static bool on_stored(void *arg, const struct call_stored *c) {
        struct keeper *k = arg;
        struct http_text text = { c->function, strlen(c->function) };
        struct route_function path;
        struct async_lane *lane;
        struct async_item *item;

        if (c->seq > k->seq)
                k->seq = c->seq;
        if (route_function(&text, &path) < 0 || strlen(c->id) > HTTP_FORWARD_ID_MAX)
                return true;
        lane = async_lane(k->a, path.name, path.namespace);
        item = lane ? async_item_new(k->a, lane, c->id) : NULL;
        if (!item)
                return false;
        item->seq = c->seq;
        item->attempts = c->attempts;
        item->bytes = c->bytes;
        k->a->bytes += c->bytes;
        item->wait_usec = c->begun ? 0 : c->wait_usec;
        if (item->wait_usec > 0)
                async_wait(item, item->wait_usec);
        else
                async_ready(item);
        return true;
}

/* A damaged file is put aside, for a person to look at; the gateway goes on without it. */
static int put_aside(struct keeper *k, struct fail *f) {
        char aside[ASYNC_QUEUE_BYTES + 16], log[ASYNC_QUEUE_BYTES + 16];

        call_store_close(take_ptr(k->store));
        (void)snprintf(aside, sizeof(aside), "%s.damaged", k->path);
        (void)snprintf(log, sizeof(log), "%s-wal", k->path);
        if (rename(k->path, aside) < 0)
                return fail(f, -errno, "%s is damaged and cannot be renamed: %s", k->path,
                            strerror(errno));
        (void)unlink(log);
        log_error("the queue %s is damaged: the calls in it are lost; it is kept as %s", k->path,
                  aside);
        return 0;
}

static int load(struct keeper *k, struct fail *f) {
        struct fail why = { 0 };
        int r;

        if (access(k->path, F_OK) < 0)
                return 0;
        r = call_store_open(k->path, &k->store, &why);
        if (r == 0)
                r = call_store_load(k->store, on_stored, k, &why);
        if (r == -EBADMSG)
                return put_aside(k, f);
        if (r == -EBUSY)
                return fail(f, r, "the queue %s is in use by another gateway", k->path);
        return r < 0 ? fail(f, r, "cannot open the queue %s: %s", k->path, fail_text(&why)) : 0;
}

static void choose_path(struct keeper *k, const struct async_queue_url *url) {
        const char *dir = getenv("STATE_DIRECTORY"); /* systemd's */

        if (url->path[0])
                (void)str_copy(k->path, sizeof(k->path), url->path);
        else
                (void)snprintf(k->path, sizeof(k->path), "%.200s/calls.db",
                               dir && dir[0] ? dir : "/var/lib/bramble-gateway");
}

int async_file_open(struct async *a, struct fail *f) {
        struct keeper *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return fail(f, -ENOMEM, "out of memory");
        k->a = a;
        list_init(&k->waiting);
        list_init(&k->batch);
        (void)uv_timer_init(a->g->loop, &k->timer);
        choose_path(k, &a->options.queue);
        a->keep = k;
        a->keeper = &file_keeper;
        r = load(k, f);
        if (r == 0 && a->n_items > 0)
                log_info("%u asynchronous calls are waiting from before", a->n_items);
        return r;
}

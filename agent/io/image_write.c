#include "io/image_write.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/image_room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        PIECE_BYTES = 256 * 1024, /* one message */
        DYING_MS = 10 * 1000,
        PATIENCE_MS = 180 * 1000, /* a card may stall for long; a dead disk does for ever */
};

enum writer_state { OPENING, WRITING, COMMITTING, ADOPTING, OVER, DYING };

struct image_writer {
        struct image_caller *k;
        struct list link; /* image_caller.dying */
        struct grpc_call *call;
        enum writer_state state;
        bool full;        /* containerd has to catch up: the patience runs */
        int error;        /* of a write that failed here */
        uint64_t size;    /* as announced; 0: not known */
        uint64_t offset;  /* bytes written */
        uint64_t adopted; /* bytes that containerd had already, in another namespace */
        const struct image_writer_ops *ops;
        void *arg;
        char expected[SIZE_DIGEST];
        char ref[80];
        struct containers *c;
        char lease[48]; /* DYING: to be given back for a caller that is gone */
};

static void abort_ingest(struct image_writer *w);

/* The state that a callback finds is the one that it may free the writer in: nothing follows. */
static void over(struct image_writer *w, int result, const char *why) {
        enum writer_state was = w->state;

        w->state = OVER;
        (void)uv_timer_stop(w->k->timer);
        if (result == 0 && was == ADOPTING)
                w->ops->ready(w->arg, true);
        else if (result == 0 && was != COMMITTING)
                w->ops->done(w->arg, -EPROTO, "containerd ended a transfer before its end");
        else
                w->ops->done(w->arg, result, why);
}

static void ended(void *arg, int result, const char *why) {
        struct image_writer *w = arg;

        w->call = NULL;
        if (w->state == DYING)
                abort_ingest(w);
        else if (result == -EEXIST && w->state == OPENING) {
                w->state = ADOPTING;
                over(w, 0, "");
        } else if (result == -EEXIST && (w->state == COMMITTING || w->state == ADOPTING))
                over(w, 0, ""); /* somebody else was faster */
        else if (result == -EBUSY && w->state == COMMITTING)
                over(w, -EBADMSG, "the bytes do not fit their digest or size");
        else
                over(w, image_errno(result, why), why);
}

static void given_up(uv_timer_t *timer) {
        struct image_writer *w = timer->data;

        grpc_cancel(take_ptr(w->call));
        over(w, -ETIMEDOUT, "containerd does not take the data of an image");
}

static void failed_early(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_writer *w = arg;

        (void)reply;
        over(w, result, why);
}

static void watch(struct image_writer *w) {
        w->k->timer->data = w;
        (void)uv_timer_start(w->k->timer, given_up, PATIENCE_MS, 0);
}

static int send_message(struct image_writer *w, Ctr__ContentWriteRequest *m) {
        m->offset = (int64_t)w->offset;
        if (m->action == CTR__WRITE_ACTION__WRITE_COMMIT && w->state == ADOPTING)
                m->offset = (int64_t)w->adopted;
        return grpc_send(w->call, &m->base);
}

/* An error of our own side is told like containerd's: from the loop. */
static int broken(struct image_writer *w, int error) {
        w->error = error;
        grpc_cancel(take_ptr(w->call));
        image_call_later(w->k, error, failed_early, w);
        return error;
}

static void finish(struct image_writer *w, uint64_t total) {
        Ctr__ContentWriteRequest m = CTR__CONTENT_WRITE_REQUEST__INIT;
        int r;

        m.action = CTR__WRITE_ACTION__WRITE_COMMIT;
        m.total = (int64_t)total;
        m.expected = w->expected;
        r = send_message(w, &m);
        if (r < 0 && r != -EAGAIN) {
                (void)broken(w, r);
                return;
        }
        grpc_send_end(w->call);
        watch(w);
}

static void message(void *arg, const ProtobufCMessage *message) {
        const Ctr__ContentWriteResponse *m = (const void *)message;
        struct image_writer *w = arg;
        struct fail f = { 0 };
        int r;

        if (w->state != OPENING || w->error < 0)
                return;
        (void)uv_timer_stop(w->k->timer);
        /* Another namespace has it: the store begins with all of its bytes (the name of this
         * transfer is new, so they can come from nowhere else). */
        if (m->offset > 0 && w->expected[0]) {
                w->state = ADOPTING;
                w->adopted = (uint64_t)m->offset;
                finish(w, w->adopted);
                return;
        }
        r = image_room_check(w->k, w->size, &f);
        if (r < 0) {
                over(w, r, f.text);
                return;
        }
        w->state = WRITING;
        w->ops->ready(w->arg, false);
}

static void writable(void *arg) {
        struct image_writer *w = arg;

        if (w->state != WRITING || !w->full)
                return;
        w->full = false;
        (void)uv_timer_stop(w->k->timer);
        w->ops->drained(w->arg);
}

struct image_writer *image_writer_new(struct image_caller *k, const char *expected, uint64_t size,
                                      const struct image_writer_ops *ops, void *arg) {
        static const struct grpc_stream_ops stream = { .message = message,
                                                       .writable = writable,
                                                       .done = ended };
        Ctr__ContentWriteRequest m = CTR__CONTENT_WRITE_REQUEST__INIT;
        struct image_writer *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return NULL;
        w->k = k;
        w->c = k->c;
        w->size = size;
        w->ops = ops;
        w->arg = arg;
        if (expected)
                (void)str_copy(w->expected, sizeof(w->expected), expected);
        image_ref(k, w->ref);
        r = grpc_stream(k->c->grpc, &ctr_content_write, image_headers(k), &stream, w, &w->call);
        if (r < 0) {
                w->call = NULL;
                (void)broken(w, r);
                return w;
        }
        m.action = CTR__WRITE_ACTION__WRITE_STAT;
        m.ref = w->ref;
        m.total = (int64_t)size;
        m.expected = w->expected;
        r = send_message(w, &m);
        if (r < 0 && r != -EAGAIN)
                (void)broken(w, r);
        else
                watch(w);
        return w;
}

int image_writer_write(struct image_writer *w, const void *data, size_t len) {
        const uint8_t *p = data;
        int r = 0;

        if (w->error < 0)
                return w->error;
        /* Over: containerd ended it while these bytes were on the way; 'done' was called. */
        if (w->state != WRITING)
                return -EPIPE;
        while (len > 0) {
                Ctr__ContentWriteRequest m = CTR__CONTENT_WRITE_REQUEST__INIT;
                size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;

                m.action = CTR__WRITE_ACTION__WRITE_WRITE;
                m.data.data = (uint8_t *)p;
                m.data.len = n;
                r = send_message(w, &m);
                if (r < 0 && r != -EAGAIN)
                        return broken(w, r);
                p += n;
                len -= n;
                w->offset += n;
        }
        if (r == -EAGAIN && !w->full) {
                w->full = true;
                watch(w);
        }
        return w->full ? -EAGAIN : 0;
}

void image_writer_commit(struct image_writer *w) {
        if (w->error < 0 || w->state != WRITING)
                return;
        w->state = COMMITTING;
        finish(w, w->offset);
}

uint64_t image_writer_size(const struct image_writer *w) {
        return w->offset;
}

/* --- the end --- */

void image_writer_free(struct image_writer *w) {
        if (!w)
                return;
        if (w->state != OVER)
                (void)uv_timer_stop(w->k->timer);
        if (!w->call) {
                free(w);
                return;
        }
        /* A cancelled call would leave containerd writing its notes into a folder that the
         * collector is just removing. */
        w->state = DYING;
        list_append(&w->k->dying, &w->link);
        grpc_send_end(w->call);
}

static void died(struct image_writer *w) {
        struct image_caller *k = w->k;

        list_remove(&w->link);
        if (w->lease[0])
                image_lease_drop(w->c, w->lease);
        free(w);
        if (k && k->buried && list_empty(&k->dying)) {
                void (*buried)(struct image_caller *) = take_ptr(k->buried);

                (void)uv_timer_stop(k->timer);
                buried(k);
        }
}

static void aborted(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_writer *w = arg;

        (void)result;
        (void)why;
        (void)reply;
        w->call = NULL;
        died(w);
}

/* The collector would find what was written too, but it gives up in a store that never held a blob,
 * and then nobody knows any more that it is there. */
static void abort_ingest(struct image_writer *w) {
        Ctr__ContentAbortRequest request = CTR__CONTENT_ABORT_REQUEST__INIT;

        request.ref = w->ref;
        if (grpc_unary(w->c->grpc, &ctr_content_abort, NULL, &request.base, aborted, w, &w->call) <
            0) {
                w->call = NULL;
                died(w);
        }
}

/* Containerd does not let go: then it has to be let go of. */
static void bury_alive(uv_timer_t *timer) {
        struct image_caller *k = timer->data;

        while (!list_empty(&k->dying)) {
                struct image_writer *w = container_of(k->dying.next, struct image_writer, link);

                grpc_cancel(take_ptr(w->call));
                died(w);
        }
}

void image_writers_wait(struct image_caller *k, void (*done)(struct image_caller *k)) {
        if (list_empty(&k->dying)) {
                done(k);
                return;
        }
        k->buried = done;
        k->timer->data = k;
        (void)uv_timer_start(k->timer, bury_alive, DYING_MS, 0);
}

bool image_writers_inherit(struct image_caller *k) {
        struct image_writer *w, *next;
        bool any = !list_empty(&k->dying);

        list_each(w, next, &k->dying, link) {
                list_remove(&w->link);
                w->k = NULL;
                if (&next->link == &k->dying)
                        (void)str_copy(w->lease, sizeof(w->lease), k->lease);
        }
        return any;
}

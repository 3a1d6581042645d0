#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/image_call.h"

#include <errno.h>
#include <string.h>

enum { PIECE_BYTES = 64 * 1024 };

struct image_read {
        struct image_caller k;
        bool (*chunk)(void *arg, const void *data, size_t len);
        container_cb done;
        void *arg;
        struct grpc_call *call;
        struct buf rest; /* of a message that was not yet wanted */
        bool paused;
        bool ended; /* containerd's side; 'result' and 'why' */
        bool busy;  /* in chunk(): it may pause, resume or cancel */
        bool cancelled;
        int result;
        char why[320];
};

static void read_free(struct image_read *r) {
        grpc_cancel(take_ptr(r->call));
        image_caller_done(&r->k);
        buf_done(&r->rest);
        free(r);
}

static void finish(struct image_read *r, int result, const char *why) {
        container_cb done = r->done;
        void *arg = r->arg;
        char text[sizeof(r->why)];

        (void)str_copy(text, sizeof(text), why);
        read_free(r);
        done(arg, result, text);
}

/* Hands on pieces until it is told to stop.  Returns how many bytes; -1: 'r' is gone. */
static ssize_t hand_on(struct image_read *r, const uint8_t *data, size_t len) {
        size_t at = 0;
        bool more = true;

        r->busy = true;
        while (more && at < len && !r->paused && !r->cancelled) {
                size_t n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;

                more = r->chunk(r->arg, data + at, n);
                at += n;
        }
        r->busy = false;
        if (r->cancelled) {
                read_free(r);
                return -1;
        }
        if (!more) {
                finish(r, -ECANCELED, "nobody wants the rest");
                return -1;
        }
        return (ssize_t)at;
}

/* What is left over, then the end. */
static void go_on(struct image_read *r) {
        if (r->rest.len > 0) {
                ssize_t n = hand_on(r, (const uint8_t *)r->rest.data, r->rest.len);

                if (n < 0)
                        return;
                buf_consume(&r->rest, (size_t)n);
        }
        if (r->paused || r->rest.len > 0)
                return;
        if (!r->ended) {
                grpc_resume(r->call);
                return;
        }
        if (r->result == 0) {
                r->busy = true;
                (void)r->chunk(r->arg, NULL, 0);
                r->busy = false;
                if (r->cancelled) {
                        read_free(r);
                        return;
                }
        }
        finish(r, r->result, r->why);
}

static void message(void *arg, const ProtobufCMessage *message) {
        const Ctr__ContentReadResponse *m = (const void *)message;
        struct image_read *r = arg;
        ssize_t n = 0;

        if (r->rest.len == 0)
                n = hand_on(r, m->data.data, m->data.len);
        if (n < 0 || (size_t)n == m->data.len)
                return;
        if (buf_add(&r->rest, m->data.data + n, m->data.len - (size_t)n) < 0)
                finish(r, -ENOMEM, "no memory");
}

static void ended(void *arg, int result, const char *why) {
        struct image_read *r = arg;

        r->call = NULL;
        r->ended = true;
        r->result = result;
        (void)str_copy_n(r->why, sizeof(r->why), why, strnlen(why, sizeof(r->why) - 1));
        go_on(r);
}

static void begun(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        static const struct grpc_stream_ops ops = { .message = message, .done = ended };
        Ctr__ContentReadRequest request = CTR__CONTENT_READ_REQUEST__INIT;
        const Ctr__ContentInfoResponse *info = (const Ctr__ContentInfoResponse *)reply;
        struct image_read *r = arg;

        if (result < 0) {
                finish(r, result, why);
                return;
        }
        result = grpc_stream(r->k.c->grpc, &ctr_content_read, NULL, &ops, r, &r->call);
        if (result < 0)
                r->call = NULL;
        request.digest = info->info->digest;
        if (result == 0)
                result = grpc_send(r->call, &request.base);
        if (result < 0 && result != -EAGAIN) {
                finish(r, result, "containerd does not answer");
                return;
        }
        grpc_send_end(r->call);
        if (r->paused)
                grpc_pause(r->call);
}

int image_read(struct containers *c, const char *digest,
               bool (*chunk)(void *arg, const void *data, size_t len), container_cb done, void *arg,
               struct image_read **ret) {
        Ctr__ContentInfoRequest request = CTR__CONTENT_INFO_REQUEST__INIT;
        struct image_read *r;
        int error;

        if (!image_digest_valid(digest))
                return -EINVAL;
        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        error = image_caller_init(&r->k, c);
        if (error < 0) {
                free(r);
                return error;
        }
        r->chunk = chunk;
        r->done = done;
        r->arg = arg;
        request.digest = (char *)digest;
        image_call(&r->k, &ctr_content_info, &request.base, begun, r);
        *ret = r;
        return 0;
}

void image_read_pause(struct image_read *r) {
        r->paused = true;
        if (r->call)
                grpc_pause(r->call);
}

static void resumed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_read *r = arg;

        (void)result;
        (void)why;
        (void)reply;
        if (!r->paused)
                go_on(r);
}

void image_read_resume(struct image_read *r) {
        if (!r->paused)
                return;
        r->paused = false;
        /* From the loop: whoever resumes need not expect a chunk from within. */
        if (r->call || r->ended)
                image_call_later(&r->k, 0, resumed, r);
}

void image_read_cancel(struct image_read *r) {
        if (r->busy)
                r->cancelled = true;
        else
                read_free(r);
}

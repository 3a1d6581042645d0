#include "io/image_call.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/image_json.h"
#include "io/image_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct image_state *image_state(struct containers *c) {
        struct image_state *s = c->images;

        if (s)
                return s;
        s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;
        list_init(&s->leases);
        s->seed = uv_hrtime();
        c->images = s;
        return s;
}

void image_state_free(struct image_state *s) {
        free(s);
}

int image_errno(int result, const char *why) {
        return result == -EIO && why && strstr(why, "no space left") ? -ENOSPC : result;
}

void image_ref(struct image_caller *k, char ret[static 80]) {
        (void)snprintf(ret, 80, "%s-%" PRIu64, k->lease, k->n_refs++);
}

static void timer_free(uv_handle_t *h) {
        free(h);
}

int image_caller_init(struct image_caller *k, struct containers *c) {
        uv_timer_t *timer;
        int r;

        if (!grpc_up(c->grpc))
                return -ENOTCONN;
        timer = malloc(sizeof(*timer));
        if (!timer || !image_state(c)) {
                free(timer);
                return -ENOMEM;
        }
        r = uv_timer_init(c->loop, timer);
        if (r < 0) {
                free(timer);
                return r;
        }
        *k = (struct image_caller){ .c = c, .timer = timer };
        k->bytes.limit = IMAGE_JSON_BYTES;
        list_init(&k->link);
        list_init(&k->dying);
        return 0;
}

void image_caller_done(struct image_caller *k) {
        if (!k->c)
                return;
        grpc_cancel(take_ptr(k->call));
        /* The collector must not sweep below a writer that containerd has not yet closed. */
        if (!image_writers_inherit(k) && k->lease[0])
                image_lease_drop(k->c, k->lease);
        list_remove(&k->link);
        uv_close((uv_handle_t *)k->timer, timer_free);
        buf_done(&k->bytes);
        free(take_ptr(k->scratch));
        k->c = NULL;
}

static void deferred(uv_timer_t *timer) {
        struct image_caller *k = timer->data;

        k->reply(k->reply_arg, k->error,
                 k->error == -ENOTCONN ? "containerd does not answer" : strerror(-k->error), NULL);
}

void image_call_later(struct image_caller *k, int error, grpc_reply_cb done, void *arg) {
        k->error = error;
        k->reply = done;
        k->reply_arg = arg;
        k->timer->data = k;
        (void)uv_timer_start(k->timer, deferred, 0, 0); /* fails only for a closing handle */
}

const struct grpc_header *image_headers(const struct image_caller *k) {
        return k->lease[0] ? k->headers : NULL;
}

static void replied(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_caller *k = arg;

        k->call = NULL;
        (void)uv_timer_stop(k->timer); /* somebody may have watched */
        k->reply(k->reply_arg, image_errno(result, why), why, reply);
}

void image_call(struct image_caller *k, const struct grpc_method *method,
                const ProtobufCMessage *request, grpc_reply_cb done, void *arg) {
        int r;

        k->reply = done;
        k->reply_arg = arg;
        r = grpc_unary(k->c->grpc, method, image_headers(k), request, replied, k, &k->call);
        if (r < 0) {
                k->call = NULL;
                image_call_later(k, r, done, arg);
        }
}

static void nobody(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)arg;
        (void)result;
        (void)why;
        (void)reply;
}

void image_call_blind(struct containers *c, const struct grpc_method *method,
                      const ProtobufCMessage *request) {
        (void)grpc_unary(c->grpc, method, NULL, request, nobody, NULL, NULL);
}

void image_lease_drop(struct containers *c, const char *lease) {
        Ctr__LeaseDeleteRequest request = CTR__LEASE_DELETE_REQUEST__INIT;

        request.id = (char *)lease;
        request.sync = true;
        /* Without a connection leases are left over: look for them before the next import. */
        if (grpc_unary(c->grpc, &ctr_leases_delete, NULL, &request.base, nobody, NULL, NULL) < 0)
                c->images->swept = false;
}

/* --- reading a small blob --- */

static void read_failed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_caller *k = arg;

        (void)reply;
        k->read(k->read_arg, result, why, NULL, 0);
}

static void read_more(void *arg, const ProtobufCMessage *message) {
        const Ctr__ContentReadResponse *m = (const void *)message;
        struct image_caller *k = arg;

        if (k->error == 0)
                k->error = buf_add(&k->bytes, m->data.data, m->data.len);
}

static void read_done(void *arg, int result, const char *why) {
        struct image_caller *k = arg;

        k->call = NULL;
        if (result == 0 && k->error < 0) {
                result = k->error;
                why = result == -EMSGSIZE ? "a document of the image is larger than any real one"
                                          : strerror(-result);
        }
        k->read(k->read_arg, result, why, k->bytes.data, k->bytes.len);
}

void image_call_read(struct image_caller *k, const char *digest,
                     void (*done)(void *arg, int result, const char *why, const void *data,
                                  size_t len),
                     void *arg) {
        static const struct grpc_stream_ops ops = { .message = read_more, .done = read_done };
        Ctr__ContentReadRequest request = CTR__CONTENT_READ_REQUEST__INIT;
        int r;

        buf_done(&k->bytes);
        k->error = 0;
        k->read = done;
        k->read_arg = arg;
        r = grpc_stream(k->c->grpc, &ctr_content_read, image_headers(k), &ops, k, &k->call);
        if (r < 0) {
                k->call = NULL;
                image_call_later(k, r, read_failed, k);
                return;
        }
        request.digest = (char *)digest;
        /* One byte more than is taken tells a blob that is too large from one that just fits. */
        request.size = IMAGE_JSON_BYTES + 1;
        r = grpc_send(k->call, &request.base);
        if (r < 0 && r != -EAGAIN) {
                grpc_cancel(take_ptr(k->call));
                image_call_later(k, r, read_failed, k);
                return;
        }
        grpc_send_end(k->call);
}

/* What clients of the queue get: POST to put a call into it, DELETE to take one out. */
#include "gateway/async_private.h"

#include "base/str.h"
#include "core/http_forward.h"
#include "core/route.h"
#include "gateway/api.h"
#include "gateway/call_id.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LENGTH_DIGITS = 10 };

/* A request that is on its way into the queue. */
struct async_post {
        struct async *a;
        struct client *client; /* NULL: it went away; the call is made nevertheless */
        struct async_item *item;
        size_t head;   /* bytes of 'request' in front of the body */
        size_t digits; /* where its length is to be written; 0: it stands there already */
        char id[HTTP_FORWARD_ID_MAX + 1];
};

/* ---- the answer -------------------------------------------------------------------------------
 */

static void refuse_busy(struct client *c, const char *sentence) {
        reply_error_with(c, 503, "Retry-After: 1\r\n", "%s", sentence);
}

static void refuse_full(struct client *c, const struct async *a) {
        refuse_busy(c, a->n_items >= a->options.calls
                               ? "The queue is full: as many calls wait as it holds; try again "
                                 "later."
                               : "The queue is full: there is no room left for this call; try "
                                 "again later.");
}

static void answer(struct client *c, const char *id, int error) {
        char text[HTTP_FORWARD_ID_MAX + 32];

        switch (error) {
        case 0:
                (void)snprintf(text, sizeof(text), "X-Call-Id: %s\r\n", id);
                reply_send(c, 202, text, NULL, "", 0);
                break;
        case -ENOSPC:
                refuse_busy(c, "The queue is full: there is no room to store the call.");
                break;
        case -ENOTCONN:
                refuse_busy(c, "The queue cannot be reached; try again in a moment.");
                break;
        default:
                (void)snprintf(text, sizeof(text), "The call cannot be stored: %s.",
                               strerror(-error));
                refuse_busy(c, text);
                break;
        }
}

void async_post_done(struct async_post *post, int error) {
        struct client *c = post->client;
        char id[HTTP_FORWARD_ID_MAX + 1];

        memcpy(id, post->id, sizeof(id));
        free(post);
        if (c)
                answer(c, id, error);
}

/* The request has been refused or given up before it was handed to the keeper. */
static struct client *post_drop(struct async_post *post) {
        struct client *c = post->client;

        async_item_free(post->item);
        free(post);
        return c;
}

/* ---- its body ---------------------------------------------------------------------------------
 */

static int add(struct async_post *post, const char *data, size_t len) {
        struct async_item *item = post->item;
        int r = buf_add(&item->request, data, len);

        if (r < 0)
                return r;
        item->bytes += len;
        item->a->bytes += len;
        item->a->memory += len;
        return 0;
}

static void refuse_size(struct client *c, const struct async *a) {
        reply_error(c, 413,
                    "The body is larger than the %llu KB that a call in the queue may have.",
                    (unsigned long long)(a->options.body_bytes / 1024));
}

static void on_body(void *arg, const char *data, size_t len) {
        struct async_post *post = arg;
        struct async *a = post->a;

        if (post->item->request.len - post->head + len > a->options.body_bytes)
                refuse_size(post_drop(post), a);
        else if (a->bytes + len > a->options.bytes)
                refuse_full(post_drop(post), a);
        else if (!async_room(a, len) || add(post, data, len) < 0)
                refuse_busy(post_drop(post), "Too many calls are being stored; try again.");
}

static void on_body_end(void *arg) {
        struct async_post *post = arg;
        struct async_item *item = post->item;
        char digits[LENGTH_DIGITS + 1];

        if (post->digits > 0) {
                (void)snprintf(digits, sizeof(digits), "%0*zu", LENGTH_DIGITS,
                               item->request.len - post->head);
                memcpy(item->request.data + post->digits, digits, LENGTH_DIGITS);
        }
        (void)async_take_slot(item);
        item->post = post;
        post->a->ops++;
        post->a->keeper->put(post->a->keep, item);
}

static void on_closed(void *arg) {
        struct async_post *post = arg;

        if (post->item->post)
                post->client = NULL;
        else
                (void)post_drop(post);
}

static const struct exchange_ops post_ops = {
        .body = on_body,
        .end = on_body_end,
        .closed = on_closed,
};

/* ---- its head ---------------------------------------------------------------------------------
 */

/* The head as it is stored: one of a call of the function, with the client's headers. */
static int write_head(struct async_post *post, const struct http_head *head,
                      const struct route_function *path) {
        struct async_item *item = post->item;
        struct http_head own = *head;
        auto_buf struct buf target = { 0 }, out = { 0 };
        struct timespec now;
        struct http_forward call = { .id = item->id,
                                     .peer = client_address(post->client),
                                     .function = path->name };
        int r = buf_printf(&target, "/function/%s%.*s", item->lane->key, (int)path->rest.len,
                           path->rest.at);

        (void)clock_gettime(CLOCK_REALTIME, &now); /* to be shown, never compared */
        call.start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        call.rest = (struct http_text){ target.data, target.len };
        own.body = HTTP_BODY_NONE; /* the length follows below */
        own.n_headers = 0;
        for (size_t i = 0; i < head->n_headers; i++)
                if (!http_text_is_nocase(&head->headers[i].name, "x-retry"))
                        own.headers[own.n_headers++] = head->headers[i];
        if (r == 0)
                r = http_forward_request(&out, &own, &call, false);
        if (r < 0)
                return r;
        out.len -= 2; /* the empty line */
        r = head->body == HTTP_BODY_CHUNKED
                    ? buf_printf(&out, "Content-Length: %0*d\r\n\r\n", LENGTH_DIGITS, 0)
                    : buf_printf(&out, "Content-Length: %llu\r\n\r\n",
                                 (unsigned long long)(head->body == HTTP_BODY_LENGTH ? head->length
                                                                                     : 0));
        if (r == 0)
                r = add(post, out.data, out.len);
        post->head = out.len;
        post->digits = head->body == HTTP_BODY_CHUNKED ? out.len - 4 - LENGTH_DIGITS : 0;
        return r;
}

static int name_call(struct gateway *g, const struct http_head *head, char *ret, size_t size) {
        const struct http_text *given = http_forward_id(head);

        return given ? str_copy_n(ret, size, given->at, given->len) : call_id_make(&g->ids, ret);
}

static struct async_post *post_new(struct async *a, struct client *client,
                                   const struct http_head *head,
                                   const struct route_function *path) {
        struct async_post *post = calloc(1, sizeof(*post));
        struct async_lane *lane;

        if (!post || name_call(a->g, head, post->id, sizeof(post->id)) < 0) {
                free(post);
                return NULL;
        }
        post->a = a;
        post->client = client;
        lane = async_lane(a, path->name, path->namespace);
        post->item = lane ? async_item_new(a, lane, post->id) : NULL;
        if (!post->item) {
                free(post);
                return NULL;
        }
        post->item->counted = true;
        if (head->body == HTTP_BODY_LENGTH)
                (void)buf_reserve(&post->item->request, (size_t)head->length + head->target.len);
        if (write_head(post, head, path) < 0) {
                (void)post_drop(post);
                return NULL;
        }
        return post;
}

/* Was it answered already, with a refusal? */
static bool refuse(struct async *a, struct client *client, const struct http_head *head,
                   const struct http_text *rest, struct route_function *path) {
        const struct http_text *callback = http_header(head, "x-callback-url");
        uint64_t length = head->body == HTTP_BODY_LENGTH ? head->length : 0;

        if (route_function(rest, path) < 0)
                reply_error(client, 404, "This is no name of a function.");
        else if (!a->g->had_state)
                reply_error(client, 503,
                            "This board's agent has not yet told which functions there "
                            "are; try again in a moment.");
        else if (!functions_find(&a->g->functions, path->name, path->namespace))
                reply_error(client, 404, "There is no function '%s' in the namespace '%s'.",
                            path->name, path->namespace);
        else if (callback && !async_callback_valid(callback))
                reply_error(client, 400,
                            "X-Callback-Url has to be an http:// or https:// address.");
        else if (length > a->options.body_bytes)
                refuse_size(client, a);
        else if (a->stopping)
                refuse_busy(client, "This gateway is stopping; try again in a moment.");
        else if (a->n_items >= a->options.calls || a->bytes + length > a->options.bytes)
                refuse_full(client, a);
        else if (!async_room(a, length + HTTP_HEAD_BYTES))
                refuse_busy(client, "Too many calls are being stored; try again.");
        else
                return false;
        return true;
}

void async_accept(struct gateway *g, struct client *client, const struct http_head *head,
                  const struct http_text *rest) {
        struct route_function path;
        struct async_post *post;

        if (refuse(g->async, client, head, rest, &path))
                return;
        post = post_new(g->async, client, head, &path);
        if (!post) {
                reply_error(client, 503, "The gateway is out of memory.");
                return;
        }
        client_attach(client, &post_ops, post, false);
        client_continue(client);
}

/* ---- taking one out ---------------------------------------------------------------------------
 */

static struct async_item *find_waiting(struct async *a, const struct http_text *id) {
        struct async_item *item, *next;

        list_each(item, next, &a->items, all) {
                if ((item->state == ASYNC_READY || item->state == ASYNC_LATER) &&
                    http_text_is(id, item->id))
                        return item;
        }
        return NULL;
}

/* Its client did not wait for the answer. */
static void forget_cancel(void *arg) {
        struct async_item *item = arg;

        item->cancel = NULL;
}

void async_cancel(struct api_request *q) {
        struct async *a = q->g->async;
        struct async_item *item = find_waiting(a, &q->rest);
        char id[HTTP_FORWARD_ID_MAX + 1];

        if (item) {
                list_remove(&item->link);
                item->state = ASYNC_ENDING;
                item->cancel = q;
                q->forget = forget_cancel;
                q->state = item;
                a->ops++;
                a->keeper->end(a->keep, item);
        } else if (a->keeper->cancel && str_copy_n(id, sizeof(id), q->rest.at, q->rest.len) == 0) {
                a->keeper->cancel(a->keep, q, id);
        } else {
                api_reply_error(q, 404,
                                "No call of this id waits: it has begun, it is over, or "
                                "there never was one.");
        }
}

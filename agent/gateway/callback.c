#include "gateway/callback.h"

#include "base/list.h"
#include "base/str.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        CALLBACK_ATTEMPTS = 3,
        CALLBACK_CONNECT_MS = 5000,
        CALLBACK_WHOLE_MS = 30000,
        CALLBACK_WAIT_MS = 1000, /* before the second attempt; then 4 times as long */
};

/* libcurl brings two dozen libraries along: a gateway that never sends a callback has none of
 * them. */
#define CURL_CALLS(X)               \
        X(curl_global_init)         \
        X(curl_easy_init)           \
        X(curl_easy_setopt)         \
        X(curl_easy_getinfo)        \
        X(curl_easy_cleanup)        \
        X(curl_easy_strerror)       \
        X(curl_slist_append)        \
        X(curl_slist_free_all)      \
        X(curl_multi_init)          \
        X(curl_multi_setopt)        \
        X(curl_multi_assign)        \
        X(curl_multi_add_handle)    \
        X(curl_multi_remove_handle) \
        X(curl_multi_socket_action) \
        X(curl_multi_info_read)     \
        X(curl_multi_cleanup)

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
struct curl_calls {
#define X(name) __typeof__(&name) name;
        CURL_CALLS(X)
#undef X
};

struct callbacks {
        uv_loop_t *loop;
        struct curl_calls curl;
        CURLM *multi;
        struct curl_slist *names; /* where our own names are */
        uv_timer_t timer;
        struct list all;
        bool closing;
};

struct callback {
        struct callbacks *cs;
        struct list link;
        CURL *easy;
        struct curl_slist *headers;
        struct buf body;
        uv_timer_t again;
        unsigned attempts;
        bool has_handle;
        callback_done done;
        void *arg;
        char error[CURL_ERROR_SIZE];
};

/* A socket of libcurl's. */
struct watch {
        uv_poll_t poll;
        struct callbacks *cs;
        curl_socket_t fd;
};

/* ---- one callback -----------------------------------------------------------------------------
 */

static void on_again_closed(uv_handle_t *handle) {
        free(container_of(handle, struct callback, again));
}

static void callback_free(struct callback *c) {
        const struct curl_calls *curl = &c->cs->curl;

        list_remove(&c->link);
        if (c->easy) {
                (void)curl->curl_multi_remove_handle(c->cs->multi, c->easy);
                curl->curl_easy_cleanup(c->easy);
        }
        curl->curl_slist_free_all(c->headers);
        buf_done(&c->body);
        if (c->has_handle)
                uv_close((uv_handle_t *)&c->again, on_again_closed);
        else
                free(c);
}

static void finish(struct callback *c, const char *error) {
        callback_done done = c->done;
        void *arg = c->arg;
        char text[CURL_ERROR_SIZE];

        (void)str_printable(text, sizeof(text), error ? error : "", error ? strlen(error) : 0);
        callback_free(c);
        done(arg, error ? text : NULL);
}

static void start(struct callback *c) {
        c->attempts++;
        c->error[0] = '\0';
        if (c->cs->curl.curl_multi_add_handle(c->cs->multi, c->easy) != CURLM_OK)
                finish(c, "out of memory");
}

static void on_again(uv_timer_t *timer) {
        start(container_of(timer, struct callback, again));
}

/* Is it worth another attempt? */
static bool may_pass(CURLcode code, long status) {
        if (code == CURLE_OK)
                return status == 408 || status == 429 || status >= 500;
        return code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL &&
               code != CURLE_PEER_FAILED_VERIFICATION;
}

static void on_result(struct callback *c, CURLcode code) {
        const struct curl_calls *curl = &c->cs->curl;
        char text[40];
        long status = 0;
        uint64_t wait = CALLBACK_WAIT_MS;

        (void)curl->curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl->curl_multi_remove_handle(c->cs->multi, c->easy);
        if (code == CURLE_OK && status < 400) {
                finish(c, NULL);
                return;
        }
        if (may_pass(code, status) && c->attempts < CALLBACK_ATTEMPTS) {
                for (unsigned i = 1; i < c->attempts; i++)
                        wait *= 4;
                (void)uv_timer_start(&c->again, on_again, wait, 0);
                return;
        }
        (void)snprintf(text, sizeof(text), "the answer was %ld", status);
        finish(c, code == CURLE_OK ? text
                  : c->error[0]    ? c->error
                                   : curl->curl_easy_strerror(code));
}

/* ---- libcurl on the loop ----------------------------------------------------------------------
 */

static void take_results(struct callbacks *cs) {
        CURLMsg *message;
        int left;

        while (!cs->closing && (message = cs->curl.curl_multi_info_read(cs->multi, &left))) {
                struct callback *c = NULL;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void)cs->curl.curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
                on_result(c, message->data.result);
        }
}

static void act(struct callbacks *cs, curl_socket_t fd, int events) {
        int running;

        (void)cs->curl.curl_multi_socket_action(cs->multi, fd, events, &running);
        take_results(cs);
}

static void on_timer(uv_timer_t *timer) {
        act(container_of(timer, struct callbacks, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long ms, void *arg) {
        struct callbacks *cs = arg;

        (void)multi;
        if (cs->closing)
                return 0;
        if (ms < 0)
                (void)uv_timer_stop(&cs->timer);
        else
                (void)uv_timer_start(&cs->timer, on_timer, ms > 0 ? (uint64_t)ms : 1, 0);
        return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
        struct watch *w = container_of(poll, struct watch, poll);
        int what = status < 0 ? CURL_CSELECT_ERR : 0;

        if (events & UV_READABLE)
                what |= CURL_CSELECT_IN;
        if (events & UV_WRITABLE)
                what |= CURL_CSELECT_OUT;
        act(w->cs, w->fd, what);
}

static void on_watch_closed(uv_handle_t *handle) {
        free(container_of(handle, struct watch, poll));
}

static struct watch *watch_new(struct callbacks *cs, curl_socket_t fd) {
        struct watch *w = calloc(1, sizeof(*w));

        if (!w)
                return NULL;
        w->cs = cs;
        w->fd = fd;
        if (uv_poll_init_socket(cs->loop, &w->poll, fd) < 0) {
                free(w);
                return NULL;
        }
        (void)cs->curl.curl_multi_assign(cs->multi, fd, w);
        return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
        struct callbacks *cs = arg;
        struct watch *w = known;
        int events = 0;

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                if (w)
                        uv_close((uv_handle_t *)&w->poll, on_watch_closed);
                (void)cs->curl.curl_multi_assign(cs->multi, fd, NULL);
                return 0;
        }
        if (!w)
                w = watch_new(cs, fd);
        if (!w)
                return -1;
        if (what != CURL_POLL_OUT)
                events |= UV_READABLE;
        if (what != CURL_POLL_IN)
                events |= UV_WRITABLE;
        return uv_poll_start(&w->poll, events, on_poll) < 0 ? -1 : 0;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static int load(struct curl_calls *curl, struct fail *f) {
        void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

        if (!library)
                return fail(f, -ENOENT, "callbacks need libcurl: %s", dlerror());
#define X(name)                                        \
        *(void **)&curl->name = dlsym(library, #name); \
        if (!curl->name)                               \
                return fail(f, -ENOENT, "libcurl has no %s", #name);
        CURL_CALLS(X)
#undef X
        if (curl->curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return fail(f, -ENOMEM, "out of memory");
        return 0;
}

static int name_ourselves(struct callbacks *cs, uint16_t port) {
        static const char *const names[] = { "gateway", "gateway.openfaas" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct curl_slist *more;
                char line[80];

                (void)snprintf(line, sizeof(line), "%s::127.0.0.1:%u", names[i], port);
                more = cs->curl.curl_slist_append(cs->names, line);
                if (!more)
                        return -ENOMEM;
                cs->names = more;
        }
        return 0;
}

int callbacks_open(uv_loop_t *loop, uint16_t gateway_port, struct callbacks **ret, struct fail *f) {
        struct callbacks *cs = calloc(1, sizeof(*cs));
        int r;

        if (!cs)
                return fail(f, -ENOMEM, "out of memory");
        cs->loop = loop;
        list_init(&cs->all);
        r = load(&cs->curl, f);
        if (r == 0)
                cs->multi = cs->curl.curl_multi_init();
        if (r == 0 && (!cs->multi || name_ourselves(cs, gateway_port) < 0))
                r = fail(f, -ENOMEM, "out of memory");
        if (r < 0) {
                if (cs->multi)
                        (void)cs->curl.curl_multi_cleanup(cs->multi);
                free(cs);
                return r;
        }
        (void)uv_timer_init(loop, &cs->timer);
        (void)cs->curl.curl_multi_setopt(cs->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)cs->curl.curl_multi_setopt(cs->multi, CURLMOPT_SOCKETDATA, cs);
        (void)cs->curl.curl_multi_setopt(cs->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
        (void)cs->curl.curl_multi_setopt(cs->multi, CURLMOPT_TIMERDATA, cs);
        (void)cs->curl.curl_multi_setopt(cs->multi, CURLMOPT_MAXCONNECTS, 8L);
        *ret = cs;
        return 0;
}

static void on_timer_closed(uv_handle_t *handle) {
        free(container_of(handle, struct callbacks, timer));
}

void callbacks_close(struct callbacks *cs) {
        if (!cs)
                return;
        cs->closing = true;
        while (!list_empty(&cs->all))
                callback_free(container_of(cs->all.next, struct callback, link));
        (void)cs->curl.curl_multi_cleanup(cs->multi);
        cs->curl.curl_slist_free_all(cs->names);
        uv_close((uv_handle_t *)&cs->timer, on_timer_closed);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static int add_header(struct callback *c, const char *line) {
        struct curl_slist *more = c->cs->curl.curl_slist_append(c->headers, line);

        if (!more)
                return -ENOMEM;
        c->headers = more;
        return 0;
}

/* libcurl leaves a header without a value out, unless it ends with a semicolon. */
static int add_headers(struct callback *c, const struct buf *headers) {
        const char *at = headers->data, *end = headers->data + headers->len;
        bool has_type = false;
        int r = add_header(c, "Expect:");

        while (r == 0 && at < end) {
                const char *stop = memchr(at, '\r', (size_t)(end - at));
                char *line = strndup(at, (size_t)((stop ? stop : end) - at));
                size_t len = line ? strlen(line) : 0;

                if (!line)
                        return -ENOMEM;
                has_type = has_type || strncasecmp(line, "content-type:", 13) == 0;
                if (len >= 2 && line[len - 1] == ' ' && line[len - 2] == ':') {
                        line[len - 2] = ';';
                        line[len - 1] = '\0';
                }
                r = add_header(c, line);
                free(line);
                at = stop ? stop + 2 : end;
        }
        if (r == 0 && !has_type)
                r = add_header(c, "Content-Type:"); /* none, in place of a wrong one */
        return r;
}

static size_t on_answer(char *data, size_t size, size_t n, void *arg) {
        (void)data;
        (void)arg;
        return size * n; /* of no interest */
}

static int prepare(struct callback *c, const char *url) {
        const struct curl_calls *curl = &c->cs->curl;
        CURL *e = curl->curl_easy_init();
        bool good;

        c->easy = e;
        if (!e)
                return -ENOMEM;
#define SET(option, value) (curl->curl_easy_setopt(e, option, value) == CURLE_OK)
        good = SET(CURLOPT_URL, url) && SET(CURLOPT_PRIVATE, c) &&
               SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_NOSIGNAL, 1L) &&
               SET(CURLOPT_PROXY, "") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
               SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CALLBACK_CONNECT_MS) &&
               SET(CURLOPT_TIMEOUT_MS, (long)CALLBACK_WHOLE_MS) && SET(CURLOPT_POST, 1L) &&
               SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
               SET(CURLOPT_POSTFIELDS, c->body.data ? c->body.data : "") &&
               SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len) &&
               SET(CURLOPT_HTTPHEADER, c->headers) && SET(CURLOPT_CONNECT_TO, c->cs->names) &&
               SET(CURLOPT_WRITEFUNCTION, on_answer) && SET(CURLOPT_ERRORBUFFER, c->error) &&
               /* or it would wait for the resolver's thread, and the loop with it, where the name
                * server does not answer */
               SET(CURLOPT_QUICK_EXIT, 1L);
#undef SET
        return good ? 0 : -ENOMEM;
}

int callback_send(struct callbacks *cs, const char *url, const struct buf *headers,
                  struct buf *body, callback_done done, void *arg) {
        struct callback *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        *c = (struct callback){ .cs = cs, .done = done, .arg = arg, .body = *body };
        *body = (struct buf){ 0 };
        list_append(&cs->all, &c->link);
        r = add_headers(c, headers);
        if (r == 0)
                r = prepare(c, url);
        if (r < 0) {
                callback_free(c);
                return r;
        }
        (void)uv_timer_init(cs->loop, &c->again);
        c->has_handle = true;
        /* from the loop, so that 'done' never comes before this returns */
        (void)uv_timer_start(&c->again, on_again, 0, 0);
        return 0;
}

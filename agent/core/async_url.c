#include "core/async_url.h"

#include "base/str.h"
#include "core/route.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

bool async_callback_valid(const struct http_text *url) {
        static const char *const schemes[] = { "http://", "https://" };
        size_t skip = 0, host;

        if (url->len > ASYNC_CALLBACK_BYTES)
                return false;
        for (size_t i = 0; i < 2 && skip == 0; i++)
                if (url->len >= strlen(schemes[i]) &&
                    strncasecmp(url->at, schemes[i], strlen(schemes[i])) == 0)
                        skip = strlen(schemes[i]);
        if (skip == 0)
                return false;
        for (size_t i = 0; i < url->len; i++)
                if (url->at[i] <= ' ' || url->at[i] > '~')
                        return false;
        for (host = skip; host < url->len && !strchr("/?#", url->at[host]); host++)
                if (url->at[host] == '@') /* what comes before is no host yet */
                        skip = host + 1;
        return host > skip && url->at[skip] != ':';
}

/* A file that the query names; "" where it names none. */
static int take_file(const struct http_text *query, const char *key, char *ret, struct fail *f) {
        int r = route_query(query, key, ret, ASYNC_QUEUE_BYTES);

        if (r == -ENOENT) {
                ret[0] = '\0';
                return 0;
        }
        if (r < 0 || ret[0] != '/')
                return fail(f, -EINVAL, "%s= of the queue's address has to be an absolute path",
                            key);
        return 0;
}

static bool is_stream_name(const char *name) {
        for (const char *c = name; *c; c++)
                if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_'))
                        return false;
        return name[0] != '\0';
}

static int take_query(struct async_queue_url *u, const struct http_text *query, struct fail *f) {
        char number[8];
        uint64_t n = 1;
        int r = take_file(query, "creds", u->credentials, f);

        if (r == 0)
                r = take_file(query, "ca", u->ca, f);
        if (r < 0)
                return r;
        r = route_query(query, "stream", u->stream, sizeof(u->stream));
        if (r == -ENOENT)
                (void)str_copy(u->stream, sizeof(u->stream), "BRAMBLE");
        else if (r < 0 || !is_stream_name(u->stream))
                return fail(f, -EINVAL,
                            "stream= of the queue's address has to be letters, digits, "
                            "- and _");
        r = route_query(query, "replicas", number, sizeof(number));
        if (r != -ENOENT && (r < 0 || str_to_u64(number, 5, &n) < 0 || n == 0))
                return fail(f, -EINVAL, "replicas= of the queue's address has to be 1 to 5");
        u->replicas = (uint32_t)n;
        return 0;
}

static int take_server(struct async_queue_url *u, const char *text, size_t len, struct fail *f) {
        const char *host = strstr(text, "://") + 3;

        u->has_credentials = memchr(text, '@', len) != NULL;
        for (size_t i = 0; i < len; i++)
                if (text[i] <= ' ' || text[i] > '~')
                        return fail(f, -EINVAL, "the queue's address has a blank or odd byte");
        if (host >= text + len || strchr("/:?", *host))
                return fail(f, -EINVAL, "the queue's address names no host");
        return str_copy_n(u->server, sizeof(u->server), text, len) < 0
                       ? fail(f, -EINVAL, "the queue's address is too long")
                       : 0;
}

int async_queue_parse(const char *text, struct async_queue_url *ret, struct fail *f) {
        struct async_queue_url u = { .replicas = 1 };
        int r = 0;

        if (strlen(text) >= ASYNC_QUEUE_BYTES)
                return fail(f, -EINVAL, "the queue's address is longer than %d characters",
                            ASYNC_QUEUE_BYTES - 1);
        if (str_starts(text, "nats://") || str_starts(text, "tls://")) {
                const char *mark = strchr(text, '?'), *query = mark ? mark + 1 : "";
                struct http_text view = { query, strlen(query) };

                u.nats = true;
                r = take_server(&u, text, mark ? (size_t)(mark - text) : strlen(text), f);
                if (r == 0)
                        r = take_query(&u, &view, f);
        } else if (text[0] == '/') {
                (void)str_copy(u.path, sizeof(u.path), text);
        } else if (!str_eq(text, "sqlite")) {
                r = fail(f, -EINVAL, "the queue has to be sqlite, /a/file or nats://HOST:PORT");
        }
        if (r == 0)
                *ret = u;
        return r;
}

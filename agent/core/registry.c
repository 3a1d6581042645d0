#include "core/registry.h"

#include "base/str.h"
#include "core/image_name.h"

#include <errno.h>
#include <string.h>

int registry_reference(const char *name, struct registry_reference *ret) {
        struct registry_reference out;
        const char *slash = strchr(name, '/'), *at, *colon, *end;
        char again[SIZE_IMAGE];

        if (image_name_normalise(name, again) < 0 || !str_eq(name, again) || !slash)
                return -EINVAL;
        at = strchr(slash, '@');
        end = at ? at : name + strlen(name);
        colon = memchr(slash, ':', (size_t)(end - slash));
        if (str_copy_n(out.host, sizeof(out.host), name, (size_t)(slash - name)) < 0 ||
            str_copy_n(out.repository, sizeof(out.repository), slash + 1,
                       (size_t)((colon ? colon : end) - slash - 1)) < 0)
                return -EINVAL;
        if (at)
                (void)str_copy(out.reference, sizeof(out.reference), at + 1);
        else if (colon)
                (void)str_copy(out.reference, sizeof(out.reference), colon + 1);
        else
                return -EINVAL;
        *ret = out;
        return 0;
}

const char *registry_server(const char *host) {
        return str_eq(host, "docker.io") ? "registry-1.docker.io" : host;
}

bool registry_is_loopback(const char *host) {
        size_t len = strcspn(host, ":");

        if (len == 9 && strncasecmp(host, "localhost", 9) == 0)
                return true;
        return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

/* ---- challenges ---- */

struct reader {
        const char *at, *end;
};

static bool is_token(char c) {
        return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static void skip_blanks(struct reader *r) {
        while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
                r->at++;
}

/* A token's length, 0 for none; 'ret' is where it begins. */
static size_t take_token(struct reader *r, const char **ret) {
        *ret = r->at;
        while (r->at < r->end && is_token(*r->at))
                r->at++;
        return (size_t)(r->at - *ret);
}

/* A token or a quoted text, with its escapes undone; what does not fit fails. */
static bool take_value(struct reader *r, char *dst, size_t size) {
        const char *token;
        size_t n = 0;

        if (r->at == r->end || *r->at != '"') {
                n = take_token(r, &token);
                return n > 0 && str_copy_n(dst, size, token, n) == 0;
        }
        for (r->at++; r->at < r->end && *r->at != '"'; r->at++) {
                if (*r->at == '\\' && ++r->at == r->end)
                        return false;
                if (n + 1 == size || *r->at < ' ' || *r->at == 127)
                        return false;
                dst[n++] = *r->at;
        }
        dst[n] = '\0';
        if (r->at == r->end)
                return false;
        r->at++;
        return true;
}

static bool is(const char *token, size_t len, const char *want) {
        return len == strlen(want) && strncasecmp(token, want, len) == 0;
}

/* The one that is better than what was found before. */
static void prefer(struct registry_challenge *best, const struct registry_challenge *c) {
        if (c->scheme == REGISTRY_BEARER && !c->realm[0])
                return;
        if (c->scheme > best->scheme)
                *best = *c;
}

/* One "key=value", its key already taken.  A value of no interest may be of any length. */
static bool take_parameter(struct reader *r, const char *key, size_t len,
                           struct registry_challenge *c) {
        char other[4 * REGISTRY_FIELD], *field = other;
        size_t size = sizeof(other);

        if (is(key, len, "realm"))
                field = c->realm;
        else if (is(key, len, "service"))
                field = c->service;
        else if (is(key, len, "scope"))
                field = c->scope;
        if (field != other)
                size = REGISTRY_FIELD;
        r->at++; /* the '=' */
        skip_blanks(r);
        return take_value(r, field, size);
}

static enum registry_scheme scheme_of(const char *token, size_t len) {
        if (is(token, len, "Bearer"))
                return REGISTRY_BEARER;
        return is(token, len, "Basic") ? REGISTRY_BASIC : REGISTRY_NONE;
}

int registry_challenge(const char *value, size_t len, struct registry_challenge *ret) {
        struct reader r = { value, value + len };
        struct registry_challenge best = *ret, now = { 0 };
        bool any = false;

        for (;;) {
                const char *token;
                size_t n;

                while (r.at < r.end && (*r.at == ',' || *r.at == ' ' || *r.at == '\t'))
                        r.at++;
                if (r.at == r.end)
                        break;
                n = take_token(&r, &token);
                if (n == 0)
                        return -EBADMSG;
                skip_blanks(&r);
                if (r.at < r.end && *r.at == '=') {
                        if (!any || !take_parameter(&r, token, n, &now))
                                return -EBADMSG;
                        continue;
                }
                prefer(&best, &now);
                now = (struct registry_challenge){ .scheme = scheme_of(token, n) };
                any = true;
        }
        if (!any)
                return -EBADMSG;
        prefer(&best, &now);
        *ret = best;
        return 0;
}

bool registry_entry_is(const char *entry, const char *host) {
        const char *start = entry;
        size_t len;

        if (str_starts(start, "https://"))
                start += 8;
        else if (str_starts(start, "http://"))
                start += 7;
        len = strcspn(start, "/");
        if (str_eq(host, "docker.io") &&
            ((len == 15 && strncmp(start, "index.docker.io", len) == 0) ||
             (len == 20 && strncmp(start, "registry-1.docker.io", len) == 0)))
                return true;
        return strlen(host) == len && strncmp(start, host, len) == 0;
}

/* http - one request to a registry, and what its answer means in words. */
#include "base/scope.h"
#include "base/str.h"
#include "pull/pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_BYTES = 4096, CONNECT_SEC = 15, SILENT_SEC = 60, REDIRECTS = 5 };

/* Everything that a manifest may be. */
#define ACCEPT                                                        \
        "Accept: application/vnd.oci.image.index.v1+json, "           \
        "application/vnd.docker.distribution.manifest.list.v2+json, " \
        "application/vnd.oci.image.manifest.v1+json, "                \
        "application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1"

void answer_reset(struct answer *a) {
        buf_done(&a->body);
        a->status = 0;
        a->type[0] = '\0';
        a->challenge = (struct registry_challenge){ 0 };
        a->retry_after_sec = 0;
        a->total = 0;
        a->error = CURLE_OK;
        a->why[0] = '\0';
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
        struct answer *a = arg;
        bool good = a->status == 200 || a->status == 206;
        size_t len = size * n;

        if (good && a->sink)
                return a->sink(a->arg, data, len) ? len : 0;
        if (good)
                return buf_add(&a->body, data, len) < 0 ? 0 : len;
        if (a->body.len + len <= ERROR_BYTES)
                (void)buf_add(&a->body, data, len);
        return len;
}

/* The value of a header where it is this one, without the blanks around it. */
static bool header_is(const char *line, size_t len, const char *name, const char **ret,
                      size_t *ret_len) {
        size_t n = strlen(name);

        if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
                return false;
        for (n++; n < len && (line[n] == ' ' || line[n] == '\t'); n++)
                ;
        while (len > n && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
                len--;
        *ret = line + n;
        *ret_len = len - n;
        return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg) {
        struct answer *a = arg;
        const char *value;
        size_t len = size * n, value_len;
        char text[24];
        uint64_t number;

        if (len > 9 && strncmp(line, "HTTP/", 5) == 0) { /* of a redirect, too */
                const char *blank = memchr(line, ' ', len);

                answer_reset(a);
                a->status = blank ? strtol(blank, NULL, 10) : 0;
        } else if (header_is(line, len, "WWW-Authenticate", &value, &value_len)) {
                (void)registry_challenge(value, value_len, &a->challenge);
        } else if (header_is(line, len, "Content-Type", &value, &value_len)) {
                (void)str_copy_n(a->type, sizeof(a->type), value, strcspn(value, ";\r\n"));
        } else if (header_is(line, len, "Retry-After", &value, &value_len)) {
                if (str_copy_n(text, sizeof(text), value, value_len) == 0 &&
                    str_to_u64(text, 3600, &number) == 0)
                        a->retry_after_sec = (unsigned)number;
        } else if (header_is(line, len, "Content-Length", &value, &value_len)) {
                if (str_copy_n(text, sizeof(text), value, value_len) == 0 &&
                    str_to_u64(text, UINT64_MAX, &number) == 0)
                        a->total = number;
        }
        return len;
}

static CURL *handle(void) {
        static CURL *curl; /* one for the whole run: it keeps the connection */

        if (!curl && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
                curl = curl_easy_init();
        if (curl)
                curl_easy_reset(curl);
        return curl;
}

static void set_up(CURL *curl, const struct registry *r, const char *url, struct answer *a) {
        const char *protocols = r->plain ? "http,https" : "https";

        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
        (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
        (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS);
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SEC);
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SEC);
        (void)curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 64L * 1024);
        (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, a->why);
        (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "bramble/" BRAMBLE_VERSION);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
        (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
        if (r->ca[0]) /* beside what the machine trusts anyway */
                (void)curl_easy_setopt(curl, CURLOPT_CAINFO, r->ca);
        if (a->from)
                (void)curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)a->from);
}

int http_get(const struct registry *r, const char *url, const char *authorization, const char *form,
             struct answer *a) {
        struct curl_slist *headers = NULL;
        CURL *curl = handle();

        answer_reset(a);
        if (!curl) {
                a->error = CURLE_OUT_OF_MEMORY;
                return -EIO;
        }
        set_up(curl, r, url, a);
        headers = curl_slist_append(headers, ACCEPT);
        if (authorization) /* libcurl does not carry it on to another host */
                headers = curl_slist_append(headers, authorization);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        if (form)
                (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
        a->error = curl_easy_perform(curl);
        (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
        curl_slist_free_all(headers);
        return a->error == CURLE_OK && a->status ? 0 : -EIO;
}

int http_ask(struct registry *r, const char *path, struct answer *a) {
        static char header[2 * PULL_SECRET + 2 * PULL_URL]; /* too large for the stack */
        const char *host = registry_server(r->image.host);
        struct fail f = { 0 };
        char url[PULL_URL];

        (void)snprintf(url, sizeof(url), "%s://%s/v2/%s/%s", r->plain ? "http" : "https", host,
                       r->image.repository, path);
        for (unsigned tries = 0;; tries++) {
                const char *authorization = NULL;
                int error;

                if (r->token[0])
                        (void)snprintf(header, sizeof(header), "Authorization: Bearer %s",
                                       r->token);
                if (r->token[0] || (r->basic && token_basic(r, header, sizeof(header)) == 0))
                        authorization = header;
                error = http_get(r, url, authorization, NULL, a);
                if (error < 0 || a->status != 401 || tries == 1)
                        return error;
                /* not logged in yet, or a token that has ended */
                if (token_get(r, &a->challenge, &f) < 0) {
                        (void)str_printable(a->why, sizeof(a->why), f.text, strlen(f.text));
                        return 0;
                }
        }
}

/* ---- words ---- */

static int refused(const struct registry *r, const struct answer *a, struct fail *f) {
        const char *host = r->image.host;

        if (a->why[0] && r->user[0]) /* of the token's server */
                return fail(f, -EACCES, "%.100s says %ld: %.120s", host, a->status, a->why);
        if (r->user[0] || r->identity[0])
                return fail(f, -EACCES,
                            "%.100s says %ld: no such image, or this user may not pull it", host,
                            a->status);
        return fail(f, -EACCES,
                    "%.100s says %ld: it needs a login (agentctl registry login %.100s), or there "
                    "is no such image",
                    host, a->status, host);
}

static int no_answer(const struct registry *r, const struct answer *a, struct fail *f) {
        const char *host = r->image.host;

        switch ((int)a->error) {
        case CURLE_COULDNT_RESOLVE_HOST:
                return fail(f, -EHOSTUNREACH,
                            "%.100s cannot be found: no Internet, or a wrong name", host);
        case CURLE_SSL_CONNECT_ERROR:
                return fail(f, -EPROTO,
                            "%.80s speaks no TLS (if that is meant: insecure_registries = %.80s "
                            "in bramble.conf)",
                            host, host);
        case CURLE_PEER_FAILED_VERIFICATION:
                return fail(f, -EKEYREJECTED, "the certificate of %.100s is not trusted: %.100s",
                            host, a->why);
        default:
                return fail(f, -EIO, "%.100s: %.160s", host,
                            a->why[0] ? a->why : curl_easy_strerror(a->error));
        }
}

int http_failed(const struct registry *r, const struct answer *a, struct fail *f) {
        const char *host = r->image.host;

        if (a->error != CURLE_OK || a->status == 0)
                return no_answer(r, a, f);
        if (a->status == 401 || a->status == 403)
                return refused(r, a, f);
        if (a->status == 404)
                return fail(f, -ENOENT, "%.100s says 404: no such image", host);
        if (a->status == 429)
                return fail(f, -EAGAIN,
                            "%.100s says 429: too many pulls from here; a login may "
                            "help: agentctl registry login %.80s",
                            host, host);
        return fail(f, -EIO, "%.100s says %ld", host, a->status);
}

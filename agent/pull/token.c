/* token - logs in as the registry's challenge asks: basic, or a bearer token from its server. */
#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"
#include "pull/pull.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

int token_basic(const struct registry *r, char *dst, size_t size) {
        auto_buf struct buf plain = { .limit = PULL_SECRET + PULL_URL };
        int n = snprintf(dst, size, "Authorization: Basic ");

        if (buf_printf(&plain, "%s:%s", r->user, r->password) < 0 ||
            (size_t)n + plain.len * 4 / 3 + 8 > size)
                return -ENOMEM;
        (void)EVP_EncodeBlock((unsigned char *)dst + n, (const unsigned char *)plain.data,
                              (int)plain.len);
        return 0;
}

/* Percent-encoded behind 'key='. */
static int add_field(struct buf *b, const char *separator, const char *key, const char *value) {
        char *text;
        int r;

        if (!value[0])
                return 0;
        text = curl_easy_escape(NULL, value, 0);
        r = text ? buf_printf(b, "%s%s=%s", separator, key, text) : -ENOMEM;
        curl_free(text);
        return r;
}

static int take_token(struct registry *r, const struct answer *a, struct fail *f) {
        auto_json cJSON *o = NULL;
        const char *token;

        if (a->body.len == 0 || json_parse_object(a->body.data, a->body.len, &o, NULL) < 0)
                return fail(f, -EACCES, "the token server's answer makes no sense");
        token = json_text(o, "token", NULL);
        token = token ? token : json_text(o, "access_token", "");
        if (!token[0] || strpbrk(token, "\r\n") ||
            str_copy(r->token, sizeof(r->token), token) < 0) {
                r->token[0] = '\0';
                return fail(f, -EACCES, "the token server's answer makes no sense");
        }
        return 0;
}

/* GET with the user's name and password, or POST with the identity token (docker's OAuth2). */
static int ask(struct registry *r, const struct registry_challenge *c, struct answer *a) {
        auto_buf struct buf url = { .limit = 4096 }, form = { .limit = 64 * 1024 };
        const char *first = strchr(c->realm, '?') ? "&" : "?";
        static char header[2 * PULL_SECRET];

        if (buf_add_text(&url, c->realm) < 0)
                return -ENOMEM;
        if (r->identity[0]) {
                if (add_field(&form, "", "grant_type", "refresh_token") < 0 ||
                    add_field(&form, "&", "service", c->service) < 0 ||
                    add_field(&form, "&", "scope", c->scope) < 0 ||
                    add_field(&form, "&", "client_id", "bramble") < 0 ||
                    add_field(&form, "&", "refresh_token", r->identity) < 0)
                        return -ENOMEM;
                return http_get(r, url.data, NULL, form.data, a);
        }
        if (add_field(&url, first, "service", c->service) < 0 ||
            add_field(&url, c->service[0] ? "&" : first, "scope", c->scope) < 0)
                return -ENOMEM;
        header[0] = '\0';
        if (r->user[0] && token_basic(r, header, sizeof(header)) < 0)
                return -ENOMEM;
        return http_get(r, url.data, header[0] ? header : NULL, NULL, a);
}

int token_get(struct registry *r, const struct registry_challenge *c, struct fail *f) {
        struct answer a = { .body.limit = PULL_DOCUMENT_BYTES };
        int error;

        r->token[0] = '\0';
        if (c->scheme == REGISTRY_NONE)
                return fail(f, -EACCES, "it asks for a login of a kind that is not known");
        if (c->scheme == REGISTRY_BASIC) {
                if (r->basic || !r->user[0])
                        return fail(f, -EACCES, "%s",
                                    r->user[0] ? "wrong user or password" : "it needs a login");
                r->basic = true;
                return 0;
        }
        error = ask(r, c, &a);
        if (error < 0)
                error = fail(f, -EACCES, "its token server does not answer: %.80s",
                             a.why[0] ? a.why : curl_easy_strerror(a.error));
        else if (a.status == 401 || a.status == 403)
                error = fail(f, -EACCES, "%s",
                             r->user[0] ? "wrong user or password" : "it needs a login");
        else if (a.status != 200)
                error = fail(f, -EACCES, "its token server says %ld", a.status);
        else
                error = take_token(r, &a, f);
        answer_reset(&a);
        return error;
}

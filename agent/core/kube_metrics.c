#include "core/kube_metrics.h"

#include "base/scope.h"
#include "core/http_parse.h"

#include <string.h>

/* What one apiserver_request_total line says; the views are of the line. */
struct series {
        struct http_text code, dry_run, resource, subresource, verb;
};

static const char metric[] = "apiserver_request_total{";

static bool one_of(const struct http_text *t, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (http_text_is(t, list[i]))
                        return true;
        return false;
}

static bool counts(const struct series *s) {
        /* the names that Kubernetes uses there: methods, and its own words for some of them */
        static const char *const verbs[] = { "POST",   "PUT",    "PATCH", "DELETE",
                                             "CREATE", "UPDATE", "APPLY", "DELETECOLLECTION" };
        static const char *const resources[] = {
                "leases",
                "events",
                "tokenreviews",
                "subjectaccessreviews",
                "localsubjectaccessreviews",
                "selfsubjectaccessreviews",
                "selfsubjectrulesreviews",
                "selfsubjectreviews",
        };
        /* "token" makes one that nobody stores */
        static const char *const subresources[] = { "status", "token" };

        return s->code.len > 0 && *s->code.at == '2' && s->dry_run.len == 0 &&
               one_of(&s->verb, verbs, ARRAY_SIZE(verbs)) &&
               !one_of(&s->resource, resources, ARRAY_SIZE(resources)) &&
               !one_of(&s->subresource, subresources, ARRAY_SIZE(subresources));
}

/* Takes NAME="VALUE" off the front; VALUE stays escaped. */
static bool next_label(struct http_text *t, struct http_text *ret_name, struct http_text *ret) {
        const char *equals = t->len > 0 ? memchr(t->at, '=', t->len) : NULL;
        size_t i;

        if (!equals)
                return false;
        *ret_name = (struct http_text){ t->at, (size_t)(equals - t->at) };
        i = ret_name->len + 1;
        if (i == t->len || t->at[i] != '"')
                return false;
        ret->at = t->at + ++i;
        while (i < t->len && t->at[i] != '"')
                i += t->at[i] == '\\' ? 2 : 1;
        if (i >= t->len)
                return false;
        ret->len = (size_t)(t->at + i - ret->at);
        t->at += i + 1;
        t->len -= i + 1;
        return true;
}

/* Takes all labels with the closing brace off the front. */
static bool read_labels(struct http_text *t, struct series *ret) {
        struct http_text name, value;

        while (t->len > 0 && *t->at != '}') {
                if (!next_label(t, &name, &value))
                        return false;
                if (http_text_is(&name, "code"))
                        ret->code = value;
                else if (http_text_is(&name, "dry_run"))
                        ret->dry_run = value;
                else if (http_text_is(&name, "resource"))
                        ret->resource = value;
                else if (http_text_is(&name, "subresource"))
                        ret->subresource = value;
                else if (http_text_is(&name, "verb"))
                        ret->verb = value;
                if (t->len > 0 && *t->at == ',') {
                        t->at++;
                        t->len--;
                }
        }
        if (t->len == 0)
                return false;
        t->at++;
        t->len--;
        return true;
}

/* Takes digits off the front: into 'v', as long as they fit there. */
static size_t digits(struct http_text *t, uint64_t *v) {
        size_t n = 0;

        for (; t->len > 0 && *t->at >= '0' && *t->at <= '9' && *v < UINT64_MAX / 10 - 1; n++) {
                *v = *v * 10 + (uint64_t)(*t->at - '0');
                t->at++;
                t->len--;
        }
        return n;
}

static bool take(struct http_text *t, const char *any) {
        if (t->len == 0 || !strchr(any, *t->at) || !*t->at)
                return false;
        t->at++;
        t->len--;
        return true;
}

/* A counter's value as Go prints a float: "12", "1.234567e+06".  What comes behind a blank is a
 * time.  False for what is no whole number. */
static bool read_count(struct http_text t, uint64_t *ret) {
        uint64_t v = 0, power = 0;
        size_t fraction = 0;

        while (take(&t, " "))
                ;
        if (digits(&t, &v) == 0)
                return false;
        if (take(&t, "."))
                fraction = digits(&t, &v);
        if (take(&t, "e")) {
                (void)take(&t, "+");
                if (digits(&t, &power) == 0 || power > 18)
                        return false;
        }
        if ((t.len > 0 && *t.at != ' ') || power < fraction)
                return false;
        for (; power > fraction; power--) {
                if (v > UINT64_MAX / 10)
                        return false;
                v *= 10;
        }
        *ret = v;
        return true;
}

static void read_line(struct kube_metrics *m, const char *line, size_t len) {
        const size_t skip = sizeof(metric) - 1;
        struct http_text t;
        struct series s = { 0 };
        uint64_t v;

        if (len < skip || memcmp(line, metric, skip) != 0)
                return;
        t = (struct http_text){ line + skip, len - skip };
        if (!read_labels(&t, &s) || !read_count(t, &v))
                return;
        m->series++;
        if (counts(&s))
                m->mutations += v;
}

/* Keeps the part of a line whose end has not come yet. */
static void keep(struct kube_metrics *m, const char *data, size_t len) {
        if (m->skip || len > sizeof(m->line) - m->len) {
                m->skip = true;
                return;
        }
        memcpy(m->line + m->len, data, len);
        m->len += len;
}

static void line_end(struct kube_metrics *m) {
        if (!m->skip)
                read_line(m, m->line, m->len);
        m->skip = false;
        m->len = 0;
}

void kube_metrics_feed(struct kube_metrics *m, const void *data, size_t len) {
        const char *at = data;

        while (len > 0) {
                const char *end = memchr(at, '\n', len);
                const size_t n = end ? (size_t)(end - at) : len;

                keep(m, at, n);
                if (end)
                        line_end(m);
                at += n + (end ? 1 : 0);
                len -= n + (end ? 1 : 0);
        }
}

void kube_metrics_end(struct kube_metrics *m) {
        line_end(m);
}

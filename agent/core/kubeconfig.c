#include "core/kubeconfig.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

/* One of a section's list: its name, and the values that we care about. */
struct entry {
        struct http_text name;
        struct http_text values[5];
};

enum { CLUSTERS, CONTEXTS, USERS, SECTIONS };
enum { SERVER, TLS_NAME, CA_DATA, CA_FILE, INSECURE }; /* values of a cluster */
enum { CLUSTER, USER };                                /* of a context */
enum { CERT_DATA, CERT_FILE, KEY_DATA, KEY_FILE };     /* of a user */

static const struct {
        const char *list, *item; /* key of the section, and of the mapping in each of its items */
        const char *keys[5];
} sections[SECTIONS] = {
        [CLUSTERS] = { "clusters",
                       "cluster",
                       { "server", "tls-server-name", "certificate-authority-data",
                         "certificate-authority", "insecure-skip-tls-verify" } },
        [CONTEXTS] = { "contexts", "context", { "cluster", "user" } },
        [USERS] = { "users",
                    "user",
                    { "client-certificate-data", "client-certificate", "client-key-data",
                      "client-key" } },
};

struct level {
        size_t column;
        bool item;            /* of a list; else a key */
        bool scalar;          /* has its value on its own line: nothing nests in it */
        struct http_text key; /* not for an item */
};

struct reader {
        struct level levels[KUBECONFIG_DEPTH];
        size_t n_levels;
        struct entry entries[SECTIONS][KUBECONFIG_ENTRIES];
        size_t n_entries[SECTIONS];
        struct http_text current;
        unsigned line;
};

/* ---- scalars ------------------------------------------------------------------------------- */

static bool text_empty(const struct http_text *t) {
        return t->len == 0;
}

static bool text_same(const struct http_text *a, const struct http_text *b) {
        return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

static bool blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

static void trim_end(struct http_text *t) {
        while (t->len > 0 && blank(t->at[t->len - 1]))
                t->len--;
}

static void skip_blanks(struct http_text *t) {
        while (t->len > 0 && *t->at == ' ') {
                t->at++;
                t->len--;
        }
}

/* Cuts off a comment, which begins with " #" (or stands alone). */
static void cut_comment(struct http_text *t) {
        for (size_t i = 0; i < t->len; i++)
                if (t->at[i] == '#' && (i == 0 || t->at[i - 1] == ' '))
                        t->len = i;
        trim_end(t);
}

static int unquote(const struct reader *p, struct http_text *t, struct fail *f) {
        const char quote = *t->at;
        const char *end = memchr(t->at + 1, quote, t->len - 1);
        struct http_text rest;

        if (!end)
                return fail(f, -EBADMSG, "line %u: a text does not end", p->line);
        rest = (struct http_text){ end + 1, t->len - (size_t)(end + 1 - t->at) };
        *t = (struct http_text){ t->at + 1, (size_t)(end - t->at) - 1 };
        cut_comment(&rest);
        if (!text_empty(&rest) || (quote == '"' && memchr(t->at, '\\', t->len)))
                return fail(f, -EBADMSG, "line %u: a quoted text with escapes is not read here",
                            p->line);
        return 0;
}

/* A value as a plain text; {} and [] are empty ones. */
static int scalar(const struct reader *p, struct http_text *t, struct fail *f) {
        static const char other[] = "|>&*!%@`{[,]}";

        if (*t->at == '"' || *t->at == '\'')
                return unquote(p, t, f);
        cut_comment(t);
        if (http_text_is(t, "{}") || http_text_is(t, "[]") || http_text_is(t, "null") ||
            http_text_is(t, "~"))
                t->len = 0;
        if (!text_empty(t) && memchr(other, *t->at, sizeof(other) - 1))
                return fail(f, -EBADMSG, "line %u: only YAML in block style is read here", p->line);
        return 0;
}

/* ---- the tree ------------------------------------------------------------------------------ */

static const struct level *top(const struct reader *p) {
        return p->n_levels ? &p->levels[p->n_levels - 1] : NULL;
}

static int push(struct reader *p, const struct level *l, struct fail *f) {
        if (p->n_levels == KUBECONFIG_DEPTH)
                return fail(f, -EBADMSG, "line %u: nested deeper than %d", p->line,
                            KUBECONFIG_DEPTH);
        if (top(p) && top(p)->scalar)
                return fail(f, -EBADMSG, "line %u: indented below a key that has a value", p->line);
        p->levels[p->n_levels++] = *l;
        return 0;
}

/* The section that the reader stands in, SECTIONS outside of all. */
static size_t section_of(const struct reader *p) {
        size_t s = SECTIONS;

        if (p->n_levels >= 2 && !p->levels[0].item && p->levels[1].item)
                for (s = 0; s < SECTIONS; s++)
                        if (http_text_is(&p->levels[0].key, sections[s].list))
                                break;
        return s;
}

/* The value's place, where 'key' (just pushed) is one that we care about. */
static struct http_text *slot(struct reader *p) {
        const struct http_text *key = &top(p)->key;
        size_t s = section_of(p);
        struct entry *e;

        if (p->n_levels == 1 && http_text_is(key, "current-context"))
                return &p->current;
        if (s == SECTIONS)
                return NULL;
        e = &p->entries[s][p->n_entries[s] - 1];
        if (p->n_levels == 3 && http_text_is(key, "name"))
                return &e->name;
        if (p->n_levels != 4 || !http_text_is(&p->levels[2].key, sections[s].item))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(sections[s].keys); i++)
                if (sections[s].keys[i] && http_text_is(key, sections[s].keys[i]))
                        return &e->values[i];
        return NULL;
}

static int take_value(struct reader *p, struct http_text value, struct fail *f) {
        struct http_text *where = slot(p);
        int r = scalar(p, &value, f);

        if (r < 0 || !where)
                return r;
        if (where->at)
                return fail(f, -EBADMSG, "line %u: a key stands there twice", p->line);
        *where = value;
        return 0;
}

/* The colon that ends a key: behind it stands a blank or nothing. */
static const char *key_end(const struct http_text *t) {
        for (size_t i = 0; i < t->len; i++)
                if (t->at[i] == ':' && (i + 1 == t->len || t->at[i + 1] == ' '))
                        return t->at + i;
        return NULL;
}

static int read_key(struct reader *p, struct http_text line, size_t column, struct fail *f) {
        struct level l = { .column = column };
        const char *colon = key_end(&line);
        struct http_text value;
        int r;

        while (top(p) && top(p)->column >= column)
                p->n_levels--;
        if (!colon && top(p) && top(p)->item && top(p)->column < column)
                return scalar(p, &line, f); /* an item that is a text: nothing of ours */
        if (!colon || colon == line.at)
                return fail(f, -EBADMSG, "line %u: 'key: value' is wanted here", p->line);
        l.key = (struct http_text){ line.at, (size_t)(colon - line.at) };
        value = (struct http_text){ colon + 1, line.len - l.key.len - 1 };
        skip_blanks(&value);
        l.scalar = !text_empty(&value) && *value.at != '#';
        r = push(p, &l, f);
        return r < 0 || !l.scalar ? r : take_value(p, value, f);
}

/* A dash: the list's key may stand in the same column. */
static int read_item(struct reader *p, size_t column, struct fail *f) {
        const struct level l = { .column = column, .item = true };
        size_t s;
        int r;

        while (top(p) && (top(p)->column > column || (top(p)->column == column && top(p)->item)))
                p->n_levels--;
        r = push(p, &l, f);
        s = r < 0 ? SECTIONS : section_of(p);
        if (s == SECTIONS || p->n_levels != 2)
                return r;
        if (p->n_entries[s] == KUBECONFIG_ENTRIES)
                return fail(f, -EBADMSG, "line %u: more than %d %s", p->line, KUBECONFIG_ENTRIES,
                            sections[s].list);
        p->n_entries[s]++;
        return 0;
}

static int read_line(struct reader *p, struct http_text line, struct fail *f) {
        const char *begin = line.at;
        int r;

        p->line++;
        trim_end(&line);
        if (memchr(line.at, '\t', line.len) || memchr(line.at, '\0', line.len))
                return fail(f, -EBADMSG, "line %u: holds a tab or a NUL", p->line);
        skip_blanks(&line);
        if (text_empty(&line) || *line.at == '#' || http_text_is(&line, "---"))
                return 0;
        while (*line.at == '-' && (line.len == 1 || line.at[1] == ' ')) {
                r = read_item(p, (size_t)(line.at - begin), f);
                if (r < 0)
                        return r;
                line.at++;
                line.len--;
                skip_blanks(&line);
                if (text_empty(&line))
                        return 0;
        }
        return read_key(p, line, (size_t)(line.at - begin), f);
}

static int read_text(struct reader *p, const char *text, size_t len, struct fail *f) {
        int r = 0;

        while (r == 0 && len > 0) {
                const char *end = memchr(text, '\n', len);
                size_t n = end ? (size_t)(end - text) : len;

                r = read_line(p, (struct http_text){ text, n }, f);
                n += end ? 1 : 0;
                text += n;
                len -= n;
        }
        return r;
}

/* ---- what the current context means -------------------------------------------------------- */

static const struct entry *find(const struct reader *p, size_t section,
                                const struct http_text *name, struct fail *f) {
        for (size_t i = 0; !text_empty(name) && i < p->n_entries[section]; i++)
                if (text_same(&p->entries[section][i].name, name))
                        return &p->entries[section][i];
        (void)fail(f, -ENOENT, "its %s hold no '%.*s'", sections[section].list,
                   (int)(name->len < 64 ? name->len : 64), str_or(name->at, ""));
        return NULL;
}

static int resolve(const struct reader *p, struct kubeconfig_text *ret, struct fail *f) {
        const struct entry *context, *cluster, *user;

        context = find(p, CONTEXTS, &p->current, f);
        cluster = context ? find(p, CLUSTERS, &context->values[CLUSTER], f) : NULL;
        user = cluster ? find(p, USERS, &context->values[USER], f) : NULL;
        if (!user)
                return -ENOENT;
        if (http_text_is(&cluster->values[INSECURE], "true"))
                return fail(f, -EBADMSG, "it trusts every server (insecure-skip-tls-verify)");
        if (text_empty(&cluster->values[SERVER]))
                return fail(f, -EBADMSG, "its cluster has no server");
        *ret = (struct kubeconfig_text){
                .server = cluster->values[SERVER],
                .tls_server_name = cluster->values[TLS_NAME],
                .ca_data = cluster->values[CA_DATA],
                .ca_file = cluster->values[CA_FILE],
                .cert_data = user->values[CERT_DATA],
                .cert_file = user->values[CERT_FILE],
                .key_data = user->values[KEY_DATA],
                .key_file = user->values[KEY_FILE],
        };
        return 0;
}

int kubeconfig_parse(const char *text, size_t len, struct kubeconfig_text *ret, struct fail *f) {
        struct reader p = { 0 };
        int r;

        if (len > KUBECONFIG_BYTES)
                return fail(f, -EMSGSIZE, "it is larger than %d KB", KUBECONFIG_BYTES / 1024);
        r = read_text(&p, text, len, f);
        return r < 0 ? r : resolve(&p, ret, f);
}

/* ---- URLs ---------------------------------------------------------------------------------- */

/* Letters, digits, dots and dashes; colons too for an IPv6 address. */
static bool host_valid(const char *host, size_t len, bool v6) {
        if (len == 0)
                return false;
        for (size_t i = 0; i < len; i++) {
                const char c = host[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || (v6 ? c == ':' : c == '-')))
                        return false;
        }
        return host[0] != '-';
}

static int split_port(const char *text, size_t len, uint16_t *ret) {
        uint64_t port = 443;
        char digits[6];

        if (len > 0 && (*text != ':' || str_copy_n(digits, sizeof(digits), text + 1, len - 1) < 0 ||
                        str_to_u64(digits, UINT16_MAX, &port) < 0 || port == 0))
                return -EINVAL;
        *ret = (uint16_t)port;
        return 0;
}

int kubeconfig_split_url(const char *url, size_t len, char ret_host[static SIZE_KUBE_HOST],
                         uint16_t *ret_port) {
        static const char scheme[] = "https://";
        const size_t skip = sizeof(scheme) - 1;
        size_t host_len = 0;
        bool v6;

        if (len <= skip || memcmp(url, scheme, skip) != 0)
                return -EINVAL;
        url += skip;
        len -= skip;
        if (url[len - 1] == '/')
                len--;
        v6 = len > 0 && *url == '[';
        if (v6) {
                const char *end = memchr(url, ']', len);

                if (!end)
                        return -EINVAL;
                host_len = (size_t)(end - url) - 1;
                url++;
                len--;
        } else {
                const char *colon = len > 0 ? memchr(url, ':', len) : NULL;

                host_len = colon ? (size_t)(colon - url) : len;
        }
        if (!host_valid(url, host_len, v6) ||
            str_copy_n(ret_host, SIZE_KUBE_HOST, url, host_len) < 0)
                return -EINVAL;
        host_len += v6;
        return split_port(url + host_len, len - host_len, ret_port);
}

/* ---- rewriting ----------------------------------------------------------------------------- */

/* The lines that a value stands on: from the end of the line before to its own end. */
static const char *line_begin(const char *text, const char *at) {
        while (at > text && at[-1] != '\n')
                at--;
        return at;
}

static size_t line_len(const char *begin, const char *end) {
        const char *newline = memchr(begin, '\n', (size_t)(end - begin));

        return newline ? (size_t)(newline + 1 - begin) : (size_t)(end - begin);
}

/* One line "KEY: VALUE" with the indent (and the dash) of the line at 'like'. */
static int add_line(struct buf *out, const char *like, const char *key, const char *value,
                    bool under_dash) {
        const size_t indent = strspn(like, " -");
        int r = buf_add(out, like, indent);

        for (size_t i = 0; under_dash && r == 0 && i < indent; i++)
                out->data[out->len - 1 - i] = ' ';
        return r < 0 ? r : buf_printf(out, "%s: %s\n", key, value);
}

static int rewrite(struct buf *out, const char *text, size_t len, const struct kubeconfig_text *k,
                   const char *server_url, const char *name) {
        const char *server = line_begin(text, k->server.at), *end = text + len;
        const char *old =
                name && k->tls_server_name.at ? line_begin(text, k->tls_server_name.at) : NULL;
        int r = 0;

        for (const char *at = text; r == 0 && at < end; at += line_len(at, end)) {
                if (at == server) {
                        r = add_line(out, at, "server", server_url, false);
                        if (r == 0 && name && !old)
                                r = add_line(out, at, "tls-server-name", name, true);
                } else if (at == old) {
                        r = add_line(out, at, "tls-server-name", name, false);
                } else {
                        r = buf_add(out, at, line_len(at, end));
                }
        }
        return r;
}

/* A DNS name or an address. */
static bool name_valid(const char *name) {
        const size_t len = strlen(name);

        return len < SIZE_KUBE_HOST &&
               (host_valid(name, len, false) || host_valid(name, len, true));
}

int kubeconfig_rewrite(const char *text, size_t len, const char *server_url,
                       const char *tls_server_name, char **ret, struct fail *f) {
        struct buf out = { .limit = 2 * (size_t)KUBECONFIG_BYTES };
        char host[SIZE_KUBE_HOST];
        struct kubeconfig_text k;
        uint16_t port;
        int r;

        if (kubeconfig_split_url(server_url, strlen(server_url), host, &port) < 0)
                return fail(f, -EINVAL, "'%.200s' is no https URL of a server", server_url);
        if (tls_server_name && !name_valid(tls_server_name))
                return fail(f, -EINVAL, "'%.200s' is no name of a server", tls_server_name);
        r = kubeconfig_parse(text, len, &k, f);
        /* room for all of it at once: a buffer that grows leaves copies of the key behind */
        if (r == 0)
                r = buf_reserve(&out, len + strlen(server_url) + SIZE_KUBE_HOST + 256);
        if (r == 0)
                r = rewrite(&out, text, len, &k, server_url, tls_server_name);
        if (r < 0) {
                buf_done(&out);
                return r;
        }
        *ret = buf_take(&out);
        return 0;
}

#include "core/image_name.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

/* The grammar is that of github.com/distribution/reference:
 *         [domain/]component[/component...][:tag][@sha256:hex] */

static bool is_lower(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c) {
        return is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool image_digest_hex(const char *text, char end) {
        for (size_t i = 0; i < 64; i++)
                if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
                        return false;
        return text[64] == end;
}

bool image_digest_valid(const char *digest) {
        return strncmp(digest, "sha256:", 7) == 0 && image_digest_hex(digest + 7, '\0');
}

void image_digest_text(const uint8_t sum[static 32], char ret[static SIZE_DIGEST]) {
        static const char digits[] = "0123456789abcdef";

        memcpy(ret, "sha256:", 7);
        for (size_t i = 0; i < 32; i++) {
                ret[7 + 2 * i] = digits[sum[i] >> 4];
                ret[8 + 2 * i] = digits[sum[i] & 15];
        }
        ret[71] = '\0';
}

/* Lower-case words with one ".", one or two "_" or any number of "-" between them. */
static bool component_valid(const char *s, size_t len) {
        size_t i = 0;

        if (len == 0)
                return false;
        for (;;) {
                size_t word = i, gap;

                while (i < len && is_lower(s[i]))
                        i++;
                if (i == word)
                        return false;
                if (i == len)
                        return true;
                gap = i;
                while (i < len && s[i] == s[gap])
                        i++;
                if (s[gap] == '.' ? i - gap > 1 : s[gap] == '_' ? i - gap > 2 : s[gap] != '-')
                        return false;
        }
}

/* Labels of letters, digits and inner hyphens, with dots between them; then perhaps a port. */
static bool domain_valid(const char *s, size_t len) {
        const char *colon = memchr(s, ':', len);
        size_t host = colon ? (size_t)(colon - s) : len;

        if (host == 0 || (colon && host + 1 == len))
                return false;
        for (size_t i = 0; i < host; i++) {
                bool edge = i == 0 || i + 1 == host || s[i - 1] == '.' || s[i + 1] == '.';

                if (!is_alnum(s[i]) && (edge || (s[i] != '-' && s[i] != '.')))
                        return false;
        }
        for (size_t i = host + 1; i < len; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return true;
}

/* [A-Za-z0-9_] and then up to 127 of those, "." and "-". */
static bool tag_valid(const char *s, size_t len) {
        if (len == 0 || len > 128 || s[0] == '.' || s[0] == '-')
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
                        return false;
        return true;
}

/* A reference taken apart: views into the text. */
struct parts {
        const char *domain, *path, *tag, *digest;
        size_t domain_len, path_len, tag_len;
};

/* "alpine/git" is a path; "quay.io/x", "localhost/x", "host:5000/x" and "Host/x" have a domain. */
static bool looks_like_domain(const char *s, size_t len) {
        if (len == 9 && memcmp(s, "localhost", 9) == 0)
                return true;
        for (size_t i = 0; i < len; i++)
                if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
                        return true;
        return false;
}

static bool path_valid(const char *s, size_t len) {
        for (;;) {
                const char *slash = memchr(s, '/', len);
                size_t n = slash ? (size_t)(slash - s) : len;

                if (!component_valid(s, n))
                        return false;
                if (!slash)
                        return true;
                s += n + 1;
                len -= n + 1;
        }
}

static bool split(const char *name, struct parts *ret) {
        struct parts p = { .digest = strchr(name, '@') };
        size_t len = p.digest ? (size_t)(p.digest - name) : strlen(name);
        const char *slash = memchr(name, '/', len), *colon;

        if (p.digest && !image_digest_valid(++p.digest))
                return false;
        if (slash && looks_like_domain(name, (size_t)(slash - name))) {
                p.domain = name;
                p.domain_len = (size_t)(slash - name);
                if (!domain_valid(p.domain, p.domain_len))
                        return false;
                len -= p.domain_len + 1;
                name = slash + 1;
        }
        colon = memchr(name, ':', len);
        p.path = name;
        p.path_len = colon ? (size_t)(colon - name) : len;
        if (colon) {
                p.tag = colon + 1;
                p.tag_len = len - p.path_len - 1;
                if (!tag_valid(p.tag, p.tag_len))
                        return false;
        }
        *ret = p;
        return path_valid(p.path, p.path_len);
}

static bool put(char *dst, size_t *at, const char *s, size_t len) {
        if (*at + len >= SIZE_IMAGE)
                return false;
        memcpy(dst + *at, s, len);
        *at += len;
        dst[*at] = '\0';
        return true;
}

static bool same(const char *s, size_t len, const char *want) {
        return strlen(want) == len && memcmp(s, want, len) == 0;
}

int image_name_normalise(const char *name, char ret[static SIZE_IMAGE]) {
        char out[SIZE_IMAGE];
        struct parts p;
        size_t at = 0;
        bool fits;

        /* Far more than any reference: the checks below need not be quick. */
        if (strnlen(name, 1024) == 1024)
                return -ENAMETOOLONG;
        /* 64 hex digits alone would be taken for an image's id by docker. */
        if (!split(name, &p) || (!p.domain && !p.tag && !p.digest && p.path_len == 64 &&
                                 image_digest_hex(p.path, '\0')))
                return -EINVAL;
        if (!p.domain || same(p.domain, p.domain_len, "index.docker.io")) {
                p.domain = "docker.io";
                p.domain_len = 9;
        }
        fits = put(out, &at, p.domain, p.domain_len) && put(out, &at, "/", 1);
        if (fits && same(p.domain, p.domain_len, "docker.io") && !memchr(p.path, '/', p.path_len))
                fits = put(out, &at, "library/", 8);
        fits = fits && put(out, &at, p.path, p.path_len);
        if (fits && p.tag)
                fits = put(out, &at, ":", 1) && put(out, &at, p.tag, p.tag_len);
        else if (fits && !p.digest)
                fits = put(out, &at, ":latest", 7);
        if (fits && p.digest)
                fits = put(out, &at, "@", 1) && put(out, &at, p.digest, strlen(p.digest));
        if (!fits)
                return -ENAMETOOLONG;
        memcpy(ret, out, at + 1);
        return 0;
}

bool image_name_is_name(const char *text) {
        char full[SIZE_IMAGE];

        return text[strcspn(text, "/:@")] != '\0' && image_name_normalise(text, full) == 0;
}

/* The newest 32-bit Arm that a machine runs; 0: none. */
static unsigned arm_of(const char *machine) {
        static const struct {
                const char *machine;
                unsigned arm;
        } table[] = {
                { "aarch64", 8 }, { "armv8l", 8 },   { "armv7l", 7 },
                { "armv6l", 6 },  { "armv5tel", 5 },
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (str_eq(machine, table[i].machine))
                        return table[i].arm;
        return 0;
}

/* "v5" to "v8"; who says just "arm" means v7, as everywhere in Go's world. */
static unsigned arm_variant(const char *variant) {
        if (variant[0] == '\0')
                return 7;
        if (variant[0] == 'v' && variant[1] >= '5' && variant[1] <= '8' && variant[2] == '\0')
                return (unsigned)(variant[1] - '0');
        return 0;
}

unsigned image_platform_rank(const char *machine, unsigned bits, const struct image_platform *p) {
        unsigned newest = arm_of(machine), wants;

        if (!str_eq(p->os, "linux"))
                return 0;
        if (str_eq(p->architecture, "amd64"))
                /* v2 to v4 need instructions that nobody asked the processor for */
                return str_eq(machine, "x86_64") &&
                                       (p->variant[0] == '\0' || str_eq(p->variant, "v1"))
                               ? 20
                               : 0;
        if (str_eq(p->architecture, "arm64")) {
                if (!str_eq(machine, "aarch64"))
                        return 0;
                if (p->variant[0] != '\0' && !str_eq(p->variant, "v8"))
                        return 0;
                return bits == 32 ? 1 : 20;
        }
        if (!str_eq(p->architecture, "arm"))
                return 0;
        wants = arm_variant(p->variant);
        return wants && wants <= newest ? 2 + wants : 0;
}

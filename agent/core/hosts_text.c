#include "core/hosts_text.h"

#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { ADDRESS_LEN = 45, NAME_LEN = 253 }; /* INET6_ADDRSTRLEN - 1; RFC 1035 2.3.4 */

/* A line and, in 'next', where the following one begins. */
struct line {
        const char *at;
        size_t len; /* without its end and the blanks before that */
        const char *next;
};

static struct line line_at(const char *at, const char *end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct line l = { .at = at, .next = newline ? newline + 1 : end };

        l.len = (size_t)((newline ? newline : end) - at);
        while (l.len > 0 && strchr(" \t\r", at[l.len - 1]) && at[l.len - 1] != '\0')
                l.len--;
        return l;
}

static bool line_is(const struct line *l, const char *text) {
        return l->len == strlen(text) && memcmp(l->at, text, l->len) == 0;
}

static bool line_is_tagged(const struct line *l) {
        size_t tag = strlen(HOSTS_TAG);

        return l->len >= tag && memcmp(l->at + l->len - tag, HOSTS_TAG, tag) == 0;
}

/* Behind the end mark of the block that began before 'at'; NULL where another block begins first,
 * or nothing ends it. */
static const char *block_end(const char *at, const char *end) {
        while (at < end) {
                struct line l = line_at(at, end);

                if (line_is(&l, HOSTS_BEGIN))
                        return NULL;
                if (line_is(&l, HOSTS_END))
                        return l.next;
                at = l.next;
        }
        return NULL;
}

/* Behind what is ours from here on; 'at' itself where nothing is. */
static const char *skip_ours(const char *at, const char *end) {
        struct line l = line_at(at, end);

        if (line_is(&l, HOSTS_BEGIN)) {
                const char *after = block_end(l.next, end);

                return after ? after : l.next;
        }
        return line_is(&l, HOSTS_END) || line_is_tagged(&l) ? l.next : at;
}

static int add_line(struct buf *ret, const char *text, const char *eol) {
        return buf_printf(ret, "%s%s", text, eol);
}

static int add_block(struct buf *ret, const struct hosts_entry *entries, size_t n,
                     const char *eol) {
        int r = 0;

        if (n == 0)
                return 0;
        if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
                r = buf_add_text(ret, "\n"); /* cut in the middle of CRLF */
        else if (ret->len > 0 && ret->data[ret->len - 1] != '\n')
                r = buf_add_text(ret, eol);
        if (r == 0)
                r = add_line(ret, HOSTS_BEGIN, eol);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = buf_printf(ret, "%s %s " HOSTS_TAG "%s", entries[i].address, entries[i].name,
                               eol);
        return r == 0 ? add_line(ret, HOSTS_END, eol) : r;
}

static bool only(const char *s, size_t max, const char *allowed) {
        size_t len = strspn(s, allowed);

        return len > 0 && len <= max && s[len] == '\0';
}

static int check(const struct hosts_entry *entries, size_t n, struct fail *f) {
        if (n > HOSTS_ENTRIES)
                return fail(f, -E2BIG, "%zu names are too many for /etc/hosts (at most %d)", n,
                            HOSTS_ENTRIES);
        for (size_t i = 0; i < n; i++) {
                const struct hosts_entry *e = &entries[i];

                if (!only(e->address, ADDRESS_LEN, "0123456789abcdefABCDEF:.") ||
                    (!strchr(e->address, ':') && !strchr(e->address, '.')))
                        return fail(f, -EINVAL, "an entry for /etc/hosts has no IP address");
                if (!only(e->name, NAME_LEN, "abcdefghijklmnopqrstuvwxyz0123456789-.") ||
                    strchr("-.", e->name[0]))
                        return fail(f, -EINVAL, "an entry for /etc/hosts has no DNS name");
        }
        return 0;
}

static int edit(const char *text, size_t len, const struct hosts_entry *entries, size_t n,
                struct buf *ret) {
        const char *end = text + len, *newline = memchr(text, '\n', len);
        const char *first_end = newline ? newline : end;
        const char *eol = first_end > text && first_end[-1] == '\r' ? "\r\n" : "\n";
        bool placed = false;
        int r = 0;

        for (const char *at = text, *next; r == 0 && at < end; at = next) {
                next = skip_ours(at, end);
                if (next == at) {
                        next = line_at(at, end).next;
                        r = buf_add(ret, at, (size_t)(next - at));
                } else if (!placed) {
                        placed = true;
                        r = add_block(ret, entries, n, eol);
                }
        }
        return r == 0 && !placed ? add_block(ret, entries, n, eol) : r;
}

int hosts_text_set(const char *text, size_t len, const struct hosts_entry *entries, size_t n,
                   struct buf *ret, struct fail *f) {
        int r = check(entries, n, f);

        if (r < 0)
                return r;
        if (len > HOSTS_BYTES)
                return fail(f, -EFBIG, "/etc/hosts is longer than %d bytes", HOSTS_BYTES);
        r = len > 0 ? edit(text, len, entries, n, ret) : add_block(ret, entries, n, "\n");
        if (r == 0 && ret->len > HOSTS_BYTES)
                r = fail(f, -EFBIG, "/etc/hosts would be longer than %d bytes", HOSTS_BYTES);
        else if (r < 0)
                r = fail(f, r, "no memory for /etc/hosts");
        return r;
}

#include "core/hosts_name.h"

#include "base/str.h"
#include "core/hosts_text.h"
#include "core/names.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FRESH_NAME "raspberrypi"

/* A word of a line. */
struct word {
        const char *at;
        size_t len;
};

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

/* The next word between 'at' and 'end'; none: len 0.  A comment has no words. */
static struct word next_word(const char *at, const char *end) {
        struct word w = { at, 0 };

        while (w.at < end && is_blank(*w.at))
                w.at++;
        while (w.at + w.len < end && !is_blank(w.at[w.len]) && w.at[w.len] != '#')
                w.len++;
        return w;
}

static bool word_is(struct word w, const char *text) {
        return w.len == strlen(text) && w.len > 0 && memcmp(w.at, text, w.len) == 0;
}

static const char *line_end(const char *at, const char *end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        return newline ? newline : end;
}

/* Where the line of 127.0.1.1 begins; NULL: there is none. */
static const char *find_self(const char *text, const char *end) {
        for (const char *at = text; at < end;) {
                const char *stop = line_end(at, end);

                if (word_is(next_word(at, stop), HOSTS_SELF))
                        return at;
                at = stop < end ? stop + 1 : end;
        }
        return NULL;
}

/* Does the line say so already? */
static bool fits(const char *at, const char *stop, const char *name, const char *old) {
        struct word w = next_word(at, stop);

        w = next_word(w.at + w.len, stop);
        if (!word_is(w, name))
                return false;
        while ((w = next_word(w.at + w.len, stop)).len > 0)
                if (word_is(w, name) || word_is(w, old) || word_is(w, FRESH_NAME))
                        return false;
        return true;
}

/* What is behind the last word, a comment and the CR of CRLF, comes too. */
static int rewrite(const char *at, const char *stop, const char *name, const char *old,
                   struct buf *ret) {
        struct word w = next_word(at, stop);
        const char *rest = w.at + w.len;
        int r = buf_printf(ret, HOSTS_SELF "\t%s", name);

        while (r == 0 && (w = next_word(rest, stop)).len > 0) {
                rest = w.at + w.len;
                if (word_is(w, name) || word_is(w, old) || word_is(w, FRESH_NAME))
                        continue;
                r = buf_add_text(ret, " ");
                if (r == 0)
                        r = buf_add(ret, w.at, w.len);
        }
        return r == 0 ? buf_add(ret, rest, (size_t)(stop - rest)) : r;
}

static int edit(const char *text, size_t len, const char *name, const char *old, struct buf *ret) {
        const char *end = text + len, *at = len > 0 ? find_self(text, end) : NULL, *stop;
        int r;

        if (!at) {
                r = len > 0 ? buf_add(ret, text, len) : 0;
                if (r == 0 && len > 0 && end[-1] != '\n')
                        r = buf_add_text(ret, "\n");
                return r == 0 ? buf_printf(ret, HOSTS_SELF "\t%s\n", name) : r;
        }
        stop = line_end(at, end);
        if (fits(at, stop, name, old))
                return buf_add(ret, text, len);
        r = buf_add(ret, text, (size_t)(at - text));
        if (r == 0)
                r = rewrite(at, stop, name, old, ret);
        return r == 0 ? buf_add(ret, stop, (size_t)(end - stop)) : r;
}

int hosts_name_set(const char *text, size_t len, const char *name, const char *old, struct buf *ret,
                   struct fail *f) {
        int r;

        if (!names_board_valid(name))
                return fail(f, -EINVAL, "'%.63s' is no name for /etc/hosts", name);
        if (len > HOSTS_BYTES)
                return fail(f, -EFBIG, "/etc/hosts is longer than %d bytes", HOSTS_BYTES);
        r = edit(text, len, name, old, ret);
        if (r == 0 && ret->len > HOSTS_BYTES)
                return fail(f, -EFBIG, "/etc/hosts would be longer than %d bytes", HOSTS_BYTES);
        return r < 0 ? fail(f, r, "no memory for /etc/hosts") : 0;
}

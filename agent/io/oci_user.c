#include "io/oci_user.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

enum { FIELDS_MAX = 7, FIELD_BYTES = 64, ID_MAX = INT32_MAX };

/* One line of passwd or group: views, not copies. */
struct line {
        unsigned n;
        struct {
                const char *text;
                size_t len;
        } fields[FIELDS_MAX];
};

/* Takes the next line off the text; false at its end. */
static bool next_line(const char **text, size_t *len, struct line *ret) {
        const char *end;
        size_t line_len;
        const char *p = *text;

        if (*len == 0)
                return false;
        end = memchr(p, '\n', *len);
        line_len = end ? (size_t)(end - p) : *len;
        *text += line_len + (end ? 1 : 0);
        *len -= line_len + (end ? 1 : 0);
        ret->n = 0;
        for (;;) {
                const char *colon = ret->n + 1 < FIELDS_MAX ? memchr(p, ':', line_len) : NULL;
                size_t field_len = colon ? (size_t)(colon - p) : line_len;

                ret->fields[ret->n].text = p;
                ret->fields[ret->n++].len = field_len;
                if (!colon)
                        return true;
                p = colon + 1;
                line_len -= field_len + 1;
        }
}

static bool field_is(const struct line *l, unsigned i, const char *want) {
        return i < l->n && l->fields[i].len == strlen(want) &&
               memcmp(l->fields[i].text, want, l->fields[i].len) == 0;
}

static bool to_id(const char *text, size_t len, uint32_t *ret) {
        char digits[12];
        uint64_t v;

        if (str_copy_n(digits, sizeof(digits), text, len) < 0 || str_to_u64(digits, ID_MAX, &v) < 0)
                return false;
        *ret = (uint32_t)v;
        return true;
}

static bool field_id(const struct line *l, unsigned i, uint32_t *ret) {
        return i < l->n && to_id(l->fields[i].text, l->fields[i].len, ret);
}

/* Is 'name' in the comma-separated list? */
static bool lists(const struct line *l, unsigned i, const char *name) {
        const char *p;
        size_t len;

        if (i >= l->n || !*name)
                return false;
        p = l->fields[i].text;
        len = l->fields[i].len;
        while (len > 0) {
                const char *comma = memchr(p, ',', len);
                size_t n = comma ? (size_t)(comma - p) : len;

                if (n == strlen(name) && memcmp(p, name, n) == 0)
                        return true;
                p += n + (comma ? 1 : 0);
                len -= n + (comma ? 1 : 0);
        }
        return false;
}

bool oci_user_needs_files(const char *user) {
        const char *colon = strchr(user, ':');
        uint32_t id;

        if (!*user || str_eq(user, "0") || str_eq(user, "root"))
                return false;
        return !colon || !to_id(user, (size_t)(colon - user), &id) ||
               !to_id(colon + 1, strlen(colon + 1), &id);
}

/* Fills uid and gid; 'name' becomes the user's name where passwd knows it. */
static int find_user(char name[static FIELD_BYTES], const char *text, size_t len,
                     struct oci_user *u, struct fail *f) {
        bool numeric = to_id(name, strlen(name), &u->uid);
        struct line line;
        uint32_t id;

        while (next_line(&text, &len, &line)) {
                if (numeric ? !(field_id(&line, 2, &id) && id == u->uid)
                            : !field_is(&line, 0, name))
                        continue;
                if (!field_id(&line, 2, &u->uid) || !field_id(&line, 3, &u->gid))
                        continue;
                if (numeric)
                        (void)str_copy_n(name, FIELD_BYTES, line.fields[0].text,
                                         line.fields[0].len);
                return 0;
        }
        if (numeric)
                name[0] = '\0'; /* a number is nobody's member */
        else if (!str_eq(name, "root"))
                return fail(f, -ENOENT, "the image's user '%s' is not in its /etc/passwd", name);
        return 0;
}

static int find_group(const char *want, const char *text, size_t len, uint32_t *ret,
                      struct fail *f) {
        struct line line;

        if (to_id(want, strlen(want), ret))
                return 0;
        while (next_line(&text, &len, &line)) {
                if (field_is(&line, 0, want) && field_id(&line, 2, ret))
                        return 0;
        }
        return fail(f, -ENOENT, "the image's group '%.64s' is not in its /etc/group", want);
}

int oci_user_find(const char *user, const char *passwd, size_t passwd_len, const char *group,
                  size_t group_len, struct oci_user *ret, struct fail *f) {
        const char *colon = strchr(user, ':');
        struct oci_user u = { 0 };
        char name[FIELD_BYTES];
        struct line line;
        int r = 0;

        if (str_copy_n(name, sizeof(name), user, colon ? (size_t)(colon - user) : strlen(user)) < 0)
                return fail(f, -EINVAL, "the image's user is no name");
        if (*name)
                r = find_user(name, passwd, passwd_len, &u, f);
        if (r == 0 && colon && colon[1])
                return (r = find_group(colon + 1, group, group_len, &u.gid, f)) < 0 ? r
                                                                                    : (*ret = u, 0);
        if (r < 0)
                return r;
        while (*name && u.n_groups < OCI_GROUPS_MAX && next_line(&group, &group_len, &line)) {
                if (lists(&line, 3, name) && field_id(&line, 2, &u.groups[u.n_groups]))
                        u.n_groups++;
        }
        *ret = u;
        return 0;
}

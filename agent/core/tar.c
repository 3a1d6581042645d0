#include "core/tar.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

/* Where the fields of a header are (POSIX.1-1988 ustar). */
enum {
        NAME = 0,
        NAME_LEN = 100,
        SIZE = 124,
        SIZE_LEN = 12,
        CHECKSUM = 148,
        CHECKSUM_LEN = 8,
        TYPE = 156,
        LINK = 157,
        LINK_LEN = 100,
        MAGIC = 257,
        PREFIX = 345,
        PREFIX_LEN = 155,
};

/* More than any card holds; keeps sums far from overflow. */
#define MOST_BYTES (UINT64_C(1) << 46)

void tar_init(struct tar *t) {
        memset(t, 0, offsetof(struct tar, extra_data));
        t->extra_data[0] = '\0';
        t->state = TAR_STATE_HEADER;
}

/* Octal with spaces before and a space, NUL or the field's end behind; GNU: base 256. */
static int number(const uint8_t *field, size_t len, uint64_t *ret) {
        uint64_t v = 0;
        size_t i = 0;

        if (field[0] == 0x80) {
                for (i = 1; i < len; i++) {
                        if (v > MOST_BYTES)
                                return -EBADMSG;
                        v = v << 8 | field[i];
                }
        } else {
                while (i < len && field[i] == ' ')
                        i++;
                for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
                        v = v << 3 | (uint64_t)(field[i] - '0');
                if (i < len && field[i] != '\0' && field[i] != ' ')
                        return -EBADMSG;
        }
        if (v > MOST_BYTES)
                return -EBADMSG;
        *ret = v;
        return 0;
}

/* The sum of all bytes with the sum's own field as spaces; old tars summed signed bytes. */
static bool checksum_fits(const uint8_t *h) {
        uint64_t want;
        int64_t plain = 0, is_signed = 0;

        if (number(h + CHECKSUM, CHECKSUM_LEN, &want) < 0)
                return false;
        for (size_t i = 0; i < TAR_BLOCK; i++) {
                uint8_t c = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LEN ? ' ' : h[i];

                plain += c;
                is_signed += (int8_t)c;
        }
        return (int64_t)want == plain || (int64_t)want == is_signed;
}

static bool all_zero(const uint8_t *h) {
        for (size_t i = 0; i < TAR_BLOCK; i++)
                if (h[i])
                        return false;
        return true;
}

/* Copies a field that a NUL or its own length ends. */
static size_t field_text(char *dst, const uint8_t *field, size_t len) {
        size_t n = strnlen((const char *)field, len);

        memcpy(dst, field, n);
        dst[n] = '\0';
        return n;
}

/* Appends one component to a path.  False where it does not fit. */
static bool append(char *path, size_t *len, const char *part, size_t part_len) {
        if (*len + (*len > 0) + part_len >= SIZE_TAR_PATH)
                return false;
        if (*len > 0)
                path[(*len)++] = '/';
        memcpy(path + *len, part, part_len);
        *len += part_len;
        path[*len] = '\0';
        return true;
}

static void drop_last(char *path, size_t *len) {
        const char *slash = strrchr(path, '/');

        *len = slash ? (size_t)(slash - path) : 0;
        path[*len] = '\0';
}

/* Walks the components of 'in' from the folder that 'path' holds.  'climb': ".." goes up, else
 * it is an error. */
static int walk(char *path, size_t *len, const char *in, bool climb) {
        if (in[0] == '/')
                return -EINVAL;
        while (*in) {
                size_t n = strcspn(in, "/");

                if (n == 2 && in[0] == '.' && in[1] == '.') {
                        if (!climb || *len == 0)
                                return -EINVAL;
                        drop_last(path, len);
                } else if (n > 0 && !(n == 1 && in[0] == '.')) {
                        if (!append(path, len, in, n))
                                return -ENAMETOOLONG;
                }
                in += n;
                in += *in == '/';
        }
        return 0;
}

int tar_resolve(const struct tar_entry *e, char ret[static SIZE_TAR_PATH]) {
        char path[SIZE_TAR_PATH] = "";
        size_t len = 0;
        int r;

        /* A hard link names a member; a symbolic link starts in its own folder. */
        if (e->kind == TAR_SYMLINK) {
                len = strlen(e->path);
                memcpy(path, e->path, len + 1);
                drop_last(path, &len);
        }
        r = walk(path, &len, e->link, true);
        if (r < 0)
                return r;
        if (len == 0)
                return -EINVAL;
        memcpy(ret, path, len + 1);
        return 0;
}

static enum tar_kind kind_of(char type) {
        switch (type) {
        case '\0':
        case '0':
        case '7':
                return TAR_FILE;
        case '1':
                return TAR_HARDLINK;
        case '2':
                return TAR_SYMLINK;
        case '5':
                return TAR_FOLDER;
        default:
                return TAR_OTHER;
        }
}

/* Before pax, a folder was a file whose name ends with a slash. */
static bool names_folder(const char *path) {
        return str_ends(path, "/");
}

static int entry_names(struct tar *t, const uint8_t *h) {
        char raw[PREFIX_LEN + 1 + NAME_LEN + 1];
        const char *path = raw;
        size_t n = 0, len = 0;
        int r;

        /* GNU tar keeps times where POSIX keeps the prefix: only "ustar\0" has one. */
        if (memcmp(h + MAGIC, "ustar", 6) == 0 && h[PREFIX]) {
                n = field_text(raw, h + PREFIX, PREFIX_LEN);
                raw[n++] = '/';
        }
        (void)field_text(raw + n, h + NAME, NAME_LEN);
        if (t->has_path)
                path = t->next_path;
        if (t->entry.kind == TAR_FILE && names_folder(path))
                t->entry.kind = TAR_FOLDER;
        t->entry.path[0] = '\0';
        r = walk(t->entry.path, &len, path, false);
        if (r < 0)
                return r;
        if (t->has_link)
                memcpy(t->entry.link, t->next_link, sizeof(t->entry.link));
        else
                (void)field_text(t->entry.link, h + LINK, LINK_LEN);
        return 0;
}

/* Data of 'size' bytes follows, then padding up to a whole block. */
static void expect(struct tar *t, enum tar_state state, uint64_t size) {
        t->left = size;
        t->skip = (uint32_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
        t->state = state;
}

static void pad(struct tar *t) {
        t->state = t->skip ? TAR_STATE_PADDING : TAR_STATE_HEADER;
}

static int begin_entry(struct tar *t, const uint8_t *h, uint64_t size) {
        int r;

        t->entry.kind = kind_of((char)h[TYPE]);
        r = entry_names(t, h);
        if (r < 0)
                return r;
        if (t->has_size)
                size = t->next_size;
        /* A link's size says how large its target is: no data follows (POSIX: ignored). */
        if (t->entry.kind == TAR_HARDLINK || t->entry.kind == TAR_SYMLINK ||
            t->entry.kind == TAR_FOLDER)
                size = 0;
        t->has_path = t->has_link = t->has_size = false;
        t->entry.size = size;
        expect(t, TAR_STATE_DATA, size);
        return TAR_ENTRY;
}

static int begin_extra(struct tar *t, char type, uint64_t size) {
        if (size > TAR_EXTRA_BYTES)
                return type == 'g' ? -EBADMSG : -ENAMETOOLONG;
        t->extra = type == 'g' ? 0 : type; /* nothing global matters to us */
        t->n_extra = 0;
        expect(t, TAR_STATE_EXTRA, size);
        return TAR_MORE;
}

static int header(struct tar *t) {
        const uint8_t *h = t->block;
        uint64_t size;

        t->n_block = 0;
        if (all_zero(h)) {
                if (t->zero)
                        t->state = TAR_STATE_END;
                t->zero = true;
                return t->state == TAR_STATE_END ? TAR_END : TAR_MORE;
        }
        /* One lone zero block ends nothing, says GNU tar with a warning; two do. */
        t->zero = false;
        if (!checksum_fits(h) || number(h + SIZE, SIZE_LEN, &size) < 0)
                return -EBADMSG;
        t->seen = true;
        switch (h[TYPE]) {
        case 'x':
        case 'g':
        case 'L':
        case 'K':
                return begin_extra(t, (char)h[TYPE], size);
        case 'S': /* GNU's sparse file: its map may go on in blocks that no size counts */
        case 'M': /* the rest of a file that began in another volume */
                return -ENOTSUP;
        default:
                return begin_entry(t, h, size);
        }
}

/* One "keyword=value" of a pax header. */
static int pax_record(struct tar *t, const char *key, size_t key_len, const char *value,
                      size_t len) {
        if (key_len == 4 && memcmp(key, "path", 4) == 0) {
                t->has_path = true;
                return str_copy_n(t->next_path, sizeof(t->next_path), value, len);
        }
        if (key_len == 8 && memcmp(key, "linkpath", 8) == 0) {
                t->has_link = true;
                return str_copy_n(t->next_link, sizeof(t->next_link), value, len);
        }
        if (key_len == 4 && memcmp(key, "size", 4) == 0) {
                char text[24];

                t->has_size = true;
                if (str_copy_n(text, sizeof(text), value, len) < 0 ||
                    str_to_u64(text, MOST_BYTES, &t->next_size) < 0)
                        return -EBADMSG;
                return 0;
        }
        if (key_len > 11 && memcmp(key, "GNU.sparse.", 11) == 0)
                return -ENOTSUP;
        return 0;
}

/* Records are "LENGTH keyword=value\n", LENGTH counting all of it. */
static int pax(struct tar *t, const char *p, size_t len) {
        while (len > 0) {
                size_t record = 0, digits = 0, body;
                const char *equals;
                int r;

                while (digits < len && digits < 6 && p[digits] >= '0' && p[digits] <= '9')
                        record = record * 10 + (size_t)(p[digits++] - '0');
                if (digits == 0 || record > len || record < digits + 4 || p[digits] != ' ' ||
                    p[record - 1] != '\n')
                        return -EBADMSG;
                body = record - digits - 2;
                equals = memchr(p + digits + 1, '=', body);
                if (!equals || equals == p + digits + 1)
                        return -EBADMSG;
                r = pax_record(t, p + digits + 1, (size_t)(equals - p) - digits - 1, equals + 1,
                               (size_t)(p + record - 1 - (equals + 1)));
                if (r < 0)
                        return r == -EINVAL ? -EBADMSG : r;
                p += record;
                len -= record;
        }
        return 0;
}

static int extra_done(struct tar *t) {
        int r = 0;

        t->extra_data[t->n_extra] = '\0';
        switch (t->extra) {
        case 'x':
                r = pax(t, t->extra_data, t->n_extra);
                break;
        case 'L':
                t->has_path = true;
                r = str_copy(t->next_path, sizeof(t->next_path), t->extra_data);
                break;
        case 'K':
                t->has_link = true;
                r = str_copy(t->next_link, sizeof(t->next_link), t->extra_data);
                break;
        default:
                break;
        }
        pad(t);
        return r;
}

/* Takes up to 'most' bytes of the input. */
static size_t take(const void **data, size_t *len, uint64_t most) {
        size_t n = *len < most ? *len : (size_t)most;

        *data = (const uint8_t *)*data + n;
        *len -= n;
        return n;
}

/* Each step_...() does one thing and returns an event, TAR_MORE to go on, or an error. */
static int step_header(struct tar *t, const void **data, size_t *len) {
        const void *from = *data;
        size_t n = take(data, len, TAR_BLOCK - t->n_block);

        memcpy(t->block + t->n_block, from, n);
        t->n_block += (uint32_t)n;
        return t->n_block == TAR_BLOCK ? header(t) : TAR_MORE;
}

static int step_data(struct tar *t, const void **data, size_t *len, const void **ret_data,
                     size_t *ret_len) {
        const void *from = *data;
        size_t n;

        if (t->left == 0) {
                pad(t);
                return TAR_DONE;
        }
        n = take(data, len, t->left);
        t->left -= n;
        if (t->entry.kind != TAR_FILE)
                return TAR_MORE;
        *ret_data = from;
        *ret_len = n;
        return TAR_DATA;
}

static int step_extra(struct tar *t, const void **data, size_t *len) {
        const void *from = *data;
        size_t n = take(data, len, t->left);

        memcpy(t->extra_data + t->n_extra, from, n);
        t->n_extra += (uint32_t)n;
        t->left -= n;
        return t->left == 0 ? extra_done(t) : TAR_MORE;
}

int tar_next(struct tar *t, const void **data, size_t *len, const void **ret_data,
             size_t *ret_len) {
        int r = TAR_MORE;

        for (;;) {
                /* What needs no input comes first: the end of an empty file. */
                bool owed =
                        (t->state == TAR_STATE_DATA || t->state == TAR_STATE_EXTRA) && t->left == 0;

                if (*len == 0 && !owed)
                        return TAR_MORE;
                switch (t->state) {
                case TAR_STATE_HEADER:
                        r = step_header(t, data, len);
                        break;
                case TAR_STATE_DATA:
                        r = step_data(t, data, len, ret_data, ret_len);
                        break;
                case TAR_STATE_EXTRA:
                        r = step_extra(t, data, len);
                        break;
                case TAR_STATE_PADDING:
                        t->skip -= (uint32_t)take(data, len, t->skip);
                        pad(t);
                        break;
                case TAR_STATE_END:
                        (void)take(data, len, UINT64_MAX);
                        break;
                case TAR_STATE_BAD:
                        return -EBADMSG;
                }
                if (r < 0)
                        t->state = TAR_STATE_BAD;
                if (r != TAR_MORE)
                        return r;
        }
}

bool tar_complete(const struct tar *t) {
        if (t->state == TAR_STATE_END)
                return true;
        return t->state == TAR_STATE_HEADER && t->n_block == 0 && t->seen && !t->has_path &&
               !t->has_link && !t->has_size;
}

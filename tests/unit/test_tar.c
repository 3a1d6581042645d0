#include "core/tar.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* Writes a header; the checksum fits whatever 'h' was before. */
static void seal(uint8_t h[static TAR_BLOCK]) {
        unsigned sum = 0;

        memset(h + 148, ' ', 8);
        for (size_t i = 0; i < TAR_BLOCK; i++)
                sum += h[i];
        (void)snprintf((char *)h + 148, 8, "%06o", sum);
}

static void add_header(struct buf *b, const char *name, char type, uint64_t size,
                       const char *link) {
        uint8_t h[TAR_BLOCK] = { 0 };
        char digits[24];

        (void)strncpy((char *)h, name, 100);
        (void)snprintf(digits, sizeof(digits), "%011llo", (unsigned long long)size);
        memcpy(h + 124, digits, 11);
        h[156] = (uint8_t)type;
        (void)strncpy((char *)h + 157, link, 100);
        memcpy(h + 257,
               "ustar\0"
               "00",
               8);
        seal(h);
        assert_int_equal(buf_add(b, h, sizeof(h)), 0);
}

static void add_data(struct buf *b, const void *data, size_t len) {
        static const char zeros[TAR_BLOCK];

        assert_int_equal(buf_add(b, data, len), 0);
        assert_int_equal(buf_add(b, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK), 0);
}

static void add_file(struct buf *b, const char *name, const char *text) {
        add_header(b, name, '0', strlen(text), "");
        add_data(b, text, strlen(text));
}

static void add_pax(struct buf *b, const char *records) {
        add_header(b, "pax", 'x', strlen(records), "");
        add_data(b, records, strlen(records));
}

static void add_end(struct buf *b) {
        static const char zeros[2 * TAR_BLOCK];

        assert_int_equal(buf_add(b, zeros, sizeof(zeros)), 0);
}

/* Reads 'in' in pieces of 'piece' bytes into a transcript: "path kind size [data] ...". */
static int read_all(const struct buf *in, size_t piece, struct buf *out, bool *ret_complete) {
        auto_free struct tar *t = malloc(sizeof(*t));
        int r = 0;

        assert_non_null(t);
        tar_init(t);
        out->len = 0;
        for (size_t at = 0; r >= 0 && at < in->len; at += piece) {
                size_t left = in->len - at < piece ? in->len - at : piece, n = 0;
                const void *p = in->data + at, *data = NULL;

                do {
                        r = tar_next(t, &p, &left, &data, &n);
                        if (r == TAR_ENTRY)
                                (void)buf_printf(out, "%s %d %llu%s%s [", tar_entry(t)->path,
                                                 (int)tar_entry(t)->kind,
                                                 (unsigned long long)tar_entry(t)->size,
                                                 tar_entry(t)->link[0] ? " -> " : "",
                                                 tar_entry(t)->link);
                        else if (r == TAR_DATA)
                                (void)buf_add(out, data, n);
                        else if (r == TAR_DONE)
                                (void)buf_add_text(out, "] ");
                        else if (r == TAR_END)
                                (void)buf_add_text(out, "end");
                } while (r > TAR_MORE);
                assert_true(r < 0 || left == 0);
        }
        *ret_complete = tar_complete(t);
        return r < 0 ? r : 0;
}

/* In one piece and byte for byte: the same. */
static void expect(const struct buf *in, int result, bool complete, const char *want) {
        static const size_t pieces[] = { 1, 7, 511, 512, 513, SIZE_MAX / 2 };
        auto_buf struct buf out = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                bool got_complete;

                assert_int_equal(read_all(in, pieces[i], &out, &got_complete), result);
                if (result == 0) {
                        assert_int_equal(got_complete, complete);
                        assert_string_equal(out.data ? out.data : "", want);
                }
        }
}

static void plain(void **state) {
        auto_buf struct buf b = { 0 };

        (void)state;
        add_file(&b, "./index.json", "{}");
        add_header(&b, "blobs/", '5', 0, "");
        add_file(&b, "blobs//sha256/./x", "");
        add_header(&b, "l", '2', 77, "../b");
        add_header(&b, "h", '1', 77, "index.json");
        add_header(&b, "old-folder/", '\0', 0, "");
        add_header(&b, "fifo", '6', 0, "");
        add_end(&b);
        (void)buf_add_text(&b, "what follows is not read");
        expect(&b, 0, true,
               "index.json 0 2 [{}] blobs 1 0 [] blobs/sha256/x 0 0 [] l 2 0 -> ../b [] "
               "h 3 0 -> index.json [] old-folder 1 0 [] fifo 4 0 [] end");
}

static void long_names(void **state) {
        auto_buf struct buf b = { 0 };
        char name[301], want[400];

        (void)state;
        memset(name, 'n', 300);
        name[300] = '\0';
        /* GNU: the name is the data of a member before */
        add_header(&b, "././@LongLink", 'L', 301, "");
        add_data(&b, name, 301);
        add_file(&b, "nnn", "gnu");
        (void)snprintf(want, sizeof(want), "%s 0 3 [gnu] ", name);
        expect(&b, 0, true, want);

        /* POSIX: a prefix */
        buf_done(&b);
        add_file(&b, "b", "x");
        memcpy(b.data + 345, "some/folder", 11);
        seal((uint8_t *)b.data);
        expect(&b, 0, true, "some/folder/b 0 1 [x] ");

        /* GNU's own magic: those bytes are something else */
        memcpy(b.data + 257, "ustar  ", 8);
        seal((uint8_t *)b.data);
        expect(&b, 0, true, "b 0 1 [x] ");
}

static void pax(void **state) {
        static const struct {
                const char *records;
                int result;
                const char *want;
        } cases[] = {
                { "14 path=a/b/c\n", 0, "a/b/c 0 4 [data] " },
                { "9 path=a\n19 mtime=1234567.5\n", 0, "a 0 4 [data] " },
                { "10 size=3\n", 0, "f 0 3 [dat] " },
                { "14 linkpath=x\n", 0, "f 0 4 -> x [data] " },
                { "11 path=ab\n9 path=c\n", 0, "c 0 4 [data] " },
                { "", 0, "f 0 4 [data] " },
                { "11 path=a\n", -EBADMSG, "" },
                { "8 path=a\n", -EBADMSG, "" },
                { "999999 path=a\n", -EBADMSG, "" },
                { "9999999 path=a\n", -EBADMSG, "" },
                { "0 path=a\n", -EBADMSG, "" },
                { "path=a\n", -EBADMSG, "" },
                { "5 =a\n", -EBADMSG, "" },
                { "7 path\n", -EBADMSG, "" },
                { "11 size=-3\n", -EBADMSG, "" },
                { "29 size=99999999999999999999\n", -EBADMSG, "" },
                { "13 path=../a\n", -EINVAL, "" },
                { "11 path=/a\n", -EINVAL, "" },
                { "22 GNU.sparse.major=1\n", -ENOTSUP, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf b = { 0 };

                add_pax(&b, cases[i].records);
                add_file(&b, "f", "data");
                expect(&b, cases[i].result, true, cases[i].want);
        }
}

static void pax_is_for_one(void **state) {
        auto_buf struct buf b = { 0 };

        (void)state;
        add_pax(&b, "9 path=a\n");
        add_file(&b, "f", "1");
        add_file(&b, "g", "2");
        add_header(&b, "global", 'g', 11, "");
        add_data(&b, "11 path=zz\n", 11);
        add_file(&b, "h", "3");
        expect(&b, 0, true, "a 0 1 [1] g 0 1 [2] h 0 1 [3] ");
}

static void hostile(void **state) {
        static const struct {
                const char *name, *link;
                char type;
                int result;
        } cases[] = {
                { "../x", "", '0', -EINVAL },        { "a/../../x", "", '0', -EINVAL },
                { "/etc/passwd", "", '0', -EINVAL }, { "sparse", "", 'S', -ENOTSUP },
                { "volume", "", 'M', -ENOTSUP },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf b = { 0 };

                add_header(&b, cases[i].name, cases[i].type, 0, cases[i].link);
                expect(&b, cases[i].result, false, "");
        }
}

static void damaged(void **state) {
        auto_buf struct buf b = { 0 };

        (void)state;
        add_file(&b, "f", "data");
        b.data[3] ^= 1;
        expect(&b, -EBADMSG, false, "");
        b.data[3] ^= 1;
        /* sizes: no digits, beyond any disk, negative base 256 */
        memcpy(b.data + 124, "xyz", 3);
        seal((uint8_t *)b.data);
        expect(&b, -EBADMSG, false, "");
        memset(b.data + 124, '7', 12);
        b.data[124] = (char)0x80;
        seal((uint8_t *)b.data);
        expect(&b, -EBADMSG, false, "");
        memset(b.data + 124, 0xff, 12);
        seal((uint8_t *)b.data);
        expect(&b, -EBADMSG, false, "");
        /* base 256 */
        memset(b.data + 124, 0, 12);
        b.data[124] = (char)0x80;
        b.data[135] = 4;
        seal((uint8_t *)b.data);
        expect(&b, 0, true, "f 0 4 [data] ");
        /* an extra header that is larger than any */
        b.data[156] = 'L';
        b.data[132] = 1;
        seal((uint8_t *)b.data);
        expect(&b, -ENAMETOOLONG, false, "");
}

static void cut_off(void **state) {
        auto_buf struct buf b = { 0 }, out = { 0 };
        bool complete;

        (void)state;
        add_pax(&b, "9 path=a\n");
        add_file(&b, "f", "data");
        add_end(&b);
        for (size_t len = 1; len < b.len; len++) {
                struct buf part = { .data = b.data, .len = len };
                /* Between the file and the second block of zeros nothing is missing. */
                bool whole = len == 4 * TAR_BLOCK || len == 5 * TAR_BLOCK;

                assert_int_equal(read_all(&part, SIZE_MAX / 2, &out, &complete), 0);
                assert_int_equal(complete, whole);
        }
        b.len = 0;
        assert_int_equal(read_all(&b, 1, &out, &complete), 0);
        assert_false(complete);
}

static void resolves(void **state) {
        static const struct {
                enum tar_kind kind;
                const char *path, *link;
                int result;
                const char *want;
        } cases[] = {
                { TAR_SYMLINK, "a/layer.tar", "../b/layer.tar", 0, "b/layer.tar" },
                { TAR_SYMLINK, "a/b/c", "./d", 0, "a/b/d" },
                { TAR_SYMLINK, "a", "b", 0, "b" },
                { TAR_SYMLINK, "a", "../b", -EINVAL, "" },
                { TAR_SYMLINK, "a/b", "../../c", -EINVAL, "" },
                { TAR_SYMLINK, "a", "/etc/passwd", -EINVAL, "" },
                { TAR_SYMLINK, "a/b", "..", -EINVAL, "" },
                { TAR_SYMLINK, "a", "", -EINVAL, "" },
                { TAR_HARDLINK, "a/x", "b/./y", 0, "b/y" },
                { TAR_HARDLINK, "a/x", "b/../y", 0, "y" },
                { TAR_HARDLINK, "a/x", "../y", -EINVAL, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct tar_entry e = { .kind = cases[i].kind };
                char got[SIZE_TAR_PATH] = "";

                (void)strcpy(e.path, cases[i].path);
                (void)strcpy(e.link, cases[i].link);
                assert_int_equal(tar_resolve(&e, got), cases[i].result);
                assert_string_equal(got, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain),   cmocka_unit_test(long_names),
                cmocka_unit_test(pax),     cmocka_unit_test(pax_is_for_one),
                cmocka_unit_test(hostile), cmocka_unit_test(damaged),
                cmocka_unit_test(cut_off), cmocka_unit_test(resolves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

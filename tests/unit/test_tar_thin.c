#include "core/tar_thin.h"

#include "base/buf.h"
#include "base/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* One member of 'size' bytes, all of them 'fill'. */
static void add(struct buf *b, char type, const char *name, size_t size, char fill) {
        char block[512] = { 0 };

        (void)snprintf(block, 100, "%s", name);
        (void)snprintf(block + 124, 12, "%011zo", size);
        block[156] = type;
        memcpy(block + 257, "ustar\00000", 8);
        assert_int_equal(buf_add(b, block, sizeof(block)), 0);
        for (size_t i = 0; i < size; i++)
                assert_int_equal(buf_add(b, &fill, 1), 0);
        while (b->len % 512)
                assert_int_equal(buf_add(b, "\0", 1), 0);
}

static void finish(struct buf *b) {
        char zero[1024] = { 0 };

        assert_int_equal(buf_add(b, zero, sizeof(zero)), 0);
}

/* What comes out when pieces of 'piece' bytes go in; every blob is there where 'have'. */
static void thin(const struct buf *in, size_t piece, bool have, struct buf *out, unsigned *asked,
                 uint64_t *skipped) {
        struct tar_thin t = { 0 };

        *asked = 0;
        for (size_t at = 0; at < in->len; at += piece) {
                const void *data = in->data + at, *view;
                size_t len = in->len - at < piece ? in->len - at : piece, n;
                enum tar_thin_event e;

                view = NULL;
                n = 0;
                while ((e = tar_thin_next(&t, &data, &len, &view, &n)) != TAR_THIN_MORE) {
                        if (e == TAR_THIN_PASS) {
                                assert_int_equal(buf_add(out, view, n), 0);
                                view = NULL;
                                n = 0;
                                continue;
                        }
                        assert_null(view); /* written only with what passes */
                        assert_int_equal(n, 0);
                        assert_string_equal(t.digest, "sha256:" HEX);
                        ++*asked;
                        tar_thin_answer(&t, have);
                }
                assert_null(view);
        }
        *skipped = t.skipped;
}

static void compare(const struct buf *in, const struct buf *without, unsigned want_asked) {
        static const size_t pieces[] = { 1, 511, 512, 700, 100000 };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                auto_buf struct buf all = { 0 }, some = { 0 };
                unsigned asked;
                uint64_t skipped;

                thin(in, pieces[i], false, &all, &asked, &skipped);
                assert_int_equal(asked, want_asked);
                assert_int_equal(skipped, 0);
                assert_int_equal(all.len, in->len);
                assert_memory_equal(all.data, in->data, in->len);
                thin(in, pieces[i], true, &some, &asked, &skipped);
                assert_int_equal(some.len, without->len);
                assert_memory_equal(some.data, without->data, without->len);
                assert_int_equal(skipped, want_asked * 40000);
        }
}

static void leaves_out(void **state) {
        auto_buf struct buf in = { 0 }, want = { 0 };

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct buf *b = i ? &want : &in;

                add(b, '0', "oci-layout", 30, 'l');
                add(b, '5', "blobs/sha256/", 0, 0);
                if (!i)
                        add(b, '0', "blobs/sha256/" HEX, 40000, 'b');
                add(b, '0', "index.json", 700, 'i');
                if (!i)
                        add(b, '\0', "./blobs/sha256/" HEX, 40000, 'b');
                add(b, '0', "blobs/sha256/" HEX, 100, 's'); /* small */
                add(b, '0', "blobs/sha256/short", 40000, 'x');
                finish(b);
        }
        compare(&in, &want, 2);
}

/* An extra header may say that the name is another one: what follows it passes. */
static void leaves_alone(void **state) {
        auto_buf struct buf in = { 0 }, gnu = { 0 }, global = { 0 }, noise = { 0 };

        (void)state;
        add(&in, 'x', "PaxHeaders/x", 30, 'p');
        add(&in, '0', "blobs/sha256/" HEX, 40000, 'b');
        finish(&in);
        compare(&in, &in, 0);
        add(&gnu, 'L', "././@LongLink", 120, 'n');
        add(&gnu, '0', "blobs/sha256/" HEX, 40000, 'b');
        compare(&gnu, &gnu, 0);
        add(&global, 'g', "pax_global_header", 30, 'p');
        add(&global, '0', "blobs/sha256/" HEX, 40000, 'b');
        compare(&global, &global, 0);
        for (int i = 0; i < 3000; i++)
                assert_int_equal(buf_add(&noise, &i, 1), 0);
        compare(&noise, &noise, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(leaves_out),
                                            cmocka_unit_test(leaves_alone) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

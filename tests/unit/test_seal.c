#include "io/seal.h"

#include "base/buf.h"
#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const uint8_t key[SIZE_KUBE_KEY] = { 1, 2, 3 };
static const uint8_t other[SIZE_KUBE_KEY] = { 1, 2, 4 };
static const struct seal_header header = { .epoch = 7, .number = 42, .content_bytes = 1000 };

static int sink(void *arg, const void *data, size_t len) {
        return buf_add(arg, data, len);
}

static void fill(struct buf *b, size_t len) {
        for (size_t i = 0; i < len; i++) {
                char c = (char)(i * 31 + i / 251);

                assert_int_equal(buf_add(b, &c, 1), 0);
        }
}

/* In pieces of 'piece' bytes. */
static void seal_all(const struct buf *plain, size_t piece, struct buf *ret) {
        struct seal *s;

        assert_int_equal(seal_new(key, &header, sink, ret, &s), 0);
        for (size_t at = 0; at < plain->len; at += piece)
                assert_int_equal(seal_write(s, plain->data + at,
                                            plain->len - at < piece ? plain->len - at : piece),
                                 0);
        assert_int_equal(seal_end(s), 0);
        seal_free(s);
}

static int open_all(const uint8_t *k, const void *data, size_t len, size_t piece, struct buf *ret) {
        const char *at = data;
        struct unseal *u;
        int r = 0;

        assert_int_equal(unseal_new(k, sink, ret, &u), 0);
        for (size_t done = 0; done < len && r == 0; done += piece)
                r = unseal_write(u, at + done, len - done < piece ? len - done : piece);
        if (r == 0)
                r = unseal_end(u);
        if (r == 0) {
                assert_int_equal(unseal_header(u)->epoch, 7);
                assert_int_equal(unseal_header(u)->number, 42);
                assert_int_equal(unseal_header(u)->content_bytes, 1000);
        } else {
                assert_int_equal(unseal_end(u), r); /* it stays */
                assert_int_equal(unseal_write(u, "", 1), r);
        }
        unseal_free(u);
        return r;
}

static const size_t sizes[] = { 0,
                                1,
                                SEAL_CHUNK_BYTES - 1,
                                SEAL_CHUNK_BYTES,
                                SEAL_CHUNK_BYTES + 1,
                                2 * SEAL_CHUNK_BYTES,
                                3 * SEAL_CHUNK_BYTES + 17 };

static void comes_back(void **state) {
        static const size_t pieces[] = { 1, 4096, 100000, 1 << 20 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                for (size_t p = 0; p < ARRAY_SIZE(pieces); p++) {
                        auto_buf struct buf plain = { 0 }, sealed = { 0 }, out = { 0 };
                        size_t chunks = sizes[i] ? (sizes[i] - 1) / SEAL_CHUNK_BYTES + 1 : 1;

                        fill(&plain, sizes[i]);
                        seal_all(&plain, pieces[p], &sealed);
                        assert_int_equal(sealed.len,
                                         SEAL_HEADER_BYTES + sizes[i] + chunks * SEAL_TAG_BYTES);
                        assert_int_equal(open_all(key, sealed.data, sealed.len, pieces[p], &out),
                                         0);
                        assert_int_equal(out.len, plain.len);
                        if (out.len)
                                assert_memory_equal(out.data, plain.data, out.len);
                }
}

/* Nothing of it can be read, and no two files are alike. */
static void hides(void **state) {
        auto_buf struct buf plain = { 0 }, a = { 0 }, b = { 0 };
        struct seal_header h;

        (void)state;
        for (int i = 0; i < 1000; i++)
                assert_int_equal(buf_add_text(&plain, "a very private key "), 0);
        seal_all(&plain, 1000, &a);
        seal_all(&plain, 1000, &b);
        assert_null(memmem(a.data, a.len, "private", 7));
        assert_int_equal(a.len, b.len);
        assert_memory_not_equal(a.data + SEAL_HEADER_BYTES, b.data + SEAL_HEADER_BYTES, 64);
        assert_int_equal(seal_header_parse(a.data, a.len, &h), 0);
        assert_int_equal(h.epoch, 7);
        assert_int_equal(h.number, 42);
        assert_int_equal(seal_header_parse(a.data, SEAL_HEADER_BYTES - 1, &h), -EBADMSG);
}

static void another_key(void **state) {
        auto_buf struct buf plain = { 0 }, sealed = { 0 }, out = { 0 };

        (void)state;
        fill(&plain, 100000);
        seal_all(&plain, 100000, &sealed);
        assert_int_equal(open_all(other, sealed.data, sealed.len, 4096, &out), -EKEYREJECTED);
        assert_int_equal(out.len, 0);
}

/* Whatever byte is changed, and wherever it is cut. */
static void damaged(void **state) {
        auto_buf struct buf plain = { 0 }, sealed = { 0 };
        const size_t step = 977;

        (void)state;
        fill(&plain, 2 * SEAL_CHUNK_BYTES + 100);
        seal_all(&plain, 100000, &sealed);
        for (size_t at = 0; at < sealed.len; at += at < 200 ? 1 : step) {
                auto_buf struct buf out = { 0 };
                int r;

                sealed.data[at] ^= 1;
                r = open_all(key, sealed.data, sealed.len, 1 << 20, &out);
                sealed.data[at] ^= 1;
                assert_true(r == -EBADMSG || r == -EKEYREJECTED || r == -EPROTONOSUPPORT);
                assert_true(out.len <= 2 * SEAL_CHUNK_BYTES);
                if (out.len) /* what came out before was proven */
                        assert_memory_equal(out.data, plain.data, out.len);
        }
        for (size_t len = 0; len < sealed.len; len += len < 200 ? 1 : step) {
                auto_buf struct buf out = { 0 };

                assert_true(open_all(key, sealed.data, len, 1 << 20, &out) < 0);
        }
}

static void chunks_stay_in_their_place(void **state) {
        enum { CHUNK = SEAL_CHUNK_BYTES + SEAL_TAG_BYTES };
        auto_buf struct buf plain = { 0 }, sealed = { 0 }, out = { 0 };
        auto_free char *swapped = NULL;
        char *first;

        (void)state;
        fill(&plain, 4 * SEAL_CHUNK_BYTES);
        seal_all(&plain, 100000, &sealed);
        swapped = malloc(sealed.len);
        memcpy(swapped, sealed.data, sealed.len);
        first = swapped + SEAL_HEADER_BYTES;
        memcpy(first + CHUNK, first + 2 * CHUNK, CHUNK);
        memcpy(first + 2 * CHUNK, sealed.data + SEAL_HEADER_BYTES + CHUNK, CHUNK);
        assert_int_equal(open_all(key, swapped, sealed.len, 4096, &out), -EBADMSG);
        /* cut after a whole chunk: it does not say that it is the last */
        buf_done(&out);
        assert_int_equal(open_all(key, sealed.data, SEAL_HEADER_BYTES + 2 * CHUNK, 4096, &out),
                         -EBADMSG);
        /* and nothing may follow the last one */
        buf_done(&out);
        assert_int_equal(buf_add(&sealed, first, CHUNK), 0);
        assert_int_equal(open_all(key, sealed.data, sealed.len, 4096, &out), -EBADMSG);
}

static int full(void *arg, const void *data, size_t len) {
        (void)arg;
        (void)data;
        return len == SEAL_HEADER_BYTES ? 0 : -ENOSPC;
}

static void the_sinks_error_comes_through(void **state) {
        auto_buf struct buf plain = { 0 };
        struct seal *s;

        (void)state;
        fill(&plain, 2 * SEAL_CHUNK_BYTES);
        assert_int_equal(seal_new(key, &header, full, NULL, &s), 0);
        assert_int_equal(seal_write(s, plain.data, plain.len), -ENOSPC);
        seal_free(s);
        seal_free(NULL);
        unseal_free(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comes_back),
                cmocka_unit_test(hides),
                cmocka_unit_test(another_key),
                cmocka_unit_test(damaged),
                cmocka_unit_test(chunks_stay_in_their_place),
                cmocka_unit_test(the_sinks_error_comes_through),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

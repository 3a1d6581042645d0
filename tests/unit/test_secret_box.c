#include "base/buf.h"
#include "base/scope.h"
#include "io/secret_box.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const uint8_t key[SIZE_KUBE_KEY] = "0123456789abcdef0123456789abcdef";
static const uint8_t other[SIZE_KUBE_KEY] = "0123456789abcdef0123456789abcdeg";

static void there_and_back(void **state) {
        static const size_t sizes[] = { 0, 1, 100, 4096, LIMIT_SECRET_BYTES };
        auto_free char *value = malloc(LIMIT_SECRET_BYTES + 1);

        (void)state;
        memset(value, 'v', LIMIT_SECRET_BYTES + 1);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                auto_buf struct buf sealed = { 0 }, again = { 0 };
                auto_secret struct buf open = { 0 };

                assert_int_equal(secret_seal(key, "dev", "k", value, sizes[i], &sealed), 0);
                assert_in_range(sealed.len, sizes[i] + 1, LIMIT_SEALED_BYTES);
                assert_int_equal(secret_open(key, "dev", "k", sealed.data, sealed.len, &open), 0);
                assert_int_equal(open.len, sizes[i]);
                if (sizes[i])
                        assert_memory_equal(open.data, value, sizes[i]);
                /* the same value looks like another one each time */
                assert_int_equal(secret_seal(key, "dev", "k", value, sizes[i], &again), 0);
                assert_int_equal(again.len, sealed.len);
                assert_memory_not_equal(again.data, sealed.data, sealed.len);
                if (sizes[i] >= 100)
                        assert_null(memmem(sealed.data, sealed.len, "vvvvvvvv", 8));
        }
        {
                auto_buf struct buf sealed = { 0 };

                assert_int_equal(
                        secret_seal(key, "dev", "k", value, LIMIT_SECRET_BYTES + 1, &sealed),
                        -EMSGSIZE);
                assert_int_equal(sealed.len, 0);
        }
}

/* Under another name, with another key, changed or cut it does not open, and nothing is left. */
static void only_its_own(void **state) {
        auto_buf struct buf sealed = { 0 };
        auto_secret struct buf open = { 0 };

        (void)state;
        assert_int_equal(secret_seal(key, "dev", "k", "value", 5, &sealed), 0);
        assert_int_equal(secret_open(other, "dev", "k", sealed.data, sealed.len, &open),
                         -EKEYREJECTED);
        assert_int_equal(secret_open(key, "dev", "l", sealed.data, sealed.len, &open),
                         -EKEYREJECTED);
        assert_int_equal(secret_open(key, "prod", "k", sealed.data, sealed.len, &open),
                         -EKEYREJECTED);
        for (size_t i = 0; i < sealed.len; i++) {
                sealed.data[i] ^= 1;
                assert_true(secret_open(key, "dev", "k", sealed.data, sealed.len, &open) < 0);
                assert_int_equal(open.len, 0);
                sealed.data[i] ^= 1;
                assert_true(secret_open(key, "dev", "k", sealed.data, i, &open) < 0);
        }
        assert_int_equal(secret_open(key, "dev", "k", sealed.data, sealed.len, &open), 0);
        assert_memory_equal(open.data, "value", 5);
}

static void names_of_keys(void **state) {
        (void)state;
        assert_int_equal(secret_key_id(key), secret_key_id(key));
        assert_true(secret_key_id(key) != secret_key_id(other));
        assert_true(secret_key_id(key) != 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back),
                                            cmocka_unit_test(only_its_own),
                                            cmocka_unit_test(names_of_keys) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

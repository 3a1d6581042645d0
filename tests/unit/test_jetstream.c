#include "core/jetstream.h"

#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void reads_deliveries(void **state) {
        static const struct {
                const char *subject;
                int want;
                uint64_t delivered, sequence;
        } table[] = {
                { "$JS.ACK.BRAMBLE.workers.1.7.9.1700000000000000000.3", 0, 1, 7 },
                { "$JS.ACK.S.c.12.18446744073709551615.9.1.0", 0, 12, UINT64_MAX },
                { "$JS.ACK._.hash.S.c.2.8.9.1.0", 0, 2, 8 },
                { "$JS.ACK.hub.hash.S.c.2.8.9.1.0.random", 0, 2, 8 },
                { "$JS.ACK.S.c.0.7.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.S.c.1.0.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.S.c.x.7.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.S.c..7.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.S.c.1.99999999999999999999.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.S.c.1.7.9.1", -EINVAL, 0, 0 },
                { "$JS.ACK.a.S.c.1.7.9.1.0", -EINVAL, 0, 0 },
                { "$JS.ACK.", -EINVAL, 0, 0 },
                { "$JS.API.S.c.1.7.9.1.0", -EINVAL, 0, 0 },
                { "", -EINVAL, 0, 0 },
                { "$JS.ACK.1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16", -EINVAL, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct jetstream_delivery d = { 0 };

                assert_int_equal(jetstream_parse_delivery(table[i].subject, &d), table[i].want);
                assert_int_equal(d.delivered, table[i].delivered);
                assert_int_equal(d.sequence, table[i].sequence);
        }
}

static void writes_tokens(void **state) {
        static const struct {
                const char *text, *want;
        } table[] = {
                { "abc-XYZ-019", "abc-XYZ-019" },
                { "hello.openfaas-fn", "hello_2eopenfaas-fn" },
                { "a*b>c d", "a_2ab_3ec_20d" },
                { "_", "_5f" },
                { "\xff", "_ff" },
        };
        char token[32];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                assert_int_equal(jetstream_token(table[i].text, token, sizeof(token)), 0);
                assert_string_equal(token, table[i].want);
        }
        assert_int_equal(jetstream_token("", token, sizeof(token)), -EINVAL);
        assert_int_equal(jetstream_token("abc", token, 4), 0);
        assert_int_equal(jetstream_token("abcd", token, 4), -ENAMETOOLONG);
        assert_int_equal(jetstream_token("a.", token, 4), -ENAMETOOLONG);
}

static void finds_sequences(void **state) {
        static const struct {
                const char *text;
                int want;
                uint64_t sequence;
        } table[] = {
                { "{\"type\":\"x\",\"message\":{\"subject\":\"a\",\"seq\":17,\"data\":\"AAA", 0,
                  17 },
                { "{\"error\":{\"code\":404,\"err_code\":10037}}", -ENOENT, 0 },
                { "\"seq\":", -ENOENT, 0 },
                { "\"seq\":x", -ENOENT, 0 },
                { "\"seq\":99999999999999999999999", -ENOENT, 0 },
                { "", -ENOENT, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                uint64_t sequence = 0;

                assert_int_equal(
                        jetstream_find_sequence(table[i].text, strlen(table[i].text), &sequence),
                        table[i].want);
                assert_int_equal(sequence, table[i].sequence);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_deliveries),
                cmocka_unit_test(writes_tokens),
                cmocka_unit_test(finds_sequences),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

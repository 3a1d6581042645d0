#include "core/message.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct message_hello hello(void) {
        struct message_hello m = { .protocol = MESSAGE_PROTOCOL,
                                   .purpose = PURPOSE_RAFT,
                                   .boot = 42,
                                   .port = 7373,
                                   .view = { .node = 7, .leader = 9, .members = 3, .work = true } };

        (void)str_copy(m.name, sizeof(m.name), "w1");
        return m;
}

static void hello_survives(void **state) {
        struct message_hello in = hello(), out;
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(message_hello_encode(&in, &b), 0);
        assert_int_equal(message_hello_decode(b.data, b.len, &out), 0);
        assert_int_equal(out.purpose, PURPOSE_RAFT);
        assert_string_equal(out.name, "w1");
        assert_int_equal(out.view.leader, 9);
        assert_true(out.view.work);
        assert_false(out.view.mergeable);
}

static void hello_refuses(void **state) {
        struct message_hello in = hello(), out;
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(message_hello_encode(&in, &b), 0);
        for (size_t len = 0; len < b.len; len++)
                assert_int_equal(message_hello_decode(b.data, len, &out), -EBADMSG);
        b.data[1] = 9; /* protocol */
        assert_int_equal(message_hello_decode(b.data, b.len, &out), -EPROTONOSUPPORT);
        b.data[1] = MESSAGE_PROTOCOL;
        b.data[2] = PURPOSE_MAX;
        assert_int_equal(message_hello_decode(b.data, b.len, &out), -EBADMSG);
        b.data[2] = 0;
        assert_int_equal(message_hello_decode(b.data, b.len, &out), -EBADMSG);
        b.data[2] = PURPOSE_API;
        assert_int_equal(message_hello_decode(b.data, b.len, &out), 0);
        assert_int_equal(buf_add(&b, "", 1), 0);
        assert_int_equal(message_hello_decode(b.data, b.len, &out), -EBADMSG);
}

static void joined(void **state) {
        static const struct {
                struct message_joined in;
                int want;
        } cases[] = {
                { { .result = 0, .bramble = 5, .subnet = 1, .name = "m1" }, 0 },
                { { .result = -ENOTCONN, .leader = 3 }, 0 },
                { { .result = 0, .bramble = 0, .subnet = 1 }, -EBADMSG },
                { { .result = 0, .bramble = 5, .subnet = 0 }, -EBADMSG },
                { { .result = 0, .bramble = 5, .subnet = 251 }, -EBADMSG },
                { { .result = 1, .bramble = 5, .subnet = 1 }, -EBADMSG },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                auto_buf struct buf b = { 0 };
                struct message_joined out;

                assert_int_equal(message_joined_encode(&cases[i].in, &b), 0);
                assert_int_equal(message_joined_decode(b.data, b.len, &out), cases[i].want);
                if (cases[i].want == 0)
                        assert_int_equal(out.result, cases[i].in.result);
        }
}

static void view_needs_a_node(void **state) {
        struct formation_view v = { .node = 0 };
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(message_view_encode(&v, &b), 0);
        assert_int_equal(message_view_decode(b.data, b.len, &v), -EBADMSG);
        v.node = 1;
        b.len = 0;
        assert_int_equal(message_view_encode(&v, &b), 0);
        assert_int_equal(message_view_decode(b.data, b.len, &v), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(hello_survives),
                                            cmocka_unit_test(hello_refuses),
                                            cmocka_unit_test(joined),
                                            cmocka_unit_test(view_needs_a_node) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

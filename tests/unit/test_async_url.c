#include "core/async_url.h"

#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void knows_callbacks(void **state) {
        static const struct {
                const char *url;
                bool want;
        } table[] = {
                { "http://x", true },
                { "http://10.0.0.1:8080/a?b=c", true },
                { "HTTPS://host.example/", true },
                { "http://gateway/function/x", true },
                { "http://user:pass@host/x", true },
                { "http://[::1]:80/", true },
                { "", false },
                { "http://", false },
                { "http:///x", false },
                { "http://?x", false },
                { "http://:80/", false },
                { "http://user@/", false },
                { "ftp://x/", false },
                { "file:///etc/passwd", false },
                { "gopher://x", false },
                { "x", false },
                { "http://a b", false },
                { "http://a\tb", false },
                { "http://a\x7f", false },
                { "http://\xc3\xa4/", false },
        };
        char longest[ASYNC_CALLBACK_BYTES + 2] = "http://";
        struct http_text t = { longest, ASYNC_CALLBACK_BYTES };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct http_text url = { table[i].url, strlen(table[i].url) };

                assert_int_equal(async_callback_valid(&url), table[i].want);
        }
        memset(longest + 7, 'a', sizeof(longest) - 7);
        assert_true(async_callback_valid(&t));
        t.len++;
        assert_false(async_callback_valid(&t));
}

static void finds_queues(void **state) {
        struct async_queue_url u;
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(async_queue_parse("sqlite", &u, &f), 0);
        assert_false(u.nats);
        assert_string_equal(u.path, "");
        assert_int_equal(async_queue_parse("/var/q.db", &u, &f), 0);
        assert_false(u.nats);
        assert_string_equal(u.path, "/var/q.db");
        assert_int_equal(async_queue_parse("nats://m1:4222", &u, &f), 0);
        assert_true(u.nats);
        assert_false(u.has_credentials);
        assert_string_equal(u.server, "nats://m1:4222");
        assert_string_equal(u.stream, "BRAMBLE");
        assert_int_equal(u.replicas, 1);
        assert_string_equal(u.credentials, "");
        assert_int_equal(
                async_queue_parse("tls://a:b@m1?creds=/k&ca=%2fetc%2fca&replicas=3&stream=q-1", &u,
                                  &f),
                0);
        assert_true(u.has_credentials);
        assert_string_equal(u.server, "tls://a:b@m1");
        assert_string_equal(u.credentials, "/k");
        assert_string_equal(u.ca, "/etc/ca");
        assert_string_equal(u.stream, "q-1");
        assert_int_equal(u.replicas, 3);
}

static void refuses_other_queues(void **state) {
        static const char *const table[] = {
                "",
                "redis://x",
                "SQLite",
                "nats://",
                "nats://:4222",
                "nats:///x",
                "nats://?replicas=1",
                "nats://a b",
                "nats://x?replicas=0",
                "nats://x?replicas=6",
                "nats://x?replicas=two",
                "nats://x?creds=relative",
                "nats://x?ca=%zz",
                "nats://x?stream=a.b",
                "nats://x?stream=",
                "nats://x?stream=a*",
        };
        char longest[ASYNC_QUEUE_BYTES + 1];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct async_queue_url u = { .replicas = 77 };
                struct fail f = { 0 };

                assert_int_equal(async_queue_parse(table[i], &u, &f), -EINVAL);
                assert_true(f.text[0]);
                assert_int_equal(u.replicas, 77);
        }
        memset(longest, 'a', sizeof(longest));
        longest[0] = '/';
        longest[sizeof(longest) - 1] = '\0';
        assert_int_equal(async_queue_parse(longest, &(struct async_queue_url){ 0 }, NULL), -EINVAL);
}

static void keeps_passwords_to_itself(void **state) {
        struct async_queue_url u;
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(async_queue_parse("nats://me:geheim@x?replicas=9", &u, &f), -EINVAL);
        assert_null(strstr(f.text, "geheim"));
        f = (struct fail){ 0 };
        assert_int_equal(async_queue_parse("nat://me:geheim@x", &u, &f), -EINVAL);
        assert_null(strstr(f.text, "geheim"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(knows_callbacks),
                cmocka_unit_test(finds_queues),
                cmocka_unit_test(refuses_other_queues),
                cmocka_unit_test(keeps_passwords_to_itself),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "watchdog/options.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* What this process was started with must not count. */
static int bare(void **state) {
        (void)state;
        return clearenv();
}

static void fallbacks(void **state) {
        struct options o;
        struct fail f = { 0 };

        (void)state;
        setenv("fprocess", "cat", 1);
        setenv("max_inflight", "", 1); /* as good as none */
        assert_int_equal(options_read(&o, &f), 0);
        assert_int_equal(o.port.port, 8080);
        assert_int_equal(o.port.address, INADDR_ANY);
        assert_int_equal(o.metrics_port.port, 8081);
        assert_int_equal(o.max_inflight, 0);
        assert_int_equal(o.read_timeout_usec, 10 * USEC_PER_SEC);
        assert_int_equal(o.write_timeout_usec, 10 * USEC_PER_SEC);
        assert_int_equal(o.exec_timeout_usec, 0);
        assert_true(o.combine_output && o.cgi_headers && !o.suppress_lock);
        assert_string_equal(o.lock_file, "/tmp/.lock");
        assert_null(o.content_type);
        options_done(&o);
}

static void all_set(void **state) {
        static const char *const set[][2] = {
                { "fprocess", "  python3   -u  handler.py " },
                { "mode", "classic" },
                { "port", "127.0.0.1:0" },
                { "metrics_port", "65535" },
                { "read_timeout", "1m30s" },
                { "write_timeout", "500ms" },
                { "exec_timeout", "2h" },
                { "max_inflight", "7" },
                { "combine_output", "false" },
                { "cgi_headers", "0" },
                { "suppress_lock", "1" },
                { "lock_file", "/run/lock" },
                { "content_type", "text/html; charset=utf-8" },
                { "healthcheck_interval", "3s" },
                { "ready_path", "/ready" },
                { "static_path", "/srv" },
                { "http_buffer_req_body", "true" },
        };
        struct options o;
        struct fail f = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
                setenv(set[i][0], set[i][1], 1);
        assert_int_equal(options_read(&o, &f), 0);
        assert_int_equal(o.port.port, 0);
        assert_int_equal(o.port.address, htonl(INADDR_LOOPBACK));
        assert_int_equal(o.metrics_port.port, 65535);
        assert_int_equal(o.read_timeout_usec, 90 * USEC_PER_SEC);
        assert_int_equal(o.write_timeout_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(o.exec_timeout_usec, 2 * USEC_PER_HOUR);
        assert_int_equal(o.max_inflight, 7);
        assert_true(!o.combine_output && !o.cgi_headers && o.suppress_lock);
        assert_string_equal(o.lock_file, "/run/lock");
        assert_string_equal(o.content_type, "text/html; charset=utf-8");
        assert_int_equal(o.healthcheck_usec, 3 * USEC_PER_SEC);
        assert_string_equal(o.ready_path, "/ready");
        assert_string_equal(o.static_path, "/srv");
        assert_true(o.buffer_body);
        assert_string_equal(o.args[0], "python3");
        assert_string_equal(o.args[1], "-u");
        assert_string_equal(o.args[2], "handler.py");
        assert_null(o.args[3]);
        options_done(&o);
        assert_null(o.args[0]);
}

static void modes(void **state) {
        static const struct {
                const char *mode, *other, *url; /* of-watchdog's name of fprocess, or NULL */
                int want;
                uint16_t port;
                const char *path;
        } cases[] = {
                { "", "function_process", "", MODE_CLASSIC, 0, "" },
                { "streaming", NULL, "", MODE_STREAMING, 0, "" },
                { "serializing", NULL, "", MODE_SERIALIZING, 0, "" },
                { "static", "", "", MODE_STATIC, 0, "" }, /* needs no command */
                { "http", NULL, "http://127.0.0.1:3000", MODE_HTTP, 3000, "" },
                { "http", NULL, "http://127.0.0.1", MODE_HTTP, 80, "" },
                { "http", NULL, "http://localhost:5000/", MODE_HTTP, 5000, "" },
                { "http", NULL, "http://127.0.0.1:5000/a/b//", MODE_HTTP, 5000, "/a/b" },
                { "http", NULL, "", -EINVAL, 0, "" },
                { "http", "", "http://127.0.0.1:3000", -EINVAL, 0, "" },
                { "streaming", "", "", -EINVAL, 0, "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct options o;
                struct fail f = { 0 };
                int r;

                clearenv();
                if (!cases[i].other || cases[i].other[0])
                        setenv(str_or(cases[i].other, "fprocess"), "cat", 1);
                setenv("mode", cases[i].mode, 1);
                setenv(i % 2 ? "upstream_url" : "http_upstream_url", cases[i].url, 1);
                r = options_read(&o, &f);
                if (cases[i].want < 0) {
                        assert_int_equal(r, cases[i].want);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(o.mode, cases[i].want);
                assert_int_equal(o.combine_output, o.mode == MODE_CLASSIC);
                assert_int_equal(o.upstream.at.port, cases[i].port);
                assert_int_equal(o.upstream.path_len, strlen(cases[i].path));
                if (cases[i].port)
                        assert_int_equal(o.upstream.at.address, htonl(INADDR_LOOPBACK));
                if (cases[i].path[0])
                        assert_memory_equal(o.upstream.path, cases[i].path, o.upstream.path_len);
                options_done(&o);
        }
}

static void durations(void **state) {
        static const struct {
                const char *in;
                long long want_ms; /* -1: refused */
        } cases[] = {
                { "0", 0 },
                { "0s", 0 },
                { "10", 10000 },
                { "10s", 10000 },
                { "1m", 60000 },
                { "1m30s", 90000 },
                { "1h1m1s", 3661000 },
                { "1500ms", 1500 },
                { "1s5ms", 1005 },
                { "-1", -1 },
                { "s", -1 },
                { "1m30", -1 },
                { "0s10", -1 },
                { "10 s", -1 },
                { "1.5s", -1 },
                { "10us", -1 },
                { "ten", -1 },
                { "99999999999999999999", -1 },
                { "9999999h", -1 },
                { "8760h", 8760 * 3600000LL },
                { "8760h1s", -1 },
        };

        (void)state;
        setenv("fprocess", "cat", 1);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct options o;
                struct fail f = { 0 };
                int r;

                setenv("exec_timeout", cases[i].in, 1);
                r = options_read(&o, &f);
                assert_int_equal(r, cases[i].want_ms < 0 ? -EINVAL : 0);
                if (r < 0)
                        continue;
                assert_int_equal(o.exec_timeout_usec, (usec_t)cases[i].want_ms * USEC_PER_MSEC);
                options_done(&o);
        }
}

static void nonsense(void **state) {
        static char many[3 * OPTIONS_ARGS];
        static const char *const cases[][2] = {
                { "fprocess", "" },
                { "fprocess", "   " },
                { "fprocess", many },
                { "mode", "afterburn" },
                { "upstream_url", "127.0.0.1:3000" },
                { "upstream_url", "https://127.0.0.1" },
                { "upstream_url", "http://example.org" },
                { "upstream_url", "http://127.0.0.1:0" },
                { "upstream_url", "http://127.0.0.1:3000x" },
                { "upstream_url", "http://127.0.0.1:3000/a b" },
                { "upstream_url", "http://127.0.0.1/a?b" },
                { "http_upstream_url", "http://" },
                { "ready_path", "ready" },
                { "ready_path", "/a\r\nX: y" },
                { "static_path", "public" },
                { "http_buffer_req_body", "perhaps" },
                { "healthcheck_interval", "soon" },
                { "port", "65536" },
                { "port", "-1" },
                { "port", "eighty" },
                { "port", ":80" },
                { "port", "127.0.0.1:" },
                { "port", "localhost:80" },
                { "port", "1.2.3.4.5.6.7.8.9:80" },
                { "metrics_port", "8081 " },
                { "max_inflight", "-1" },
                { "max_inflight", "10001" },
                { "combine_output", "maybe" },
                { "lock_file", "here" },
                { "content_type", "a\r\nX-Evil: 1" },
                { "content_type", "text/\xc3\xbc" },
        };

        (void)state;
        for (size_t i = 0; i < OPTIONS_ARGS + 1; i++)
                strcat(many, "a ");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct options o;
                struct fail f = { 0 };

                clearenv();
                setenv("fprocess", "cat", 1);
                setenv(cases[i][0], cases[i][1], 1);
                assert_int_equal(options_read(&o, &f), -EINVAL);
                assert_true(str_starts(f.text, cases[i][0]));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(fallbacks, bare), cmocka_unit_test_setup(all_set, bare),
                cmocka_unit_test_setup(modes, bare),     cmocka_unit_test_setup(durations, bare),
                cmocka_unit_test_setup(nonsense, bare),
        };

        return cmocka_run_group_tests_name("watchdog_options", tests, NULL, NULL);
}

#include "watchdog/answer.h"
#include "watchdog/metrics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static uint8_t method(const char *name) {
        struct http_text t = { name, strlen(name) };

        return metrics_method(&t);
}

static void counts(void **state) {
        struct metrics m = { 0 };
        auto_buf struct buf out = { 0 };

        (void)state;
        metrics_count(&m, 200, method("GET"), 4999);
        metrics_count(&m, 200, method("get"), 5000);
        metrics_count(&m, 200, method("POST"), 5001);
        metrics_count(&m, 500, method("POST"), 2 * USEC_PER_SEC);
        metrics_count(&m, 408, method("BREW"), 60 * USEC_PER_SEC);
        assert_int_equal(metrics_print(&m, 3, &out), 0);
        assert_non_null(strstr(out.data, "http_requests_total{code=\"200\",method=\"get\"} 2\n"));
        assert_non_null(strstr(out.data, "http_requests_total{code=\"200\",method=\"post\"} 1\n"));
        assert_non_null(strstr(out.data, "http_requests_total{code=\"500\",method=\"post\"} 1\n"));
        assert_non_null(
                strstr(out.data, "http_requests_total{code=\"408\",method=\"unknown\"} 1\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"0.005\"} 2\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"0.01\"} 3\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"1\"} 3\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"2.5\"} 4\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"10\"} 4\n"));
        assert_non_null(strstr(out.data, "_bucket{le=\"+Inf\"} 5\n"));
        assert_non_null(strstr(out.data, "http_request_duration_seconds_sum 62.015000\n"));
        assert_non_null(strstr(out.data, "http_request_duration_seconds_count 5\n"));
        assert_non_null(strstr(out.data, "http_requests_in_flight 3\n"));
}

/* However many statuses a function invents, there is a bound and nothing is lost. */
static void too_many_series(void **state) {
        struct metrics m = { 0 };

        (void)state;
        for (unsigned code = 100; code < 600; code++)
                metrics_count(&m, code, method("GET"), 1);
        assert_int_equal(m.n, METRICS_SERIES);
        assert_int_equal(m.count, 500);
        assert_int_equal(m.series[METRICS_SERIES - 1].total, 500 - METRICS_SERIES + 1);
}

static void heads(void **state) {
        char longest[128], head[ANSWER_HEAD];
        struct answer plain = { .status = 200,
                                .type = "text/plain",
                                .length = 5,
                                .took = 1500000,
                                .keep_alive = true };
        struct answer own = { .status = 431,
                              .type = longest,
                              .length = SIZE_MAX,
                              .took = UINT64_MAX,
                              .own = true,
                              .old_client = true };
        size_t len;

        (void)state;
        len = answer_head(&plain, head);
        assert_int_equal(len, strlen(head));
        assert_string_equal(head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                  "Content-Length: 5\r\nX-Duration-Seconds: 1.500000\r\n\r\n");
        plain.type = NULL;
        plain.old_client = true;
        (void)answer_head(&plain, head);
        assert_string_equal(head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                  "X-Duration-Seconds: 1.500000\r\n"
                                  "Connection: keep-alive\r\n\r\n");
        memset(longest, 'x', sizeof(longest));
        longest[sizeof(longest) - 1] = '\0';
        (void)answer_head(&own, head);
        assert_non_null(
                strstr(head, "X-OpenFaaS-Internal: fwatchdog\r\nConnection: close\r\n\r\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts),
                cmocka_unit_test(too_many_series),
                cmocka_unit_test(heads),
        };

        return cmocka_run_group_tests_name("watchdog_metrics", tests, NULL, NULL);
}

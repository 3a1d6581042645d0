#include "core/kube_metrics.h"

#include "base/buf.h"
#include "base/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define LINE(code, resource, sub, verb, value)                                          \
        "apiserver_request_total{code=\"" code "\",component=\"apiserver\","            \
        "contentType=\"application/json\",dry_run=\"\",group=\"\",resource=\"" resource \
        "\",scope=\"resource\",subresource=\"" sub "\",verb=\"" verb "\",version=\"v1\"} " value
#define PLAIN "apiserver_request_total{code=\"200\",verb=\"PUT\""

struct page {
        const char *lines[9];
        uint64_t want;
        uint32_t series;
};

static const struct page pages[] = {
        { { "" }, 0, 0 },
        { { "# HELP apiserver_request_total Counter\n", "# TYPE x counter\n" }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "12\n") }, 12, 1 },
        { { LINE("201", "pods", "", "POST", "12") }, 12, 1 }, /* no newline */
        { { LINE("201", "pods", "", "POST", "12 1395066363000\n") }, 12, 1 },
        { { LINE("200", "pods", "", "PUT", "1\n"), LINE("200", "pods", "", "PATCH", "2\n"),
            LINE("200", "pods", "", "APPLY", "4\n"), LINE("200", "pods", "", "DELETE", "8\n"),
            LINE("200", "pods", "", "DELETECOLLECTION", "16\n"),
            LINE("200", "pods", "", "GET", "32\n"), LINE("200", "pods", "", "LIST", "64\n"),
            LINE("0", "pods", "", "WATCH", "128\n") },
          31,
          8 },
        { { LINE("200", "leases", "", "PUT", "9\n"), LINE("201", "events", "", "POST", "9\n"),
            LINE("201", "tokenreviews", "", "POST", "9\n"),
            LINE("201", "subjectaccessreviews", "", "POST", "9\n"),
            LINE("200", "nodes", "status", "PATCH", "9\n"),
            LINE("201", "serviceaccounts", "token", "POST", "9\n") },
          0,
          6 },
        { { LINE("201", "pods", "binding", "POST", "3\n") }, 3, 1 },
        { { LINE("409", "pods", "", "POST", "9\n") }, 0, 1 },
        { { LINE("201", "pods", "", "POST", "1e+06\n") }, 1000000, 1 },
        { { LINE("201", "pods", "", "POST", "1.234567e+06\n") }, 1234567, 1 },
        { { LINE("201", "pods", "", "POST", "1.5\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "1.25e+01\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "1e+19\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "999999999999999999999999\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "NaN\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "-1\n") }, 0, 0 },
        { { LINE("201", "pods", "", "POST", "\n") }, 0, 0 },
        /* a value may hold what else ends it */
        { { PLAIN ",client=\"a\\\"} ,b\"} 5\n" }, 5, 1 },
        { { PLAIN ",} 5\n" }, 5, 1 },
        { { PLAIN ",dry_run=\"All\"} 5\n" }, 0, 1 },
        { { PLAIN " 5\n" }, 0, 0 },
        { { "apiserver_request_total{code=\"200\\\n" }, 0, 0 },
        { { "apiserver_request_total{code\n" }, 0, 0 },
        { { "apiserver_request_total{\n" }, 0, 0 },
        { { "x" PLAIN "} 5\n" }, 0, 0 },
        { { "apiserver_request_total_more{code=\"200\",verb=\"PUT\"} 5\n" }, 0, 0 },
};

static void sums(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
                auto_buf struct buf text = { 0 };

                for (size_t n = 0; pages[i].lines[n]; n++)
                        assert_int_equal(buf_add_text(&text, pages[i].lines[n]), 0);
                /* in pieces of every size up to one */
                for (size_t piece = 1; piece <= text.len + 1; piece++) {
                        struct kube_metrics m = { 0 };

                        for (size_t at = 0; at < text.len; at += piece)
                                kube_metrics_feed(&m, text.data + at,
                                                  text.len - at < piece ? text.len - at : piece);
                        kube_metrics_end(&m);
                        if (m.mutations != pages[i].want || m.series != pages[i].series)
                                fail_msg("page %zu in pieces of %zu: %u in %u series", i, piece,
                                         (unsigned)m.mutations, m.series);
                }
        }
}

static void long_lines(void **state) {
        static const char good[] = "\n" LINE("201", "pods", "", "POST", "7\n");
        static char line[3 * KUBE_METRICS_LINE];
        struct kube_metrics m = { 0 };

        (void)state;
        memset(line, 'x', sizeof(line));
        kube_metrics_feed(&m, line, sizeof(line));
        /* its rest is no line of its own */
        kube_metrics_feed(&m, good + 1, strlen(good + 1));
        assert_int_equal(m.mutations, 0);
        kube_metrics_feed(&m, line, sizeof(line));
        kube_metrics_feed(&m, good, strlen(good));
        assert_int_equal(m.mutations, 7);
        assert_int_equal(m.series, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(sums), cmocka_unit_test(long_lines) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

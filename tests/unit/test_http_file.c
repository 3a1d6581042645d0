#include "core/http_file.h"

#include "base/date.h"
#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct http_text text(const char *s) {
        return (struct http_text){ s, strlen(s) };
}

static void paths(void **state) {
        static const struct {
                const char *in, *want; /* NULL: -EINVAL */
        } cases[] = {
                { "/", "" },
                { "/a", "a" },
                { "/a/", "a/" },
                { "//a//b", "a/b" },
                { "/./a/././b/.", "a/b/" },
                { "/a%20b/%c3%bc.txt", "a b/\xc3\xbc.txt" },
                { "/.hidden", ".hidden" },
                { "/...", "..." },
                { "/a..b/..c", "a..b/..c" },
                { "/%2fetc", "etc" },
                { "/..", NULL },
                { "/../etc/passwd", NULL },
                { "/a/../b", NULL },
                { "/a/..", NULL },
                { "/%2e%2e/etc", NULL },
                { "/.%2E/etc", NULL },
                { "/a%2f..%2fb", NULL },
                { "/a%00.txt", NULL },
                { "/a%", NULL },
                { "/a%4", NULL },
                { "/a%4g", NULL },
        };
        char longest[HTTP_FILE_PATH + 2], got[HTTP_FILE_PATH];
        struct http_text t;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                t = text(cases[i].in);
                assert_int_equal(http_file_path(&t, got), cases[i].want ? 0 : -EINVAL);
                if (cases[i].want)
                        assert_string_equal(got, cases[i].want);
        }
        memset(longest, 'a', sizeof(longest));
        longest[0] = '/';
        t = (struct http_text){ longest, HTTP_FILE_PATH - 1 };
        assert_int_equal(http_file_path(&t, got), 0);
        assert_int_equal(strlen(got), HTTP_FILE_PATH - 2);
        t.len++;
        assert_int_equal(http_file_path(&t, got), -ENAMETOOLONG);
        for (size_t i = HTTP_FILE_PATH - 4; i < sizeof(longest); i++) { /* a '/' at each place */
                memset(longest, 'a', sizeof(longest));
                longest[0] = longest[i] = '/';
                t.len = sizeof(longest);
                assert_int_equal(http_file_path(&t, got), -ENAMETOOLONG);
        }
}

static void types(void **state) {
        (void)state;
        assert_string_equal(http_file_type("a/index.html"), "text/html; charset=utf-8");
        assert_string_equal(http_file_type("A.PNG"), "image/png");
        assert_string_equal(http_file_type("a.tar.gz"), "application/gzip");
        assert_string_equal(http_file_type("Makefile"), "application/octet-stream");
        assert_string_equal(http_file_type("html"), "application/octet-stream");
}

static void ranges(void **state) {
        static const struct {
                const char *in;
                uint64_t size;
                enum http_range want;
                uint64_t from, length;
        } cases[] = {
                { "bytes=0-0", 10, HTTP_RANGE_PART, 0, 1 },
                { "bytes=0-", 10, HTTP_RANGE_PART, 0, 10 },
                { "bytes=3-5", 10, HTTP_RANGE_PART, 3, 3 },
                { "bytes=9-99", 10, HTTP_RANGE_PART, 9, 1 },
                { "bytes=-3", 10, HTTP_RANGE_PART, 7, 3 },
                { "bytes=-99", 10, HTTP_RANGE_PART, 0, 10 },
                { "bytes=-1", 1, HTTP_RANGE_PART, 0, 1 },
                { "bytes=10-", 10, HTTP_RANGE_NONE, 0, 0 },
                { "bytes=0-", 0, HTTP_RANGE_NONE, 0, 0 },
                { "bytes=-0", 10, HTTP_RANGE_NONE, 0, 0 },
                { "bytes=-5", 0, HTTP_RANGE_NONE, 0, 0 },
                { "bytes=5-3", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=0-1,3-4", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=a-b", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=1-x", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=-", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=5", 10, HTTP_RANGE_ALL, 0, 0 },
                { "lines=1-2", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=0-99999999999999999999", 10, HTTP_RANGE_ALL, 0, 0 },
                { "bytes=99999999999999999999-", 10, HTTP_RANGE_ALL, 0, 0 },
        };
        uint64_t from, length;

        (void)state;
        assert_int_equal(http_range(NULL, 10, &from, &length), HTTP_RANGE_ALL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct http_text t = text(cases[i].in);

                assert_int_equal(http_range(&t, cases[i].size, &from, &length), cases[i].want);
                if (cases[i].want != HTTP_RANGE_PART)
                        continue;
                assert_int_equal(from, cases[i].from);
                assert_int_equal(length, cases[i].length);
        }
}

static void dates(void **state) {
        static const struct {
                int64_t seconds;
                const char *text;
        } cases[] = {
                { 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" }, /* RFC 9110 5.6.7 */
                { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
                { -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
                { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
                { 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
                { 1764028800, "Tue, 25 Nov 2025 00:00:00 GMT" },
        };
        static const char *const wrong[] = {
                "Mon, 06 Nov 1994 08:49:37 GMT",  "Sun, 06 Nov 1994 08:49:37 UTC",
                "Sun, 06 Nov 1994 08:49:37 GMTx", "Thu, 31 Feb 2000 00:00:00 GMT",
                "Sun, 06 nov 1994 08:49:37 GMT",  "Sun, 06 Nov 1994 24:49:37 GMT",
                "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
                "Sat, 01 Jan 0000 00:00:00 GMT",  "",
        };
        char got[HTTP_DATE];
        int64_t seconds;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct http_text t = text(cases[i].text);

                http_date_print(cases[i].seconds, got);
                assert_string_equal(got, cases[i].text);
                assert_int_equal(http_date_read(&t, &seconds), 0);
                assert_int_equal(seconds, cases[i].seconds);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct http_text t = text(wrong[i]);

                assert_int_equal(http_date_read(&t, &seconds), -EINVAL);
        }
        for (int64_t day = -719162; day < 2932896; day++) { /* each of the years 1 to 9999 */
                struct date d = date_of(day * 86400 + 86399);

                assert_int_equal(date_seconds(&d), day * 86400 + 86399);
        }
        assert_int_equal(date_of(INT64_MAX).year, 9999);
        assert_int_equal(date_of(INT64_MIN).year, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths),
                cmocka_unit_test(types),
                cmocka_unit_test(ranges),
                cmocka_unit_test(dates),
        };

        return cmocka_run_group_tests_name("http_file", tests, NULL, NULL);
}

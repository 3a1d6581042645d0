#include "core/http_environment.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static char path[] = "PATH=/bin", home[] = "HOME=/";
static char *own[] = { path, home, NULL };

static void requests(void **state) {
        static const struct {
                const char *in;
                const char *want[12]; /* behind what is its own, in this order */
        } cases[] = {
                { "GET / HTTP/1.0\r\n\r\n",
                  { "Http_Method=GET", "Http_Path=/", "Http_Content_Length=0",
                    "Http_ContentLength=0" } },
                { "POST /a/b?c=d&e=%20 HTTP/1.1\r\nhost: x:1\r\nCONTENT-length: 17\r\n"
                  "x-forwarded-for:  1.2.3.4 \r\n\r\n",
                  { "Http_Method=POST", "Http_Path=/a/b", "Http_Query=c=d&e=%20",
                    "Http_Content_Length=17", "Http_ContentLength=17", "Http_Host=x:1",
                    "Http_X_Forwarded_For=1.2.3.4" } },
                { "PUT /? HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n",
                  { "Http_Method=PUT", "Http_Path=/", "Http_Content_Length=-1",
                    "Http_ContentLength=-1", "Http_Transfer_Encoding=chunked", "Http_Host=b" } },
                { "GET /%41%2f%c3%BC%00%4%zz% HTTP/1.0\r\n\r\n",
                  { "Http_Method=GET", "Http_Path=/A/\xc3\xbc%00%4%zz%", "Http_Content_Length=0",
                    "Http_ContentLength=0" } },
                /* the first of one name; one with other marks is another name */
                { "GET / HTTP/1.0\r\nX-A: 1\r\nx-a: 2\r\nX_A: 3\r\nProxy: p\r\nE:\r\n\r\n",
                  { "Http_Method=GET", "Http_Path=/", "Http_Content_Length=0",
                    "Http_ContentLength=0", "Http_X_A=1", "Http_X_a=3", "Http_Proxy=p",
                    "Http_E=" } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_head h;
                size_t scanned = 0;
                char **env;

                assert_true(http_parse_request(cases[i].in, strlen(cases[i].in), &scanned, &h) > 0);
                assert_int_equal(http_environment_make(own, &h, &env), 0);
                assert_ptr_equal(env[0], own[0]);
                assert_ptr_equal(env[1], own[1]);
                for (size_t k = 0; cases[i].want[k]; k++) {
                        assert_non_null(env[2 + k]);
                        assert_string_equal(env[2 + k], cases[i].want[k]);
                        if (!cases[i].want[k + 1])
                                assert_null(env[3 + k]);
                }
                free(env);
        }
}

static void only_own(void **state) {
        static char *nothing[] = { NULL };
        char **env;

        (void)state;
        assert_int_equal(http_environment_make(own, NULL, &env), 0);
        assert_string_equal(env[0], "PATH=/bin");
        assert_string_equal(env[1], "HOME=/");
        assert_null(env[2]);
        free(env);
        assert_int_equal(http_environment_make(nothing, NULL, &env), 0);
        assert_null(env[0]);
        free(env);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests),
                cmocka_unit_test(only_own),
        };

        return cmocka_run_group_tests_name("http_environment", tests, NULL, NULL);
}

/* The real fwatchdog in mode http. */
#include "fwatchdog_modes_bed.h"

static void http_calls(void **state) {
        static const struct {
                const char *request;
                unsigned status;
                const char *body;
        } cases[] = {
                { POST("/echo", "5") "hello", 200, "hello" },
                { "PUT /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", 200, "hello" },
                { CHUNKED("/echo") "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 200,
                  "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" },
                { "HEAD /echo HTTP/1.1\r\n" HOST "\r\n", 200, "" },
                { GET("/until-close"), 200, "old" },
                { GET("/early"), 204, "" },
                { POST("/refuse", "2") "ab", 413, "" },
                { GET("/close"), 500, NULL },
                { GET("/garbage"), 500, NULL },
                { GET("/two-lengths"), 500, NULL },
                { GET("/101"), 500, NULL },
                { GET("/more"), 200, "ok" },
                { GET("/echo"), 200, "" }, /* not what the one before said too much */
                { "POST /head?a=b%20c HTTP/1.1\r\n" HOST "X-Call-Id: 17\r\nTE: trailers\r\n"
                  "Expect: 100-continue\r\nconnection: x-gone\r\nX-Gone: 1\r\n"
                  "Content-Length: 2\r\n\r\nab",
                  200,
                  "POST /head?a=b%20c HTTP/1.1\r\nHost: b\r\nX-Call-Id: 17\r\n"
                  "Content-Length: 2\r\n\r\n" },
                { "GET /head HTTP/1.0\r\n\r\n", 200,
                  "GET /head HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        };
        struct bed b;
        auto_reply struct reply r = { 0 };
        unsigned files;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        assert_int_equal(access(b.lock, F_OK), 0);
        files = bed_count_files(&b);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                expect_call(&b, cases[i].request, cases[i].status, cases[i].body);
        assert_int_equal(bed_call(&b, POST("/echo", "2") "ab", &r), 200);
        assert_string_equal(reply_header(&r, "X-Mine"), "yes");
        assert_string_equal(reply_header(&r, "X-Call-Id"), "theirs");
        assert_int_equal(r.head.body, HTTP_BODY_LENGTH);
        reply_done(&r);
        assert_int_equal(bed_call(&b, "GET /until-close HTTP/1.1\r\n" HOST "\r\n", &r), 200);
        assert_int_equal(r.head.body, HTTP_BODY_CHUNKED); /* so that the client may stay */
        assert_true(r.head.keep_alive);
        bed_expect(&b, "POST /echo - 200 - Duration: 0.");
        bed_expect_files(&b, files + 1); /* at most one is kept, when they come one by one */
        bed_stop(&b);
}

static void http_cut_off(void **state) {
        static const char *const paths[] = { GET("/short"), GET("/broken-chunks") };
        struct bed b;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                auto_close int fd = bed_dial(&b);
                char c;

                bed_say(fd, paths[i]);
                (void)c;
                while (recv(fd, &c, 1, 0) == 1) /* the head, and no clean end */
                        ;
                assert_int_equal(errno, ECONNRESET);
        }
        expect_call(&b, GET("/echo"), 200, "");
        bed_stop(&b);
}

/* One connection to the child serves many calls, and is left when it went bad. */
static void http_keeps_connections(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        int pid, first;
        unsigned nth;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        for (unsigned i = 1; i <= 3; i++) {
                reply_done(&r);
                assert_int_equal(bed_call(&b, GET("/nth"), &r), 200);
                assert_int_equal(sscanf(r.body, "%d %u", &pid, &nth), 2);
                assert_int_equal(nth, i);
                if (i == 1)
                        first = pid;
                assert_int_equal(pid, first);
        }
        expect_call(&b, GET("/close-next"), 200, "ok");
        expect_call(&b, GET("/nth"), 200, NULL); /* once more, on another one */
        expect_call(&b, GET("/close-next"), 200, "ok");
        expect_call(&b, POST("/nth", "0"), 500, NULL); /* might have run */
        bed_stop(&b);
}

static void http_streams(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/pieces"));
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(reply_header(&r, "Content-Type"), "text/event-stream");
        expect_chunk(fd, "one");
        close(bed_open_gate(&b));
        expect_chunk(fd, "two");
        expect_chunk(fd, "");
        bed_stop(&b);
}

static void http_upgrade(void **state) {
        static const char head[] = "GET /upgrade HTTP/1.1\r\n" HOST
                                   "Connection: keep-alive, Upgrade\r\nUpgrade: shout\r\n\r\n";
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;
        char got[16] = "";

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", (char *)"read_timeout=200ms", (char *)"exec_timeout=200ms");
        fd = bed_dial(&b);
        bed_say(fd, head);
        assert_true(bed_hear(fd, false, &r));
        assert_int_equal(r.head.status, 101);
        assert_string_equal(reply_header(&r, "Upgrade"), "shout");
        assert_int_equal(recv(fd, got, 3, MSG_WAITALL), 3);
        assert_string_equal(got, "hi\n");
        assert_false(bed_readable(fd, bed_ms() + 500)); /* no limit of a request holds any more */
        bed_say(fd, "hello");
        assert_int_equal(recv(fd, got, 5, MSG_WAITALL), 5);
        assert_memory_equal(got, "HELLO", 5);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_int_equal(recv(fd, got, 4, MSG_WAITALL), 4);
        assert_memory_equal(got, "bye\n", 4);
        bed_expect_end(fd);
        bed_stop(&b);
}

static void http_settings(void **state) {
        struct bed b;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "/below", (char *)"http_buffer_req_body=true", NULL);
        expect_call(&b, CHUNKED("/echo") "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, "hello");
        expect_call(&b, POST("/echo", "2") "ab", 200, "ab");
        expect_call(&b, GET("/_/ready"), 200, "OK\n");
        bed_stop(&b);
        bed_init(&b);
        start_http(&b, "serve", "", (char *)"ready_path=/healthz", (char *)"exec_timeout=300ms");
        expect_call(&b, GET("/_/ready"), 503, "wait\n");
        expect_call(&b, GET("/_/health"), 200, "OK\n");
        expect_call(&b, GET("/hang"), 504, NULL);
        bed_stop(&b);
}

/* Calls that come before the child serves are held, and health says what is the matter. */
static void http_late(void **state) {
        struct bed b;
        auto_close int fd = -1;
        auto_reply struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        start_http(&b, "serve-late", "", NULL, NULL);
        fd = bed_dial(&b);
        bed_say(fd, POST("/echo", "5") "hello");
        expect_call(&b, GET("/_/health"), 503, NULL);
        assert_int_equal(access(b.lock, F_OK), -1);
        close(bed_open_gate(&b));
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "hello");
        expect_call(&b, GET("/_/health"), 200, "OK\n");
        assert_int_equal(access(b.lock, F_OK), 0);
        bed_stop(&b);
        bed_init(&b); /* nobody ever listens there */
        bed_start(&b, "stubborn", "mode=http", "upstream_url=http://127.0.0.1:1",
                  "exec_timeout=300ms", "write_timeout=300ms", NULL);
        expect_call(&b, GET("/"), 500, NULL);
        bed_stop(&b); /* and what ignores SIGTERM is killed */
}

static void http_child_ends(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        assert_int_equal(bed_call(&b, GET("/exit"), &r), 200);
        assert_string_equal(r.body, "last");
        assert_int_equal(bed_wait(&b), 7); /* its status is ours */
        assert_non_null(strstr(b.said.data, "The function ended, with status 7."));
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, NULL, "mode=http", "upstream_url=http://127.0.0.1:1", "fprocess=false", NULL);
        assert_int_equal(bed_wait(&b), 1);
        bed_stop(&b);
}

static void http_drains(void **state) {
        struct bed b;
        auto_close int fd = -1;
        auto_reply struct reply r = { 0 };
        int gate;

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", (char *)"healthcheck_interval=300ms", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/pieces"));
        assert_true(bed_hear(fd, false, &r));
        expect_chunk(fd, "one");
        assert_int_equal(kill(b.pid, SIGTERM), 0);
        bed_expect(&b, "SIGTERM");
        expect_call(&b, GET("/_/health"), 503, NULL);
        expect_call(&b, GET("/echo"), 200, ""); /* for the interval, calls are still taken */
        assert_int_equal(access(b.lock, F_OK), -1);
        bed_expect(&b, "No new calls");
        expect_call(&b, GET("/echo"), 503, NULL);
        assert_null(strstr(b.said.data, "child: SIGTERM"));
        gate = bed_open_gate(&b);
        close(gate);
        expect_chunk(fd, "two");
        expect_chunk(fd, "");
        assert_int_equal(bed_wait(&b), 0);
        assert_non_null(strstr(b.said.data, "child: SIGTERM")); /* only after that */
        bed_stop(&b);
}

static void http_inflight(void **state) {
        struct bed b;
        auto_close int fd = -1;
        auto_reply struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        start_http(&b, "serve", "", (char *)"max_inflight=1", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/pieces"));
        assert_true(bed_hear(fd, false, &r));
        expect_chunk(fd, "one");
        expect_call(&b, GET("/echo"), 429, NULL);
        close(bed_open_gate(&b));
        expect_chunk(fd, "two");
        expect_chunk(fd, "");
        expect_call(&b, GET("/echo"), 200, "");
        bed_stop(&b);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(http_calls),
                cmocka_unit_test(http_cut_off),
                cmocka_unit_test(http_keeps_connections),
                cmocka_unit_test(http_streams),
                cmocka_unit_test(http_upgrade),
                cmocka_unit_test(http_settings),
                cmocka_unit_test(http_late),
                cmocka_unit_test(http_child_ends),
                cmocka_unit_test(http_drains),
                cmocka_unit_test(http_inflight),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog_http", tests, NULL, NULL);
}

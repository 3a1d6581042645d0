/* The real fwatchdog among clients that are wrong, slow, rude or too many. */
#include "fwatchdog_bed.h"

#define HOST      "Host: b\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static const struct bed_function functions[] = {
        { "hang", bed_function_hang },
        { "gate", bed_function_gate },
        { "flood", bed_function_flood },
};

static void expect_healthy(struct bed *b) {
        struct reply r;

        assert_int_equal(bed_call(b, GET("/_/health"), &r), 200);
        reply_done(&r);
}

/* A refusal, then the end, whatever was sent behind it. */
static void bad_requests(void **state) {
        static const struct {
                const char *in;
                unsigned want;
        } cases[] = {
                { "hello\r\n\r\n", 400 },
                { "GET / HTTP/1.1\n", 400 },
                { "GET / HTTP/1.1\r\nHost: b\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
                { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400 },
                { "GET http://b/ HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "CONNECT b:80 HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                  400 },
                { "POST / HTTP/1.1\r\n" HOST
                  "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
                  400 },
        };
        struct bed b;
        unsigned files;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        files = bed_count_files(&b);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_close int fd = bed_dial(&b);
                auto_reply struct reply r = { 0 };

                bed_say(fd, cases[i].in);
                (void)bed_send(fd, GET("/smuggled"), strlen(GET("/smuggled")));
                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(r.head.status, cases[i].want);
                assert_false(r.head.keep_alive);
                assert_string_equal(reply_header(&r, "X-OpenFaaS-Internal"), "fwatchdog");
                bed_expect_end(fd);
        }
        bed_expect_no_children(&b);
        bed_expect_files(&b, files);
        bed_stop(&b);
}

static void too_large_heads(void **state) {
        static char line[40 * 1024];
        struct bed b;

        (void)state;
        memset(line, 'a', sizeof(line) - 1);
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        for (int many = 0; many < 2; many++) {
                auto_close int fd = bed_dial(&b);
                auto_reply struct reply r = { 0 };

                bed_say(fd, "GET / HTTP/1.1\r\n");
                for (int i = 0; many && i < HTTP_HEADERS + 1; i++)
                        bed_say(fd, "X: y\r\n");
                bed_say(fd, many ? "\r\n" : line);
                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(r.head.status, 431);
                bed_expect_end(fd);
        }
        bed_stop(&b);
}

/* Thousands in one piece, answered one after the other without a stack that grows. */
static void pipelined(void **state) {
        enum { MANY = 5000 };
        static const char one[] = GET("/_/health");
        struct bed b;
        struct reply r = { 0 };
        pid_t pid;
        int status;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        {
                auto_close int fd = bed_dial(&b);

                pid = fork();
                if (pid == 0) {
                        struct buf all = { 0 };

                        for (int i = 0; i < MANY; i++)
                                (void)buf_add_text(&all, one);
                        _exit(bed_send(fd, all.data, all.len) ? 0 : 1);
                }
                for (int i = 0; i < MANY; i++) {
                        assert_true(bed_hear(fd, false, &r));
                        assert_int_equal(r.head.status, 200);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        reply_done(&r);
        bed_stop(&b);
}

/* Requests with wrong bytes in them, the same ones each time: it lives, and leaks nothing. */
static void garbage(void **state) {
        static const char good[] = "POST /x?y HTTP/1.1\r\n" HOST
                                   "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                                   "5\r\nhello\r\n0\r\n\r\n" GET("/_/health");
        uint32_t seed = 12345;
        struct bed b;
        unsigned files;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        files = bed_count_files(&b);
        for (int i = 0; i < 500; i++) {
                char bad[sizeof(good)], some[512];
                auto_close int fd = bed_dial(&b);

                memcpy(bad, good, sizeof(good));
                for (int k = 0; k < 1 + i % 3; k++) {
                        seed = seed * 1664525 + 1013904223;
                        bad[(seed >> 8) % (sizeof(good) - 1)] = (char)(seed >> 24);
                }
                (void)bed_send(fd, bad, sizeof(bad) - 1);
                (void)shutdown(fd, SHUT_WR);
                while (i % 2 && recv(fd, some, sizeof(some), 0) > 0)
                        ; /* every other one does not even look */
        }
        expect_healthy(&b);
        bed_expect_files(&b, files);
        bed_expect_no_children(&b);
        bed_stop(&b);
}

static void slow_senders(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        int silent, head, body;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", "read_timeout=200ms", NULL);
        silent = bed_dial(&b);
        head = bed_dial(&b);
        body = bed_dial(&b);
        bed_say(head, "GET / HT");
        bed_say(body, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
        bed_expect_end(silent);
        assert_true(bed_hear(head, false, &r));
        assert_int_equal(r.head.status, 408);
        assert_true(bed_hear(body, false, &r));
        assert_int_equal(r.head.status, 408);
        bed_expect_end(body);
        bed_expect_no_children(&b);
        close(silent);
        close(head);
        close(body);
        bed_stop(&b);
}

/* While the function takes no more, the time of its client does not run. */
static void slow_function(void **state) {
        static char data[2 << 20];
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;
        int gate, status;
        pid_t pid;

        (void)state;
        bed_init(&b);
        bed_start(&b, "gate", "read_timeout=1s", NULL);
        fd = bed_dial(&b);
        pid = fork();
        if (pid == 0) {
                bed_say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2097152\r\n\r\n");
                _exit(bed_send(fd, data, sizeof(data)) ? 0 : 1);
        }
        gate = bed_open_gate(&b);
        assert_false(bed_readable(fd, bed_ms() + 1300)); /* no 408 */
        close(gate);
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "released\n");
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        bed_stop(&b);
}

static void slow_reader(void **state) {
        struct bed b;
        auto_close int fd = -1;
        unsigned files;

        (void)state;
        bed_init(&b);
        bed_start(&b, "flood 30", "write_timeout=300ms", NULL);
        files = bed_count_files(&b);
        fd = bed_dial(&b);
        bed_say(fd, GET("/"));
        bed_expect(&b, "Wrote 31457280 Bytes");
        bed_expect_files(&b, files);
        expect_healthy(&b);
        bed_stop(&b);
}

static void too_much_output(void **state) {
        struct bed b;
        auto_reply struct reply r;

        (void)state;
        bed_init(&b);
        bed_start(&b, "flood 65", NULL);
        assert_int_equal(bed_call(&b, GET("/"), &r), 500);
        assert_string_equal(r.body, "the function answered more than 64 MB\n");
        bed_expect_no_children(&b);
        bed_stop(&b);
}

static void rude_clients(void **state) {
        struct linger reset = { 1, 0 };
        struct bed b;
        auto_reply struct reply r = { 0 };
        int fifo, fd;

        (void)state;
        bed_init(&b);
        fifo = bed_open_hang(&b);
        bed_start(&b, "hang", NULL);
        fd = bed_dial(&b); /* a reset */
        bed_say(fd, GET("/"));
        bed_expect_hang(fifo);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
        bed_expect_hung_up(fifo);
        bed_expect_no_children(&b);
        fd = bed_dial(&b); /* half a body and the end */
        bed_say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
        close(fd);
        bed_expect_no_children(&b);
        close(fifo);
        bed_stop(&b);
        bed_init(&b); /* but who only sends no more is answered */
        bed_start(&b, "gate", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/"));
        (void)shutdown(fd, SHUT_WR);
        close(bed_open_gate(&b));
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "released\n");
        bed_expect_end(fd);
        close(fd);
        bed_stop(&b);
}

/* More idle connections than it takes: the one that is idle longest makes room. */
static void too_many_connections(void **state) {
        enum { MANY = 30 };
        struct bed b;
        int fds[MANY];

        (void)state;
        bed_init(&b);
        b.most_files = 64; /* for 13 connections */
        bed_start(&b, NULL, "fprocess=cat", NULL);
        for (int i = 0; i < MANY; i++)
                fds[i] = bed_dial(&b);
        expect_healthy(&b);
        bed_expect_end(fds[0]);
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        bed_stop(&b);
}

/* No descriptor is left for a call, and then for a connection: one fails, the other waits. */
static void too_few_files(void **state) {
        enum { CALLS = 5, IDLE = 3 };
        struct bed b;
        struct reply r = { 0 };
        int fds[CALLS + IDLE], n = 0;

        (void)state;
        bed_init(&b);
        b.most_files = 21; /* 7 and more of its own, 3 for a call, which needs 2 more to begin */
        bed_start(&b, NULL, "fprocess=cat", NULL);
        do {
                assert_true(n < CALLS);
                fds[n] = bed_dial(&b);
                bed_say(fds[n], "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
                                "Expect: 100-continue\r\n\r\n");
                assert_true(bed_hear(fds[n], false, &r));
        } while (fds[n++] >= 0 && r.head.status == 100);
        assert_true(n > 1);
        assert_int_equal(r.head.status, 500);
        assert_non_null(strstr(r.body, "Too many open files"));
        for (int i = 0; i < IDLE; i++)
                fds[n + i] = bed_dial(&b);
        bed_say(fds[n + IDLE - 1], GET("/")); /* waits to be accepted, or has no pipes */
        for (int i = 0; i < n - 1; i++) {
                bed_say(fds[i], "hello");
                assert_true(bed_hear(fds[i], false, &r));
                assert_string_equal(r.body, "hello");
        }
        assert_true(bed_hear(fds[n + IDLE - 1], false, &r));
        bed_say(fds[0], GET("/")); /* there is room again */
        assert_true(bed_hear(fds[0], false, &r));
        assert_int_equal(r.head.status, 200);
        for (int i = 0; i < n + IDLE; i++)
                close(fds[i]);
        reply_done(&r);
        bed_expect_no_children(&b);
        bed_stop(&b);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bad_requests),  cmocka_unit_test(too_large_heads),
                cmocka_unit_test(pipelined),     cmocka_unit_test(garbage),
                cmocka_unit_test(slow_senders),  cmocka_unit_test(slow_function),
                cmocka_unit_test(slow_reader),   cmocka_unit_test(too_much_output),
                cmocka_unit_test(rude_clients),  cmocka_unit_test(too_many_connections),
                cmocka_unit_test(too_few_files),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog_hostile", tests, NULL, NULL);
}

/* The real fwatchdog as its callers see it: calls, answers, limits, life and end. */
#include "fwatchdog_bed.h"

#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: b\r\nContent-Length: " length "\r\n\r\n"
#define GET(path)          "GET " path " HTTP/1.1\r\nHost: b\r\n\r\n"

static int function_environment(const char *fifo, const char *argument) {
        (void)fifo;
        (void)argument;
        for (char **e = environ; *e; e++)
                if (str_starts(*e, "Http_"))
                        printf("%s\n", *e);
        return 0;
}

static int function_fail(const char *fifo, const char *argument) {
        (void)fifo;
        fprintf(stderr, "err\n");
        bed_print("out\n");
        if (str_eq(argument, "signal"))
                (void)raise(SIGKILL);
        return atoi(argument);
}

/* What it leaves behind keeps stdout open until the test closes the FIFO. */
static int function_background(const char *fifo, const char *argument) {
        (void)argument;
        bed_print("done\n");
        if (fork() > 0)
                return 0;
        (void)alarm(BED_CHILD_S);
        return bed_function_gate(fifo, NULL);
}

/* Closes its stdout long before it ends. */
static int function_early(const char *fifo, const char *argument) {
        (void)argument;
        bed_print("early\n");
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        bed_wait_at(fifo);
        return 7;
}

/* Reads nothing. */
static int function_deaf(const char *fifo, const char *argument) {
        (void)fifo;
        (void)argument;
        bed_print("deaf\n");
        return 0;
}

/* Counting: each four bytes are their own offset. */
static int function_count(const char *fifo, const char *argument) {
        static uint32_t some[4096];
        long mb = atol(argument);

        (void)fifo;
        for (uint32_t at = 0; at < mb << 20; at += sizeof(some)) {
                for (uint32_t i = 0; i < ARRAY_SIZE(some); i++)
                        some[i] = at + i * 4;
                if (write(STDOUT_FILENO, some, sizeof(some)) != sizeof(some))
                        return 1;
        }
        return mb == 40 ? 9 : 0;
}

static const struct bed_function functions[] = {
        { "environment", function_environment },
        { "fail", function_fail },
        { "hang", bed_function_hang },
        { "gate", bed_function_gate },
        { "background", function_background },
        { "early", function_early },
        { "deaf", function_deaf },
        { "count", function_count },
};

/* ---- answers ------------------------------------------------------------------------------ */

static void echo(void **state) {
        struct bed b;
        auto_reply struct reply r;
        const char *line;
        int year, second;
        unsigned bytes;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        assert_int_equal(bed_call(&b,
                                  "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n"
                                  "Content-Type: text/x-shout\r\n\r\nhello",
                                  &r),
                         200);
        assert_string_equal(r.body, "hello");
        assert_string_equal(reply_header(&r, "Content-Type"), "text/x-shout");
        assert_non_null(reply_header(&r, "X-Duration-Seconds"));
        assert_null(reply_header(&r, "X-OpenFaaS-Internal"));
        assert_true(r.head.keep_alive);
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/"), &r), 200);
        assert_int_equal(r.len, 0);
        assert_null(reply_header(&r, "Content-Type"));
        bed_expect(&b, "Wrote 0 Bytes - Duration: ");
        line = strstr(strstr(b.said.data, ".\n") + 2, ""); /* behind "Listening" */
        assert_int_equal(
                sscanf(line, "%4d/%*2d/%*2d %*2d:%*2d:%2d Forking fprocess.", &year, &second), 2);
        line = strchr(line, '\n') + 1;
        assert_int_equal(sscanf(line, "%4d/%*2d/%*2d %*2d:%*2d:%2d Wrote %u Bytes - Duration: 0.",
                                &year, &second, &bytes),
                         3);
        assert_int_equal(bytes, 5);
        bed_stop(&b);
}

static void environments(void **state) {
        struct bed b;
        auto_reply struct reply r;

        (void)state;
        bed_init(&b);
        bed_start(&b, "environment", "content_type=text/x-set", NULL);
        assert_int_equal(bed_call(&b,
                                  "PUT /a%20b/c?d=e%20f HTTP/1.1\r\nhost: h:1\r\n"
                                  "x-forwarded-for: 1.2.3.4\r\ncontent-length: 2\r\n\r\nxy",
                                  &r),
                         200);
        assert_string_equal(r.body, "Http_Method=PUT\nHttp_Path=/a b/c\nHttp_Query=d=e%20f\n"
                                    "Http_Content_Length=2\nHttp_ContentLength=2\nHttp_Host=h:1\n"
                                    "Http_X_Forwarded_For=1.2.3.4\n");
        assert_string_equal(reply_header(&r, "Content-Type"), "text/x-set");
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/?"), &r), 200);
        assert_null(strstr(r.body, "Http_Query"));
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, "environment", "cgi_headers=false", NULL);
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/"), &r), 200);
        assert_int_equal(r.len, 0);
        bed_stop(&b);
}

static void failures(void **state) {
        static const struct {
                const char *function, *set, *want;
        } cases[] = {
                { "fail 3", "combine_output=true", "exit status 3\nerr\nout\n" },
                { "fail 3", "combine_output=false", "exit status 3\nout\n" },
                { "fail signal", "combine_output=false", "signal: killed\nout\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct bed b;
                auto_reply struct reply r;

                bed_init(&b);
                bed_start(&b, cases[i].function, cases[i].set, NULL);
                assert_int_equal(bed_call(&b, POST("/", "1") "x", &r), 500);
                assert_string_equal(r.body, cases[i].want);
                assert_null(reply_header(&r, "X-OpenFaaS-Internal"));
                bed_stop(&b);
        }
}

static void cannot_start(void **state) {
        struct bed b;
        auto_reply struct reply r;

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=/does/not/exist -x", NULL);
        assert_int_equal(bed_call(&b, POST("/", "1") "x", &r), 500);
        if (str_starts(r.body,
                       "exit status 127")) { /* qemu-user's vfork is a fork, which cannot say */
                bed_stop(&b);
                skip();
        }
        assert_string_equal(r.body, "cannot start '/does/not/exist': No such file or directory\n");
        assert_string_equal(reply_header(&r, "X-OpenFaaS-Internal"), "fwatchdog");
        bed_stop(&b);
}

static void exec_timeout(void **state) {
        struct bed b;
        auto_reply struct reply r;
        int fd;

        (void)state;
        bed_init(&b);
        fd = bed_open_hang(&b);
        bed_start(&b, "hang", "exec_timeout=300ms", NULL);
        assert_int_equal(bed_call(&b, GET("/"), &r), 408);
        bed_expect_hung_up(fd); /* all of the group are gone */
        bed_expect_no_children(&b);
        close(fd);
        bed_stop(&b);
}

static void early_and_late_output(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        int gate;

        (void)state;
        bed_init(&b);
        bed_start(&b, "early", NULL);
        {
                auto_close int fd = bed_dial(&b);

                bed_say(fd, GET("/"));
                gate = bed_open_gate(&b);
                assert_false(bed_readable(fd, bed_ms() + 50)); /* its exit is not known yet */
                close(gate);
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "exit status 7\nearly\n");
        }
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, "background", NULL);
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/"), &r), 200);
        assert_string_equal(r.body, "done\n");
        close(bed_open_gate(&b)); /* what it left behind lives, and ends now */
        bed_stop(&b);
}

/* ---- HTTP --------------------------------------------------------------------------------- */

static void keep_alive(void **state) {
        static const char three[] = POST(
                "/1", "3") "one"
                           "PUT /2 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "1\r\nt\r\n2\r\nwo\r\n0\r\n\r\n" GET(
                                   "/_/health") "HEAD /3 HTTP/1.1\r\nHost: b\r\n\r\n"
                                                "POST /4 HTTP/1.0\r\nContent-Length: 4\r\n\r\nfour";
        struct bed b;
        struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        for (size_t step = 1; step < sizeof(three); step += sizeof(three) - 2) {
                auto_close int fd = bed_dial(&b);

                for (size_t at = 0; at < sizeof(three) - 1; at += step)
                        assert_true(bed_send(fd, three + at, step));
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "one");
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "two");
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "OK\n");
                assert_true(bed_hear(fd, true, &r));
                assert_string_equal(reply_header(&r, "Content-Length"), "0");
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "four");
                assert_false(r.head.keep_alive);
                bed_expect_end(fd);
        }
        reply_done(&r);
        bed_stop(&b);
}

static void head_and_old_clients(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        bed_start(&b, "deaf", NULL);
        assert_int_equal(bed_call(&b, "HEAD / HTTP/1.1\r\nHost: b\r\n\r\n", &r), 200);
        assert_string_equal(reply_header(&r, "Content-Length"), "5");
        reply_done(&r);
        assert_int_equal(bed_call(&b, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &r), 200);
        assert_string_equal(reply_header(&r, "Connection"), "keep-alive");
        assert_string_equal(r.body, "deaf\n");
        bed_stop(&b);
}

static void expect_continue(void **state) {
        static const char head[] = "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n"
                                   "Expect: 100-continue\r\n\r\n";
        struct bed b;
        struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        {
                auto_close int fd = bed_dial(&b);

                bed_say(fd, head);
                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(r.head.status, 100);
                bed_say(fd, "hello");
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "hello");
                bed_say(fd, head); /* who does not wait needs no permission */
                bed_say(fd, "again");
                assert_true(bed_hear(fd, false, &r));
                if (r.head.status == 100)
                        assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "again");
        }
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=/does/not/exist", NULL);
        {
                auto_close int fd = bed_dial(&b);

                bed_say(fd, head); /* refused: not asked for the body, so nothing can follow */
                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(r.head.status, 500);
                assert_false(r.head.keep_alive);
                bed_expect_end(fd);
        }
        bed_stop(&b);
        reply_done(&r);
}

/* ---- large and many ----------------------------------------------------------------------- */

enum { BIG = 10 * 1000 * 1000 };

/* Sends from a process of its own, as a client does that reads at the same time. */
static pid_t send_apart(int fd, const char *head, const char *data, size_t len) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(bed_send(fd, head, strlen(head)) && bed_send(fd, data, len) ? 0 : 1);
        return pid;
}

static void big_bodies(void **state) {
        auto_free char *data = malloc(BIG);
        struct bed b;
        struct reply r = { 0 };
        int status;

        (void)state;
        for (size_t i = 0; i < BIG; i++)
                data[i] = (char)(i * 2654435761U >> 24);
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        {
                auto_close int fd = bed_dial(&b);
                pid_t pid = send_apart(fd, POST("/", "10000000"), data, BIG);

                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                assert_int_equal(r.len, BIG);
                assert_memory_equal(r.body, data, BIG);
        }
        bed_stop(&b);
        /* one that reads nothing: the client can send all before it looks at the answer */
        bed_init(&b);
        bed_start(&b, "deaf", NULL);
        {
                auto_close int fd = bed_dial(&b);

                bed_say(fd, POST("/", "10000000"));
                assert_true(bed_send(fd, data, BIG));
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "deaf\n");
                bed_expect_end(fd);
        }
        {
                auto_close int fd = bed_dial(&b); /* a small rest is read, and it goes on */

                bed_say(fd, POST("/", "500000"));
                assert_true(bed_send(fd, data, 500000));
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "deaf\n");
                assert_true(r.head.keep_alive);
                bed_say(fd, GET("/_/health"));
                assert_true(bed_hear(fd, false, &r));
                assert_string_equal(r.body, "OK\n");
        }
        bed_stop(&b);
        reply_done(&r);
}

/* Larger than what is kept in pipes: the end is in memory again, and all of it in its order; with a
 * status that is not 0 a line stands before it. */
static void huge_answers(void **state) {
        static const char *const calls[] = { "count 30", "count 40" };
        static const size_t skipped[] = { 0, sizeof("exit status 9\n") - 1 };

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(calls); k++) {
                struct bed b;
                auto_reply struct reply r = { 0 };
                unsigned files;

                bed_init(&b);
                bed_start(&b, calls[k], NULL);
                files = bed_count_files(&b);
                assert_int_equal(bed_call(&b, GET("/"), &r), k ? 500 : 200);
                assert_int_equal(r.len - skipped[k], (size_t)atol(calls[k] + 6) << 20);
                for (uint32_t at = 0, value; at < r.len - skipped[k]; at += 4) {
                        memcpy(&value, r.body + skipped[k] + at, 4);
                        if (value != at)
                                fail_msg("%u at %u", value, at);
                }
                bed_expect_files(&b, files); /* none of the pipes is left */
                reply_done(&r);
                assert_int_equal(bed_call(&b, "HEAD / HTTP/1.1\r\nHost: b\r\n\r\n", &r),
                                 k ? 500 : 200);
                bed_expect_files(&b, files);
                bed_stop(&b);
        }
}

static void many_at_once(void **state) {
        enum { MANY = 40, ROUNDS = 3 };
        struct bed b;
        struct reply r = { 0 };
        int fds[MANY];
        unsigned before;
        char text[128];

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "fprocess=cat", NULL);
        before = bed_count_files(&b);
        for (int i = 0; i < MANY; i++)
                fds[i] = bed_dial(&b);
        for (int k = 0; k < ROUNDS; k++) {
                for (int i = 0; i < MANY; i++) {
                        snprintf(text, sizeof(text), POST("/", "4") "%04d", i);
                        bed_say(fds[i], text);
                }
                for (int i = MANY - 1; i >= 0; i--) {
                        assert_true(bed_hear(fds[i], false, &r));
                        assert_int_equal(atoi(r.body), i);
                }
        }
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        reply_done(&r);
        bed_expect_no_children(&b);
        bed_expect_files(&b, before);
        bed_stop(&b);
}

static void max_inflight(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;
        int gate;

        (void)state;
        bed_init(&b);
        bed_start(&b, "gate", "max_inflight=1", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/"));
        gate = bed_open_gate(&b);
        assert_int_equal(bed_call(&b, POST("/", "5") "hello", &r), 429);
        assert_string_equal(reply_header(&r, "X-OpenFaaS-Internal"), "fwatchdog");
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/_/health"), &r), 200);
        close(gate);
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "released\n");
        bed_say(fd, GET("/")); /* there is room again */
        close(bed_open_gate(&b));
        assert_true(bed_hear(fd, false, &r));
        assert_int_equal(r.head.status, 200);
        bed_stop(&b);
}

/* ---- life --------------------------------------------------------------------------------- */

static void health_and_metrics(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;

        (void)state;
        bed_init(&b);
        bed_start(&b, "fail 1", NULL);
        assert_int_equal(bed_call(&b, GET("/_/health"), &r), 200);
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/_/ready?x"), &r), 200);
        reply_done(&r);
        assert_int_equal(bed_call(&b, POST("/", "1") "x", &r), 500);
        fd = bed_dial_port(b.metrics_port);
        bed_say(fd, GET("/metrics") GET("/other"));
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(reply_header(&r, "Content-Type"), "text/plain; version=0.0.4");
        assert_non_null(strstr(r.body, "http_requests_total{code=\"500\",method=\"post\"} 1\n"));
        assert_null(strstr(r.body, "method=\"get\"")); /* health is no call */
        assert_non_null(strstr(r.body, "http_request_duration_seconds_count 1\n"));
        assert_non_null(strstr(r.body, "http_requests_in_flight 0\n"));
        assert_true(bed_hear(fd, false, &r));
        assert_int_equal(r.head.status, 404);
        bed_stop(&b);
}

static void drains(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1, idle = -1;
        int gate;

        (void)state;
        bed_init(&b);
        bed_start(&b, "gate", NULL);
        assert_int_equal(access(b.lock, F_OK), 0);
        fd = bed_dial(&b);
        idle = bed_dial(&b);
        bed_say(fd, GET("/"));
        gate = bed_open_gate(&b);
        assert_int_equal(kill(b.pid, SIGTERM), 0);
        bed_expect(&b, "SIGTERM");
        assert_int_equal(access(b.lock, F_OK), -1);
        bed_expect_end(idle);
        assert_int_equal(bed_call(&b, GET("/_/health"), &r), 503);
        reply_done(&r);
        assert_int_equal(bed_call(&b, GET("/"), &r), 503);
        close(gate);
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "released\n");
        assert_false(r.head.keep_alive);
        bed_expect_end(fd);
        close(take_fd(&fd));
        assert_int_equal(bed_wait(&b), 0);
        bed_stop(&b);
}

static void drains_no_longer_than_allowed(void **state) {
        struct bed b;
        auto_close int fd = -1, fifo = -1;

        (void)state;
        bed_init(&b);
        fifo = bed_open_hang(&b);
        bed_start(&b, "hang", "write_timeout=300ms", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/"));
        bed_expect_hang(fifo);
        assert_int_equal(kill(b.pid, SIGTERM), 0);
        assert_int_equal(bed_wait(&b), 0);
        assert_non_null(strstr(b.said.data, "1 calls were not finished within write_timeout."));
        bed_expect_hung_up(fifo);
        bed_stop(&b);
}

/* As process 1 it gets the children of others too, and reaps them. */
static void first_process(void **state) {
        struct bed b = { 0 };
        auto_reply struct reply r = { 0 };
        pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0)
                _exit(bed_new_namespace() ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
                skip(); /* not allowed here; make test runs as root */
        bed_init(&b);
        b.first = true;
        bed_start(&b, "background", NULL);
        assert_int_equal(bed_call(&b, GET("/"), &r), 200);
        close(bed_open_gate(&b));
        bed_expect_no_children(&b);
        bed_stop(&b);
}

static void misused(void **state) {
        static const struct {
                const char *argument, *set, *want;
                int status;
        } cases[] = {
                { NULL, "fprocess=", "fwatchdog: fprocess is not set", 2 },
                { NULL, "port=99999", "fwatchdog: ", 2 },
                { "--version", "x=y", "fwatchdog ", 0 },
                { "--help", "x=y", "usage: fprocess=", 0 },
                { "--what", "x=y", "usage: fprocess=", 2 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *env[] = { (char *)cases[i].set, NULL }, said[256] = "";
                int p[2], status;
                pid_t pid;

                assert_int_equal(pipe(p), 0);
                pid = fork();
                if (pid == 0) {
                        dup2(p[1], STDOUT_FILENO);
                        dup2(p[1], STDERR_FILENO);
                        execle(bed_program, "fwatchdog", cases[i].argument, (char *)NULL, env);
                        _exit(127);
                }
                close(p[1]);
                assert_true(bed_readable(p[0], bed_ms() + BED_WAIT_MS));
                assert_true(read(p[0], said, sizeof(said) - 1) > 0);
                assert_true(str_starts(said, cases[i].want));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(WEXITSTATUS(status), cases[i].status);
                close(p[0]);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(echo),
                cmocka_unit_test(environments),
                cmocka_unit_test(failures),
                cmocka_unit_test(cannot_start),
                cmocka_unit_test(exec_timeout),
                cmocka_unit_test(early_and_late_output),
                cmocka_unit_test(keep_alive),
                cmocka_unit_test(head_and_old_clients),
                cmocka_unit_test(expect_continue),
                cmocka_unit_test(big_bodies),
                cmocka_unit_test(huge_answers),
                cmocka_unit_test(many_at_once),
                cmocka_unit_test(max_inflight),
                cmocka_unit_test(health_and_metrics),
                cmocka_unit_test(drains),
                cmocka_unit_test(drains_no_longer_than_allowed),
                cmocka_unit_test(first_process),
                cmocka_unit_test(misused),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog", tests, NULL, NULL);
}

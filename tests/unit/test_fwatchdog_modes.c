/* The real fwatchdog in modes streaming and serializing, and rude clients in each mode. */
#include "fwatchdog_modes_bed.h"

/* ---- streaming ---------------------------------------------------------------------------- */

static void streams(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;
        int gate;

        (void)state;
        bed_init(&b);
        bed_start(&b, "pieces 3", "mode=streaming", "content_type=text/x-pieces", NULL);
        fd = bed_dial(&b);
        bed_say(fd, GET("/"));
        assert_true(bed_hear(fd, false, &r)); /* while it runs */
        assert_int_equal(r.head.status, 200);
        assert_int_equal(r.head.body, HTTP_BODY_CHUNKED);
        assert_string_equal(reply_header(&r, "Content-Type"), "text/x-pieces");
        assert_non_null(reply_header(&r, "X-Duration-Seconds"));
        expect_chunk(fd, "one");
        gate = bed_open_gate(&b);
        close(gate);
        expect_chunk(fd, "two");
        expect_chunk(fd, "");
        bed_expect(&b, "Forking fprocess.");
        bed_expect(&b, "fprocess failed: exit status 3"); /* too late for a status */
        bed_expect(&b, "Wrote 6 Bytes - Duration: ");
        bed_say(fd, GET("/_/health")); /* the connection goes on */
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "OK\n");
        bed_stop(&b);
}

/* Input goes in and output comes out at the same time; a client of HTTP/1.0 reads to the end. */
static void streams_both_ways(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_close int fd = -1;

        (void)state;
        bed_init(&b);
        bed_start(&b, "echo", "mode=streaming", NULL);
        fd = bed_dial(&b);
        bed_say(fd, CHUNKED("/") "4\r\nfour\r\n");
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(reply_header(&r, "Content-Type"), "application/octet-stream");
        expect_chunk(fd, "four");
        bed_say(fd, "3\r\ntwo\r\n");
        expect_chunk(fd, "two");
        bed_say(fd, "0\r\n\r\n" GET("/_/health"));
        expect_chunk(fd, "");
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "OK\n");
        expect_call(&b, "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nfour", 200, "four");
        expect_call(&b, GET("/"), 200, "");
        bed_stop(&b);
}

static void big_echo(struct bed *b, const char *path) {
        auto_free char *data = malloc(BIG);
        auto_close int fd = bed_dial(b);
        auto_reply struct reply r = { 0 };
        auto_buf struct buf got = { 0 };
        char head[128];
        int status;
        pid_t pid;

        for (size_t i = 0; i < BIG; i++)
                data[i] = (char)(i * 2654435761U >> 24);
        snprintf(head, sizeof(head), POST("%s", "10000000"), path);
        pid = fork();
        if (pid == 0)
                _exit(bed_send(fd, head, strlen(head)) && bed_send(fd, data, BIG) ? 0 : 1);
        assert_true(bed_hear(fd, false, &r));
        assert_int_equal(r.head.status, 200);
        assert_true(hear_body(fd, &r, &got));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(got.len, BIG);
        assert_memory_equal(got.data, data, BIG);
}

static void big_bodies(void **state) {
        struct bed b;

        (void)state;
        bed_init(&b);
        bed_start(&b, "echo", "mode=streaming", NULL);
        big_echo(&b, "/");
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, NULL, "mode=serializing", "fprocess=cat", NULL);
        big_echo(&b, "/");
        bed_stop(&b);
        bed_init(&b);
        start_http(&b, "serve", "", NULL, NULL);
        big_echo(&b, "/echo");
        bed_stop(&b);
}

/* What is missing is to be seen, even by a client that reads to the end. */
static void cut_off(void **state) {
        struct bed b;
        auto_reply struct reply r = { 0 };
        auto_buf struct buf got = { 0 };

        (void)state;
        for (int old = 0; old < 2; old++) {
                auto_close int fd = -1;

                bed_init(&b);
                bed_start(&b, "pieces signal", "mode=streaming", NULL);
                fd = bed_dial(&b);
                bed_say(fd, old ? "GET / HTTP/1.0\r\n\r\n" : GET("/"));
                assert_true(bed_hear(fd, false, &r));
                assert_int_equal(r.head.status, 200);
                close(bed_open_gate(&b));
                assert_false(hear_body(fd, &r, &got));
                bed_stop(&b);
        }
        bed_init(&b);
        bed_start(&b, "pieces", "mode=streaming", "exec_timeout=300ms", NULL);
        {
                auto_close int fd = bed_dial(&b);

                bed_say(fd, GET("/"));
                assert_true(bed_hear(fd, false, &r));
                assert_false(hear_body(fd, &r, &got));
        }
        bed_expect_no_children(&b);
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, "gate", "mode=streaming", "exec_timeout=300ms", NULL);
        expect_call(&b, GET("/"), 408, NULL); /* nothing was out yet */
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, NULL, "mode=streaming", "fprocess=/does/not/exist", NULL);
        expect_call(&b, GET("/"), 500, NULL);
        bed_stop(&b);
}

static long rss_kb(const struct bed *b) {
        char path[64], line[256];
        long kb = -1;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/status", b->pid);
        f = fopen(path, "re");
        while (f && kb < 0 && fgets(line, sizeof(line), f))
                (void)sscanf(line, "VmRSS: %ld", &kb);
        if (f)
                fclose(f);
        return kb;
}

/* Another build of it, named by FWATCHDOG, may have sanitizers or an emulator around it. */
static void expect_small(const struct bed *b, long most_kb) {
        if (!getenv("FWATCHDOG"))
                assert_true(rss_kb(b) < most_kb);
}

/* A client that does not read holds the function up, not our memory; one that never goes on is
 * left. */
static void back_pressure(void **state) {
        static const char request[] = "GET /flood HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
        static char some[1 << 20];
        char timeout[] = "write_timeout=500ms";

        (void)state;
        for (int http = 0; http < 2; http++) {
                auto_close int fd = -1, stuck = -1;
                struct pollfd p = { .events = POLLRDHUP };
                struct bed b;
                size_t len = 0;
                ssize_t n;

                bed_init(&b);
                if (http)
                        start_http(&b, "serve", "", timeout, NULL);
                else
                        bed_start(&b, "flood 100", "mode=streaming", timeout, NULL);
                stuck = bed_dial(&b);
                bed_say(stuck, request);
                assert_true(bed_readable(stuck, bed_ms() + BED_WAIT_MS));
                fd = bed_dial(&b);
                bed_say(fd, request);
                while ((n = recv(fd, some, sizeof(some), 0)) > 0)
                        len += (size_t)n;
                assert_int_equal(n, 0);
                assert_true(len > 100 << 20);
                expect_small(&b, 4 * 1024);
                p.fd = stuck;
                assert_int_equal(poll(&p, 1, BED_WAIT_MS), 1); /* nothing was read here */
                if (!http)
                        bed_expect_no_children(&b);
                bed_stop(&b);
        }
}

/* ---- serializing -------------------------------------------------------------------------- */

static void serializing(void **state) {
        struct bed b;
        auto_close int fd = -1;
        auto_reply struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        bed_start(&b, NULL, "mode=serializing", "fprocess=cat", NULL);
        expect_call(&b, POST("/", "5") "hello", 200, "hello");
        expect_call(&b, CHUNKED("/") "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, "hello");
        expect_call(&b, GET("/"), 200, "");
        fd = bed_dial(&b);
        bed_say(fd, POST("/", "5") "he"); /* nothing runs for half a body */
        expect_call(&b, GET("/_/health"), 200, "OK\n");
        bed_expect_no_children(&b);
        bed_say(fd, "llo");
        assert_true(bed_hear(fd, false, &r));
        assert_string_equal(r.body, "hello");
        assert_string_equal(reply_header(&r, "Content-Type"), "application/octet-stream");
        bed_stop(&b);
        bed_init(&b); /* stderr is for the log */
        bed_start(&b, "fail 3", "mode=serializing", NULL);
        expect_call(&b, POST("/", "1") "x", 500, "exit status 3\nout\n");
        bed_expect(&b, "err\n");
        bed_stop(&b);
        bed_init(&b);
        bed_start(&b, "fail 3", "mode=serializing", "combine_output=true", NULL);
        expect_call(&b, POST("/", "1") "x", 500, "exit status 3\nerr\nout\n");
        bed_stop(&b);
}

/* ---- rude clients, in each mode ------------------------------------------------------------- */

/* Cuts a request or its answer off at any byte, cleanly or not. */
static void be_rude(const struct bed *b, const char *request, unsigned seed) {
        struct linger reset = { .l_onoff = 1, .l_linger = 0 };
        size_t len = strlen(request), cut = seed % (2 * len);
        auto_close int fd = bed_dial(b);
        char some[64];

        (void)bed_send(fd, request, cut < len ? cut : len);
        if (seed % 3 == 0)
                (void)shutdown(fd, SHUT_WR);
        if (cut >= len && seed % 5 < 3)
                (void)recv(fd, some, seed % 64 + 1, seed % 2 ? 0 : MSG_DONTWAIT);
        if (seed % 7 < 4)
                (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void rude(void **state) {
        enum { TIMES = 400 };
        static const char *const modes[] = { "mode=classic", "mode=streaming", "mode=serializing",
                                             NULL };
        static const char *const requests[] = {
                POST("/echo", "26") "abcdefghijklmnopqrstuvwxyz",
                CHUNKED("/echo") "5\r\nabcde\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
                GET("/until-close") GET("/short"),
                "GET /upgrade HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: s\r\n\r\nabc",
        };
        unsigned seed = 1;

        (void)state;
        for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
                struct bed b;
                unsigned files;

                bed_init(&b);
                if (modes[m])
                        bed_start(&b, "echo", (char *)modes[m], NULL);
                else
                        start_http(&b, "serve", "", NULL, NULL);
                files = bed_count_files(&b);
                for (unsigned i = 0; i < TIMES; i++) {
                        seed = seed * 1103515245 + 12345;
                        be_rude(&b, requests[i % ARRAY_SIZE(requests)], seed >> 8);
                }
                expect_call(&b, POST("/echo", "2") "ab", 200, "ab");
                if (modes[m])
                        bed_expect_no_children(&b);
                bed_expect_files(&b, files + !modes[m]); /* one may be kept for the next call */
                expect_small(&b, 2 * 1024);
                bed_stop(&b);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(streams),       cmocka_unit_test(streams_both_ways),
                cmocka_unit_test(big_bodies),    cmocka_unit_test(cut_off),
                cmocka_unit_test(back_pressure), cmocka_unit_test(serializing),
                cmocka_unit_test(rude),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog_modes", tests, NULL, NULL);
}

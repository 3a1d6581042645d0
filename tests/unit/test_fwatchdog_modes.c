/* The real fwatchdog in the modes beside classic. */
#include "fwatchdog_bed.h"

#include "core/http_body.h"

#define HOST               "Host: b\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n"
#define GET(path)          "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED(path)      "POST " path " HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

/* ---- functions ---------------------------------------------------------------------------- */

/* Says "one", waits for the test, says "two". */
static int function_pieces(const char *fifo, const char *argument) {
        bed_print("one");
        bed_wait_at(fifo);
        bed_print("two");
        if (str_eq(argument, "signal"))
                (void)raise(SIGKILL);
        return atoi(argument);
}

static int function_fail(const char *fifo, const char *argument) {
        (void)fifo;
        fprintf(stderr, "err\n");
        bed_print("out\n");
        if (str_eq(argument, "signal"))
                (void)raise(SIGKILL);
        return atoi(argument);
}

/* Passes on what comes when it comes. */
static int function_echo(const char *fifo, const char *argument) {
        static char some[65536];
        ssize_t n;

        (void)fifo;
        (void)argument;
        while ((n = read(STDIN_FILENO, some, sizeof(some))) > 0)
                for (ssize_t done = 0, w; done < n; done += w)
                        if ((w = write(STDOUT_FILENO, some + done, (size_t)(n - done))) < 0)
                                return 1;
        return n < 0;
}

/* ---- a server, as in mode http ---- */

static const char *server_fifo;

static void reply_text(int fd, const char *head, const char *body, size_t len) {
        auto_buf struct buf b = { 0 };

        if (buf_printf(&b, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", head, len) < 0 ||
            buf_add(&b, body, len) < 0 || !bed_send(fd, b.data, b.len))
                _exit(90);
}

/* The request's body as far as it is framed by a length; else all of its chunks undecoded. */
static void read_body(int fd, const struct http_head *h, struct buf *body) {
        while (h->body == HTTP_BODY_LENGTH
                       ? body->len < h->length
                       : h->body == HTTP_BODY_CHUNKED &&
                                 (body->len < 5 ||
                                  memcmp(body->data + body->len - 5, "0\r\n\r\n", 5) != 0)) {
                char some[65536];
                ssize_t n = recv(fd, some, sizeof(some), 0);

                if (n <= 0 || buf_add(body, some, (size_t)n) < 0)
                        _exit(91);
        }
}

static void shout(int fd) {
        char some[4096];
        ssize_t n;

        bed_say(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    "Upgrade: shout\r\n\r\nhi\n");
        while ((n = recv(fd, some, sizeof(some), 0)) > 0) {
                for (ssize_t i = 0; i < n; i++)
                        some[i] = (char)(some[i] & ~0x20);
                (void)bed_send(fd, some, (size_t)n);
        }
        bed_say(fd, "bye\n"); /* the client's end came through */
        _exit(0);
}

/* False: the connection is to be closed. */
static bool serve_one(int fd, const struct http_head *h, const char *head, size_t head_len,
                      struct buf *body, unsigned nth) {
        char text[64];

        if (http_text_is(&h->path, "/echo") || http_text_is(&h->path, "/below/echo")) {
                read_body(fd, h, body);
                reply_text(fd, "X-Mine: yes\r\nX-Call-Id: theirs\r\n", body->data, body->len);
        } else if (http_text_is(&h->path, "/head")) {
                read_body(fd, h, body);
                reply_text(fd, "", head, head_len);
        } else if (http_text_is(&h->path, "/nth")) {
                snprintf(text, sizeof(text), "%d %u", getpid(), nth);
                reply_text(fd, "", text, strlen(text));
        } else if (http_text_is(&h->path, "/healthz")) {
                bed_say(fd, "HTTP/1.1 503 Not Yet\r\nContent-Length: 5\r\n\r\nwait\n");
        } else if (http_text_is(&h->path, "/pieces")) {
                bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
                bed_wait_at(server_fifo);
                bed_say(fd, "3\r\ntwo\r\n0\r\n\r\n");
        } else if (http_text_is(&h->path, "/until-close")) {
                bed_say(fd, "HTTP/1.0 200 OK\r\n\r\nold");
                return false;
        } else if (http_text_is(&h->path, "/early")) {
                bed_say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
                            "HTTP/1.1 204 No Content\r\n\r\n");
        } else if (http_text_is(&h->path, "/refuse")) {
                bed_say(fd, "HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\n\r\n");
                return false;
        } else if (http_text_is(&h->path, "/short")) {
                bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour");
                return false;
        } else if (http_text_is(&h->path, "/broken-chunks")) {
                bed_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        } else if (http_text_is(&h->path, "/more")) {
                bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"
                            "Content-Length: 4\r\n\r\nevil");
        } else if (http_text_is(&h->path, "/garbage")) {
                bed_say(fd, "hello there\r\n\r\n");
        } else if (http_text_is(&h->path, "/two-lengths")) {
                bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc");
        } else if (http_text_is(&h->path, "/101")) {
                bed_say(fd, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
        } else if (http_text_is(&h->path, "/close")) {
                return false;
        } else if (http_text_is(&h->path, "/close-next")) {
                reply_text(fd, "", "ok", 2);
                (void)recv(fd, text, 1, 0); /* takes the next request, and does not answer it */
                return false;
        } else if (http_text_is(&h->path, "/hang")) {
                (void)recv(fd, text, 1, 0);
                return false;
        } else if (http_text_is(&h->path, "/flood")) {
                static char zeros[1 << 20];

                bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
                for (int i = 0; i < 100; i++)
                        if (!bed_send(fd, zeros, sizeof(zeros)))
                                return false;
        } else if (http_text_is(&h->path, "/exit")) {
                (void)kill(getppid(), SIGUSR1);
                reply_text(fd, "", "last", 4);
        } else if (http_text_is(&h->path, "/upgrade")) {
                shout(fd);
        }
        return true;
}

static void serve(int fd) {
        struct http_head h;

        for (unsigned nth = 1;; nth++) {
                auto_buf struct buf b = { 0 }, body = { 0 };
                size_t scanned = 0;
                long used = 0;

                while (used == 0) {
                        char some[65536];
                        ssize_t n = recv(fd, some, sizeof(some), 0);

                        if (n <= 0 || buf_add(&b, some, (size_t)n) < 0)
                                return;
                        used = http_parse_request(b.data, b.len, &scanned, &h);
                }
                if (used < 0 || buf_add(&body, b.data + used, b.len - (size_t)used) < 0)
                        return;
                if (!serve_one(fd, &h, b.data, (size_t)used, &body, nth))
                        return;
        }
}

static void on_exit_wish(int number) {
        (void)number;
        _exit(7);
}

static void on_term(int number) {
        (void)number;
        bed_print("child: SIGTERM\n");
        _exit(3);
}

/* Argument: the port.  A process for each connection. */
static int function_serve(const char *fifo, const char *argument) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argument)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        server_fifo = fifo;
        dup2(STDERR_FILENO, STDOUT_FILENO); /* what it says is in the log of the watchdog */
        (void)signal(SIGCHLD, SIG_IGN);
        (void)signal(SIGUSR1, on_exit_wish);
        (void)signal(SIGTERM, on_term);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (access("/tmp", F_OK) != 0 || bind(s, (struct sockaddr *)&at, sizeof(at)) < 0 ||
            listen(s, 64) < 0)
                return 80;
        for (;;) {
                int fd = accept(s, NULL, NULL);

                if (fd >= 0 && fork() == 0) {
                        (void)signal(SIGTERM, SIG_DFL);
                        (void)alarm(BED_CHILD_S);
                        close(s);
                        serve(fd);
                        _exit(0);
                }
                close(fd);
        }
        return 0;
}

/* The same, but only when the test has opened the FIFO and closed it. */
static int function_serve_late(const char *fifo, const char *argument) {
        bed_wait_at(fifo);
        return function_serve(fifo, argument);
}

static int function_stubborn(const char *fifo, const char *argument) {
        (void)signal(SIGTERM, SIG_IGN);
        (void)fifo;
        (void)argument;
        while (pause() < 0)
                ;
        return 0;
}

static const struct bed_function functions[] = {
        { "pieces", function_pieces },
        { "fail", function_fail },
        { "echo", function_echo },
        { "hang", bed_function_hang },
        { "flood", bed_function_flood },
        { "serve", function_serve },
        { "serve-late", function_serve_late },
        { "stubborn", function_stubborn },
        { "gate", bed_function_gate },
};

/* ---- help --------------------------------------------------------------------------------- */

/* A whole body, of any framing, added to 'ret'; reads all that comes.  False: it was cut off. */
static bool hear_body(int fd, const struct reply *r, struct buf *ret) {
        static char some[1 << 20];
        struct http_body_reader b;

        if (r->len > 0)
                return buf_add(ret, r->body, r->len) == 0;
        http_body_begin(&b, &r->head);
        while (!b.done) {
                ssize_t n = recv(fd, some, sizeof(some), 0);
                struct http_text t = { some, n > 0 ? (size_t)n : 0 };
                long have;

                if (n <= 0)
                        return n == 0 && b.kind == HTTP_BODY_UNTIL_CLOSE;
                while ((have = http_body_next(&b, &t)) > 0) {
                        assert_int_equal(buf_add(ret, t.at, (size_t)have), 0);
                        http_body_take(&b, &t, (size_t)have);
                }
                assert_int_equal(have, 0);
        }
        return true;
}

/* So many bytes of a body that is chunked, and no more. */
static void expect_chunk(int fd, const char *want) {
        char line[16] = "", got[64] = "";
        size_t n = 0, len;

        while (n < 2 || line[n - 1] != '\n')
                assert_int_equal(recv(fd, line + n++, 1, 0), 1);
        len = strtoul(line, NULL, 16);
        assert_true(len + 2 < sizeof(got));
        assert_int_equal(recv(fd, got, len + 2, MSG_WAITALL), len + 2);
        got[len] = '\0';
        assert_string_equal(got, want);
}

static uint16_t free_port(void) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        return ntohs(at.sin_port);
}

/* Mode http, with this function as its server and up to two more settings. */
static void start_http(struct bed *b, const char *function, const char *path, char *one,
                       char *two) {
        char url[64], name[32];
        uint16_t port = free_port();

        snprintf(url, sizeof(url), "upstream_url=http://127.0.0.1:%u%s", port, path);
        snprintf(name, sizeof(name), "%s %u", function, port);
        bed_start(b, name, "mode=http", url, one, two, NULL);
        if (!str_eq(function, "serve-late"))
                bed_expect(b, "The function serves.");
}

static void expect_call(struct bed *b, const char *request, unsigned status, const char *body) {
        auto_close int fd = bed_dial(b);
        auto_reply struct reply r = { 0 };
        auto_buf struct buf got = { 0 };

        bed_say(fd, request);
        assert_true(bed_hear(fd, strncmp(request, "HEAD", 4) == 0, &r));
        assert_int_equal(r.head.status, status);
        assert_non_null(reply_header(&r, "X-Duration-Seconds"));
        assert_true(hear_body(fd, &r, &got));
        if (body)
                assert_string_equal(str_or(got.data, ""), body);
}

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

enum { BIG = 10 * 1000 * 1000 };

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

/* ---- http --------------------------------------------------------------------------------- */

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

/* ---- static ------------------------------------------------------------------------------- */

static void put_file(const char *dir, const char *name, const char *text) {
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void static_files(void **state) {
        static const struct {
                const char *request;
                unsigned status;
                const char *body, *header, *value;
        } cases[] = {
                { GET("/"), 200, "root", "Content-Type", "text/html; charset=utf-8" },
                { GET("/a.txt?x=y"), 200, "0123456789", "Content-Type",
                  "text/plain; charset=utf-8" },
                { GET("//./a.txt"), 200, "0123456789", "Content-Length", "10" },
                { GET("/%61.txt"), 200, "0123456789", "Last-Modified",
                  "Sun, 06 Nov 1994 08:49:37 GMT" },
                { "HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n", 200, "", "Content-Length", "10" },
                { GET("/sub"), 301, NULL, "Location", "./sub/" },
                { GET("//sub?q=1"), 301, NULL, "Location", "./sub/?q=1" },
                { GET("/sub/"), 200, "below", NULL, NULL },
                { GET("/sub/link"), 200, "0123456789", NULL, NULL }, /* stays below the root */
                { GET("/empty"), 200, "", "Content-Length", "0" },
                { GET("/out"), 404, NULL, "X-OpenFaaS-Internal", "fwatchdog" },
                { GET("/absolute"), 404, NULL, NULL, NULL },
                { GET("/up/passwd"), 404, NULL, NULL, NULL },
                { GET("/fifo"), 404, NULL, NULL, NULL },
                { GET("/none"), 404, NULL, NULL, NULL },
                { GET("/a.txt/"), 404, NULL, NULL, NULL },
                { GET("/../etc/passwd"), 400, NULL, NULL, NULL },
                { GET("/%2e%2e/etc/passwd"), 400, NULL, NULL, NULL },
                { GET("/a%00.txt"), 400, NULL, NULL, NULL },
                { POST("/a.txt", "2") "ab", 405, NULL, "Allow", "GET, HEAD" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\n\r\n", 206, "234",
                  "Content-Range", "bytes 2-4/10" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=10-\r\n\r\n", 416, NULL,
                  "Content-Range", "bytes */10" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\nIf-Range: x\r\n\r\n", 200,
                  "0123456789", NULL, NULL },
                { "GET /a.txt HTTP/1.1\r\n" HOST
                  "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
                  304, "", NULL, NULL },
                { "GET /a.txt HTTP/1.1\r\n" HOST
                  "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n\r\n",
                  200, "0123456789", NULL, NULL },
        };
        static const struct timespec then[2] = { { 784111777, 0 }, { 784111777, 0 } };
        static const char *const names[] = { "index.html", "a.txt",    "empty",
                                             "fifo",       "out",      "absolute",
                                             "up",         "sub/link", "sub/index.html" };
        struct bed b;
        char set[64], path[128];
        auto_close int fd = -1;
        struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        snprintf(path, sizeof(path), "%s/sub", b.dir);
        assert_int_equal(mkdir(path, 0755), 0);
        put_file(b.dir, "index.html", "root");
        put_file(b.dir, "a.txt", "0123456789");
        put_file(b.dir, "empty", "");
        put_file(b.dir, "sub/index.html", "below");
        snprintf(path, sizeof(path), "%s/a.txt", b.dir);
        assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
        snprintf(path, sizeof(path), "%s/sub/link", b.dir);
        assert_int_equal(symlink("../a.txt", path), 0);
        snprintf(path, sizeof(path), "%s/out", b.dir);
        assert_int_equal(symlink("../../etc/passwd", path), 0);
        snprintf(path, sizeof(path), "%s/absolute", b.dir);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        snprintf(path, sizeof(path), "%s/up", b.dir);
        assert_int_equal(symlink("/etc", path), 0);

        snprintf(set, sizeof(set), "static_path=%s", b.dir);
        bed_start(&b, NULL, "mode=static", set, NULL);
        fd = bed_dial(&b); /* all on one connection */
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bed_say(fd, cases[i].request);
                assert_true(bed_hear(fd, strncmp(cases[i].request, "HEAD", 4) == 0, &r));
                assert_int_equal(r.head.status, cases[i].status);
                if (cases[i].body)
                        assert_string_equal(r.body, cases[i].body);
                if (cases[i].header)
                        assert_string_equal(str_or(reply_header(&r, cases[i].header), ""),
                                            cases[i].value);
                assert_non_null(reply_header(&r, "X-Duration-Seconds"));
        }
        reply_done(&r);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", b.dir, names[i]);
                (void)unlink(path);
        }
        snprintf(path, sizeof(path), "%s/sub", b.dir);
        assert_int_equal(rmdir(path), 0);
        bed_stop(&b);
}

static void static_large(void **state) {
        struct bed b;
        char set[64], path[128];
        auto_free char *data = malloc(BIG);
        auto_reply struct reply r = { 0 };
        auto_close int client = -1;
        int fd;

        (void)state;
        bed_init(&b);
        for (size_t i = 0; i < BIG; i++)
                data[i] = (char)(i * 2654435761U >> 24);
        snprintf(path, sizeof(path), "%s/big", b.dir);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, data, BIG), BIG);
        close(fd);
        snprintf(set, sizeof(set), "static_path=%s", b.dir);
        bed_start(&b, NULL, "mode=static", set, NULL);
        client = bed_dial(&b);
        for (int i = 0; i < 2; i++) { /* the connection is whole afterwards */
                bed_say(client, GET("/big"));
                assert_true(bed_hear(client, false, &r));
                assert_int_equal(r.len, BIG);
                assert_memory_equal(r.body, data, BIG);
        }
        unlink(path);
        bed_stop(&b);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(streams),
                cmocka_unit_test(streams_both_ways),
                cmocka_unit_test(big_bodies),
                cmocka_unit_test(cut_off),
                cmocka_unit_test(back_pressure),
                cmocka_unit_test(serializing),
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
                cmocka_unit_test(rude),
                cmocka_unit_test(static_files),
                cmocka_unit_test(static_large),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog_modes", tests, NULL, NULL);
}

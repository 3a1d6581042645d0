/* fwatchdog_modes_bed - what the tests of the modes beside classic share: functions, a server as
 * mode http wants one, and help.  The test program plays them all (fwatchdog_bed.h). */
#ifndef TESTS_FWATCHDOG_MODES_BED_H
#define TESTS_FWATCHDOG_MODES_BED_H

#include "fwatchdog_bed.h"

#include "core/http_body.h"

#define HOST               "Host: b\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n"
#define GET(path)          "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED(path)      "POST " path " HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
enum { BIG = 10 * 1000 * 1000 }; /* bytes of a body that no buffer holds */

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
static inline bool hear_body(int fd, const struct reply *r, struct buf *ret) {
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
static inline void expect_chunk(int fd, const char *want) {
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

static inline uint16_t free_port(void) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        return ntohs(at.sin_port);
}

/* Mode http, with this function as its server and up to two more settings. */
static inline void start_http(struct bed *b, const char *function, const char *path, char *one,
                              char *two) {
        char url[64], name[32];
        uint16_t port = free_port();

        snprintf(url, sizeof(url), "upstream_url=http://127.0.0.1:%u%s", port, path);
        snprintf(name, sizeof(name), "%s %u", function, port);
        bed_start(b, name, "mode=http", url, one, two, NULL);
        if (!str_eq(function, "serve-late"))
                bed_expect(b, "The function serves.");
}

static inline void expect_call(struct bed *b, const char *request, unsigned status,
                               const char *body) {
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

#endif

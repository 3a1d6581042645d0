/* gateway_hostile - clients of bramble-gateway that mean no good, for its tests alone:
 *
 *         gateway_hostile attack PORT N SEED   N streams of requests, each sent twice and cut in
 * two ways: both readings have to be the same, each attack has to get its status, and what stands
 * behind it must not be taken for a request gateway_hostile loris PORT N         N clients that
 * send a head drop by drop: each has to be told so (408) and closed
 *
 * Prints what was wrong; ends with 0 where nothing was. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        SIDES = 40,
        STREAM_BYTES = 1200 * 1024,
        ANSWER_BYTES = 256 * 1024,
        CUTS = 5,
        QUIET_MS = 1500,  /* nothing came so long: the gateway waits for more of the stream */
        EXACT_MS = 10000, /* that does not happen to a stream that is whole */
        LARGE = 1024 * 1024,
};

#define CALL   "/function/hello/length HTTP/1.1\r\nHost: x\r\n"
#define CHUNKY "POST " CALL "Transfer-Encoding: chunked\r\n\r\n"

/* What is refused, and with what.  '@' stands for a megabyte of letters, '#' for one of headers. */
static const struct attack {
        unsigned status;
        const char *bytes;
} attacks[] = {
        /* two lengths */
        { 400, "POST " CALL "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" },
        { 400, "POST " CALL "Content-Length: 3, 4\r\n\r\nabcd" },
        { 400, "POST " CALL "Content-Length: 3, 3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: +3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: -3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: 0x3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: 3 3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: 3.0\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length:\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length: 99999999999999999999\r\n\r\nabc" },
        /* codings */
        { 400, "POST " CALL
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n" },
        { 501, "POST " CALL "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST /function/hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        /* names and lines */
        { 400, "POST " CALL "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST " CALL "Content-Length : 3\r\n\r\nabc" },
        { 400, "POST " CALL "Content-Length\t: 3\r\n\r\nabc" },
        { 400, "POST " CALL " Content-Length: 3\r\n\r\nabc" },
        { 400, "POST " CALL "X: a\r\n b\r\n\r\n" },
        { 400, "POST " CALL "X: a\r\n\tb\r\n\r\n" },
        { 400, "POST " CALL ": a\r\n\r\n" },
        { 400, "POST " CALL "nothing\r\n\r\n" },
        { 400, "POST " CALL "X(: a\r\n\r\n" },
        { 400, "POST " CALL "X: a\x01\r\n\r\n" },
        { 400, "POST " CALL "X: a\x7f\r\n\r\n" },
        { 400, "POST " CALL "X: a\rb\r\n\r\n" },
        { 400, "POST " CALL "X: a\n\r\n" },
        { 400, "POST " CALL "X: a\r\n\n" },
        { 400, "POST " CALL "X: a\n\n" },
        { 400, "POST /function/hello HTTP/1.1\nHost: x\r\n\r\n" },
        { 400, "GET /function/hello HTTP/1.1\r\n\r\n" },
        { 400, "GET " CALL "Host: y\r\n\r\n" },
        { 400, "GET  /function/hello HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 400, "GET\t/function/hello HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 400, "GET /function/hello  HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 400, "GET /function/hello HTTP/1.1 \r\nHost: x\r\n\r\n" },
        { 400, "GET /function/hello HTTP/1.1x\r\nHost: x\r\n\r\n" },
        { 400, "GET /function/hello\r\nHost: x\r\n\r\n" },
        { 400, "GET /function/hel\x01lo HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 400, "G(T /function/hello HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 505, "GET /function/hello HTTP/2.0\r\nHost: x\r\n\r\n" },
        { 400, " GET /function/hello HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 400, "\r\nGET /function/hello HTTP/1.1\r\nHost: x\r\n\r\n" },
        /* chunks */
        { 400, CHUNKY "g\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "0x3\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "-3\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "+3\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY " 3\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "3 \r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "3\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "3\r\nabc\n0\r\n\r\n" },
        { 400, CHUNKY "3\r\nabcd\r\n0\r\n\r\n" },
        { 400, CHUNKY "3\r\nab\r\n0\r\n\r\n" },
        { 400, CHUNKY "3;a\nb\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "10000000000000003\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "3\r\nabc\r\n0\r\nX : y\r\n\r\n" },
        { 400, CHUNKY "3\r\nabc\r\n0\r\nX: y\n\r\n" },
        { 400, CHUNKY "3\r\nabc\r\n0\r\n\n" },
        { 400, CHUNKY "3;@\r\nabc\r\n0\r\n\r\n" },
        { 400, CHUNKY "3\r\nabc\r\n0\r\n#\r\n" },
        /* too much */
        { 431, "GET " CALL "X: @\r\n\r\n" },
        { 431, "GET " CALL "@: x\r\n\r\n" },
        { 431, "GET /@ HTTP/1.1\r\nHost: x\r\n\r\n" },
        { 431, "GET " CALL "#\r\n\r\n" },
};

/* What functions do to callers; the connection goes on where 'ends' is not set. */
static const struct trouble {
        const char *path;
        unsigned status;
        bool ends;
} troubles[] = {
        { "close", 502, false },      { "garbage", 502, false },     { "both-lengths", 502, false },
        { "large-head", 502, false }, { "more", 200, false },        { "less", 200, true },
        { "bad-chunk", 502, false },  { "close-after", 200, false }, { "bad-status", 502, false },
        { "bad-header", 502, false },
};

static void die(const char *what) {
        perror(what);
        exit(2);
}

static int dial(uint16_t port) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                die("connect");
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
}

/* ---- one reading
 * -----------------------------------------------------------------------------------
 */

struct answer {
        char text[ANSWER_BYTES + 1];
        size_t len;
        bool ended; /* the gateway closed */
};

/* Sends 'data', with pauses at the cuts, and reads meanwhile. */
static void converse(uint16_t port, const char *data, size_t len, const size_t *cuts, size_t n_cuts,
                     int quiet_ms, struct answer *ret) {
        int fd = dial(port);
        size_t sent = 0, cut = 0;
        bool broken = false;

        ret->len = 0;
        ret->ended = false;
        while (!ret->ended) {
                size_t until = cut < n_cuts ? cuts[cut] : len;
                bool sending = sent < len && !broken;
                struct pollfd one = { fd, (short)(POLLIN | (sending ? POLLOUT : 0)), 0 };
                int r = poll(&one, 1, quiet_ms);
                ssize_t n;

                if (r <= 0)
                        break;
                if (one.revents & (POLLIN | POLLHUP | POLLERR)) {
                        n = read(fd, ret->text + ret->len, ANSWER_BYTES - ret->len);
                        ret->ended = n == 0 || (n < 0 && errno != EAGAIN) ||
                                     (n > 0 && ret->len + (size_t)n == ANSWER_BYTES);
                        ret->len += n > 0 ? (size_t)n : 0;
                }
                if (!sending || !(one.revents & POLLOUT))
                        continue;
                if (until > sent) {
                        n = write(fd, data + sent, until - sent);
                        broken = n < 0 && errno != EAGAIN;
                        sent += n > 0 ? (size_t)n : 0;
                }
                if (sent == until && cut < n_cuts) {
                        cut++;
                        (void)poll(NULL, 0, 2);
                }
        }
        ret->text[ret->len] = '\0';
        (void)close(fd);
}

/* Takes out what differs from call to call. */
static void normalise(struct answer *a) {
        char *to = a->text, *end = a->text + a->len;

        for (char *line = a->text; line < end;) {
                char *lf = memchr(line, '\n', (size_t)(end - line));
                size_t n = lf ? (size_t)(lf + 1 - line) : (size_t)(end - line);

                if (strncmp(line, "X-Call-Id:", 10) != 0 &&
                    strncmp(line, "X-Start-Time:", 13) != 0) {
                        memmove(to, line, n);
                        to += n;
                }
                line += n;
        }
        a->len = (size_t)(to - a->text);
        *to = '\0';
}

static bool same(const struct answer *a, const struct answer *b) {
        size_t n = a->len < b->len ? a->len : b->len;

        /* one that waits for more, or was cut by a reset, may have got less so far: never something
         * else */
        return memcmp(a->text, b->text, n) == 0;
}

/* ---- streams
 * -----------------------------------------------------------------------------------------
 */

struct stream {
        char bytes[STREAM_BYTES];
        size_t len;
        unsigned want[8]; /* statuses, in order */
        size_t n_want;
        bool exact; /* as 'want' says; a garbled one may get anything */
};

static void put(struct stream *s, const char *text) {
        for (; *text; text++) {
                if (*text == '@') {
                        memset(s->bytes + s->len, 'a', LARGE);
                        s->len += LARGE;
                } else if (*text == '#') {
                        for (size_t i = 0; i < LARGE / 8; i++, s->len += 6)
                                memcpy(s->bytes + s->len, "a: b\r\n", 6);
                } else {
                        s->bytes[s->len++] = *text;
                }
        }
}

static void expect(struct stream *s, unsigned status) {
        s->want[s->n_want++] = status;
}

static void put_good(struct stream *s) {
        static const char *const good[] = {
                "GET /function/hello/good HTTP/1.1\r\nHost: x\r\n\r\n",
                "POST " CALL "Content-Length: 5\r\n\r\nhello",
                CHUNKY "3;e=\"f\"\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
                "POST /function/hello/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nGET / "
                "HTTP/1",
                "GET /function/nobody HTTP/1.1\r\nHost: x\r\n\r\n",
                "HEAD /function/hello HTTP/1.1\r\nHost: x\r\n\r\n",
        };
        size_t i = (size_t)rand() % (sizeof(good) / sizeof(good[0]));

        put(s, good[i]);
        expect(s, i == 4 ? 404 : 200);
}

/* Good requests, an attack or a function in trouble, and one more request behind it. */
static void make_stream(struct stream *s) {
        bool ends;

        *s = (struct stream){ .exact = true };
        for (int n = rand() % 3; n > 0; n--)
                put_good(s);
        if (rand() % 3) {
                const struct attack *a;

                do
                        a = &attacks[(size_t)rand() % (sizeof(attacks) / sizeof(attacks[0]))];
                while (strpbrk(a->bytes, "@#") && rand() % 16); /* those take their time */
                put(s, a->bytes);
                expect(s, a->status);
                ends = true;
        } else {
                const struct trouble *t =
                        &troubles[(size_t)rand() % (sizeof(troubles) / sizeof(troubles[0]))];

                put(s, "GET /function/hello/");
                put(s, t->path);
                put(s, " HTTP/1.1\r\nHost: x\r\n\r\n");
                expect(s, t->status);
                ends = t->ends;
        }
        put(s, "GET /function/hello/behind HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        if (!ends)
                expect(s, 200);
        if (rand() % 3 || s->len > 4096)
                return;
        for (int n = 1 + rand() % 3; n > 0; n--)
                s->bytes[(size_t)rand() % s->len] = (char)rand();
        s->exact = false;
}

/* The statuses of an answer, by its status lines. */
static bool as_wanted(const struct stream *s, const struct answer *a) {
        const char *at = a->text;
        size_t i = 0;

        while ((at = strstr(at, "HTTP/1.1 "))) {
                unsigned status = (unsigned)atoi(at + 9);

                at += 9;
                if (status == 0) /* it is in our own sentences, too */
                        continue;
                if (i == s->n_want || status != s->want[i++])
                        return false;
        }
        return i == s->n_want && a->ended;
}

static void show(const char *what, const struct stream *s, const struct answer *a,
                 const struct answer *b) {
        printf("%s: %.*s\n-- was answered: %.600s%s\n", what, (int)(s->len < 600 ? s->len : 600),
               s->bytes, a->text, a->ended ? "\n-- and ended" : "");
        if (b)
                printf("-- and in other pieces: %.600s%s\n", b->text,
                       b->ended ? "\n-- and ended" : "");
        (void)fflush(stdout);
}

static int compare(const void *a, const void *b) {
        size_t x = *(const size_t *)a, y = *(const size_t *)b;

        return x < y ? -1 : x > y;
}

static bool attack_once(uint16_t port) {
        static struct stream s;
        static struct answer whole, pieces;
        size_t cuts[CUTS];
        int quiet_ms;

        make_stream(&s);
        for (size_t i = 0; i < CUTS; i++)
                cuts[i] = (size_t)rand() % s.len;
        qsort(cuts, CUTS, sizeof(cuts[0]), compare);
        quiet_ms = s.exact ? EXACT_MS : QUIET_MS;
        converse(port, s.bytes, s.len, NULL, 0, quiet_ms, &whole);
        converse(port, s.bytes, s.len, cuts, CUTS, quiet_ms, &pieces);
        normalise(&whole);
        normalise(&pieces);
        if (!same(&whole, &pieces)) {
                show("two readings", &s, &whole, &pieces);
                return false;
        }
        if (s.exact && (!as_wanted(&s, &whole) || !as_wanted(&s, &pieces))) {
                show("not as it should be", &s, &whole, &pieces);
                return false;
        }
        return true;
}

static int attack(uint16_t port, int n, unsigned seed) {
        int wrong = 0, status;

        for (unsigned side = 0; side < SIDES; side++) {
                if (fork() > 0)
                        continue;
                srand(seed * SIDES + side);
                for (int i = 0; i < n / SIDES; i++)
                        wrong += !attack_once(port);
                _exit(wrong > 0);
        }
        while (wait(&status) > 0)
                wrong += status != 0;
        return wrong > 0;
}

/* ---- drop by drop
 * --------------------------------------------------------------------------------------
 */

static int loris(uint16_t port, int n) {
        static const char head[] = "GET /function/hello HTTP/1.1\r\nX-Never-Ends: ";
        struct pollfd *fds = calloc((size_t)n, sizeof(*fds));
        int open = n, told = 0;

        if (!fds)
                die("calloc");
        for (int i = 0; i < n; i++)
                fds[i] = (struct pollfd){ dial(port), POLLIN, 0 };
        for (size_t drop = 0; open > 0 && drop < 200; drop++) {
                char byte = drop < sizeof(head) - 1 ? head[drop] : 'x', in[2048];

                for (int i = 0; i < n; i++)
                        if (fds[i].fd >= 0)
                                (void)!write(fds[i].fd, &byte, 1);
                (void)poll(NULL, 0, 50);
                (void)poll(fds, (nfds_t)n, 0);
                for (int i = 0; i < n; i++) {
                        ssize_t r;

                        if (fds[i].fd < 0 || !fds[i].revents)
                                continue;
                        r = read(fds[i].fd, in, sizeof(in));
                        told += r > 12 && memcmp(in, "HTTP/1.1 408", 12) == 0;
                        if (r > 0)
                                continue;
                        (void)close(fds[i].fd);
                        fds[i].fd = -1;
                        open--;
                }
        }
        if (open > 0 || told < n)
                printf("%d of %d are still open, %d were told\n", open, n, told);
        free(fds);
        return open > 0 || told < n;
}

int main(int argc, char **argv) {
        (void)signal(SIGPIPE, SIG_IGN);
        if (argc == 5 && strcmp(argv[1], "attack") == 0)
                return attack((uint16_t)atoi(argv[2]), atoi(argv[3]), (unsigned)atoi(argv[4]));
        if (argc == 4 && strcmp(argv[1], "loris") == 0)
                return loris((uint16_t)atoi(argv[2]), atoi(argv[3]));
        fprintf(stderr, "usage: gateway_hostile attack PORT N SEED | loris PORT N\n");
        return 2;
}

/* gateway_peer - stand-ins for the two neighbours of bramble-gateway, for its tests alone:
 *
 *   gateway_peer agent SOCKET           a FAKE agent: sends each line of stdin as the state, prints
 *                                       each request that it gets as one line, answers by name
 *   gateway_peer function NAME          a backend that behaves, or misbehaves, as the path says;
 *                                       prints its port
 *   gateway_peer hold HOST PORT N [PATH]  opens N connections, asks for PATH, reads a little of the
 *                                       answer and keeps them until stdin ends
 *
 * Plain blocking code, one process a connection: nothing shared with what is tested. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAD_BYTES = 65536 };

static bool say(int fd, const char *text) {
        return send_all(fd, text, strlen(text));
}

static bool receive_all(int fd, void *data, size_t len) {
        char *at = data;

        while (len > 0) {
                ssize_t n = read(fd, at, len);

                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* ---- the fake agent ----------------------------------------------------------------------------
 */

static bool send_text(int fd, uint8_t type, const char *text) {
        return send_frame(fd, type, 1, text);
}

static bool log_line(int fd, unsigned n, size_t pad) {
        char *text = NULL;
        bool good;

        if (asprintf(
                    &text,
                    "{\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"instance\":\"7\",\"node\":"
                    "\"w1\",\"timestamp_usec\":170000000012345%u,\"text\":\"line %u \\\"%*s\"}",
                    n % 10, n, (int)pad, "") < 0)
                return false;
        good = send_text(fd, FRAME_EVENT, text);
        free(text);
        return good;
}

/* A second connection: the reader of a function's logs.  What it gets is up to the function. */
static void serve_logs(int fd) {
        char head[FRAME_HEAD_BYTES];
        uint32_t stream;
        unsigned sent = 0;
        char body[4096] = "", end[1];

        if (!receive_all(fd, head, sizeof(head)))
                _exit(0);
        if (!receive_all(fd, body, request_body(head, sizeof(body) - 1, &stream)))
                _exit(3);
        printf("%s\n", body);
        (void)fflush(stdout);
        if (strstr(body, "\"zero\"")) {
                (void)send_text(fd, FRAME_REPLY, "{\"error\":\"no journal\",\"code\":500}");
                _exit(0);
        }
        (void)send_text(fd, FRAME_EVENT, "{\"open\":true}");
        if (strstr(body, "\"dead\"")) /* breaks off */
                _exit(!log_line(fd, 1, 0));
        if (strstr(body, "\"both\"")) { /* never ends, and is more than anybody wants to hold */
                while (sent < 100000 && log_line(fd, sent, 4000))
                        sent++;
                printf("log reader gone after %s\n", sent < 5000 ? "few" : "many");
                (void)fflush(stdout);
                _exit(0);
        }
        for (unsigned i = 1; i <= 3; i++)
                (void)log_line(fd, i, 0);
        if (!strstr(body, "\"follow\":true")) {
                (void)send_text(fd, FRAME_REPLY, "{}");
                _exit(0);
        }
        (void)!read(fd, end, 1); /* until it goes away */
        printf("log reader gone\n");
        (void)fflush(stdout);
        _exit(0);
}

/* What GATEWAY_PEER_METRICS holds, for the verb of that name; NULL where there is none. */
static char *metrics_reply(void) {
        const char *path = getenv("GATEWAY_PEER_METRICS");
        FILE *file = path ? fopen(path, "re") : NULL;
        char *text = NULL;
        size_t size = 0;

        if (file && getdelim(&text, &size, '\0', file) < 0) {
                free(text);
                text = NULL;
        }
        if (file)
                (void)fclose(file);
        return text;
}

/* One request: printed, and answered by what it mentions.  Silent where it says so. */
static bool answer_frame(int fd, bool *watched) {
        char head[FRAME_HEAD_BYTES];
        uint32_t stream;
        static unsigned unled;
        size_t len;
        const char *reply = "{}";
        char *body;

        if (!receive_all(fd, head, sizeof(head)))
                return false;
        len = request_body(head, 262144, &stream);
        body = calloc(1, len + 1);
        if (!body || !receive_all(fd, body, len))
                return false;
        printf("%s\n", body);
        (void)fflush(stdout);
        if (strstr(body, "\"verb\":\"watch\"")) {
                *watched = true;
                free(body);
                return stream == 1;
        }
        if (strstr(body, "\"missing\""))
                reply = "{\"error\":\"there is no such function\",\"code\":404}";
        else if (strstr(body, "\"verb\":\"wake\",\"name\":\"unled\"") && unled++ == 0)
                reply = "{\"error\":\"no leader is known\",\"code\":503}"; /* for the first time */
        else if (strstr(body, "\"-5Mi\""))
                reply = "{\"error\":\"limits.memory '-5Mi' is no size\",\"code\":400}";
        else if (strstr(body, "\"silent\""))
                reply = NULL;
        else if (strstr(body, "\"verb\":\"secrets\""))
                reply = "{\"secrets\":[{\"name\":\"s\",\"namespace\":\"dev\"}]}";
        else if (strstr(body, "\"verb\":\"namespaces\""))
                reply = "{\"namespaces\":[\"dev\",\"openfaas-fn\"]}";
        else if (strstr(body, "\"verb\":\"namespace\""))
                reply = "{\"namespace\":{\"name\":\"dev\",\"labels\":{\"a\":\"b\"}}}";
        else if (strstr(body, "\"taken\""))
                reply = "{\"error\":\"it exists already\",\"code\":409}";
        if (strstr(body, "\"verb\":\"metrics\"")) {
                char *text = metrics_reply(); /* none: silent */
                bool sent = !text || send_frame(fd, FRAME_REPLY, stream, text);

                free(text);
                free(body);
                return sent;
        }
        free(body);
        return !reply || send_frame(fd, FRAME_REPLY, stream, reply);
}

static int run_agent(const char *path) {
        int listener = agent_listen(path), fd = -1;
        char *line = NULL, *state = NULL;
        size_t size = 0;
        bool watched = false, ended = false;

        setvbuf(stdin, NULL, _IONBF, 0);
        while (!ended) {
                struct pollfd fds[3] = { { listener, POLLIN, 0 },
                                         { STDIN_FILENO, POLLIN, 0 },
                                         { fd, POLLIN, 0 } };
                bool news = false;

                if (poll(fds, 3, -1) < 0)
                        die("poll");
                if (fds[0].revents && fd >= 0 && watched) {
                        int extra = accept(listener, NULL, NULL);

                        if (fork() == 0) {
                                (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
                                (void)close(fd);
                                (void)close(listener);
                                serve_logs(extra);
                        }
                        (void)close(extra);
                        continue;
                }
                if (fds[0].revents) {
                        if (fd >= 0)
                                (void)close(fd);
                        fd = accept(listener, NULL, NULL);
                        watched = false;
                        continue;
                }
                if (fds[1].revents) {
                        if (getline(&line, &size, stdin) <= 0) {
                                ended = true;
                        } else if (strncmp(line, "hang up", 7) == 0) {
                                (void)close(fd);
                                fd = -1;
                        } else {
                                free(state);
                                state = strdup(line);
                                news = watched;
                        }
                }
                if (fd >= 0 && fds[2].revents) {
                        bool before = watched;

                        if (!answer_frame(fd, &watched)) {
                                (void)close(fd);
                                fd = -1;
                                watched = false;
                        }
                        news = news || (watched && !before && state);
                }
                if (news && fd >= 0)
                        (void)send_frame(fd, FRAME_EVENT, 1, state);
        }
        free(line);
        free(state);
        return 0;
}

/* ---- the backend
 * --------------------------------------------------------------------------------- */

struct counts { /* shared by all its processes */
        unsigned connections, requests;
        unsigned busy, most_busy; /* requests for /busy at a time */
};

struct request {
        int fd;
        const char *name; /* of the backend */
        char head[HEAD_BYTES];
        size_t head_len;
        char rest[HEAD_BYTES]; /* what came behind the head */
        size_t rest_len, rest_at;
        char method[32], path[1024];
        long long length; /* -1: chunked */
};

static ssize_t body_read(struct request *q, void *to, size_t most) {
        size_t n = q->rest_len - q->rest_at;

        if (n == 0)
                return read(q->fd, to, most);
        if (n > most)
                n = most;
        memcpy(to, q->rest + q->rest_at, n);
        q->rest_at += n;
        return (ssize_t)n;
}

static bool body_byte(struct request *q, char *to) {
        return body_read(q, to, 1) == 1;
}

/* The length of a line without its LF, -1 at the end; what does not fit is dropped. */
static ssize_t body_line(struct request *q, char *line, size_t size) {
        ssize_t n = 0;
        char byte;

        while (body_byte(q, &byte)) {
                if (byte == '\n') {
                        line[(size_t)n < size ? (size_t)n : size - 1] = '\0';
                        return n;
                }
                if ((size_t)n < size - 1)
                        line[n] = byte;
                n++;
        }
        return -1;
}

static bool read_head(struct request *q) {
        char *end = NULL;
        size_t len = 0;

        memcpy(q->head, q->rest + q->rest_at, q->rest_len - q->rest_at);
        len = q->rest_len - q->rest_at;
        q->head[len] = '\0';
        while (!(end = strstr(q->head, "\r\n\r\n"))) {
                ssize_t n = read(q->fd, q->head + len, sizeof(q->head) - 1 - len);

                if (n <= 0)
                        return false;
                len += (size_t)n;
                q->head[len] = '\0';
        }
        q->head_len = (size_t)(end + 4 - q->head);
        q->rest_at = 0;
        q->rest_len = len - q->head_len;
        memcpy(q->rest, q->head + q->head_len, q->rest_len);
        q->head[q->head_len] = '\0';
        if (sscanf(q->head, "%31s %1023s", q->method, q->path) != 2)
                return false;
        q->length = 0;
        if ((end = strcasestr(q->head, "\r\ncontent-length:")))
                q->length = atoll(end + 17);
        if (strcasestr(q->head, "\r\ntransfer-encoding: chunked"))
                q->length = -1;
        return true;
}

/* Reads the body and hands each piece to 'to' (a descriptor, or -1: nowhere).  Its length. */
static long long read_body(struct request *q, int to) {
        char buffer[16384], line[64];
        long long total = 0, left = q->length;

        for (;;) {
                if (q->length < 0) {
                        if (body_line(q, line, sizeof(line)) < 0)
                                return -1;
                        left = strtoll(line, NULL, 16);
                        if (left == 0) {
                                ssize_t n;

                                while ((n = body_line(q, line, sizeof(line))) > 1)
                                        ; /* trailers */
                                return n < 0 ? -1 : total;
                        }
                }
                while (left > 0) {
                        ssize_t n =
                                body_read(q, buffer, left < 16384 ? (size_t)left : sizeof(buffer));

                        if (n <= 0)
                                return -1;
                        if (to >= 0 && !send_all(to, buffer, (size_t)n))
                                return -1;
                        left -= n;
                        total += n;
                }
                if (q->length >= 0)
                        return total;
                (void)(body_byte(q, line) && body_byte(q, line));
        }
}

static bool reply_text(struct request *q, const char *status, const char *headers,
                       const char *body) {
        char head[1024];

        (void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                       headers, strlen(body));
        return say(q->fd, head) && (strcmp(q->method, "HEAD") == 0 || say(q->fd, body));
}

/* Sends the request's body back, with the framing that it came in. */
static bool echo(struct request *q) {
        char head[256];

        if (q->length < 0) {
                char *body = NULL;
                size_t size = 0;
                FILE *f = tmpfile();
                bool good;

                if (!f || read_body(q, fileno(f)) < 0)
                        return false;
                size = (size_t)lseek(fileno(f), 0, SEEK_END);
                body = malloc(size + 1);
                (void)snprintf(head, sizeof(head),
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                               size);
                good = body && pread(fileno(f), body, size, 0) == (ssize_t)size && size > 0 &&
                       say(q->fd, head) && send_all(q->fd, body, size) &&
                       say(q->fd, "\r\n0\r\nX-Trailer: yes\r\n\r\n");
                free(body);
                (void)fclose(f);
                return good;
        }
        (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n",
                       q->length);
        return say(q->fd, head) && read_body(q, q->fd) == q->length;
}

static bool large(struct request *q, long long bytes) {
        char buffer[16384];

        for (size_t i = 0; i < sizeof(buffer); i++)
                buffer[i] = (char)('a' + i % 26);
        (void)snprintf(buffer, 128, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", bytes);
        if (!say(q->fd, buffer))
                return false;
        memset(buffer, 'x', 128);
        while (bytes > 0) {
                size_t n = bytes < 16384 ? (size_t)bytes : sizeof(buffer);

                if (!send_all(q->fd, buffer, n))
                        return false;
                bytes -= (long long)n;
        }
        return true;
}

/* Bytes both ways until the client has said "bye". */
static void tunnel(struct request *q) {
        char buffer[4096];
        ssize_t n;

        (void)say(q->fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                         "Upgrade: test\r\n\r\nwelcome\n");
        while ((n = body_read(q, buffer, sizeof(buffer))) > 0) {
                if (!send_all(q->fd, buffer, (size_t)n) || memmem(buffer, (size_t)n, "bye", 3))
                        return;
        }
}

/* Does nothing until the file named in the query appears. */
static void wait_for_file(const struct request *q) {
        const char *file = strchr(q->path, '?');

        for (int i = 0; file && access(file + 1, F_OK) != 0 && i < 1000; i++)
                (void)poll(NULL, 0, 10);
}

/* A stream whose second part comes only when the client has acted on the first: the file named
 * in the query appears. */
static bool events(struct request *q) {
        char head[256];

        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Backend: %s\r\n"
                       "Transfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n",
                       q->name);
        if (!say(q->fd, head))
                return false;
        wait_for_file(q);
        return say(q->fd, "e\r\ndata: second\n\n\r\n0\r\n\r\n");
}

/* Ends without an answer, as one that has not taken the request (a reset) or as one that has; only
 * where the query names this backend. */
static bool breaks(struct request *q, bool *done) {
        const char *who = strchr(q->path, '?');

        *done = who && strcmp(who + 1, q->name) == 0 &&
                (strncmp(q->path, "/reset?", 7) == 0 || strncmp(q->path, "/crash?", 7) == 0);
        if (!*done)
                return true;
        if (q->path[1] == 'r') {
                struct linger reset = { 1, 0 };

                (void)setsockopt(q->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        } else {
                (void)read_body(q, -1);
        }
        return false;
}

/* Takes its time, and notes how many do at once. */
static void busy(struct counts *counts, int ms) {
        unsigned n = __atomic_add_fetch(&counts->busy, 1, __ATOMIC_SEQ_CST);
        unsigned most = __atomic_load_n(&counts->most_busy, __ATOMIC_SEQ_CST);

        while (n > most && !__atomic_compare_exchange_n(&counts->most_busy, &most, n, false,
                                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
                ;
        (void)poll(NULL, 0, ms);
        (void)__atomic_sub_fetch(&counts->busy, 1, __ATOMIC_SEQ_CST);
}

/* True where the connection can go on. */
static bool serve_misbehaviour(struct request *q, bool *done) {
        const char *p = q->path;

        *done = true;
        if (strcmp(p, "/close") == 0)
                return false;
        if (strcmp(p, "/garbage") == 0)
                return say(q->fd, "220 mail.example.org ESMTP\r\n\r\n") && false;
        if (strcmp(p, "/both-lengths") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") &&
                       false;
        if (strcmp(p, "/never") == 0) {
                (void)poll(NULL, 0, 60000);
                return false;
        }
        if (strcmp(p, "/stall") == 0) {
                (void)say(q->fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
                (void)poll(NULL, 0, 60000);
                return false;
        }
        if (strcmp(p, "/more") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345HTTP/1.1 200 "
                                  "OK\r\nContent-Length: 4\r\n\r\nevil");
        if (strcmp(p, "/less") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345") && false;
        if (strcmp(p, "/bad-chunk") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\nzz\r\n") &&
                       false;
        if (strcmp(p, "/bad-status") == 0)
                return say(q->fd, "HTTP/1.1 99 x\r\nContent-Length: 2\r\n\r\nok") && false;
        if (strcmp(p, "/bad-header") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 2\r\n\r\nok") &&
                       false;
        if (strcmp(p, "/large-head") == 0) {
                static const char line[] = "X-Much: more\r\n";

                (void)say(q->fd, "HTTP/1.1 200 OK\r\n");
                for (int i = 0; i < 1024 * 1024 / 14 && say(q->fd, line); i++)
                        ;
                return false;
        }
        if (strcmp(p, "/bad-chunk-later") == 0) {
                (void)say(q->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n");
                (void)poll(NULL, 0, 50);
                return say(q->fd, "zz\r\n") && false;
        }
        if (strcmp(p, "/close-after") == 0) /* answers, keeps the connection, then closes it */
                return reply_text(q, "200 OK", "", "ok\n") && false;
        *done = false;
        return true;
}

static bool serve_special(struct request *q, bool *done) {
        const char *p = q->path;

        *done = true;
        if (strcmp(p, "/early") == 0) /* without reading the body */
                return reply_text(q, "413 Too Large", "Connection: close\r\n", "early\n") && false;
        if (strcmp(p, "/upgrade") == 0)
                return tunnel(q), false;
        if (strcmp(p, "/until-close") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\n\r\nuntil the end\n") && false;
        if (strcmp(p, "/hints") == 0)
                return say(q->fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                  "Link: </a.css>\r\n\r\n") &&
                       reply_text(q, "200 OK", "", "after hints\n");
        if (strncmp(p, "/status/", 8) == 0) {
                char line[32];

                (void)snprintf(line, sizeof(line), "%.3s As asked", p + 8);
                return reply_text(q, line, "", "as asked\n");
        }
        if (strcmp(p, "/204") == 0)
                return say(q->fd, "HTTP/1.1 204 No Content\r\n\r\n");
        if (strcmp(p, "/304") == 0)
                return say(q->fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
        if (strcmp(p, "/cookies") == 0)
                return reply_text(q, "200 OK",
                                  "Set-Cookie: mine=1\r\nSet-Cookie: bramble_session=; Max-Age=0; "
                                  "Path=/\r\nSet-Cookie: =bramble_session=x\r\n"
                                  "Clear-Site-Data: \"cookies\"\r\n",
                                  "");
        if (strcmp(p, "/redirect") == 0)
                return reply_text(q, "302 Found", "Location: http://elsewhere/\r\n", "");
        if (strcmp(p, "/chunked") == 0)
                return say(q->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: "
                                  "timeout=5\r\nConnection: X-Gone\r\nX-Gone: 1\r\n\r\n"
                                  "3\r\none\r\n3;e=1\r\ntwo\r\n0\r\n\r\n");
        if (strncmp(p, "/events", 7) == 0)
                return events(q);
        if (strncmp(p, "/large?", 7) == 0)
                return large(q, atoll(p + 7));
        *done = false;
        return true;
}

static bool serve(struct request *q, struct counts *counts) {
        char text[HEAD_BYTES + 64];
        bool done, more = serve_misbehaviour(q, &done);
        long long length;

        if (!done)
                more = serve_special(q, &done);
        if (!done)
                more = breaks(q, &done);
        if (done)
                return more;
        if (strncmp(q->path, "/slow-read?", 11) == 0)
                wait_for_file(q);
        if (strcmp(q->path, "/echo") == 0)
                return echo(q);
        length = read_body(q, -1);
        if (length < 0)
                return false;
        if (strcmp(q->path, "/head") == 0)
                return reply_text(q, "200 OK", "", q->head);
        if (strncmp(q->path, "/busy?", 6) == 0)
                busy(counts, atoi(q->path + 6));
        if (strcmp(q->path, "/count") == 0)
                (void)snprintf(text, sizeof(text), "%u %u\n", counts->connections,
                               counts->requests);
        else if (strncmp(q->path, "/reset?", 7) == 0)
                (void)snprintf(text, sizeof(text), "%s %s %lld\n", q->name, q->method, length);
        else if (strcmp(q->path, "/most-busy") == 0)
                (void)snprintf(text, sizeof(text), "%u\n", counts->most_busy);
        else if (strncmp(q->path, "/slow?", 6) == 0)
                (void)(poll(NULL, 0, atoi(q->path + 6)), snprintf(text, 8, "slow\n"));
        else if (strcmp(q->path, "/length") == 0 || strncmp(q->path, "/slow-read?", 11) == 0)
                (void)snprintf(text, sizeof(text), "%lld\n", length);
        else
                (void)snprintf(text, sizeof(text), "%s %s %s\n", q->name, q->method, q->path);
        return reply_text(q, "200 OK", "", text);
}

static int run_function(const char *name) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t len = sizeof(at);

        if (counts == MAP_FAILED || listener < 0 ||
            bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 256) < 0 ||
            getsockname(listener, (struct sockaddr *)&at, &len) < 0)
                die("function");
        (void)signal(SIGCHLD, SIG_IGN);
        printf("%u\n", ntohs(at.sin_port));
        (void)fflush(stdout);
        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0)
                        continue;
                counts->connections++;
                if (fork() == 0) {
                        static struct request q;
                        pid_t parent = getppid();

                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        (void)close(listener);
                        q.fd = fd;
                        q.name = name;
                        while (getppid() == parent && read_head(&q)) {
                                __atomic_add_fetch(&counts->requests, 1, __ATOMIC_SEQ_CST);
                                if (!serve(&q, counts))
                                        break;
                        }
                        _exit(0);
                }
                (void)close(fd);
        }
}

/* ---- plain bytes
 * ------------------------------------------------------------------------------- */

/* Sends stdin and prints what comes back until the peer ends the connection. */
static int send_input(const char *host, const char *port) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char buffer[16384];
        ssize_t n;

        if (inet_pton(AF_INET, host, &at.sin_addr) != 1 || fd < 0 ||
            connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                die(host);
        while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
                if (!send_all(fd, buffer, (size_t)n))
                        break;
        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                (void)send_all(STDOUT_FILENO, buffer, (size_t)n);
        return 0;
}

/* ---- many idle connections
 * ------------------------------------------------------------------------- */

static int hold(const char *host, const char *port, int n, const char *path) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
        char buffer[4096], request[256];
        int held = 0, small = 4096, segment = 536;

        if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
                die(host);
        (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
        for (; held < n; held++) {
                int fd = socket(AF_INET, SOCK_STREAM, 0);

                /* What is not read stays with the one who sends, and with small segments the kernel
                 * takes little of it: on loopback, and more so with BBR, it would take megabytes.
                 */
                if (fd >= 0) {
                        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
                        (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
                }
                if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
                    !say(fd, request) || read(fd, buffer, sizeof(buffer)) <= 0)
                        break;
        }
        printf("%d\n", held);
        (void)fflush(stdout);
        while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
                ;
        return 0;
}

/* ---- clients of every bad kind
 * ---------------------------------------------------------------------- */

static const char *const storm_requests[] = {
        "GET /function/hello/%u HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/hello/%u HTTP/1.0\r\n\r\n",
        "POST /function/both/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world",
        "POST /function/both/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
        "POST /function/hello/length HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n"
        "Expect: 100-continue\r\n\r\n",
        "POST /function/hello/early HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\nabc",
        "GET /function/hello/close HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/both/garbage HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/both/more HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/both/less HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/hello/bad-chunk HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/hello/close-after HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/both/large?300000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/hello/chunked HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/both/slow?20 HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD /function/both/hints HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/hello/upgrade HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: "
        "x\r\n\r\nping bye",
        "GET /function/hello/until-close HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/half HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/dead HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/none HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /function/nobody HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /system/functions HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
        "YWRtaW46c2VjcmV0\r\nContent-Length: 27\r\n\r\n{\"service\":\"a\",\"image\":1}..",
        "POST /system/functions HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
        "YWRtaW46c2VjcmV0\r\nContent-Length: 33\r\n\r\n{\"service\":\"silent\",\"image\":\"b\"}  ",
        "GET /system/functions HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
        "YWRtaW46c2VjcmV0\r\n\r\n",
        "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /ui/ HTTP/1.1\r\nHost: x\r\nCookie: bramble_session=0; bramble_login=%u\r\n\r\n",
        "POST /ui/login HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\n"
        "user=admin&password=%%00x&csrf=0000",
        "GET /ui/stream HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nCookie: a=%u\r\n\r\n",
        "POST /ui/act HTTP/1.1\r\nHost: x\r\nX-Bramble-CSRF: 0\r\nContent-Length: 16\r\n\r\n"
        "{\"verb\":\"drain\"}",
        "GET /ui/assets/%u HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
};

/* One to three requests, cut and garbled by chance. */
static size_t storm_bytes(char *to, size_t size) {
        size_t len = 0;

        for (int n = 1 + rand() % 3; n > 0; n--)
                len += (size_t)snprintf(
                        to + len, size - len,
                        storm_requests[(unsigned)rand() %
                                       (sizeof(storm_requests) / sizeof(storm_requests[0]))],
                        (unsigned)rand());
        for (int n = rand() % 3 ? 0 : 1 + rand() % 4; n > 0; n--)
                to[(size_t)rand() % len] = (char)rand();
        return rand() % 3 ? len : (size_t)rand() % len + 1;
}

static void storm_one(uint16_t port) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waits = rand() % 6;
        char out[8192], in[65536];
        size_t len = storm_bytes(out, sizeof(out)), sent = 0;

        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                die("storm");
        while (sent < len) {
                size_t piece = rand() % 4 ? len - sent : 1 + (size_t)rand() % (len - sent);

                if (!send_all(fd, out + sent, piece))
                        break;
                sent += piece;
        }
        if (rand() % 8 == 0)
                (void)shutdown(fd, SHUT_WR);
        for (struct pollfd one = { fd, POLLIN, 0 }; waits > 0 && poll(&one, 1, 15) > 0; waits--)
                if (read(fd, in, 1 + (size_t)rand() % sizeof(in)) <= 0)
                        break;
        if (rand() % 2) {
                struct linger reset = { 1, 0 };

                (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        (void)close(fd);
}

static int storm(uint16_t port, int n, unsigned seed) {
        enum { SIDES = 8 };

        for (unsigned side = 0; side < SIDES; side++) {
                if (fork() > 0)
                        continue;
                srand(seed * SIDES + side);
                for (int i = 0; i < n / SIDES; i++)
                        storm_one(port);
                _exit(0);
        }
        while (wait(NULL) > 0)
                ;
        return 0;
}

int main(int argc, char **argv) {
        (void)signal(SIGPIPE, SIG_IGN);
        if (argc == 3 && strcmp(argv[1], "agent") == 0)
                return run_agent(argv[2]);
        if (argc == 3 && strcmp(argv[1], "function") == 0)
                return run_function(argv[2]);
        if ((argc == 5 || argc == 6) && strcmp(argv[1], "hold") == 0)
                return hold(argv[2], argv[3], atoi(argv[4]), argc == 6 ? argv[5] : "/healthz");
        if (argc == 4 && strcmp(argv[1], "send") == 0)
                return send_input(argv[2], argv[3]);
        if (argc == 5 && strcmp(argv[1], "storm") == 0)
                return storm((uint16_t)atoi(argv[2]), atoi(argv[3]), (unsigned)atoi(argv[4]));
        fprintf(stderr,
                "usage: gateway_peer agent SOCKET | function NAME | hold HOST PORT N [PATH] | "
                "storm PORT N SEED\n");
        return 2;
}

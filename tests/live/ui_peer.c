/* ui_peer - stand-ins for the neighbours of the dashboard's gateway, for its tests and its bench:
 *
 *   ui_peer agent SOCKET BOARDS         a FAKE agent: prints each request as one line, answers by
 *                                       verb; "status" are BOARDS boards, each time other ones
 *   ui_peer viewers PORT COOKIE N SECONDS [gzip]
 *                                       N that read the stream for so long: prints how many got
 *                                       it, how many of them are still there, the bytes of all
 *   ui_peer deaf PORT COOKIE N          N that never read beyond the head: prints how many were
 *                                       let in and how many refused, stays until stdin ends
 *
 * The agent does what lines of its stdin say:
 *
 *   state JSON                          what "watch" tells
 *   status JSON                         the answer to "status" from now on
 *   event JSON                          to those who follow "events"
 *   off JSON, off-end JSON              progress of a shutdown under way, and its last word
 *   mute, speak                         "status" is not answered; and is again
 *   hang up                             all connections end
 *
 * Plain code with poll(): nothing shared with what is tested. */
#include "peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINKS = 64, REQUEST_BYTES = 65536 };

/* ---- the fake agent ----------------------------------------------------------------------------
 */

struct link {
        int fd; /* -1: free */
        bool watches;
        uint32_t watch, events, off; /* the streams, 0: none */
        size_t len;
        unsigned char in[REQUEST_BYTES];
};

static struct link links[LINKS];
static char *state, *status;
static unsigned boards, asked;
static uint64_t status_set; /* when the first one with "AGE" was */
static bool mute;

static void hang_up(struct link *l) {
        (void)close(l->fd);
        memset(l, 0, sizeof(*l));
        l->fd = -1;
}

static void tell_link(struct link *l, uint8_t type, uint32_t stream, const char *text) {
        if (!send_frame(l->fd, type, stream, text))
                hang_up(l);
}

/* One board as status has it, with readings that are other ones each time. */
static int print_board(char *to, size_t size, unsigned i, unsigned n) {
        unsigned r = i * 7919 + n * 104729;

        return snprintf(
                to, size,
                "%s{\"name\":\"w%u\",\"id\":\"%016x\",\"role\":\"%s\",\"leader\":%s,\"voter\":%s,"
                "\"state\":\"up\",\"address\":\"10.0.0.%u\",\"board\":{\"id\":\"3B+\",\"model\":"
                "\"Raspberry Pi 3 Model B Plus Rev 1.3\",\"cores\":4,\"clock_mhz\":1400,"
                "\"bits_kernel\":64,\"bits_user\":32,\"soft_temp_c\":60,\"throttle_c\":80,"
                "\"hard_c\":85},\"cpu_percent\":%u.%u,"
                "\"cpu_cores_percent\":[%u.1,%u.2,%u.3,%u.4],\"memory\":{\"total_bytes\":970000000,"
                "\"available_bytes\":%u},\"temperature_c\":%u.%u,\"power\":{\"under_voltage\":"
                "false,\"throttled\":false,\"words\":\"ok\"},\"disk\":{\"total_bytes\":7800000000,"
                "\"free_bytes\":%u,\"written_bytes\":%u},\"network\":{\"interface\":\"eth0\","
                "\"mbps\":300,\"rx_bytes_per_second\":%u,\"tx_bytes_per_second\":%u},"
                "\"uptime_seconds\":%u,\"problems\":\"\",\"kubernetes\":{\"state\":\"ready\","
                "\"text\":\"\",\"version\":\"v1.20.2\",\"api\":false,\"epoch\":1,\"snapshot\":null}"
                ","
                "\"functions\":%u,\"cordoned\":false,\"drained\":false}",
                i ? "," : "", i + 1, i + 1, i ? "worker" : "master", i ? "false" : "true",
                i < 5 ? "true" : "false", i + 10, r % 100, r % 10, r % 99, r / 3 % 99, r / 5 % 99,
                r / 7 % 99, 400000000 + r % 90000000, 45 + r % 20, r % 10,
                3000000000u - n * 300000 % 100000000, n * 400000 % 4000000000u, r % 900000,
                r / 2 % 900000, 100000 + n, r % 3);
}

static char *print_status(void) {
        size_t size = 4096 + (size_t)boards * 2048, len = 0;
        char *text = malloc(size);

        if (!text)
                die("malloc");
        len += (size_t)snprintf(
                text, size,
                "{\"cluster\":\"home\",\"master\":\"w1\",\"leader\":\"w1\",\"term\":3,"
                "\"voters\":5,\"voters_up\":5,\"watts\":{\"low\":9,\"high\":21},"
                "\"kubernetes\":{\"state\":\"running\"},\"nodes\":[");
        for (unsigned i = 0; i < boards; i++)
                len += (size_t)print_board(text + len, size - len, i, asked);
        (void)snprintf(
                text + len, size - len,
                "],\"functions\":[{\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"image\":"
                "\"x:1\",\"replicas\":1,\"available_replicas\":1,\"invocations\":%u,"
                "\"reason\":\"\",\"placements\":[{\"id\":7,\"node\":\"w1\",\"state\":\"ready\","
                "\"address\":\"10.1.0.2\"}]}],\"alerts\":[]}",
                asked * 10);
        return text;
}

static uint64_t now_ms(void);

/* A status that a test has set, with how long it is so in place of "AGE": 90 s and what has gone
 * by. */
static char *print_set_status(void) {
        const char *age = strstr(status, "AGE");
        char *text = malloc(strlen(status) + 24);

        if (!text)
                die("malloc");
        if (age)
                (void)sprintf(text, "%.*s%llu%s", (int)(age - status), status,
                              90000 + (unsigned long long)(now_ms() - status_set), age + 3);
        else
                (void)strcpy(text, status);
        return text;
}

static void answer_status(struct link *l, uint32_t stream) {
        char *text = status ? print_set_status() : print_status();

        asked++;
        tell_link(l, FRAME_REPLY, stream, text);
        free(text);
}

static bool says(const char *body, const char *verb) {
        char text[64];

        (void)snprintf(text, sizeof(text), "\"verb\":\"%s\"", verb);
        return strstr(body, text) != NULL;
}

static void answer_shutdown(struct link *l, uint32_t stream, const char *body) {
        static const char *const lines[] = {
                "{\"id\":\"s1\",\"phase\":\"functions\",\"board\":\"\",\"state\":\"stopping\","
                "\"text\":"
                "\"functions stop\"}",
                "{\"id\":\"s1\",\"phase\":\"boards\",\"board\":\"w2\",\"state\":\"stopping\","
                "\"text\":"
                "\"w2 <b>stops</b>\"}",
        };

        if (strstr(body, "\"dry_run\":true")) {
                tell_link(l, FRAME_REPLY, stream,
                          "{\"dry_run\":true,\"cluster\":\"home\",\"boards\":[{\"name\":\"w2\","
                          "\"role\":\"worker\",\"order\":1,\"state\":\"waiting\"},{\"name\":\"w1\","
                          "\"role\":\"master\",\"order\":2,\"state\":\"waiting\"}]}");
                return;
        }
        for (size_t i = 0; i < 2; i++)
                tell_link(l, FRAME_EVENT, stream, lines[i]);
        l->off = stream;
}

static void answer(struct link *l, uint32_t stream, const char *body) {
        printf("%s\n", body);
        (void)fflush(stdout);
        if (says(body, "watch")) {
                l->watches = true;
                l->watch = stream;
                if (state)
                        tell_link(l, FRAME_EVENT, stream, state);
        } else if (says(body, "status")) {
                if (!mute)
                        answer_status(l, stream);
        } else if (says(body, "events")) {
                l->events = stream;
        } else if (strstr(body, "\"nobody\"")) {
                tell_link(l, FRAME_REPLY, stream,
                          "{\"error\":\"there is no board 'nobody'\",\"code\":404}");
        } else if (strstr(body, "\"stays\"")) {
                tell_link(l, FRAME_REPLY, stream, "{\"ok\":false,\"text\":\"the boards stay on\"}");
        } else if (says(body, "shutdown")) {
                answer_shutdown(l, stream, body);
        } else if (says(body, "shutdown_status")) {
                tell_link(l, FRAME_REPLY, stream, "{\"active\":false,\"boards\":[],\"text\":\"\"}");
        } else {
                tell_link(l, FRAME_REPLY, stream, "{}");
        }
}

static void take_requests(struct link *l) {
        ssize_t n = read(l->fd, l->in + l->len, sizeof(l->in) - l->len);
        uint32_t stream;

        if (n <= 0) {
                if (l->events)
                        printf("events left\n");
                if (l->off)
                        printf("shutdown left\n");
                (void)fflush(stdout);
                hang_up(l);
                return;
        }
        l->len += (size_t)n;
        while (l->fd >= 0 && l->len >= FRAME_HEAD_BYTES) {
                size_t len = request_body(l->in, sizeof(l->in) - FRAME_HEAD_BYTES, &stream);
                size_t whole = FRAME_HEAD_BYTES + len;
                char body[REQUEST_BYTES];

                if (l->len < whole)
                        return;
                memcpy(body, l->in + FRAME_HEAD_BYTES, len);
                body[len] = '\0';
                memmove(l->in, l->in + whole, l->len - whole);
                l->len -= whole;
                answer(l, stream, body);
        }
}

/* To all streams of a kind. */
static void tell(size_t which, uint8_t type, const char *text) {
        for (struct link *l = links; l < links + LINKS; l++) {
                uint32_t stream;

                memcpy(&stream, (const char *)l + which, sizeof(stream));
                if (l->fd >= 0 && stream)
                        tell_link(l, type, stream, text);
        }
}

static bool obey(char *line) {
        char *rest = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (rest)
                *rest++ = '\0';
        if (strcmp(line, "state") == 0 && rest) {
                free(state);
                state = strdup(rest);
                tell(offsetof(struct link, watch), FRAME_EVENT, state);
        } else if (strcmp(line, "status") == 0 && rest) {
                free(status);
                status = strdup(rest);
                if (status_set == 0 && strstr(rest, "AGE"))
                        status_set = now_ms();
        } else if (strcmp(line, "event") == 0 && rest) {
                tell(offsetof(struct link, events), FRAME_EVENT, rest);
        } else if (strcmp(line, "off") == 0 && rest) {
                tell(offsetof(struct link, off), FRAME_EVENT, rest);
        } else if (strcmp(line, "off-end") == 0 && rest) {
                tell(offsetof(struct link, off), FRAME_REPLY, rest);
        } else if (strcmp(line, "mute") == 0 || strcmp(line, "speak") == 0) {
                mute = line[0] == 'm';
        } else if (strcmp(line, "hang") == 0) {
                for (struct link *l = links; l < links + LINKS; l++)
                        if (l->fd >= 0)
                                hang_up(l);
        } else {
                fprintf(stderr, "ui_peer: cannot '%s'\n", line);
                return false;
        }
        return true;
}

static void take_link(int listener) {
        int fd = accept(listener, NULL, NULL);

        for (struct link *l = links; l < links + LINKS; l++) {
                if (l->fd >= 0)
                        continue;
                l->fd = fd;
                return;
        }
        (void)close(fd);
}

static int run_agent(const char *path) {
        int listener = agent_listen(path);
        char *line = NULL;
        size_t size = 0;

        for (size_t i = 0; i < LINKS; i++)
                links[i].fd = -1;
        setvbuf(stdin, NULL, _IONBF, 0);
        for (;;) {
                struct pollfd fds[LINKS + 2] = { { listener, POLLIN, 0 },
                                                 { STDIN_FILENO, POLLIN, 0 } };

                for (size_t i = 0; i < LINKS; i++)
                        fds[i + 2] = (struct pollfd){ links[i].fd, POLLIN, 0 };
                if (poll(fds, LINKS + 2, -1) < 0)
                        die("poll");
                for (size_t i = 0; i < LINKS; i++)
                        if (fds[i + 2].revents && links[i].fd == fds[i + 2].fd)
                                take_requests(&links[i]);
                if (fds[1].revents && (getline(&line, &size, stdin) <= 0 || !obey(line)))
                        return 0;
                if (fds[0].revents)
                        take_link(listener);
        }
}

/* ---- those who look ----------------------------------------------------------------------------
 */

static int dial(unsigned port, int receive_room) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && receive_room)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof(receive_room));
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
                (void)close(fd);
                fd = -1;
        }
        return fd;
}

static bool ask(int fd, const char *cookie, bool gzip) {
        char request[512];
        int n = snprintf(request, sizeof(request),
                         "GET /ui/stream HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n%s\r\n", cookie,
                         gzip ? "Accept-Encoding: gzip, deflate\r\n" : "");

        return send_all(fd, request, (size_t)n);
}

/* The status of the answer, 0 where there is none. */
static unsigned status_of(int fd) {
        char head[13] = "";
        size_t len = 0;

        while (len < 12) {
                ssize_t n = read(fd, head + len, 12 - len);

                if (n <= 0)
                        return 0;
                len += (size_t)n;
        }
        return (unsigned)atoi(head + 9);
}

static uint64_t now_ms(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int run_viewers(unsigned port, const char *cookie, unsigned n, unsigned seconds, bool gzip) {
        struct pollfd *fds = calloc(n, sizeof(*fds));
        unsigned long long bytes = 0;
        unsigned in = 0, left = 0;
        uint64_t end;
        char buffer[65536];

        for (unsigned i = 0; i < n; i++) {
                int fd = dial(port, 0);

                if (fd < 0 || !ask(fd, cookie, gzip) || status_of(fd) != 200) {
                        (void)close(fd);
                        continue;
                }
                fds[in++] = (struct pollfd){ fd, POLLIN, 0 };
        }
        end = now_ms() + seconds * 1000u;
        left = in;
        for (uint64_t now = now_ms(); now < end && left > 0; now = now_ms()) {
                if (poll(fds, in, (int)(end - now)) <= 0)
                        continue;
                for (unsigned i = 0; i < in; i++) {
                        ssize_t got = fds[i].revents ? read(fds[i].fd, buffer, sizeof(buffer)) : -2;

                        if (got > 0) {
                                bytes += (unsigned long long)got;
                        } else if (got != -2) {
                                (void)close(fds[i].fd);
                                fds[i].fd = -1;
                                left--;
                        }
                }
        }
        printf("%u %u %llu\n", in, left, bytes);
        return 0;
}

static int run_deaf(unsigned port, const char *cookie, unsigned n) {
        unsigned in = 0, refused = 0;
        char byte;

        for (unsigned i = 0; i < n; i++) {
                int fd = dial(port, 4096);
                unsigned code = fd >= 0 && ask(fd, cookie, false) ? status_of(fd) : 0;

                if (code == 200)
                        in++; /* and is kept */
                else
                        (void)close(fd);
                refused += code == 503;
        }
        printf("%u %u\n", in, refused);
        (void)fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
                ;
        return 0;
}

int main(int argc, char **argv) {
        (void)signal(SIGPIPE, SIG_IGN);
        if (argc == 4 && strcmp(argv[1], "agent") == 0) {
                boards = (unsigned)atoi(argv[3]);
                return run_agent(argv[2]);
        }
        if ((argc == 6 || argc == 7) && strcmp(argv[1], "viewers") == 0)
                return run_viewers((unsigned)atoi(argv[2]), argv[3], (unsigned)atoi(argv[4]),
                                   (unsigned)atoi(argv[5]), argc == 7);
        if (argc == 5 && strcmp(argv[1], "deaf") == 0)
                return run_deaf((unsigned)atoi(argv[2]), argv[3], (unsigned)atoi(argv[4]));
        fprintf(stderr, "usage: ui_peer agent SOCKET BOARDS | viewers PORT COOKIE N SECONDS [gzip] "
                        "| deaf PORT COOKIE N\n");
        return 2;
}

/* http - hello as a server of its own, behind fwatchdog in mode http: one process for all calls, so
 * it can count them.  One request to a connection. */
#include "functions.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PORT = 5000, HEAD_BYTES = 16384 };

/* The bytes behind the head, as many as Content-Length says and fit. */
static size_t read_body(int fd, char *body, size_t have, size_t want) {
        while (have < want) {
                ssize_t n = recv(fd, body + have, want - have, 0);

                if (n <= 0)
                        break;
                have += (size_t)n;
        }
        return have < want ? have : want;
}

static size_t length_of(const char *head) {
        const char *line = strcasestr(head, "\r\nContent-Length:");

        return line ? strtoul(line + 17, NULL, 10) : 0;
}

/* The body of the request; -1: it was none. */
static long read_request(int fd, char ret[static INPUT_BYTES + 1]) {
        static char head[HEAD_BYTES + 1];
        size_t have = 0, behind, want;
        char *end = NULL;

        while (!end && have < HEAD_BYTES) {
                ssize_t n = recv(fd, head + have, HEAD_BYTES - have, 0);

                if (n <= 0)
                        return -1;
                have += (size_t)n;
                head[have] = '\0';
                end = strstr(head, "\r\n\r\n");
        }
        if (!end)
                return -1;
        end[2] = '\0';
        want = length_of(head);
        want = want < INPUT_BYTES ? want : INPUT_BYTES;
        behind = have - (size_t)(end + 4 - head);
        behind = behind < want ? behind : want;
        memcpy(ret, end + 4, behind);
        want = read_body(fd, ret, behind, want);
        ret[want] = '\0';
        return (long)want;
}

static void answer(int fd, unsigned long calls) {
        char input[INPUT_BYTES + 1], body[INPUT_BYTES + 256], head[128];
        long n = read_request(fd, input);
        int len;

        if (n < 0)
                return;
        len = snprintf(body, sizeof(body),
                       "Hello from %s, mode http, call %lu of this process.\n%s%s%s", board_name(),
                       calls, n > 0 ? "You said: " : "", input, n > 0 ? "\n" : "");
        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Length: %d\r\nConnection: close\r\n\r\n",
                       len);
        if (send(fd, head, strlen(head), MSG_NOSIGNAL | MSG_MORE) > 0)
                (void)send(fd, body, (size_t)len, MSG_NOSIGNAL);
}

static void on_term(int number) {
        (void)number;
        _exit(0);
}

int hello_http_main(void) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(PORT),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct timeval limit = { 10, 0 };
        int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);

        (void)signal(SIGTERM, on_term);
        (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (s < 0 || bind(s, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(s, 64) < 0) {
                perror("hello-http");
                return 1;
        }
        for (unsigned long calls = 0;;) {
                int fd = accept(s, NULL, NULL);
                char c;

                if (fd < 0)
                        continue;
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
                if (recv(fd, &c, 1, MSG_PEEK) == 1) /* else somebody looks whether we are there */
                        answer(fd, ++calls);
                (void)close(fd);
        }
}

/* async_peer - a stand-in for a function and for whoever gets a callback, for the tests and the
 * bench of the asynchronous queue alone:
 *
 *         async_peer LOG      prints its port; each request that came whole is one line of LOG:
 *                             ID RETRY METHOD PATH BODY-BYTES, "-" where there is none
 *
 * The path says how it answers:
 *         /...                200 and "done"
 *         /fail/N/STATUS      STATUS until X-Retry is N or more, then 200
 *         /after/S            503 with Retry-After: S to the first attempt
 *         /until/FILE         waits until /FILE is there
 *         /big/N              N bytes
 *         /callback/FILE      appends the whole request to /FILE
 *         /refuse/FILE        the same, and 500
 *         /lose               closes the connection without an answer
 *
 * Plain blocking code, one process a connection: nothing shared with what is tested. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES = 65536 };

struct request {
        char *text; /* head and body */
        size_t len, head, body;
        char method[16], path[1024], id[160], retry[16];
};

static void header(const char *head, const char *name, char *ret, size_t size) {
        size_t len = strlen(name);

        snprintf(ret, size, "-");
        for (const char *at = head; (at = strstr(at, "\r\n")); at += 2) {
                if (strncasecmp(at + 2, name, len) != 0 || at[2 + len] != ':')
                        continue;
                at += 3 + len;
                at += strspn(at, " ");
                snprintf(ret, size, "%.*s", (int)strcspn(at, "\r"), at);
                return;
        }
}

/* 1: a whole request; 0: the connection is over. */
static int receive(int fd, struct request *q) {
        char *end = NULL, length[24];

        q->text = malloc(HEAD_BYTES);
        q->len = 0;
        while (!end) {
                ssize_t n = q->len < HEAD_BYTES - 1
                                    ? read(fd, q->text + q->len, HEAD_BYTES - 1 - q->len)
                                    : 0;

                if (n <= 0)
                        return 0;
                q->len += (size_t)n;
                q->text[q->len] = '\0';
                end = strstr(q->text, "\r\n\r\n");
        }
        q->head = (size_t)(end - q->text) + 4;
        end[2] = '\0';
        if (sscanf(q->text, "%15s %1023s", q->method, q->path) != 2)
                return 0;
        header(q->text, "X-Call-Id", q->id, sizeof(q->id));
        header(q->text, "X-Retry", q->retry, sizeof(q->retry));
        header(q->text, "Content-Length", length, sizeof(length));
        end[2] = '\r';
        q->body = strtoul(length[0] == '-' ? "0" : length, NULL, 10);
        q->text = realloc(q->text, q->head + q->body + HEAD_BYTES);
        while (q->len < q->head + q->body) {
                ssize_t n = read(fd, q->text + q->len, q->head + q->body - q->len);

                if (n <= 0)
                        return 0;
                q->len += (size_t)n;
        }
        return 1;
}

static void append(const char *path, const void *data, size_t len) {
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

        if (fd < 0 || write(fd, data, len) != (ssize_t)len)
                perror(path);
        close(fd);
}

static void note(const char *log, const struct request *q) {
        char line[1400];
        int n = snprintf(line, sizeof(line), "%s %s %s %s %zu\n", q->id, q->retry, q->method,
                         q->path, q->body);

        append(log, line, (size_t)n);
}

static void answer(int fd, int status, const char *headers, const char *body, size_t len) {
        char head[512];
        int n = snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\n%sContent-Length: %zu\r\n\r\n",
                         status, headers, len);

        if (write(fd, head, (size_t)n) != n || write(fd, body, len) != (ssize_t)len)
                exit(0);
}

static void serve_one(int fd, const struct request *q) {
        static const char type[] = "Content-Type: text/x-test\r\nX-Made-By: function\r\n";
        int first = strcmp(q->retry, "-") == 0, n = 0, status = 200;
        const char *rest = strchr(q->path + 1, '/');

        if (strncmp(q->path, "/fail/", 6) == 0) {
                sscanf(q->path, "/fail/%d/%d", &n, &status);
                if ((first ? 0 : atoi(q->retry)) >= n)
                        status = 200;
        } else if (strncmp(q->path, "/after/", 7) == 0 && first) {
                char line[40];

                snprintf(line, sizeof(line), "Retry-After: %d\r\n", atoi(q->path + 7));
                answer(fd, 503, line, "later", 5);
                return;
        } else if (strncmp(q->path, "/until/", 7) == 0) {
                while (access(rest, F_OK) < 0)
                        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
        } else if (strncmp(q->path, "/big/", 5) == 0) {
                size_t len = strtoul(q->path + 5, NULL, 10);
                char *body = calloc(1, len + 1);

                memset(body, 'b', len);
                answer(fd, 200, type, body, len);
                free(body);
                return;
        } else if (strncmp(q->path, "/callback/", 10) == 0 ||
                   strncmp(q->path, "/refuse/", 8) == 0) {
                append(rest, q->text, q->len);
                append(rest, "\n--\n", 4);
                status = q->path[1] == 'r' ? 500 : 200;
        } else if (strcmp(q->path, "/lose") == 0 && first) {
                exit(0);
        }
        answer(fd, status, type, status == 200 ? "done" : "failed", status == 200 ? 4 : 6);
}

int main(int argc, char **argv) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (argc != 2)
                return 2;
        signal(SIGCHLD, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
            listen(listener, 512) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0) {
                perror("async_peer");
                return 1;
        }
        printf("%d\n", ntohs(at.sin_port));
        fflush(stdout);
        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0 || fork() != 0) {
                        close(fd);
                        continue;
                }
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(listener);
                for (struct request q; receive(fd, &q); free(q.text)) {
                        note(argv[1], &q);
                        serve_one(fd, &q);
                }
                exit(0);
        }
}

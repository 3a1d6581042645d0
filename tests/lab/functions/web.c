/* web - a function for the lab that needs no watchdog: an HTTP server on port 8080, one
 * connection at a time.  / says the host name, the own address and the path, /_/health and
 * /_/ready say OK, /die ends the process, /env says its environment. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static void answer(int fd, const char *status, const char *body) {
        char head[256];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n",
                         status, strlen(body));

        if (n > 0 && send(fd, head, (size_t)n, MSG_NOSIGNAL) == n)
                (void)!send(fd, body, strlen(body), MSG_NOSIGNAL);
}

/* Reads up to the end of the head; fills the request's path. */
static int read_path(int fd, char *path, size_t size) {
        char head[8192];
        size_t have = 0;
        char *begin, *end;

        do {
                ssize_t n = recv(fd, head + have, sizeof(head) - 1 - have, 0);

                if (n <= 0)
                        return -1;
                have += (size_t)n;
                head[have] = '\0';
        } while (!strstr(head, "\r\n\r\n") && have < sizeof(head) - 1);
        begin = strchr(head, ' ');
        end = begin ? strpbrk(begin + 1, " \r\n") : NULL;
        if (!end || (size_t)(end - begin) > size)
                return -1;
        *end = '\0';
        memcpy(path, begin + 1, (size_t)(end - begin));
        return 0;
}

static void serve(int fd) {
        struct sockaddr_in self = { .sin_family = AF_INET };
        char path[1024], host[65] = "", address[INET_ADDRSTRLEN], body[8192];
        socklen_t len = sizeof(self);
        size_t n = 0;

        if (read_path(fd, path, sizeof(path)) < 0 || gethostname(host, sizeof(host) - 1) < 0 ||
            getsockname(fd, (struct sockaddr *)&self, &len) < 0 ||
            !inet_ntop(AF_INET, &self.sin_addr, address, sizeof(address)))
                return;
        if (strcmp(path, "/die") == 0)
                exit(3);
        if (strncmp(path, "/_/", 3) == 0) {
                answer(fd, "200 OK", "OK\n");
        } else if (strcmp(path, "/env") == 0) {
                body[0] = '\0';
                for (char **e = environ; *e && n + strlen(*e) + 2 < sizeof(body); e++)
                        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\n", *e);
                answer(fd, "200 OK", body);
        } else {
                snprintf(body, sizeof(body), "%s %s %s\n", host, address, path);
                answer(fd, "200 OK", body);
        }
}

static void finish(int signal) {
        (void)signal;
        _exit(0);
}

int main(void) {
        struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(8080) };
        struct timeval patience = { .tv_sec = 5 };
        int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        signal(SIGTERM, finish); /* PID 1 of a container has no default action */
        if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            bind(s, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(s, 64) < 0) {
                perror("web");
                return 1;
        }
        printf("web: listening on 8080\n");
        fflush(stdout);
        for (;;) {
                int fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);

                if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
                        return 1;
                if (fd < 0)
                        continue;
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
                serve(fd);
                shutdown(fd, SHUT_WR);
                close(fd);
        }
}

/* connection - one client: head, body into the child, the child's output back. */
#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum state { READING, RUNNING, WRITING };

struct connection {
        struct watchdog *dog;
        struct connection *next;
        enum state state;
        bool metrics; /* came in on the metrics port */
        bool keep_alive;
        struct watch client, in, out; /* in and out: -1 while there is no child */
        pid_t pid;                    /* 0: none, or ended already */
        int status;                   /* of the wait, once pid is 0 */
        bool timed_out, too_large;
        struct buf input; /* what came and was not used */
        size_t scanned;
        enum http_body body;
        uint64_t left; /* HTTP_BODY_LENGTH: bytes still to come */
        bool body_done;
        struct http_chunks chunks;
        struct buf to_child; /* body on its way */
        struct buf output;   /* of the child, then the answer as it is written */
        size_t written;
        char content_type[128];
        usec_t started, deadline;
};

static void on_client(struct watch *w, uint32_t events);
static void on_in(struct watch *w, uint32_t events);
static void on_out(struct watch *w, uint32_t events);
static void use_input(struct connection *c);

static void update_client(struct connection *c) {
        uint32_t events = 0;

        if (c->state == WRITING)
                events = EPOLLOUT;
        else if (c->state == READING || (!c->body_done && c->to_child.len < WATCHDOG_CHUNK))
                events = EPOLLIN;
        else
                events = EPOLLRDHUP;
        watch_set(c->dog, &c->client, events);
}

static void child_pipes_close(struct connection *c) {
        watch_close(c->dog, &c->in);
        watch_close(c->dog, &c->out);
}

static void finish(struct connection *c) {
        struct watchdog *d = c->dog;

        if (c->state == RUNNING)
                d->inflight--;
        if (c->pid > 0)
                (void)kill(-c->pid, SIGKILL); /* reaped by the SIGCHLD that follows */
        child_pipes_close(c);
        watch_close(d, &c->client);
        for (struct connection **p = &d->first; *p; p = &(*p)->next) {
                if (*p != c)
                        continue;
                *p = c->next;
                break;
        }
        d->connections--;
        buf_done(&c->input);
        buf_done(&c->to_child);
        buf_done(&c->output);
        free(c);
}

/* Puts a head before the bytes of 'output' and begins to write. */
static void answer(struct connection *c, unsigned status, const char *reason, const char *type) {
        double seconds = (double)(watchdog_now() - c->started) / (double)USEC_PER_SEC;
        struct buf head = { 0 };

        if (!c->body_done || c->dog->draining)
                c->keep_alive = false; /* the rest of the body is not wanted */
        if (buf_printf(&head,
                       "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                       "X-Duration-Seconds: %f\r\n%s\r\n",
                       status, reason, type, c->output.len, seconds,
                       c->keep_alive ? "" : "Connection: close\r\n") < 0 ||
            buf_add(&head, c->output.data, c->output.len) < 0) {
                buf_done(&head);
                finish(c);
                return;
        }
        buf_done(&c->output);
        c->output = head;
        c->written = 0;
        if (c->state == RUNNING) {
                c->dog->inflight--;
                metrics_count(&c->dog->metrics, status, seconds);
        }
        c->state = WRITING;
        c->deadline = usec_add(watchdog_now(), c->dog->options.write_timeout_usec);
        child_pipes_close(c);
        on_client(&c->client, EPOLLOUT);
}

static void answer_text(struct connection *c, unsigned status, const char *reason,
                        const char *text) {
        buf_done(&c->output);
        (void)buf_add_text(&c->output, text);
        answer(c, status, reason, "text/plain; charset=utf-8");
}

/* The child has ended and its output is complete. */
static void child_done(struct connection *c) {
        double seconds = (double)(watchdog_now() - c->started) / (double)USEC_PER_SEC;
        char text[64];

        if (c->timed_out) {
                answer_text(c, 408, "Request Timeout", "the function took too long\n");
                return;
        }
        if (c->too_large) {
                answer_text(c, 500, "Internal Server Error",
                            "the function answered more than 64 MB\n");
                return;
        }
        if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0) {
                watchdog_log("Wrote %zu Bytes - Duration: %fs", c->output.len, seconds);
                answer(c, 200, "OK", c->content_type);
                return;
        }
        if (WIFEXITED(c->status))
                (void)snprintf(text, sizeof(text), "exit status %d\n", WEXITSTATUS(c->status));
        else
                (void)snprintf(text, sizeof(text), "signal: %d\n", WTERMSIG(c->status));
        watchdog_log("fprocess failed: %.*s", (int)strlen(text) - 1, text);
        (void)buf_add_text(&c->to_child, ""); /* to_child is empty or not wanted any more */
        buf_done(&c->to_child);
        (void)buf_add_text(&c->to_child, text);
        (void)buf_add(&c->to_child, c->output.data, c->output.len);
        buf_done(&c->output);
        c->output = c->to_child;
        c->to_child = (struct buf){ 0 };
        answer(c, 500, "Internal Server Error", "text/plain; charset=utf-8");
}

static void maybe_done(struct connection *c) {
        if (c->state == RUNNING && c->pid == 0 && c->out.fd < 0)
                child_done(c);
}

static void close_in_if_done(struct connection *c) {
        if (c->body_done && c->to_child.len == 0)
                watch_close(c->dog, &c->in);
}

static void feed_child(struct connection *c) {
        while (c->in.fd >= 0 && c->to_child.len > 0) {
                ssize_t n = write(c->in.fd, c->to_child.data, c->to_child.len);

                if (n < 0 && errno == EAGAIN) {
                        watch_set(c->dog, &c->in, EPOLLOUT);
                        return;
                }
                if (n < 0) { /* it does not want to read: that is its right */
                        watch_close(c->dog, &c->in);
                        buf_done(&c->to_child);
                        return;
                }
                buf_consume(&c->to_child, (size_t)n);
        }
        if (c->in.fd < 0)
                buf_done(&c->to_child);
        watch_set(c->dog, &c->in, 0);
        close_in_if_done(c);
}

static void on_in(struct watch *w, uint32_t events) {
        struct connection *c = container_of(w, struct connection, in);

        (void)events;
        feed_child(c);
        use_input(c);
}

static void on_out(struct watch *w, uint32_t events) {
        struct connection *c = container_of(w, struct connection, out);

        (void)events;
        for (;;) {
                ssize_t n;

                if (buf_reserve(&c->output, WATCHDOG_CHUNK) < 0) {
                        c->too_large = true;
                        (void)kill(-c->pid, SIGKILL);
                        watch_close(c->dog, &c->out);
                        break;
                }
                n = read(c->out.fd, c->output.data + c->output.len, WATCHDOG_CHUNK);
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n <= 0) {
                        watch_close(c->dog, &c->out);
                        break;
                }
                c->output.len += (size_t)n;
                c->output.data[c->output.len] = '\0';
        }
        maybe_done(c);
}

static void run(struct connection *c, const struct http_head *head) {
        const struct http_text *type = http_header(head, "Content-Type");
        struct options *o = &c->dog->options;
        struct child child;
        int r;

        if (o->content_type)
                (void)snprintf(c->content_type, sizeof(c->content_type), "%s", o->content_type);
        else if (!type ||
                 str_copy_n(c->content_type, sizeof(c->content_type), type->at, type->len) < 0)
                (void)snprintf(c->content_type, sizeof(c->content_type), "text/plain");
        watchdog_log("Forking fprocess.");
        c->state = RUNNING;
        c->dog->inflight++;
        c->output.limit = WATCHDOG_OUTPUT;
        r = process_start(o, head, head->length, &child);
        if (r < 0) {
                char text[160];

                (void)snprintf(text, sizeof(text), "cannot start '%.80s': %s\n", o->args[0],
                               strerror(-r));
                answer_text(c, 500, "Internal Server Error", text);
                return;
        }
        c->pid = child.pid;
        c->timed_out = c->too_large = false;
        c->in.fd = child.in;
        c->out.fd = child.out;
        watch_set(c->dog, &c->out, EPOLLIN);
        c->deadline =
                o->exec_timeout_usec ? usec_add(watchdog_now(), o->exec_timeout_usec) : USEC_NEVER;
        if (head->expect_continue)
                (void)send(c->client.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
        use_input(c);
}

static void begin(struct connection *c, const struct http_head *head) {
        const struct options *o = &c->dog->options;

        c->started = watchdog_now();
        c->keep_alive = head->keep_alive;
        c->body = head->body;
        c->left = head->length;
        c->chunks = (struct http_chunks){ 0 };
        c->body_done = head->body == HTTP_BODY_NONE ||
                       (head->body == HTTP_BODY_LENGTH && head->length == 0);
        if (c->metrics) {
                bool found = http_text_is(&head->path, "/metrics");

                if (found)
                        (void)metrics_print(c->dog, &c->output);
                answer(c, found ? 200 : 404, found ? "OK" : "Not Found",
                       "text/plain; version=0.0.4");
        } else if (http_text_is(&head->path, "/_/health") ||
                   http_text_is(&head->path, "/_/ready")) {
                if (c->dog->draining)
                        answer_text(c, 503, "Service Unavailable", "this function is ending\n");
                else
                        answer_text(c, 200, "OK", "OK\n");
        } else if (c->dog->draining) {
                answer_text(c, 503, "Service Unavailable", "this function is ending\n");
        } else if (o->max_inflight && c->dog->inflight >= o->max_inflight) {
                answer_text(c, 429, "Too Many Requests", "this function is busy\n");
        } else {
                run(c, head);
        }
}

/* Takes body bytes out of 'input' as long as the child keeps up. */
static void use_body(struct connection *c) {
        while (!c->body_done && c->input.len > 0 && c->to_child.len < WATCHDOG_CHUNK) {
                struct http_text data = { c->input.data, c->input.len };
                size_t used = c->input.len;
                int r = HTTP_CHUNK_DATA;

                if (c->body == HTTP_BODY_LENGTH) {
                        if (used > c->left)
                                data.len = used = (size_t)c->left;
                        c->left -= used;
                        c->body_done = c->left == 0;
                } else {
                        r = http_chunks_step(&c->chunks, c->input.data, c->input.len, &used, &data);
                        if (r < 0) {
                                finish(c);
                                return;
                        }
                        c->body_done = r == HTTP_CHUNK_END;
                }
                if (r == HTTP_CHUNK_DATA && c->in.fd >= 0)
                        (void)buf_add(&c->to_child, data.at, data.len);
                buf_consume(&c->input, used);
                feed_child(c);
        }
        close_in_if_done(c);
        update_client(c);
}

static void use_input(struct connection *c) {
        struct http_head head;
        struct buf all;
        long used;

        if (c->state == RUNNING) {
                use_body(c);
                return;
        }
        if (c->state != READING)
                return;
        used = http_parse_request(c->input.data ? c->input.data : "", c->input.len, &c->scanned,
                                  &head);
        if (used == 0) {
                update_client(c);
                return;
        }
        c->scanned = 0;
        if (used < 0) {
                c->keep_alive = false;
                c->body_done = true;
                answer_text(c, used == -E2BIG ? 431 : 400,
                            used == -E2BIG ? "Request Header Fields Too Large" : "Bad Request",
                            "this is no HTTP request\n");
                return;
        }
        /* begin() may answer at once and read the next request, or free the connection: the head
         * leaves 'input' before, and nothing touches 'c' behind it. */
        all = c->input;
        c->input = (struct buf){ 0 };
        if (buf_add(&c->input, all.data + used, all.len - (size_t)used) < 0)
                finish(c);
        else
                begin(c, &head);
        buf_done(&all);
}

static void written(struct connection *c) {
        if (!c->keep_alive) {
                finish(c);
                return;
        }
        buf_done(&c->output);
        c->state = READING;
        c->deadline = USEC_NEVER;
        use_input(c);
}

static void write_some(struct connection *c) {
        while (c->written < c->output.len) {
                ssize_t n = send(c->client.fd, c->output.data + c->written,
                                 c->output.len - c->written, MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN) {
                        update_client(c);
                        return;
                }
                if (n < 0) {
                        finish(c);
                        return;
                }
                c->written += (size_t)n;
        }
        written(c);
}

static void read_some(struct connection *c) {
        ssize_t n;

        if (buf_reserve(&c->input, WATCHDOG_CHUNK) < 0) {
                finish(c);
                return;
        }
        n = recv(c->client.fd, c->input.data + c->input.len, WATCHDOG_CHUNK, 0);
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0) { /* the client is gone: so is whoever would read the answer */
                finish(c);
                return;
        }
        if (c->state == READING && c->deadline == USEC_NEVER)
                c->deadline = usec_add(watchdog_now(), c->dog->options.read_timeout_usec);
        c->input.len += (size_t)n;
        use_input(c);
}

static void on_client(struct watch *w, uint32_t events) {
        struct connection *c = container_of(w, struct connection, client);

        if (c->state == WRITING)
                write_some(c);
        else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_some(c);
        else if (events & EPOLLRDHUP)
                finish(c);
}

void connection_accept(struct watchdog *d, struct watch *listener, bool metrics) {
        while (d->connections < WATCHDOG_CONNECTIONS) {
                int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                struct connection *c;

                if (fd < 0)
                        return;
                c = calloc(1, sizeof(*c));
                if (!c) {
                        (void)close(fd);
                        return;
                }
                c->dog = d;
                c->metrics = metrics;
                c->client = (struct watch){ .fd = fd, .ready = on_client };
                c->in = (struct watch){ .fd = -1, .ready = on_in };
                c->out = (struct watch){ .fd = -1, .ready = on_out };
                c->deadline = usec_add(watchdog_now(), d->options.read_timeout_usec);
                c->next = d->first;
                d->first = c;
                d->connections++;
                read_some(c); /* mostly the request is there already */
        }
}

void connection_child(struct watchdog *d, pid_t pid, int status) {
        for (struct connection *c = d->first; c; c = c->next) {
                if (c->pid != pid)
                        continue;
                c->pid = 0;
                c->status = status;
                maybe_done(c);
                return;
        }
}

static void too_slow(struct connection *c) {
        if (c->state != RUNNING) {
                finish(c);
                return;
        }
        c->timed_out = true;
        c->deadline = USEC_NEVER;
        if (c->pid > 0)
                (void)kill(-c->pid, SIGKILL);
        watch_close(c->dog, &c->out); /* a grandchild may hold it open for ever */
        maybe_done(c);
}

usec_t connection_deadlines(struct watchdog *d, usec_t now) {
        usec_t next = USEC_NEVER;

        for (struct connection *c = d->first, *after; c; c = after) {
                after = c->next;
                if (now >= c->deadline)
                        too_slow(c);
                else if (c->deadline < next)
                        next = c->deadline;
        }
        return next;
}

void connection_drain(struct watchdog *d) {
        for (struct connection *c = d->first, *after; c; c = after) {
                after = c->next;
                if (c->state == READING && c->input.len == 0)
                        finish(c);
        }
}

/* client - one request to an agent, over its unix socket or (--host) over mutual TLS. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/dial.h"
#include "cli/hint.h"
#include "io/json.h"
#include "io/link.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { AGENT_PORT = 7373, DIAL_TIMEOUT_MS = 5000, CHUNK = 64 * 1024, STREAM = 1 };

struct exchange {
        const struct cli *cli;
        uv_loop_t loop;
        struct link *link;
        char *request;
        bool (*event)(void *arg, const cJSON *event);
        void (*progress)(void *arg, size_t sent);
        void *arg;
        int fd;                                              /* -1: nothing goes up */
        ssize_t (*read)(void *arg, char *data, size_t size); /* in place of 'fd' */
        size_t sent;
        cJSON *reply;
        bool done;
        int error; /* of the link */
        char why[256];
};

/* Fills the link up to its high mark; the rest follows when it has drained. */
static void pump(struct exchange *x) {
        char chunk[CHUNK];

        while (x->fd >= 0 && link_queued(x->link) < LINK_QUEUE_HIGH) {
                ssize_t n = x->read ? x->read(x->arg, chunk, sizeof(chunk))
                                    : read(x->fd, chunk, sizeof(chunk));

                if (n < 0) {
                        errno = x->read ? (int)-n : errno;
                        (void)snprintf(x->why, sizeof(x->why), "cannot read the file: %s",
                                       strerror(errno));
                        link_close(x->link);
                        return;
                }
                if (n == 0) {
                        x->fd = -1;
                        (void)link_send(x->link, FRAME_END, STREAM, NULL, 0);
                        return;
                }
                if (link_send(x->link, FRAME_DATA, STREAM, chunk, (size_t)n) < 0)
                        return;
                x->sent += (size_t)n;
                if (x->progress)
                        x->progress(x->arg, x->sent);
        }
}

static void on_open(struct link *l, void *arg) {
        struct exchange *x = arg;

        if (link_send(l, FRAME_REQUEST, STREAM, x->request, strlen(x->request)) < 0)
                link_close(l);
        else
                pump(x);
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        struct exchange *x = arg;
        auto_json cJSON *o = NULL;

        if (f->type != FRAME_EVENT && f->type != FRAME_REPLY)
                return;
        if (json_parse_object((const char *)f->body, f->len, &o, NULL) < 0) {
                (void)snprintf(x->why, sizeof(x->why), "its answer makes no sense");
                link_close(l);
                return;
        }
        if (f->type == FRAME_EVENT) {
                if (x->event && !x->event(x->arg, o)) {
                        x->done = true;
                        link_close(l);
                }
                return;
        }
        x->reply = take_ptr(o);
        x->done = true;
        link_close(l);
}

static void on_drained(struct link *l, void *arg) {
        (void)l;
        pump(arg);
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct exchange *x = arg;

        (void)l;
        x->error = error;
        if (!x->done && !x->why[0])
                (void)snprintf(x->why, sizeof(x->why), "%s", why);
}

static const struct link_ops exchange_ops = {
        .open = on_open, .frame = on_frame, .drained = on_drained, .closed = on_closed
};

/* Names like m1.local need libnss-mdns, as in any other program. */
int cli_resolve(const char *host, char *dst, size_t size, struct fail *f) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
        int r = getaddrinfo(host, NULL, &hints, &list);

        if (r != 0)
                return fail(f, -ENOENT, "cannot find %.100s: %s (is it on? its address works too)",
                            cli_safe(host), gai_strerror(r));
        r = getnameinfo(list->ai_addr, list->ai_addrlen, dst, (socklen_t)size, NULL, 0,
                        NI_NUMERICHOST);
        freeaddrinfo(list);
        return r == 0 ? 0 : fail(f, -ENOENT, "cannot find %.100s", cli_safe(host));
}

static int dial_host(const struct cli *c, uv_loop_t *loop, const struct link_ops *ops, void *arg,
                     struct link **ret, struct fail *f) {
        char address[CLI_ADDRESS], ca[512], cert[512], key[512];
        struct fail why = { 0 };
        struct pki pki;
        int r;

        (void)snprintf(ca, sizeof(ca), "%s/ca.crt", c->pki);
        (void)snprintf(cert, sizeof(cert), "%s/admin.crt", c->pki);
        (void)snprintf(key, sizeof(key), "%s/admin.key", c->pki);
        r = pki_load(ca, cert, key, &pki, &why);
        if (r < 0)
                return fail(f, r, "--host needs an admin certificate (--pki FOLDER): %.150s",
                            fail_text(&why));
        r = cli_resolve(c->host, address, sizeof(address), f);
        if (r == 0)
                r = link_dial_tls(loop, &pki, address, AGENT_PORT, 0, DIAL_TIMEOUT_MS, ops, arg,
                                  ret);
        pki_done(&pki);
        return r < 0 ? fail(f, r, "cannot connect to %s: %s", address, strerror(-r)) : 0;
}

int cli_dial(const struct cli *c, uv_loop_t *loop, const struct link_ops *ops, void *arg,
             struct link **ret, struct fail *f) {
        int r;

        if (c->host)
                return dial_host(c, loop, ops, arg, ret, f);
        r = link_dial_unix(loop, c->socket, ops, arg, ret);
        return r < 0 ? fail(f, r, "cannot connect to %.150s: %s", c->socket, strerror(-r)) : 0;
}

static int verdict(struct exchange *x, cJSON **ret) {
        const char *error = x->reply ? json_text(x->reply, "error", NULL) : NULL;

        if (error) {
                const char *hint;
                uint64_t code = 0;

                (void)json_number(x->reply, "code", 999, &code);
                hint = hint_of_answer((int)code, error);
                return cli_fail(x->cli, "%s%s%s", cli_safe(error), hint ? "\n" : "",
                                str_or(hint, ""));
        }
        if (!x->reply && x->why[0] && !x->cli->host)
                return cli_fail(x->cli, "the agent on this board does not answer (%s)\n%s", x->why,
                                hint_of_socket(x->error));
        if (!x->reply && x->why[0])
                return cli_fail(x->cli, "%s: %s\n%s", cli_safe(x->cli->host), x->why,
                                hint_of_host(x->error));
        if (ret)
                *ret = take_ptr(x->reply);
        return CLI_DONE;
}

static int exchange(struct exchange *x, cJSON *request, cJSON **ret) {
        struct fail f = { 0 };
        int r = CLI_FAILED;

        x->request = cJSON_PrintUnformatted(request);
        cJSON_Delete(request);
        if (ret)
                *ret = NULL;
        if (x->request && uv_loop_init(&x->loop) == 0) {
                if (cli_dial(x->cli, &x->loop, &exchange_ops, x, &x->link, &f) < 0) {
                        r = cli_fail(x->cli, "%s", fail_text(&f));
                } else {
                        (void)uv_run(&x->loop, UV_RUN_DEFAULT); /* until every handle is closed */
                        r = verdict(x, ret);
                }
                (void)uv_run(&x->loop, UV_RUN_DEFAULT);
                (void)uv_loop_close(&x->loop);
        }
        cJSON_Delete(x->reply);
        free(x->request);
        return r;
}

int cli_ask(const struct cli *c, cJSON *request, bool (*event)(void *arg, const cJSON *event),
            void *arg, cJSON **ret) {
        struct exchange x = { .cli = c, .event = event, .arg = arg, .fd = -1 };

        return exchange(&x, request, ret);
}

int cli_upload(const struct cli *c, cJSON *request, int fd,
               void (*progress)(void *arg, size_t sent), void *arg, cJSON **ret) {
        struct exchange x = { .cli = c, .progress = progress, .arg = arg, .fd = fd };

        return exchange(&x, request, ret);
}

int cli_upload_from(const struct cli *c, cJSON *request,
                    ssize_t (*read)(void *arg, char *data, size_t size),
                    void (*progress)(void *arg, size_t sent), void *arg, cJSON **ret) {
        struct exchange x = { .cli = c, .progress = progress, .arg = arg, .fd = 0, .read = read };

        return exchange(&x, request, ret);
}

cJSON *cli_request(const char *verb) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", verb);
        return o;
}

#include "gateway/server.h"

#include "base/str.h"
#include "gateway/client_private.h"
#include "gateway/gateway.h"
#include "io/kept.h"
#include "io/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

/* A client that vanished while it waits for a stream is noticed after that and 9 probes. */
enum { SERVER_PROBE_AFTER_S = 60 };

/* The connection that has rested longest makes room for a new one.  Another server's would make
 * none here. */
static bool close_oldest_idle(struct server *s) {
        struct client *c, *next;

        list_each(c, next, &s->g->deadlines.lists[DEADLINE_CLIENT_IDLE], deadline.link) {
                if (c->server != s)
                        continue;
                client_close(c);
                return true;
        }
        return false;
}

static void accept_one(struct server_listener *l) {
        struct client *c = client_accept(l->server, (uv_stream_t *)&l->tcp, l->tls);

        if (c)
                return;
        l->waiting = true; /* it is still there, for when a connection ends */
        if (log_once("accept"))
                log_warning("cannot accept a connection, clients will have to try again: out of "
                            "memory or descriptors");
}

static void on_connection(uv_stream_t *listener, int status) {
        struct server_listener *l = container_of(listener, struct server_listener, tcp);
        struct server *s = l->server;

        if (status < 0) {
                if (log_once("accept"))
                        log_warning("cannot accept a connection, clients will have to try again: "
                                    "%s",
                                    uv_strerror(status));
                return;
        }
        if (s->n_clients >= s->most_clients) {
                /* not accepting it keeps it, and those after it, in the kernel's queue */
                l->waiting = true;
                if (!close_oldest_idle(s) && log_once("clients"))
                        log_warning("%u connections at a time are the limit, the next ones wait "
                                    "(--connections)",
                                    s->most_clients);
                return;
        }
        accept_one(l);
}

static void accept_waiting(struct server_listener *l) {
        struct server *s = l->server;

        if (!l->waiting || s->stopping || s->n_clients >= s->most_clients)
                return;
        l->waiting = false;
        accept_one(l);
}

void server_client_gone(struct server *s) {
        s->n_clients--;
        /* in turn, so that neither is starved by the other */
        s->secure_first = !s->secure_first;
        accept_waiting(s->secure_first ? &s->secure : &s->plain);
        accept_waiting(s->secure_first ? &s->plain : &s->secure);
        if (s->stopping && s->n_clients == 0 && s->stopped)
                s->stopped(s);
}

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret) {
        if (uv_ip4_addr(text, port, (struct sockaddr_in *)ret) == 0)
                return 0;
        return uv_ip6_addr(text, port, (struct sockaddr_in6 *)ret) == 0 ? 0 : -EINVAL;
}

/* Where it fails, the handle has to be closed on the loop all the same: 'l->open' says so. */
static int listen_on(struct server_listener *l, const char *address, uint16_t port,
                     struct fail *f) {
        const char *name = l == &l->server->secure ? "https" : "http";
        struct sockaddr_storage to;
        int kept, r;

        if (parse_address(address, port, &to) < 0)
                return fail(f, -EINVAL, "'%.50s' is no IP address to listen on", address);
        r = uv_tcp_init(l->server->g->loop, &l->tcp);
        if (r < 0)
                return fail(f, r, "cannot open a socket: %s", uv_strerror(r));
        l->open = true;
        /* nobody waits at a port that the kernel chooses; asking would give up the one at ours */
        kept = port ? kept_take(name, &to) : -ENOENT;
        r = kept >= 0 ? uv_tcp_open(&l->tcp, kept)
                      : uv_tcp_bind(&l->tcp, (struct sockaddr *)&to, 0);
        if (r == 0)
                r = uv_listen((uv_stream_t *)&l->tcp, GATEWAY_BACKLOG, on_connection);
        if (r < 0)
                return fail(f, r, "cannot listen on %s port %u: %s", address, port, uv_strerror(r));
        if (kept < 0 && port && uv_fileno((uv_handle_t *)&l->tcp, &kept) == 0)
                kept_give(name, kept);
        /* accepted sockets inherit these from the listener */
        (void)uv_tcp_nodelay(&l->tcp, 1);
        (void)uv_tcp_keepalive(&l->tcp, 1, SERVER_PROBE_AFTER_S);
        return 0;
}

int server_open(struct gateway *g, const char *address, uint16_t port, unsigned most_clients,
                server_handler handle, struct server **ret, struct fail *f) {
        struct server *s = calloc(1, sizeof(*s));

        if (!s)
                return fail(f, -ENOMEM, "out of memory");
        *s = (struct server){ .g = g, .handle = handle, .most_clients = most_clients };
        s->plain.server = s->secure.server = s;
        list_init(&s->clients);
        *ret = s;
        return listen_on(&s->plain, address, port, f);
}

int server_open_tls(struct server *s, const char *address, uint16_t port, struct tls_server *tls,
                    struct fail *f) {
        s->secure.tls = tls;
        return listen_on(&s->secure, address, port, f);
}

uint16_t server_port(const struct server_listener *l) {
        struct sockaddr_storage at;
        int len = sizeof(at);

        if (uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&at, &len) < 0)
                return 0;
        /* the port lies at the same place in both families */
        return ntohs(((const struct sockaddr_in *)&at)->sin_port);
}

static void close_listener(struct server_listener *l) {
        if (l->open)
                uv_close((uv_handle_t *)&l->tcp, NULL);
        l->open = false;
}

void server_stop(struct server *s, void (*stopped)(struct server *s)) {
        struct client *c, *next;

        s->stopping = true;
        s->stopped = stopped;
        close_listener(&s->plain);
        close_listener(&s->secure);
        list_each(c, next, &s->clients, link) client_retire(c);
        if (s->n_clients == 0 && stopped)
                stopped(s);
}

void server_abort(struct server *s) {
        struct client *c, *next;

        list_each(c, next, &s->clients, link) client_close(c);
}

void server_free(struct server *s) {
        free(s);
}

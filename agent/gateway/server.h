/* server - the listener and the connections that it accepted, up to a limit. */
#ifndef BRAMBLE_GATEWAY_SERVER_H
#define BRAMBLE_GATEWAY_SERVER_H

#include "base/fail.h"
#include "base/list.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct client;
struct gateway;
struct tls_server;

/* Answers one request: client_attach() or a reply; 'head' is gone after the call. */
typedef void (*server_handler)(struct client *c, const struct http_head *head);

struct server_listener {
        uv_tcp_t tcp;
        struct server *server;
        struct tls_server *tls; /* NULL: plain HTTP */
        bool open;
        bool waiting; /* a connection is there that may not be accepted yet */
};

struct server {
        struct gateway *g;
        server_handler handle;
        struct server_listener plain, secure;
        struct list clients;
        unsigned n_clients, most_clients;
        bool stopping, secure_first;
        void (*stopped)(struct server *s); /* the last connection has ended after server_stop() */
};

/* Listens; 'address' is a plain IP.  Port 0 lets the kernel choose. */
int server_open(struct gateway *g, const char *address, uint16_t port, unsigned most_clients,
                server_handler handle, struct server **ret, struct fail *f);
/* Listens for TLS as well; 'tls' is borrowed. */
int server_open_tls(struct server *s, const char *address, uint16_t port, struct tls_server *tls,
                    struct fail *f);
/* The port in use. */
uint16_t server_port(const struct server_listener *l);

/* Accepts no more; idle connections end now, others after their response.  'stopped' comes once
 * all are gone, at once where there are none. */
void server_stop(struct server *s, void (*stopped)(struct server *s));
/* Ends what is left. */
void server_abort(struct server *s);
/* Only with the loop done. */
void server_free(struct server *s);

/* For client.c: one has gone. */
void server_client_gone(struct server *s);

#endif

/* client - one connection from a client: its requests one after the other, their bodies handed to
 * whoever answers, the responses in order. */
#ifndef BRAMBLE_GATEWAY_CLIENT_H
#define BRAMBLE_GATEWAY_CLIENT_H

#include "core/http_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct client;
struct gateway;
struct server;
struct tls_server;

/* Who answers a request.  Any of these may finish or abort; nothing is called after that.  All but
 * 'closed' may be NULL: nothing is to be done then (bytes of the body are dropped). */
struct exchange_ops {
        /* Bytes of the request's body; after client_tunnel(): whatever comes. */
        void (*body)(void *arg, const char *data, size_t len);
        /* The body is whole (at once where there is none); of a tunnel: no more will come. */
        void (*end)(void *arg);
        /* What came at once has been handed out: the time to send what was collected. */
        void (*flush)(void *arg);
        /* What client_write() had queued is gone. */
        void (*drained)(void *arg);
        /* The client went away or was too slow: give up.  Nothing more is called. */
        void (*closed)(void *arg);
};

/* Takes an accepted connection, with TLS where 'tls' is not NULL; owned by the server. */
struct client *client_accept(struct server *server, uv_stream_t *listener, struct tls_server *tls);
/* Ends the connection, whatever it is at; the exchange learns it. */
void client_close(struct client *c);
/* The server stops: ends an idle connection; another ends after its response, and one that is new
 * soon, if no request comes. */
void client_retire(struct client *c);

/* The server's handler must call this for each request, or client_respond(). 'raw': a chunked body
 * comes with its framing, checked. */
void client_attach(struct client *c, const struct exchange_ops *ops, void *arg, bool raw);

struct gateway *client_gateway(const struct client *c);
/* The peer's plain IP address. */
const char *client_address(struct client *c);
/* HTTP/1.0: no chunks, no interim responses. */
bool client_is_old(const struct client *c);
bool client_is_head(const struct client *c);
bool client_is_tls(const struct client *c);
/* How much the kernel may hold of what the client has not read. */
void client_send_room(struct client *c, unsigned bytes);
/* The answer has no end of its own.  What the client sends before that is not read without a limit,
 * and who is not read cannot be seen to go: beyond it the connection ends. */
void client_endless(struct client *c);

/* Has the whole body of the request come? */
bool client_body_is_over(const struct client *c);

/* Holds the body back, and lets it go on. */
void client_hold(struct client *c, bool hold);
/* Sends the 100 that the client waits for, if it does. */
void client_continue(struct client *c);

/* The Connection line for a response's head ("" or with its CRLF).  'until_close': the end of the
 * connection is the end of the body.  Decides whether the connection is kept. */
const char *client_connection_line(struct client *c, bool until_close);
/* Sends bytes of the response.  0: all gone; 1: some queued, wait for 'drained' with the next;
 * negative: the client is gone: call client_abort(). */
int client_write(struct client *c, const uv_buf_t *bufs, unsigned n);
/* From here on both ways are plain bytes. */
void client_tunnel(struct client *c);
/* A tunnel's other side sends no more. */
void client_shutdown(struct client *c);

/* The response is whole; the exchange is over. */
void client_finish(struct client *c);
/* It never will be: the connection ends with an error.  The exchange is over. */
void client_abort(struct client *c);

#endif

/* client_private - the struct behind client.h, for client.c and server.c. */
#ifndef BRAMBLE_GATEWAY_CLIENT_PRIVATE_H
#define BRAMBLE_GATEWAY_CLIENT_PRIVATE_H

#include "base/buf.h"
#include "core/limits.h"
#include "gateway/client.h"
#include "gateway/deadline.h"
#include "gateway/server.h"
#include "gateway/sock.h"

enum client_state {
        CLIENT_HEAD,   /* between requests, or in a head */
        CLIENT_BODY,   /* of the current request; thrown away where there is no exchange */
        CLIENT_WAIT,   /* the request is whole, its response is not */
        CLIENT_TUNNEL, /* bytes both ways */
        CLIENT_LINGER, /* all was said: until the peer has closed too */
        CLIENT_CLOSED,
};

struct client {
        struct sock sock;
        struct server *server;
        struct list link; /* among the server's */
        enum client_state state;
        struct deadline deadline;       /* head, idle, body or linger */
        struct deadline write_deadline; /* it does not take what we have */
        bool consuming;                 /* consume() is at work: it goes on with what follows */
        bool retire;                    /* close after the current response */
        bool used;                      /* a request came */
        /* the current request */
        bool raw, old, is_head, keep_alive, expects, held;
        bool answered; /* the response's head is on its way */
        bool keep;     /* and says that the connection goes on */
        bool endless;  /* it ends only with the connection */
        bool head_begun;
        enum http_body body;
        uint64_t left;   /* HTTP_BODY_LENGTH */
        uint64_t thrown; /* bytes that nobody wanted */
        struct http_chunks chunks;
        const struct exchange_ops *ops;
        void *arg;
        struct buf in; /* a head that is not complete, or what came before its turn */
        size_t scanned;
        char address[SIZE_ADDRESS];
};

#endif

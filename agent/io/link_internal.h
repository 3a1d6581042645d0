/* link_internal - what the three files of link share: link.c (frames, queues, the end),
 * link_dial.c (addresses, connecting) and link_listen.c (accepting). */
#ifndef BRAMBLE_IO_LINK_INTERNAL_H
#define BRAMBLE_IO_LINK_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "io/link.h"

#include <sys/socket.h>

enum {
        LINK_HANDSHAKES = 16,          /* unfinished ones of a server */
        LINK_HANDSHAKE_MS = 5000,      /* for each of them */
        LINK_HANDSHAKE_BUSY_MS = 1000, /* while others wait for its place */
        LINK_CLOSE_MS = 5000,          /* for sending the rest */
        LINK_LINGER_MS = 1000,         /* for the peer's end after ours */
        LINK_BACKLOG = 128,
        /* Unacknowledged for so long, the peer is taken for dead (its power was cut).  The kernel
         * counts a closed window too - the peer reads slower than we write, an SD card may stall
         * for seconds - so one that answers but takes nothing gets more. */
        LINK_DEAD_MS = 5000,
        LINK_STALLED_MS = 30000,
        LINK_STALL_CHECK_MS = 2000,
        /* The kernel asks a silent peer; LINK_DEAD_MS without an answer ends the link. */
        LINK_KEEP_IDLE_SEC = 5,
        LINK_KEEP_INTERVAL_SEC = 2,
};

enum link_state {
        LINK_CONNECTING, /* TCP */
        LINK_HANDSHAKE,  /* TLS */
        LINK_OPEN,
        LINK_CLOSING, /* sending the rest, then waiting for the peer's end */
        LINK_DEAD,    /* handles close, then 'closed' */
};

struct link {
        uv_poll_t poll;
        uv_timer_t timer; /* dial, handshake, a stalled peer, close */
        uv_idle_t kick;   /* work for the next turn of the loop: sending, reading on */
        unsigned handles; /* of these that are not yet closed */
        int fd;
        SSL *ssl; /* NULL: plain */
        enum link_state state;
        enum link_kind kind;
        const struct link_ops *ops; /* NULL: nobody listens */
        void *arg;
        struct link_server *server; /* an accepted one's, while that lives */
        struct list item;           /* in the server's list */
        uint64_t started_ms;        /* accepted at */
        uint64_t timeout_ms;        /* of the dial, for its sentence */
        uint64_t node, expect_node;
        uid_t uid;
        struct buf in;  /* read, not yet delivered */
        struct buf out; /* framed, from 'sent' on not yet taken by the kernel */
        size_t sent;
        int events; /* polled for */
        bool dialed;
        bool paused;
        bool read_on;    /* the next kick reads too */
        bool blocked;    /* the kernel takes no more */
        bool want_write; /* the handshake waits for room */
        bool high;       /* 'drained' is owed */
        bool patient;    /* LINK_STALLED_MS is set */
        bool ended;      /* LINK_CLOSING: our end is said */
        int error;
        char why[SIZE_REASON];
        char address[SIZE_ADDRESS];
        char local[SIZE_ADDRESS];
};

/* A link over 'fd', which it takes over, also where it fails.  -ENOMEM and libuv's errors. */
int link_new(uv_loop_t *loop, int fd, struct link **ret);
/* Goes on after the connection stands: TLS handshake, or open. */
void link_connected(struct link *l);
int link_start_tls(struct link *l, SSL_CTX *ctx);
/* Polls for what the state needs. */
void link_update(struct link *l);
/* Ends it now.  'error' 0 or negative; 'why' is copied. */
void link_die(struct link *l, int error, const char *why);
void link_arm(struct link *l, uint64_t timeout_ms);

/* link_dial.c */
void link_address_text(const struct sockaddr_storage *a, char ret[static SIZE_ADDRESS]);
/* Peer and own address, TCP options. */
void link_tune_tcp(struct link *l);
/* LINK_STALLED_MS in place of LINK_DEAD_MS. */
void link_patience(struct link *l, bool patient);
/* Everything sent is acknowledged, and the peer has no room for more. */
bool link_window_closed(const struct link *l);
/* The connect ended: 0 or its error. */
int link_connect_result(const struct link *l);

/* link_listen.c */
void link_server_opened(struct link *l);
void link_server_lost(struct link *l, bool unfinished);

#endif

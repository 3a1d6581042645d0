/* sock - a TCP connection on the loop: bytes in as they come, bytes out at once or queued. */
#ifndef BRAMBLE_GATEWAY_SOCK_H
#define BRAMBLE_GATEWAY_SOCK_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* What one connection can make us hold is some of these: 32 KB times 1,024 clients fits a board. */
enum { SOCK_READ_BYTES = 32 * 1024 };

/* Where all connections of a loop read into, one at a time: an idle one needs no memory for it. */
struct sock_reader {
        char bytes[SOCK_READ_BYTES];
};

struct sock;
struct ssl_st;
struct tls_server;

struct sock_ops {
        /* Bytes came; the view is gone after the call. */
        void (*data)(struct sock *s, const char *data, size_t len);
        /* The peer sends no more (error 0), or the connection broke.  Comes once. */
        void (*end)(struct sock *s, int error);
        /* What sock_write() had queued is all with the kernel. */
        void (*drained)(struct sock *s);
        /* The last call: the memory may go. */
        void (*closed)(struct sock *s);
};

/* Embedded in the struct of its owner; the fields are the module's own. */
struct sock {
        uv_tcp_t tcp;
        const struct sock_ops *ops;
        struct sock_reader *reader;
        struct tls_server *tls; /* NULL: plain */
        struct ssl_st *ssl;
        struct buf out;  /* being written by the loop */
        struct buf next; /* queued behind it */
        uv_write_t write;
        bool writing, reading, closing, ended, shut_when_drained;
};

/* Makes an unconnected socket; the memory is the caller's until 'closed'.  The handle must be
 * closed also where accepting or connecting fails. */
int sock_init(struct sock *s, uv_loop_t *loop, struct sock_reader *reader,
              const struct sock_ops *ops);

/* What follows is TLS; before the first byte.  -ENOMEM. */
int sock_start_tls(struct sock *s, struct tls_server *tls);

/* Starts reading (a connected socket) or goes on. */
int sock_resume(struct sock *s);
/* Stops reading: the peer is held back by TCP. */
void sock_pause(struct sock *s);

/* Sends; what the kernel does not take is copied.  0: all is with the kernel; 1: some is queued,
 * hold the source back until 'drained'; negative: the connection is broken. */
int sock_write(struct sock *s, const uv_buf_t *bufs, unsigned n);

static inline bool sock_queued(const struct sock *s) {
        return s->writing;
}

/* Says that no more is sent, once what is queued was. */
void sock_shutdown(struct sock *s);

/* Ends the connection; nothing but 'closed' is called from here on.  Safe to call twice. */
void sock_close(struct sock *s);
/* The same, with a RST: the peer learns that what it got is not whole. */
void sock_reset(struct sock *s);

/* The descriptor, -1 where there is none. */
int sock_fd(const struct sock *s);

#endif

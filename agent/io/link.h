/* link - a framed connection on the loop: mutual TLS 1.3 over TCP between agents (and from
 * agentctl --host), plain over a unix socket for the CLI and the gateway. */
#ifndef BRAMBLE_IO_LINK_H
#define BRAMBLE_IO_LINK_H

#include "base/fail.h"
#include "core/frame.h"
#include "io/pki.h"

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct link;

enum link_kind { LINK_BOARD, LINK_ADMIN, LINK_LOCAL };

/* All callbacks come from the loop, never from within a call of this module.  They may call
 * anything here on any link.  After link_close() only 'closed' comes. */
struct link_ops {
        /* A dialled link is connected, and (TLS) the peer is verified.  Never for an accepted one.
         * Mind TLS 1.3: the other side verifies us only after this; where it refuses us, 'closed'
         * follows with -EKEYREJECTED, or -ECONNRESET where its alert was lost.  May be NULL. */
        void (*open)(struct link *l, void *arg);
        /* One whole frame; 'f' is gone after the call. */
        void (*frame)(struct link *l, void *arg, const struct frame *f);
        /* link_queued() fell below LINK_QUEUE_LOW after it had been above LINK_QUEUE_HIGH. May be
         * NULL. */
        void (*drained)(struct link *l, void *arg);
        /* The last call ever: 'error' is 0 for an orderly end by either side; 'why' is a
         * sentence.  The link frees itself afterwards.  Called for a failed dial too.  Errors:
         * -ETIMEDOUT, -ECONNREFUSED and others of the socket, -ECONNRESET (cut, also inside a
         * frame), -EKEYREJECTED (certificates, expect_node), -EPROTO (no TLS 1.3), -EMSGSIZE and
         * -EBADMSG (no frame of ours), -ENOBUFS (LINK_QUEUE_MAX), -ENOMEM. */
        void (*closed)(struct link *l, void *arg, int error, const char *why);
};

enum {
        LINK_QUEUE_HIGH = 512 * 1024, /* a well-behaved sender waits for 'drained' from here */
        LINK_QUEUE_LOW = 128 * 1024,
        LINK_QUEUE_MAX = 4 * 1024 * 1024, /* a link that holds more is closed: -ENOBUFS */
};

/* Dials; 'closed' follows where it fails or takes longer than 'timeout_ms' (connect and handshake;
 * 0: as long as the kernel tries).  'address' is a plain IPv4 or IPv6 address ("fe80::1%eth0" too),
 * else -EINVAL.  'expect_node' not 0: anybody else at that address is -EKEYREJECTED.  Other errors
 * of the call itself: -ENOMEM, -EMFILE.  'pki' is not needed after the call. */
int link_dial_tls(uv_loop_t *loop, const struct pki *pki, const char *address, uint16_t port,
                  uint64_t expect_node, uint64_t timeout_ms, const struct link_ops *ops, void *arg,
                  struct link **ret);
int link_dial_unix(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *arg,
                   struct link **ret);
/* A link over a connected stream socket, which it takes over, also where it fails. */
int link_adopt(uv_loop_t *loop, int fd, const struct link_ops *ops, void *arg, struct link **ret);

struct link_server;
/* 'accept' gets each connection once it is verified, and must call link_set_ops() on it or
 * link_close() it.  At most 'most' connections at a time: more are dropped, and said once.  At most
 * 16 unfinished handshakes, each at most 5 s (1 s while others wait): more wait in the kernel.
 * Refused peers are logged here, once an address.  Listens on all addresses, IPv6 where there is
 * any; 'port' 0 takes a free one.  'pki' is not needed after the call. */
typedef void (*link_accept_cb)(struct link *l, void *arg);
int link_listen_tls(uv_loop_t *loop, const struct pki *pki, uint16_t port, unsigned most,
                    link_accept_cb accept, void *arg, struct link_server **ret, struct fail *f);
/* The port that is listened on; 0 for a unix socket. */
uint16_t link_server_port(const struct link_server *s);
/* A stale socket file is replaced; 'mode' and (not NULL, ignored where unknown) 'group' are set.
 * -EADDRINUSE where somebody answers there, -EEXIST where it is no socket. */
int link_listen_unix(uv_loop_t *loop, const char *path, mode_t mode, const char *group,
                     unsigned most, link_accept_cb accept, void *arg, struct link_server **ret,
                     struct fail *f);
/* Stops accepting and removes the socket file; open links live on, unfinished handshakes end.
 * NULL is a no-op.  Memory goes with the next turn of the loop. */
void link_server_close(struct link_server *s);

/* Hands a link over: the next callback goes to 'ops'.  NULL: nobody listens any more, what comes is
 * dropped; link_close() it soon. */
void link_set_ops(struct link *l, const struct link_ops *ops, void *arg);

/* Queues one frame (copied); what one turn of the loop queues leaves in as few writes as possible.
 * A dialled link takes frames before it is open.  -EMSGSIZE, -ENOTCONN after a close; -ENOMEM and
 * -ENOBUFS also end the link. */
int link_send(struct link *l, enum frame_type type, uint32_t stream, const void *body, size_t len);
/* Bytes not yet taken by the kernel. */
size_t link_queued(const struct link *l);
/* Stops and continues reading: back-pressure.  While paused no frame is delivered and the peer's
 * end goes unnoticed. */
void link_pause(struct link *l);
void link_resume(struct link *l);
/* Ends the connection after what is queued was sent (at most 5 s); 'closed' follows, once,
 * asynchronously, unless the ops were set to NULL.  Safe to call twice. */
void link_close(struct link *l);

enum link_kind link_kind(const struct link *l);
uint64_t link_node(const struct link *l);       /* LINK_BOARD: the verified node id, else 0 */
uid_t link_uid(const struct link *l);           /* LINK_LOCAL: SO_PEERCRED of an accepted link */
const char *link_address(const struct link *l); /* the peer's plain IP, "" for a unix socket */
const char *link_local_address(const struct link *l); /* our own plain IP on that connection */
bool link_dialed(const struct link *l);
void *link_arg(const struct link *l);

#endif

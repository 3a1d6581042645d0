/* message - what agents say to each other besides reports and the world: hello, join.  Pure. */
#ifndef BRAMBLE_CORE_MESSAGE_H
#define BRAMBLE_CORE_MESSAGE_H

#include "core/board.h"
#include "core/formation.h"
#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

struct buf;

enum { MESSAGE_PROTOCOL = 1 }; /* grows when old agents can no longer understand */

/* What a connection is for; said by the side that dialed. */
enum message_purpose {
        PURPOSE_CONTROL = 1, /* views, joining, reports, the world, forwarded requests */
        PURPOSE_RAFT,        /* carries libraft's bytes, one way of messages */
        PURPOSE_API,         /* requests only: blobs, logs */
        PURPOSE_MAX,
};

struct message_hello {
        uint16_t protocol;
        enum message_purpose purpose;
        uint64_t boot;        /* random, new with each start of the agent */
        uint16_t port;        /* where this agent listens */
        char name[SIZE_NAME]; /* "m1", "" for a fresh board */
        struct formation_view view;
};

struct message_joined {
        int32_t result; /* 0, or negative errno: not the leader (-ENOTCONN), full (-ENOSPC) */
        uint64_t bramble;
        uint64_t leader; /* whom to ask instead, 0: not known */
        uint16_t subnet;
        char name[SIZE_NAME];
};

/* Encoders: -ENOMEM, -EMSGSIZE.  Decoders: -EBADMSG for anything an encoder does not write, and
 * -EPROTONOSUPPORT for another protocol number. A view names a node only if it is not 0. */
int message_hello_encode(const struct message_hello *m, struct buf *out);
int message_hello_decode(const void *data, size_t len, struct message_hello *ret);
int message_view_encode(const struct formation_view *v, struct buf *out);
int message_view_decode(const void *data, size_t len, struct formation_view *ret);
int message_join_encode(const struct board *b, struct buf *out);
int message_join_decode(const void *data, size_t len, struct board *ret);
int message_joined_encode(const struct message_joined *m, struct buf *out);
int message_joined_decode(const void *data, size_t len, struct message_joined *ret);

#endif

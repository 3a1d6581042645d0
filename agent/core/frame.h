/* frame - the one framing of all bramble connections: agent to agent (inside TLS), CLI and
 * gateway to agent (unix socket).  Pure.
 *
 *         u32 length of what follows (5 .. LIMIT_FRAME_BYTES) | u8 type | u32 stream | body
 */
#ifndef BRAMBLE_CORE_FRAME_H
#define BRAMBLE_CORE_FRAME_H

#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

enum frame_type {
        FRAME_HELLO = 1, /* first frame each way between agents: core/message.h */
        FRAME_VIEW,      /* own formation view changed */
        FRAME_JOIN,      /* fresh board asks to be taken in */
        FRAME_JOINED,    /* leader's answer */
        FRAME_REPORT,    /* board to leader, every second */
        FRAME_ORDERS,    /* leader to board: what to run and where everything is */
        FRAME_REQUEST,   /* JSON {"verb":...}: opens stream 'stream' */
        FRAME_DATA,      /* bytes of that stream, either way */
        FRAME_END,       /* no more DATA from this side */
        FRAME_EVENT,     /* JSON, before the reply: progress, log lines, watch updates */
        FRAME_REPLY,     /* JSON {"error":...,"code":...} or the result: closes the stream */
        FRAME_RAFT,      /* bytes of libraft's own protocol */
        FRAME_COUNTS,    /* leader to board, each second under load: core/counts.h */
        FRAME_TYPE_MAX,
};

enum {
        FRAME_HEADER = 9,
        FRAME_BODY_MAX = LIMIT_FRAME_BYTES - 5, /* the longest body */
};

struct frame {
        enum frame_type type;
        uint32_t stream;
        const uint8_t *body; /* into the input */
        size_t len;
};

/* Takes one frame from the front of 'data'.  Bytes used, 0 where more are needed, -EMSGSIZE for
 * a length above the limit, -EBADMSG for a length below 5 or an unknown type. */
long frame_parse(const void *data, size_t len, struct frame *ret);

/* Fills the header of a body of 'len' bytes (at most FRAME_BODY_MAX; asserted). */
void frame_header(uint8_t ret[static FRAME_HEADER], enum frame_type type, uint32_t stream,
                  size_t len);

#endif

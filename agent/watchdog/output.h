/* output - what a function has said, until it is known what it means.
 *
 * The first part is in memory.  A large one is moved from the child's pipe into pipes of our own
 * and from there into the socket, so that its bytes are never copied here and take no memory of
 * ours; what these pipes have no room for is in memory again. */
#ifndef BRAMBLE_WATCHDOG_OUTPUT_H
#define BRAMBLE_WATCHDOG_OUTPUT_H

#include "base/buf.h"

#include <sys/types.h>

enum { OUTPUT_PIPES = 16, OUTPUT_PIPE = 1024 * 1024, OUTPUT_MANY = 64 * 1024 };

/* All zero is empty. */
struct output {
        struct buf text;
        struct pipes *more; /* behind it */
        struct buf rest;    /* and behind that */
};

size_t output_len(const struct output *o);
void output_done(struct output *o);

/* Takes what is in the pipe 'from', by way of 'scratch' (OUTPUT_MANY bytes) where it is little.  As
 * read(); EMSGSIZE: there would be more than 'most' then. */
ssize_t output_take(struct output *o, int from, char *scratch, size_t most);

/* Sends what stands behind 'text'.  0: all is out; -EAGAIN: the socket takes no more for now. */
int output_send_rest(struct output *o, int socket);

#endif

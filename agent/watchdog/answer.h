/* answer - the head of an answer. */
#ifndef BRAMBLE_WATCHDOG_ANSWER_H
#define BRAMBLE_WATCHDOG_ANSWER_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

enum { ANSWER_HEAD = 512 }; /* enough for any */

struct answer {
        unsigned status;
        const char *type; /* Content-Type; NULL or "": none */
        size_t length;
        usec_t took;
        bool own; /* of fwatchdog itself, not of the function */
        bool keep_alive;
        bool old_client; /* HTTP/1.0: has to be told that the connection stays */
};

/* Writes it with the empty line behind it; its length. */
size_t answer_head(const struct answer *a, char ret[static ANSWER_HEAD]);

/* The head of an answer whose body follows in pieces; 'lines' are more of its headers.  -ENOMEM. */
int answer_stream_head(unsigned status, const char *type, const char *lines, struct buf *out);

#endif

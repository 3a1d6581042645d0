/* consensus_check - reads along what a peer sends to libraft, which believes every length in it.
 * Pure. */
#ifndef BRAMBLE_IO_CONSENSUS_CHECK_H
#define BRAMBLE_IO_CONSENSUS_CHECK_H

#include "base/buf.h"

/* One connection.  All zero is a new one; consensus_check_done() frees what it holds. */
struct consensus_check {
        struct buf head;   /* of the message at hand: preamble and header, as far as they came */
        struct buf change; /* of the configuration at hand */
        uint64_t payload;  /* bytes of the snapshot that are still to come */
        uint32_t entry;    /* of the message, whose bytes come */
        uint32_t entries;
        uint64_t entry_left;
};

/* Takes the next bytes of the connection.  0; -EBADMSG where a message has lengths, types or a
 * configuration that libraft would not survive: then none of these bytes may reach it, and the
 * connection is to be closed. -ENOMEM. */
int consensus_check(struct consensus_check *k, const void *data, size_t len);
void consensus_check_done(struct consensus_check *k);

#endif

/* saved - the little that an agent remembers over a reboot: its bramble, its name, its peers. */
#ifndef BRAMBLE_DAEMON_SAVED_H
#define BRAMBLE_DAEMON_SAVED_H

#include "base/fail.h"
#include "core/formation.h"
#include "core/limits.h"

#include <stdint.h>

struct saved_peer {
        uint64_t node;
        char address[SIZE_ADDRESS];
        uint16_t port;
};

struct saved {
        uint64_t node;    /* whose memory this is: another board's is not believed */
        uint64_t bramble; /* 0: fresh */
        uint16_t subnet;
        char name[SIZE_NAME];
        uint32_t n_left; /* brambles that this board gave up: members that were away then ask */
        uint64_t left[FORMATION_LEFT];
        uint32_t n_peers;
        struct saved_peer peers[LIMIT_BOARDS];
};

/* Reads STATE_DIR/member.  A missing or damaged file is a fresh board: 0 and an all-zero 'ret'
 * (damage is logged).  -errno where the folder cannot be read. */
int saved_read(const char *state_dir, struct saved *ret, struct fail *f);
/* Writes it whole (temporary file, fsync, rename) if it differs from what is there. */
int saved_write(const char *state_dir, const struct saved *s, struct fail *f);

#endif

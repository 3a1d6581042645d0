/* sensors_card - what the kernel knows of a card that fails. */
#ifndef BRAMBLE_IO_SENSORS_CARD_H
#define BRAMBLE_IO_SENSORS_CARD_H

#include <stdint.h>

/* Errors that ext4 has written down in the file systems of the root and of 'state_dir'
 * (sys/fs/ext4/DEVICE/errors_count: kept over restarts until e2fsck clears it); 0 for others. */
uint64_t sensors_card_errors(int root_fd, const char *state_dir);

#endif

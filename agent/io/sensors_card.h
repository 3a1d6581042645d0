/* sensors_card - what the kernel knows of a card that fails. */
#ifndef BRAMBLE_IO_SENSORS_CARD_H
#define BRAMBLE_IO_SENSORS_CARD_H

#include <stdint.h>

/* Errors that ext4 has written down in the file systems of this machine, all together
 * (sys/fs/ext4/DEVICE/errors_count: ext4(5); kept over restarts until e2fsck clears it). */
uint64_t sensors_card_errors(int root_fd);

#endif

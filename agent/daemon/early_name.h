/* early_name - gives a fresh board a host name of its own before avahi-daemon starts. */
#ifndef BRAMBLE_DAEMON_EARLY_NAME_H
#define BRAMBLE_DAEMON_EARLY_NAME_H

#include "base/fail.h"

#include <stdint.h>

/* Cards from one image all say "raspberrypi": avahi takes many seconds to sort that out, and until
 * then nobody is found.  Where the host name is an image's default, the kernel's becomes
 * bramble-FD4A4892 (the low half of the node id); nothing is written to the card.  -errno. */
int early_name_set(uint64_t node, struct fail *f);

#endif

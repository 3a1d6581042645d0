/* own_address - is an address one of this board's own? */
#ifndef BRAMBLE_IO_OWN_ADDRESS_H
#define BRAMBLE_IO_OWN_ADDRESS_H

#include <stdbool.h>

/* 'address' is IPv4 or IPv6 as text.  Also true where that cannot be found out. */
bool own_address(const char *address);

#endif

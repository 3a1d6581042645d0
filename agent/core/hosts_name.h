/* hosts_name - the line of an /etc/hosts that says what this computer is called.  Pure. */
#ifndef BRAMBLE_CORE_HOSTS_NAME_H
#define BRAMBLE_CORE_HOSTS_NAME_H

#include "base/buf.h"
#include "base/fail.h"

#include <stddef.h>

/* Debian's own for a computer without a fixed address: Debian Reference 5.1.1. */
#define HOSTS_SELF "127.0.1.1"

/* Appends to 'ret' the text with 'name' first on the line of 127.0.1.1: its other aliases stay, but
 * for 'old' and the one that every fresh card has.  Where there is no such line one is added at the
 * end; of several only the first is looked at.  All other bytes stay.  Applied to its own result it
 * changes nothing.
 * -EINVAL for what is no DNS name, -EFBIG above HOSTS_BYTES, -ENOMEM. */
int hosts_name_set(const char *text, size_t len, const char *name, const char *old, struct buf *ret,
                   struct fail *f);

#endif

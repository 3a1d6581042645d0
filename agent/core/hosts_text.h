/* hosts_text - keeps our lines in the text of an /etc/hosts and everything else as it is.  Pure. */
#ifndef BRAMBLE_CORE_HOSTS_TEXT_H
#define BRAMBLE_CORE_HOSTS_TEXT_H

#include "base/buf.h"
#include "base/fail.h"

#include <stddef.h>

enum {
        HOSTS_BYTES = 64 * 1024, /* of the whole file */
        HOSTS_ENTRIES = 128,     /* of ours: more than LIMIT_BOARDS */
};

/* What begins and ends our block, and stands behind each line in it: a block that lost one of its
 * marks is still told from what others wrote. */
#define HOSTS_BEGIN "# begin bramble: changes to these lines are lost"
#define HOSTS_END   "# end bramble"
#define HOSTS_TAG   "# kept by bramble-agent"

struct hosts_entry {
        const char *address; /* IPv4 or IPv6 */
        const char *name;    /* a DNS name */
};

/* Appends to 'ret' the text with exactly these entries in one block of ours: where the first one
 * was, or at the end; with none for n 0.  Gone are whole blocks, marks without their other half,
 * and tagged lines; all other bytes stay.  Only a last line without an end gets one where a block
 * follows.  Lines of ours end in CRLF where the first line of the text does.  Applied to its own
 * result it changes nothing.
 * -EINVAL for an address or a name that is none, -E2BIG above HOSTS_ENTRIES, -EFBIG where the text
 * or the result is above HOSTS_BYTES, -ENOMEM.  */
int hosts_text_set(const char *text, size_t len, const struct hosts_entry *entries, size_t n,
                   struct buf *ret, struct fail *f);

#endif

/* html - text from outside as HTML that shows it, and cannot be anything else.  Pure. */
#ifndef BRAMBLE_CORE_HTML_H
#define BRAMBLE_CORE_HTML_H

#include "base/buf.h"

/* Appends 'text' (may be NULL) for use between tags and in quoted attributes: & < > " ' are
 * escaped, control bytes become blanks.  -ENOMEM, -EMSGSIZE. */
int html_add(struct buf *out, const char *text);

#endif

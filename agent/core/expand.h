/* expand - puts the values of variables into a text: ${NAME}, and ${NAME:-default} where it is not
 * set or empty, as faas-cli does in stack files.  Pure: the caller knows the variables. */
#ifndef BRAMBLE_CORE_EXPAND_H
#define BRAMBLE_CORE_EXPAND_H

#include "base/buf.h"
#include "base/fail.h"

enum { EXPAND_DEPTH = 8 /* of variables in defaults */ };

/* A variable's value, NULL where it is not set. */
typedef const char *(*expand_cb)(void *arg, const char *name);

/* Appends the text to 'out'.  ${NAME}, ${NAME:-text}, ${NAME:=text}, ${NAME-text}, ${NAME=text};
 * the text may hold further ones.  One without a value and a default is empty.  "$$" before a brace
 * is a plain "$"; any other "$" stays.  -EINVAL with "line N: ..." for one that is not closed or no
 * such form; -EMSGSIZE at the buffer's limit; -ENOMEM. */
int expand(const char *text, size_t len, expand_cb value, void *arg, struct buf *out,
           struct fail *f);

#endif

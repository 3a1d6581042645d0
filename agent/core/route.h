/* route - takes paths of the function API apart: which pattern fits, which function is meant.
 * Pure. */
#ifndef BRAMBLE_CORE_ROUTE_H
#define BRAMBLE_CORE_ROUTE_H

#include "core/http_parse.h"
#include "core/limits.h"

#include <stdbool.h>

#define ROUTE_NAMESPACE "openfaas-fn" /* where a function's name carries none */

/* Does 'path' fit 'pattern'?  A pattern is a literal path, or one whose last part is '*' and stands
 * for one part that is not empty ("/system/function/" and '*'), or whose end is '**' and stands for
 * the rest of the path, also an empty one.  '*ret_rest' (may be NULL) is what the star took; of
 * zero length for a literal. */
bool route_match(const char *pattern, const struct http_text *path, struct http_text *ret_rest);

struct route_function {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        struct http_text rest; /* from the '/' behind the name on; of zero length without one */
};

/* "NAME[.NAMESPACE][/REST]", as it follows "/function/".  NAME matches [-a-zA-Z_0-9.]+ and the
 * namespace is what follows its last dot.  -EINVAL for any other byte, an empty or an over-long
 * name or namespace. */
int route_function(const struct http_text *text, struct route_function *ret);

/* The value of 'key' in a query string, percent-decoded and with '+' as a blank.  -ENOENT where it
 * is absent, -EINVAL for a wrong escape or a NUL, -ENAMETOOLONG where it does not fit. */
int route_query(const struct http_text *query, const char *key, char *ret, size_t size);

#endif

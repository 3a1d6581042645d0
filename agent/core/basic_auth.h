/* basic_auth - HTTP basic authentication (RFC 7617).  Pure. */
#ifndef BRAMBLE_CORE_BASIC_AUTH_H
#define BRAMBLE_CORE_BASIC_AUTH_H

#include "core/http_parse.h"

#include <stdbool.h>

/* Does the value of an Authorization header (NULL: there is none) name this user and password?
 * Takes the same time for every wrong one of the same length.  An empty password never fits. */
bool basic_auth_fits(const struct http_text *value, const char *user, const char *password);

#endif

/* http_environment - a request as environment variables, for the process that answers it.  Pure. */
#ifndef BRAMBLE_CORE_HTTP_ENVIRONMENT_H
#define BRAMBLE_CORE_HTTP_ENVIRONMENT_H

#include "core/http_parse.h"

/* The lines of 'own' (borrowed) and behind them Http_Method, Http_Path (with its %XX decoded),
 * Http_Query (absent where empty), Http_Content_Length and Http_ContentLength (-1: chunked),
 * Http_Transfer_Encoding, and each header as Http_X_Forwarded_For, the first of those with one
 * name.  'head' NULL: only 'own'.  *ret is NULL-terminated and one allocation: free() frees it
 * all.  -ENOMEM. */
int http_environment_make(char *const own[], const struct http_head *head, char ***ret);

#endif

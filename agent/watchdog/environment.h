/* environment - what a child is told of the request that it answers.  Pure. */
#ifndef BRAMBLE_WATCHDOG_ENVIRONMENT_H
#define BRAMBLE_WATCHDOG_ENVIRONMENT_H

#include "core/http_parse.h"

/* The lines of 'own' (borrowed) and behind them Http_Method, Http_Path (with its %XX decoded),
 * Http_Query (absent where empty), Http_Content_Length and Http_ContentLength (-1: chunked),
 * Http_Transfer_Encoding, and each header as Http_X_Forwarded_For, the first of those with one
 * name.  'head' NULL: only 'own'.  *ret is NULL-terminated and one allocation: free() frees it
 * all.  -ENOMEM. */
int environment_make(char *const own[], const struct http_head *head, char ***ret);

#endif

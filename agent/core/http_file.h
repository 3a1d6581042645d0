/* http_file - what a request for a file asks for: a path below some folder, a part, a date.  Pure.
 */
#ifndef BRAMBLE_CORE_HTTP_FILE_H
#define BRAMBLE_CORE_HTTP_FILE_H

#include "core/http_parse.h"

enum { HTTP_FILE_PATH = 1024, HTTP_DATE = 30 };

/* The path (from its '/') with its %XX decoded, relative, without empty and "." parts: "a b/c.txt",
 * "a/" for a folder, "" for the root.  -EINVAL: a part is "..", or there is a NUL or a broken %XX;
 * -ENAMETOOLONG. */
int http_file_path(const struct http_text *path, char ret[static HTTP_FILE_PATH]);

/* By what stands behind the last '.'; "application/octet-stream" where that is not known. */
const char *http_file_type(const char *path);

enum http_range {
        HTTP_RANGE_ALL,  /* none is asked for, or one that is not understood, or many */
        HTTP_RANGE_PART, /* 206 */
        HTTP_RANGE_NONE, /* 416: it lies behind the end */
};
/* Reads Range's value (NULL: there is none) for a file of 'size' bytes (RFC 9110 14.1.2). */
enum http_range http_range(const struct http_text *value, uint64_t size, uint64_t *ret_from,
                           uint64_t *ret_length);

/* "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date_print(int64_t unix_seconds, char ret[static HTTP_DATE]);
/* Only that form, which clients send back as they got it.  -EINVAL. */
int http_date_read(const struct http_text *text, int64_t *ret);

#endif

/* http_parse - HTTP/1.1 heads and chunked bodies, strictly, without copying.  Pure.
 * One byte stream has one reading: both Content-Length and Transfer-Encoding, two different
 * lengths, a bare LF or CR, obs-fold, space before a colon, NUL or control bytes are refused. */
#ifndef BRAMBLE_CORE_HTTP_PARSE_H
#define BRAMBLE_CORE_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEADERS = 64, HTTP_HEAD_BYTES = 32 * 1024 };

struct http_text { /* a view into the input */
        const char *at;
        size_t len;
};

struct http_header {
        struct http_text name, value; /* value without surrounding blanks */
};

enum http_body { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

struct http_head {
        bool response;
        uint8_t minor;           /* HTTP/1.minor */
        struct http_text method; /* request */
        struct http_text target; /* request: as sent */
        struct http_text path,
                query;           /* request: split at '?'; query without it; origin form only */
        uint16_t status;         /* response */
        struct http_text reason; /* response */
        size_t n_headers;
        struct http_header headers[HTTP_HEADERS];
        enum http_body body;
        uint64_t length; /* HTTP_BODY_LENGTH */
        bool keep_alive;
        bool upgrade; /* Connection: upgrade and an Upgrade header */
        bool expect_continue;
};

/* Parses a whole head at the front of 'data'.  Bytes used; 0: not complete yet; negative:
 * -EBADMSG (400), -E2BIG (431: more than HTTP_HEAD_BYTES or HTTP_HEADERS), -EPROTONOSUPPORT (505),
 * -EOPNOTSUPP (501: a transfer coding other than chunked).  'scanned' (start with 0) remembers how
 * far an incomplete head was searched, so that slow senders cost no quadratic time.
 * 'head_request': a response to a HEAD, which has no body. */
long http_parse_request(const char *data, size_t len, size_t *scanned, struct http_head *ret);
long http_parse_response(const char *data, size_t len, size_t *scanned, bool head_request,
                         struct http_head *ret);

/* First header of that name (any case), NULL where there is none. */
const struct http_text *http_header(const struct http_head *h, const char *name);
bool http_text_is(const struct http_text *t, const char *s); /* exact */
bool http_text_is_nocase(const struct http_text *t, const char *s);
/* Is 'token' in the comma-separated list (any case)? */
bool http_list_has(const struct http_text *t, const char *token);
/* Connection, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade, and what Connection
 * names. */
bool http_hop_by_hop(const struct http_head *h, const struct http_text *name);

/* Chunked bodies: feed bytes; each call takes some and says what it found. */
struct http_chunks {
        uint8_t state;
        uint64_t left;
        uint32_t line; /* bytes of the current size line or trailer */
};
enum http_chunk { HTTP_CHUNK_MORE, HTTP_CHUNK_DATA, HTTP_CHUNK_END };
/* HTTP_CHUNK_DATA: ret_data is a view of body bytes. -EBADMSG.  '*ret_used' bytes were taken. */
int http_chunks_step(struct http_chunks *c, const char *data, size_t len, size_t *ret_used,
                     struct http_text *ret_data);

#endif

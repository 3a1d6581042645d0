/* http_body - finds a request's body in the bytes that the client sends.  Pure. */
#ifndef BRAMBLE_CORE_HTTP_BODY_H
#define BRAMBLE_CORE_HTTP_BODY_H

#include "core/http_parse.h"

struct http_body_reader {
        enum http_body kind; /* HTTP_BODY_UNTIL_CLOSE: garbage, all of it to be dropped */
        bool done;           /* its last byte was taken */
        uint64_t left;       /* HTTP_BODY_LENGTH: bytes not taken yet */
        size_t plain;        /* chunked: body bytes at the front of the input */
        struct http_chunks chunks;
};

void http_body_begin(struct http_body_reader *b, const struct http_head *head);
/* Takes framing off the front of 'data'.  How many bytes of the body stand there then; 0: none
 * until more comes, or 'done'; -EBADMSG: the chunks are not well-formed. */
long http_body_next(struct http_body_reader *b, struct http_text *data);
/* Takes 'n' of those bytes off. */
void http_body_take(struct http_body_reader *b, struct http_text *data, size_t n);
/* 'n' bytes of a body of known length were taken without passing through here. */
void http_body_skip(struct http_body_reader *b, uint64_t n);
/* Will 'done' come soon: within so many more bytes? */
bool http_body_ends_within(const struct http_body_reader *b, uint64_t bytes);

#endif

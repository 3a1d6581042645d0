/* body - finds a request's body in the bytes that the client sends.  Pure. */
#ifndef BRAMBLE_WATCHDOG_BODY_H
#define BRAMBLE_WATCHDOG_BODY_H

#include "core/http_parse.h"

struct body {
        enum http_body kind; /* HTTP_BODY_UNTIL_CLOSE: garbage, all of it to be dropped */
        bool done;           /* its last byte was taken */
        uint64_t left;       /* HTTP_BODY_LENGTH: bytes not taken yet */
        size_t plain;        /* chunked: body bytes at the front of the input */
        struct http_chunks chunks;
};

void body_begin(struct body *b, const struct http_head *head);
/* Takes framing off the front of 'data'.  How many bytes of the body stand there then; 0: none
 * until more comes, or 'done'; -EBADMSG: the chunks are not well-formed. */
long body_next(struct body *b, struct http_text *data);
/* Takes 'n' of those bytes off. */
void body_take(struct body *b, struct http_text *data, size_t n);
/* Will 'done' come soon: within so many more bytes? */
bool body_ends_within(const struct body *b, uint64_t bytes);

#endif

#include "core/http_body.h"

#include <assert.h>

void http_body_begin(struct http_body_reader *b, const struct http_head *head) {
        *b = (struct http_body_reader){ .kind = head->body, .left = head->length };
        b->done = b->kind == HTTP_BODY_NONE || (b->kind == HTTP_BODY_LENGTH && b->left == 0);
}

static void drop(struct http_text *data, size_t n) {
        data->at += n;
        data->len -= n;
}

static long next_chunk(struct http_body_reader *b, struct http_text *data) {
        while (b->plain == 0 && data->len > 0 && !b->done) {
                struct http_text view;
                size_t used;
                int r = http_chunks_step(&b->chunks, data->at, data->len, &used, &view);

                if (r < 0)
                        return r;
                b->done = r == HTTP_CHUNK_END;
                if (r == HTTP_CHUNK_DATA)
                        b->plain = view.len;
                drop(data, used - b->plain); /* the view is the last that was used */
        }
        return (long)b->plain;
}

long http_body_next(struct http_body_reader *b, struct http_text *data) {
        if (b->done)
                return 0;
        if (b->kind == HTTP_BODY_CHUNKED)
                return next_chunk(b, data);
        if (b->kind == HTTP_BODY_LENGTH && data->len > b->left)
                return (long)b->left;
        return (long)data->len;
}

void http_body_take(struct http_body_reader *b, struct http_text *data, size_t n) {
        assert(n <= data->len);
        drop(data, n);
        if (b->kind == HTTP_BODY_CHUNKED)
                b->plain -= n;
        if (b->kind == HTTP_BODY_LENGTH) {
                b->left -= n;
                b->done = b->left == 0;
        }
}

void http_body_skip(struct http_body_reader *b, uint64_t n) {
        assert(b->kind == HTTP_BODY_LENGTH && n <= b->left);
        b->left -= n;
        b->done = b->left == 0;
}

bool http_body_ends_within(const struct http_body_reader *b, uint64_t bytes) {
        return b->done || (b->kind == HTTP_BODY_LENGTH && b->left <= bytes);
}

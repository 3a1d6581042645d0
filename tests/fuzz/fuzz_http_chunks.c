/* One stream, one reading: a chunked body in one piece gives the same bytes, the same end and the
 * same error at the same place as byte by byte. */
#include "fuzz.h"

#include "core/http_parse.h"

#include <stdlib.h>
#include <string.h>

struct reading {
        int result;
        size_t used;
        size_t len;
        char *body;
};

static void read_in_steps(const char *data, size_t size, size_t step, struct reading *ret) {
        struct http_chunks c = { 0 };

        *ret = (struct reading){ .body = malloc(size ? size : 1) };
        if (!ret->body)
                abort();
        while (ret->used < size && ret->result != HTTP_CHUNK_END) {
                size_t piece = size - ret->used < step ? size - ret->used : step, used = 0;
                struct http_text view;

                ret->result = http_chunks_step(&c, data + ret->used, piece, &used, &view);
                if (used > piece || (ret->result >= 0 && used == 0))
                        abort();
                ret->used += used;
                if (ret->result < 0)
                        return;
                if (ret->result == HTTP_CHUNK_DATA) {
                        if (view.len == 0 || view.at < data || view.at + view.len > data + size)
                                abort();
                        memcpy(ret->body + ret->len, view.at, view.len);
                        ret->len += view.len;
                        ret->result = HTTP_CHUNK_MORE;
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct reading whole, bytes;

        read_in_steps((const char *)data, size, size, &whole);
        read_in_steps((const char *)data, size, 1, &bytes);
        if (whole.result != bytes.result || whole.used != bytes.used || whole.len != bytes.len ||
            memcmp(whole.body, bytes.body, whole.len) != 0)
                abort();
        fuzz_took = whole.result == HTTP_CHUNK_END;
        free(whole.body);
        free(bytes.body);
        return 0;
}

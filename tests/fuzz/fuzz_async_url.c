/* Where answers go, where queues are, what NATS says in subjects: texts from outside. */
#include "core/async_url.h"
#include "core/jetstream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct http_text text = { (const char *)data, size };
        struct async_queue_url u;
        struct jetstream_delivery d;
        char *copy = malloc(size + 1), token[64];
        struct fail f = { 0 };
        uint64_t sequence;

        memcpy(copy, data, size);
        copy[size] = '\0';
        if (async_callback_valid(&text) && memchr(data, ' ', size))
                abort();
        if (async_queue_parse(copy, &u, &f) == 0 &&
            (u.nats ? !u.server[0] || strchr(u.server, '?') : u.path[0] && u.path[0] != '/'))
                abort();
        if (jetstream_parse_delivery(copy, &d) == 0 && (d.delivered == 0 || d.sequence == 0))
                abort();
        if (jetstream_token(copy, token, sizeof(token)) == 0 && strpbrk(token, ".*> \t\r\n"))
                abort();
        (void)jetstream_find_sequence((const char *)data, size, &sequence);
        free(copy);
        return 0;
}

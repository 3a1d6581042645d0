/* call_id - UUIDs (RFC 9562, version 4) for calls. */
#ifndef BRAMBLE_GATEWAY_CALL_ID_H
#define BRAMBLE_GATEWAY_CALL_ID_H

#include <stdint.h>

enum { CALL_ID_SIZE = 37 }; /* with its NUL */

/* Random bytes are fetched for many ids at a time.  All zero is ready for use. */
struct call_ids {
        uint8_t random[512];
        unsigned left;
};

/* 0, or negative errno where the kernel gives no random bytes. */
int call_id_make(struct call_ids *ids, char ret[static CALL_ID_SIZE]);

#endif

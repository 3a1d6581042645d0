#include "core/frame.h"

#include <assert.h>
#include <errno.h>

/* What the length counts besides the body: type and stream. */
enum { COUNTED = FRAME_HEADER - 4 };

static uint32_t get_u32(const uint8_t *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u32(uint8_t *p, uint32_t v) {
        p[0] = (uint8_t)(v >> 24);
        p[1] = (uint8_t)(v >> 16);
        p[2] = (uint8_t)(v >> 8);
        p[3] = (uint8_t)v;
}

long frame_parse(const void *data, size_t len, struct frame *ret) {
        const uint8_t *p = data;
        uint32_t counted;

        if (len < 4)
                return 0;
        counted = get_u32(p);
        if (counted > LIMIT_FRAME_BYTES)
                return -EMSGSIZE;
        if (counted < COUNTED)
                return -EBADMSG;
        /* said as soon as the byte is there: a sender of nonsense is not waited for */
        if (len > 4 && (p[4] == 0 || p[4] >= FRAME_TYPE_MAX))
                return -EBADMSG;
        if (len - 4 < counted)
                return 0;
        *ret = (struct frame){
                .type = p[4],
                .stream = get_u32(p + 5),
                .body = p + FRAME_HEADER,
                .len = counted - COUNTED,
        };
        return (long)counted + 4;
}

void frame_header(uint8_t ret[static FRAME_HEADER], enum frame_type type, uint32_t stream,
                  size_t len) {
        assert(len <= FRAME_BODY_MAX);
        assert(type > 0 && type < FRAME_TYPE_MAX);
        put_u32(ret, (uint32_t)(len + COUNTED));
        ret[4] = (uint8_t)type;
        put_u32(ret + 5, stream);
}

#include "base/wire.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

static void put(struct wire_out *w, const void *data, size_t len) {
        if (w->error == 0)
                w->error = buf_add(w->buf, data, len);
}

void wire_put_u8(struct wire_out *w, uint8_t v) {
        put(w, &v, 1);
}

void wire_put_u16(struct wire_out *w, uint16_t v) {
        const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

        put(w, b, sizeof(b));
}

void wire_put_u32(struct wire_out *w, uint32_t v) {
        const uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                               (uint8_t)v };

        put(w, b, sizeof(b));
}

void wire_put_u64(struct wire_out *w, uint64_t v) {
        wire_put_u32(w, (uint32_t)(v >> 32));
        wire_put_u32(w, (uint32_t)v);
}

void wire_put_bytes(struct wire_out *w, const void *data, size_t len) {
        if (len > UINT32_MAX) {
                if (w->error == 0)
                        w->error = -EMSGSIZE;
                return;
        }
        wire_put_u32(w, (uint32_t)len);
        put(w, data, len);
}

void wire_put_text(struct wire_out *w, const char *text) {
        wire_put_bytes(w, text, strlen(text));
}

static const uint8_t *get(struct wire_in *w, size_t len) {
        const uint8_t *p = w->data;

        if (w->bad || len > w->len) {
                w->bad = true;
                return NULL;
        }
        w->data += len;
        w->len -= len;
        return p;
}

uint8_t wire_get_u8(struct wire_in *w) {
        const uint8_t *p = get(w, 1);

        return p ? p[0] : 0;
}

bool wire_get_bool(struct wire_in *w) {
        uint8_t v = wire_get_u8(w);

        if (v > 1)
                w->bad = true;
        return v == 1;
}

uint16_t wire_get_u16(struct wire_in *w) {
        const uint8_t *p = get(w, 2);

        if (!p)
                return 0;
        return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

uint32_t wire_get_u32(struct wire_in *w) {
        const uint8_t *p = get(w, 4);

        if (!p)
                return 0;
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t wire_get_u64(struct wire_in *w) {
        uint64_t high = wire_get_u32(w), low = wire_get_u32(w);

        return w->bad ? 0 : high << 32 | low;
}

const void *wire_get_bytes(struct wire_in *w, size_t max, size_t *ret_len) {
        uint32_t len = wire_get_u32(w);
        const uint8_t *p;

        *ret_len = 0;
        if (len > max)
                w->bad = true;
        p = get(w, len);
        if (p)
                *ret_len = len;
        return p;
}

void wire_get_text(struct wire_in *w, char *dst, size_t size) {
        size_t len;
        const char *p = wire_get_bytes(w, size ? size - 1 : 0, &len);

        dst[0] = '\0';
        if (p && str_copy_n(dst, size, p, len) < 0)
                w->bad = true;
}

uint32_t wire_get_count(struct wire_in *w, uint32_t max) {
        uint32_t n = wire_get_u32(w);

        if (n > max)
                w->bad = true;
        return w->bad ? 0 : n;
}

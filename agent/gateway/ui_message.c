#include "gateway/ui_message.h"

#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>

/* Small: 64 KB of memory in place of 256, for texts that are packed each by itself. */
enum { LEVEL = 6, WINDOW_BITS = 14, MEMORY_LEVEL = 6 };

const char ui_message_gzip_head[UI_GZIP_HEAD] = { 0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

static struct ui_message *message_new(void) {
        struct ui_message *m = calloc(1, sizeof(*m));

        if (m) {
                m->refs = 1;
                m->plain.limit = m->packed.limit = UI_MESSAGE_BYTES;
        }
        return m;
}

int ui_message_more(struct ui_message *m, const char *event) {
        return buf_printf(&m->plain, "event: %s\ndata: ", event);
}

int ui_message_end(struct ui_message *m) {
        return buf_add(&m->plain, "\n\n", 2);
}

struct ui_message *ui_message_begin(const char *event) {
        struct ui_message *m = message_new();

        if (m && ui_message_more(m, event) == 0)
                return m;
        ui_message_unref(m);
        return NULL;
}

struct ui_message *ui_message_text(const char *text) {
        struct ui_message *m = message_new();

        if (m && buf_add_text(&m->plain, text) == 0)
                return m;
        ui_message_unref(m);
        return NULL;
}

struct ui_message *ui_message_ref(struct ui_message *m) {
        m->refs++;
        return m;
}

void ui_message_unref(struct ui_message *m) {
        if (!m || --m->refs > 0)
                return;
        buf_done(&m->plain);
        buf_done(&m->packed);
        free(m);
}

/* Each message is packed by itself, and ends at a byte with all said: RFC 1951 lets blocks follow
 * each other as they come. */
static int pack(struct ui_message *m, struct ui_packer *packer) {
        z_stream *z = &packer->z;
        size_t most;
        int r;

        if (!packer->ready && deflateInit2(z, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                                           Z_DEFAULT_STRATEGY) != Z_OK)
                return -ENOMEM;
        packer->ready = true;
        (void)deflateReset(z);
        most = deflateBound(z, m->plain.len) + 16; /* and the empty block of the flush */
        r = buf_reserve(&m->packed, most);
        if (r < 0)
                return r;
        z->next_in = (Bytef *)m->plain.data;
        z->avail_in = (uInt)m->plain.len;
        z->next_out = (Bytef *)m->packed.data;
        z->avail_out = (uInt)most;
        if (deflate(z, Z_FULL_FLUSH) != Z_OK || z->avail_in > 0 || z->avail_out == 0)
                return -ENOMEM;
        m->packed.len = most - z->avail_out;
        return 0;
}

int ui_message_bytes(struct ui_message *m, bool packed, struct ui_packer *packer,
                     const struct buf **ret) {
        int r = packed && m->packed.len == 0 ? pack(m, packer) : 0;

        if (r == 0)
                *ret = packed ? &m->packed : &m->plain;
        return r;
}

void ui_packer_done(struct ui_packer *packer) {
        if (packer->ready)
                (void)deflateEnd(&packer->z);
        *packer = (struct ui_packer){ 0 };
}

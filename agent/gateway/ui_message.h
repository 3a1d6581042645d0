/* ui_message - what the stream sends, made once for all viewers: as it is, and packed, so that
 * messages put one behind the other are one gzip stream. */
#ifndef BRAMBLE_GATEWAY_UI_MESSAGE_H
#define BRAMBLE_GATEWAY_UI_MESSAGE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

enum { UI_MESSAGE_BYTES = 4 * 1024 * 1024 };

/* Keeps the memory that packing needs. */
struct ui_packer {
        z_stream z;
        bool ready;
};

/* Counted references. */
struct ui_message {
        unsigned refs;
        struct buf plain, packed;
};

/* One with its event's name begun: the caller adds the data, one line, to 'plain', and calls
 * ui_message_end().  NULL: no memory. */
struct ui_message *ui_message_begin(const char *event);
/* Another event in the same message. */
int ui_message_more(struct ui_message *m, const char *event);
int ui_message_end(struct ui_message *m);
/* A whole message of any text: a comment. */
struct ui_message *ui_message_text(const char *text);
struct ui_message *ui_message_ref(struct ui_message *m);
/* NULL is a no-op. */
void ui_message_unref(struct ui_message *m);

/* The bytes for one who takes gzip, or not.  A packed stream begins with ui_message_gzip_head.
 * -ENOMEM. */
int ui_message_bytes(struct ui_message *m, bool pack, struct ui_packer *packer,
                     const struct buf **ret);
void ui_packer_done(struct ui_packer *packer);

/* RFC 1952: the head of a gzip file without a name. */
enum { UI_GZIP_HEAD = 10 };
extern const char ui_message_gzip_head[UI_GZIP_HEAD];

#endif

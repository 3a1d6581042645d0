/* ui_assets - the page's files, read once and kept packed. */
#ifndef BRAMBLE_GATEWAY_UI_ASSETS_H
#define BRAMBLE_GATEWAY_UI_ASSETS_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        UI_ASSETS = 64,
        UI_ASSET_NAME = 96,
        UI_ASSETS_BYTES = 2 * 1024 * 1024, /* of all of them, unpacked */
        UI_ETAG = 24,
};

struct ui_asset {
        char name[UI_ASSET_NAME]; /* below assets/; "" is index.html */
        char etag[UI_ETAG];       /* with its quotes, of the file as it is */
        const char *type;
        struct buf packed; /* gzip; empty: not worth it */
        struct buf plain;  /* only where 'packed' is empty */
        size_t size;       /* unpacked */
};

struct ui_assets {
        size_t n, bytes;
        struct ui_asset items[UI_ASSETS];
};

/* Reads DIR/index.html and the files right below DIR/assets; what is no file of a page, or too
 * much, is left out and said.  -ENOENT where there is no index.html. */
int ui_assets_read(struct ui_assets *a, const char *dir);
void ui_assets_done(struct ui_assets *a);

/* NULL where there is none; "" is the index. */
const struct ui_asset *ui_assets_find(const struct ui_assets *a, const struct http_text *name);
/* The file as it is, in 'out'. */
int ui_asset_unpack(const struct ui_asset *asset, struct buf *out);

#endif

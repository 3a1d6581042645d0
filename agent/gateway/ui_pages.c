/* The page's files. */
#include "base/scope.h"
#include "base/str.h"
#include "gateway/ui_private.h"

#include <stdio.h>
#include <string.h>

/* For the form and the tables: readable, dark and light, and no more. */
static const char base_css[] =
        ":root{color-scheme:light dark}"
        "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:70rem}"
        "label{display:inline-block;min-width:6rem}"
        "input,button{font:inherit;padding:.3rem .6rem;max-width:100%;box-sizing:border-box}"
        "div.wide{overflow-x:auto}"
        "table{border-collapse:collapse;margin:0 0 1rem}"
        "th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid GrayText}"
        "caption{text-align:left;font-weight:bold;padding:.5rem 0}"
        ".bad{font-weight:bold;border-left:.3rem solid;padding-left:.6rem}"
        "a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid}";

void ui_base_css(struct ui_request *q) {
        ui_reply(q, 200, "Cache-Control: max-age=3600\r\n", "text/css; charset=utf-8", base_css,
                 sizeof(base_css) - 1);
}

/* RFC 9110 13.1.2, for clients that have kept one form of the file. */
static bool is_known(const struct ui_request *q, const struct ui_asset *asset) {
        const char *since = q->since;

        if (strncmp(since, "W/", 2) == 0)
                since += 2;
        return str_eq(since, "*") || str_eq(since, asset->etag);
}

static void send_asset(struct ui_request *q, const struct ui_asset *asset, const char *cache) {
        bool packed = q->pack && asset->packed.len > 0;
        auto_buf struct buf plain = { 0 };
        char lines[256];

        (void)snprintf(lines, sizeof(lines), "%sETag: %s%s\r\nVary: Accept-Encoding\r\n%s", cache,
                       packed ? "W/" : "", asset->etag, packed ? "Content-Encoding: gzip\r\n" : "");
        if (is_known(q, asset))
                ui_reply(q, 304, lines, NULL, "", 0);
        else if (packed)
                ui_reply(q, 200, lines, asset->type, asset->packed.data, asset->packed.len);
        else if (ui_asset_unpack(asset, &plain) == 0)
                ui_reply(q, 200, lines, asset->type, plain.data, plain.len);
        else
                ui_reply_text(q, 503, "", "The gateway is out of memory.\n");
}

void ui_page(struct ui_request *q) {
        const struct ui_asset *asset = ui_assets_find(&q->ui->assets, &(struct http_text){ "", 0 });

        if (asset)
                send_asset(q, asset, ui_no_store);
        else
                ui_status(q); /* the page is not installed: what there is to see is there */
}

void ui_asset(struct ui_request *q) {
        const struct ui_asset *asset = ui_assets_find(&q->ui->assets, &q->rest);

        if (asset && asset->name[0])
                send_asset(q, asset, "Cache-Control: public, max-age=31536000, immutable\r\n");
        else
                ui_reply_text(q, 404, "", "There is no such file of the page.\n");
}

/* The page's files. */
#include "base/scope.h"
#include "base/str.h"
#include "gateway/ui_private.h"

#include <stdio.h>
#include <string.h>

/* For the form and the tables: readable, in the page's colours, dark and light, and no more. */
static const char base_css[] =
        ":root{color-scheme:light dark;--ground:#f5f3f1;--card:#fff;--ink:#231c20;--soft:#625960;"
        "--line:#e1dbdd;--edge:#8c8288;--berry:#8f2458;--on:#fff;--bad:#a51c1c;--bad-soft:#fde9e7}"
        "@media(prefers-color-scheme:dark){:root{--ground:#151214;--card:#1f1b1e;--ink:#f0eaed;"
        "--soft:#b5aab1;--line:#383035;--edge:#8b8087;--berry:#f09abd;--on:#2b0a1a;--bad:#ff9c91;"
        "--bad-soft:#3d1a17}}"
        "*{box-sizing:border-box}"
        "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 "
        "system-ui,sans-serif}"
        "main{margin:0 auto;padding:1.5rem 1rem;max-width:76rem}"
        "main:has(#user){max-width:25rem;margin-top:12vh;padding:1.5rem 2rem;"
        "background:var(--card);border:1px solid var(--line);border-radius:14px}"
        "h1{margin:0 0 1rem;font-size:1.5rem;letter-spacing:-.01em}a{color:var(--berry)}"
        "label{display:block;margin-bottom:.25rem;font-size:.875rem;font-weight:600}"
        "main:has(#user) button,input{width:100%}input,button{min-height:2.5rem;padding:.3rem "
        ".75rem;border:1px solid "
        "var(--edge);"
        "border-radius:8px;background:var(--card);color:inherit;font:inherit}"
        "button{border-color:var(--berry);background:var(--berry);color:var(--on);font-weight:600}"
        "form+p{margin-bottom:0;color:var(--soft);font-size:.875rem}"
        "div.wide{margin-bottom:1.5rem;padding:.25rem 1rem;overflow-x:auto;background:var(--card);"
        "border:1px solid var(--line);border-radius:12px}"
        "table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "th,td{padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);text-align:left;"
        "vertical-align:top}tr:last-child>*{border-bottom:0}thead th{color:var(--soft);"
        "font-size:.8125rem}caption{padding:.5rem 0;font-weight:700;text-align:left}"
        ".bad{padding:.5rem .75rem;border-left:.3rem solid;background:var(--bad-soft);"
        "color:var(--bad);font-weight:600}"
        ":focus-visible{outline:3px solid var(--berry);outline-offset:2px}";

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

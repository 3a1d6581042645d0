/* A request below /ui/: what is kept of it until it is answered, and the answers. */
#include "base/scope.h"
#include "base/str.h"
#include "core/cookie.h"
#include "core/html.h"
#include "gateway/client.h"
#include "gateway/reply.h"
#include "gateway/ui_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No script or style but the page's own files, nothing from elsewhere, in nobody's frame. */
const char ui_headers[] =
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "X-Frame-Options: DENY\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n";

const char *ui_cookie_name(const struct client *c) {
        return client_is_tls(c) ? UI_COOKIE_TLS : UI_COOKIE;
}

void ui_read_cookie(const struct http_head *head, const char *name,
                    char ret[static SESSION_TOKEN]) {
        const struct http_text *cookies = http_header(head, "cookie");

        if (!cookies || cookie_value(cookies, name, ret, SESSION_TOKEN) < 0)
                ret[0] = '\0';
}

/* Known by whoever needs the head; the body is yet to come. */
struct ui_request *ui_request_new(struct ui *ui, struct client *c, const struct http_head *head) {
        const struct http_text *encoding = http_header(head, "accept-encoding");
        const struct http_text *since = http_header(head, "if-none-match");
        struct ui_request *q = calloc(1, sizeof(*q));
        struct session *session;

        if (!q)
                return NULL;
        list_append(&ui->requests, &q->link);
        ui->n_requests++;
        q->ui = ui;
        q->client = c;
        q->tls = client_is_tls(c);
        q->body.limit = UI_BODY_BYTES;
        q->pack = encoding && http_list_has(encoding, "gzip");
        if (since)
                (void)str_copy_n(q->since, sizeof(q->since), since->at, since->len);
        ui_read_cookie(head, ui_cookie_name(c), q->token);
        ui_read_cookie(head, UI_COOKIE_LOGIN, q->login);
        session = ui_request_session(q);
        q->page = session && session_csrf_fits(session, http_header(head, "x-bramble-csrf"));
        return q;
}

/* ---- a request --------------------------------------------------------------------------------
 */

void ui_request_free(struct ui_request *q) {
        if (q->asked)
                agent_forget(q->asked);
        if (q->action)
                ui_action_orphan(q->action);
        list_remove(&q->link);
        q->ui->n_requests--;
        if (q->body.data)
                explicit_bzero(q->body.data, q->body.len); /* there may be a password in it */
        buf_done(&q->body);
        explicit_bzero(q, sizeof(*q));
        free(q);
}

struct client *ui_take_client(struct ui_request *q) {
        struct client *c = q->client;

        ui_request_free(q);
        return c;
}

static void send_reply(struct client *c, unsigned status, const char *headers, const char *type,
                       const void *body, size_t len) {
        char lines[sizeof(ui_headers) + 512];

        (void)snprintf(lines, sizeof(lines), "%s%s", ui_headers, headers);
        reply_send(c, status, lines, type, body, len);
}

void ui_reply(struct ui_request *q, unsigned status, const char *headers, const char *type,
              const void *body, size_t len) {
        send_reply(ui_take_client(q), status, headers, type, body, len);
}

__attribute__((format(printf, 4, 0))) static void send_text(struct client *c, unsigned status,
                                                            const char *headers, const char *format,
                                                            va_list args) {
        char lines[256], text[512];

        (void)vsnprintf(text, sizeof(text), format, args);
        (void)snprintf(lines, sizeof(lines), "%s%s", ui_no_store, headers);
        send_reply(c, status, lines, "text/plain; charset=utf-8", text, strlen(text));
}

void ui_refuse(struct client *c, unsigned status, const char *headers, const char *format, ...) {
        va_list args;

        va_start(args, format);
        send_text(c, status, headers, format, args);
        va_end(args);
}

void ui_reply_text(struct ui_request *q, unsigned status, const char *headers, const char *format,
                   ...) {
        struct client *c = q->client;
        char text[512];
        va_list args;

        va_start(args, format); /* the arguments may lie in what is freed next */
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        ui_request_free(q);
        ui_refuse(c, status, headers, "%s", text);
}

void ui_reply_json(struct ui_request *q, unsigned status, cJSON *o) {
        auto_free char *text = o ? cJSON_PrintUnformatted(o) : NULL;

        cJSON_Delete(o);
        if (text)
                ui_reply(q, status, ui_no_store, "application/json", text, strlen(text));
        else
                ui_reply_text(q, 503, "", "The gateway is out of memory.");
}

void ui_reply_error(struct ui_request *q, unsigned status, const char *format, ...) {
        cJSON *o = cJSON_CreateObject();
        char text[512];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)cJSON_AddStringToObject(o, "error", text);
        ui_reply_json(q, status, o);
}

int ui_html_begin(struct buf *out, const char *title) {
        int r = buf_add_text(out,
                             "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                             "<meta name=\"viewport\" content=\"width=device-width, "
                             "initial-scale=1\"><meta name=\"color-scheme\" "
                             "content=\"light dark\"><link rel=\"icon\" href=\"data:,\">"
                             "<link rel=\"stylesheet\" href=\"/ui/base.css\">");

        if (r == 0)
                r = buf_add_text(out, "<title>");
        if (r == 0)
                r = html_add(out, title);
        return r < 0 ? r : buf_add_text(out, "</title></head>\n<body><main>\n");
}

void ui_reply_html(struct ui_request *q, unsigned status, const char *headers, struct buf *body) {
        char lines[512];

        (void)snprintf(lines, sizeof(lines), "%s%s", ui_no_store, headers);
        if (buf_add_text(body, "</main></body></html>\n") == 0)
                ui_reply(q, status, lines, "text/html; charset=utf-8", body->data, body->len);
        else
                ui_reply_text(q, 503, "", "The gateway is out of memory.");
        buf_done(body);
}

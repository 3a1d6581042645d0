#include "core/http_forward.h"

#include "core/cookie.h"
#include "core/http_status.h"

#include <stdio.h>
#include <string.h>

/* Headers that a call sets itself. */
enum own {
        OWN_NONE,
        OWN_FRAMING,
        OWN_CALL_ID,
        OWN_START,
        OWN_FORWARDED_FOR,
        OWN_EXPECT,
        OWN_COOKIE,
        OWN_CSRF,
        OWN_SET_COOKIE,
        OWN_CLEAR_SITE,
};

static enum own own_header(const struct http_text *name) {
        switch (name->len) {
        case 6:
                return http_text_is_nocase(name, "expect")   ? OWN_EXPECT
                       : http_text_is_nocase(name, "cookie") ? OWN_COOKIE
                                                             : OWN_NONE;
        case 9:
                return http_text_is_nocase(name, "x-call-id") ? OWN_CALL_ID : OWN_NONE;
        case 10:
                return http_text_is_nocase(name, "set-cookie") ? OWN_SET_COOKIE : OWN_NONE;
        case 12:
                return http_text_is_nocase(name, "x-start-time") ? OWN_START : OWN_NONE;
        case 14:
                return http_text_is_nocase(name, "content-length")   ? OWN_FRAMING
                       : http_text_is_nocase(name, "x-bramble-csrf") ? OWN_CSRF
                                                                     : OWN_NONE;
        case 15:
                return http_text_is_nocase(name, "x-forwarded-for")   ? OWN_FORWARDED_FOR
                       : http_text_is_nocase(name, "clear-site-data") ? OWN_CLEAR_SITE
                                                                      : OWN_NONE;
        default:
                return OWN_NONE;
        }
}

const struct http_text *http_forward_id(const struct http_head *request) {
        const struct http_text *id = http_header(request, "x-call-id");

        return id && id->len > 0 && id->len <= HTTP_FORWARD_ID_MAX ? id : NULL;
}

static int add(struct buf *out, const struct http_text *t) {
        return buf_add(out, t->at, t->len);
}

static int add_header(struct buf *out, const struct http_header *h) {
        int r = add(out, &h->name);

        if (r == 0)
                r = buf_add(out, ": ", 2);
        if (r == 0)
                r = add(out, &h->value);
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

/* The bytes of all headers and of what is added to them, so that memory is asked for once. */
static size_t room(const struct http_head *h, const struct http_forward *call) {
        size_t n = 512 + HTTP_FORWARD_ID_MAX + h->target.len + h->method.len + h->reason.len;

        for (size_t i = 0; i < h->n_headers; i++)
                n += h->headers[i].name.len + h->headers[i].value.len + 4;
        return n + (call->id ? strlen(call->peer) : 0) + strlen(call->function);
}

static int add_upgrade(struct buf *out, const struct http_head *h) {
        const struct http_text *to = http_header(h, "upgrade");

        return to ? buf_printf(out, "Connection: Upgrade\r\nUpgrade: %.*s\r\n", (int)to->len,
                               to->at)
                  : 0;
}

static int add_framing(struct buf *out, const struct http_head *h, bool chunked) {
        if (h->body == HTTP_BODY_LENGTH) {
                int r = buf_add_text(out, "Content-Length: ");

                if (r == 0)
                        r = buf_add_number(out, h->length);
                return r < 0 ? r : buf_add(out, "\r\n", 2);
        }
        if (h->body == HTTP_BODY_CHUNKED && chunked)
                return buf_add_text(out, "Transfer-Encoding: chunked\r\n");
        return 0;
}

/* RFC 7239's older brother: each proxy appends the peer that it saw. */
static int add_forwarded(struct buf *out, const struct http_head *h,
                         const struct http_forward *call) {
        int r;

        if (!call->id)
                return 0;
        r = buf_add_text(out, "X-Forwarded-For: ");
        for (size_t i = 0; i < h->n_headers && r == 0; i++) {
                if (own_header(&h->headers[i].name) != OWN_FORWARDED_FOR)
                        continue;
                r = add(out, &h->headers[i].value);
                if (r == 0)
                        r = buf_add(out, ", ", 2);
        }
        if (r == 0)
                r = buf_add_text(out, call->peer);
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

static int add_call(struct buf *out, const struct http_forward *call) {
        int r;

        if (!call->id)
                return 0;
        r = buf_add_text(out, "X-Call-Id: ");
        if (r == 0)
                r = buf_add_text(out, call->id);
        if (r == 0)
                r = buf_add_text(out, "\r\nX-Start-Time: ");
        if (r == 0)
                r = buf_add_number(out, call->start_ns);
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

static int add_request_line(struct buf *out, const struct http_head *request,
                            const struct http_text *rest) {
        int r = add(out, &request->method);

        if (r == 0)
                r = rest->len > 0 ? buf_add(out, " ", 1) : buf_add(out, " /", 2);
        if (r == 0)
                r = add(out, rest);
        if (r == 0 && request->query.at) {
                r = buf_add(out, "?", 1);
                if (r == 0)
                        r = add(out, &request->query);
        }
        return r < 0 ? r : buf_add_text(out, " HTTP/1.1\r\n");
}

/* Host stays the client's, so that a function can tell by which name it was called. */
static int add_hosts(struct buf *out, const struct http_head *request,
                     const struct http_forward *call, bool has_host, bool has_forwarded_host) {
        const struct http_text *host = http_header(request, "host");
        int r = 0;

        if (!has_host)
                r = buf_printf(out, "Host: %s\r\n", call->function);
        if (r == 0 && call->id && !has_forwarded_host && host && host->len > 0)
                r = add_header(out, &(struct http_header){ { "X-Forwarded-Host", 16 }, *host });
        return r;
}

/* Is it said anew, or of no use to the other side? */
static bool drops(const struct http_head *head, const struct http_forward *call,
                  const struct http_text *name) {
        switch (own_header(name)) {
        case OWN_NONE:
        case OWN_COOKIE:
        case OWN_SET_COOKIE:
        case OWN_CLEAR_SITE:
                break;
        case OWN_FRAMING:
        case OWN_EXPECT:
        case OWN_CSRF:
                return true;
        case OWN_CALL_ID:
        case OWN_START:
        case OWN_FORWARDED_FOR:
                if (call->id)
                        return true;
        }
        return http_hop_by_hop(head, name);
}

/* Whoever has the dashboard's cookies is logged in there. */
static int add_cookies(struct buf *out, const struct http_header *h) {
        size_t before = out->len, empty;
        int r;

        if (!cookie_has(&h->value, HTTP_FORWARD_OWN_COOKIES))
                return add_header(out, h);
        r = buf_add_text(out, "Cookie: ");
        empty = out->len;
        if (r == 0)
                r = cookie_without(&h->value, HTTP_FORWARD_OWN_COOKIES, out);
        if (r == 0 && out->len == empty)
                out->len = before;
        else if (r == 0)
                r = buf_add(out, "\r\n", 2);
        return r;
}

int http_forward_request(struct buf *out, const struct http_head *request,
                         const struct http_forward *call, bool upgrade) {
        bool has_host = false, has_forwarded_host = false;
        int r = buf_reserve(out, room(request, call));

        if (r == 0)
                r = add_request_line(out, request, &call->rest);
        for (size_t i = 0; i < request->n_headers && r == 0; i++) {
                const struct http_header *h = &request->headers[i];

                if (drops(request, call, &h->name))
                        continue;
                has_host = has_host || http_text_is_nocase(&h->name, "host");
                has_forwarded_host =
                        has_forwarded_host || http_text_is_nocase(&h->name, "x-forwarded-host");
                r = own_header(&h->name) == OWN_COOKIE ? add_cookies(out, h) : add_header(out, h);
        }
        if (r == 0)
                r = add_hosts(out, request, call, has_host, has_forwarded_host);
        if (r == 0)
                r = add_forwarded(out, request, call);
        if (r == 0)
                r = add_call(out, call);
        if (r == 0)
                r = add_framing(out, request, true);
        if (r == 0 && upgrade)
                r = add_upgrade(out, request);
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

static int add_status_line(struct buf *out, const struct http_head *response) {
        int r = buf_add_text(out, "HTTP/1.1 ");

        if (r == 0)
                r = buf_add_number(out, response->status);
        if (r == 0)
                r = buf_add(out, " ", 1);
        if (r == 0)
                r = response->reason.len > 0 ? add(out, &response->reason)
                                             : buf_add_text(out, http_reason(response->status));
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

/* A response without a body may still say how long it would be: to HEAD, and a 304. */
static bool keeps_length(const struct http_head *response) {
        return response->body == HTTP_BODY_NONE && response->status >= 200 &&
               response->status != 204;
}

/* A function shares its origin with the dashboard, and could log people out of it. */
static bool is_the_dashboards(const struct http_forward *call, const struct http_header *h) {
        enum own own = own_header(&h->name);

        return (own == OWN_SET_COOKIE && cookie_sets(&h->value, HTTP_FORWARD_OWN_COOKIES)) ||
               (own == OWN_CLEAR_SITE && call->id);
}

int http_forward_response(struct buf *out, const struct http_head *response,
                          const struct http_forward *call, const char *connection, bool chunked) {
        int r = buf_reserve(out, room(response, call));

        if (r == 0)
                r = add_status_line(out, response);
        for (size_t i = 0; i < response->n_headers && r == 0; i++) {
                const struct http_header *h = &response->headers[i];
                enum own own = own_header(&h->name);

                if ((call->id && (own == OWN_CALL_ID || own == OWN_START)) ||
                    (own == OWN_FRAMING && !keeps_length(response)) || is_the_dashboards(call, h) ||
                    http_hop_by_hop(response, &h->name))
                        continue;
                r = add_header(out, h);
        }
        if (r == 0 && (response->status >= 200 || response->status == 101))
                r = add_call(out, call);
        if (r == 0 && call->sandbox && response->status >= 200)
                r = buf_add_text(out, "Content-Security-Policy: sandbox allow-scripts allow-forms "
                                      "allow-popups allow-modals allow-downloads\r\n");
        if (r == 0)
                r = add_framing(out, response, chunked);
        if (r == 0)
                r = response->status == 101 ? add_upgrade(out, response)
                                            : buf_add_text(out, connection);
        return r < 0 ? r : buf_add(out, "\r\n", 2);
}

#include "gateway/reply.h"

#include "core/http_status.h"
#include "gateway/client.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_send(struct client *c, unsigned status, const char *headers, const char *type,
                const char *body, size_t len) {
        char head[1024], length[40] = ""; /* a 304 would have to say that of what it is not */
        uv_buf_t bufs[2];
        int n;

        if (status != 304)
                (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", len);
        n = snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\n%s%s%s%s%s%s\r\n", status,
                     http_reason(status), headers, type ? "Content-Type: " : "", type ? type : "",
                     type ? "\r\n" : "", length, client_connection_line(c, false));

        if (n < 0 || (size_t)n >= sizeof(head)) {
                client_abort(c);
                return;
        }
        bufs[0] = uv_buf_init(head, (unsigned)n);
        bufs[1] = uv_buf_init((char *)(uintptr_t)body, (unsigned)len);
        if (client_write(c, bufs, len > 0 && !client_is_head(c) ? 2 : 1) < 0)
                client_abort(c);
        else
                client_finish(c);
}

__attribute__((format(printf, 4, 0))) static void send_sentence(struct client *c, unsigned status,
                                                                const char *headers,
                                                                const char *format, va_list args) {
        char text[512], lines[512];
        int n = vsnprintf(text, sizeof(text) - 1, format, args);

        if (n < 0)
                n = 0;
        if ((size_t)n > sizeof(text) - 2)
                n = sizeof(text) - 2;
        text[n++] = '\n';
        (void)snprintf(lines, sizeof(lines), "%sX-OpenFaaS-Internal: bramble\r\n", headers);
        reply_send(c, status, lines, "text/plain; charset=utf-8", text, (size_t)n);
}

void reply_error(struct client *c, unsigned status, const char *format, ...) {
        va_list args;

        va_start(args, format);
        send_sentence(c, status, "", format, args);
        va_end(args);
}

void reply_error_with(struct client *c, unsigned status, const char *headers, const char *format,
                      ...) {
        va_list args;

        va_start(args, format);
        send_sentence(c, status, headers, format, args);
        va_end(args);
}

void reply_json(struct client *c, unsigned status, cJSON *o) {
        char *text = o ? cJSON_PrintUnformatted(o) : NULL;

        cJSON_Delete(o);
        if (text)
                reply_send(c, status, "", "application/json", text, strlen(text));
        else
                reply_error(c, 500, "The gateway is out of memory.");
        free(text);
}

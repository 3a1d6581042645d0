#include "io/http_probe.h"

#include "core/http_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES = 4096 };

struct probe {
        uv_tcp_t tcp;
        uv_timer_t timer;
        uv_connect_t connect;
        uv_write_t write;
        unsigned handles; /* not closed yet */
        int status;       /* 0: nothing is known */
        http_probe_cb done;
        void *arg;
        char request[128];
        size_t len, scanned;
        char answer[ANSWER_BYTES];
};

static void handle_closed(uv_handle_t *handle) {
        struct probe *p = handle->data;

        if (--p->handles > 0)
                return;
        p->done(p->arg, p->status);
        free(p);
}

static void finish(struct probe *p, int status) {
        if (p->status != 0)
                return;
        p->status = status;
        uv_close((uv_handle_t *)&p->tcp, handle_closed);
        uv_close((uv_handle_t *)&p->timer, handle_closed);
}

static void on_timer(uv_timer_t *timer) {
        finish(timer->data, -ETIMEDOUT);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
        struct probe *p = handle->data;

        (void)suggested;
        *ret = uv_buf_init(p->answer + p->len, (unsigned)(sizeof(p->answer) - p->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct probe *p = stream->data;
        struct http_head head;
        long r;

        (void)buf;
        if (n < 0) {
                finish(p, n == UV_EOF ? -EPROTO : (int)n);
                return;
        }
        p->len += (size_t)n;
        r = http_parse_response(p->answer, p->len, &p->scanned, false, &head);
        if (r > 0)
                finish(p, head.status);
        else if (r < 0 || p->len == sizeof(p->answer))
                finish(p, -EPROTO);
}

static void on_written(uv_write_t *write, int status) {
        struct probe *p = write->data;

        if (status < 0)
                finish(p, status);
}

static void on_connected(uv_connect_t *connect, int status) {
        struct probe *p = connect->data;
        uv_buf_t out = uv_buf_init(p->request, (unsigned)strlen(p->request));

        if (status == 0)
                status = uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
        if (status == 0)
                status = uv_write(&p->write, (uv_stream_t *)&p->tcp, &out, 1, on_written);
        if (status < 0)
                finish(p, status);
}

int http_probe(uv_loop_t *loop, uint16_t port, const char *path, http_probe_cb done, void *arg) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct probe *p;
        int r;

        if (strlen(path) > 64)
                return -EINVAL;
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        p->done = done;
        p->arg = arg;
        (void)snprintf(p->request, sizeof(p->request),
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
        if (uv_timer_init(loop, &p->timer) < 0 || uv_tcp_init(loop, &p->tcp) < 0) {
                free(p); /* neither fails in libuv 1.44 where there is memory */
                return -ENOMEM;
        }
        p->handles = 2;
        p->tcp.data = p->timer.data = p->connect.data = p->write.data = p;
        (void)uv_timer_start(&p->timer, on_timer, HTTP_PROBE_MS, 0);
        r = uv_tcp_connect(&p->connect, &p->tcp, (struct sockaddr *)&address, on_connected);
        if (r < 0)
                finish(p, r);
        return 0;
}

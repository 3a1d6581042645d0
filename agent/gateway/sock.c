#include "gateway/sock.h"

#include "base/scope.h"
#include "gateway/sock_tls.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

static struct sock *sock_of(void *tcp) {
        return container_of(tcp, struct sock, tcp);
}

int sock_init(struct sock *s, uv_loop_t *loop, struct sock_reader *reader,
              const struct sock_ops *ops) {
        *s = (struct sock){ .ops = ops, .reader = reader };
        return uv_tcp_init(loop, &s->tcp);
}

int sock_fd(const struct sock *s) {
        uv_os_fd_t fd;

        return uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 ? fd : -1;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
        struct sock *s = sock_of(handle);

        (void)suggested;
        *buf = uv_buf_init(s->reader->bytes, sizeof(s->reader->bytes));
}

static void end_reading(struct sock *s, int error) {
        sock_pause(s);
        if (s->ended || s->closing)
                return;
        s->ended = true;
        s->ops->end(s, error);
}

static int write_plain(struct sock *s, const uv_buf_t *bufs, unsigned n);

/* Sends what TLS has made.  As sock_write(). */
static int flush_tls(struct sock *s) {
        uv_buf_t out = sock_tls_output(s->tls);
        int r = write_plain(s, &out, 1);

        sock_tls_sent(s->tls);
        return r;
}

static void read_tls(struct sock *s, const char *data, size_t len) {
        long n = sock_tls_feed(s->tls, data, len);

        if (n == 0) {
                /* all of it, also for an owner who pauses in between: no more than one read brings
                 */
                do {
                        n = sock_tls_read(s->ssl, s->tls);
                        /* of a handshake, or an alert; a failure shows at the next read */
                        (void)flush_tls(s);
                        if (n > 0)
                                s->ops->data(s, s->tls->plain, (size_t)n);
                } while (n > 0 && !s->closing);
                sock_tls_forget(s->tls);
        }
        if (n < 0 && !s->closing)
                end_reading(s, n == -EPIPE ? 0 : (int)n);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct sock *s = sock_of(stream);

        if (n == 0)
                return;
        if (n > 0 && s->tls)
                read_tls(s, buf->base, (size_t)n);
        else if (n > 0)
                s->ops->data(s, buf->base, (size_t)n);
        else
                end_reading(s, n == UV_EOF ? 0 : (int)n);
}

int sock_resume(struct sock *s) {
        int r;

        if (s->reading || s->closing || s->ended)
                return 0;
        r = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
        s->reading = r == 0;
        return r;
}

void sock_pause(struct sock *s) {
        if (s->reading && !s->closing)
                (void)uv_read_stop((uv_stream_t *)&s->tcp);
        s->reading = false;
}

static void shut(const struct sock *s) {
        int fd = sock_fd(s);

        if (fd >= 0)
                (void)shutdown(fd, SHUT_WR);
}

static void on_written(uv_write_t *write, int status);

static int start_write(struct sock *s) {
        uv_buf_t buf = uv_buf_init(s->out.data, (unsigned)s->out.len);
        int r = uv_write(&s->write, (uv_stream_t *)&s->tcp, &buf, 1, on_written);

        s->writing = r == 0;
        return r;
}

static void on_written(uv_write_t *write, int status) {
        struct sock *s = container_of(write, struct sock, write);
        struct buf taken = s->out;

        s->writing = false;
        if (s->closing)
                return;
        if (status == 0 && s->next.len > 0) {
                s->out = s->next;
                s->next = (struct buf){ 0 };
                buf_done(&taken);
                status = start_write(s);
                if (status == 0)
                        return;
        } else {
                buf_done(&s->out);
        }
        if (status < 0) {
                end_reading(s, status);
                return;
        }
        if (s->shut_when_drained)
                shut(s);
        s->ops->drained(s);
}

/* Copies what is left of 'bufs' behind the first 'skip' bytes. */
static int queue(struct buf *to, const uv_buf_t *bufs, unsigned n, size_t skip) {
        for (unsigned i = 0; i < n; i++) {
                size_t gone = skip < bufs[i].len ? skip : bufs[i].len;
                int r = buf_add(to, bufs[i].base + gone, bufs[i].len - gone);

                if (r < 0)
                        return r;
                skip -= gone;
        }
        return 0;
}

static int write_plain(struct sock *s, const uv_buf_t *bufs, unsigned n) {
        size_t total = 0, taken = 0;
        int r;

        if (s->closing)
                return -ENOTCONN;
        if (s->writing) {
                r = queue(&s->next, bufs, n, 0);
                return r < 0 ? r : 1;
        }
        /* one piece costs the kernel less than two of which one is empty */
        for (; n > 0 && bufs[0].len == 0; n--)
                bufs++;
        while (n > 0 && bufs[n - 1].len == 0)
                n--;
        if (n == 0)
                return 0;
        for (unsigned i = 0; i < n; i++)
                total += bufs[i].len;
        r = uv_try_write((uv_stream_t *)&s->tcp, bufs, n);
        if (r < 0 && r != UV_EAGAIN)
                return r;
        if (r > 0)
                taken = (size_t)r;
        if (taken == total)
                return 0;
        r = queue(&s->out, bufs, n, taken);
        if (r == 0)
                r = start_write(s);
        return r < 0 ? r : 1;
}

int sock_write(struct sock *s, const uv_buf_t *bufs, unsigned n) {
        int r;

        if (!s->tls)
                return write_plain(s, bufs, n);
        if (s->closing)
                return -ENOTCONN;
        r = sock_tls_write(s->ssl, s->tls, bufs, n);
        if (r == 0)
                return flush_tls(s);
        sock_tls_sent(s->tls);
        return r;
}

int sock_start_tls(struct sock *s, struct tls_server *tls) {
        s->ssl = sock_tls_new(tls);
        if (!s->ssl)
                return -ENOMEM;
        s->tls = tls;
        return 0;
}

static void end_tls(struct sock *s) {
        sock_tls_end(s->ssl, s->tls);
        (void)flush_tls(s);
}

void sock_shutdown(struct sock *s) {
        if (s->closing || s->shut_when_drained)
                return;
        if (s->tls)
                end_tls(s);
        s->shut_when_drained = true;
        if (!s->writing)
                shut(s);
}

static void on_closed(uv_handle_t *handle) {
        struct sock *s = sock_of(handle);

        buf_done(&s->out);
        buf_done(&s->next);
        if (s->tls)
                sock_tls_free(s->ssl, s->tls);
        s->ops->closed(s);
}

void sock_close(struct sock *s) {
        if (s->closing)
                return;
        if (s->tls && !s->ended && !s->shut_when_drained && !s->writing)
                end_tls(s);
        s->closing = true;
        s->reading = false;
        uv_close((uv_handle_t *)&s->tcp, on_closed);
}

void sock_reset(struct sock *s) {
        if (s->closing)
                return;
        s->reading = false;
        /* refused for a socket that was shut down: then a plain close must do */
        if (uv_tcp_close_reset(&s->tcp, on_closed) == 0)
                s->closing = true;
        else
                sock_close(s);
}

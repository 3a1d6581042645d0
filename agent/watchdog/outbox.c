#include "watchdog/outbox.h"

#include "base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { PARTS = 4, SIZE_LINE = 24 };

/* Keeps what is behind the first 'sent' bytes of the parts, of which the first is kept already. */
static int keep(struct outbox *o, const struct iovec parts[static PARTS], size_t sent) {
        size_t first = parts[0].iov_len < sent ? parts[0].iov_len : sent;
        int r = 0;

        o->sent += first;
        sent -= first;
        if (outbox_empty(o)) {
                buf_done(&o->kept);
                o->sent = 0;
        }
        for (size_t i = 1; i < PARTS && r == 0; i++) {
                size_t gone = parts[i].iov_len < sent ? parts[i].iov_len : sent;

                sent -= gone;
                if (gone < parts[i].iov_len)
                        r = buf_add(&o->kept, (const char *)parts[i].iov_base + gone,
                                    parts[i].iov_len - gone);
        }
        return r;
}

int outbox_send(struct outbox *o, int fd, const char *data, size_t len, bool chunked) {
        char line[SIZE_LINE];
        int n = chunked && len > 0 ? snprintf(line, sizeof(line), "%zx\r\n", len) : 0;
        struct iovec parts[PARTS] = {
                { o->kept.data + o->sent, o->kept.len - o->sent },
                { line, (size_t)n },
                { (char *)data, len },
                { (char *)"\r\n", n ? 2 : 0 },
        };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = PARTS };
        ssize_t sent;

        if (len == 0 && outbox_empty(o))
                return 0;
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
                return -errno;
        return keep(o, parts, sent < 0 ? 0 : (size_t)sent);
}

int outbox_flush(struct outbox *o, int fd) {
        return outbox_send(o, fd, NULL, 0, false);
}

void outbox_done(struct outbox *o) {
        buf_done(&o->kept);
        o->sent = 0;
}

#include "watchdog/output.h"

#include "watchdog/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct pipes {
        unsigned n, first;         /* those before 'first' are sent and closed */
        int ends[OUTPUT_PIPES][2]; /* read, write */
        size_t len;
        size_t rest_sent;
};

static void close_ends(int ends[2]) {
        (void)close(ends[0]);
        (void)close(ends[1]);
}

size_t output_len(const struct output *o) {
        return o->text.len + (o->more ? o->more->len : 0) + o->rest.len;
}

void output_done(struct output *o) {
        buf_done(&o->text);
        buf_done(&o->rest);
        for (unsigned i = o->more ? o->more->first : 0; o->more && i < o->more->n; i++)
                close_ends(o->more->ends[i]);
        free(o->more);
        o->more = NULL;
}

/* ---- taking ------------------------------------------------------------------------------- */

static int add_pipe(struct pipes *p) {
        int ends[2];

        if (p->n == OUTPUT_PIPES || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -ENOSPC;
        if (fcntl(ends[0], F_SETPIPE_SZ, OUTPUT_PIPE) < 0) { /* one may not have many large ones */
                close_ends(ends);
                return -ENOSPC;
        }
        p->ends[p->n][0] = ends[0];
        p->ends[p->n][1] = ends[1];
        p->n++;
        return 0;
}

/* As read(), and ENOSPC. */
static ssize_t move(struct pipes *p, int from) {
        for (;;) {
                int waiting = 0, r = 0;
                ssize_t n = p->n == 0 ? -1
                                      : splice(from, NULL, p->ends[p->n - 1][1], NULL, OUTPUT_PIPE,
                                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

                if (n >= 0) {
                        p->len += (size_t)n;
                        return n;
                }
                if (p->n > 0 && errno == EAGAIN && ioctl(from, FIONREAD, &waiting) == 0 &&
                    waiting == 0)
                        return -1; /* there is nothing, rather than no room */
                if (p->n == 0 || errno == EAGAIN)
                        r = add_pipe(p);
                else
                        r = -ENOSPC;
                if (r < 0) {
                        errno = -r;
                        return -1;
                }
        }
}

static int reserve(struct buf *b, size_t more) {
        int r = buf_reserve(b, more);

        errno = -r;
        return r;
}

/* Little by way of the shared buffer, so that it needs little memory of its own. */
static ssize_t take_text(struct output *o, int from, char *scratch) {
        ssize_t n = read(from, scratch, OUTPUT_MANY);
        int r = n > 0 ? buf_add(&o->text, scratch, (size_t)n) : 0;

        if (n == OUTPUT_MANY)
                process_widen(from);
        if (r == 0)
                return n;
        errno = -r;
        return -1;
}

static ssize_t take_rest(struct output *o, int from) {
        ssize_t n;

        if (reserve(&o->rest, OUTPUT_MANY) < 0)
                return -1;
        n = read(from, o->rest.data + o->rest.len, OUTPUT_MANY);
        if (n > 0)
                o->rest.len += (size_t)n;
        return n;
}

ssize_t output_take(struct output *o, int from, char *scratch, size_t most) {
        ssize_t n = -1;

        if (o->text.len < OUTPUT_MANY)
                return take_text(o, from, scratch);
        if (!o->more)
                o->more = calloc(1, sizeof(*o->more));
        errno = o->more ? ENOSPC : ENOMEM;
        if (o->more && o->rest.len == 0)
                n = move(o->more, from);
        if (n < 0 && errno == ENOSPC)
                n = take_rest(o, from);
        if (n <= 0 || output_len(o) <= most)
                return n;
        errno = EMSGSIZE;
        return -1;
}

/* ---- sending ------------------------------------------------------------------------------ */

static int send_pipes(struct pipes *p, int socket) {
        while (p->first < p->n) {
                ssize_t n = splice(p->ends[p->first][0], NULL, socket, NULL, OUTPUT_PIPE,
                                   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
                int waiting = 0;

                if (n > 0)
                        continue;
                if (n == 0 || errno != EAGAIN)
                        return n == 0 ? -EIO : -errno;
                if (ioctl(p->ends[p->first][0], FIONREAD, &waiting) < 0 || waiting > 0)
                        return -EAGAIN;
                close_ends(p->ends[p->first++]);
        }
        return 0;
}

int output_send_rest(struct output *o, int socket) {
        struct pipes *p = o->more;
        int r = p ? send_pipes(p, socket) : 0;

        while (r == 0 && p && p->rest_sent < o->rest.len) {
                ssize_t n = send(socket, o->rest.data + p->rest_sent, o->rest.len - p->rest_sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0)
                        r = -errno;
                else
                        p->rest_sent += (size_t)n;
        }
        return r;
}

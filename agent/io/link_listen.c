/* Incoming connections. */
#include "io/link_internal.h"

#include "base/str.h"
#include "io/log.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
        TURN_ACCEPTS = 32,
        RETRY_MS = 200, /* after the process ran out of descriptors */
        FULL_AGAIN_MS = 60 * 1000,
        SIZE_KEY = 80,
};

struct link_server {
        uv_poll_t poll;
        uv_timer_t retry;
        unsigned handles;
        int fd;
        SSL_CTX *tls; /* NULL: a unix socket */
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
        uint16_t port;
        unsigned most;
        unsigned n_links; /* in both lists */
        unsigned n_handshakes;
        struct list handshakes; /* oldest first */
        struct list links;
        bool waiting;     /* for a place or a descriptor: not polling */
        uint64_t full_ms; /* when the warning about 'most' was said, 0: never */
        link_accept_cb accept;
        void *arg;
};

static void on_incoming(uv_poll_t *handle, int status, int events);
static void on_retry(uv_timer_t *timer);

/* ---- accepting ----------------------------------------------------------------------------- */

static void server_wait(struct link_server *s, uint64_t ms) {
        s->waiting = true;
        (void)uv_poll_stop(&s->poll);
        (void)uv_timer_start(&s->retry, on_retry, ms, 0);
}

static void server_go_on(struct link_server *s) {
        if (!s->waiting)
                return;
        s->waiting = false;
        (void)uv_timer_stop(&s->retry);
        (void)uv_poll_start(&s->poll, UV_READABLE, on_incoming);
}

static void on_retry(uv_timer_t *timer) {
        server_go_on(container_of(timer, struct link_server, retry));
}

/* Makes room where the oldest handshake had its time.  Milliseconds to wait, 0: there is room. */
static uint64_t server_room(struct link_server *s) {
        struct link *oldest;
        uint64_t age;

        if (s->n_handshakes < LINK_HANDSHAKES)
                return 0;
        oldest = container_of(s->handshakes.next, struct link, item);
        age = uv_now(s->poll.loop) - oldest->started_ms;
        if (age < LINK_HANDSHAKE_BUSY_MS)
                return LINK_HANDSHAKE_BUSY_MS - age;
        link_die(oldest, -ETIMEDOUT, "no handshake in time, and others wait");
        return 0;
}

static void server_take_tls(struct link_server *s, struct link *l) {
        link_tune_tcp(l);
        if (link_start_tls(l, s->tls) < 0) {
                link_die(l, -ENOMEM, "out of memory");
                return;
        }
        l->state = LINK_HANDSHAKE;
        l->timeout_ms = LINK_HANDSHAKE_MS;
        link_arm(l, LINK_HANDSHAKE_MS);
        link_update(l);
}

static void server_take_unix(struct link *l) {
        socklen_t len = sizeof(struct ucred);
        struct ucred peer;

        if (getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
                link_die(l, -errno, "cannot tell who calls");
                return;
        }
        l->uid = peer.uid;
        link_connected(l);
}

static void server_say_full(struct link_server *s) {
        uint64_t now = uv_now(s->poll.loop);

        if (s->full_ms == 0 || now - s->full_ms >= FULL_AGAIN_MS)
                log_warning("%u connections on %s: further ones are refused", s->most,
                            s->path[0] ? s->path : "the agents' port");
        s->full_ms = now; /* said again after a quiet time */
}

static void server_take(struct link_server *s, int fd) {
        struct link *l;

        if (s->n_links >= s->most) {
                (void)close(fd);
                server_say_full(s);
                return;
        }
        if (link_new(s->poll.loop, fd, &l) < 0)
                return;
        l->server = s;
        l->started_ms = uv_now(s->poll.loop);
        s->n_links++;
        s->n_handshakes++;
        list_append(&s->handshakes, &l->item);
        if (s->tls)
                server_take_tls(s, l);
        else
                server_take_unix(l);
}

static void on_incoming(uv_poll_t *handle, int status, int events) {
        struct link_server *s = container_of(handle, struct link_server, poll);

        (void)events;
        if (status < 0)
                server_wait(s, RETRY_MS); /* libuv has stopped polling */
        for (unsigned turns = 0; turns < TURN_ACCEPTS && s->fd >= 0 && !s->waiting; turns++) {
                uint64_t ms = server_room(s);
                int fd;

                if (ms > 0) {
                        server_wait(s, ms);
                        return;
                }
                fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                        server_take(s, fd);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        if (log_once("link-accept"))
                                log_error("cannot accept connections, retrying: %s",
                                          strerror(errno));
                        server_wait(s, RETRY_MS);
                        return;
                }
                if (errno == EAGAIN)
                        return;
                /* ECONNABORTED and network errors of that one connection: the next one */
        }
}

/* ---- what links tell ----------------------------------------------------------------------- */

static void refused_key(const struct link *l, char ret[static SIZE_KEY]) {
        (void)snprintf(ret, SIZE_KEY, "link-refused-%s", l->address);
}

void link_server_opened(struct link *l) {
        struct link_server *s = l->server;
        char key[SIZE_KEY];

        list_remove(&l->item);
        list_append(&s->links, &l->item);
        s->n_handshakes--;
        server_go_on(s);
        refused_key(l, key);
        log_again(key);
        s->accept(l, s->arg);
        if (!l->ops)
                link_close(l);
}

void link_server_lost(struct link *l, bool unfinished) {
        struct link_server *s = take_ptr(l->server);
        char key[SIZE_KEY];

        list_remove(&l->item);
        s->n_links--;
        if (!unfinished)
                return;
        s->n_handshakes--;
        server_go_on(s);
        if (l->error == -ECONNRESET || l->error == 0)
                return; /* it went away by itself: nobody was refused */
        refused_key(l, key);
        if (log_once(key))
                log_warning("refused a connection from %s: %s",
                            l->address[0] ? l->address : s->path, l->why);
}

/* ---- listening ----------------------------------------------------------------------------- */

static void on_server_closed(uv_handle_t *handle) {
        struct link_server *s = handle->data;

        if (--s->handles > 0)
                return;
        SSL_CTX_free(s->tls);
        free(s);
}

void link_server_close(struct link_server *s) {
        struct link *l, *next;

        if (!s)
                return;
        list_each(l, next, &s->links, item) {
                list_remove(&l->item);
                l->server = NULL;
        }
        list_each(l, next, &s->handshakes, item) {
                list_remove(&l->item);
                l->server = NULL;
                link_die(l, 0, "closed before it was open");
        }
        s->poll.data = s->retry.data = s;
        uv_close((uv_handle_t *)&s->poll, on_server_closed);
        uv_close((uv_handle_t *)&s->retry, on_server_closed);
        (void)close(s->fd);
        s->fd = -EBADF;
        if (s->path[0])
                (void)unlink(s->path);
}

/* Takes over 'fd', a bound socket, and 'tls' (NULL for a unix socket). */
static int server_new(uv_loop_t *loop, int fd, SSL_CTX *tls, unsigned most, link_accept_cb accept,
                      void *arg, struct link_server **ret) {
        struct link_server *s = calloc(1, sizeof(*s));
        int r = s ? 0 : -ENOMEM;

        if (r == 0 && listen(fd, LINK_BACKLOG) < 0)
                r = -errno;
        if (r == 0)
                r = uv_poll_init(loop, &s->poll, fd);
        if (r < 0) {
                free(s);
                SSL_CTX_free(tls);
                (void)close(fd);
                return r;
        }
        (void)uv_timer_init(loop, &s->retry);
        s->handles = 2;
        s->fd = fd;
        s->tls = tls;
        s->most = most;
        s->accept = accept;
        s->arg = arg;
        list_init(&s->handshakes);
        list_init(&s->links);
        (void)uv_poll_start(&s->poll, UV_READABLE, on_incoming);
        *ret = s;
        return 0;
}

/* A bound socket on all addresses; 'family' AF_INET6 takes IPv4 too. */
static int bind_any(int family, uint16_t port) {
        auto_close int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const struct sockaddr_in6 v6 = {
                .sin6_family = AF_INET6,
                .sin6_port = htons(port),
                .sin6_addr = IN6ADDR_ANY_INIT,
        };
        const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        int on = 1, off = 0;

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (family == AF_INET6) {
                if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
                    bind(fd, (const struct sockaddr *)&v6, sizeof(v6)) < 0)
                        return -errno;
        } else if (bind(fd, (const struct sockaddr *)&v4, sizeof(v4)) < 0) {
                return -errno;
        }
        return take_fd(&fd);
}

static uint16_t bound_port(int fd) {
        struct sockaddr_storage a = { 0 };
        socklen_t len = sizeof(a);

        if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
                return 0;
        if (a.ss_family == AF_INET)
                return ntohs(((const struct sockaddr_in *)(const void *)&a)->sin_port);
        return ntohs(((const struct sockaddr_in6 *)(const void *)&a)->sin6_port);
}

int link_listen_tls(uv_loop_t *loop, const struct pki *pki, uint16_t port, unsigned most,
                    link_accept_cb accept, void *arg, struct link_server **ret, struct fail *f) {
        struct link_server *s;
        int fd, r;

        fd = bind_any(AF_INET6, port);
        if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) /* no IPv6 in this kernel */
                fd = bind_any(AF_INET, port);
        if (fd < 0)
                return fail(f, fd, "cannot listen on port %u: %s", port, strerror(-fd));
        (void)SSL_CTX_up_ref(pki->server);
        r = server_new(loop, fd, pki->server, most, accept, arg, &s);
        if (r < 0)
                return fail(f, r, "cannot listen on port %u: %s", port, strerror(-r));
        s->port = bound_port(s->fd);
        *ret = s;
        return 0;
}

/* Takes away what a dead process left.  -EADDRINUSE, -EEXIST. */
static int clear_path(const struct sockaddr_un *a) {
        auto_close int fd = -EBADF;
        struct stat st;

        if (lstat(a->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN)
                return -EADDRINUSE;
        return unlink(a->sun_path) < 0 ? -errno : 0;
}

static int bind_unix(const struct sockaddr_un *a, mode_t mode, const char *group) {
        auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const struct group *g;
        int r;

        if (fd < 0)
                return -errno;
        r = clear_path(a);
        if (r < 0)
                return r;
        /* unix(7): on Linux the socket's own mode limits that of the file that bind() makes, so
         * nobody gets in before the group is set */
        (void)fchmod(fd, 0600);
        if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
                return -errno;
        g = group ? getgrnam(group) : NULL;
        if ((g && chown(a->sun_path, (uid_t)-1, g->gr_gid) < 0) || chmod(a->sun_path, mode) < 0) {
                r = -errno;
                (void)unlink(a->sun_path);
                return r;
        }
        return take_fd(&fd);
}

int link_listen_unix(uv_loop_t *loop, const char *path, mode_t mode, const char *group,
                     unsigned most, link_accept_cb accept, void *arg, struct link_server **ret,
                     struct fail *f) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        struct link_server *s;
        int fd, r;

        if (str_copy(a.sun_path, sizeof(a.sun_path), path) < 0)
                return fail(f, -ENAMETOOLONG, "the path of the socket is too long: %s", path);
        fd = bind_unix(&a, mode, group);
        if (fd < 0)
                return fail(f, fd, "cannot listen on %s: %s", path, strerror(-fd));
        r = server_new(loop, fd, NULL, most, accept, arg, &s);
        if (r < 0) {
                (void)unlink(path);
                return fail(f, r, "cannot listen on %s: %s", path, strerror(-r));
        }
        (void)str_copy(s->path, sizeof(s->path), path);
        *ret = s;
        return 0;
}

uint16_t link_server_port(const struct link_server *s) {
        return s->port;
}

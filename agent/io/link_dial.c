/* Addresses and outgoing connections. */
#include "io/link_internal.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

void link_address_text(const struct sockaddr_storage *a, char ret[static SIZE_ADDRESS]) {
        const struct sockaddr_in *v4 = (const void *)a;
        const struct sockaddr_in6 *v6 = (const void *)a;

        ret[0] = '\0';
        if (a->ss_family == AF_INET)
                (void)inet_ntop(AF_INET, &v4->sin_addr, ret, SIZE_ADDRESS);
        else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
                (void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ret, SIZE_ADDRESS);
        else if (a->ss_family == AF_INET6)
                (void)inet_ntop(AF_INET6, &v6->sin6_addr, ret, SIZE_ADDRESS);
}

void link_patience(struct link *l, bool patient) {
        unsigned ms = patient ? LINK_STALLED_MS : LINK_DEAD_MS;

        if (l->address[0]) /* not a unix socket */
                (void)setsockopt(l->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

bool link_window_closed(const struct link *l) {
        struct tcp_info info = { 0 };
        socklen_t len = sizeof(info);

        return l->address[0] && getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
               info.tcpi_unacked == 0;
}

void link_tune_tcp(struct link *l) {
        struct sockaddr_storage a;
        const int idle = LINK_KEEP_IDLE_SEC, interval = LINK_KEEP_INTERVAL_SEC;
        socklen_t len = sizeof(a);
        int on = 1;

        if (getpeername(l->fd, (struct sockaddr *)&a, &len) == 0)
                link_address_text(&a, l->address);
        len = sizeof(a);
        if (getsockname(l->fd, (struct sockaddr *)&a, &len) == 0)
                link_address_text(&a, l->local);
        /* we coalesce ourselves; a heartbeat must not wait for an acknowledgement */
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        /* a side that only reads would never learn that the other one lost its power */
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        (void)setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        link_patience(l, false);
}

int link_connect_result(const struct link *l) {
        socklen_t len = sizeof(int);
        int error = 0;

        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                return -errno;
        return -error;
}

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
                         socklen_t *ret_len) {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;

        *ret = (struct sockaddr_storage){ 0 };
        if (uv_ip4_addr(text, port, &v4) == 0) {
                memcpy(ret, &v4, sizeof(v4));
                *ret_len = sizeof(v4);
                return 0;
        }
        if (uv_ip6_addr(text, port, &v6) == 0) {
                memcpy(ret, &v6, sizeof(v6));
                *ret_len = sizeof(v6);
                return 0;
        }
        return -EINVAL;
}

/* A link on a fresh socket that connects; a failure to connect comes as 'closed'. */
static int dial(uv_loop_t *loop, const struct sockaddr *a, socklen_t len, SSL_CTX *ctx,
                const struct link_ops *ops, void *arg, struct link **ret) {
        struct link *l = NULL;
        int fd, r;

        fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = link_new(loop, fd, &l);
        if (r < 0)
                return r;
        l->dialed = true;
        l->state = LINK_CONNECTING;
        if (ctx) {
                l->kind = LINK_BOARD;
                r = link_start_tls(l, ctx);
                if (r < 0) {
                        link_die(l, r, "out of memory"); /* nobody listens yet */
                        return r;
                }
        }
        link_set_ops(l, ops, arg);
        r = connect(fd, a, len) == 0 ? 0 : -errno;
        if (r < 0 && r != -EINPROGRESS)
                link_die(l, r, strerror(-r));
        else
                link_update(l); /* also where it stands already: 'open' comes from the loop */
        *ret = l;
        return 0;
}

int link_dial_tls(uv_loop_t *loop, const struct pki *pki, const char *address, uint16_t port,
                  uint64_t expect_node, uint64_t timeout_ms, const struct link_ops *ops, void *arg,
                  struct link **ret) {
        struct sockaddr_storage a;
        struct link *l = NULL;
        socklen_t len;
        int r;

        r = parse_address(address, port, &a, &len);
        if (r == 0)
                r = dial(loop, (struct sockaddr *)&a, len, pki->client, ops, arg, &l);
        if (r < 0)
                return r;
        link_address_text(&a, l->address);
        l->expect_node = expect_node;
        l->timeout_ms = timeout_ms;
        if (timeout_ms > 0 && l->state != LINK_DEAD)
                link_arm(l, timeout_ms);
        *ret = l;
        return 0;
}

int link_adopt(uv_loop_t *loop, int fd, const struct link_ops *ops, void *arg, struct link **ret) {
        struct link *l = NULL;
        int r = link_new(loop, fd, &l);

        if (r < 0)
                return r;
        l->dialed = true;
        l->state = LINK_CONNECTING; /* 'open' comes from the loop, as for one that was dialled */
        link_set_ops(l, ops, arg);
        link_update(l);
        *ret = l;
        return 0;
}

int link_dial_unix(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *arg,
                   struct link **ret) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        if (str_copy(a.sun_path, sizeof(a.sun_path), path) < 0)
                return -ENAMETOOLONG;
        return dial(loop, (struct sockaddr *)&a, sizeof(a), NULL, ops, arg, ret);
}

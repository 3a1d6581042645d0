#include "io/reach.h"

#include <errno.h>
#include <stdlib.h>

struct attempt {
        uv_tcp_t tcp;
        uv_timer_t timer;
        uv_connect_t connect;
        unsigned open; /* handles that are not closed */
        bool over;
        reach_cb done;
        void *arg;
};

static void on_closed(uv_handle_t *handle) {
        struct attempt *t = handle->data;

        if (--t->open == 0)
                free(t);
}

static void finish(struct attempt *t, bool answered) {
        if (t->over)
                return;
        t->over = true;
        uv_close((uv_handle_t *)&t->tcp, on_closed);
        uv_close((uv_handle_t *)&t->timer, on_closed);
        t->done(t->arg, answered);
}

/* No route and no neighbour are this side's words; a refusal is the other's. */
static void on_connect(uv_connect_t *connect, int status) {
        finish(connect->data, status == 0 || status == UV_ECONNREFUSED || status == UV_ECONNRESET);
}

static void on_timer(uv_timer_t *timer) {
        finish(timer->data, false);
}

int reach(uv_loop_t *loop, const char *address, uint16_t port, unsigned ms, reach_cb done,
          void *arg) {
        struct sockaddr_storage to;
        struct attempt *t;

        if (uv_ip4_addr(address, port, (struct sockaddr_in *)&to) < 0 &&
            uv_ip6_addr(address, port, (struct sockaddr_in6 *)&to) < 0)
                return -EINVAL;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->done = done;
        t->arg = arg;
        t->tcp.data = t->timer.data = t->connect.data = t;
        (void)uv_tcp_init(loop, &t->tcp);
        (void)uv_timer_init(loop, &t->timer); /* cannot fail */
        t->open = 2;
        (void)uv_timer_start(&t->timer, on_timer, ms, 0);
        /* an error that comes at once is told by the timer: later, as all of them */
        (void)uv_tcp_connect(&t->connect, &t->tcp, (const struct sockaddr *)&to, on_connect);
        return 0;
}

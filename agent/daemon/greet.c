#include "daemon/greet.h"

#include "base/str.h"
#include "core/message.h"
#include "daemon/api.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>

enum { HELLO_TIMEOUT_MS = 5000 };

struct guest {
        struct agent *agent;
        struct link *link;
        uv_timer_t timer;
};

static void guest_freed(uv_handle_t *handle) {
        free(handle->data);
}

/* Its link belongs to somebody else, or is gone. */
static void guest_gone(struct guest *g) {
        g->link = NULL;
        uv_close((uv_handle_t *)&g->timer, guest_freed);
}

static void guest_frame(struct link *l, void *arg, const struct frame *f) {
        struct guest *g = arg;
        struct agent *a = g->agent;
        struct message_hello m;
        int r;

        r = f->type == FRAME_HELLO ? message_hello_decode(f->body, f->len, &m) : -EBADMSG;
        if (r < 0 || m.view.node != link_node(l)) {
                if (log_once(link_address(l)))
                        log_warning("%s does not speak our protocol%s, connection refused",
                                    link_address(l),
                                    r == -EPROTONOSUPPORT ? " (another version of bramble?)" : "");
                link_close(l);
                return;
        }
        guest_gone(g);
        switch (m.purpose) {
        case PURPOSE_CONTROL:
                peers_accept(a, l, &m);
                return;
        case PURPOSE_RAFT:
                membership_raft_accepted(a, l);
                return;
        case PURPOSE_API:
                api_attach(a, l);
                return;
        case PURPOSE_MAX:
                break;
        }
}

static void guest_closed(struct link *l, void *arg, int error, const char *why) {
        (void)l;
        (void)error;
        (void)why;
        guest_gone(arg);
}

static const struct link_ops guest_ops = { .frame = guest_frame, .closed = guest_closed };

static void guest_timeout(uv_timer_t *timer) {
        struct guest *g = timer->data;

        link_close(g->link);
}

static void on_accept(struct link *l, void *arg) {
        struct agent *a = arg;
        struct guest *g;

        if (link_kind(l) != LINK_BOARD) {
                api_attach(a, l);
                return;
        }
        if (link_node(l) == a->board.node) {
                bool own =
                        str_eq(link_address(l), link_local_address(l)); /* 'peers =' names us too */

                if (!own && log_once("clone"))
                        log_error("%s has this board's own certificate: its card was cloned from "
                                  "this one; it is refused until it is flashed anew",
                                  link_address(l));
                if (!own)
                        (void)str_copy(a->twin, sizeof(a->twin), link_address(l));
                link_close(l);
                return;
        }
        g = calloc(1, sizeof(*g));
        if (!g || uv_timer_init(a->loop, &g->timer) < 0) {
                free(g);
                link_close(l);
                return;
        }
        g->agent = a;
        g->link = l;
        g->timer.data = g;
        (void)uv_timer_start(&g->timer, guest_timeout, HELLO_TIMEOUT_MS, 0);
        link_set_ops(l, &guest_ops, g);
}

int greet_open(struct agent *a, struct fail *f) {
        struct link_server *server; /* lives as long as the process */

        return link_listen_tls(a->loop, &a->pki, a->config.port, LIMIT_LINKS, on_accept, a, &server,
                               f);
}

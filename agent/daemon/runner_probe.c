/* runner_probe - finds out when a container accepts its first connection. */
#include "daemon/runner_private.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* The next attempt comes after a tenth of the time that was waited so far: it is then late by no
 * more than that. */
enum { PORT = 8080, LEAST_MS = 1, MOST_MS = 50, PART = 10, WHOLE_SEC = 60 };

struct probe {
        struct item *item; /* NULL: nobody waits any more */
        uv_tcp_t tcp;
        uv_timer_t timer;
        uv_connect_t connect;
        unsigned handles; /* not closed yet */
        usec_t began;
};

static void handle_closed(uv_handle_t *handle) {
        struct probe *p = handle->data;

        if (--p->handles == 0)
                free(p);
}

static void attempt(struct probe *p);

static void on_retry(uv_timer_t *timer) {
        struct probe *p = timer->data;
        struct item *item = p->item;

        if (usec_sub(agent_now(), p->began) < WHOLE_SEC * USEC_PER_SEC) {
                attempt(p);
                return;
        }
        probe_stop(item);
        runner_never_ready(item);
}

static void tcp_closed(uv_handle_t *handle) {
        struct probe *p = handle->data;
        bool waited_for = p->item;
        uint64_t pause_ms;

        handle_closed(handle);
        if (!waited_for)
                return;
        pause_ms = usec_sub(agent_now(), p->began) / USEC_PER_MSEC / PART;
        if (pause_ms > MOST_MS)
                pause_ms = MOST_MS;
        (void)uv_timer_start(&p->timer, on_retry, pause_ms ? pause_ms : LEAST_MS, 0);
}

static void on_connected(uv_connect_t *connect, int status) {
        struct probe *p = connect->data;
        struct item *item = p->item;

        if (!item)
                return; /* probe_stop() is closing it */
        if (status == 0) {
                probe_stop(item);
                runner_ready(item);
        } else {
                uv_close((uv_handle_t *)&p->tcp, tcp_closed);
        }
}

static void attempt(struct probe *p) {
        struct agent *a = p->item->runner->agent;
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };

        address.sin_addr.s_addr = htonl(fnet_address(a->subnet, p->item->host));
        if (uv_tcp_init(a->loop, &p->tcp) < 0)
                return;
        p->handles++;
        p->tcp.data = p;
        p->connect.data = p;
        if (uv_tcp_connect(&p->connect, &p->tcp, (struct sockaddr *)&address, on_connected) < 0)
                uv_close((uv_handle_t *)&p->tcp, tcp_closed);
}

void probe_start(struct item *item) {
        struct probe *p = calloc(1, sizeof(*p));

        if (!p || uv_timer_init(item->runner->agent->loop, &p->timer) < 0) {
                free(p);
                runner_ready(item); /* better a call too early than none */
                return;
        }
        probe_stop(item);
        item->probe = p;
        p->item = item;
        p->timer.data = p;
        p->handles = 1;
        p->began = agent_now();
        attempt(p);
}

void probe_stop(struct item *item) {
        struct probe *p = item->probe;

        if (!p)
                return;
        item->probe = NULL;
        p->item = NULL;
        if (p->handles == 2 && !uv_is_closing((uv_handle_t *)&p->tcp))
                uv_close((uv_handle_t *)&p->tcp, handle_closed);
        uv_close((uv_handle_t *)&p->timer, handle_closed);
}

/* bramble-gateway - the function API, and the way of every call to its replica. */
#include "base/str.h"
#include "gateway/agent.h"
#include "gateway/api.h"
#include "gateway/async.h"
#include "gateway/gateway.h"
#include "gateway/options.h"
#include "gateway/server.h"
#include "gateway/tls_server.h"
#include "gateway/ui.h"
#include "io/alive.h"
#include "io/kept.h"
#include "io/log.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

enum { MEMORY_STEP = 64 * 1024, KNOWN_LATE_MS = 1000 };

struct program {
        struct gateway g;
        struct options options;
        uv_signal_t term, interrupt, reload;
        uv_timer_t drain, alive;
        bool stopping, hurry; /* the latter: what is not over yet is given up */
};

static struct program *program_of(uv_handle_t *handle) {
        return handle->data;
}

static void close_all(struct program *p) {
        ui_close(p->g.ui);
        agent_close(p->g.agent);
        functions_done(&p->g.functions);
        metrics_told_done(&p->g.told);
        deadlines_close(&p->g.deadlines);
        slots_close(&p->g.slots);
        uv_close((uv_handle_t *)&p->term, NULL);
        uv_close((uv_handle_t *)&p->interrupt, NULL);
        uv_close((uv_handle_t *)&p->reload, NULL);
        uv_close((uv_handle_t *)&p->drain, NULL);
        uv_close((uv_handle_t *)&p->alive, NULL);
}

static void on_async_stopped(void *arg) {
        close_all(arg);
}

/* Nobody calls any more; then no asynchronous call begins any more either. */
static void on_stopped(struct server *s) {
        struct program *p = container_of(s->g, struct program, g);

        async_stop(s->g->async, on_async_stopped, p);
        if (p->hurry) /* some may have begun since */
                async_abort(s->g->async);
}

static void give_up(struct program *p) {
        p->hurry = true;
        server_abort(p->g.server);
        async_abort(p->g.async);
}

static void on_drain_over(uv_timer_t *timer) {
        struct program *p = program_of((uv_handle_t *)timer);

        if (p->g.server->n_clients > 0)
                log_warning("%u connections did not end in time, closing them",
                            p->g.server->n_clients);
        give_up(p);
}

/* Calls under way may end; a second signal does not wait for them. */
static void on_signal(uv_signal_t *handle, int number) {
        struct program *p = program_of((uv_handle_t *)handle);

        (void)number;
        if (p->stopping) {
                give_up(p);
                return;
        }
        p->stopping = true;
        (void)sd_notify(0, "STOPPING=1");
        (void)uv_timer_start(&p->drain, on_drain_over, GATEWAY_DRAIN_MS, 0);
        api_logs_stop(&p->g);
        ui_stop(p->g.ui);
        server_stop(p->g.server, on_stopped);
}

/* A new certificate and key are in the files. */
static void on_reload(uv_signal_t *handle, int number) {
        struct program *p = program_of((uv_handle_t *)handle);
        struct fail f = { 0 };

        (void)number;
        if (!p->g.tls)
                return;
        if (tls_server_reload(p->g.tls, &f) < 0)
                log_warning("the certificate stays as it was: %s", fail_text(&f));
        else
                log_info("the certificate was read again");
}

/* Each connection is a descriptor, and each call one more. */
static void raise_descriptors(unsigned clients) {
        struct rlimit limit;
        rlim_t want = (rlim_t)clients * 2 + 64;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
                return;
        limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < want)
                log_warning("only %llu descriptors are allowed, %llu are wanted for %u clients",
                            (unsigned long long)limit.rlim_cur, (unsigned long long)want, clients);
}

static void watch_signals(struct program *p) {
        (void)uv_signal_init(p->g.loop, &p->term);
        (void)uv_signal_init(p->g.loop, &p->interrupt);
        (void)uv_timer_init(p->g.loop, &p->drain);
        (void)uv_signal_init(p->g.loop, &p->reload);
        p->term.data = p->interrupt.data = p->drain.data = p->reload.data = p;
        (void)uv_signal_start(&p->term, on_signal, SIGTERM);
        (void)uv_signal_start(&p->interrupt, on_signal, SIGINT);
        (void)uv_signal_start(&p->reload, on_reload, SIGHUP);
}

static int start_tls(struct program *p, struct fail *f) {
        const struct options *o = &p->options;
        const char *address = o->tls_address[0] ? o->tls_address : o->address;
        struct gateway *g = &p->g;
        int r = tls_server_new(o->tls_certificate, o->tls_key, &g->tls, f);

        if (r == 0)
                r = server_open_tls(g->server, address, o->tls_port, g->tls, f);
        if (r == 0)
                log_info("listening with TLS on %s port %u", address,
                         server_port(&g->server->secure));
        return r;
}

static void on_known_late(uv_timer_t *timer) {
        uv_close((uv_handle_t *)timer, NULL);
}

/* Clients may wait at the socket already, from before a restart: they come in when it is known what
 * there is, or is not to be learned. */
static void learn(struct gateway *g) {
        uv_timer_t late;

        (void)uv_timer_init(g->loop, &late);
        (void)uv_timer_start(&late, on_known_late, KNOWN_LATE_MS, 0);
        while (!g->had_state && !uv_is_closing((uv_handle_t *)&late))
                (void)uv_run(g->loop, UV_RUN_ONCE);
        if (!uv_is_closing((uv_handle_t *)&late))
                uv_close((uv_handle_t *)&late, NULL);
        (void)uv_run(g->loop, UV_RUN_NOWAIT); /* the handle is on our stack */
}

static int start(struct program *p, struct fail *f) {
        struct gateway *g = &p->g;
        int r;

        raise_descriptors(p->options.connections);
        (void)signal(SIGPIPE, SIG_IGN);
        alive_start(g->loop, &p->alive);
        list_init(&g->log_readers);
        deadlines_init(&g->deadlines, g->loop);
        options_deadlines(&p->options, &g->deadlines);
        slots_init(&g->slots, g->loop);
        r = agent_open(g, p->options.agent, &g->agent);
        if (r < 0)
                return fail(f, r, "cannot use '%s' as the agent's socket: %s", p->options.agent,
                            uv_strerror(r));
        learn(g);
        watch_signals(p);
        r = async_open(g, &p->options.async, &g->async, f);
        if (r < 0)
                return r;
        if (ui_open(g, p->options.ui, &g->ui) < 0)
                return fail(f, -ENOMEM, "out of memory");
        r = server_open(g, p->options.address, p->options.port, p->options.connections, api_handle,
                        &g->server, f);
        if (r < 0)
                return r;
        log_info("listening on %s port %u", p->options.address, server_port(&g->server->plain));
        r = p->options.tls ? start_tls(p, f) : 0;
        if (r < 0)
                return r;
        kept_drop_rest();
        (void)sd_notify(0, "READY=1");
        return 0;
}

int main(int argc, char **argv) {
        static struct program p; /* holds the read buffer: too large for a small stack */
        struct fail f = { 0 };
        int r = options_parse(&p.options, argc, argv);

        if (r != 0)
                return r < 0 ? 2 : 0;
        /* large states come and go: what they took is given back */
        (void)mallopt(M_MMAP_THRESHOLD, MEMORY_STEP);
        (void)mallopt(M_TRIM_THRESHOLD, MEMORY_STEP);
        log_open("bramble-gateway", p.options.log_level);
        p.g.loop = uv_default_loop();
        if (!p.g.loop) {
                log_error("cannot make an event loop");
                return 1;
        }
        if (start(&p, &f) < 0) {
                log_error("%s", fail_text(&f));
                return f.error == -EINVAL || f.error == -ENAMETOOLONG ? 2 : 1;
        }
        (void)uv_run(p.g.loop, UV_RUN_DEFAULT);
        agent_free(p.g.agent);
        async_free(p.g.async);
        ui_free(p.g.ui);
        server_free(p.g.server);
        tls_server_free(p.g.tls);
        (void)uv_loop_close(p.g.loop);
        log_info("stopped");
        return 0;
}

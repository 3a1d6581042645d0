#include "watchdog/child.h"

#include "watchdog/connection.h"
#include "watchdog/lock.h"
#include "watchdog/log.h"
#include "watchdog/process.h"
#include "watchdog/upstream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROBE_USEC (10 * USEC_PER_MSEC) /* only until it serves for the first time */

static void probe_later(struct watchdog *d) {
        watch_close(&d->loop, &d->child.probe);
        d->child.probe_at = usec_add(loop_now(), PROBE_USEC);
        loop_alarm(&d->loop, d->child.probe_at);
}

static void serves(struct watchdog *d) {
        watch_close(&d->loop, &d->child.probe);
        d->child.probe_at = USEC_NEVER;
        d->child.serves = true;
        lock_write(&d->options);
        log_line("The function serves.");
        connections_child_serves(d);
}

static void on_probe(struct watch *w, uint32_t events) {
        struct child *c = container_of(w, struct child, probe);
        struct watchdog *d = container_of(c, struct watchdog, child);
        int error = 0;
        socklen_t size = sizeof(error);

        (void)events;
        if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
                probe_later(d);
        else
                serves(d);
}

static void probe(struct watchdog *d) {
        struct child *c = &d->child;
        int fd = upstream_dial(d);

        c->probe_at = USEC_NEVER;
        c->probe = (struct watch){ .fd = fd, .ready = on_probe };
        if (fd < 0)
                probe_later(d);
        else
                watch_set(&d->loop, &c->probe, EPOLLOUT);
}

int child_start(struct watchdog *d, struct fail *f) {
        int r;

        d->child = (struct child){ .probe = { .fd = -1 }, .probe_at = USEC_NEVER };
        if (d->options.mode != MODE_HTTP)
                return 0;
        log_line("Forking fprocess.");
        r = process_serve(&d->options, &d->child.pid);
        if (r < 0)
                return fail(f, r, "cannot start '%.80s': %s", d->options.args[0], strerror(-r));
        probe(d);
        return 0;
}

void child_deadlines(struct watchdog *d) {
        if (d->child.probe_at <= loop_now())
                probe(d);
        else
                loop_alarm(&d->loop, d->child.probe_at);
}

bool child_exited(struct watchdog *d, pid_t pid, int status) {
        struct child *c = &d->child;

        if (c->pid == 0 || c->pid != pid)
                return false;
        c->pid = 0;
        c->ended = true;
        c->status = status;
        c->probe_at = USEC_NEVER;
        watch_close(&d->loop, &c->probe);
        return true;
}

int child_exit_status(const struct watchdog *d) {
        int status = d->child.status;

        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Nothing else is to be done any more: waits for it here. */
void child_stop(struct watchdog *d, usec_t grace) {
        usec_t until = grace ? usec_add(loop_now(), grace) : USEC_NEVER;
        struct child *c = &d->child;

        if (c->pid == 0)
                return;
        (void)kill(c->pid, SIGTERM);
        while (c->pid && loop_now() < until) {
                loop_alarm(&d->loop, until);
                (void)loop_turn(&d->loop);
        }
        if (!c->pid)
                return;
        log_line("The function did not end within write_timeout and was ended.");
        process_kill(c->pid);
        (void)waitpid(c->pid, &c->status, 0);
        c->pid = 0;
}

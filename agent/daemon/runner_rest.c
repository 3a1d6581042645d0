/* runner_rest - replicas that are to be called no more: until nobody is connected to them, and,
 * where their function keeps one at zero, paused by the freezer until the next call. */
#include "base/str.h"
#include "daemon/runner_private.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORT = 8080, ESTABLISHED = 1 };

/* By then every gateway has heard of it. */
#define QUIET_LEAST_USEC (400 * USEC_PER_MSEC)
/* A call that takes longer is cut off, by SIGTERM first. */
#define QUIET_MOST_USEC (60 * USEC_PER_SEC)
/* One that was woken is not paused again at once, whoever is right about the number of replicas. */
#define AWAKE_USEC (10 * USEC_PER_SEC)

bool runner_cgroup(struct item *item) {
        struct runner *r = item->runner;
        uint32_t pid = item->running ? container_pid(r->agent->containers, item->container) : 0;

        if (!item->has_cgroup && pid)
                item->has_cgroup = cgroup_find(r->root, pid, &item->cgroup) == 0;
        return item->has_cgroup;
}

/* Established connections to the function's port in /proc/PID/net/tcp: " sl  local_address ..." and
 * then lines like "0: 0200000A:1F90 0100000A:C350 01 ...". */
static unsigned connections(const struct runner *r, uint32_t pid, const char *table) {
        unsigned port, state, n = 0;
        char path[48], line[512];
        FILE *file;
        int fd;

        (void)snprintf(path, sizeof(path), "proc/%" PRIu32 "/net/%s", pid, table);
        fd = openat(r->root, path, O_RDONLY | O_CLOEXEC);
        file = fd < 0 ? NULL : fdopen(fd, "re");
        if (!file) {
                if (fd >= 0)
                        (void)close(fd);
                return 0;
        }
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &port, &state) == 2)
                        n += port == PORT && state == ESTABLISHED;
        (void)fclose(file);
        return n;
}

bool runner_is_quiet(struct item *item, usec_t now) {
        const struct runner *r = item->runner;
        uint32_t pid = container_pid(r->agent->containers, item->container);

        if (!item->quiet_since)
                item->quiet_since = now;
        if (usec_sub(now, item->quiet_since) < QUIET_LEAST_USEC)
                return false;
        if (usec_sub(now, item->quiet_since) >= QUIET_MOST_USEC)
                return true;
        return !pid || connections(r, pid, "tcp") + connections(r, pid, "tcp6") == 0;
}

static void pause_it(struct item *item) {
        /* its own, whatever the runtime did: containerd's would stop all of the board's */
        bool own = runner_cgroup(item) && strstr(item->cgroup.freezer, item->container);
        int r = own ? cgroup_freeze(item->runner->root, &item->cgroup, true) : -ENOTSUP;

        if (r < 0) {
                /* it stays as it is: calls are answered as fast */
                if (log_once("freeze"))
                        log_warning("cannot pause %s: %s; it waits for calls unpaused",
                                    item->function, strerror(-r));
                return;
        }
        log_again("freeze");
        item->paused = true;
        log_debug("%s (replica %" PRIu32 ") is paused", item->function, item->id);
}

void runner_unpause(struct item *item) {
        int r = item->paused ? cgroup_freeze(item->runner->root, &item->cgroup, false) : 0;

        item->paused = false;
        if (r < 0)
                log_warning("cannot let %s (replica %" PRIu32 ") go on: %s", item->function,
                            item->id, strerror(-r));
}

static void wake(struct item *item, usec_t now) {
        runner_unpause(item);
        item->quiet_since = 0;
        item->awake_until = usec_add(now, AWAKE_USEC);
        runner_ready_again(item);
}

void runner_rest(struct item *item, usec_t now) {
        if (!item->rests) {
                if (item->state == INSTANCE_FROZEN)
                        wake(item, now);
                return;
        }
        if (item->state == INSTANCE_READY && now >= item->awake_until)
                runner_set_state(item, INSTANCE_FROZEN, "");
        if (item->state != INSTANCE_FROZEN || item->paused)
                return;
        if (runner_is_quiet(item, now))
                pause_it(item);
        else
                runner_look_later(item->runner);
}

bool runner_wake(struct agent *a, const char *name, const char *namespace) {
        struct runner *r = a->runner;
        bool woken = false;

        for (uint32_t i = 0; r && i < r->n; i++) {
                struct item *item = r->items[i];

                if (item->state != INSTANCE_FROZEN || item->unwanted ||
                    !str_eq(item->function, name) || !str_eq(item->namespace, namespace))
                        continue;
                wake(item, agent_now());
                woken = true;
        }
        return woken;
}

void runner_close(struct agent *a) {
        struct runner *r = a->runner;

        for (uint32_t i = 0; r && i < r->n; i++)
                runner_unpause(r->items[i]);
}

/* ---- what they use
 * --------------------------------------------------------------------------------- */

static void measure(struct item *item, usec_t now) {
        uint64_t cpu, memory;

        if (!runner_cgroup(item) ||
            cgroup_usage(item->runner->root, &item->cgroup, &cpu, &memory) < 0)
                return;
        item->millicores = 0;
        if (item->measured && now > item->measured && cpu > item->cpu_usec)
                item->millicores =
                        (uint32_t)((cpu - item->cpu_usec) * 1000 / (now - item->measured));
        item->cpu_usec = cpu;
        item->measured = now;
        item->used_bytes = memory;
}

void runner_measure(struct agent *a) {
        struct runner *r = a->runner;

        for (uint32_t i = 0; r && i < r->n; i++)
                measure(r->items[i], agent_now());
}

uint32_t runner_usage(const struct agent *a, struct report_usage *ret) {
        const struct runner *r = a->runner;
        uint32_t n = 0;

        for (uint32_t i = 0; r && i < r->n; i++) {
                const struct item *item = r->items[i];

                if (item->measured)
                        ret[n++] = (struct report_usage){ .id = item->id,
                                                          .millicores = item->millicores,
                                                          .memory_bytes = item->used_bytes };
        }
        return n;
}

/* runner_adopt - containers that outlived an agent (or a containerd) are taken over, not restarted.
 */
#include "base/str.h"
#include "daemon/runner_private.h"
#include "io/log.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *label(const struct container_found *f, const char *name) {
        for (uint32_t i = 0; i < f->n_labels; i++)
                if (str_eq(f->labels[2 * i], name))
                        return f->labels[2 * i + 1];
        return "";
}

static struct item *known(struct runner *r, const char *container) {
        for (uint32_t i = 0; i < r->n; i++)
                if (str_eq(r->items[i]->container, container))
                        return r->items[i];
        return NULL;
}

static void on_found(void *arg, const struct container_found *f) {
        struct runner *r = arg;
        struct item *item = known(r, f->id);
        uint64_t id, host, generation;

        if (item) {
                /* containerd was away for a while; its shims were not */
                if (item->running && f->status == CONTAINER_STOPPED)
                        runner_exited(r->agent, f->id, RUNNER_STATUS_UNKNOWN, false);
                return;
        }
        if (str_to_u64(label(f, "bramble.instance"), UINT32_MAX, &id) < 0 ||
            str_to_u64(label(f, "bramble.host"), HOST_LAST, &host) < 0 ||
            str_to_u64(label(f, "bramble.generation"), UINT32_MAX, &generation) < 0 ||
            host < HOST_FIRST) {
                log_warning("container %s is none of ours and is left alone", f->id);
                return;
        }
        item = runner_item_new(r, (uint32_t)id);
        if (!item)
                return;
        if (str_copy(item->container, sizeof(item->container), f->id) < 0)
                log_warning("container %s has a name that is too long", f->id);
        (void)str_copy(item->function, sizeof(item->function), label(f, "bramble.function"));
        (void)str_copy(item->namespace, sizeof(item->namespace), label(f, "bramble.namespace"));
        item->generation = (uint32_t)generation;
        item->host = (uint8_t)host;
        item->attached = true;
        item->running = f->status == CONTAINER_RUNNING;
        item->state = INSTANCE_STARTING;
        if (!item->running) {
                runner_sweep(item);
                return;
        }
        /* it may have been paused: the world says soon whether it is to be */
        if (runner_cgroup(item))
                (void)cgroup_freeze(r->root, &item->cgroup, false);
        item->started = agent_now();
        backoff_started(&item->backoff, item->started);
        probe_start(item);
        log_info("%s (replica %" PRIu64 ") goes on running", item->function, id);
}

/* Networks that an agent made and did not live to use: no container is in them. */
static void sweep_networks(struct runner *r) {
        struct agent *a = r->agent;
        char path[SIZE_PATH + 8];
        struct dirent *entry;
        DIR *dir;

        (void)snprintf(path, sizeof(path), "%s/netns", a->config.run_dir);
        dir = opendir(path);
        while (dir && (entry = readdir(dir)))
                if (str_starts(entry->d_name, "fn-") && !known(r, entry->d_name))
                        (void)fnet_detach(a->fnet, entry->d_name, NULL);
        if (dir)
                (void)closedir(dir);
}

static void on_adopted(void *arg, int result, const char *why) {
        struct runner *r = arg;

        r->listing = false;
        if (result < 0) {
                if (log_once("adopt"))
                        log_warning("cannot list the containers that run: %s; trying again", why);
                return;
        }
        log_again("adopt");
        if (!r->adopted) {
                sweep_networks(r);
                runner_secrets_sweep(r);
        }
        r->adopted = true;
        runner_look(r->agent);
        agent_report_soon(r->agent);
}

void runner_adopt(struct runner *r) {
        if (!r->listing)
                r->listing = containers_list(r->agent->containers, on_found, on_adopted, r) == 0;
}

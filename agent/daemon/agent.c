#include "daemon/agent.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/events.h"
#include "daemon/greet.h"
#include "daemon/images.h"
#include "daemon/kube.h"
#include "daemon/locate.h"
#include "daemon/membership.h"
#include "daemon/network.h"
#include "daemon/peers.h"
#include "daemon/power.h"
#include "daemon/reporter.h"
#include "daemon/resolver.h"
#include "daemon/runner.h"
#include "daemon/secret_key.h"
#include "daemon/status_json.h"
#include "daemon/sweep.h"
#include "daemon/webhook.h"
#include "io/hostname.h"
#include "io/hosts_file.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

void agent_report_soon(struct agent *a) {
        reporter_soon(a);
}

void agent_problem(struct agent *a, uint32_t bit, bool yes) {
        uint32_t old = a->problems;

        a->problems = yes ? old | bit : old & ~bit;
        if (a->problems != old)
                agent_report_soon(a);
}

/* A fresh board is bramble-fd4a4892.local: cards from one image all have the same host name, and
 * avahi would take long to sort that out. */
static void take_mdns_name(struct agent *a) {
        char fresh[32];

        (void)snprintf(fresh, sizeof(fresh), "bramble-%08x", (unsigned)a->board.node);
        if (a->mdns)
                mdns_set_host_name(a->mdns, a->name[0] ? a->name : fresh);
}

/* Programs that look up their own host (sudo) find it whatever the DNS says. */
static void take_hosts_name(struct agent *a, const char *old) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct fail f = { 0 };

        if (root >= 0 && hosts_file_name(root, a->name, old, &f) < 0 && log_once("hosts name"))
                log_warning("cannot keep %s in /etc/hosts: %s", a->name, fail_text(&f));
}

static void take_name(struct agent *a) {
        const struct world_member *self = world_member(&a->world, a->board.node);
        char old[SIZE_NAME];

        memcpy(old, a->name, sizeof(old));
        if (self && !str_eq(self->name, a->name))
                (void)str_copy(a->name, sizeof(a->name), self->name);
        if (a->name[0]) {
                hostname_set(a->hostname, a->name);
                take_hosts_name(a, old);
        }
        take_mdns_name(a);
        if (old[0] && !str_eq(old, a->name)) {
                log_role(a->name, "this board is called %s now, it was %s", a->name, old);
                membership_renamed(a);
        }
}

static bool is_renamed(const struct agent *a, const struct world *world) {
        const struct world_member *self = world_member(world, a->board.node);

        return self && !str_eq(self->name, a->name);
}

static void on_named(void *arg, int result, const char *why) {
        struct agent *a = arg;

        if (result < 0 && log_once("hostname"))
                log_warning("cannot set the host name to %s: %s", a->name, why);
        agent_problem(a, PROBLEM_HOST_NAME, result < 0);
}

void agent_take_world(struct agent *a, struct world *world) {
        bool renamed = a->world.bramble != world->bramble ||
                       !world_member(&a->world, a->board.node) || is_renamed(a, world);

        world_done(&a->world);
        a->world = *world;
        a->world_taken = agent_now();
        for (uint32_t i = 0; i < world->n_members; i++) {
                const struct world_member *m = &world->members[i];
                char address[16];

                if (m->address && m->node != a->board.node)
                        peers_known(a, m->node, status_ipv4(address, m->address), 0);
        }
        if (renamed)
                take_name(a);
        network_follow(a);
        coordinator_pictured(a);
        membership_changed(a);
        sweep_world_changed(a);
        runner_look(a);
        kube_world_changed(a);
        api_world_changed(a);
        events_follow(a);
}

/* ---- callbacks of the edges
 * ------------------------------------------------------------------------------ */

static void on_seen(void *arg, uint64_t node, const char *address, uint16_t port) {
        peers_seen(arg, node, address, port);
}

static void on_mdns_available(void *arg, bool yes) {
        struct agent *a = arg;

        if (a->mdns_available != yes)
                log_info(yes ? "avahi-daemon answers" : "avahi-daemon is away, trying again");
        a->mdns_available = yes;
}

static void on_containerd(void *arg, bool yes, const char *why) {
        struct agent *a = arg;

        if (yes) {
                log_info("containerd answers");
                log_again("containerd");
                images_refresh(a);
        } else if (log_once("containerd")) {
                log_warning("containerd does not answer (%s), trying again; functions that run go "
                            "on",
                            why);
        }
        runner_available(a, yes);
        kube_containerd(a, yes);
}

static void on_exited(void *arg, const char *id, uint32_t status, bool oom) {
        runner_exited(arg, id, status, oom);
}

static void on_output(void *arg, const char *id, const char *stream, const char *text, size_t len) {
        runner_output(arg, id, stream, text, len);
}

/* ---- start
 * -------------------------------------------------------------------------------------------------
 */

int agent_identify(struct agent *a, struct fail *f) {
        struct board_profile *profiles;
        size_t n;
        bool known;
        int root, dir, r;

        dir = open(a->config.boards_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return fail(f, -errno, "cannot open %s: %s", a->config.boards_dir, strerror(errno));
        r = board_profiles_load(dir, &profiles, &n, f);
        (void)close(dir);
        if (r < 0)
                return r;
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = root < 0 ? -errno : board_probe(root, profiles, n, &a->board, &known, f);
        if (root >= 0)
                (void)close(root);
        free(profiles);
        if (r < 0)
                return r;
        log_info("this board is a %s (%s), %u cores, node %016llx", a->board.model, a->board.id,
                 a->board.cores, (unsigned long long)a->board.node);
        if (!known)
                log_notice("no profile in %s fits this board: it runs with careful limits",
                           a->config.boards_dir);
        return 0;
}

static int trust(struct agent *a, struct fail *f) {
        char ca[SIZE_PATH + 32], cert[SIZE_PATH + 32], key[SIZE_PATH + 32];
        int r = pki_enrol(a->config.pki_dir, a->config.state_dir, a->board.node, f);

        if (r < 0 && r != -EALREADY)
                return r;
        if (r == 0)
                log_notice("enrolled: this board has a key and a certificate of its own now");
        if (r == 1)
                log_warning("%s; whoever reads this card can add boards to the cluster",
                            fail_text(f));
        *f = (struct fail){ 0 };
        (void)snprintf(ca, sizeof(ca), "%s/ca.crt", a->config.pki_dir);
        (void)snprintf(cert, sizeof(cert), "%s/board.crt", a->config.state_dir);
        (void)snprintf(key, sizeof(key), "%s/board.key", a->config.state_dir);
        return pki_load(ca, cert, key, &a->pki, f);
}

static int open_functions(struct agent *a, struct fail *f) {
        static const struct containers_ops ops = { .available = on_containerd,
                                                   .exited = on_exited,
                                                   .output = on_output };
        char io_dir[SIZE_PATH + 8];
        struct containers_config config = { .socket = a->config.containerd,
                                            .io_dir = io_dir,
                                            .runtime = a->config.runtime };
        int r;

        (void)snprintf(io_dir, sizeof(io_dir), "%s/io", a->config.run_dir);
        if ((r = images_open(a)) < 0 || (r = sweep_open(a)) < 0 || (r = runner_open(a, f)) < 0)
                return r;
        agent_problem(a, PROBLEM_CONTAINERD, true);
        return containers_open(a->loop, &config, &ops, a, &a->containers, f);
}

static int open_discovery(struct agent *a) {
        static const struct mdns_ops ops = { .seen = on_seen, .available = on_mdns_available };
        struct mdns_announcement announcement = { .port = a->config.port,
                                                  .cluster_id = a->pki.self.cluster_id,
                                                  .node = a->board.node,
                                                  .board = a->board.id,
                                                  .state = a->bramble ? "member" : "fresh" };

        int r = mdns_open(a->loop, &announcement, &ops, a, &a->mdns);

        if (r == 0 && a->config.interface[0])
                mdns_only_on(a->mdns, a->config.interface);
        return r;
}

static int make_dir(const char *path, mode_t mode, struct fail *f) {
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return fail(f, -errno, "cannot make %s: %s", path, strerror(errno));
        return 0;
}

int agent_start(struct agent *a, struct fail *f) {
        int r;

        if (getrandom(&a->boot, sizeof(a->boot), 0) != sizeof(a->boot))
                return -EIO;
        if ((r = make_dir(a->config.state_dir, 0700, f)) < 0 ||
            (r = make_dir(a->config.run_dir, 0755, f)) < 0 || (r = agent_identify(a, f)) < 0 ||
            (r = trust(a, f)) < 0 || (r = hostname_open(a->loop, on_named, a, &a->hostname)) < 0 ||
            (r = locate_open(a)) < 0 || (r = network_open(a, f)) < 0 || (r = peers_open(a)) < 0 ||
            (r = webhook_open(a)) < 0 || (r = events_open(a)) < 0 ||
            (r = coordinator_open(a)) < 0 || (r = resolver_open(a)) < 0 ||
            (r = secret_key_open(a)) < 0 || (r = api_open(a, f)) < 0 ||
            (r = open_functions(a, f)) < 0 || (r = power_open(a, f)) < 0 ||
            (r = kube_open(a, f)) < 0 || (r = reporter_open(a)) < 0 ||
            (r = membership_open(a, f)) < 0 || (r = greet_open(a, f)) < 0 ||
            (r = open_discovery(a)) < 0)
                return r;
        take_name(a);
        return 0;
}

#include "daemon/network.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube.h"
#include "daemon/runner.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct network {
        uv_poll_t poll;
        uint16_t subnet; /* that was set up; 0: none */
        bool pods;       /* routes to other boards' pods too */
};

static void setup(struct agent *a) {
        struct fail f = { 0 };

        if (a->subnet == a->network->subnet)
                return;
        if (a->subnet == 0) {
                a->network->subnet = 0;
                return;
        }
        if (fnet_setup(a->fnet, a->subnet, &f) < 0) {
                if (log_once("fnet"))
                        log_error("the function network cannot be set up: %s; trying again with "
                                  "the next change",
                                  fail_text(&f));
                agent_problem(a, PROBLEM_NETWORK, true);
                return;
        }
        log_again("fnet");
        a->network->subnet = a->subnet;
        agent_problem(a, PROBLEM_NETWORK, false);
}

void network_follow(struct agent *a) {
        struct fnet_route routes[2 * LIMIT_BOARDS];
        struct fail f = { 0 };
        size_t n = 0;

        setup(a);
        if (!a->network->subnet)
                return;
        for (uint32_t i = 0; i < a->world.n_members && n + 2 <= ARRAY_SIZE(routes); i++) {
                const struct world_member *m = &a->world.members[i];
                struct fnet_route route = { FNET_FUNCTIONS, (uint8_t)m->subnet, m->address };

                if (m->node == a->board.node || !m->address)
                        continue;
                routes[n++] = route;
                route.network = FNET_PODS;
                if (a->network->pods)
                        routes[n++] = route;
        }
        if (fnet_routes(a->fnet, routes, n, &f) < 0) {
                if (log_once("routes"))
                        log_warning("routes to other boards: %s", fail_text(&f));
        } else {
                log_again("routes");
        }
}

void network_pods(struct agent *a, bool on) {
        a->network->pods = on;
        network_follow(a);
}

static void find_lan(struct agent *a) {
        const char *only = a->config.interface[0] ? a->config.interface : NULL;
        struct fnet_lan lan = { 0 };

        if (fnet_lan(a->fnet, only, &lan) < 0)
                lan = (struct fnet_lan){ 0 };
        if (lan.index != a->lan.index || lan.address != a->lan.address) {
                if (lan.address)
                        log_info("LAN: %s, %u.%u.%u.%u/%u", lan.name, lan.address >> 24,
                                 lan.address >> 16 & 255, lan.address >> 8 & 255, lan.address & 255,
                                 lan.prefix);
                else
                        log_warning("no network: plug in the cable");
        }
        a->lan = lan;
}

static void on_change(uv_poll_t *poll, int status, int events) {
        struct agent *a = poll->data;

        (void)status;
        (void)events;
        if (!fnet_drain(a->fnet))
                return;
        find_lan(a);
        network_follow(a);
        kube_world_changed(a);
        agent_report_soon(a);
}

int network_open(struct agent *a, struct fail *f) {
        char netns[SIZE_PATH + 8];
        int r;

        a->network = calloc(1, sizeof(*a->network));
        if (!a->network)
                return -ENOMEM;
        (void)snprintf(netns, sizeof(netns), "%s/netns", a->config.run_dir);
        r = fnet_open(netns, &a->fnet, f);
        if (r < 0)
                return r;
        fnet_guard_port(a->fnet, a->config.port);
        r = uv_poll_init(a->loop, &a->network->poll, fnet_watch_fd(a->fnet));
        if (r < 0)
                return fail(f, r, "cannot watch the network: %s", uv_strerror(r));
        a->network->poll.data = a;
        find_lan(a);
        return uv_poll_start(&a->network->poll, UV_READABLE, on_change);
}

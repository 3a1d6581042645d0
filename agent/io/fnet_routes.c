/* Routes to the other boards' functions and pods, straight over the LAN. */
#include "base/scope.h"
#include "io/fnet_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { SUBNETS = 256, NETWORKS = 2, ROUTES = 2 * NETWORKS * SUBNETS };

/* What the kernel has of ours.  Two routes to one subnet are possible: somebody was interrupted
 * between adding the new one and removing the old one. */
struct have {
        unsigned n;
        struct fnet_route route[ROUTES];
};

static uint32_t destination_of(const struct fnet_route *r) {
        switch (r->network) {
        case FNET_FUNCTIONS:
                return fnet_address(r->subnet, 0);
        case FNET_PODS:
                return fnet_pod_address(r->subnet, 0);
        }
        abort();
}

static int take_route(const struct nlmsghdr *nlh, void *arg) {
        const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
        uint32_t destination = 0, via = 0;
        const struct nlattr *attr;
        struct have *have = arg;
        struct fnet_route r;

        if (route->rtm_protocol != FNET_RTPROT || route->rtm_table != RT_TABLE_MAIN ||
            route->rtm_dst_len != FNET_PREFIX)
                return 0;
        mnl_attr_for_each(attr, nlh, sizeof(*route)) {
                if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
                        continue;
                if (mnl_attr_get_type(attr) == RTA_DST)
                        destination = ntohl(mnl_attr_get_u32(attr));
                else if (mnl_attr_get_type(attr) == RTA_GATEWAY)
                        via = ntohl(mnl_attr_get_u32(attr));
        }
        r = (struct fnet_route){ FNET_FUNCTIONS, (uint8_t)(destination >> 8), via };
        if (destination_of(&r) != destination)
                r.network = FNET_PODS;
        if (destination_of(&r) == destination && have->n < ROUTES)
                have->route[have->n++] = r;
        return 0;
}

static bool same_destination(const struct fnet_route *a, const struct fnet_route *b) {
        return a->network == b->network && a->subnet == b->subnet;
}

static bool contains(const struct fnet_route *list, size_t n, const struct fnet_route *r) {
        for (size_t i = 0; i < n; i++)
                if (same_destination(&list[i], r) && list[i].via == r->via)
                        return true;
        return false;
}

static bool has_destination(const struct have *have, const struct fnet_route *r) {
        for (unsigned i = 0; i < have->n; i++)
                if (same_destination(&have->route[i], r))
                        return true;
        return false;
}

static void put_route(struct netlink *nl, uint16_t type, uint16_t flags,
                      const struct fnet_route *r) {
        struct nlmsghdr *m = netlink_put(nl, type, flags, sizeof(struct rtmsg));
        struct rtmsg *route = mnl_nlmsg_get_payload(m);

        route->rtm_family = AF_INET;
        route->rtm_dst_len = FNET_PREFIX;
        route->rtm_table = RT_TABLE_MAIN;
        route->rtm_protocol = FNET_RTPROT;
        route->rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
        route->rtm_type = RTN_UNICAST;
        mnl_attr_put_u32(m, RTA_DST, htonl(destination_of(r)));
        mnl_attr_put_u32(m, RTA_GATEWAY, htonl(r->via));
}

/* Sends what was put; the first failure is worth a sentence.  A route that vanished by itself
 * (its interface went down) need not be removed. */
static int send_routes(struct netlink *nl, const struct fnet_route *const *which, bool adding,
                       struct fail *f) {
        unsigned n = netlink_pending(nl);
        int errors[NETLINK_BATCH] = { 0 };
        int first = 0;
        int r = netlink_commit(nl, errors);

        if (r == 0)
                return 0;
        for (unsigned i = 0; i < n; i++) {
                struct in_addr via = { .s_addr = htonl(which[i]->via) };
                struct in_addr to = { .s_addr = htonl(destination_of(which[i])) };
                char text[INET_ADDRSTRLEN], to_text[INET_ADDRSTRLEN];

                if (errors[i] == 0 || (!adding && errors[i] == -ESRCH) || first < 0)
                        continue;
                (void)inet_ntop(AF_INET, &via, text, sizeof(text));
                (void)inet_ntop(AF_INET, &to, to_text, sizeof(to_text));
                first = fail(f, errors[i], "cannot %s the route %s/%d via %s: %s",
                             adding ? "add" : "remove", to_text, FNET_PREFIX, text,
                             errors[i] == -EEXIST ? "somebody else has one" : strerror(-errors[i]));
        }
        return first;
}

/* Adds what 'want' has and 'have' has not, or removes the reverse. */
static int change(struct fnet *n, const struct fnet_route *want, size_t n_want,
                  const struct have *have, bool adding, struct fail *f) {
        const struct fnet_route *from = adding ? want : have->route;
        const struct fnet_route *other = adding ? have->route : want;
        size_t n_from = adding ? n_want : have->n, n_other = adding ? have->n : n_want;
        const struct fnet_route *which[NETLINK_BATCH];
        int first = 0;

        for (size_t i = 0; i < n_from; i++) {
                /* Beside an old one of ours the new one is appended, so that there is no moment
                 * without; alone it must not join somebody else's. */
                uint16_t how = has_destination(have, &from[i]) ? NLM_F_APPEND : NLM_F_EXCL;
                bool own = adding && n->ready && from[i].subnet == n->subnet;
                int r;

                if (!own && !contains(other, n_other, &from[i])) {
                        which[netlink_pending(n->nl)] = &from[i];
                        put_route(n->nl, adding ? RTM_NEWROUTE : RTM_DELROUTE,
                                  adding ? NLM_F_CREATE | how : 0, &from[i]);
                }
                if (netlink_pending(n->nl) < NETLINK_BATCH && i + 1 < n_from)
                        continue;
                r = send_routes(n->nl, which, adding, f);
                if (first == 0)
                        first = r;
        }
        return first;
}

int fnet_routes(struct fnet *n, const struct fnet_route *routes, size_t n_routes, struct fail *f) {
        auto_free struct have *have = malloc(sizeof(*have));
        int added, removed, r;

        if (!have)
                return fail(f, -ENOMEM, "no memory for routes");
        do {
                have->n = 0;
                r = fnet_dump(n->nl, RTM_GETROUTE, take_route, have);
        } while (r == -EINTR);
        if (r < 0)
                return fail(f, r, "cannot list routes: %s", strerror(-r));
        added = change(n, routes, n_routes, have, true, f);
        removed = change(n, routes, n_routes, have, false, f);
        return added < 0 ? added : removed;
}

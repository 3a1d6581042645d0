/* The pods' bridge, which the CNI plug-in made, taken away again. */
#include "base/scope.h"
#include "io/fnet_private.h"

#include <errno.h>
#include <string.h>

/* The links in a bridge, as many as one batch removes. */
struct ports {
        unsigned bridge;
        unsigned n;
        unsigned index[NETLINK_BATCH];
};

static int take_port(const struct nlmsghdr *nlh, void *arg) {
        const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
        const struct nlattr *attr;
        struct ports *p = arg;

        mnl_attr_for_each(attr, nlh, sizeof(*link)) {
                if (mnl_attr_get_type(attr) != IFLA_MASTER ||
                    mnl_attr_get_payload_len(attr) != sizeof(uint32_t) ||
                    mnl_attr_get_u32(attr) != p->bridge || p->n == ARRAY_SIZE(p->index))
                        continue;
                p->index[p->n++] = (unsigned)link->ifi_index;
        }
        return 0;
}

/* Links removed.  What cannot be removed (a real cable that somebody put in) is left to the end
 * of the bridge, which only lets go of it. */
static int remove_ports(struct netlink *nl, unsigned bridge) {
        struct ports p = { .bridge = bridge };
        int errors[NETLINK_BATCH], removed = 0, r;

        memset(errors, -1, sizeof(errors)); /* what has no answer is not removed */
        do {
                p.n = 0;
                r = fnet_dump(nl, RTM_GETLINK, take_port, &p);
        } while (r == -EINTR);
        if (r < 0 || p.n == 0)
                return r;
        for (unsigned i = 0; i < p.n; i++) {
                struct nlmsghdr *m = netlink_put(nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
                struct ifinfomsg *link = mnl_nlmsg_get_payload(m);

                link->ifi_index = (int)p.index[i];
        }
        (void)netlink_commit(nl, errors);
        for (unsigned i = 0; i < p.n; i++)
                removed += errors[i] == 0;
        return removed;
}

int fnet_remove_pod_bridge(struct fnet *n, struct fail *f) {
        struct nlmsghdr *m;
        unsigned bridge;
        int r = fnet_index(n->nl, FNET_POD_BRIDGE, &bridge);

        if (r == -ENODEV)
                return 0;
        if (r == 0) {
                while ((r = remove_ports(n->nl, bridge)) > 0) {
                }
        }
        if (r == 0) {
                m = netlink_put(n->nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
                mnl_attr_put_strz(m, IFLA_IFNAME, FNET_POD_BRIDGE);
                r = netlink_commit(n->nl, NULL);
        }
        return r == 0 || r == -ENODEV ? 0
                                      : fail(f, r, "cannot remove the bridge %s: %s",
                                             FNET_POD_BRIDGE, strerror(-r));
}

#include "io/fnet.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/fnet_private.h"
#include "io/sysctl.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { AGENT_PORT = 7373 };

int fnet_open(const char *netns_dir, struct fnet **ret, struct fail *f) {
        struct fnet *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return fail(f, -ENOMEM, "no memory for the function network");
        n->agent_port = AGENT_PORT;
        n->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        r = n->home < 0 ? -errno : netlink_open(0, &n->nl);
        if (r == 0)
                r = netlink_open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE, &n->watch);
        if (r == 0 && str_copy(n->dir, sizeof(n->dir), netns_dir) < 0)
                r = fail(f, -ENAMETOOLONG, "'%.100s' is too long for a folder of namespaces (%d)",
                         netns_dir, FNET_DIR - 1);
        if (r < 0) {
                fnet_free(n);
                return fail(f, r, "cannot open netlink for the function network: %s", strerror(-r));
        }
        *ret = n;
        return 0;
}

void fnet_free(struct fnet *n) {
        if (!n)
                return;
        netlink_free(n->nl);
        netlink_free(n->watch);
        if (n->home >= 0)
                (void)close(n->home);
        free(n);
}

void fnet_guard_port(struct fnet *n, uint16_t port) {
        n->agent_port = port;
}

/* ---- what the files of fnet share --------------------------------------------------------- */

void fnet_mac(uint32_t address, uint8_t ret[static 6]) {
        ret[0] = 0x02; /* locally administered */
        ret[1] = 0xb7;
        for (int i = 0; i < 4; i++)
                ret[2 + i] = (uint8_t)(address >> (24 - 8 * i));
}

void fnet_put_no_ipv6(struct netlink *nl, const char *name) {
        struct nlmsghdr *m = netlink_put(nl, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
        struct nlattr *spec, *inet6;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        spec = mnl_attr_nest_start(m, IFLA_AF_SPEC);
        inet6 = mnl_attr_nest_start(m, AF_INET6);
        mnl_attr_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
        mnl_attr_nest_end(m, inet6);
        mnl_attr_nest_end(m, spec);
}

static int take_index(const struct nlmsghdr *nlh, void *arg) {
        const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

        *(unsigned *)arg = (unsigned)link->ifi_index;
        return 0;
}

int fnet_index(struct netlink *nl, const char *name, unsigned *ret) {
        struct nlmsghdr *m = netlink_put(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return netlink_ask(nl, take_index, ret);
}

int fnet_dump(struct netlink *nl, uint16_t type, netlink_each each, void *arg) {
        size_t len = type == RTM_GETLINK   ? sizeof(struct ifinfomsg)
                     : type == RTM_GETADDR ? sizeof(struct ifaddrmsg)
                                           : sizeof(struct rtmsg);
        struct nlmsghdr *m = netlink_put(nl, type, NLM_F_DUMP, len);

        /* The family is the first byte of all three; links have none. */
        if (type == RTM_GETLINK)
                mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        else
                *(uint8_t *)mnl_nlmsg_get_payload(m) = AF_INET;
        return netlink_ask(nl, each, arg);
}

/* ---- setting up ----------------------------------------------------------------------------- */

static int make_dir(const char *dir, struct fail *f) {
        char path[FNET_DIR];

        if (str_copy(path, sizeof(path), dir) < 0 || path[0] != '/')
                return fail(f, -EINVAL, "'%.60s' is no folder for namespaces", dir);
        for (char *s = strchr(path + 1, '/');; s = strchr(s + 1, '/')) {
                if (s)
                        *s = '\0';
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return fail(f, -errno, "cannot make %s: %s", path, strerror(errno));
                if (!s)
                        return 0;
                *s = '/';
        }
}

static int forward_on(struct fail *f) {
        auto_close int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (root < 0)
                return fail(f, -errno, "cannot open /: %s", strerror(errno));
        r = sysctl_ensure(root, "net/ipv4/ip_forward", "1", f);
        return r < 0 ? r : 0;
}

static void put_bridge(struct fnet *n) {
        struct nlmsghdr *m =
                netlink_put(n->nl, RTM_NEWLINK, NLM_F_CREATE, sizeof(struct ifinfomsg));
        struct nlattr *info, *data;
        uint8_t mac[6];

        fnet_mac(fnet_address(n->subnet, 1), mac);
        mnl_attr_put_strz(m, IFLA_IFNAME, FNET_BRIDGE);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_strz(m, IFLA_INFO_KIND, "bridge");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        mnl_attr_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
        mnl_attr_put_u32(m, IFLA_BR_STP_STATE, 0);
        mnl_attr_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);
}

static void put_bridge_up(struct fnet *n) {
        struct nlmsghdr *m = netlink_put(n->nl, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
        struct ifinfomsg *link = mnl_nlmsg_get_payload(m);

        /* Without multicast avahi leaves it alone: functions do not hear of boards. */
        link->ifi_flags = IFF_UP;
        link->ifi_change = IFF_UP | IFF_MULTICAST;
        mnl_attr_put_strz(m, IFLA_IFNAME, FNET_BRIDGE);
}

static int bridge_up(struct fnet *n, struct fail *f) {
        int errors[3], r;

        put_bridge(n);
        fnet_put_no_ipv6(n->nl, FNET_BRIDGE);
        put_bridge_up(n);
        r = netlink_commit(n->nl, errors);
        if (r < 0 && errors[0] == 0 && errors[2] == 0)
                r = 0; /* no IPv6 here: nothing to keep off */
        if (r == 0)
                r = fnet_index(n->nl, FNET_BRIDGE, &n->bridge);
        if (r < 0)
                return fail(f, r, "cannot make the bridge %s: %s%s%s", FNET_BRIDGE, strerror(-r),
                            netlink_text(n->nl)[0] ? ", " : "", netlink_text(n->nl));
        return 0;
}

/* The bridge's addresses that are not the wanted one: from another subnet that we had before. */
struct old_addresses {
        unsigned bridge;
        uint32_t wanted;
        bool have_wanted;
        unsigned n;
        struct {
                uint32_t address;
                uint8_t prefix;
        } old[NETLINK_BATCH - 1];
};

static int take_address(const struct nlmsghdr *nlh, void *arg) {
        const struct ifaddrmsg *a = mnl_nlmsg_get_payload(nlh);
        struct old_addresses *o = arg;
        const struct nlattr *attr;
        uint32_t address = 0;

        if (a->ifa_index != o->bridge)
                return 0;
        mnl_attr_for_each(attr, nlh, sizeof(*a)) {
                if (mnl_attr_get_type(attr) == IFA_LOCAL &&
                    mnl_attr_get_payload_len(attr) == sizeof(address))
                        address = ntohl(mnl_attr_get_u32(attr));
        }
        if (address == o->wanted && a->ifa_prefixlen == FNET_PREFIX) {
                o->have_wanted = true;
        } else if (o->n < ARRAY_SIZE(o->old)) {
                o->old[o->n].address = address;
                o->old[o->n++].prefix = a->ifa_prefixlen;
        }
        return 0;
}

void fnet_put_address(struct netlink *nl, uint16_t type, uint16_t flags, unsigned index,
                      uint32_t address, uint8_t prefix) {
        struct nlmsghdr *m = netlink_put(nl, type, flags, sizeof(struct ifaddrmsg));
        struct ifaddrmsg *a = mnl_nlmsg_get_payload(m);

        a->ifa_family = AF_INET;
        a->ifa_prefixlen = prefix;
        a->ifa_scope = RT_SCOPE_UNIVERSE;
        a->ifa_index = index;
        mnl_attr_put_u32(m, IFA_LOCAL, htonl(address));
        mnl_attr_put_u32(m, IFA_ADDRESS, htonl(address));
}

static int bridge_address(struct fnet *n, struct fail *f) {
        struct old_addresses o = { .bridge = n->bridge, .wanted = fnet_address(n->subnet, 1) };
        int r;

        do {
                o.n = 0;
                o.have_wanted = false;
                r = fnet_dump(n->nl, RTM_GETADDR, take_address, &o);
        } while (r == -EINTR);
        if (r == 0) {
                for (unsigned i = 0; i < o.n; i++)
                        fnet_put_address(n->nl, RTM_DELADDR, 0, n->bridge, o.old[i].address,
                                         o.old[i].prefix);
                if (!o.have_wanted)
                        fnet_put_address(n->nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, n->bridge,
                                         o.wanted, FNET_PREFIX);
                r = netlink_commit(n->nl, NULL);
        }
        if (r < 0)
                return fail(f, r, "cannot give %s its address 10.62.%u.1: %s", FNET_BRIDGE,
                            n->subnet, strerror(-r));
        return 0;
}

int fnet_setup(struct fnet *n, unsigned subnet, struct fail *f) {
        int r;

        if (subnet > 255)
                return fail(f, -ERANGE, "10.62.%u.0/24 is no function subnet", subnet);
        n->ready = false;
        n->subnet = (uint8_t)subnet;
        r = make_dir(n->dir, f);
        if (r == 0)
                r = forward_on(f);
        if (r == 0)
                r = bridge_up(n, f);
        if (r == 0)
                r = bridge_address(n, f);
        if (r == 0)
                r = fnet_table_load(n->agent_port, n->pods, f);
        n->ready = r == 0;
        return r;
}

int fnet_pods(struct fnet *n, bool on, struct fail *f) {
        if (n->ready && n->pods != on) {
                int r = fnet_table_load(n->agent_port, on, f);

                if (r < 0)
                        return r;
        }
        n->pods = on;
        return 0;
}

/* ---- taking down ------------------------------------------------------------------------------
 */

static int detach_all(struct fnet *n, struct fail *f) {
        struct dirent *entry;
        int first = 0;
        DIR *dir = opendir(n->dir);

        if (!dir)
                return errno == ENOENT
                               ? 0
                               : fail(f, -errno, "cannot list %s: %s", n->dir, strerror(errno));
        while ((entry = readdir(dir))) {
                int r;

                if (entry->d_name[0] == '.')
                        continue;
                r = fnet_detach(n, entry->d_name, f);
                if (first == 0)
                        first = r;
        }
        (void)closedir(dir);
        (void)rmdir(n->dir);
        return first;
}

static int remove_bridge(struct fnet *n, struct fail *f) {
        struct nlmsghdr *m = netlink_put(n->nl, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
        int r;

        mnl_attr_put_strz(m, IFLA_IFNAME, FNET_BRIDGE);
        r = netlink_commit(n->nl, NULL);
        return r == 0 || r == -ENODEV
                       ? 0
                       : fail(f, r, "cannot remove the bridge %s: %s", FNET_BRIDGE, strerror(-r));
}

int fnet_teardown(struct fnet *n, struct fail *f) {
        /* Forwarding stays on: whether somebody else needs it, nobody can tell. */
        int results[] = {
                detach_all(n, f),
                fnet_routes(n, NULL, 0, f),
                remove_bridge(n, f),
                fnet_table_remove(f),
        };

        n->ready = false;
        for (size_t i = 0; i < ARRAY_SIZE(results); i++)
                if (results[i] < 0)
                        return results[i];
        return 0;
}

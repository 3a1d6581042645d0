/* A network namespace a container: made by this thread, which always comes back. */
#include "base/scope.h"
#include "base/str.h"
#include "io/fnet_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/magic.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

enum {
        LO_INDEX = 1,   /* in every namespace: the kernel's LOOPBACK_IFINDEX */
        SETTLE_MS = 50, /* most that an attach waits for the link watch */
};

int fnet_path(const struct fnet *n, const char *id, char ret[static FNET_PATH], struct fail *f) {
        static const char good[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        size_t len = strlen(id);

        if (len == 0 || id[0] == '.' || strspn(id, good) != len)
                return fail(f, -EINVAL, "'%.40s' is no name for a network namespace", id);
        if (snprintf(ret, FNET_PATH, "%s/%s", n->dir, id) >= FNET_PATH)
                return fail(f, -ENAMETOOLONG, "'%.40s' is too long for a network namespace", id);
        return 0;
}

/* The host's end of a container's cable: "veth" and 44 bits of FNV-1a, all that IFNAMSIZ holds.
 * Everybody's network managers leave veth* alone.  Ids repeat, so does the name: finding it needs
 * no list. */
static uint64_t host_end(const char *id, char ret[static IFNAMSIZ]) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        char hex[17];

        for (const char *s = id; *s; s++)
                hash = (hash ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
        str_hex64(hash, hex);
        (void)snprintf(ret, IFNAMSIZ, "veth%.11s", hex);
        return hash;
}

static bool is_namespace(const char *path) {
        struct statfs fs;

        return statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

/* The namespace's interfaces get no IPv6 (lo keeps ::1): a function's network is IPv4 only, and
 * every container would otherwise begin with half a dozen multicast packets to all others. */
static void no_ipv6_here(void) {
        auto_close int fd =
                open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

        if (fd >= 0 && write(fd, "1", 1) != 1) {
                /* Nothing depends on it. */
        }
}

/* A new network namespace: its descriptor, and a socket inside it. */
static int new_namespace(struct fnet *n, int *ret_fd, struct netlink **ret_inside) {
        auto_close int fd = -EBADF;
        int r;

        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : netlink_open(0, ret_inside);
        no_ipv6_here();
        /* An agent that cannot come home would do everything else in the wrong network. */
        if (setns(n->home, CLONE_NEWNET) < 0)
                abort();
        if (r < 0)
                return r;
        *ret_fd = take_fd(&fd);
        return 0;
}

static void put_pair(struct fnet *n, const char *id, const char *name, uint32_t address, int ns) {
        struct nlmsghdr *m = netlink_put(n->nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                                         sizeof(struct ifinfomsg));
        struct nlattr *info, *data, *peer;
        char unused[IFNAMSIZ];
        uint64_t hash = host_end(id, unused);
        /* Set by us: systemd-udevd leaves a MAC alone that somebody chose. */
        uint8_t mac[6] = { 0xfe, 0xb7 };

        memcpy(mac + 2, &hash, 4);
        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
        mnl_attr_put_u32(m, IFLA_MASTER, n->bridge);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
        /* Down: veth refuses to open (-ENOTCONN) an end that has no other end yet. */
        (void)mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        fnet_mac(address, mac);
        mnl_attr_put_strz(m, IFLA_IFNAME, "eth0");
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t)ns);
        mnl_attr_nest_end(m, peer);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);
}

static void put_up(struct netlink *nl, unsigned index, const char *name) {
        struct nlmsghdr *m = netlink_put(nl, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
        struct ifinfomsg *link = mnl_nlmsg_get_payload(m);

        link->ifi_index = (int)index;
        link->ifi_flags = link->ifi_change = IFF_UP;
        if (name)
                mnl_attr_put_strz(m, IFLA_IFNAME, name);
}

/* Both ends of the cable; the one here is plugged into the bridge. */
static int plug(struct fnet *n, const char *id, uint32_t address, int ns) {
        char name[IFNAMSIZ];
        int errors[3], r;

        (void)host_end(id, name);
        put_pair(n, id, name, address, ns);
        fnet_put_no_ipv6(n->nl, name);
        put_up(n->nl, 0, name);
        r = netlink_commit(n->nl, errors);
        if (r < 0 && errors[0] == 0 && errors[2] == 0)
                r = 0; /* no IPv6 here: nothing to keep off */
        return r;
}

/* lo, the address and the default route, by a socket inside the namespace. */
static int configure(struct netlink *inside, uint32_t address, uint32_t gateway) {
        struct nlmsghdr *m;
        struct rtmsg *route;
        unsigned eth0;
        int r;

        r = fnet_index(inside, "eth0", &eth0);
        if (r < 0)
                return r;
        put_up(inside, LO_INDEX, NULL);
        put_up(inside, eth0, NULL);
        fnet_put_address(inside, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, eth0, address,
                         FNET_PREFIX);
        m = netlink_put(inside, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*route));
        route = mnl_nlmsg_get_payload(m);
        route->rtm_family = AF_INET;
        route->rtm_table = RT_TABLE_MAIN;
        route->rtm_protocol = FNET_RTPROT;
        route->rtm_scope = RT_SCOPE_UNIVERSE;
        route->rtm_type = RTN_UNICAST;
        mnl_attr_put_u32(m, RTA_GATEWAY, htonl(gateway));
        mnl_attr_put_u32(m, RTA_OIF, eth0);
        return netlink_commit(inside, NULL);
}

static int take_operstate(const struct nlmsghdr *nlh, void *arg) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
                if (mnl_attr_get_type(attr) == IFLA_OPERSTATE &&
                    mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
                        *(uint8_t *)arg = mnl_attr_get_u8(attr);
        }
        return 0;
}

static bool works(struct netlink *nl, const char *name) {
        struct nlmsghdr *m = netlink_put(nl, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
        uint8_t state = IF_OPER_UNKNOWN;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return netlink_ask(nl, take_operstate, &state) == 0 && state == IF_OPER_UP;
}

/* An interface drops what it should send until the kernel's link watch has noticed its carrier; a
 * lost ARP request costs the first caller a whole second.  Kernels since 6.8 notice when they are
 * asked, older ones within a millisecond or two. */
static void settle(struct fnet *n, struct netlink *inside, const char *id) {
        char name[IFNAMSIZ];

        (void)host_end(id, name);
        for (unsigned i = 0; i < SETTLE_MS; i++) {
                if (works(n->nl, name) && works(inside, "eth0") && works(n->nl, FNET_BRIDGE))
                        return;
                (void)poll(NULL, 0, 1);
        }
}

/* Gives the namespace its name.  Until then nothing holds it but our descriptor: whatever happens
 * before, the agent's death too, leaves nothing behind. */
static int keep(int ns, const char *path) {
        auto_close int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
        char from[32];
        int r;

        if (fd < 0)
                return -errno;
        (void)snprintf(from, sizeof(from), "/proc/thread-self/fd/%d", ns);
        if (mount(from, path, NULL, MS_BIND, NULL) == 0)
                return 0;
        r = -errno;
        (void)unlink(path);
        return r;
}

/* Pulls the cable: down, off the bridge, and the name free for the next.  Deleting it would take
 * the kernel 20 ms of our time (RCU grace periods); with its namespace it goes by itself, in the
 * kernel's own time. */
static int unplug(struct fnet *n, const char *id) {
        char name[IFNAMSIZ];
        struct nlmsghdr *m;
        struct ifinfomsg *link;
        unsigned index;
        int r;

        (void)host_end(id, name);
        r = fnet_index(n->nl, name, &index);
        if (r < 0)
                return r == -ENODEV ? 0 : r;
        m = netlink_put(n->nl, RTM_SETLINK, 0, sizeof(*link));
        link = mnl_nlmsg_get_payload(m);
        link->ifi_index = (int)index;
        link->ifi_change = IFF_UP;
        mnl_attr_put_u32(m, IFLA_MASTER, 0);
        m = netlink_put(n->nl, RTM_SETLINK, 0, sizeof(*link));
        link = mnl_nlmsg_get_payload(m);
        link->ifi_index = (int)index;
        mnl_attr_put_strz(m, IFLA_IFNAME, "vethgone%d"); /* the kernel counts */
        r = netlink_commit(n->nl, NULL);
        return r == -ENODEV ? 0 : r;
}

int fnet_attach(struct fnet *n, const char *id, unsigned host, char ret_path[static FNET_PATH],
                struct fail *f) {
        auto_netlink struct netlink *inside = NULL;
        uint32_t address = fnet_address(n->subnet, host);
        auto_close int ns = -EBADF;
        char path[FNET_PATH];
        int r;

        if (!n->ready)
                return fail(f, -ENETDOWN, "the function network is not set up");
        if (host < 2 || host > 254)
                return fail(f, -ERANGE, "10.62.%u.%u is no function's address", n->subnet, host);
        r = fnet_path(n, id, path, f);
        if (r < 0)
                return r;
        if (is_namespace(path))
                return fail(f, -EEXIST, "network namespace %s is there already", id);
        r = new_namespace(n, &ns, &inside);
        if (r < 0)
                return fail(f, r, "cannot make a network namespace: %s", strerror(-r));
        r = plug(n, id, address, ns);
        if (r == -EEXIST && unplug(n, id) == 0)
                r = plug(n, id, address, ns); /* what a namespace left that is still going away */
        if (r == 0)
                r = configure(inside, address, fnet_address(n->subnet, 1));
        if (r == 0)
                settle(n, inside, id);
        if (r == 0)
                r = keep(ns, path);
        if (r < 0) {
                (void)unplug(n, id);
                return fail(f, r, "cannot connect %s to the function network: %s%s%s", id,
                            strerror(-r), netlink_text(n->nl)[0] ? ", " : "", netlink_text(n->nl));
        }
        memcpy(ret_path, path, sizeof(path));
        return 0;
}

int fnet_detach(struct fnet *n, const char *id, struct fail *f) {
        char path[FNET_PATH];
        int r = fnet_path(n, id, path, f);

        if (r < 0)
                return r;
        /* -EINVAL: a file that no namespace was bound to */
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != ENOENT && errno != EINVAL)
                return fail(f, -errno, "cannot unmount %s: %s", path, strerror(errno));
        if (unlink(path) < 0 && errno != ENOENT)
                return fail(f, -errno, "cannot remove %s: %s", path, strerror(errno));
        r = unplug(n, id);
        return r < 0 ? fail(f, r, "cannot disconnect %s: %s", id, strerror(-r)) : 0;
}

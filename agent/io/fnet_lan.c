/* Which interface leads to the other boards, and when to look again. */
#include "base/str.h"
#include "core/lan.h"
#include "io/fnet_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <string.h>

enum { INTERFACES = 64 }; /* that could be a LAN; a board has one to three */

struct interfaces {
        const char *only;
        size_t n;
        struct lan_interface list[INTERFACES];
};

static struct lan_interface *find(struct interfaces *in, unsigned index) {
        for (size_t i = 0; i < in->n; i++)
                if (in->list[i].index == index)
                        return &in->list[i];
        return NULL;
}

/* The attribute as a string, "" where it is missing or does not end. */
static const char *text_of(const struct nlmsghdr *nlh, size_t header, uint16_t type) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, nlh, header) {
                if (mnl_attr_get_type(attr) == type &&
                    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                        return mnl_attr_get_str(attr);
        }
        return "";
}

static int take_link(const struct nlmsghdr *nlh, void *arg) {
        const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
        const char *name = text_of(nlh, sizeof(*link), IFLA_IFNAME);
        struct interfaces *in = arg;
        struct lan_interface *l;

        /* Containers' interfaces are many and never chosen. */
        if (in->n == INTERFACES || (!str_eq(name, in->only) && !lan_name_good(name)))
                return 0;
        l = &in->list[in->n];
        *l = (struct lan_interface){
                .index = (unsigned)link->ifi_index,
                .up = link->ifi_flags & IFF_UP,
                .carrier = link->ifi_flags & IFF_RUNNING,
                .loopback = link->ifi_flags & (IFF_LOOPBACK | IFF_POINTOPOINT),
        };
        if (str_copy(l->name, sizeof(l->name), name) == 0)
                in->n++;
        return 0;
}

static int take_address(const struct nlmsghdr *nlh, void *arg) {
        const struct ifaddrmsg *a = mnl_nlmsg_get_payload(nlh);
        struct lan_interface *l = find(arg, a->ifa_index);
        const struct nlattr *attr;

        if (!l)
                return 0;
        mnl_attr_for_each(attr, nlh, sizeof(*a)) {
                uint32_t address;

                if (mnl_attr_get_type(attr) != IFA_LOCAL ||
                    mnl_attr_get_payload_len(attr) != sizeof(address))
                        continue;
                address = ntohl(mnl_attr_get_u32(attr));
                if (lan_address_better(address, l->address)) {
                        l->address = address;
                        l->prefix = a->ifa_prefixlen;
                }
        }
        return 0;
}

static int take_default_route(const struct nlmsghdr *nlh, void *arg) {
        const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
        uint32_t index = 0, metric = 0;
        struct lan_interface *l;
        const struct nlattr *attr;

        if (route->rtm_dst_len != 0 || route->rtm_table != RT_TABLE_MAIN ||
            route->rtm_type != RTN_UNICAST)
                return 0;
        mnl_attr_for_each(attr, nlh, sizeof(*route)) {
                if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
                        continue;
                if (mnl_attr_get_type(attr) == RTA_OIF)
                        index = mnl_attr_get_u32(attr);
                else if (mnl_attr_get_type(attr) == RTA_PRIORITY)
                        metric = mnl_attr_get_u32(attr);
        }
        l = find(arg, index);
        if (l && (!l->default_route || metric < l->metric)) {
                l->default_route = true;
                l->metric = metric;
        }
        return 0;
}

int fnet_lan(struct fnet *n, const char *only_interface_or_null, struct fnet_lan *ret) {
        struct interfaces in = { .only = only_interface_or_null };
        const struct lan_interface *l;
        size_t at;
        int r;

        (void)str_copy(n->only, sizeof(n->only), str_or(in.only, ""));
        do {
                in.n = 0;
                r = fnet_dump(n->nl, RTM_GETLINK, take_link, &in);
                if (r == 0)
                        r = fnet_dump(n->nl, RTM_GETADDR, take_address, &in);
                if (r == 0)
                        r = fnet_dump(n->nl, RTM_GETROUTE, take_default_route, &in);
        } while (r == -EINTR);
        if (r < 0)
                return r;
        r = lan_choose(in.list, in.n, in.only, &at);
        if (r < 0)
                return r;
        l = &in.list[at];
        *ret = (struct fnet_lan){ .index = l->index, .address = l->address, .prefix = l->prefix };
        return str_copy(ret->name, sizeof(ret->name), l->name);
}

int fnet_watch_fd(struct fnet *n) {
        return netlink_fd(n->watch);
}

static bool may_be_lan(const struct fnet *n, const char *name) {
        return lan_name_good(name) || (n->only[0] && str_eq(name, n->only));
}

struct news {
        const struct fnet *n;
        bool any;
};

/* Whether the news may change which the LAN is, or its address: not a container's comings and
 * goings, not our own routes. */
static int is_news(const struct nlmsghdr *nlh, void *arg) {
        struct news *news = arg;

        switch (nlh->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
                news->any |=
                        may_be_lan(news->n, text_of(nlh, sizeof(struct ifinfomsg), IFLA_IFNAME));
                break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
                news->any |= may_be_lan(news->n, text_of(nlh, sizeof(struct ifaddrmsg), IFA_LABEL));
                break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE: {
                const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);

                news->any |= route->rtm_protocol != FNET_RTPROT && route->rtm_dst_len == 0;
                break;
        }
        default:
                break;
        }
        return 0;
}

bool fnet_drain(struct fnet *n) {
        struct news news = { .n = n };
        int r;

        while ((r = netlink_next(n->watch, is_news, &news)) > 0 || r == -ENOBUFS)
                news.any |= r == -ENOBUFS; /* some were lost: they may have been of any kind */
        return news.any;
}

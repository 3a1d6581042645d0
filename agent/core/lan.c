#include "core/lan.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

bool lan_name_good(const char *name) {
        static const char *const not_lan[] = {
                "veth",   "cni",     "docker",    "br-",   "bramble", "tun",  "tap",    "wg",
                "ppp",    "flannel", "cali",      "kube",  "virbr",   "vnet", "lxc",    "lxdbr",
                "podman", "zt",      "tailscale", "dummy", "ifb",     "sit",  "ip6tnl", "gre",
        };

        if (name[0] == '\0' || str_eq(name, "lo"))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(not_lan); i++)
                if (str_starts(name, not_lan[i]))
                        return false;
        return true;
}

static int address_rank(uint32_t address) {
        if (address == 0)
                return 0;
        return address >> 16 == 0xa9fe ? 1 : 2; /* 169.254.0.0/16 */
}

bool lan_address_better(uint32_t address, uint32_t than) {
        return address_rank(address) > address_rank(than);
}

static bool is_wireless(const char *name) {
        return str_starts(name, "wl"); /* wlan0, wlp1s0, wlx00... */
}

/* Whether 'a' is a better LAN than 'b'. */
static bool better(const struct lan_interface *a, const struct lan_interface *b) {
        if (address_rank(a->address) != address_rank(b->address))
                return address_rank(a->address) > address_rank(b->address);
        if (is_wireless(a->name) != is_wireless(b->name))
                return is_wireless(b->name);
        if (a->default_route != b->default_route)
                return a->default_route;
        if (a->default_route && a->metric != b->metric)
                return a->metric < b->metric;
        return a->index < b->index;
}

int lan_choose(const struct lan_interface *list, size_t n, const char *only, size_t *ret) {
        bool chosen = only && only[0];
        const struct lan_interface *best = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct lan_interface *l = &list[i];

                if (!l->up || !l->carrier)
                        continue;
                if (chosen ? !str_eq(l->name, only) : l->loopback || !lan_name_good(l->name))
                        continue;
                if (!best || better(l, best))
                        best = l;
        }
        if (!best)
                return -ENONET;
        *ret = (size_t)(best - list);
        return 0;
}

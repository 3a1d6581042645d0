/* node_metrics_network - the interfaces of /proc/net/dev, but for those of single containers. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { NET_FIELDS = 16 };

static const char *const fields[NET_FIELDS] = {
        "receive_bytes",  "receive_packets",  "receive_errs",       "receive_drop",
        "receive_fifo",   "receive_frame",    "receive_compressed", "receive_multicast",
        "transmit_bytes", "transmit_packets", "transmit_errs",      "transmit_drop",
        "transmit_fifo",  "transmit_colls",   "transmit_carrier",   "transmit_compressed",
};

struct interface {
        char name[16];
        uint64_t fields[NET_FIELDS];
};

/* Each replica has an interface of its own: a hundred of them say nothing about the board. */
static bool is_shown(const char *name) {
        static const char *const hidden[] = { "veth", "cali", "lxc" };

        for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
                if (str_starts(name, hidden[i]))
                        return false;
        return !str_eq(name, "lo") && !strchr(name, '/') && name[0] != '.';
}

/* "  eth0: 123 4 0 ..."; a name may hold a colon itself. */
static bool take_interface(struct interface *i, char *line) {
        char *name = line + strspn(line, " "), *colon = strrchr(name, ':');

        if (!colon)
                return false;
        *colon = '\0';
        return is_shown(name) && str_copy(i->name, sizeof(i->name), name) == 0 &&
               node_numbers(colon + 1, i->fields, NET_FIELDS) == NET_FIELDS;
}

static void print_counters(const struct interface *all, unsigned count, struct buf *out) {
        for (unsigned f = 0; count > 0 && f < NET_FIELDS; f++) {
                char name[64], help[64];

                (void)snprintf(name, sizeof(name), "node_network_%s_total", fields[f]);
                (void)snprintf(help, sizeof(help), "Network device statistic %s.", fields[f]);
                metrics_text_family(out, name, "counter", help);
                for (unsigned i = 0; i < count; i++) {
                        struct metrics_labels l = { 0 };

                        metrics_text_label(&l, "device", all[i].name);
                        metrics_text_count(out, name, &l, all[i].fields[f]);
                }
        }
}

static bool property(const struct node *n, const char *device, const char *file, int64_t *ret) {
        char path[64], word[16];

        (void)snprintf(path, sizeof(path), "sys/class/net/%.15s/%s", device, file);
        if (!str_eq(file, "operstate"))
                return node_number(n, path, ret);
        if (!node_word(n, path, word, sizeof(word)))
                return false;
        *ret = str_eq(word, "up");
        return true;
}

static void print_properties(const struct node *n, const struct interface *all, unsigned count) {
        static const struct {
                const char *file, *name, *help;
                int64_t factor;
        } kinds[] = {
                { "operstate", "node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.",
                  1 },
                { "carrier", "node_network_carrier", "Network device property: carrier", 1 },
                { "mtu", "node_network_mtu_bytes", "Network device property: mtu_bytes", 1 },
                { "speed", "node_network_speed_bytes", "Network device property: speed_bytes",
                  1000 * 1000 / 8 },
        };

        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                bool any = false;

                for (unsigned i = 0; i < count; i++) {
                        struct metrics_labels l = { 0 };
                        int64_t v;

                        /* -1: not known */
                        if (!property(n, all[i].name, kinds[k].file, &v) || v < 0)
                                continue;
                        if (!any)
                                metrics_text_family(n->out, kinds[k].name, "gauge", kinds[k].help);
                        any = true;
                        metrics_text_label(&l, "device", all[i].name);
                        metrics_text_count(n->out, kinds[k].name, &l,
                                           (uint64_t)(v * kinds[k].factor));
                }
        }
}

void node_network(struct node *n) {
        struct interface all[NODE_INTERFACES];
        unsigned count = 0;
        char *text = node_read(n, "proc/net/dev"), *line;

        while (count < NODE_INTERFACES && (line = node_line(&text)))
                count += take_interface(&all[count], line);
        print_counters(all, count, n->out);
        print_properties(n, all, count);
}

/* mdns - announces this board and finds others through avahi-daemon.  A hint for first contact:
 * nothing in it is believed. */
#ifndef BRAMBLE_IO_MDNS_H
#define BRAMBLE_IO_MDNS_H

#include <stdint.h>
#include <uv.h>

struct mdns;

struct mdns_announcement {
        uint16_t port;
        uint64_t cluster_id; /* TXT cluster=, 16 hex digits */
        uint64_t node;       /* TXT node= */
        const char *board;   /* TXT board= */
        const char *state;   /* TXT state=: "fresh", "member", "leader" */
};

/* Called from the loop only.  They may call everything below but mdns_close(). */
struct mdns_ops {
        /* A board of our cluster (TXT cluster= matches) was seen on a LAN interface; IPv4 text.
         * Called again when anything changes (noticed within a minute), and when it comes back;
         * never for ourselves. */
        void (*seen)(void *arg, uint64_t node, const char *address, uint16_t port);
        /* avahi-daemon came or went. */
        void (*available)(void *arg, _Bool yes);
};

/* Never fails for want of a daemon: it is retried (1 s, doubled up to 30 s).  -ENOMEM. */
int mdns_open(uv_loop_t *loop, const struct mdns_announcement *a, const struct mdns_ops *ops,
              void *arg, struct mdns **ret);
/* Changes what is announced. */
int mdns_update(struct mdns *m, const struct mdns_announcement *a);
/* The host name in mDNS (avahi does not follow the kernel's by itself). */
void mdns_set_host_name(struct mdns *m, const char *name);
/* Only boards on this interface are seen (config interface =), whatever it is called; "" is any LAN
 * interface, which it is at first.  Before the loop runs. */
void mdns_only_on(struct mdns *m, const char *interface);
/* Browsing costs: many boards stop it once they belong to a bramble.  Idempotent. */
void mdns_browse(struct mdns *m, _Bool yes);
/* Says goodbye, closes handles on the loop; NULL is a no-op. */
void mdns_close(struct mdns *m);

#endif

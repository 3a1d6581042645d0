/* mdns_private - what the files of mdns share. */
#ifndef BRAMBLE_IO_MDNS_PRIVATE_H
#define BRAMBLE_IO_MDNS_PRIVATE_H

#include "core/limits.h"
#include "io/mdns.h"

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/domain.h>
#include <avahi-common/error.h>
#include <stdbool.h>

#define MDNS_TYPE "_bramble._tcp"

enum {
        MDNS_SERVICES = 2 * LIMIT_BOARDS, /* known at a time: a board may be on two interfaces */
        MDNS_RETRY_MS = 1000,             /* the first pause, doubled each time */
        MDNS_STUCK_MS = 10 * 1000,
        MDNS_STUCK_RETRY_MS = 5 * 60 * 1000,
        MDNS_RESOLVERS = 4,        /* open at a time: each holds avahi-daemon busy */
        MDNS_AGAIN_MS = 10 * 1000, /* who did not answer is asked again */
        MDNS_AGAIN_ALL = 6,        /* and every sixth time everybody: addresses change */
        MDNS_STATE = 16,
};

/* One service on one interface. */
struct mdns_service {
        struct mdns *m;
        bool used;
        bool asked;    /* nothing to do until the next round */
        bool answered; /* so that its silence is no reason to ask again soon */
        AvahiIfIndex interface;
        AvahiServiceResolver *resolver; /* NULL while nothing is asked */
        uint64_t node;                  /* what was told to 'seen'; 0: nothing yet */
        uint32_t address;
        uint16_t port;
        char name[AVAHI_LABEL_MAX];
};

struct mdns {
        AvahiPoll poll;
        const struct mdns_ops *ops;
        void *arg;
        uv_timer_t retry;
        uv_timer_t again;
        unsigned handles; /* not yet closed */
        unsigned retry_ms;
        bool available;
        bool told;      /* of 'available', at least once */
        bool announced; /* since the daemon is there */

        AvahiClient *client; /* NULL while there is nobody to talk to */
        bool running;        /* the client is, and the daemon too */

        /* announcing */
        uint16_t port;
        uint64_t cluster_id;
        uint64_t node;
        char board[SIZE_BOARD_ID];
        char state[MDNS_STATE];
        char name[AVAHI_LABEL_MAX]; /* of the service; another one after a collision */
        AvahiEntryGroup *group;
        bool added; /* the record is in the group; asking avahi would be a call */
        uint16_t added_port;
        char host_name[SIZE_NAME]; /* "" leaves avahi's own */
        bool host_name_set;        /* since the daemon is there */

        /* browsing */
        bool browse;
        AvahiServiceBrowser *browser;
        char only[16]; /* the interface that the operator chose, "" any LAN */
        unsigned round;
        bool overflow; /* somebody found no place among the services */
        unsigned resolving;
        struct mdns_service services[MDNS_SERVICES];
};

/* The connection is of no use any more: makes a new one in a while.  May be called in callbacks of
 * avahi; the client is freed later, on the loop. */
void mdns_reconnect(struct mdns *m, const char *what);

/* Whether this turn of the loop has lasted so long that the daemon must be hanging: avahi-client
 * waits 25 s (D-Bus) in every call, and nothing else runs meanwhile.  One such wait is bad enough:
 * whoever makes several calls in a row asks in between, and gives the connection up. */
bool mdns_stuck(struct mdns *m);

/* The daemon took our record: whatever was wrong is over. */
void mdns_announced(struct mdns *m);

/* mdns_announce.c: puts the service into the daemon, or brings what is there up to date. */
void mdns_announce(struct mdns *m);
void mdns_withdraw(struct mdns *m);

/* mdns_browse.c: makes the browser exist exactly while it should. */
void mdns_browser_update(struct mdns *m);
void mdns_browser_on_timer(struct mdns *m);
/* Forgets every service; avahi's objects are gone already (client freed) or freed here. */
void mdns_browser_forget(struct mdns *m, bool free_objects);

#endif

/* Our own record. */
#include "base/scope.h"
#include "base/str.h"
#include "core/mdns_txt.h"
#include "io/log.h"
#include "io/mdns_private.h"

#include <avahi-common/alternative.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>

static void free_strings(AvahiStringList **list) {
        avahi_string_list_free(*list);
}

static AvahiStringList *txt(const struct mdns *m) {
        char cluster[17], node[17];
        AvahiStringList *list = NULL;

        str_hex64(m->cluster_id, cluster);
        str_hex64(m->node, node);
        /* Lists are built from their end. */
        list = avahi_string_list_add_pair(list, "state", m->state);
        list = avahi_string_list_add_pair(list, "board", m->board);
        list = avahi_string_list_add_pair(list, "node", node);
        list = avahi_string_list_add_pair(list, "cluster", cluster);
        return avahi_string_list_add_pair(list, "proto", MDNS_TXT_PROTO);
}

static int add(struct mdns *m, AvahiStringList *list) {
        int r = avahi_entry_group_add_service_strlst(m->group, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET, 0,
                                                     m->name, MDNS_TYPE, NULL, NULL, m->port, list);

        if (r >= 0)
                r = avahi_entry_group_commit(m->group);
        if (r < 0)
                return r;
        m->added = true;
        m->added_port = m->port;
        return 0;
}

void mdns_withdraw(struct mdns *m) {
        m->added = false;
        if (m->group)
                (void)avahi_entry_group_reset(m->group);
}

/* Somebody else has our service's name: a clone of this card, or a joker. */
static void take_another_name(struct mdns *m) {
        char *other = avahi_alternative_service_name(m->name);

        if (other) {
                if (log_once("mdns collision"))
                        log_warning("another board announces itself as %s, becoming '%s'", m->name,
                                    other);
                (void)str_copy(m->name, sizeof(m->name), other);
        }
        avahi_free(other);
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *arg) {
        struct mdns *m = arg;

        m->group = group; /* the first call comes before avahi_entry_group_new() returns */
        switch (state) {
        case AVAHI_ENTRY_GROUP_COLLISION:
                take_another_name(m);
                mdns_withdraw(m);
                mdns_announce(m);
                break;
        case AVAHI_ENTRY_GROUP_FAILURE:
                mdns_reconnect(m, "announcing");
                break;
        case AVAHI_ENTRY_GROUP_ESTABLISHED:
                mdns_announced(m);
                break;
        case AVAHI_ENTRY_GROUP_UNCOMMITED:
        case AVAHI_ENTRY_GROUP_REGISTERING:
                break;
        }
}

/* In place where it can be: watchers see a changed record, not a board that went and came. */
static int update(struct mdns *m, AvahiStringList *list) {
        int r = avahi_entry_group_update_service_txt_strlst(
                m->group, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET, 0, m->name, MDNS_TYPE, NULL, list);

        if (r < 0 || m->added_port == m->port)
                return r;
        mdns_withdraw(m);
        return add(m, list);
}

void mdns_announce(struct mdns *m) {
        __attribute__((cleanup(free_strings))) AvahiStringList *list = txt(m);
        int r;

        if (!m->client || !m->running || mdns_stuck(m))
                return;
        if (!m->group)
                m->group = avahi_entry_group_new(m->client, on_group, m);
        if (!m->group) {
                mdns_reconnect(m, "announcing");
                return;
        }
        r = m->added ? update(m, list) : add(m, list);
        for (unsigned i = 0; r == AVAHI_ERR_COLLISION && i < LIMIT_BOARDS; i++) {
                /* Another program of this very machine has the name. */
                take_another_name(m);
                mdns_withdraw(m);
                r = add(m, list);
        }
        if (r < 0)
                mdns_reconnect(m, "announcing");
}

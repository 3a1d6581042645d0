/* The others' records: found by one browser, asked a few at a time, never believed. */
#include "base/scope.h"
#include "base/str.h"
#include "core/lan.h"
#include "core/mdns_txt.h"
#include "io/log.h"
#include "io/mdns_private.h"

#include <arpa/inet.h>
#include <avahi-common/strlst.h>
#include <net/if.h>
#include <string.h>

static void ask_next(struct mdns *m);

static void stop_asking(struct mdns_service *s) {
        if (!s->resolver)
                return;
        avahi_service_resolver_free(take_ptr(s->resolver));
        s->m->resolving--;
}

static void forget(struct mdns_service *s) {
        stop_asking(s);
        *s = (struct mdns_service){ 0 };
}

static struct mdns_service *find(struct mdns *m, AvahiIfIndex interface, const char *name) {
        for (unsigned i = 0; i < MDNS_SERVICES; i++)
                if (m->services[i].used && m->services[i].interface == interface &&
                    str_eq(m->services[i].name, name))
                        return &m->services[i];
        return NULL;
}

/* ---- resolving ------------------------------------------------------------------------------ */

static void found(struct mdns_service *s, const struct mdns_claim *claim, uint64_t node) {
        struct mdns *m = s->m;
        struct in_addr in = { .s_addr = htonl(claim->address) };
        char text[INET_ADDRSTRLEN];

        if (s->node == node && s->address == claim->address && s->port == claim->port)
                return;
        s->node = node;
        s->address = claim->address;
        s->port = claim->port;
        (void)inet_ntop(AF_INET, &in, text, sizeof(text));
        m->ops->seen(m->arg, node, text, claim->port);
}

static void judge(struct mdns_service *s, const AvahiAddress *address, uint16_t port,
                  AvahiStringList *txt) {
        uint8_t bytes[MDNS_TXT_BYTES];
        struct mdns_claim claim = { .txt = bytes, .port = port };
        char printable[sizeof(s->name)];
        uint64_t node;

        claim.txt_len = avahi_string_list_serialize(txt, NULL, 0);
        if (address->proto == AVAHI_PROTO_INET)
                claim.address = ntohl(address->data.ipv4.address);
        if (claim.txt_len <= sizeof(bytes))
                claim.txt_len = avahi_string_list_serialize(txt, bytes, sizeof(bytes));
        switch (mdns_judge(&claim, s->m->cluster_id, s->m->node, &node)) {
        case MDNS_PEER:
                found(s, &claim, node);
                break;
        case MDNS_OTHER_PROTO:
                if (log_once("mdns protocol"))
                        log_warning("'%s' speaks another version of our protocol, ignored",
                                    str_printable(printable, sizeof(printable), s->name,
                                                  strlen(s->name)));
                break;
        case MDNS_BROKEN:
                if (log_once("mdns broken"))
                        log_warning("'%s' announces itself as a board with a broken record, "
                                    "ignored",
                                    str_printable(printable, sizeof(printable), s->name,
                                                  strlen(s->name)));
                break;
        case MDNS_SELF: /* ourselves, or a twin: who is told knows our addresses */
                if (claim.address && port)
                        found(s, &claim, s->m->node);
                break;
        case MDNS_OTHER_CLUSTER:
                break;
        }
}

static void on_resolved(AvahiServiceResolver *resolver, AvahiIfIndex interface,
                        AvahiProtocol protocol, AvahiResolverEvent event, const char *name,
                        const char *type, const char *domain, const char *host,
                        const AvahiAddress *address, uint16_t port, AvahiStringList *txt,
                        AvahiLookupResultFlags flags, void *arg) {
        struct mdns_service *s = arg;
        struct mdns *m = s->m;

        (void)resolver, (void)interface, (void)protocol, (void)name, (void)type, (void)domain,
                (void)host, (void)flags;
        stop_asking(s);
        /* One that fails is asked again in the next round. */
        s->asked = true;
        s->answered = event == AVAHI_RESOLVER_FOUND;
        if (s->answered && address && m->browse)
                judge(s, address, port, txt);
        ask_next(m);
}

/* Opens resolvers for those that wait, as many as may be open. */
static void ask_next(struct mdns *m) {
        if (!m->client || !m->running || !m->browse)
                return;
        for (unsigned i = 0; i < MDNS_SERVICES && m->resolving < MDNS_RESOLVERS; i++) {
                struct mdns_service *s = &m->services[i];

                if (!s->used || s->asked || s->resolver)
                        continue;
                if (mdns_stuck(m))
                        return;
                s->resolver = avahi_service_resolver_new(m->client, s->interface, AVAHI_PROTO_INET,
                                                         s->name, MDNS_TYPE, "local",
                                                         AVAHI_PROTO_INET, 0, on_resolved, s);
                if (!s->resolver) {
                        s->asked = true; /* until the next round */
                        continue;
                }
                m->resolving++;
        }
}

void mdns_browser_on_timer(struct mdns *m) {
        bool everybody = ++m->round % MDNS_AGAIN_ALL == 0;

        if (!m->browser)
                return;
        for (unsigned i = 0; i < MDNS_SERVICES; i++)
                if (everybody || !m->services[i].answered)
                        m->services[i].asked = false;
        ask_next(m);
        if (everybody && m->overflow && m->browser) {
                /* A new browser names everybody again; who is known keeps the place. */
                m->overflow = false;
                (void)avahi_service_browser_free(take_ptr(m->browser));
                mdns_browser_update(m);
        }
}

/* ---- browsing ------------------------------------------------------------------------------- */

static bool on_lan(const struct mdns *m, AvahiIfIndex interface) {
        char name[IF_NAMESIZE];

        if (interface < 0 || !if_indextoname((unsigned)interface, name))
                return false;
        return m->only[0] ? str_eq(name, m->only) : lan_name_good(name);
}

/* A free place, or that of a service that turned out to be no board of ours: names that a joker
 * makes up must not keep boards out.  NULL where all are boards or not yet asked. */
static struct mdns_service *place(struct mdns *m) {
        struct mdns_service *useless = NULL;

        for (unsigned i = 0; i < MDNS_SERVICES; i++) {
                struct mdns_service *s = &m->services[i];

                if (!s->used)
                        return s;
                if (s->answered && s->node == 0)
                        useless = s;
        }
        if (useless)
                forget(useless);
        return useless;
}

static void appeared(struct mdns *m, AvahiIfIndex interface, const char *name) {
        struct mdns_service *s;

        if (!on_lan(m, interface) || find(m, interface, name))
                return;
        s = place(m);
        if (!s) {
                m->overflow = true;
                if (log_once("mdns full"))
                        log_warning("more than %d services call themselves boards, ignoring some",
                                    (int)MDNS_SERVICES);
                return;
        }
        *s = (struct mdns_service){ .m = m, .interface = interface };
        s->used = str_copy(s->name, sizeof(s->name), name) == 0;
        ask_next(m);
}

static void on_browser(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
                       AvahiBrowserEvent event, const char *name, const char *type,
                       const char *domain, AvahiLookupResultFlags flags, void *arg) {
        struct mdns *m = arg;
        struct mdns_service *s;

        (void)browser, (void)protocol, (void)type;
        switch (event) {
        case AVAHI_BROWSER_NEW:
                if (!(flags & AVAHI_LOOKUP_RESULT_LOCAL) && str_eq(domain, "local"))
                        appeared(m, interface, name);
                break;
        case AVAHI_BROWSER_REMOVE:
                /* Comes for live boards too: it ends our interest in the record, nothing else. */
                s = find(m, interface, name);
                if (s)
                        forget(s);
                break;
        case AVAHI_BROWSER_FAILURE:
                mdns_reconnect(m, "looking for boards");
                break;
        case AVAHI_BROWSER_ALL_FOR_NOW:
        case AVAHI_BROWSER_CACHE_EXHAUSTED:
                break;
        }
}

void mdns_browser_forget(struct mdns *m, bool free_objects) {
        if (free_objects && m->browser)
                (void)avahi_service_browser_free(m->browser);
        m->browser = NULL;
        for (unsigned i = 0; i < MDNS_SERVICES; i++) {
                if (!free_objects)
                        m->services[i].resolver = NULL;
                else if (m->services[i].resolver && mdns_stuck(m))
                        return; /* the rest goes with the client */
                forget(&m->services[i]);
        }
        m->resolving = 0;
}

void mdns_browser_update(struct mdns *m) {
        if (!m->browse) {
                /* Objects of a connection that was given up go with it, without a word. */
                if (m->running)
                        mdns_browser_forget(m, true);
        } else if (!m->browser && m->client && m->running && !mdns_stuck(m)) {
                m->browser = avahi_service_browser_new(m->client, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET,
                                                       MDNS_TYPE, NULL, 0, on_browser, m);
                if (!m->browser)
                        mdns_reconnect(m, "looking for boards");
        }
}

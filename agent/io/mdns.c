/* The connection to avahi-daemon, which comes and goes. */
#include "io/mdns.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/avahi_loop.h"
#include "io/log.h"
#include "io/mdns_private.h"

#include <errno.h>
#include <stdio.h>

enum { RETRY_MOST_MS = 30 * 1000 };

static void tell_available(struct mdns *m, bool yes) {
        m->running = yes;
        if (!yes)
                m->announced = false;
        if (m->told && m->available == yes)
                return;
        m->told = true;
        m->available = yes;
        m->ops->available(m->arg, yes);
}

/* Everything that hung on the client went with it. */
static void drop_client(struct mdns *m) {
        AvahiClient *client = take_ptr(m->client);

        m->group = NULL;
        m->added = false;
        m->browser = NULL;
        m->host_name_set = false;
        mdns_browser_forget(m, false);
        if (client)
                avahi_client_free(client);
}

static bool long_turn(const struct mdns *m) {
        return uv_hrtime() / 1000000 - uv_now(m->retry.loop) > MDNS_STUCK_MS;
}

bool mdns_stuck(struct mdns *m) {
        if (!long_turn(m))
                return false;
        mdns_reconnect(m, "it hangs");
        return true;
}

void mdns_reconnect(struct mdns *m, const char *what) {
        int error = m->client ? avahi_client_errno(m->client) : AVAHI_ERR_NO_DAEMON;

        if (uv_is_active((uv_handle_t *)&m->retry))
                return;
        if (long_turn(m))
                m->retry_ms = MDNS_STUCK_RETRY_MS;
        if (log_once("mdns away"))
                log_warning("cannot announce this board by mDNS, retrying in %u s: %s: %s",
                            m->retry_ms / 1000, what, avahi_strerror(error));
        (void)uv_timer_start(&m->retry, m->retry.timer_cb, m->retry_ms, 0);
        m->retry_ms = m->retry_ms > RETRY_MOST_MS / 2 ? RETRY_MOST_MS : m->retry_ms * 2;
        tell_available(m, false);
}

void mdns_announced(struct mdns *m) {
        m->retry_ms = MDNS_RETRY_MS;
        if (!m->announced)
                log_info("announced on the LAN as '%s'", m->name);
        m->announced = true;
        log_again("mdns away");
}

static void set_host_name(struct mdns *m) {
        int r;

        /* Once a connection: should the name be taken, avahi finds another by itself, and asking
         * again would go on for ever. */
        if (!m->client || m->host_name_set || !m->host_name[0])
                return;
        /* avahi 0.8 that is still probing for one name collides with itself when it gets another.
         */
        if (avahi_client_get_state(m->client) != AVAHI_CLIENT_S_RUNNING)
                return;
        m->host_name_set = true;
        r = avahi_client_set_host_name(m->client, m->host_name);
        if (r < 0 && r != AVAHI_ERR_NO_CHANGE && log_once("mdns host name"))
                log_warning("cannot become %s.local: %s", m->host_name, avahi_strerror(r));
}

static void on_client(AvahiClient *client, AvahiClientState state, void *arg) {
        struct mdns *m = arg;

        m->client = client; /* the first call comes before avahi_client_new() returns */
        switch (state) {
        case AVAHI_CLIENT_S_RUNNING:
                tell_available(m, true);
                set_host_name(m);
                mdns_announce(m);
                mdns_browser_update(m);
                break;
        case AVAHI_CLIENT_S_REGISTERING:
        case AVAHI_CLIENT_S_COLLISION:
                /* The host gets a name, or another one: our record points at it, and comes back
                 * when that is settled. */
                mdns_withdraw(m);
                break;
        case AVAHI_CLIENT_CONNECTING:
                /* D-Bus is there and will say when the daemon is. */
                if (log_once("mdns away"))
                        log_warning("avahi-daemon is not running, waiting for it");
                tell_available(m, false);
                break;
        case AVAHI_CLIENT_FAILURE:
                mdns_reconnect(m, "avahi-daemon");
                break;
        }
}

static void connect_client(struct mdns *m) {
        int error = 0;

        drop_client(m);
        m->client = avahi_client_new(&m->poll, AVAHI_CLIENT_NO_FAIL, on_client, m, &error);
        if (!m->client) {
                if (log_once("mdns away"))
                        log_warning("cannot reach avahi-daemon, retrying every %u s at most: %s",
                                    RETRY_MOST_MS / 1000, avahi_strerror(error));
                mdns_reconnect(m, "D-Bus");
        }
}

static void on_retry(uv_timer_t *timer) {
        connect_client(container_of(timer, struct mdns, retry));
}

static void on_again(uv_timer_t *timer) {
        mdns_browser_on_timer(container_of(timer, struct mdns, again));
}

/* Text of ours that goes into a TXT record; what is too long was never an honest board's. */
static int take(struct mdns *m, const struct mdns_announcement *a) {
        int r = str_copy(m->board, sizeof(m->board), a->board);

        if (r == 0)
                r = str_copy(m->state, sizeof(m->state), a->state);
        m->port = a->port;
        m->cluster_id = a->cluster_id;
        m->node = a->node;
        return r;
}

int mdns_open(uv_loop_t *loop, const struct mdns_announcement *a, const struct mdns_ops *ops,
              void *arg, struct mdns **ret) {
        struct mdns *m = calloc(1, sizeof(*m));
        char node[17];
        int r;

        if (!m)
                return -ENOMEM;
        r = take(m, a);
        if (r < 0) {
                free(m);
                return r;
        }
        str_hex64(a->node, node);
        (void)snprintf(m->name, sizeof(m->name), "bramble-%s", node);
        m->ops = ops;
        m->arg = arg;
        m->browse = true;
        m->retry_ms = MDNS_RETRY_MS;
        avahi_loop_init(&m->poll, loop);
        (void)uv_timer_init(loop, &m->retry);
        (void)uv_timer_init(loop, &m->again);
        m->handles = 2;
        (void)uv_timer_start(&m->again, on_again, MDNS_AGAIN_MS, MDNS_AGAIN_MS);
        /* From the loop: 'ops' is not called before the caller has its handle. */
        (void)uv_timer_start(&m->retry, on_retry, 0, 0);
        *ret = m;
        return 0;
}

int mdns_update(struct mdns *m, const struct mdns_announcement *a) {
        int r = take(m, a);

        if (r == 0 && m->running)
                mdns_announce(m);
        return r;
}

void mdns_set_host_name(struct mdns *m, const char *name) {
        if (str_eq(m->host_name, name) || str_copy(m->host_name, sizeof(m->host_name), name) < 0)
                return;
        m->host_name_set = false;
        set_host_name(m);
}

void mdns_browse(struct mdns *m, _Bool yes) {
        m->browse = yes;
        mdns_browser_update(m);
}

void mdns_only_on(struct mdns *m, const char *interface) {
        (void)str_copy(m->only, sizeof(m->only), interface);
}

static void on_closed(uv_handle_t *handle) {
        struct mdns *m = handle->data;

        if (--m->handles == 0)
                free(m);
}

void mdns_close(struct mdns *m) {
        if (!m)
                return;
        drop_client(m);
        m->retry.data = m->again.data = m;
        uv_close((uv_handle_t *)&m->retry, on_closed);
        uv_close((uv_handle_t *)&m->again, on_closed);
}

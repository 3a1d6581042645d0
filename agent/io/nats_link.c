#include "io/nats_link.h"

#include "base/list.h"
#include "base/str.h"

#include <dlfcn.h>
#include <errno.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef BRAMBLE_NATS_LIBRARY
#define BRAMBLE_NATS_LIBRARY "libnats.so"
#endif

enum {
        NATS_CONNECT_MS = 2000,
        NATS_AGAIN_MS = 1000,
        NATS_PING_MS = 5000, /* a server that is gone is missed after two of them */
        NATS_WRITE_MS = 1000,
        NATS_END_MS = 2000,
        NATS_INBOX_SIZE = 128,
};

/* A gateway without NATS has nothing of it in memory. */
#define NATS_CALLS(X)                              \
        X(natsOptions_Create)                      \
        X(natsOptions_SetURL)                      \
        X(natsOptions_SetName)                     \
        X(natsOptions_SetTimeout)                  \
        X(natsOptions_SetMaxReconnect)             \
        X(natsOptions_SetReconnectWait)            \
        X(natsOptions_SetPingInterval)             \
        X(natsOptions_SetMaxPingsOut)              \
        X(natsOptions_SetWriteDeadline)            \
        X(natsOptions_SetRetryOnFailedConnect)     \
        X(natsOptions_SetDisconnectedCB)           \
        X(natsOptions_SetReconnectedCB)            \
        X(natsOptions_SetClosedCB)                 \
        X(natsOptions_SetErrorHandler)             \
        X(natsOptions_SetSecure)                   \
        X(natsOptions_LoadCATrustedCertificates)   \
        X(natsOptions_SetUserCredentialsFromFiles) \
        X(natsOptions_Destroy)                     \
        X(natsConnection_Connect)                  \
        X(natsConnection_Subscribe)                \
        X(natsConnection_Publish)                  \
        X(natsConnection_PublishRequest)           \
        X(natsConnection_Destroy)                  \
        X(natsInbox_Create)                        \
        X(natsInbox_Destroy)                       \
        X(natsSubscription_Destroy)                \
        X(natsConnection_PublishMsg)               \
        X(natsMsg_Create)                          \
        X(natsMsgHeader_Set)                       \
        X(natsMsg_GetSubject)                      \
        X(natsMsg_GetReply)                        \
        X(natsMsg_GetData)                         \
        X(natsMsg_GetDataLength)                   \
        X(natsMsg_Destroy)                         \
        X(natsStatus_GetText)                      \
        X(nats_CloseAndWait)

static struct {
#define X(name) __typeof__(&name) name;
        NATS_CALLS(X)
#undef X
} nats;

enum event_kind { EVENT_UP, EVENT_DOWN, EVENT_CLOSED, EVENT_MESSAGE };

struct event {
        struct list link;
        enum event_kind kind;
        natsMsg *message;
};

struct nats_link {
        uv_loop_t *loop;
        const struct nats_link_ops *ops;
        void *arg;
        natsOptions *options;
        natsConnection *connection;
        natsSubscription *subscription;
        char inbox[NATS_INBOX_SIZE]; /* ours; behind it a dot and a word */
        bool up, closing, connecting, subscribed;
        natsStatus status; /* of the attempt to connect, made on libuv's pool */
        uv_work_t work;
        uv_timer_t again;
        unsigned handles; /* not yet closed */
        uv_async_t wake;
        uv_mutex_t lock; /* guards the next line */
        struct list events;
};

/* ---- on libnats' threads ----------------------------------------------------------------------
 */

static void post(struct nats_link *l, enum event_kind kind, natsMsg *message) {
        struct event *e = calloc(1, sizeof(*e));

        if (!e) { /* a message that is not acknowledged comes again */
                if (message)
                        nats.natsMsg_Destroy(message);
                return;
        }
        e->kind = kind;
        e->message = message;
        uv_mutex_lock(&l->lock);
        list_append(&l->events, &e->link);
        uv_mutex_unlock(&l->lock);
        (void)uv_async_send(&l->wake);
}

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *arg) {
        (void)nc;
        (void)sub;
        post(arg, EVENT_MESSAGE, message);
}

static void on_connected(natsConnection *nc, void *arg) {
        (void)nc;
        post(arg, EVENT_UP, NULL);
}

static void on_disconnected(natsConnection *nc, void *arg) {
        (void)nc;
        post(arg, EVENT_DOWN, NULL);
}

/* It has given up: a server that refuses us twice is not asked again by libnats. */
static void on_closed(natsConnection *nc, void *arg) {
        (void)nc;
        post(arg, EVENT_CLOSED, NULL);
}

/* libnats prints what nobody handles. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *arg) {
        (void)nc;
        (void)sub;
        (void)status;
        (void)arg;
}

/* ---- on the loop ------------------------------------------------------------------------------
 */

static void take_message(struct nats_link *l, natsMsg *m) {
        const char *subject = nats.natsMsg_GetSubject(m), *inbox = "";
        size_t len = strlen(l->inbox);

        if (strncmp(subject, l->inbox, len) == 0 && subject[len] == '.')
                inbox = subject + len + 1;
        l->ops->message(l->arg, inbox, subject, str_or(nats.natsMsg_GetReply(m), ""),
                        str_or(nats.natsMsg_GetData(m), ""), (size_t)nats.natsMsg_GetDataLength(m));
}

static int subscribe(struct nats_link *l) {
        char subject[NATS_INBOX_SIZE + 4];

        if (l->subscribed)
                return 0;
        (void)snprintf(subject, sizeof(subject), "%s.*", l->inbox);
        l->subscribed = nats.natsConnection_Subscribe(&l->subscription, l->connection, subject,
                                                      on_message, l) == NATS_OK;
        return l->subscribed ? 0 : -EIO;
}

static void on_again(uv_timer_t *timer);

static void drop_connection(struct nats_link *l) {
        nats.natsSubscription_Destroy(take_ptr(l->subscription));
        nats.natsConnection_Destroy(take_ptr(l->connection));
        l->subscribed = false;
}

static void take_event(struct nats_link *l, const struct event *e) {
        bool was = l->up;

        switch (e->kind) {
        case EVENT_UP:
                l->up = l->connection && subscribe(l) == 0;
                if (l->up)
                        l->ops->up(l->arg);
                break;
        case EVENT_DOWN:
                l->up = false;
                if (was)
                        l->ops->down(l->arg);
                break;
        case EVENT_CLOSED:
                l->up = false;
                drop_connection(l);
                (void)uv_timer_start(&l->again, on_again, NATS_AGAIN_MS, 0);
                if (was)
                        l->ops->down(l->arg);
                break;
        case EVENT_MESSAGE:
                take_message(l, e->message);
                break;
        }
}

static struct event *next_event(struct nats_link *l) {
        struct event *e = NULL;

        uv_mutex_lock(&l->lock);
        if (!list_empty(&l->events)) {
                e = container_of(l->events.next, struct event, link);
                list_remove(&e->link);
        }
        uv_mutex_unlock(&l->lock);
        return e;
}

static void on_wake(uv_async_t *wake) {
        struct nats_link *l = container_of(wake, struct nats_link, wake);
        struct event *e;

        while (!l->connecting && (e = next_event(l))) {
                if (!l->closing)
                        take_event(l, e);
                if (e->message)
                        nats.natsMsg_Destroy(e->message);
                free(e);
        }
}

/* ---- connecting, which blocks: on the pool ----------------------------------------------------
 */

static void on_work(uv_work_t *work) {
        struct nats_link *l = container_of(work, struct nats_link, work);

        l->status = nats.natsConnection_Connect(&l->connection, l->options);
}

static void finish_close(struct nats_link *l);

static void start_connect(struct nats_link *l);

static void on_again(uv_timer_t *timer) {
        start_connect(container_of(timer, struct nats_link, again));
}

static void on_worked(uv_work_t *work, int status) {
        struct nats_link *l = container_of(work, struct nats_link, work);

        (void)status;
        l->connecting = false;
        if (l->closing) {
                finish_close(l);
                return;
        }
        if (l->status == NATS_OK)
                post(l, EVENT_UP, NULL);
        else if (l->status != NATS_NOT_YET_CONNECTED)
                (void)uv_timer_start(&l->again, on_again, NATS_AGAIN_MS, 0);
        on_wake(&l->wake);
}

static void start_connect(struct nats_link *l) {
        l->connecting = uv_queue_work(l->loop, &l->work, on_work, on_worked) == 0;
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

static int load(struct fail *f) {
        void *library;

        if (nats.nats_CloseAndWait)
                return 0;
        library = dlopen(BRAMBLE_NATS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        if (!library)
                return fail(f, -ENOENT, "a queue in NATS needs libnats: %s", dlerror());
#define X(name)                                       \
        *(void **)&nats.name = dlsym(library, #name); \
        if (!nats.name)                               \
                return fail(f, -ENOENT, "libnats has no %s", #name);
        NATS_CALLS(X)
#undef X
        return 0;
}

static int set_options(struct nats_link *l, const struct nats_link_options *o, struct fail *f) {
        natsStatus s = nats.natsOptions_Create(&l->options);

#define SET(name, ...)    \
        if (s == NATS_OK) \
        s = nats.natsOptions_##name(l->options, __VA_ARGS__)
        SET(SetURL, o->url);
        SET(SetName, o->name);
        SET(SetTimeout, NATS_CONNECT_MS);
        SET(SetMaxReconnect, -1);
        SET(SetReconnectWait, NATS_AGAIN_MS);
        SET(SetPingInterval, NATS_PING_MS);
        SET(SetMaxPingsOut, 2);
        SET(SetWriteDeadline, NATS_WRITE_MS);
        SET(SetRetryOnFailedConnect, true, on_connected, l);
        SET(SetDisconnectedCB, on_disconnected, l);
        SET(SetReconnectedCB, on_connected, l);
        SET(SetClosedCB, on_closed, l);
        SET(SetErrorHandler, on_error, l);
        if (str_starts(o->url, "tls://")) {
                SET(SetSecure, true);
        }
        if (s != NATS_OK)
                return fail(f, -EINVAL, "the queue's address is none for NATS: %s",
                            nats.natsStatus_GetText(s));
        if (o->ca[0])
                s = nats.natsOptions_LoadCATrustedCertificates(l->options, o->ca);
        if (s != NATS_OK)
                return fail(f, -EINVAL, "cannot read certificates from %s", o->ca);
        if (o->credentials[0])
                s = nats.natsOptions_SetUserCredentialsFromFiles(l->options, o->credentials, NULL);
        if (s != NATS_OK)
                return fail(f, -EINVAL, "cannot read credentials from %s", o->credentials);
#undef SET
        return 0;
}

static int make_inbox(struct nats_link *l) {
        natsInbox *inbox;
        int r;

        if (nats.natsInbox_Create(&inbox) != NATS_OK)
                return -ENOMEM;
        r = str_copy(l->inbox, sizeof(l->inbox), inbox);
        nats.natsInbox_Destroy(inbox);
        return r;
}

int nats_link_open(uv_loop_t *loop, const struct nats_link_options *o,
                   const struct nats_link_ops *ops, void *arg, struct nats_link **ret,
                   struct fail *f) {
        struct nats_link *l;
        int r = load(f);

        if (r < 0)
                return r;
        l = calloc(1, sizeof(*l));
        if (!l)
                return fail(f, -ENOMEM, "out of memory");
        l->loop = loop;
        l->ops = ops;
        l->arg = arg;
        list_init(&l->events);
        r = set_options(l, o, f);
        if (r == 0 && (make_inbox(l) < 0 || uv_mutex_init(&l->lock) < 0))
                r = fail(f, -ENOMEM, "out of memory");
        if (r < 0) {
                nats.natsOptions_Destroy(l->options);
                free(l);
                return r;
        }
        (void)uv_async_init(loop, &l->wake, on_wake);
        (void)uv_timer_init(loop, &l->again);
        l->handles = 2;
        start_connect(l);
        *ret = l;
        return 0;
}

static void on_handle_closed(uv_handle_t *handle) {
        struct nats_link *l = handle->data;

        if (--l->handles > 0)
                return;
        uv_mutex_destroy(&l->lock);
        free(l);
}

/* Waits for libnats' threads: nothing calls us after that. */
static void finish_close(struct nats_link *l) {
        drop_connection(l);
        nats.natsOptions_Destroy(l->options);
        (void)nats.nats_CloseAndWait(NATS_END_MS);
        on_wake(&l->wake);
        l->wake.data = l->again.data = l;
        uv_close((uv_handle_t *)&l->wake, on_handle_closed);
        uv_close((uv_handle_t *)&l->again, on_handle_closed);
}

void nats_link_close(struct nats_link *l) {
        if (!l || l->closing)
                return;
        l->closing = true;
        l->up = false;
        if (!l->connecting)
                finish_close(l);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static int error_of(natsStatus s) {
        if (s == NATS_OK)
                return 0;
        if (s == NATS_MAX_PAYLOAD)
                return -EMSGSIZE;
        return s == NATS_NO_MEMORY ? -ENOMEM : -ENOTCONN;
}

int nats_link_send(struct nats_link *l, const char *subject, const void *data, size_t len) {
        if (!l->up)
                return -ENOTCONN;
        return error_of(nats.natsConnection_Publish(l->connection, subject, data, (int)len));
}

int nats_link_ask(struct nats_link *l, const char *subject, const char *inbox, const void *data,
                  size_t len) {
        char reply[NATS_INBOX_SIZE + 32];

        if (!l->up)
                return -ENOTCONN;
        (void)snprintf(reply, sizeof(reply), "%s.%s", l->inbox, inbox);
        return error_of(
                nats.natsConnection_PublishRequest(l->connection, subject, reply, data, (int)len));
}

int nats_link_ask_with(struct nats_link *l, const char *subject, const char *inbox,
                       const char *header, const char *value) {
        char reply[NATS_INBOX_SIZE + 32];
        natsMsg *m = NULL;
        natsStatus s;

        if (!l->up)
                return -ENOTCONN;
        (void)snprintf(reply, sizeof(reply), "%s.%s", l->inbox, inbox);
        s = nats.natsMsg_Create(&m, subject, reply, "", 0);
        if (s == NATS_OK)
                s = nats.natsMsgHeader_Set(m, header, value);
        if (s == NATS_OK)
                s = nats.natsConnection_PublishMsg(l->connection, m);
        nats.natsMsg_Destroy(m);
        return error_of(s);
}

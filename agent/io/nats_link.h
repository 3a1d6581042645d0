/* nats_link - a connection to NATS on the loop, by libnats, which is loaded with it.  libnats has
 * threads of its own: they end here, at a list and a wake-up of the loop. */
#ifndef BRAMBLE_IO_NATS_LINK_H
#define BRAMBLE_IO_NATS_LINK_H

#include "base/fail.h"

#include <stddef.h>
#include <uv.h>

struct nats_link;

struct nats_link_options {
        const char *url;         /* nats:// or tls://, with credentials or without */
        const char *credentials; /* a file, "" */
        const char *ca;          /* a file, "": the system's */
        const char *name;        /* by which the server's people know us */
};

/* All of them come on the loop. */
struct nats_link_ops {
        void (*up)(void *arg);   /* connected, also after each 'down' */
        void (*down)(void *arg); /* not any more; it is tried again without end */
        /* A message for one of our inboxes.  'inbox': what nats_link_ask() said, "" for one that
         * was sent on to us from another subject, as JetStream delivers. */
        void (*message)(void *arg, const char *inbox, const char *subject, const char *reply,
                        const char *data, size_t len);
};

/* Begins to connect.  -ENOENT where libnats is not installed, -EINVAL for wrong options. */
int nats_link_open(uv_loop_t *loop, const struct nats_link_options *o,
                   const struct nats_link_ops *ops, void *arg, struct nats_link **ret,
                   struct fail *f);
/* Sends.  -ENOTCONN while there is no connection, -EMSGSIZE for more than the server takes. */
int nats_link_send(struct nats_link *l, const char *subject, const void *data, size_t len);
/* The same; answers come with 'inbox', a word of letters and digits. */
int nats_link_ask(struct nats_link *l, const char *subject, const char *inbox, const void *data,
                  size_t len);
/* The same with one header. */
int nats_link_ask_with(struct nats_link *l, const char *subject, const char *inbox,
                       const char *header, const char *value);
/* Ends it; nothing more is called, and the memory goes with the loop's next turns. */
void nats_link_close(struct nats_link *l);

#endif

/* netlink - requests to the kernel's rtnetlink, many of them in one system call (libmnl).
 *
 * The kernel answers while it is being asked, so a request blocks for microseconds only. */
#ifndef BRAMBLE_IO_NETLINK_H
#define BRAMBLE_IO_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

enum {
        NETLINK_BATCH = 32,    /* most requests in a batch */
        NETLINK_REQUEST = 256, /* most bytes of one request */
        NETLINK_TEXT = 128,    /* the kernel's own sentence about a failure */
};

struct netlink;

/* A socket in the network namespace of the calling thread; it stays there whatever the thread
 * does later.  'groups': bits of RTMGRP_*, 0 for requests; with groups it does not block. */
int netlink_open(unsigned groups, struct netlink **ret);
void netlink_free(struct netlink *nl);
int netlink_fd(const struct netlink *nl);

/* Appends a request to the batch; 'len' bytes of family header behind it are zero.  Attributes are
 * put on it with mnl_attr_put_*() until the next call.  NLM_F_REQUEST and NLM_F_ACK are implied.
 * At most NETLINK_BATCH requests of NETLINK_REQUEST bytes: asserted. */
struct nlmsghdr *netlink_put(struct netlink *nl, uint16_t type, uint16_t flags, size_t len);
unsigned netlink_pending(const struct netlink *nl);

/* Sends the batch and waits for every answer.  The kernel goes on behind a request that failed;
 * the first error is returned, each one's is in ret_errors (netlink_pending() places, or NULL). */
int netlink_commit(struct netlink *nl, int *ret_errors);
/* What the kernel said about that first error, "" where it said nothing. */
const char *netlink_text(const struct netlink *nl);

/* Sends what is in the batch as one question (a dump, or one object) and gives each object of the
 * answer to 'each', which returns 0 or a negative errno that ends it.  -EINTR: what was listed
 * changed meanwhile, ask again from the start. */
typedef int (*netlink_each)(const struct nlmsghdr *nlh, void *arg);
int netlink_ask(struct netlink *nl, netlink_each each, void *arg);

/* Reads one datagram of a socket with groups.  0 where there is none, -ENOBUFS where some were
 * lost, 1 otherwise. */
int netlink_next(struct netlink *nl, netlink_each each, void *arg);

#define auto_netlink __attribute__((cleanup(netlink_scope)))
static inline void netlink_scope(struct netlink **nl) {
        netlink_free(*nl);
}

#endif

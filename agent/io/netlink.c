#include "io/netlink.h"

#include "base/scope.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_BYTES = 32 * 1024 }; /* the kernel makes no larger dump datagrams */

struct netlink {
        struct mnl_socket *socket;
        struct nlmsghdr *last; /* of the batch, NULL while it is empty */
        uint32_t seq;          /* of 'last' */
        unsigned pending;
        char text[NETLINK_TEXT];
        /* 8-byte aligned as netlink headers want it */
        _Alignas(8) char batch[NETLINK_BATCH * NETLINK_REQUEST];
        _Alignas(8) char answer[ANSWER_BYTES];
};

static int set_options(struct netlink *nl, unsigned groups) {
        struct timeval patience = { .tv_sec = 5 };
        int fd = mnl_socket_get_fd(nl->socket), yes = 1;

        /* Both are niceties: errors without a copy of the request, with a sentence. */
        (void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &yes, sizeof(yes));
        (void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &yes, sizeof(yes));
        /* An answer is there when sending returns.  Should that ever not be so, the agent must not
         * hang. */
        if (!groups && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
                return -errno;
        return mnl_socket_bind(nl->socket, groups, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

int netlink_open(unsigned groups, struct netlink **ret) {
        struct netlink *nl = malloc(sizeof(*nl));
        int r;

        if (!nl)
                return -ENOMEM;
        nl->last = NULL;
        nl->seq = nl->pending = 0;
        nl->text[0] = '\0';
        nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0));
        r = nl->socket ? set_options(nl, groups) : -errno;
        if (r < 0) {
                netlink_free(nl);
                return r;
        }
        *ret = nl;
        return 0;
}

void netlink_free(struct netlink *nl) {
        if (!nl)
                return;
        if (nl->socket)
                (void)mnl_socket_close(nl->socket);
        free(nl);
}

int netlink_fd(const struct netlink *nl) {
        return mnl_socket_get_fd(nl->socket);
}

static size_t batch_len(const struct netlink *nl) {
        if (!nl->last)
                return 0;
        return (size_t)((const char *)nl->last - nl->batch) + MNL_ALIGN(nl->last->nlmsg_len);
}

struct nlmsghdr *netlink_put(struct netlink *nl, uint16_t type, uint16_t flags, size_t len) {
        assert(nl->pending < NETLINK_BATCH);
        assert(!nl->last || nl->last->nlmsg_len <= NETLINK_REQUEST);
        nl->last = mnl_nlmsg_put_header(nl->batch + batch_len(nl));
        nl->last->nlmsg_type = type;
        nl->last->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
        nl->last->nlmsg_seq = ++nl->seq;
        nl->pending++;
        (void)mnl_nlmsg_put_extra_header(nl->last, len);
        return nl->last;
}

unsigned netlink_pending(const struct netlink *nl) {
        return nl->pending;
}

/* Keeps the kernel's sentence of an extended acknowledgement. */
static void keep_text(struct netlink *nl, const struct nlmsghdr *nlh) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
        size_t head = sizeof(*e);
        const struct nlattr *attr;

        nl->text[0] = '\0';
        if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
                return;
        if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
                head += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
        if (mnl_nlmsg_get_payload_len(nlh) < head)
                return;
        mnl_attr_for_each(attr, nlh, head) {
                if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
                        str_printable(nl->text, sizeof(nl->text), mnl_attr_get_payload(attr),
                                      strnlen(mnl_attr_get_payload(attr),
                                              mnl_attr_get_payload_len(attr)));
        }
}

/* Sends the batch; on success nl->last and nl->pending are as for an empty one. */
static int send_batch(struct netlink *nl) {
        ssize_t n = mnl_socket_sendto(nl->socket, nl->batch, batch_len(nl));

        nl->last = NULL;
        nl->pending = 0;
        nl->text[0] = '\0';
        return n < 0 ? -errno : 0;
}

static int receive(struct netlink *nl, size_t *ret_len) {
        ssize_t n;

        do
                n = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        *ret_len = (size_t)n;
        return 0;
}

/* The walk over the messages of an answer: each is NULL behind the last whole one. */
static const struct nlmsghdr *first_of(struct netlink *nl, int *len) {
        const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)nl->answer;

        return mnl_nlmsg_ok(nlh, *len) ? nlh : NULL;
}

static const struct nlmsghdr *next_of(const struct nlmsghdr *nlh, int *len) {
        nlh = mnl_nlmsg_next(nlh, len);
        return mnl_nlmsg_ok(nlh, *len) ? nlh : NULL;
}

/* The errno in an acknowledgement, 0 for success. */
static int ack_error(const struct nlmsghdr *nlh) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

        if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
                return -EBADMSG;
        return e->error > 0 ? -e->error : e->error;
}

int netlink_commit(struct netlink *nl, int *ret_errors) {
        unsigned n = nl->pending, answered = 0;
        uint32_t first = nl->seq - n + 1;
        int error = 0, r;

        if (n == 0)
                return 0;
        r = send_batch(nl);
        while (r == 0 && answered < n) {
                size_t got;
                int len;

                r = receive(nl, &got);
                if (r < 0)
                        break;
                len = (int)got;
                for (const struct nlmsghdr *i = first_of(nl, &len); i; i = next_of(i, &len)) {
                        int e;

                        /* an answer to a question that was given up */
                        if (i->nlmsg_type != NLMSG_ERROR || i->nlmsg_seq - first >= n)
                                continue;
                        e = ack_error(i);
                        answered++;
                        if (ret_errors)
                                ret_errors[i->nlmsg_seq - first] = e;
                        if (e < 0 && error == 0) {
                                error = e;
                                keep_text(nl, i);
                        }
                }
        }
        return r < 0 ? r : error;
}

const char *netlink_text(const struct netlink *nl) {
        return nl->text;
}

int netlink_ask(struct netlink *nl, netlink_each each, void *arg) {
        uint32_t seq = nl->seq;
        bool changed = false;
        int r;

        assert(nl->pending == 1);
        r = send_batch(nl);
        while (r == 0) {
                size_t got;
                int len;

                r = receive(nl, &got);
                if (r < 0)
                        return r;
                len = (int)got;
                for (const struct nlmsghdr *i = first_of(nl, &len); i; i = next_of(i, &len)) {
                        if (i->nlmsg_seq != seq)
                                continue;
                        changed |= (i->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
                        if (i->nlmsg_type == NLMSG_ERROR && ack_error(i) < 0)
                                keep_text(nl, i);
                        if (i->nlmsg_type == NLMSG_ERROR)
                                return ack_error(i);
                        if (i->nlmsg_type == NLMSG_DONE)
                                return changed ? -EINTR : 0;
                        if (i->nlmsg_type >= NLMSG_MIN_TYPE && (r = each(i, arg)) < 0)
                                break;
                }
        }
        return r;
}

int netlink_next(struct netlink *nl, netlink_each each, void *arg) {
        size_t got;
        int len, r;

        r = receive(nl, &got);
        if (r < 0)
                return r == -EAGAIN ? 0 : r;
        len = (int)got;
        for (const struct nlmsghdr *i = first_of(nl, &len); i; i = next_of(i, &len))
                if (i->nlmsg_type >= NLMSG_MIN_TYPE && (r = each(i, arg)) < 0)
                        return r;
        return 1;
}

#include "daemon/join.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/message.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct joiner {
        struct agent *agent;
        struct board board;
};

static void answer(struct agent *a, uint64_t node, int result) {
        const struct charter_member *member =
                result == 0 ? charter_member(&a->charter, node) : NULL;
        struct message_joined joined = { .result = result, .leader = membership_leader(a) };
        struct link *l = peers_link(a, node);
        auto_buf struct buf b = { 0 };

        if (member) {
                joined.bramble = a->charter.bramble;
                joined.subnet = member->subnet;
                (void)str_copy(joined.name, sizeof(joined.name), member->name);
        } else if (result == 0) {
                joined.result = -EAGAIN;
        }
        if (l && message_joined_encode(&joined, &b) == 0)
                (void)link_send(l, FRAME_JOINED, 0, b.data, b.len);
}

static void on_added(void *arg, int result) {
        struct joiner *j = arg;

        answer(j->agent, j->board.node, result);
        free(j);
}

static void add(struct joiner *j) {
        struct charter_command cmd = { .op = CHARTER_MEMBER_ADD, .board = j->board };
        struct consensus *c = membership_consensus(j->agent);
        int r = c ? consensus_submit(c, &cmd, on_added, j) : -ENOTCONN;

        if (r < 0)
                on_added(j, r);
}

static void on_removed(void *arg, int result) {
        struct joiner *j = arg;

        if (result < 0)
                on_added(j, result);
        else
                add(j);
}

void join_answer(struct agent *a, struct link *l, const struct frame *f) {
        struct consensus *c = membership_consensus(a);
        struct joiner *j;
        struct board board;
        int r;

        if (message_join_decode(f->body, f->len, &board) < 0 || board.node != link_node(l)) {
                log_warning("%s asked to join with a board that makes no sense", link_address(l));
                link_close(l);
                return;
        }
        if (!membership_leads(a)) {
                answer(a, board.node, -ENOTCONN);
                return;
        }
        j = calloc(1, sizeof(*j));
        if (!j)
                return;
        j->agent = a;
        j->board = board;
        if (consensus_role(c, board.node) == VOTER_NONE) {
                add(j);
                return;
        }
        /* It was flashed anew and has lost its log, and with it its votes: libraft must see a new
         * server, or an old promise could be broken. */
        log_info("%s comes back with an empty card",
                 charter_member(&a->charter, board.node)
                         ? charter_member(&a->charter, board.node)->name
                         : "a board");
        r = consensus_remove(c, board.node, on_removed, j);
        if (r < 0)
                on_added(j, r);
}

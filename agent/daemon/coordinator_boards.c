/* coordinator_boards - a person changes one board: finds it by its name, writes the change into the
 * charter, and says how it went. */
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "io/json.h"

#include <errno.h>

const struct charter_member *coordinator_board_named(struct request *q) {
        const char *name = json_text(q->args, "board", "");
        const struct charter_member *m = charter_member_by_name(&q->agent->charter, name);

        if (!m)
                request_fail(q, 404, "no board is called '%.63s': agentctl status", name);
        return m;
}

static void on_written(void *arg, int result) {
        struct request *q = arg;
        const char *name = json_text(q->args, "name", "");
        cJSON *o;

        if (result == 0) {
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "board", json_text(q->args, "board", ""));
                if (name[0])
                        (void)cJSON_AddStringToObject(o, "name", name);
                coordinator_reply(q, o);
        } else if (result == -ENOENT) {
                request_fail(q, 404, "that board has just left the bramble");
        } else if (result == -EEXIST) { /* only of a new name */
                request_fail(q, 409, "another board has just got that name");
        } else if (result == -ECANCELED || result == -ENOTCONN) {
                request_fail(q, 503, "the leader has just changed: try again");
        } else {
                request_fail_errno(q, result, "");
        }
        request_unref(q);
}

void coordinator_board_write(struct request *q, const struct charter_command *cmd) {
        int r = consensus_submit(membership_consensus(q->agent), cmd, on_written, request_ref(q));

        if (r < 0)
                on_written(q, r);
}

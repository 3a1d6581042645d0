/* kube_snapshots_ask - what the leader knows about snapshots: who keeps which, and their key. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "io/json.h"

#include <string.h>

struct ask {
        snapshots_who_cb who;
        snapshots_key_cb key;
        void *arg;
};

static const char *reply_error(int result, const char *why, const cJSON *reply) {
        if (result < 0)
                return why && why[0] ? why : strerror(-result);
        return json_text(reply, "error", NULL);
}

/* -EINVAL for a board that makes no sense: left out. */
static int parse_board(const cJSON *o, struct kube_snapshot_board *ret) {
        uint64_t node, epoch, number;

        if (str_from_hex64(json_text(o, "node", ""), &node) < 0 || node == 0 ||
            json_number(o, "epoch", UINT32_MAX, &epoch) < 0 ||
            json_number(o, "number", UINT32_MAX, &number) < 0)
                return -1;
        *ret = (struct kube_snapshot_board){
                .node = node,
                .snapshot = kube_snapshot_id((uint32_t)epoch, (uint32_t)number),
                .fit = json_bool(o, "fit"),
                .plane = json_bool(o, "plane"),
        };
        return 0;
}

static void on_who(void *arg, int result, const char *why, const cJSON *reply) {
        struct ask *ask = arg;
        const char *error = reply_error(result, why, reply);
        auto_free struct snapshots_who *who = error ? NULL : calloc(1, sizeof(*who));
        const cJSON *item;
        uint64_t epoch;

        if (!error && !who)
                error = "no memory";
        if (!error && json_number(reply, "epoch", UINT32_MAX, &epoch) < 0)
                error = "the leader's answer makes no sense";
        if (!error) {
                who->epoch = (uint32_t)epoch;
                cJSON_ArrayForEach(
                        item,
                        cJSON_GetObjectItemCaseSensitive(
                                reply, "boards")) if (who->n < LIMIT_BOARDS &&
                                                      parse_board(item, &who->boards[who->n]) == 0)
                        who->n++;
        }
        ask->who(ask->arg, error ? error : "", error ? NULL : who);
        free(ask);
}

void snapshots_ask_who(struct kube_snapshots *s, snapshots_who_cb done, void *arg) {
        struct ask *ask = calloc(1, sizeof(*ask));
        auto_json cJSON *o = cJSON_CreateObject();

        if (!ask) {
                done(arg, "no memory", NULL);
                return;
        }
        *ask = (struct ask){ .who = done, .arg = arg };
        (void)cJSON_AddStringToObject(o, "verb", "kube-snapshot-who");
        api_run_on_leader(s->agent, o, on_who, ask);
}

static void on_key(void *arg, int result, const char *why, const cJSON *reply) {
        struct ask *ask = arg;
        const char *error = reply_error(result, why, reply);
        const char *key = error ? NULL : json_text(reply, "key", "");

        if (!error && strlen(key) != SNAPSHOTS_KEY_TEXT - 1)
                error = "the leader's answer makes no sense";
        ask->key(ask->arg, error ? error : "", error ? NULL : key);
        free(ask);
}

void snapshots_ask_key(struct kube_snapshots *s, snapshots_key_cb done, void *arg) {
        struct ask *ask = calloc(1, sizeof(*ask));
        auto_json cJSON *o = cJSON_CreateObject();

        if (!ask) {
                done(arg, "no memory", NULL);
                return;
        }
        *ask = (struct ask){ .key = done, .arg = arg };
        (void)cJSON_AddStringToObject(o, "verb", "kube-key");
        api_run_on_leader(s->agent, o, on_key, ask);
}

/* api_secrets - secrets: names come out, values go in, and only a board that runs a function gets
 * what that function needs. */
#include "base/buf.h"
#include "base/str.h"
#include "core/base64.h"
#include "core/names.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/secret_key.h"
#include "io/json.h"
#include "io/log.h"
#include "io/secret_box.h"
#include "io/spec.h"

#include <errno.h>
#include <string.h>

/* The namespace of a request; false, and answered, where it is none. */
static bool get_namespace(struct request *q, char ret[static SIZE_NAME]) {
        const char *text = json_text(q->args, "namespace", "");

        if (!text[0])
                text = CHARTER_NAMESPACE;
        if (str_copy(ret, SIZE_NAME, text) == 0 && names_valid(ret))
                return true;
        request_fail(q, 400, "'%.64s' is no namespace: use letters, digits, '-' and '_'", text);
        return false;
}

static bool get_names(struct request *q, struct charter_command *cmd) {
        const char *name = json_text(q->args, "name", "");

        if (!get_namespace(q, cmd->namespace))
                return false;
        if (str_copy(cmd->name, sizeof(cmd->name), name) == 0 && names_valid(cmd->name))
                return true;
        request_fail(q, 400,
                     "'%.64s' is no name of a secret: use at most 63 letters, digits, '-', '_' and "
                     "'.', with a letter or a digit first",
                     name);
        return false;
}

void verb_secrets(struct request *q) {
        const struct charter *c = &q->agent->charter;
        char namespace[SIZE_NAME];
        cJSON *o, *list;

        if (!get_namespace(q, namespace))
                return;
        o = cJSON_CreateObject();
        list = cJSON_AddArrayToObject(o, "secrets");
        for (uint32_t i = 0; i < c->n_secrets; i++) {
                cJSON *item;

                if (!str_eq(c->secrets[i].namespace, namespace))
                        continue;
                item = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(item, "name", c->secrets[i].name);
                (void)cJSON_AddStringToObject(item, "namespace", namespace);
                (void)cJSON_AddItemToArray(list, item);
        }
        request_reply(q, o);
}

static void on_done(void *arg, int result) {
        struct request *q = arg;
        const char *name = json_text(q->args, "name", "");

        if (result == 0)
                request_reply(q, cJSON_CreateObject());
        else if (result == -ENOENT)
                request_fail(q, 404, "secret %.63s does not exist: create it first", name);
        else if (result == -EEXIST)
                request_fail(q, 409, "secret %.63s exists already: update it", name);
        else if (result == -ENOSPC)
                request_fail(q, 507,
                             "there is no room for another secret: at most %d in a bramble, %d KB "
                             "altogether",
                             LIMIT_SECRETS, LIMIT_SECRETS_BYTES / 1024);
        else if (result == -ESTALE || result == -ENOTCONN || result == -ECANCELED)
                request_fail(q, 503, "the leader has just changed: try again in a moment");
        else
                request_fail_errno(q, result, "");
        request_unref(q);
}

static void submit(struct request *q, const struct charter_command *cmd) {
        int r = consensus_submit(membership_consensus(q->agent), cmd, on_done, request_ref(q));

        if (r < 0)
                on_done(q, r);
}

/* The bytes of "value", or of "rawValue" in base64, which wins. */
static bool get_value(struct request *q, struct buf *out) {
        const cJSON *raw = cJSON_GetObjectItemCaseSensitive(q->args, "rawValue");
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(q->args, "value");
        int r;

        if (cJSON_IsString(raw) && raw->valuestring[0]) {
                r = base64_decode(raw->valuestring, strlen(raw->valuestring), out);
        } else if (cJSON_IsString(value) && value->valuestring[0]) {
                r = buf_add(out, value->valuestring, strlen(value->valuestring));
        } else {
                request_fail(q, 400,
                             "the secret has no value: say it in value, or in rawValue as "
                             "base64");
                return false;
        }
        if (r == 0 && out->len <= LIMIT_SECRET_BYTES)
                return true;
        if (r == -EINVAL)
                request_fail(q, 400, "rawValue is no base64");
        else
                request_fail(q, 413, "the value is larger than %d KB", LIMIT_SECRET_BYTES / 1024);
        return false;
}

void verb_secret_set(struct request *q) {
        struct agent *a = q->agent;
        struct charter_command cmd = { .op = CHARTER_SECRET_SET,
                                       .only_new = json_bool(q->args, "only_new"),
                                       .only_existing = json_bool(q->args, "only_existing") };
        auto_secret struct buf value = { .limit = LIMIT_JSON_BYTES };
        auto_buf struct buf sealed = { 0 };
        const uint8_t *key;
        int r;

        if (!get_names(q, &cmd) || !get_value(q, &value))
                return;
        if (!charter_namespace_exists(&a->charter, cmd.namespace)) {
                request_fail(q, 400, "namespace %.63s does not exist: create it first",
                             cmd.namespace);
                return;
        }
        key = secret_key(a);
        if (!key) {
                request_fail(q, 503,
                             "this board has not got the key of the secrets yet: try again in a "
                             "moment");
                return;
        }
        if (secret_key_later(a, q))
                return;
        r = secret_seal(key, cmd.namespace, cmd.name, value.data, value.len, &sealed);
        if (r < 0) {
                request_fail_errno(q, r, "");
                return;
        }
        cmd.secrets_key = secret_key_id(key);
        cmd.sealed = (const uint8_t *)sealed.data;
        cmd.sealed_len = (uint32_t)sealed.len;
        log_info("secret %s.%s is being written", cmd.name, cmd.namespace);
        submit(q, &cmd);
}

static bool needs(const struct charter_function *f, const char *secret) {
        struct spec spec;
        bool yes;

        if (spec_parse(f->spec, f->spec_len, &spec, NULL) < 0)
                return false;
        yes = spec_needs(&spec, secret);
        spec_done(&spec);
        return yes;
}

/* What a function still needs stays: its next replica could not start without it. */
void verb_secret_remove(struct request *q) {
        const struct charter *c = &q->agent->charter;
        struct charter_command cmd = { .op = CHARTER_SECRET_REMOVE };

        if (!get_names(q, &cmd))
                return;
        for (uint32_t i = 0; i < c->n_functions; i++) {
                const struct charter_function *f = &c->functions[i];

                if (!str_eq(f->namespace, cmd.namespace) || !needs(f, cmd.name))
                        continue;
                request_fail(q, 409,
                             "function %.63s uses the secret %.63s: remove it, or deploy it "
                             "without the secret, first",
                             f->name, cmd.name);
                return;
        }
        log_info("secret %s.%s is being removed", cmd.name, cmd.namespace);
        submit(q, &cmd);
}

static bool any_needs(const struct charter *c, const struct charter_instance *instances, uint32_t n,
                      uint64_t node, const char *namespace, const char *secret) {
        for (uint32_t i = 0; i < n; i++) {
                const struct charter_instance *in = &instances[i];
                const struct charter_function *f;

                if (in->node != node || !str_eq(in->namespace, namespace))
                        continue;
                f = charter_function(c, in->function, in->namespace);
                if (f && needs(f, secret))
                        return true;
        }
        return false;
}

/* Does a replica on that board need it?  Also one that is begun while its place is written down:
 * who calls a function at zero must not wait for a second try. */
static bool entitled(const struct agent *a, uint64_t node, const char *namespace,
                     const char *secret) {
        const struct charter *c = &a->charter;
        const struct charter_instance *ahead;
        uint32_t n_ahead = coordinator_ahead(a, &ahead);

        return any_needs(c, c->instances, c->n_instances, node, namespace, secret) ||
               any_needs(c, ahead, n_ahead, node, namespace, secret);
}

/* A board is about to start a replica, or one that runs gets a new value. */
void verb_secret_get(struct request *q) {
        struct agent *a = q->agent;
        struct charter_command names = { 0 };
        uint64_t node = q->link ? link_node(q->link) : a->board.node;
        auto_secret struct buf value = { 0 }, text = { 0 };
        const struct charter_secret *s;
        const uint8_t *key = secret_key(a);
        cJSON *o;
        int r;

        if (!get_names(q, &names))
                return;
        if (!entitled(a, node, names.namespace, names.name)) {
                request_fail(q, 403, "no replica on this board needs the secret %.63s", names.name);
                return;
        }
        s = charter_secret(&a->charter, names.name, names.namespace);
        if (!s) {
                request_fail(q, 404, "secret %.63s does not exist: agentctl secret create %.63s",
                             names.name, names.name);
                return;
        }
        if (!key) {
                request_fail(q, 503, "the leader has not got the key of the secrets yet");
                return;
        }
        r = secret_open(key, s->namespace, s->name, s->sealed, s->sealed_len, &value);
        if (r == 0)
                r = buf_reserve(&text, (value.len + 2) / 3 * 4 + 1);
        if (r == 0)
                r = base64_encode(value.data, value.len, &text);
        if (r < 0) {
                request_fail(q, 500, "the secret %.63s cannot be opened: create it anew",
                             names.name);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "value", text.data ? text.data : "");
        request_reply(q, o);
}

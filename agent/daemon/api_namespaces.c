/* api_namespaces - the namespaces that functions are in: one that is always there, others that
 * people make. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/names.h"
#include "daemon/api.h"
#include "daemon/membership.h"
#include "io/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MOST = 64 };

static int by_text(const void *x, const void *y) {
        return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Each once, in order: the first one, those that were made, those that only have something in
 * them. */
void verb_namespaces(struct request *q) {
        const struct charter *c = &q->agent->charter;
        const char *names[1 + LIMIT_NAMESPACES + LIMIT_FUNCTIONS + LIMIT_SECRETS];
        cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "namespaces");
        size_t n = 0;

        names[n++] = CHARTER_NAMESPACE;
        for (uint32_t i = 0; i < c->n_namespaces; i++)
                names[n++] = c->namespaces[i].name;
        for (uint32_t i = 0; i < c->n_functions; i++)
                names[n++] = c->functions[i].namespace;
        for (uint32_t i = 0; i < c->n_secrets; i++)
                names[n++] = c->secrets[i].namespace;
        qsort(names, n, sizeof(names[0]), by_text);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || !str_eq(names[i], names[i - 1]))
                        (void)cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
        request_reply(q, o);
}

static bool get_name(struct request *q, char ret[static SIZE_NAME]) {
        const char *name = json_text(q->args, "name", "");

        if (str_copy(ret, SIZE_NAME, name) == 0 && names_valid(ret) && !strchr(ret, '.'))
                return true;
        request_fail(q, 400,
                     "'%.64s' is no name of a namespace: use at most 63 letters, digits, '-' and "
                     "'_', with a letter or a digit first",
                     name);
        return false;
}

void verb_namespace(struct request *q) {
        const struct charter *c = &q->agent->charter;
        const struct charter_namespace *n;
        char name[SIZE_NAME];
        cJSON *o, *reply;

        if (!get_name(q, name))
                return;
        if (!charter_namespace_exists(c, name)) {
                request_fail(q, 404, "namespace %.63s does not exist", name);
                return;
        }
        n = charter_namespace(c, name);
        o = n && n->about_len ? cJSON_ParseWithLength(n->about, n->about_len) : NULL;
        if (!o)
                o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "name", name);
        reply = cJSON_CreateObject();
        (void)cJSON_AddItemToObject(reply, "namespace", o);
        request_reply(q, reply);
}

static void on_done(void *arg, int result) {
        struct request *q = arg;
        const struct charter *c = &q->agent->charter;
        const char *name = json_text(q->args, "name", "");

        if (result == 0)
                request_reply(q, cJSON_CreateObject());
        else if (result == -ENOENT)
                request_fail(q, 404, "namespace %.63s does not exist", name);
        else if (result == -EEXIST)
                request_fail(q, 409, "namespace %.63s exists already", name);
        else if (result == -EBUSY)
                request_fail(q, 409,
                             "namespace %.63s still has %u functions and %u secrets: remove them "
                             "first",
                             name, charter_namespace_functions(c, name),
                             charter_namespace_secrets(c, name));
        else if (result == -EINVAL)
                request_fail(q, 400, "namespace %.63s is always there", name);
        else if (result == -ENOSPC)
                request_fail(q, 507,
                             "there is no room for it: at most %d namespaces, with %d KB of labels "
                             "and annotations each",
                             LIMIT_NAMESPACES, LIMIT_NAMESPACE_BYTES / 1024);
        else if (result == -ENOTCONN || result == -ECANCELED)
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

/* Labels or annotations: an object of strings, left out where it is empty.  False, and answered,
 * where it is something else. */
static bool take_map(struct request *q, const char *key, cJSON *about) {
        const cJSON *map = cJSON_GetObjectItemCaseSensitive(q->args, key), *v;

        if (!map || cJSON_IsNull(map))
                return true;
        if (!cJSON_IsObject(map) || cJSON_GetArraySize(map) > LABELS_MOST) {
                request_fail(q, 400, "%s must be an object of at most %d strings", key,
                             LABELS_MOST);
                return false;
        }
        cJSON_ArrayForEach(v, map) {
                if (cJSON_IsString(v))
                        continue;
                request_fail(q, 400, "%s: '%.60s' must be a string", key, v->string);
                return false;
        }
        if (map->child)
                (void)cJSON_AddItemToObject(about, key, cJSON_Duplicate(map, true));
        return true;
}

void verb_namespace_set(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_NAMESPACE_SET,
                                       .only_new = json_bool(q->args, "only_new"),
                                       .only_existing = json_bool(q->args, "only_existing") };
        auto_json cJSON *about = cJSON_CreateObject();
        auto_free char *text = NULL;

        if (!get_name(q, cmd.name) || !take_map(q, "annotations", about) ||
            !take_map(q, "labels", about))
                return;
        text = cJSON_PrintUnformatted(about);
        if (!text) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        cmd.spec = text;
        cmd.spec_len = (uint32_t)strlen(text);
        if (cmd.spec_len > LIMIT_NAMESPACE_BYTES)
                on_done(request_ref(q), -ENOSPC);
        else
                submit(q, &cmd);
}

void verb_namespace_remove(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_NAMESPACE_REMOVE };

        if (get_name(q, cmd.name))
                submit(q, &cmd);
}

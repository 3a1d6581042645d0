#include "io/kube_node.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NODES_MOST = 256 }; /* in one answer, whatever page was asked for */

static const cJSON *field(const cJSON *o, const char *key) {
        return cJSON_GetObjectItemCaseSensitive(o, key);
}

bool kube_name_valid(const char *s) {
        size_t n = 0;

        for (; s[n]; n++) {
                const char c = s[n];
                const bool inner = c == '-' || c == '.';

                if (!inner && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
                        return false;
                if (inner &&
                    (n == 0 || !s[n + 1] || s[n - 1] == '.' || (c == '.' && s[n - 1] == '-')))
                        return false;
        }
        return n > 0 && n < SIZE_KUBE_NAME;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Takes what fits; a text that does not is none. */
static void copy(char *dst, size_t size, const cJSON *o, const char *key) {
        (void)str_copy(dst, size, json_text(o, key, ""));
}

/* The item of a list whose 'key' says 'value'. */
static const cJSON *find(const cJSON *list, const char *key, const char *value) {
        const cJSON *item;

        if (!cJSON_IsArray(list))
                return NULL;
        cJSON_ArrayForEach(item, list) {
                if (str_eq(json_text(item, key, NULL), value))
                        return item;
        }
        return NULL;
}

static int read_node(const cJSON *o, struct kube_node *ret) {
        const cJSON *meta = field(o, "metadata"), *spec = field(o, "spec");
        const cJSON *status = field(o, "status"), *found;
        struct kube_node n = { .object = o };

        copy(n.name, sizeof(n.name), meta, "name");
        if (!kube_name_valid(n.name))
                return -EBADMSG;
        n.deleting = field(meta, "deletionTimestamp");
        copy(n.pod_cidr, sizeof(n.pod_cidr), spec, "podCIDR");
        n.unschedulable = json_bool(spec, "unschedulable");
        if (cJSON_IsArray(field(spec, "taints")))
                n.n_taints = (uint32_t)cJSON_GetArraySize(field(spec, "taints"));
        copy(n.version, sizeof(n.version), field(status, "nodeInfo"), "kubeletVersion");
        found = find(field(status, "addresses"), "type", "InternalIP");
        copy(n.address, sizeof(n.address), found, "address");
        found = find(field(status, "conditions"), "type", "Ready");
        n.ready = str_eq(json_text(found, "status", ""), "True");
        *ret = n;
        return 0;
}

bool kube_continue_valid(const char *word) {
        size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

        return n < SIZE_KUBE_CONTINUE && word[n] == '\0';
}

int kube_continue_read(const cJSON *list, char ret[static SIZE_KUBE_CONTINUE], struct fail *f) {
        const char *word = json_text(field(list, "metadata"), "continue", "");

        if (!kube_continue_valid(word) || str_copy(ret, SIZE_KUBE_CONTINUE, word) < 0)
                return fail(f, -EBADMSG, "the list goes on in a way that is not known");
        return 0;
}

static int read_list(const cJSON *list, kube_node_cb each, void *arg, struct fail *f) {
        const cJSON *items = field(list, "items"), *item;
        struct kube_node n;

        /* Go writes an empty list as null at times */
        if (items && !cJSON_IsArray(items) && !cJSON_IsNull(items))
                return fail(f, -EBADMSG, "the list of nodes has no items");
        if (cJSON_GetArraySize(items) > NODES_MOST)
                return fail(f, -EBADMSG, "the list holds more than %d nodes", NODES_MOST);
        cJSON_ArrayForEach(item, items) {
                if (read_node(item, &n) < 0)
                        return fail(f, -EBADMSG, "the list holds a node without a name");
        }
        cJSON_ArrayForEach(item, items) {
                if (read_node(item, &n) == 0)
                        each(arg, &n);
        }
        return 0;
}

int kube_nodes_parse(const char *text, size_t len, kube_node_cb each, void *arg,
                     char ret_continue[static SIZE_KUBE_CONTINUE], struct fail *f) {
        auto_json cJSON *root = NULL;
        struct kube_node n;
        const char *kind;
        int r;

        r = json_parse_object(text, len, &root, f);
        if (r < 0)
                return -EBADMSG;
        kind = json_text(root, "kind", "");
        ret_continue[0] = '\0';
        if (str_eq(kind, "NodeList")) {
                r = kube_continue_read(root, ret_continue, f);
                return r < 0 ? r : read_list(root, each, arg, f);
        }
        if (!str_eq(kind, "Node"))
                return fail(f, -EBADMSG, "this is a '%.40s' and no node", kind);
        if (read_node(root, &n) < 0)
                return fail(f, -EBADMSG, "the node has no name");
        each(arg, &n);
        return 0;
}

const char *kube_node_label(const struct kube_node *n, const char *key) {
        return json_text(field(field(n->object, "metadata"), "labels"), key, NULL);
}

static const cJSON *taint_of(const struct kube_node *n, const char *key) {
        return find(field(field(n->object, "spec"), "taints"), "key", key);
}

const char *kube_node_taint(const struct kube_node *n, const char *key) {
        return json_text(taint_of(n, key), "effect", NULL);
}

/* ---- patches ------------------------------------------------------------------------------- */

/* The object at 'key', made where it is not there yet; NULL: no memory. */
static cJSON *object_at(cJSON *o, const char *key) {
        cJSON *found = cJSON_GetObjectItemCaseSensitive(o, key);

        return found ? found : cJSON_AddObjectToObject(o, key);
}

static int patch_labels(const struct kube_node *n, const struct kube_node_want *want,
                        cJSON *patch) {
        for (size_t i = 0; i < want->n_labels; i++) {
                const struct kube_label *l = &want->labels[i];
                cJSON *labels;

                if (str_eq(kube_node_label(n, l->key), l->value))
                        continue;
                labels = object_at(object_at(patch, "metadata"), "labels");
                if (!(l->value ? cJSON_AddStringToObject(labels, l->key, l->value)
                               : cJSON_AddNullToObject(labels, l->key)))
                        return -ENOMEM;
        }
        return 0;
}

static const struct kube_taint *wanted(const struct kube_node_want *want, const char *key) {
        for (size_t i = 0; i < want->n_taints; i++)
                if (str_eq(want->taints[i].key, key))
                        return &want->taints[i];
        return NULL;
}

static bool taint_fits(const struct kube_node *n, const struct kube_taint *t) {
        const cJSON *have = taint_of(n, t->key);

        if (!t->effect)
                return !have;
        return have && str_eq(json_text(have, "effect", ""), t->effect) &&
               str_eq(json_text(have, "value", ""), t->value);
}

static int add_taint(cJSON *list, const struct kube_taint *t) {
        cJSON *o = cJSON_CreateObject();

        if (!o || !cJSON_AddStringToObject(o, "key", t->key) ||
            (*t->value && !cJSON_AddStringToObject(o, "value", t->value)) ||
            !cJSON_AddStringToObject(o, "effect", t->effect) || !cJSON_AddItemToArray(list, o)) {
                cJSON_Delete(o);
                return -ENOMEM;
        }
        return 0;
}

static int copy_taint(cJSON *list, const cJSON *taint) {
        cJSON *o = cJSON_Duplicate(taint, true);

        if (o && cJSON_AddItemToArray(list, o))
                return 0;
        cJSON_Delete(o);
        return -ENOMEM;
}

/* A merge patch has only whole lists: those of others stay, and nobody may have changed it. */
static int patch_taints(const struct kube_node *n, const struct kube_node_want *want,
                        cJSON *patch) {
        const cJSON *have = field(field(n->object, "spec"), "taints"), *item;
        cJSON *list;
        bool fits = true;
        int r = 0;

        for (size_t i = 0; i < want->n_taints; i++)
                fits = fits && taint_fits(n, &want->taints[i]);
        if (fits)
                return 0;
        list = cJSON_AddArrayToObject(object_at(patch, "spec"), "taints");
        if (!list || !cJSON_AddStringToObject(
                             object_at(patch, "metadata"), "resourceVersion",
                             json_text(field(n->object, "metadata"), "resourceVersion", "")))
                return -ENOMEM;
        if (cJSON_IsArray(have)) {
                cJSON_ArrayForEach(item, have) {
                        if (r == 0 && !wanted(want, json_text(item, "key", "")))
                                r = copy_taint(list, item);
                }
        }
        for (size_t i = 0; r == 0 && i < want->n_taints; i++)
                if (want->taints[i].effect)
                        r = add_taint(list, &want->taints[i]);
        return r;
}

static int patch_pod_cidr(const struct kube_node *n, const struct kube_node_want *want,
                          cJSON *patch) {
        cJSON *spec, *list, *item;

        if (!want->pod_cidr || n->pod_cidr[0])
                return 0;
        spec = object_at(patch, "spec");
        if (!cJSON_AddStringToObject(spec, "podCIDR", want->pod_cidr))
                return -ENOMEM;
        list = cJSON_AddArrayToObject(spec, "podCIDRs");
        item = list ? cJSON_CreateString(want->pod_cidr) : NULL;
        if (item && cJSON_AddItemToArray(list, item))
                return 0;
        cJSON_Delete(item);
        return -ENOMEM;
}

static int patch_schedulable(const struct kube_node *n, const struct kube_node_want *want,
                             cJSON *patch) {
        if (!want->schedulable || !n->unschedulable)
                return 0;
        return cJSON_AddFalseToObject(object_at(patch, "spec"), "unschedulable") ? 0 : -ENOMEM;
}

int kube_node_patch(const struct kube_node *n, const struct kube_node_want *want, char **ret) {
        auto_json cJSON *patch = cJSON_CreateObject();
        char *text;
        int r = patch ? 0 : -ENOMEM;

        if (r == 0)
                r = patch_labels(n, want, patch);
        if (r == 0)
                r = patch_taints(n, want, patch);
        if (r == 0)
                r = patch_pod_cidr(n, want, patch);
        if (r == 0)
                r = patch_schedulable(n, want, patch);
        if (r < 0 || !patch->child)
                return r;
        text = cJSON_PrintUnformatted(patch);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 1;
}

/* ---- paths --------------------------------------------------------------------------------- */

int kube_nodes_path(const char *word, char ret[static SIZE_KUBE_PATH]) {
        const char *more = word && *word ? word : "";

        if (!kube_continue_valid(more))
                return -EINVAL;
        (void)snprintf(ret, SIZE_KUBE_PATH, "/api/v1/nodes?limit=%d%s%s", KUBE_NODES_PAGE,
                       *more ? "&continue=" : "", more);
        return 0;
}

int kube_node_path(const char *name, char ret[static SIZE_KUBE_PATH]) {
        if (!kube_name_valid(name))
                return -EINVAL;
        (void)snprintf(ret, SIZE_KUBE_PATH, "/api/v1/nodes/%s", name);
        return 0;
}

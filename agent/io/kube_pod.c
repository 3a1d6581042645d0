#include "io/kube_pod.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PODS_MOST = 256 }; /* in one answer, whatever was asked for */

static const cJSON *field(const cJSON *o, const char *key) {
        return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* Who starts it again: the owner that is marked as its controller. */
static const char *controller_kind(const cJSON *meta) {
        const cJSON *owners = field(meta, "ownerReferences"), *o;

        if (!cJSON_IsArray(owners))
                return "";
        cJSON_ArrayForEach(o, owners) {
                if (json_bool(o, "controller"))
                        return json_text(o, "kind", "");
        }
        return "";
}

static enum kube_pod_kind kind_of(const cJSON *pod) {
        const cJSON *meta = field(pod, "metadata");
        const char *phase = json_text(field(pod, "status"), "phase", "");
        const char *controller = controller_kind(meta);

        /* the kubelet's copy of a file on its card */
        if (field(field(meta, "annotations"), "kubernetes.io/config.mirror") ||
            str_eq(controller, "Node") || str_eq(controller, "DaemonSet") ||
            str_eq(phase, "Succeeded") || str_eq(phase, "Failed"))
                return KUBE_POD_BELONGS;
        return controller[0] ? KUBE_POD_MOVES : KUBE_POD_HOMELESS;
}

static int read_pod(const cJSON *o, struct kube_pod *ret) {
        const cJSON *meta = field(o, "metadata");
        struct kube_pod p = { .kind = kind_of(o), .deleting = field(meta, "deletionTimestamp") };

        if (str_copy(p.name, sizeof(p.name), json_text(meta, "name", "")) < 0 ||
            str_copy(p.namespace, sizeof(p.namespace), json_text(meta, "namespace", "")) < 0 ||
            !kube_name_valid(p.name) || !kube_name_valid(p.namespace))
                return -EBADMSG;
        *ret = p;
        return 0;
}

static int read_list(const cJSON *list, kube_pod_cb each, void *arg, struct fail *f) {
        const cJSON *items = field(list, "items"), *item;
        struct kube_pod p;

        /* Go writes an empty list as null at times */
        if (items && !cJSON_IsArray(items) && !cJSON_IsNull(items))
                return fail(f, -EBADMSG, "the list of pods has no items");
        if (cJSON_GetArraySize(items) > PODS_MOST)
                return fail(f, -EBADMSG, "the list holds more than %d pods", PODS_MOST);
        cJSON_ArrayForEach(item, items) {
                if (read_pod(item, &p) < 0)
                        return fail(f, -EBADMSG, "the list holds a pod without a name");
        }
        cJSON_ArrayForEach(item, items) {
                if (read_pod(item, &p) == 0)
                        each(arg, &p);
        }
        return 0;
}

int kube_pods_parse(const char *text, size_t len, kube_pod_cb each, void *arg,
                    char ret_continue[static SIZE_KUBE_CONTINUE], struct fail *f) {
        auto_json cJSON *root = NULL;

        if (json_parse_object(text, len, &root, f) < 0)
                return -EBADMSG;
        if (!str_eq(json_text(root, "kind", ""), "PodList"))
                return fail(f, -EBADMSG, "this is a '%.40s' and no list of pods",
                            json_text(root, "kind", ""));
        if (kube_continue_read(root, ret_continue, f) < 0)
                return -EBADMSG;
        return read_list(root, each, arg, f);
}

int kube_pods_path(const char *node, const char *word, char ret[static SIZE_KUBE_PATH]) {
        if (!kube_name_valid(node) || !kube_continue_valid(word))
                return -EINVAL;
        (void)snprintf(ret, SIZE_KUBE_PATH,
                       "/api/v1/pods?limit=%d&fieldSelector=spec.nodeName%%3D%s%s%s",
                       KUBE_PODS_PAGE, node, *word ? "&continue=" : "", word);
        return 0;
}

void kube_eviction_path(const struct kube_pod *p, char ret[static SIZE_KUBE_PATH]) {
        (void)snprintf(ret, SIZE_KUBE_PATH, "/api/v1/namespaces/%s/pods/%s/eviction", p->namespace,
                       p->name);
}

void kube_eviction_body(const struct kube_pod *p, struct kube_version api,
                        char ret[static SIZE_KUBE_EVICTION]) {
        /* policy/v1 has it since 1.22, policy/v1beta1 no more from 1.25 on */
        (void)snprintf(ret, SIZE_KUBE_EVICTION,
                       "{\"apiVersion\":\"policy/%s\",\"kind\":\"Eviction\","
                       "\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"}}",
                       kube_version_from(api, 1, 22) ? "v1" : "v1beta1", p->name, p->namespace);
}

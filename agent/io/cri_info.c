#include "io/cri_info.h"

#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const cJSON *member(const cJSON *o, const char *key) {
        return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* A path or a name into 'dst', which stays as it is where there is none that fits. */
static void take_text(const cJSON *v, char *dst, size_t size) {
        const char *text = cJSON_GetStringValue(v);

        if (text && text[0] && strlen(text) < size)
                (void)str_copy(dst, size, text);
}

/* containerd 2.x may have a list of folders beside, or in place of, the one. */
static void take_cni(const cJSON *cni, struct cri_runtime *ret) {
        take_text(cJSON_GetArrayItem(member(cni, "binDirs"), 0), ret->cni_bin_dir,
                  sizeof(ret->cni_bin_dir));
        take_text(member(cni, "binDir"), ret->cni_bin_dir, sizeof(ret->cni_bin_dir));
        take_text(member(cni, "confDir"), ret->cni_conf_dir, sizeof(ret->cni_conf_dir));
}

static bool systemd_cgroup(const cJSON *config) {
        const cJSON *containerd = member(config, "containerd");
        const char *name = json_text(containerd, "defaultRuntimeName", "runc");
        const cJSON *runtime = member(member(containerd, "runtimes"), name);

        /* the second is what runtimes before runc.v2 went by */
        return json_bool(member(runtime, "options"), "SystemdCgroup") ||
               json_bool(config, "systemdCgroup");
}

int cri_info_config(const char *json, size_t len, struct cri_runtime *ret, struct fail *f) {
        auto_json cJSON *config = NULL;
        int r = json_parse_object(json, len, &config, f);

        if (r < 0)
                return r;
        take_text(member(config, "sandboxImage"), ret->sandbox_image, sizeof(ret->sandbox_image));
        take_cni(member(config, "cni"), ret);
        ret->systemd_cgroup = systemd_cgroup(config);
        return 0;
}

void cri_info_condition(struct cri_runtime *r, const char *type, bool good, const char *reason,
                        const char *message) {
        bool runtime = str_eq(type, "RuntimeReady");
        const char *why = message[0] ? message : reason[0] ? reason : "it does not say why";
        char text[SIZE_REASON];

        if (!runtime && !str_eq(type, "NetworkReady"))
                return;
        if (runtime)
                r->runtime_ready = good;
        else
                r->network_ready = good;
        if (good || (r->reason[0] && !runtime))
                return;
        (void)str_printable(text, sizeof(text), why, strlen(why));
        (void)snprintf(r->reason, sizeof(r->reason), "%s", text);
}

int cri_info_socket(const char *endpoint, char ret[static SIZE_CRI_SOCKET], struct fail *f) {
        const char *path = str_starts(endpoint, "unix://") ? endpoint + 7 : endpoint;

        if (path[0] != '/')
                return fail(f, -EINVAL, "'%.100s' is no endpoint such as unix:///run/x.sock",
                            endpoint);
        if (str_copy(ret, SIZE_CRI_SOCKET, path) < 0)
                return fail(f, -ENAMETOOLONG, "the endpoint is longer than %d characters",
                            SIZE_CRI_SOCKET - 1);
        return 0;
}

#include "daemon/registry.h"

#include "base/str.h"
#include "core/registry.h"
#include "io/registry_login.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_plain(const struct agent *a, const char *host) {
        for (uint32_t i = 0; i < a->config.n_insecure; i++)
                if (str_eq(a->config.insecure[i], host))
                        return true;
        return registry_is_loopback(host);
}

const char *registry_host(const char *image, char *dst, size_t size) {
        struct registry_reference r;

        if (registry_reference(image, &r) < 0 || str_copy(dst, size, r.host) < 0)
                (void)str_copy(dst, size, "its registry");
        return dst;
}

cJSON *registry_request(const struct agent *a, const char *verb, const char *image,
                        struct fail *f) {
        struct registry_login login = { 0 };
        struct registry_reference r;
        cJSON *o;
        int error = registry_reference(image, &r);

        if (error == 0)
                error = registry_login_find(a->config.registry_logins, r.host, &login, f);
        if (error < 0 && error != -ENOENT)
                return NULL;
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "verb", verb);
        (void)cJSON_AddStringToObject(o, "image", image);
        (void)cJSON_AddBoolToObject(o, "plain", is_plain(a, r.host));
        if (access(a->config.registry_ca, R_OK) == 0)
                (void)cJSON_AddStringToObject(o, "ca", a->config.registry_ca);
        (void)cJSON_AddStringToObject(o, "user", login.user);
        (void)cJSON_AddStringToObject(o, "password", login.password);
        (void)cJSON_AddStringToObject(o, "identity", login.identity);
        explicit_bzero(&login, sizeof(login));
        return o;
}

void registry_request_done(cJSON *request) {
        static const char *const secrets[] = { "password", "identity" };

        for (size_t i = 0; request && i < 2; i++) {
                cJSON *v = cJSON_GetObjectItemCaseSensitive(request, secrets[i]);

                if (cJSON_IsString(v))
                        explicit_bzero(v->valuestring, strlen(v->valuestring));
        }
        cJSON_Delete(request);
}

int registry_start(struct agent *a, const struct puller_ops *ops, void *arg, struct puller **ret,
                   struct fail *f) {
        return puller_start(a->loop, a->config.pull, "bramble-pull", ops, arg, ret, f);
}

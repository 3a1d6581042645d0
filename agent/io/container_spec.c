#include "io/container_spec.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static void free_text(const char *text) {
        free((char *)(uintptr_t)text);
}

static void free_list(const char *const *list) {
        for (const char *const *i = list; i && *i; i++)
                free_text(*i);
        free((void *)(uintptr_t)list);
}

static int copy_list(const char *const *list, const char *const **ret) {
        const char **copy;
        size_t n = 0;

        while (list && list[n])
                n++;
        copy = calloc(n + 1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                copy[i] = strdup(list[i]);
                if (!copy[i]) {
                        free_list(copy);
                        return -ENOMEM;
                }
        }
        *ret = copy;
        return 0;
}

void container_spec_done(struct container_spec *spec) {
        free_text(spec->id);
        free_text(spec->group);
        free_text(spec->image);
        free_text(spec->netns);
        free_text(spec->hostname);
        free_text(spec->watchdog);
        free_text(spec->process);
        free_text(spec->secrets);
        free_list(spec->env);
        free_list(spec->labels);
        *spec = (struct container_spec){ 0 };
}

int container_spec_copy(const struct container_spec *spec, struct container_spec *ret) {
        struct container_spec s = {
                .id = strdup(str_or(spec->id, "")),
                .group = strdup(str_or(spec->group, "")),
                .image = strdup(str_or(spec->image, "")),
                .netns = strdup(str_or(spec->netns, "")),
                .hostname = strdup(str_or(spec->hostname, "")),
                .watchdog = strdup(str_or(spec->watchdog, "")),
                .process = strdup(str_or(spec->process, "")),
                .secrets = strdup(str_or(spec->secrets, "")),
                .memory_bytes = spec->memory_bytes,
                .cpu_millicores = spec->cpu_millicores,
                .read_only_root = spec->read_only_root,
        };

        if (!s.id || !s.group || !s.image || !s.netns || !s.hostname || !s.watchdog || !s.process ||
            !s.secrets || copy_list(spec->env, &s.env) < 0 ||
            copy_list(spec->labels, &s.labels) < 0) {
                container_spec_done(&s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

/* fuzz_kube_pod - lists of pods come from whatever answers as the API server; paths and bodies are
 * made from what they say. */
#include "fuzz.h"

#include "io/kube_pod.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void on_pod(void *arg, const struct kube_pod *p) {
        char path[SIZE_KUBE_PATH], body[SIZE_KUBE_EVICTION];

        (void)arg;
        kube_eviction_path(p, path);
        kube_eviction_body(p, (struct kube_version){ 1, 20, 2 }, body);
        /* whole, and with nothing in it that is not a name's */
        if (!strstr(path, "/eviction") || strpbrk(path, "?%# \"") || strstr(path, "..") ||
            !strstr(body, "}}"))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct fail f = { 0 };
        char more[SIZE_KUBE_CONTINUE], path[SIZE_KUBE_PATH];

        fuzz_took = kube_pods_parse((const char *)data, size, on_pod, NULL, more, &f) == 0;
        if (fuzz_took && kube_pods_path("w1", more, path) < 0)
                abort();
        return 0;
}

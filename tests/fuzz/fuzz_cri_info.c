/* fuzz_cri_info - a container runtime's configuration, conditions and endpoint, from any bytes. */
#include "io/cri_info.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t size) {
        if (!memchr(text, '\0', size))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct cri_runtime r = { 0 };
        char *text = strndup((const char *)data, size), socket[SIZE_CRI_SOCKET];

        if (!text)
                return 0;
        (void)cri_info_config((const char *)data, size, &r, NULL);
        cri_info_condition(&r, "NetworkReady", false, "reason", text);
        cri_info_condition(&r, "RuntimeReady", false, text, "");
        cri_info_condition(&r, text, true, text, text);
        check(r.sandbox_image, sizeof(r.sandbox_image));
        check(r.cni_bin_dir, sizeof(r.cni_bin_dir));
        check(r.cni_conf_dir, sizeof(r.cni_conf_dir));
        check(r.reason, sizeof(r.reason));
        if (cri_info_socket(text, socket, NULL) == 0 && socket[0] != '/')
                abort();
        free(text);
        return 0;
}

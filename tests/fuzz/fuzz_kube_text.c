/* fuzz_kube_text - manifests and kubeconfigs that a crash cut or a person edited. */
#include "base/str.h"
#include "core/names.h"
#include "io/kube_text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        struct kube_manifest m;
        struct kube_config c;

        kube_text_manifest(text, size, &m);
        assert(!m.image[0] || names_image_valid(m.image));
        assert(!m.name[0] || names_valid(m.name));
        kube_text_config(text, size, &c);
        assert(!c.server[0] || str_starts(c.server, "https://"));
        assert(!c.cert_data || (c.cert_data >= text && c.cert_data_len > 0 &&
                                c.cert_data + c.cert_data_len <= text + size));
        return 0;
}

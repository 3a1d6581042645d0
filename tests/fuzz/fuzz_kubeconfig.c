/* fuzz_kubeconfig - any text: what is read is inside of it, and a rewritten one says what it was
 * told to and nothing else. */
#include "fuzz.h"

#include "core/kubeconfig.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static void inside(const struct http_text *t, const char *text, size_t size) {
        if (t->len > 0 && (t->at < text || t->len > size || t->at + t->len > text + size))
                abort();
}

static void same(const struct http_text *a, const struct http_text *b) {
        if (a->len != b->len || (a->len > 0 && memcmp(a->at, b->at, a->len) != 0))
                abort();
}

static void rewritten(const char *text, const struct kubeconfig_text *was) {
        struct kubeconfig_text k;

        if (kubeconfig_parse(text, strlen(text), &k, NULL) < 0)
                abort();
        if (!http_text_is(&k.server, "https://10.0.0.1:6443") ||
            !http_text_is(&k.tls_server_name, "m1"))
                abort();
        same(&k.ca_data, &was->ca_data);
        same(&k.ca_file, &was->ca_file);
        same(&k.cert_data, &was->cert_data);
        same(&k.cert_file, &was->cert_file);
        same(&k.key_data, &was->key_data);
        same(&k.key_file, &was->key_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        char host[SIZE_KUBE_HOST];
        struct kubeconfig_text k;
        struct fail f = { 0 };
        uint16_t port;
        char *out;

        (void)kubeconfig_split_url(text, size, host, &port);
        if (kubeconfig_parse(text, size, &k, &f) < 0)
                return 0;
        fuzz_took = true;
        inside(&k.server, text, size);
        inside(&k.tls_server_name, text, size);
        inside(&k.ca_data, text, size);
        inside(&k.key_data, text, size);
        (void)kubeconfig_split_url(k.server.at, k.server.len, host, &port);
        if (size < KUBECONFIG_BYTES - 1024 &&
            kubeconfig_rewrite(text, size, "https://10.0.0.1:6443", "m1", &out, &f) == 0) {
                rewritten(out, &k);
                free(out);
        }
        return 0;
}

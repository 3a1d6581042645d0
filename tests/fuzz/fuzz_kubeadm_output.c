/* fuzz_kubeadm_output - whatever kubeadm prints, no secret is in what may be shown. */
#include "core/kubeadm_output.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_of(const char *s, const char *letters) {
        return strspn(s, letters);
}

/* Written otherwise than in the product. */
static int secret_in(const char *s) {
        static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789";
        static const char hex[] = "0123456789abcdefABCDEF";

        for (; *s; s++) {
                if (run_of(s, hex) >= 64)
                        return 1;
                if (run_of(s, lower) == 6 && s[6] == '.' && run_of(s + 7, lower) >= 16)
                        return 1;
                if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
                        return 1;
        }
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct kubeadm_output o = { 0 };
        char shown[KUBEADM_LINE], reason[SIZE_REASON];
        const char *at = (const char *)data, *end = at + size;

        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);

                (void)kubeadm_output_line(&o, at, len, shown);
                if (strlen(shown) >= sizeof(shown) || secret_in(shown))
                        abort();
                at += len + (newline ? 1 : 0);
        }
        (void)kubeadm_output_reason(&o, reason);
        if (reason[0] == '\0' || secret_in(reason) || secret_in(o.phase) || secret_in(o.said))
                abort();
        for (size_t i = 0; i < o.n_names; i++)
                if (secret_in(o.names[i]))
                        abort();
        return 0;
}

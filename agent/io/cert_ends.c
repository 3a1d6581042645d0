#include "io/cert_ends.h"

#include "base/buf.h"
#include "io/file_text.h"
#include "io/kube_certs.h"
#include "io/pki_internal.h"

const struct cert_file *cert_ends_first(int root_fd, const struct cert_file *files, size_t n,
                                        int64_t *ret_unix) {
        const struct cert_file *first = NULL;

        for (size_t i = 0; i < n; i++) {
                auto_buf struct buf pem = { 0 };
                const char *path = files[i].path;
                struct kube_cert cert;

                while (path && path[0] == '/')
                        path++;
                if (!path || !path[0] || file_text_read(root_fd, path, PKI_FILE_BYTES, &pem) < 0 ||
                    kube_cert_parse(pem.data, pem.len, &cert) < 0 ||
                    (first && cert.expires >= *ret_unix))
                        continue;
                first = &files[i];
                *ret_unix = cert.expires;
        }
        return first;
}

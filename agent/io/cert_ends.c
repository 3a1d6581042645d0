#include "io/cert_ends.h"

#include "base/buf.h"
#include "io/file_text.h"
#include "io/kube_certs.h"
#include "io/pki_internal.h"

bool cert_ends_first(int root_fd, const struct cert_file *files, size_t n, const char **ret_what,
                     int64_t *ret_unix) {
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                auto_buf struct buf pem = { 0 };
                const char *path = files[i].path;
                struct kube_cert cert;

                while (path && path[0] == '/')
                        path++;
                if (!path || !path[0] || file_text_read(root_fd, path, PKI_FILE_BYTES, &pem) < 0 ||
                    kube_cert_parse(pem.data, pem.len, &cert) < 0 ||
                    (any && cert.expires >= *ret_unix))
                        continue;
                any = true;
                *ret_what = files[i].what;
                *ret_unix = cert.expires;
        }
        return any;
}

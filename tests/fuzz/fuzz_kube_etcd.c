/* fuzz_kube_etcd - what etcdctl prints about members. */
#include "fuzz.h"

#include "core/kube_etcd.h"
#include "core/names.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct kube_etcd_member m;

        if (kube_etcd_member_line((const char *)data, size, &m) == 0) {
                fuzz_took = true;
                assert(m.id != 0 && (!m.name[0] || names_valid(m.name)));
        }
        return 0;
}

#include "io/container_message.h"

#include "base/scope.h"

Ctr__Label **container_labels(const char *const *labels, size_t *ret_n) {
        Ctr__Label **list, *items;
        size_t n = 0;

        while (labels && labels[2 * n] && labels[2 * n + 1])
                n++;
        list = malloc((n + 1) * (sizeof(*list) + sizeof(*items)));
        if (!list)
                return NULL;
        items = (Ctr__Label *)(void *)(list + n + 1);
        for (size_t i = 0; i < n; i++) {
                ctr__label__init(&items[i]);
                items[i].key = (char *)(uintptr_t)labels[2 * i];
                items[i].value = (char *)(uintptr_t)labels[2 * i + 1];
                list[i] = &items[i];
        }
        *ret_n = n;
        return list;
}

Ctr__Any *container_options(const struct container_host *host,
                            uint8_t packed[static CONTAINER_OPTIONS_BYTES], Ctr__Any *any) {
        Ctr__RuncOptions options = CTR__RUNC_OPTIONS__INIT;

        if (!host->runtime[0])
                return NULL;
        options.binary_name = (char *)(uintptr_t)host->runtime; /* at most 64 bytes */
        ctr__any__init(any);
        any->type_url = (char *)(uintptr_t) "containerd.runc.v1.Options";
        any->value.data = packed;
        any->value.len = ctr__runc_options__pack(&options, packed);
        return any;
}

Ctr__SnapshotMountsResponse *container_mounts_copy(const Ctr__SnapshotMountsResponse *mounts) {
        auto_free uint8_t *packed = malloc(ctr__snapshot_mounts_response__get_packed_size(mounts));

        if (!packed)
                return NULL;
        return ctr__snapshot_mounts_response__unpack(
                NULL, ctr__snapshot_mounts_response__pack(mounts, packed), packed);
}

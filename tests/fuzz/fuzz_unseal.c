/* fuzz_unseal - a sealed snapshot from another board, and a bundle by somebody who has the key. */
#include "fuzz.h"

#include "base/scope.h"
#include "io/kube_bundle.h"
#include "io/seal.h"

#include <assert.h>
#include <string.h>

static const uint8_t key[SIZE_KUBE_KEY] = { 'k' };

static int nothing(void *arg, const void *data, size_t len) {
        (void)data;
        *(size_t *)arg += len;
        return 0;
}

static int take(void *arg, size_t file, const void *data, size_t len) {
        uint64_t *sizes = arg;

        (void)data;
        assert(file < KUBE_BUNDLE_FILES);
        sizes[file] += len;
        assert(sizes[file] <= kube_bundle_files[file].limit_bytes);
        return 0;
}

/* The first byte says how: whole, or in pieces of that many bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint64_t sizes[KUBE_BUNDLE_FILES] = { 0 };
        struct kube_unbundle *b = NULL;
        struct unseal *u = NULL;
        size_t piece, out = 0;

        if (size == 0)
                return 0;
        piece = data[0] ? data[0] : size;
        data++;
        size--;
        if (unseal_new(key, nothing, &out, &u) < 0 || kube_unbundle_new(take, sizes, &b) < 0)
                return 0;
        for (size_t at = 0; at < size; at += piece) {
                size_t n = size - at < piece ? size - at : piece;

                (void)unseal_write(u, data + at, n);
                (void)kube_unbundle_write(b, data + at, n);
        }
        fuzz_took = unseal_end(u) == 0;
        fuzz_took |= kube_unbundle_end(b) == 0;
        assert(out <= size);
        unseal_free(u);
        kube_unbundle_free(b);
        return 0;
}

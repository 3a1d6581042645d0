#include "gateway/tls_library.h"

#include "base/scope.h"
#include "base/str.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* clang-format off */
static const struct {
        const char *name;
        size_t offset;
} calls[] = {
#define TLS_LIBRARY_CALL(name) { #name, offsetof(struct tls_library, name) },
        TLS_LIBRARY_CALLS(TLS_LIBRARY_CALL)
#undef TLS_LIBRARY_CALL
};
/* clang-format on */

int tls_library_load(struct tls_library *ret, struct fail *f) {
        void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL); /* and libcrypto with it */

        if (!library)
                return fail(f, -ELIBACC, "cannot load OpenSSL for TLS: %s", dlerror());
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                void *call = dlsym(library, calls[i].name);

                if (!call)
                        return fail(f, -ELIBACC, "this OpenSSL has no %s", calls[i].name);
                memcpy((char *)ret + calls[i].offset, &call, sizeof(call));
        }
        return 0;
}

const char *tls_library_reason(const struct tls_library *lib) {
        unsigned long error = lib->ERR_get_error();

        return str_or(error ? lib->ERR_reason_error_string(error) : NULL, "unknown");
}

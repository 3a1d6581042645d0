/* USER, passwd and group of an image: the input is the three, separated by NULs. */
#include "fuzz.h"

#include "base/scope.h"
#include "io/oci_user.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        size_t user_len = strnlen(text, size), rest, passwd_len;
        auto_free char *user = strndup(text, user_len);
        struct oci_user u = { 0 };
        struct fail f = { 0 };

        if (!user || user_len == size)
                return 0;
        text += user_len + 1;
        rest = size - user_len - 1;
        passwd_len = strnlen(text, rest);
        if (oci_user_find(user, text, passwd_len, text + passwd_len, rest - passwd_len, &u, &f) ==
            0) {
                fuzz_took = true;
                assert(u.n_groups <= OCI_GROUPS_MAX && u.uid <= INT32_MAX && u.gid <= INT32_MAX);
        } else {
                assert(f.text[0]);
        }
        return 0;
}

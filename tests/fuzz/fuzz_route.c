/* Paths, names of functions, queries and credentials, as clients send them. */
#include "core/basic_auth.h"
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct http_text text = { (const char *)data, size }, rest;
        struct route_function fn;
        char value[32];

        if (route_match("/function/**", &text, &rest) && rest.len != size - 10)
                abort();
        if (route_match("/a/*", &text, &rest) && (rest.len == 0 || memchr(rest.at, '/', rest.len)))
                abort();
        if (route_function(&text, &fn) == 0 &&
            (!fn.name[0] || !fn.namespace[0] || strchr(fn.name, '/') || strchr(fn.namespace, '.') ||
             (fn.rest.len > 0 && fn.rest.at[0] != '/')))
                abort();
        if (route_query(&text, "n", value, sizeof(value)) == 0 && strlen(value) >= sizeof(value))
                abort();
        (void)basic_auth_fits(&text, "admin", "secret");
        return 0;
}

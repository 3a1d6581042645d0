#include "daemon/early_name.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int early_name_set(uint64_t node, struct fail *f) {
        static const char *const defaults[] = {
                "raspberrypi", "raspbian", "debian", "localhost", "localhost.localdomain", ""
        };
        char now[HOST_NAME_MAX + 1] = "", name[32];

        (void)gethostname(now, sizeof(now) - 1);
        for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
                if (!str_eq(now, defaults[i]))
                        continue;
                (void)snprintf(name, sizeof(name), "bramble-%08x", (unsigned)node);
                if (sethostname(name, strlen(name)) < 0)
                        return fail(f, -errno, "cannot set the host name: %s", strerror(errno));
                return 0;
        }
        return 0;
}

#include "io/sysctl.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SYSCTL_BYTES = 4096, SYSCTL_PATH = 160 };

#define BLANKS " \t\n"

static bool same_words(const char *a, const char *b) {
        for (;;) {
                size_t len;

                a += strspn(a, BLANKS);
                b += strspn(b, BLANKS);
                len = strcspn(a, BLANKS);
                if (strcspn(b, BLANKS) != len || strncmp(a, b, len) != 0)
                        return false;
                if (len == 0)
                        return true;
                a += len;
                b += len;
        }
}

static int write_value(int root_fd, const char *path, const char *value) {
        auto_close int fd = openat(root_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
        char line[SYSCTL_BYTES];
        int len = snprintf(line, sizeof(line), "%s\n", value);

        if (fd < 0)
                return -errno;
        if (len >= (int)sizeof(line))
                return -EMSGSIZE;
        /* in one call: the kernel takes each write for a whole value */
        if (write(fd, line, (size_t)len) != len)
                return -errno;
        return 0;
}

int sysctl_ensure(int root_fd, const char *name, const char *value, struct fail *f) {
        auto_buf struct buf now = { 0 };
        char path[SYSCTL_PATH];
        int r;

        assert(name[0] != '/' && !strstr(name, ".."));
        if (snprintf(path, sizeof(path), "proc/sys/%s", name) >= (int)sizeof(path))
                return fail(f, -ENAMETOOLONG, "'%.60s' is too long for a sysctl", name);
        r = file_text_read(root_fd, path, SYSCTL_BYTES, &now);
        if (r == 0 && same_words(str_or(now.data, ""), value))
                return 0;
        if (r == -ENOENT)
                return fail(f, r, "the kernel has no /%s: %s", path,
                            str_starts(name, "net/bridge/") ? "load the module br_netfilter"
                                                            : "a module is not loaded perhaps");
        if (r == 0)
                r = write_value(root_fd, path, value);
        return r < 0 ? fail(f, r, "cannot make /%s say %.60s: %s", path, value, strerror(-r)) : 1;
}

#include "daemon/calls_file.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 1, FILE_BYTES = 64 + LIMIT_FUNCTIONS * (2 * SIZE_NAME + 16), PATH_BYTES = 160 };

static int write_all(int fd, const char *data, size_t len, bool sync) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
        }
        return sync && fsync(fd) < 0 ? -errno : 0;
}

int calls_file_write(const char *dir, uint64_t bramble, const struct report_calls *calls,
                     uint32_t n, bool sync) {
        char path[PATH_BYTES], new[PATH_BYTES];
        auto_buf struct buf b = { .limit = FILE_BYTES };
        struct wire_out w = { .buf = &b };
        auto_close int fd = -EBADF;
        int r;

        wire_put_u8(&w, FORMAT);
        wire_put_u64(&w, bramble);
        wire_put_u32(&w, n);
        for (uint32_t i = 0; i < n; i++) {
                wire_put_text(&w, calls[i].function);
                wire_put_text(&w, calls[i].namespace);
                wire_put_u64(&w, calls[i].invocations);
        }
        r = wire_end(&w);
        if (r < 0)
                return r;
        (void)snprintf(path, sizeof(path), "%s/calls", dir);
        (void)snprintf(new, sizeof(new), "%s/calls.new", dir);
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : write_all(fd, b.data, b.len, sync);
        return r == 0 && rename(new, path) < 0 ? -errno : r;
}

static void take(struct report_calls *calls, uint32_t *n, const struct report_calls *one) {
        for (uint32_t i = 0; i < *n; i++) {
                if (!str_eq(calls[i].function, one->function) ||
                    !str_eq(calls[i].namespace, one->namespace))
                        continue;
                if (calls[i].invocations < one->invocations)
                        calls[i].invocations = one->invocations;
                return;
        }
        if (*n < LIMIT_FUNCTIONS)
                calls[(*n)++] = *one;
}

/* The file's bytes; false where there is none that can be read. */
static bool read_file(const char *dir, struct buf *b) {
        char path[PATH_BYTES];
        auto_close int fd = -EBADF;
        ssize_t n = 1;

        (void)snprintf(path, sizeof(path), "%s/calls", dir);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || buf_reserve(b, FILE_BYTES) < 0)
                return false;
        while (n > 0 && b->len < FILE_BYTES) {
                n = read(fd, b->data + b->len, FILE_BYTES - b->len);
                if (n > 0)
                        b->len += (size_t)n;
        }
        return n >= 0;
}

void calls_file_read(const char *dir, uint64_t bramble, struct report_calls *calls, uint32_t *n) {
        auto_buf struct buf b = { .limit = FILE_BYTES };
        uint32_t count;
        struct wire_in w, all;

        if (!read_file(dir, &b))
                return;
        w = wire_in(b.data, b.len);
        if (wire_get_u8(&w) != FORMAT || wire_get_u64(&w) != bramble)
                return;
        count = wire_get_count(&w, LIMIT_FUNCTIONS);
        all = w;
        for (unsigned pass = 0; pass < 2; pass++) { /* all of it is right before any of it counts */
                w = all;
                for (uint32_t i = 0; i < count; i++) {
                        struct report_calls one = { 0 };

                        wire_get_text(&w, one.function, sizeof(one.function));
                        wire_get_text(&w, one.namespace, sizeof(one.namespace));
                        one.invocations = wire_get_u64(&w);
                        if (pass == 1)
                                take(calls, n, &one);
                }
                if (!wire_complete(&w))
                        return;
        }
}

#include "io/file_log.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 320 };

static void path_of(char dst[static PATH_BYTES], const char *dir, const char *function,
                    const char *namespace, const char *end) {
        (void)snprintf(dst, PATH_BYTES, "%s/%s.%s.%s", dir, function, namespace, end);
}

int file_log_write(const char *dir, const char *function, const char *namespace, uint32_t instance,
                   uint64_t realtime_usec, const char *text, size_t len) {
        char path[PATH_BYTES], old[PATH_BYTES];
        auto_close int fd = -1;
        struct stat st;

        path_of(path, dir, function, namespace, "log");
        if (mkdir(dir, 0750) < 0 && errno != EEXIST)
                return -errno;
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (fd < 0)
                return -errno;
        if (dprintf(fd, "%" PRIu64 " %" PRIu32 " %.*s\n", realtime_usec, instance, (int)len, text) <
            0)
                return -EIO;
        if (fstat(fd, &st) == 0 && st.st_size > FILE_LOG_BYTES) {
                path_of(old, dir, function, namespace, "old");
                if (rename(path, old) < 0)
                        return -errno;
        }
        return 0;
}

static int add_file(struct buf *b, const char *path) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        do {
                int r = buf_reserve(b, 64 * 1024);

                if (r < 0)
                        return r;
                n = read(fd, b->data + b->len, 64 * 1024);
                if (n > 0)
                        b->len += (size_t)n;
        } while (n > 0);
        b->data[b->len] = '\0';
        return n < 0 ? -errno : 0;
}

/* Where the last 'tail' lines begin. */
static char *last_lines(struct buf *b, unsigned tail) {
        char *at = b->data + b->len;

        while (at > b->data) {
                if (at[-1] == '\n' && at != b->data + b->len && tail-- <= 1)
                        break;
                at--;
        }
        return at;
}

int file_log_read(const char *dir, const char *function, const char *namespace, unsigned tail,
                  void (*line)(void *arg, const struct file_log_line *line), void *arg) {
        auto_buf struct buf b = { .limit = 4 * FILE_LOG_BYTES };
        char path[PATH_BYTES];
        int r;

        path_of(path, dir, function, namespace, "old");
        r = add_file(&b, path);
        path_of(path, dir, function, namespace, "log");
        if (r == 0)
                r = add_file(&b, path);
        if (r < 0 || b.len == 0 || tail == 0)
                return r;
        for (char *at = last_lines(&b, tail), *end; (end = strchr(at, '\n')); at = end + 1) {
                struct file_log_line l = { 0 };
                int skip = 0;

                *end = '\0';
                if (sscanf(at, "%" SCNu64 " %" SCNu32 " %n", &l.realtime_usec, &l.instance, &skip) <
                            2 ||
                    skip == 0)
                        continue;
                l.text = at + skip;
                line(arg, &l);
        }
        return 0;
}

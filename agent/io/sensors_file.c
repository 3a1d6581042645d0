#include "io/sensors_file.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

long sensors_file_read(int root_fd, const char *path, char *dst, size_t size) {
        /* a FIFO in the place of a file must not hold us up */
        auto_close int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        size_t n = 0;
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        while (n < size - 1) {
                ssize_t r = read(fd, dst + n, size - 1 - n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        dst[n] = '\0';
        return (long)n;
}

int sensors_file_number(int root_fd, const char *path, uint64_t *ret) {
        char text[32];
        long n = sensors_file_read(root_fd, path, text, sizeof(text));

        if (n < 0)
                return (int)n;
        if (n > 0 && text[n - 1] == '\n')
                text[n - 1] = '\0';
        return str_to_u64(text, UINT64_MAX, ret);
}

int sensors_text_bytes(const char *text, const char *key, uint64_t *ret) {
        size_t len = strlen(key);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                char digits[24];
                size_t n;

                line += *line == '\n';
                if (strncmp(line, key, len) != 0 || (line[len] != ':' && line[len] != ' '))
                        continue;
                line += len + 1;
                line += strspn(line, " \t");
                n = strspn(line, "0123456789");
                if (n == 0 || n >= sizeof(digits))
                        return -EINVAL;
                memcpy(digits, line, n);
                digits[n] = '\0';
                if (str_to_u64(digits, UINT64_MAX / 1024, ret) < 0)
                        return -ERANGE;
                if (str_starts(line + n, " kB"))
                        *ret *= 1024;
                return 0;
        }
        return -ENOENT;
}

uint64_t sensors_memory_limit(int root_fd) {
        static const char *const paths[] = { "sys/fs/cgroup/memory.max",
                                             "sys/fs/cgroup/memory/memory.limit_in_bytes" };
        uint64_t limit;

        /* v1 without a limit says nearly 2^63 */
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (sensors_file_number(root_fd, paths[i], &limit) == 0 && limit < UINT64_MAX / 4)
                        return limit;
        return 0;
}

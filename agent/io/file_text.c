#include "io/file_text.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int file_text_read(int root_fd, const char *path, size_t limit, struct buf *ret) {
        /* a FIFO in the place of a file must not hold us up */
        auto_close int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        size_t sum = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        for (;;) {
                char part[4096];
                ssize_t n = read(fd, part, sizeof(part));
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                sum += (size_t)n;
                if (sum > limit)
                        return -EFBIG;
                r = buf_add(ret, part, (size_t)n);
                if (r < 0)
                        return r;
        }
}

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        len -= (size_t)n;
                }
        }
        return 0;
}

/* The folder that holds 'path', and the name in it. */
static int open_parent(int root_fd, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');
        char dir[PATH_MAX];
        int fd, r;

        *ret_name = slash ? slash + 1 : path;
        r = str_copy_n(dir, sizeof(dir), path, slash ? (size_t)(slash - path) : 0);
        if (r < 0)
                return r;
        fd = openat(root_fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* 'old': mode and owner to have. */
static int write_beside(int dir, const char *temp, const struct stat *old, const char *data,
                        size_t len) {
        auto_close int fd = -EBADF;
        int r;

        (void)unlinkat(dir, temp, 0); /* what a power cut left */
        fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, data, len);
        if (r == 0 && (fchown(fd, old->st_uid, old->st_gid) < 0 ||
                       fchmod(fd, old->st_mode & 07777) < 0 || fsync(fd) < 0))
                r = -errno;
        return r;
}

static int replace(int dir, const char *name, const struct stat *old, const char *data,
                   size_t len) {
        char temp[NAME_MAX + 1];
        int r;

        if ((size_t)snprintf(temp, sizeof(temp), ".%s.new", name) >= sizeof(temp))
                return -ENAMETOOLONG;
        r = write_beside(dir, temp, old, data, len);
        if (r == 0 && renameat(dir, temp, dir, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir, temp, 0);
        else
                (void)fsync(dir);
        return r;
}

static int write_in_place(int dir, const char *name, const char *data, size_t len) {
        auto_close int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, len);
        if (r == 0 && (ftruncate(fd, (off_t)len) < 0 || fsync(fd) < 0))
                r = -errno;
        return r;
}

static bool holds(int dir, const char *name, const void *data, size_t len) {
        auto_buf struct buf now = { 0 };

        return file_text_read(dir, name, len, &now) == 0 && now.len == len &&
               (len == 0 || memcmp(now.data, data, len) == 0);
}

int file_text_write(int root_fd, const char *path, const void *data, size_t len, mode_t mode) {
        struct stat old = { .st_mode = mode, .st_uid = geteuid(), .st_gid = getegid() };
        const char *name;
        auto_close int dir = open_parent(root_fd, path, &name);
        bool there;
        int r;

        if (dir < 0)
                return dir;
        if (holds(dir, name, data, len))
                return 0;
        there = fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
        if (!there && errno != ENOENT)
                return -errno;
        if (there && S_ISLNK(old.st_mode))
                r = write_in_place(dir, name, data, len);
        else if (there && !S_ISREG(old.st_mode))
                r = S_ISDIR(old.st_mode) ? -EISDIR : -EINVAL;
        else
                r = replace(dir, name, &old, data, len);
        /* a mount cannot be renamed over; its folder may be read-only where it is not */
        if (there && (r == -EBUSY || r == -EROFS || r == -EXDEV))
                r = write_in_place(dir, name, data, len);
        return r < 0 ? r : 1;
}

int file_text_make_dir(int root_fd, const char *path) {
        char dir[PATH_MAX];

        if (str_copy(dir, sizeof(dir), path) < 0)
                return -ENAMETOOLONG;
        for (char *s = strchr(dir + 1, '/');; s = strchr(s + 1, '/')) {
                if (s)
                        *s = '\0';
                if (mkdirat(root_fd, dir, 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (!s)
                        return 0;
                *s = '/';
        }
}

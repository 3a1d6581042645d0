#include "io/secret_files.h"

#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define NEW_FILE                                                                         \
        ".new" /* beside the containers' folders: never seen by one; no container's name \
                */

static int open_dir(int at, const char *path) {
        return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_folder(const char *dir, const char *container, int *ret_dir) {
        int fd, r;

        *ret_dir = open_dir(AT_FDCWD, dir);
        if (*ret_dir < 0)
                return -errno;
        fd = open_dir(*ret_dir, container);
        r = fd < 0 ? -errno : fd;
        return r;
}

int secret_files_make(const char *dir, const char *container, struct fail *f) {
        auto_close int fd = -EBADF;
        struct statfs fs;

        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return fail(f, -errno, "cannot make %s: %s", dir, strerror(errno));
        fd = open_dir(AT_FDCWD, dir);
        if (fd < 0 || fstatfs(fd, &fs) < 0)
                return fail(f, -errno, "cannot open %s: %s", dir, strerror(errno));
        if ((uint32_t)fs.f_type != TMPFS_MAGIC && (uint32_t)fs.f_type != RAMFS_MAGIC)
                return fail(f, -EXDEV,
                            "%s is on a disk, where secrets must not be: it has to be "
                            "on tmpfs, as /run is",
                            dir);
        if (mkdirat(fd, container, 0500) < 0 && errno != EEXIST)
                return fail(f, -errno, "cannot make %s/%s: %s", dir, container, strerror(errno));
        return 0;
}

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

/* A file of its own that is complete before it has its name. */
static int put(int dir, int folder, const char *name, const void *value, size_t len) {
        auto_close int fd = -EBADF;
        struct stat st;
        int r;

        (void)unlinkat(dir, NEW_FILE, 0);
        fd = openat(dir, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (fd < 0 || fstat(folder, &st) < 0 || fchmod(fd, 0400) < 0 ||
            fchown(fd, st.st_uid, st.st_gid) < 0)
                return -errno;
        r = write_all(fd, value, len);
        if (r == 0 && renameat(dir, NEW_FILE, folder, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir, NEW_FILE, 0);
        return r;
}

int secret_files_put(const char *dir, const char *container, const char *name, const void *value,
                     size_t len, struct fail *f) {
        auto_close int top = -EBADF, folder = open_folder(dir, container, &top);
        int r;

        if (!name[0] || name[0] == '.' || strchr(name, '/'))
                return fail(f, -EINVAL, "'%.40s' is no name of a file", name);
        r = folder < 0 ? folder : put(top, folder, name, value, len);
        return r < 0 ? fail(f, r, "cannot write the secret %.63s: %s", name, strerror(-r)) : 0;
}

/* Each file of a folder; stops at the first error. */
static int each(int folder, int (*one)(int folder, const char *name, void *arg), void *arg) {
        auto_close int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        int r = 0;

        if (!d)
                return -errno;
        (void)take_fd(&fd); /* is d's now */
        while (r == 0 && (entry = readdir(d)))
                if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
                        r = one(folder, entry->d_name, arg);
        (void)closedir(d);
        return r;
}

struct owner {
        uid_t uid;
        gid_t gid;
};

static int own(int folder, const char *name, void *arg) {
        const struct owner *o = arg;

        return fchownat(folder, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int secret_files_own(const char *folder, uid_t uid, gid_t gid) {
        auto_close int fd = open_dir(AT_FDCWD, folder);
        struct owner o = { uid, gid };

        if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, 0500) < 0)
                return -errno;
        return each(fd, own, &o);
}

static int drop(int folder, const char *name, void *arg) {
        (void)arg;
        (void)unlinkat(folder, name, 0);
        return 0;
}

void secret_files_remove(const char *dir, const char *container) {
        auto_close int top = -EBADF, folder = open_folder(dir, container, &top);

        if (folder < 0)
                return;
        (void)each(folder, drop, NULL);
        (void)unlinkat(top, container, AT_REMOVEDIR);
}

struct sweep {
        const char *dir;
        bool (*keep)(void *arg, const char *container);
        void *arg;
};

static int sweep_one(int folder, const char *name, void *arg) {
        const struct sweep *s = arg;

        if (str_eq(name, NEW_FILE))
                (void)unlinkat(folder, name, 0);
        else if (!s->keep(s->arg, name))
                secret_files_remove(s->dir, name);
        return 0;
}

void secret_files_sweep(const char *dir, bool (*keep)(void *arg, const char *container),
                        void *arg) {
        auto_close int fd = open_dir(AT_FDCWD, dir);
        struct sweep s = { dir, keep, arg };

        if (fd >= 0)
                (void)each(fd, sweep_one, &s);
}

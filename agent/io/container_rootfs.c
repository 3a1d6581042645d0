#include "io/container_rootfs.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { FILE_BYTES = 256 * 1024 };

void container_rootfs_layers(const Ctr__SnapshotMountsResponse *mounts,
                             bool (*each)(void *arg, const char *folder), void *arg) {
        static const char lower[] = "lowerdir=";
        const Ctr__Mount *m = mounts->n_mounts ? mounts->mounts[0] : NULL;
        char folder[PATH_MAX];

        if (!m)
                return;
        if (!str_eq(m->type, "overlay")) {
                (void)each(arg, m->source);
                return;
        }
        for (size_t i = 0; i < m->n_options; i++) {
                const char *p = m->options[i];

                if (!str_starts(p, lower))
                        continue;
                for (p += sizeof(lower) - 1; *p;) {
                        size_t len = strcspn(p, ":");

                        if (str_copy_n(folder, sizeof(folder), p, len) == 0 && each(arg, folder))
                                return;
                        p += len + (p[len] == ':');
                }
        }
}

struct search {
        const char *path; /* "etc/passwd" */
        struct buf *out;
        int error;
};

static int open_inside(const char *folder, const char *path) {
        auto_close int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };
        long fd;

        if (dir < 0)
                return -errno;
        fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
        return fd < 0 ? -errno : (int)fd;
}

/* True where the search is over: the file is read, or a whiteout says that it is not there. */
static bool search_layer(void *arg, const char *folder) {
        struct search *s = arg;
        auto_close int fd = open_inside(folder, s->path);
        struct stat st;
        ssize_t n;

        /* a whiteout is a device that nobody drives: ENXIO */
        if (fd < 0)
                return fd == -ENXIO;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return true;
        if (st.st_size > FILE_BYTES) {
                s->error = -EMSGSIZE;
                return true;
        }
        s->error = buf_reserve(s->out, (size_t)st.st_size);
        if (s->error < 0)
                return true;
        n = read(fd, s->out->data, (size_t)st.st_size);
        if (n < 0)
                s->error = -errno;
        else
                s->out->len = (size_t)n;
        return true;
}

static int read_file(const Ctr__SnapshotMountsResponse *mounts, const char *path, struct buf *out) {
        struct search s = { .path = path, .out = out };

        container_rootfs_layers(mounts, search_layer, &s);
        return s.error;
}

int container_rootfs_user(const Ctr__SnapshotMountsResponse *mounts, const char *user,
                          struct oci_user *ret, struct fail *f) {
        auto_buf struct buf passwd = { 0 }, group = { 0 };
        int r = read_file(mounts, "etc/passwd", &passwd);

        if (r == 0)
                r = read_file(mounts, "etc/group", &group);
        if (r < 0)
                return fail(f, r, "cannot read the image's /etc/passwd and /etc/group");
        return oci_user_find(user, passwd.data, passwd.len, group.data, group.len, ret, f);
}

#include "io/kube_archive.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/kube_bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_BYTES = 64 * 1024 };

static int write_all(int fd, const void *data, size_t len) {
        const char *at = data;

        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

/* A plain file of at most 'limit' bytes. */
static int open_plain(int dir, const char *path, uint64_t limit, uint64_t *ret_size) {
        auto_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if ((uint64_t)st.st_size > limit)
                return -EFBIG;
        *ret_size = (uint64_t)st.st_size;
        return take_fd(&fd);
}

/* ---- sealing ------------------------------------------------------------------------------- */

struct sealing {
        int out;
        struct seal *seal;
        struct kube_bundle *bundle;
};

static int to_file(void *arg, const void *data, size_t len) {
        const struct sealing *s = arg;

        return write_all(s->out, data, len);
}

static int to_seal(void *arg, const void *data, size_t len) {
        const struct sealing *s = arg;

        return seal_write(s->seal, data, len);
}

static int add_file(struct sealing *s, int fd, uint64_t size) {
        char data[READ_BYTES];
        uint64_t left = size;
        int r = kube_bundle_begin(s->bundle, size);

        while (r == 0 && left > 0) {
                ssize_t n = read(fd, data, left < sizeof(data) ? (size_t)left : sizeof(data));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        r = -errno;
                else if (n == 0)
                        r = -EIO; /* it shrank meanwhile */
                else
                        r = kube_bundle_write(s->bundle, data, (size_t)n);
                left -= n > 0 ? (uint64_t)n : 0;
        }
        explicit_bzero(data, sizeof(data));
        return r;
}

static int add_all(struct sealing *s, int pki, int snapshot, uint64_t size, struct fail *f) {
        int r = 0;

        for (size_t i = 0; i + 1 < KUBE_BUNDLE_FILES && r == 0; i++) {
                const struct kube_bundle_file *file = &kube_bundle_files[i];
                uint64_t bytes = 0;
                auto_close int fd = open_plain(pki, file->name, file->limit_bytes, &bytes);

                if (fd < 0)
                        r = fd;
                else /* a crash leaves empty files: sealed, they would take a good one's place */
                        r = bytes == 0 ? -ENODATA : add_file(s, fd, bytes);
                if (r < 0)
                        return fail(f, r, "/etc/kubernetes/%s: %s", file->name, strerror(-r));
        }
        r = add_file(s, snapshot, size);
        if (r == 0)
                r = kube_bundle_end(s->bundle);
        return r < 0 ? r : seal_end(s->seal);
}

static int seal_into(int out, int root_fd, const char *snapshot,
                     const uint8_t key[static SIZE_KUBE_KEY], struct seal_header *header,
                     struct fail *f) {
        struct sealing s = { .out = out };
        uint64_t size = 0;
        auto_close int db = open_plain(AT_FDCWD, snapshot, KUBE_BUNDLE_SNAPSHOT_BYTES, &size);
        auto_close int pki = openat(root_fd, "etc/kubernetes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (pki < 0)
                return fail(f, -errno, "/etc/kubernetes: %s", strerror(errno));
        if (db < 0)
                return fail(f, db, "%s: %s", snapshot, strerror(-db));
        if (size == 0)
                return fail(f, -EINVAL, "%s is empty", snapshot);
        header->content_bytes = size;
        r = seal_new(key, header, to_file, &s, &s.seal);
        if (r == 0)
                r = kube_bundle_new(to_seal, &s, &s.bundle);
        if (r == 0)
                r = add_all(&s, pki, db, size, f);
        kube_bundle_free(s.bundle);
        seal_free(s.seal);
        return r;
}

/* The folder of a path, so that the new name in it is on the card too. */
static int sync_folder(const char *path) {
        char dir[PATH_MAX];
        const char *slash = strrchr(path, '/');
        auto_close int fd = -EBADF;
        size_t n = slash ? (size_t)(slash - path) : 0;

        if (str_copy_n(dir, sizeof(dir), n ? path : slash ? "/" : ".", n ? n : 1) < 0)
                return -ENAMETOOLONG;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int kube_archive_seal(int root_fd, const char *snapshot, const char *out,
                      const uint8_t key[static SIZE_KUBE_KEY], uint32_t epoch, uint64_t number,
                      struct fail *f) {
        struct seal_header header = { .epoch = epoch, .number = number };
        auto_close int fd = -EBADF;
        char new[PATH_MAX];
        int r;

        if ((size_t)snprintf(new, sizeof(new), "%s.new", out) >= sizeof(new))
                return fail(f, -ENAMETOOLONG, "the file's name is too long");
        (void)unlink(new); /* of a power cut */
        fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return fail(f, -errno, "cannot make %s: %s", new, strerror(errno));
        r = seal_into(fd, root_fd, snapshot, key, &header, f);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && rename(new, out) < 0)
                r = -errno;
        if (r == 0)
                r = sync_folder(out);
        if (r < 0) {
                (void)unlink(new);
                return fail(f, r, "cannot write %s: %s", out, strerror(-r));
        }
        return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

struct opening {
        int dir;
        int file; /* that is being written, -1 before the first */
        struct kube_unbundle *unbundle;
        const char *doing; /* a file of ours that could not be written; NULL */
};

static int close_file(struct opening *o) {
        int fd = o->file;

        o->file = -1;
        return fd >= 0 && close(fd) < 0 ? -errno : 0;
}

/* 'pki/etcd' for 'pki/etcd/ca.crt'. */
static int make_folders(int dir, const char *name) {
        char path[64];

        (void)str_copy(path, sizeof(path), name);
        for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdirat(dir, path, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return 0;
}

static int begin_file(struct opening *o, const char *name) {
        int r = close_file(o);

        if (r == 0)
                r = make_folders(o->dir, name);
        if (r < 0)
                return r;
        o->file = openat(o->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        return o->file < 0 ? -errno : 0;
}

static int on_file(void *arg, size_t file, const void *data, size_t len) {
        struct opening *o = arg;
        const char *name = kube_bundle_files[file].name;
        int r = len == 0 ? begin_file(o, name) : write_all(o->file, data, len);

        if (r < 0)
                o->doing = name;
        return r;
}

static int to_unbundle(void *arg, const void *data, size_t len) {
        struct opening *o = arg;

        return kube_unbundle_write(o->unbundle, data, len);
}

static int pump(int fd, struct unseal *u) {
        char data[READ_BYTES];
        int r = 0;

        while (r == 0) {
                ssize_t n = read(fd, data, sizeof(data));

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return unseal_end(u);
                if (n > 0)
                        r = unseal_write(u, data, (size_t)n);
        }
        return r;
}

static int open_into(struct opening *o, int in, const char *name,
                     const uint8_t key[static SIZE_KUBE_KEY], struct fail *f) {
        struct unseal *u = NULL;
        int r = kube_unbundle_new(on_file, o, &o->unbundle), closed;

        if (r == 0)
                r = unseal_new(key, to_unbundle, o, &u);
        if (r == 0)
                r = pump(in, u);
        if (r == 0)
                r = kube_unbundle_end(o->unbundle);
        closed = close_file(o);
        if (r == 0)
                r = closed;
        unseal_free(u);
        kube_unbundle_free(o->unbundle);
        if (o->doing)
                return fail(f, r, "cannot write %s: %s", o->doing, strerror(-r));
        if (r == -EKEYREJECTED)
                return fail(f, r, "%s is damaged or sealed with another key", name);
        if (r == -EBADMSG)
                return fail(f, r, "%s is damaged", name);
        if (r == -EPROTONOSUPPORT)
                return fail(f, r, "%s was made by a newer bramble", name);
        return r < 0 ? fail(f, r, "%s: %s", name, strerror(-r)) : 0;
}

static int remove_one(const char *dir) {
        auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        static const char *const folders[] = { "pki/etcd", "pki" };

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        for (size_t i = 0; i < KUBE_BUNDLE_FILES; i++)
                (void)unlinkat(fd, kube_bundle_files[i].name, 0);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                (void)unlinkat(fd, folders[i], AT_REMOVEDIR);
        return rmdir(dir) < 0 ? -errno : 0;
}

static int new_name(char new[static PATH_MAX], const char *dir) {
        return snprintf(new, PATH_MAX, "%s.new", dir) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int kube_archive_remove(const char *dir) {
        char new[PATH_MAX];
        int r = new_name(new, dir), old;

        if (r == 0)
                r = remove_one(new);
        old = remove_one(dir);
        return r < 0 ? r : old;
}

int kube_archive_open(const char *in, const char *dir, const uint8_t key[static SIZE_KUBE_KEY],
                      struct fail *f) {
        struct opening o = { .file = -1 };
        auto_close int fd = -EBADF, to = -EBADF;
        uint64_t size;
        char new[PATH_MAX];
        int r = new_name(new, dir);

        if (r == 0)
                r = kube_archive_remove(dir);
        if (r < 0)
                return fail(f, r, "%s: %s", dir, strerror(-r));
        fd = open_plain(AT_FDCWD, in, KUBE_BUNDLE_SEALED_BYTES, &size);
        if (fd < 0)
                return fail(f, fd, "%s: %s", in, strerror(-fd));
        if (mkdir(new, 0700) < 0)
                return fail(f, -errno, "cannot make %s: %s", new, strerror(errno));
        to = open(new, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (to < 0)
                return fail(f, -errno, "cannot open %s: %s", new, strerror(errno));
        o.dir = to;
        r = open_into(&o, fd, in, key, f);
        if (r == 0 && rename(new, dir) < 0)
                r = fail(f, -errno, "cannot make %s: %s", dir, strerror(errno));
        if (r < 0)
                (void)remove_one(new);
        return r;
}

#include "io/snapshot_store.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/kube_snapshot.h"
#include "io/kube_bundle.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SUFFIX   ".sealed"
#define NEW_NAME "incoming.new"

/* "0000001b-00000007.sealed" */
enum { SIZE_FILE_NAME = 8 + 1 + 8 + sizeof(SUFFIX) };

struct snapshot_store {
        uv_loop_t *loop;
        char dir[PATH_MAX];
        int fd;
        size_t n;
        uint64_t ids[SNAPSHOT_STORE_MOST]; /* newest first */
        struct snapshot_in *in;            /* NULL: none */
};

struct snapshot_in {
        struct snapshot_store *store; /* NULL: it was freed while this one is synced */
        uint64_t id, size, have;
        int fd;
        size_t n_header;
        uint8_t header[SEAL_HEADER_BYTES];
        uv_fs_t sync;
        snapshot_in_cb done;
        void *arg;
};

/* ---- names --------------------------------------------------------------------------------- */

static char *name_of(char dst[static SIZE_FILE_NAME], uint64_t id) {
        (void)snprintf(dst, SIZE_FILE_NAME, "%08" PRIx32 "-%08" PRIx32 SUFFIX, (uint32_t)(id >> 32),
                       (uint32_t)id);
        return dst;
}

static bool parse_name(const char *name, uint64_t *ret) {
        char again[SIZE_FILE_NAME], epoch[9], number[9];
        uint64_t high, low;

        if (strlen(name) != SIZE_FILE_NAME - 1 || name[8] != '-' ||
            str_copy_n(epoch, sizeof(epoch), name, 8) < 0 ||
            str_copy_n(number, sizeof(number), name + 9, 8) < 0 ||
            str_from_hex64(epoch, &high) < 0 || str_from_hex64(number, &low) < 0)
                return false;
        *ret = high << 32 | low;
        return *ret != 0 && str_eq(name_of(again, *ret), name);
}

/* Does the header say what the name says? */
static bool header_fits(const void *data, size_t len, uint64_t id) {
        struct seal_header h;

        return seal_header_parse(data, len, &h) == 0 && h.number <= UINT32_MAX &&
               kube_snapshot_id(h.epoch, (uint32_t)h.number) == id;
}

static bool file_fits(const struct snapshot_store *s, const char *name, uint64_t id) {
        auto_close int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t header[SEAL_HEADER_BYTES];
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
               read(fd, header, sizeof(header)) == sizeof(header) &&
               header_fits(header, sizeof(header), id);
}

/* ---- what is there ------------------------------------------------------------------------- */

/* In its place; where the list is full the oldest goes out of it. */
static void insert(struct snapshot_store *s, uint64_t id) {
        size_t at = 0;

        while (at < s->n && s->ids[at] > id)
                at++;
        if (at == SNAPSHOT_STORE_MOST || (at < s->n && s->ids[at] == id))
                return;
        if (s->n < SNAPSHOT_STORE_MOST)
                s->n++;
        memmove(&s->ids[at + 1], &s->ids[at], (s->n - at - 1) * sizeof(s->ids[0]));
        s->ids[at] = id;
}

void snapshot_store_look(struct snapshot_store *s) {
        int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        uint64_t id;

        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return;
        }
        s->n = 0;
        while ((entry = readdir(dir)))
                if (parse_name(entry->d_name, &id) && file_fits(s, entry->d_name, id))
                        insert(s, id);
        (void)closedir(dir);
}

static int make_dirs(const char *path) {
        char part[PATH_MAX];

        if (str_copy(part, sizeof(part), path) < 0)
                return -ENAMETOOLONG;
        for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(part, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Half-done ones: our own, and what kube_archive_seal() was making. */
static void drop_halves(const struct snapshot_store *s) {
        int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (str_ends(entry->d_name, ".new"))
                        (void)unlinkat(s->fd, entry->d_name, 0);
        if (dir)
                (void)closedir(dir);
        else if (fd >= 0)
                (void)close(fd);
}

int snapshot_store_open(uv_loop_t *loop, const char *dir, struct snapshot_store **ret,
                        struct fail *f) {
        struct snapshot_store *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->loop = loop;
        s->fd = -1;
        r = str_copy(s->dir, sizeof(s->dir), dir);
        if (r == 0)
                r = make_dirs(dir);
        if (r == 0)
                s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r == 0 && s->fd < 0)
                r = -errno;
        if (r < 0) {
                snapshot_store_free(s);
                return fail(f, r, "cannot make %s: %s", dir, strerror(-r));
        }
        drop_halves(s);
        snapshot_store_look(s);
        snapshot_store_prune(s);
        *ret = s;
        return 0;
}

void snapshot_store_free(struct snapshot_store *s) {
        if (!s)
                return;
        if (s->in && s->in->done)
                s->in->store = NULL; /* on_synced() follows, and frees it */
        else
                snapshot_in_abort(s->in);
        if (s->fd >= 0)
                (void)close(s->fd);
        free(s);
}

uint64_t snapshot_store_newest(const struct snapshot_store *s) {
        return s->n ? s->ids[0] : 0;
}

bool snapshot_store_has(const struct snapshot_store *s, uint64_t id) {
        for (size_t i = 0; i < s->n; i++)
                if (s->ids[i] == id)
                        return true;
        return false;
}

size_t snapshot_store_list(const struct snapshot_store *s, const uint64_t **ret_ids) {
        *ret_ids = s->ids;
        return s->n;
}

int snapshot_store_path(const struct snapshot_store *s, uint64_t id, char ret[static PATH_MAX]) {
        char name[SIZE_FILE_NAME];

        return snprintf(ret, PATH_MAX, "%s/%s", s->dir, name_of(name, id)) >= PATH_MAX
                       ? -ENAMETOOLONG
                       : 0;
}

int snapshot_store_read(const struct snapshot_store *s, uint64_t id, uint64_t *ret_size) {
        char name[SIZE_FILE_NAME];
        auto_close int fd = openat(s->fd, name_of(name, id), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        *ret_size = (uint64_t)st.st_size;
        return take_fd(&fd);
}

void snapshot_store_prune(struct snapshot_store *s) {
        char name[SIZE_FILE_NAME];

        while (s->n > SNAPSHOT_STORE_KEEP)
                if (unlinkat(s->fd, name_of(name, s->ids[--s->n]), 0) < 0 && errno != ENOENT)
                        return; /* a card that cannot be written: tried with the next one again */
}

/* ---- one that comes in ---------------------------------------------------------------------- */

static int check_room(const struct snapshot_store *s, uint64_t size, struct fail *f) {
        struct statvfs st;

        if (size <= SEAL_HEADER_BYTES || size > KUBE_BUNDLE_SEALED_BYTES)
                return fail(f, -EFBIG, "no snapshot has %" PRIu64 " bytes", size);
        if (fstatvfs(s->fd, &st) < 0)
                return fail(f, -errno, "%s: %s", s->dir, strerror(errno));
        if ((uint64_t)st.f_bavail * st.f_frsize < size + SNAPSHOT_STORE_SPARE_BYTES)
                return fail(f, -ENOSPC, "there is no room for a snapshot on this board's card");
        return 0;
}

int snapshot_in_begin(struct snapshot_store *s, uint64_t id, uint64_t size,
                      struct snapshot_in **ret, struct fail *f) {
        struct snapshot_in *in;
        int r;

        if (s->in)
                return fail(f, -EBUSY, "another snapshot is on its way to this board");
        r = check_room(s, size, f);
        if (r < 0)
                return r;
        in = calloc(1, sizeof(*in));
        if (!in)
                return -ENOMEM;
        (void)unlinkat(s->fd, NEW_NAME, 0);
        in->fd = openat(s->fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (in->fd < 0) {
                r = -errno;
                free(in);
                return fail(f, r, "cannot write to %s: %s", s->dir, strerror(-r));
        }
        in->store = s;
        in->id = id;
        in->size = size;
        s->in = in;
        *ret = in;
        return 0;
}

static int take_header(struct snapshot_in *in, const void *data, size_t len) {
        size_t n = SEAL_HEADER_BYTES - in->n_header;

        if (n == 0)
                return 0;
        if (n > len)
                n = len;
        memcpy(in->header + in->n_header, data, n);
        in->n_header += n;
        return in->n_header < SEAL_HEADER_BYTES || header_fits(in->header, in->n_header, in->id)
                       ? 0
                       : -EBADMSG;
}

int snapshot_in_write(struct snapshot_in *in, const void *data, size_t len) {
        const char *at = data;
        int r;

        if (len > in->size - in->have)
                return -EMSGSIZE;
        r = take_header(in, data, len);
        if (r < 0)
                return r;
        in->have += len;
        while (len > 0) {
                ssize_t n = write(in->fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

static void release(struct snapshot_in *in) {
        if (in->store)
                in->store->in = NULL;
        (void)close(in->fd);
        free(in);
}

static void on_synced(uv_fs_t *sync) {
        struct snapshot_in *in = sync->data;
        struct snapshot_store *s = in->store;
        snapshot_in_cb done = in->done;
        void *arg = in->arg;
        int r = (int)sync->result;
        char name[SIZE_FILE_NAME];

        uv_fs_req_cleanup(sync);
        if (!s)
                r = -ECANCELED;
        else if (r == 0 && renameat(s->fd, NEW_NAME, s->fd, name_of(name, in->id)) < 0)
                r = -errno;
        if (s && r == 0) {
                insert(s, in->id);
                snapshot_store_prune(s);
        } else if (s) {
                (void)unlinkat(s->fd, NEW_NAME, 0);
        }
        release(in);
        done(arg, r, r < 0 ? strerror(-r) : "");
}

/* The name itself reaches the card with the file system's next turn (ext4: 5 s); until then a power
 * cut costs this copy, and the sender sends it again. */
int snapshot_in_end(struct snapshot_in *in, snapshot_in_cb done, void *arg) {
        int r;

        if (in->have != in->size)
                return -EBADMSG;
        in->sync.data = in;
        r = uv_fs_fsync(in->store->loop, &in->sync, in->fd, on_synced);
        if (r < 0)
                return r;
        in->done = done;
        in->arg = arg;
        return 0;
}

void snapshot_in_abort(struct snapshot_in *in) {
        if (!in)
                return;
        assert(!in->done);
        (void)unlinkat(in->store->fd, NEW_NAME, 0);
        release(in);
}

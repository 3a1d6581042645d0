#include "io/consensus_internal.h"

#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* ---- the folder ---- */

int consensus_lock(const char *dir, int *ret_fd, struct fail *f) {
        auto_close int dir_fd = -EBADF, fd = -EBADF;

        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return fail(f, -errno, "cannot make %s: %s", dir, strerror(errno));
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return fail(f, -errno, "cannot open %s: %s", dir, strerror(errno));
        fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return fail(f, -errno, "cannot open %s/lock: %s", dir, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return fail(f, errno == EWOULDBLOCK ? -EBUSY : -errno,
                            "%s is in use by another bramble-agent", dir);
        *ret_fd = take_fd(&fd);
        return 0;
}

/* "17-42": a closed segment. */
static bool is_segment(const char *name) {
        size_t first = strspn(name, "0123456789"), second;

        if (first == 0 || name[first] != '-')
                return false;
        second = strspn(name + first + 1, "0123456789");
        return second > 0 && name[first + 1 + second] == '\0';
}

static bool is_log(const char *name) {
        return is_segment(name) || str_starts(name, "open-") || str_starts(name, "snapshot-") ||
               str_starts(name, "tmp-");
}

static bool is_metadata(const char *name) {
        return str_eq(name, "metadata1") || str_eq(name, "metadata2");
}

static int remove_files(int dir_fd, bool (*which)(const char *name)) {
        struct dirent *entry;
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d) {
                r = -errno;
                if (fd >= 0)
                        (void)close(fd);
                return r;
        }
        while ((entry = readdir(d)))
                if (which(entry->d_name) && unlinkat(dir_fd, entry->d_name, 0) < 0 && r == 0)
                        r = -errno;
        (void)closedir(d);
        return r;
}

int consensus_wipe(const char *dir, struct fail *f) {
        auto_close int lock = -EBADF, dir_fd = -EBADF;
        int r;

        if (access(dir, F_OK) < 0 && errno == ENOENT)
                return 0;
        r = consensus_lock(dir, &lock, f);
        if (r < 0)
                return r;
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return fail(f, -errno, "cannot open %s: %s", dir, strerror(errno));
        /* The term goes last: after a power cut in between, the folder still is no empty one, and
         * a bootstrap is refused until this ran again. */
        r = remove_files(dir_fd, is_log);
        if (r == 0 && fsync(dir_fd) < 0)
                r = -errno;
        if (r == 0)
                r = remove_files(dir_fd, is_metadata);
        if (r == 0 && fsync(dir_fd) < 0)
                r = -errno;
        return r < 0 ? fail(f, r, "cannot wipe %s: %s", dir, strerror(-r)) : 0;
}

/* ---- what fails in it ---- */

/* libraft answers a failed write to whoever asked for it, and a follower's leader hears no more
 * than a refusal.  So its methods that write are watched here, in one place. */

void consensus_disk_failed(struct consensus *c, int raft_error) {
        const char *why = c->io.errmsg[0] ? c->io.errmsg : raft_strerror(raft_error);

        if (raft_error == 0 || raft_error == RAFT_CANCELED || raft_error == RAFT_SHUTDOWN ||
            raft_error == RAFT_NOMEM || raft_error == RAFT_BUSY || c->closing || c->broken)
                return;
        c->broken = true;
        (void)str_printable(c->why, sizeof(c->why), why, strlen(why));
}

struct watched_append {
        struct raft_io_append req; /* what the disk sees */
        struct raft_io_append *theirs;
        raft_io_append_cb cb;
        struct consensus *c;
};

static void on_appended(struct raft_io_append *req, int status) {
        struct watched_append *w = req->data;

        consensus_disk_failed(w->c, status);
        w->cb(w->theirs, status);
        raft_free(w);
}

static int watch_append(struct raft_io *io, struct raft_io_append *req,
                        const struct raft_entry entries[], unsigned n, raft_io_append_cb cb) {
        struct consensus *c = container_of(io, struct consensus, io);
        struct watched_append *w = raft_malloc(sizeof(*w));
        int r;

        if (!w)
                return RAFT_NOMEM;
        *w = (struct watched_append){ .theirs = req, .cb = cb, .c = c };
        w->req.data = w;
        r = c->disk.append(io, &w->req, entries, n, on_appended);
        if (r != 0) {
                consensus_disk_failed(c, r);
                raft_free(w);
        }
        return r;
}

struct watched_put {
        struct raft_io_snapshot_put req;
        struct raft_io_snapshot_put *theirs;
        raft_io_snapshot_put_cb cb;
        struct consensus *c;
};

static void on_put(struct raft_io_snapshot_put *req, int status) {
        struct watched_put *w = req->data;

        consensus_disk_failed(w->c, status);
        w->cb(w->theirs, status);
        raft_free(w);
}

static int watch_snapshot_put(struct raft_io *io, unsigned trailing,
                              struct raft_io_snapshot_put *req,
                              const struct raft_snapshot *snapshot, raft_io_snapshot_put_cb cb) {
        struct consensus *c = container_of(io, struct consensus, io);
        struct watched_put *w = raft_malloc(sizeof(*w));
        int r;

        if (!w)
                return RAFT_NOMEM;
        *w = (struct watched_put){ .theirs = req, .cb = cb, .c = c };
        w->req.data = w;
        r = c->disk.snapshot_put(io, trailing, &w->req, snapshot, on_put);
        if (r != 0) {
                consensus_disk_failed(c, r);
                raft_free(w);
        }
        return r;
}

static int watch_set_term(struct raft_io *io, raft_term term) {
        struct consensus *c = container_of(io, struct consensus, io);
        int r = c->disk.set_term(io, term);

        consensus_disk_failed(c, r);
        return r;
}

static int watch_set_vote(struct raft_io *io, raft_id server_id) {
        struct consensus *c = container_of(io, struct consensus, io);
        int r = c->disk.set_vote(io, server_id);

        consensus_disk_failed(c, r);
        return r;
}

static int watch_truncate(struct raft_io *io, raft_index index) {
        struct consensus *c = container_of(io, struct consensus, io);
        int r = c->disk.truncate(io, index);

        consensus_disk_failed(c, r);
        return r;
}

/* ---- what libraft 0.15 says and hears: io/raft_guard.h ---- */

static void guarded_receive(struct raft_io *io, struct raft_message *message) {
        struct consensus *c = container_of(io, struct consensus, io);

        if (message->type == RAFT_APPEND_ENTRIES_RESULT)
                consensus_heard(c, message->server_id);
        raft_guard_receive(&c->guard, io, message, c->receive);
}

static int guarded_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                         raft_io_recv_cb receive) {
        struct consensus *c = container_of(io, struct consensus, io);

        c->receive = receive;
        return c->disk.start(io, msecs, tick, guarded_receive);
}

static int guarded_send(struct raft_io *io, struct raft_io_send *req,
                        const struct raft_message *message, raft_io_send_cb cb) {
        struct consensus *c = container_of(io, struct consensus, io);
        struct raft_message copy = *message;

        raft_guard_send(&c->guard, &copy);
        return c->disk.send(io, req, &copy, cb);
}

void consensus_disk_watch(struct consensus *c) {
        c->disk = c->io;
        c->io.start = guarded_start;
        c->io.send = guarded_send;
        c->io.append = watch_append;
        c->io.snapshot_put = watch_snapshot_put;
        c->io.set_term = watch_set_term;
        c->io.set_vote = watch_set_vote;
        c->io.truncate = watch_truncate;
}

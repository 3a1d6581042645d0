#include "daemon/kube_snapshots.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "io/json.h"
#include "io/kube_archive.h"
#include "io/kube_bundle.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { SEAL_SEC = 300 };

#define ETCD_DB "/var/lib/etcd/member/snap/db"

/* Who is asked first, so that a board without a leader troubles nobody; then etcd, then the key,
 * which is here no longer than it must be. */
struct snapshots_take {
        struct kube_snapshots *s;
        uint64_t id;
        char dir[PATH_MAX]; /* where the plain one is */
        struct snapshots_run run;
};

/* ---- the plain one ------------------------------------------------------------------------- */

static void work_dirs(const struct agent *a, char run[static PATH_MAX],
                      char state[static PATH_MAX]) {
        (void)snprintf(run, PATH_MAX, "%s/kube-snapshot", a->config.run_dir);
        (void)snprintf(state, PATH_MAX, "%s/kube/snapshot-work", a->config.state_dir);
}

/* etcdctl writes NAME.part first. */
static void drop_plain(const char *dir) {
        static const char *const names[] = { KUBE_ETCD_SNAPSHOT, KUBE_ETCD_SNAPSHOT ".part" };
        char path[PATH_MAX + 32];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                (void)unlink(path);
        }
        (void)rmdir(dir);
}

static uint64_t free_bytes(const char *path) {
        struct statvfs st;

        return statvfs(path, &st) < 0 ? 0 : (uint64_t)st.f_bavail * st.f_frsize;
}

/* An empty folder with room for a snapshot of etcd's database of now. */
static int make_dir(const struct agent *a, char ret[static PATH_MAX], struct fail *f) {
        char run[PATH_MAX], state[PATH_MAX];
        struct stat st;
        uint64_t size = SNAPSHOTS_TMPFS_BYTES + 1;

        if (stat(ETCD_DB, &st) == 0)
                size = (uint64_t)st.st_size;
        if (size > KUBE_BUNDLE_SNAPSHOT_BYTES)
                return fail(f, -EFBIG, "etcd's database is larger than %u MB",
                            (unsigned)(KUBE_BUNDLE_SNAPSHOT_BYTES >> 20));
        work_dirs(a, run, state);
        drop_plain(run);
        drop_plain(state);
        (void)str_copy(ret, PATH_MAX,
                       size <= SNAPSHOTS_TMPFS_BYTES && free_bytes(a->config.run_dir) > 2 * size
                               ? run
                               : state);
        if (mkdir(ret, 0700) < 0)
                return fail(f, -errno, "cannot make %s: %s", ret, strerror(errno));
        return 0;
}

/* ---- taking one ---------------------------------------------------------------------------- */

static void take_over(struct snapshots_take *t, const char *error) {
        struct kube_snapshots *s = t->s;

        s->take = NULL;
        if (t->dir[0])
                drop_plain(t->dir);
        if (error[0]) {
                kube_snapshot_failed(&s->timer, agent_now());
                if (log_once("kube-snapshot"))
                        log_warning("kubernetes: no snapshot of etcd was taken, trying again: %s",
                                    error);
        } else {
                log_again("kube-snapshot");
        }
        free(t);
}

static void on_sealed(void *arg, const char *error) {
        struct snapshots_take *t = arg;
        struct kube_snapshots *s = t->s;
        char size_text[16];
        uint64_t id = t->id, size = 0;
        int fd;

        snapshot_store_look(s->store);
        if (!error[0] && !snapshot_store_has(s->store, id))
                error = "what was sealed is not there";
        if (!error[0]) {
                snapshot_store_prune(s->store);
                fd = snapshot_store_read(s->store, id, &size);
                if (fd >= 0)
                        (void)close(fd);
                log_info("kubernetes: snapshot %" PRIu32 " of etcd is taken: %s", (uint32_t)id,
                         str_size(size_text, size));
                agent_report_soon(s->agent);
                snapshots_ship_soon(s);
        }
        take_over(t, error);
}

static void on_key(void *arg, const char *error, const char *key) {
        struct snapshots_take *t = arg;
        char snapshot[PATH_MAX + 32], out[PATH_MAX], epoch[16], number[16];
        const char *const argv[] = { "/proc/self/exe", "--kube-seal", snapshot, out, epoch,
                                     number,           NULL };
        struct fail f = { 0 };

        if (!key) {
                take_over(t, error);
                return;
        }
        (void)snprintf(snapshot, sizeof(snapshot), "%s/" KUBE_ETCD_SNAPSHOT, t->dir);
        (void)snprintf(epoch, sizeof(epoch), "%" PRIu32, (uint32_t)(t->id >> 32));
        (void)snprintf(number, sizeof(number), "%" PRIu32, (uint32_t)t->id);
        if (snapshot_store_path(t->s->store, t->id, out) < 0 ||
            snapshots_run(t->s, &t->run, argv, key, SEAL_SEC, NULL, on_sealed, t, &f) < 0)
                take_over(t, fail_text(&f));
}

static void on_saved(void *arg, const char *error) {
        struct snapshots_take *t = arg;

        if (error[0])
                take_over(t, error);
        else
                snapshots_ask_key(t->s, on_key, t);
}

/* One above any that a board which is up keeps of this epoch. */
static uint64_t next_id(const struct kube_snapshots *s, const struct snapshots_who *who) {
        uint64_t newest = kube_snapshot_id(who->epoch, 0), own = snapshot_store_newest(s->store);

        if (own > newest)
                newest = own;
        for (size_t i = 0; i < who->n; i++)
                if (who->boards[i].snapshot > newest)
                        newest = who->boards[i].snapshot;
        /* of a later epoch: this board does not know yet that it is out of date */
        return newest >> 32 == who->epoch && (uint32_t)newest < UINT32_MAX ? newest + 1 : 0;
}

static void on_who(void *arg, const char *error, const struct snapshots_who *who) {
        struct snapshots_take *t = arg;
        const struct agent *a = t->s->agent;
        char image[SIZE_IMAGE];
        struct kube_etcd_call call = { .verb = KUBE_ETCD_SAVE, .image = image, .folder = t->dir };
        struct fail f = { 0 };

        if (who && (who->epoch != a->world.kube.epoch || (t->id = next_id(t->s, who)) == 0))
                error = "the control plane has moved meanwhile";
        if (!error[0] && (snapshots_etcd_image(image, &f) < 0 || make_dir(a, t->dir, &f) < 0 ||
                          snapshots_etcd(t->s, SNAPSHOTS_SAVE, &call, NULL, on_saved, t, &f) < 0))
                error = fail_text(&f);
        if (error[0])
                take_over(t, error);
}

static void take(struct kube_snapshots *s, usec_t now) {
        struct snapshots_take *t = calloc(1, sizeof(*t));

        if (!t)
                return;
        t->s = s;
        s->take = t;
        kube_snapshot_begun(&s->timer, now);
        snapshots_ask_who(s, on_who, t);
}

/* ---- for the others ------------------------------------------------------------------------ */

uint64_t kube_snapshots_newest(const struct agent *a) {
        return a->snapshots ? snapshot_store_newest(a->snapshots->store) : 0;
}

void kube_snapshots_changed(struct agent *a, uint64_t counter) {
        kube_snapshot_counted(&a->snapshots->timer, counter);
}

void kube_snapshots_look(struct agent *a, bool primary) {
        struct kube_snapshots *s = a->snapshots;
        const struct world_kube *w = &a->world.kube;
        usec_t now = agent_now();

        /* what a person set up is never rebuilt by us */
        kube_snapshot_primary(&s->timer,
                              primary && !w->adopted && world_kube_carries(w, a->board.node), now);
        if (!s->take && kube_snapshot_due(&s->timer, w->n_planes, now))
                take(s, now);
        snapshots_ship_look(s, now);
        snapshots_put_look(s, now);
        snapshots_fetch_look(s, now);
}

void kube_snapshots_now(struct agent *a) {
        struct kube_snapshots *s = a->snapshots;

        if (s && s->timer.primary && !s->take)
                take(s, agent_now());
}

bool snapshots_from_plane(const struct request *q) {
        return q->link && link_kind(q->link) == LINK_BOARD &&
               world_kube_carries(&q->agent->world.kube, link_node(q->link));
}

uint64_t snapshots_id(const struct request *q) {
        uint64_t epoch, number;

        if (json_number(q->args, "epoch", UINT32_MAX, &epoch) < 0 ||
            json_number(q->args, "number", UINT32_MAX, &number) < 0)
                return 0;
        return kube_snapshot_id((uint32_t)epoch, (uint32_t)number);
}

int kube_snapshots_open(struct agent *a) {
        struct kube_snapshots *s = calloc(1, sizeof(*s));
        char dir[PATH_MAX], run[PATH_MAX], state[PATH_MAX];
        struct fail f = { 0 };
        int r;

        if (!s)
                return -ENOMEM;
        s->agent = a;
        (void)snprintf(dir, sizeof(dir), "%s/kube/snapshots", a->config.state_dir);
        r = snapshot_store_open(a->loop, dir, &s->store, &f);
        if (r < 0) {
                log_error("kubernetes: %s", fail_text(&f));
                free(s);
                return r;
        }
        work_dirs(a, run, state);
        drop_plain(run); /* of an agent that was killed */
        drop_plain(state);
        a->snapshots = s;
        kube_snapshots_forget(a);
        return 0;
}

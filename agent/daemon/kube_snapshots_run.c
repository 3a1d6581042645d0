/* kube_snapshots_run - the programs behind snapshots: ctr with etcd's own tool, and this agent as
 * a child. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "io/file_text.h"
#include "io/kube_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { ETCD_SEC = 300, CLEAN_SEC = 30, REMOVE_SEC = 60, MANIFEST_BYTES = 64 * 1024 };

#define ETCD_DATA     "/var/lib/etcd"
#define ETCD_MEMBER   ETCD_DATA "/member"
#define ETCD_RESTORED ETCD_DATA "/" KUBE_ETCD_RESTORED

/* ---- one program --------------------------------------------------------------------------- */

static void on_line(void *arg, bool errors, const char *text, size_t len) {
        struct snapshots_run *run = arg;

        if (errors && len > 0)
                (void)snprintf(run->last, sizeof(run->last), "%s", text);
        if (!errors && run->line)
                run->line(run->arg, errors, text, len);
}

static void on_end(void *arg, const struct process_end *end) {
        struct snapshots_run *run = arg;
        char why[SIZE_REASON] = "";

        process_free(take_ptr(run->process));
        if (end->timed_out)
                (void)snprintf(why, sizeof(why), "%s took too long and was ended", run->program);
        else if (end->signal)
                (void)snprintf(why, sizeof(why), "%s was killed by signal %d", run->program,
                               end->signal);
        else if (end->status != 0 && run->last[0])
                (void)str_copy(why, sizeof(why), run->last);
        else if (end->status != 0)
                (void)snprintf(why, sizeof(why), "%s failed without a word", run->program);
        run->done(run->arg, why);
}

int snapshots_run(struct kube_snapshots *s, struct snapshots_run *run, const char *const *argv,
                  const char *in, unsigned timeout_sec, process_line_cb line,
                  kube_snapshots_done_cb done, void *arg, struct fail *f) {
        struct process_config config = { .argv = argv,
                                         .in = in,
                                         .in_len = in ? strlen(in) : 0,
                                         .timeout_ms = timeout_sec * 1000 };
        const char *slash = strrchr(argv[0], '/');

        *run = (struct snapshots_run){ .line = line, .done = done, .arg = arg };
        (void)snprintf(run->program, sizeof(run->program), "%s", slash ? slash + 1 : argv[0]);
        return process_start(s->agent->loop, &config, on_line, on_end, run, &run->process, f);
}

/* ---- etcd's tool --------------------------------------------------------------------------- */

static const char *const ids[SNAPSHOTS_USES] = { [SNAPSHOTS_SAVE] = "bramble-etcd-save",
                                                 [SNAPSHOTS_RESTORE] = "bramble-etcd-restore",
                                                 [SNAPSHOTS_MEMBERS] = "bramble-etcd-members" };

/* What is to be run once what was left is gone. */
struct etcd_run {
        struct kube_snapshots *s;
        enum snapshots_use use;
        enum kube_etcd_verb verb; /* that the container is for */
        struct kube_etcd_call call;
        char image[SIZE_IMAGE], name[SIZE_NAME], address[SIZE_ADDRESS];
        char folder[PATH_MAX], data[PATH_MAX];
        struct kube_etcd_arguments arguments;
        struct snapshots_run run;
        process_line_cb line;
        kube_snapshots_done_cb done;
        void *arg;
};

static const char *ctr_path(void) {
        static const char *const paths[] = { "/usr/bin/ctr", "/usr/local/bin/ctr" };

        return access(paths[0], X_OK) == 0 || access(paths[1], X_OK) < 0 ? paths[0] : paths[1];
}

static void etcd_over(struct etcd_run *e, const char *error) {
        kube_snapshots_done_cb done = e->done;
        struct kube_snapshots *s = e->s;
        void *arg = e->arg;
        char why[SIZE_REASON];

        (void)snprintf(why, sizeof(why), "%s", error);
        s->busy[e->use] = false;
        s->clean[e->use] = !why[0];
        free(e);
        done(arg, why);
}

static void on_etcd(void *arg, const char *error) {
        etcd_over(arg, error);
}

static void on_etcd_line(void *arg, bool errors, const char *text, size_t len) {
        const struct etcd_run *e = arg;

        e->line(e->arg, errors, text, len);
}

static int etcd_start(struct etcd_run *e, enum kube_etcd_verb verb, unsigned timeout_sec,
                      kube_snapshots_done_cb done, struct fail *f) {
        int r;

        e->call.verb = verb;
        r = kube_etcd_arguments(&e->call, &e->arguments, f);
        if (r < 0)
                return r;
        return snapshots_run(e->s, &e->run, e->arguments.argv, NULL, timeout_sec,
                             verb == e->verb && e->line ? on_etcd_line : NULL, done, e, f);
}

static void etcd_next(struct etcd_run *e, enum kube_etcd_verb verb, unsigned timeout_sec,
                      kube_snapshots_done_cb done) {
        struct fail f = { 0 };

        if (etcd_start(e, verb, timeout_sec, done, &f) < 0)
                etcd_over(e, fail_text(&f));
}

/* Whether there was something to be deleted is all the same. */
static void on_deleted(void *arg, const char *error) {
        struct etcd_run *e = arg;

        (void)error;
        etcd_next(e, e->verb, ETCD_SEC, on_etcd);
}

static void on_killed(void *arg, const char *error) {
        (void)error;
        etcd_next(arg, KUBE_ETCD_DELETE, CLEAN_SEC, on_deleted);
}

static int copy_call(struct etcd_run *e, const struct kube_etcd_call *call) {
        const struct {
                char *to;
                size_t size;
                const char *from;
        } texts[] = { { e->image, sizeof(e->image), call->image },
                      { e->name, sizeof(e->name), call->name },
                      { e->address, sizeof(e->address), call->address },
                      { e->folder, sizeof(e->folder), call->folder },
                      { e->data, sizeof(e->data), call->data } };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (str_copy(texts[i].to, texts[i].size, str_or(texts[i].from, "")) < 0)
                        return -EINVAL;
        e->call = (struct kube_etcd_call){ .ctr = ctr_path(),
                                           .containerd = e->s->agent->config.containerd,
                                           .id = ids[e->use],
                                           .image = e->image,
                                           .folder = e->folder,
                                           .data = e->data,
                                           .name = e->name,
                                           .address = e->address,
                                           .epoch = call->epoch,
                                           .member = call->member };
        return 0;
}

int snapshots_etcd(struct kube_snapshots *s, enum snapshots_use use,
                   const struct kube_etcd_call *call, process_line_cb line,
                   kube_snapshots_done_cb done, void *arg, struct fail *f) {
        struct etcd_run *e;
        int r;

        if (s->busy[use])
                return fail(f, -EBUSY, "etcd's tool is at work already");
        e = calloc(1, sizeof(*e));
        if (!e)
                return fail(f, -ENOMEM, "no memory");
        *e = (struct etcd_run){
                .s = s, .use = use, .verb = call->verb, .line = line, .done = done, .arg = arg
        };
        r = copy_call(e, call);
        if (r == 0 && s->clean[use])
                r = etcd_start(e, e->verb, ETCD_SEC, on_etcd, f);
        else if (r == 0)
                r = etcd_start(e, KUBE_ETCD_KILL, CLEAN_SEC, on_killed, f);
        if (r < 0) {
                free(e);
                return r;
        }
        s->busy[use] = true;
        return 0;
}

int snapshots_etcd_image(char ret[static SIZE_IMAGE], struct fail *f) {
        static const char path[] = "etc/kubernetes/manifests/etcd.yaml";
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        auto_buf struct buf text = { 0 };
        struct kube_manifest manifest;
        int r = file_text_read(root, path, MANIFEST_BYTES, &text);

        if (r < 0)
                return fail(f, r, "/%s: %s", path, strerror(-r));
        kube_text_manifest(text.data, text.len, &manifest);
        if (!manifest.image[0])
                return fail(f, -EBADMSG, "/%s names no image", path);
        return str_copy(ret, SIZE_IMAGE, manifest.image);
}

/* ---- restoring ----------------------------------------------------------------------------- */

struct restore {
        struct kube_snapshots *s;
        char dir[PATH_MAX], image[SIZE_IMAGE];
        struct snapshots_run run;
        kube_snapshots_done_cb done;
        void *arg;
};

static void restore_over(struct restore *t, const char *error) {
        kube_snapshots_done_cb done = t->done;
        void *arg = t->arg;

        free(t);
        done(arg, error);
}

/* etcd 3.4 restores only into a folder that is not there, and /var/lib/etcd may be a mount. */
static int place(struct fail *f) {
        auto_close int fd = -EBADF;

        if (rename(ETCD_RESTORED "/member", ETCD_MEMBER) < 0)
                return fail(f, -errno, ETCD_MEMBER ": %s", strerror(errno));
        (void)rmdir(ETCD_RESTORED);
        fd = open(ETCD_DATA, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return fail(f, -errno, ETCD_DATA ": %s", strerror(errno));
        return 0;
}

static void on_restored(void *arg, const char *error) {
        struct restore *t = arg;
        struct fail f = { 0 };

        if (!error[0] && place(&f) < 0)
                error = fail_text(&f);
        restore_over(t, error);
}

static int check_data(struct fail *f) {
        if (mkdir(ETCD_DATA, 0700) < 0 && errno != EEXIST)
                return fail(f, -errno, ETCD_DATA ": %s", strerror(errno));
        if (access(ETCD_MEMBER, F_OK) == 0)
                return fail(f, -EEXIST, ETCD_MEMBER " is there already");
        return 0;
}

/* What a power cut left of an earlier try is gone. */
static void on_wiped(void *arg, const char *error) {
        struct restore *t = arg;
        struct agent *a = t->s->agent;
        struct fail f = { 0 };
        char address[16];
        uint32_t ip = a->lan.address;
        struct kube_etcd_call call = { .verb = KUBE_ETCD_RESTORE,
                                       .image = t->image,
                                       .folder = t->dir,
                                       .data = ETCD_DATA,
                                       .name = a->name,
                                       .address = address,
                                       .epoch = a->world.kube.epoch };

        (void)snprintf(address, sizeof(address), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255,
                       ip >> 8 & 255, ip & 255);
        if (error[0])
                restore_over(t, error);
        else if (check_data(&f) < 0 ||
                 snapshots_etcd(t->s, SNAPSHOTS_RESTORE, &call, NULL, on_restored, t, &f) < 0)
                restore_over(t, fail_text(&f));
}

int kube_snapshots_restore(struct agent *a, const char *dir, const char *image,
                           kube_snapshots_done_cb done, void *arg) {
        static const char *const argv[] = { "/bin/rm", "-rf", "--one-file-system", ETCD_RESTORED,
                                            NULL };
        struct restore *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->s = a->snapshots;
        t->done = done;
        t->arg = arg;
        r = t->s->busy[SNAPSHOTS_RESTORE] ? -EBUSY : str_copy(t->dir, sizeof(t->dir), dir);
        if (r == 0)
                r = str_copy(t->image, sizeof(t->image), image);
        if (r == 0)
                r = snapshots_run(t->s, &t->run, argv, NULL, REMOVE_SEC, NULL, on_wiped, t, NULL);
        if (r < 0)
                free(t);
        return r;
}

/* ---- members ------------------------------------------------------------------------------- */

struct removal {
        struct kube_snapshots *s;
        char name[SIZE_NAME], image[SIZE_IMAGE];
        uint64_t member; /* 0: no such one was seen */
        kube_snapshots_done_cb done;
        void *arg;
};

static void removal_over(struct removal *m, const char *error) {
        kube_snapshots_done_cb done = m->done;
        void *arg = m->arg;

        free(m);
        done(arg, error);
}

static void on_member(void *arg, bool errors, const char *text, size_t len) {
        struct removal *m = arg;
        struct kube_etcd_member member;

        (void)errors;
        if (kube_etcd_member_line(text, len, &member) == 0 && str_eq(member.name, m->name))
                m->member = member.id;
}

static void on_gone(void *arg, const char *error) {
        removal_over(arg, error);
}

static void on_members(void *arg, const char *error) {
        struct removal *m = arg;
        struct kube_etcd_call call = { .verb = KUBE_ETCD_REMOVE,
                                       .image = m->image,
                                       .member = m->member };
        struct fail f = { 0 };

        if (error[0] || m->member == 0)
                removal_over(m, error);
        else if (snapshots_etcd(m->s, SNAPSHOTS_MEMBERS, &call, NULL, on_gone, m, &f) < 0)
                removal_over(m, fail_text(&f));
}

int kube_snapshots_remove_member(struct agent *a, const char *name, kube_snapshots_done_cb done,
                                 void *arg) {
        struct removal *m = calloc(1, sizeof(*m));
        struct kube_etcd_call call = { .verb = KUBE_ETCD_MEMBERS };
        int r;

        if (!m)
                return -ENOMEM;
        m->s = a->snapshots;
        m->done = done;
        m->arg = arg;
        r = str_copy(m->name, sizeof(m->name), name);
        if (r == 0)
                r = snapshots_etcd_image(m->image, NULL);
        call.image = m->image;
        if (r == 0)
                r = snapshots_etcd(m->s, SNAPSHOTS_MEMBERS, &call, on_member, on_members, m, NULL);
        if (r < 0)
                free(m);
        return r;
}

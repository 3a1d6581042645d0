#include "base/scope.h"
#include "base/str.h"
#include "io/container_image.h"
#include "io/container_internal.h"
#include "io/container_message.h"
#include "io/container_output.h"
#include "io/container_rootfs.h"
#include "io/container_spec.h"
#include "io/oci_seccomp.h"
#include "io/oci_spec.h"
#include "io/secret_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The steps of a start.  A step begins as soon as those that it needs are done, so that the
 * snapshot and the container are made at the same time. */
enum step_id {
        STEP_IMAGE,
        STEP_FILES,
        STEP_SNAPSHOT,
        STEP_USER,
        STEP_CONTAINER,
        STEP_TASK,
        STEP_RUN
};

#define NEEDS(step) (1U << (step))

struct start {
        struct list link; /* containers.starts */
        struct containers *c;
        struct container_spec spec;
        container_cb done;
        void *arg;
        struct image_facts *facts;
        Ctr__SnapshotMountsResponse *mounts;
        unsigned begun;   /* bits: NEEDS(step) */
        unsigned ended;   /* of those, done */
        unsigned waiting; /* calls that are out */
        unsigned made;    /* CLEAN_...: what has to go if the start fails */
        bool stale;       /* a snapshot with our key was there before */
        bool replaced;    /* and was removed */
        bool held;        /* until the stop of an earlier life is over */
        bool advancing;
        bool cleaning;
        int result;
        char why[320];
};

static void advance(struct start *s);

static void failed(struct start *s, int result, const char *why) {
        if (s->result < 0)
                return; /* the first failure is the reason */
        s->result = result;
        (void)snprintf(s->why, sizeof(s->why), "%s", *why ? why : strerror(-result));
}

/* The end of a call that belongs to a step.  0 where the step is done. */
static int ended(struct start *s, enum step_id step, int result, const char *why) {
        s->waiting--;
        if (result < 0)
                failed(s, result, why);
        else
                s->ended |= NEEDS(step);
        return result;
}

/* A call that did not succeed may have been done nevertheless, unless containerd itself refused
 * because something was there before. */
static void made(struct start *s, unsigned part, int result) {
        if (result != -EEXIST)
                s->made |= part;
}

/* ---- steps ---- */

static void on_facts(void *arg, int result, const char *why, struct image_facts *facts) {
        struct start *s = arg;

        s->facts = facts;
        (void)ended(s, STEP_IMAGE, result, why);
        advance(s);
}

static int begin_image(struct start *s) {
        return image_facts_get(s->c, s->spec.image, on_facts, s);
}

/* The FIFOs must be there, and have a reader, before the shim opens them. */
static int begin_files(struct start *s) {
        struct container *k = container_know(s->c, s->spec.id);
        int r;

        if (!k)
                return -ENOMEM;
        k->starting = true;
        s->made |= CLEAN_FILES;
        r = container_files_make(s->c, s->spec.id, s->spec.hostname);
        if (r == 0)
                r = container_output_open(k);
        if (r < 0)
                return r;
        s->ended |= NEEDS(STEP_FILES);
        return 0;
}

static int begin_snapshot(struct start *s);

static void on_stale_removed(void *arg, int result, const char *why,
                             const ProtobufCMessage *reply) {
        struct start *s = arg;

        (void)reply;
        s->waiting--;
        if (result == 0)
                result = begin_snapshot(s);
        if (result < 0)
                failed(s, result, why);
        advance(s);
}

/* The container is new but its snapshot was there: an earlier life was cut short between the two.
 */
static int replace_snapshot(struct start *s) {
        Ctr__SnapshotKeyRequest request = CTR__SNAPSHOT_KEY_REQUEST__INIT;
        int r;

        s->stale = false;
        s->replaced = true;
        request.snapshotter = (char[]){ CTR_SNAPSHOTTER };
        request.key = (char *)(uintptr_t)s->spec.id;
        r = grpc_unary(s->c->grpc, &ctr_snapshots_remove, NULL, &request.base, on_stale_removed, s,
                       NULL);
        if (r == 0)
                s->waiting++;
        return r;
}

static void on_snapshot(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct start *s = arg;

        made(s, CLEAN_SNAPSHOT, result);
        if (result == -EEXIST && !s->replaced) {
                s->stale = true; /* whether it may go is known when the container is made */
                s->waiting--;
                advance(s);
                return;
        }
        if (result == -ENOENT)
                why = "the image's layers are not unpacked on this board";
        if (ended(s, STEP_SNAPSHOT, result, why) == 0) {
                s->mounts = container_mounts_copy((const Ctr__SnapshotMountsResponse *)reply);
                if (!s->mounts)
                        failed(s, -ENOMEM, "");
        }
        advance(s);
}

static int begin_snapshot(struct start *s) {
        Ctr__SnapshotPrepareRequest request = CTR__SNAPSHOT_PREPARE_REQUEST__INIT;
        /* Until the container exists nothing refers to its snapshot, and containerd collects what
         * nothing refers to: with every import, and when it likes. */
        Ctr__Label root = CTR__LABEL__INIT, *labels[] = { &root };
        int r;

        root.key = (char[]){ "containerd.io/gc.root" };
        root.value = (char[]){ "bramble" };

        request.snapshotter = (char[]){ CTR_SNAPSHOTTER };
        request.key = (char *)(uintptr_t)s->spec.id;
        request.parent = s->facts->config.chain_id;
        request.n_labels = 1;
        request.labels = labels;
        r = grpc_unary(s->c->grpc, &ctr_snapshots_prepare, NULL, &request.base, on_snapshot, s,
                       NULL);
        if (r == 0)
                s->waiting++;
        return r;
}

/* Names in USER are looked up in the image's own files, once for each image. */
static int begin_user(struct start *s) {
        struct image_facts *facts = s->facts;
        struct fail f = { 0 };
        int r = 0;

        if (!facts->user_known) {
                r = container_rootfs_user(s->mounts, facts->config.user, &facts->user, &f);
                facts->user_known = r == 0;
        }
        if (r < 0)
                failed(s, r, f.text);
        else
                s->ended |= NEEDS(STEP_USER);
        return r;
}

static void on_container(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct start *s = arg;

        (void)reply;
        made(s, CLEAN_CONTAINER, result);
        (void)ended(s, STEP_CONTAINER, result, why);
        advance(s);
}

/* Nearly all images of a board are of one architecture. */
static int need_seccomp(struct containers *c, const char *architecture) {
        struct buf profile = { 0 };

        if (c->seccomp && str_eq(c->seccomp_for, architecture))
                return 0;
        if (oci_seccomp_write(architecture, &profile) < 0) {
                buf_done(&profile);
                return -ENOMEM;
        }
        free(c->seccomp);
        c->seccomp = buf_take(&profile);
        return str_copy(c->seccomp_for, sizeof(c->seccomp_for), architecture);
}

/* The user is known only now. */
static int give_secrets(struct start *s) {
        const struct oci_user *u = &s->facts->user;
        int r = *s->spec.secrets ? secret_files_own(s->spec.secrets, u->uid, u->gid) : 0;

        if (r < 0)
                failed(s, r, "its secrets cannot be given to the container's user");
        return r;
}

static int write_spec(struct start *s, char **ret) {
        char hosts[PATH_MAX], hostname[PATH_MAX];
        struct oci_spec spec = {
                .spec = &s->spec,
                .config = &s->facts->config,
                .user = &s->facts->user,
                .host = &s->c->host,
                .hosts = hosts,
                .hostname = hostname,
        };
        struct fail f = { 0 };
        int r = container_path(s->c, s->spec.id, "hosts", hosts);

        if (r == 0)
                r = container_path(s->c, s->spec.id, "hostname", hostname);
        if (r == 0)
                r = need_seccomp(s->c, s->facts->config.architecture);
        spec.seccomp = s->c->seccomp;
        if (r == 0)
                r = oci_spec_write(&spec, ret, &f);
        if (r < 0)
                failed(s, r, f.text);
        return r;
}

static int begin_container(struct start *s) {
        Ctr__ContainerCreateRequest request = CTR__CONTAINER_CREATE_REQUEST__INIT;
        Ctr__Container container = CTR__CONTAINER__INIT;
        Ctr__Runtime runtime = CTR__RUNTIME__INIT;
        Ctr__Any spec = CTR__ANY__INIT, options = CTR__ANY__INIT;
        auto_free Ctr__Label **labels = NULL;
        auto_free char *json = NULL;
        uint8_t packed[CONTAINER_OPTIONS_BYTES];
        int r;

        labels = container_labels(s->spec.labels, &container.n_labels);
        r = labels ? give_secrets(s) : -ENOMEM;
        if (r == 0)
                r = write_spec(s, &json);
        if (r < 0)
                return r;
        spec.type_url = (char[]){ "types.containerd.io/opencontainers/runtime-spec/1/Spec" };
        spec.value.data = (uint8_t *)json;
        spec.value.len = strlen(json);
        runtime.name = (char[]){ "io.containerd.runc.v2" };
        runtime.options = container_options(&s->c->host, packed, &options);
        container.id = (char *)(uintptr_t)s->spec.id;
        container.labels = labels;
        container.image = (char *)(uintptr_t)s->spec.image;
        container.runtime = &runtime;
        container.spec = &spec;
        container.snapshotter = (char[]){ CTR_SNAPSHOTTER };
        container.snapshot_key = (char *)(uintptr_t)s->spec.id;
        request.container = &container;
        r = grpc_unary(s->c->grpc, &ctr_containers_create, NULL, &request.base, on_container, s,
                       NULL);
        if (r == 0)
                s->waiting++;
        return r;
}

static void on_task(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__TaskCreateResponse *task = (const Ctr__TaskCreateResponse *)reply;
        struct start *s = arg;
        struct container *k = container_find(s->c, s->spec.id);

        if (k && result == 0)
                k->pid = task->pid;
        made(s, CLEAN_TASK, result);
        (void)ended(s, STEP_TASK, result, why);
        advance(s);
}

static int begin_task(struct start *s) {
        Ctr__TaskCreateRequest request = CTR__TASK_CREATE_REQUEST__INIT;
        char out[PATH_MAX], err[PATH_MAX];
        int r = container_path(s->c, s->spec.id, "stdout", out);

        if (r == 0)
                r = container_path(s->c, s->spec.id, "stderr", err);
        if (r < 0)
                return r;
        request.container_id = (char *)(uintptr_t)s->spec.id;
        request.n_rootfs = s->mounts->n_mounts;
        request.rootfs = s->mounts->mounts;
        request.stdout = out;
        request.stderr = err;
        r = grpc_unary(s->c->grpc, &ctr_tasks_create, NULL, &request.base, on_task, s, NULL);
        if (r == 0)
                s->waiting++;
        return r;
}

static void on_running(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct start *s = arg;

        (void)reply;
        (void)ended(s, STEP_RUN, result, why);
        advance(s);
}

static int begin_run(struct start *s) {
        Ctr__TaskStartRequest request = CTR__TASK_START_REQUEST__INIT;
        int r;

        request.container_id = (char *)(uintptr_t)s->spec.id;
        r = grpc_unary(s->c->grpc, &ctr_tasks_start, NULL, &request.base, on_running, s, NULL);
        if (r == 0)
                s->waiting++;
        return r;
}

/* 'begin' marks the step as ended, or makes a call that will. */
static const struct step {
        unsigned needs;
        int (*begin)(struct start *s);
} steps[] = {
        [STEP_IMAGE] = { 0, begin_image },
        [STEP_FILES] = { NEEDS(STEP_IMAGE), begin_files },
        [STEP_SNAPSHOT] = { NEEDS(STEP_IMAGE), begin_snapshot },
        [STEP_USER] = { NEEDS(STEP_SNAPSHOT), begin_user },
        [STEP_CONTAINER] = { NEEDS(STEP_USER) | NEEDS(STEP_FILES), begin_container },
        [STEP_TASK] = { NEEDS(STEP_SNAPSHOT) | NEEDS(STEP_CONTAINER) | NEEDS(STEP_FILES),
                        begin_task },
        [STEP_RUN] = { NEEDS(STEP_TASK), begin_run },
};

/* ---- the end ---- */

static void finish(struct start *s) {
        struct containers *c = s->c;
        struct container *k = container_find(c, s->spec.id);
        container_cb done = s->done;
        int result = s->result;
        void *arg = s->arg;
        char why[sizeof(s->why)], id[OCI_ID_SIZE];

        list_remove(&s->link);
        (void)snprintf(why, sizeof(why), "%s", s->why);
        (void)str_copy(id, sizeof(id), s->spec.id);
        if (result < 0) {
                container_forget(k);
        } else if (k) {
                k->starting = false;
                k->running = result == 0 && !k->exited;
                k->since = c->epoch;
        }
        if (s->mounts)
                ctr__snapshot_mounts_response__free_unpacked(s->mounts, NULL);
        image_facts_unref(s->facts);
        container_spec_done(&s->spec);
        free(s);
        done(arg, result, why);
        k = result == 0 && !c->closing ? container_find(c, id) : NULL;
        if (k) {
                container_tell(k);
                containers_arm_timer(c);
        }
        if (!c->closing)
                container_stop_resume(c, id);
}

static void on_cleaned(void *arg, int result, const char *why) {
        struct start *s = arg;

        (void)result; /* what could not be removed now is remembered */
        (void)why;
        finish(s);
}

/* After a failure, when no call is out any more. */
static void clean(struct start *s) {
        unsigned parts = s->made;

        s->cleaning = true;
        if (parts & CLEAN_FILES && !(parts & CLEAN_TASK)) {
                container_forget(container_find(s->c, s->spec.id));
                container_files_remove(s->c, s->spec.id);
                parts &= ~(unsigned)CLEAN_FILES;
        }
        if (!parts || container_clean(s->c, s->spec.id, parts, on_cleaned, s) < 0)
                finish(s);
}

/* Begins what can begin; ends the start where there is no more to do. */
static void advance(struct start *s) {
        if (s->advancing || s->cleaning || s->held)
                return;
        s->advancing = true;
        for (size_t i = 0; i < ARRAY_SIZE(steps) && s->result == 0; i++) {
                unsigned needs = steps[i].needs;
                int r;

                if (i == STEP_USER && s->facts && s->facts->user_known)
                        needs = NEEDS(STEP_IMAGE);
                if (s->begun & NEEDS(i) || needs & ~s->ended)
                        continue;
                s->begun |= NEEDS(i);
                r = steps[i].begin(s);
                if (r < 0)
                        failed(s, r, "");
        }
        s->advancing = false;
        if (s->stale && s->result == 0 && s->ended & NEEDS(STEP_CONTAINER)) {
                int r = replace_snapshot(s);

                if (r < 0)
                        failed(s, r, "");
        }
        if (s->waiting > 0)
                return;
        if (s->stale && s->result == 0)
                failed(s, -EEXIST, "a snapshot with the container's id is there already");
        if (s->result < 0)
                clean(s);
        else if (s->ended & NEEDS(STEP_RUN))
                finish(s);
}

bool container_start_cancel(struct containers *c, const char *id) {
        struct start *s, *next;

        list_each(s, next, &c->starts, link) {
                if (!str_eq(s->spec.id, id))
                        continue;
                failed(s, -ECANCELED, "it was stopped while it was being started");
                return true;
        }
        return false;
}

static bool is_starting(struct containers *c, const char *id) {
        struct start *s, *next;

        list_each(s, next, &c->starts, link) {
                if (str_eq(s->spec.id, id))
                        return true;
        }
        return false;
}

static int begin(struct start *s) {
        int r;

        s->begun = NEEDS(STEP_IMAGE);
        r = begin_image(s);
        if (r == 0)
                s->waiting++;
        return r;
}

void container_start_resume(struct containers *c, const char *id) {
        struct start *s, *next;

        list_each(s, next, &c->starts, link) {
                int r;

                if (!s->held || !str_eq(s->spec.id, id))
                        continue;
                s->held = false;
                if (c->closing)
                        failed(s, -ECANCELED, "the agent stops");
                else if (container_find(c, id))
                        failed(s, -EEXIST, "the container before it could not be removed");
                else if (s->result == 0 && (r = begin(s)) < 0)
                        failed(s, r, "");
                advance(s);
                return; /* the list may be another one now */
        }
}

int container_start(struct containers *c, const struct container_spec *spec, container_cb done,
                    void *arg) {
        struct start *s;
        int r;

        if (!oci_id_valid(str_or(spec->id, "")))
                return -EINVAL;
        if (!c->available)
                return -ENOTCONN;
        if (is_starting(c, spec->id))
                return -EEXIST;
        if (container_find(c, spec->id) && !container_stopping(c, spec->id))
                return -EEXIST;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->c = c;
        s->done = done;
        s->arg = arg;
        s->held = container_stopping(c, spec->id);
        r = container_spec_copy(spec, &s->spec);
        if (r == 0 && !s->held)
                r = begin(s);
        if (r < 0) {
                container_spec_done(&s->spec);
                free(s);
                return r;
        }
        list_append(&c->starts, &s->link);
        return 0;
}

/* kube_init - makes a control plane on this board, new or from a snapshot, and tells the bramble.
 */
#include "base/buf.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/kube_private.h"
#include "daemon/kube_snapshots.h"
#include "io/file_text.h"
#include "io/json.h"
#include "io/kube_token.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A 3B+ takes minutes; kubeadm's own patience with the API server is 15 (kubeadm_config). */
enum { INIT_SEC = 25 * 60 };

/* ---- init ------------------------------------------------------------------------------------ */

int kube_step_token(struct kube_job *j) {
        return kube_token_make(j->token) < 0 ? kube_job_no(j, "no randomness for a token")
                                             : KUBE_STEP_NEXT;
}

/* The patches of static pods. */
static int write_patches(struct kube_job *j, const struct kubeadm_settings *s) {
        size_t n = kubeadm_patches(s);

        for (size_t i = 0; i < n; i++) {
                auto_buf struct buf text = { .limit = KUBEADM_CONFIG_BYTES };
                const char *name;
                char path[SIZE_PATH + 96];

                if (kubeadm_patch(s, i, &name, &text) < 0)
                        return kube_job_no(j, "no memory");
                (void)snprintf(path, sizeof(path), "%s/%s", s->patches + 1, name);
                if (file_text_make_dir(j->k->root_fd, s->patches + 1) < 0 ||
                    file_text_write(j->k->root_fd, path, text.data, text.len, 0600) < 0)
                        return kube_job_no(j, "cannot write %s", path);
        }
        return 0;
}

/* kubeadm's own checks that ours have made already, or that a Pi never passes. */
static void ignore(const struct kube_job *j, struct kubeadm_call *call) {
        const struct preflight *p = &j->k->seen.preflight;

        call->ignore[call->n_ignore++] = "Mem";                /* 1700 MB wanted; a Pi has 1 GB */
        call->ignore[call->n_ignore++] = "ImagePull";          /* looked at before */
        call->ignore[call->n_ignore++] = "SystemVerification"; /* the kernel's config is not told */
        call->ignore[call->n_ignore++] = "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables";
        if (p->swap)
                call->ignore[call->n_ignore++] = "Swap";
}

int kube_step_config(struct kube_job *j) {
        struct kubeadm_settings settings;
        auto_buf struct buf text = { .limit = KUBEADM_CONFIG_BYTES };
        struct fail f = { 0 };
        bool init = j->action != KUBE_DO_JOIN && j->action != KUBE_DO_JOIN_PLANE;
        int r;

        kube_settings(j, &settings);
        if (j->plane && (r = write_patches(j, &settings)) < 0)
                return r;
        if ((init ? kubeadm_config_init(&settings, &text, &f)
                  : kubeadm_config_join(&settings, &text, &f)) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        r = kube_job_file(j, "kubeadm.yaml", &text);
        explicit_bzero(text.data, text.len);
        return r < 0 ? r : KUBE_STEP_NEXT;
}

int kube_step_kubeadm(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        bool init = j->action == KUBE_DO_INIT || j->action == KUBE_DO_REBUILD;
        struct kubeadm_call call = { .verb = init ? KUBEADM_INIT : KUBEADM_JOIN,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .config = kube_job_path(j, "kubeadm.yaml") };
        struct kubeadm_settings settings;

        kube_settings(j, &settings);
        if (j->plane && kubeadm_patches(&settings) > 0)
                call.patches = settings.patches;
        ignore(j, &call);
        if (j->action == KUBE_DO_REBUILD)
                call.ignore[call.n_ignore++] = "DirAvailable--var-lib-etcd";
        return kube_job_kubeadm(j, &call, INIT_SEC);
}

/* ---- from a snapshot ------------------------------------------------------------------------- */

static void on_fetched(void *arg, const char *why, const char *dir) {
        struct kube_job *j = arg;

        if (j->k->job != j)
                return;
        if (why[0]) {
                kube_job_fail(j, "the snapshot: %s", why);
                return;
        }
        (void)str_copy(j->restore_dir, sizeof(j->restore_dir), dir);
        kube_job_next(j);
}

static int step_fetch(struct kube_job *j) {
        int r = kube_snapshots_fetch(j->k->agent, on_fetched, j);

        return r < 0 ? kube_job_no(j, "the snapshot: %s", strerror(-r)) : KUBE_STEP_WAIT;
}

/* The authorities that were sealed with it: the workers know this cluster by them. */
static int step_old_pki(struct kube_job *j) {
        for (size_t i = 0; kube_pki_files[i]; i++) {
                auto_buf struct buf text = { 0 };
                char from[SIZE_PATH + 64], to[64];

                (void)snprintf(from, sizeof(from), "%s/pki/%s", j->restore_dir + 1,
                               kube_pki_files[i]);
                (void)snprintf(to, sizeof(to), "etc/kubernetes/pki/%s", kube_pki_files[i]);
                if (file_text_make_dir(j->k->root_fd, "etc/kubernetes/pki/etcd") < 0 ||
                    file_text_read(j->k->root_fd, from, 64 * 1024, &text) < 0 ||
                    file_text_write(j->k->root_fd, to, text.data, text.len,
                                    str_ends(to, ".key") ? 0600 : 0644) < 0)
                        return kube_job_no(j, "the snapshot has no %s", kube_pki_files[i]);
                explicit_bzero(text.data, text.len);
        }
        return KUBE_STEP_NEXT;
}

static void on_restored(void *arg, const char *why) {
        struct kube_job *j = arg;

        if (j->k->job != j)
                return;
        kube_snapshots_forget(j->k->agent);
        if (why[0])
                kube_job_fail(j, "restoring etcd: %s", why);
        else
                kube_job_next(j);
}

static int step_restore(struct kube_job *j) {
        const char *image = NULL;
        int r;

        for (unsigned i = 0; i < j->n_images; i++)
                if (strstr(j->images[i], "/etcd:"))
                        image = j->images[i];
        if (!image)
                return kube_job_no(j, "kubeadm names no image of etcd");
        r = kube_snapshots_restore(j->k->agent, j->restore_dir, image, on_restored, j);
        return r < 0 ? kube_job_no(j, "restoring etcd: %s", strerror(-r)) : KUBE_STEP_WAIT;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void on_told(void *arg, int result, const char *why, const cJSON *reply) {
        struct kube_job *j = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : NULL;

        if (j->k->job != j)
                return;
        if (result < 0 || error)
                kube_job_fail(j, "the bramble could not be told: %s", error ? error : why);
        else
                kube_job_next(j);
}

static int tell(struct kube_job *j, bool adopted) {
        const struct kube_seen *s = &j->k->seen;
        auto_json cJSON *o = cJSON_CreateObject();
        char version[KUBE_VERSION_SIZE];

        if (!s->files.ca_hash[0])
                return kube_job_no(j, "this board's cluster has no CA certificate");
        (void)cJSON_AddStringToObject(o, "verb", "kube-founded");
        (void)cJSON_AddNumberToObject(o, "epoch", j->k->agent->world.kube.epoch);
        (void)cJSON_AddStringToObject(o, "version", kube_version_text(version, s->version));
        (void)cJSON_AddStringToObject(o, "ca_hash", s->files.ca_hash);
        (void)cJSON_AddBoolToObject(o, "adopted", adopted);
        api_run_on_leader(j->k->agent, o, on_told, j);
        return KUBE_STEP_WAIT;
}

static int step_tell(struct kube_job *j) {
        return tell(j, false);
}

static int step_adopt(struct kube_job *j) {
        return tell(j, true);
}

#define CLEAR                                                                      \
        { "clearing away", kube_step_clear_stop }, { NULL, kube_step_clear_list }, \
                { NULL, kube_step_stop_pods }, { NULL, kube_step_clear_reset },    \
                { NULL, kube_step_clear_wipe }, {                                  \
                NULL, kube_step_cleared                                            \
        }

const struct kube_step kube_init_steps[] = {
        { "preparing", kube_step_prepare }, CLEAR,
        { NULL, kube_step_token },          { "looking for images", kube_step_list_images },
        { NULL, kube_step_pull_images },    { NULL, kube_step_sandbox },
        { NULL, kube_step_config },         { "kubeadm init", kube_step_kubeadm },
        { NULL, kube_step_finish },         { NULL, NULL }
};

const struct kube_step kube_rebuild_steps[] = { { "preparing", kube_step_prepare },
                                                { "fetching the snapshot", step_fetch },
                                                CLEAR,
                                                { NULL, step_old_pki },
                                                { NULL, kube_step_token },
                                                { "looking for images", kube_step_list_images },
                                                { NULL, kube_step_pull_images },
                                                { NULL, kube_step_sandbox },
                                                { "restoring etcd", step_restore },
                                                { NULL, kube_step_config },
                                                { "kubeadm init", kube_step_kubeadm },
                                                { NULL, kube_step_finish },
                                                { NULL, NULL } };

const struct kube_step kube_join_steps[] = {
        { "preparing", kube_step_prepare },
        /* it takes an old member out of etcd, before that is cleared away */
        { "asking the control plane", kube_step_ask },
        CLEAR,
        { NULL, kube_step_list_images },
        { NULL, kube_step_sandbox },
        { NULL, kube_step_config },
        { "kubeadm join", kube_step_kubeadm },
        { NULL, kube_step_finish },
        { NULL, NULL }
};

const struct kube_step kube_join_plane_steps[] = {
        { "preparing", kube_step_prepare },
        /* it takes an old member out of etcd, before that is cleared away */
        { "asking the control plane", kube_step_ask },
        CLEAR,
        { NULL, kube_step_place_pki },
        { "looking for images", kube_step_list_images },
        { NULL, kube_step_pull_images },
        { NULL, kube_step_sandbox },
        { NULL, kube_step_config },
        { "kubeadm join", kube_step_kubeadm },
        { NULL, kube_step_finish },
        { NULL, NULL }
};

const struct kube_step kube_tell_steps[] = { { NULL, step_tell }, { NULL, NULL } };
const struct kube_step kube_adopt_steps[] = { { NULL, step_adopt }, { NULL, NULL } };

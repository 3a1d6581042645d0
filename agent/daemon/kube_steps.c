/* kube_steps - steps that more than one action of Kubernetes has. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/kube_budget.h"
#include "daemon/kube_private.h"
#include "io/cni.h"
#include "io/file_text.h"
#include "io/kube_preflight_fix.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RESET_SEC = 180, QUICK_SEC = 60 };

/* ---- preparing ------------------------------------------------------------------------------- */

static int mark(struct kube_job *j, bool done) {
        const struct agent *a = j->k->agent;
        struct kube_marker m = { .bramble = a->bramble,
                                 .epoch = a->world.kube.epoch,
                                 .role = j->plane ? KUBE_ROLE_PLANE : KUBE_ROLE_WORKER,
                                 .done = done };
        char path[SIZE_PATH + 32];
        struct fail f = { 0 };
        int fd;

        if (a->bramble == 0 || m.epoch == 0 || !a->name[0])
                return kube_job_no(j, "this board no longer belongs to the cluster");
        (void)str_copy(m.name, sizeof(m.name), a->name);
        if (kube_marker_write(a->config.state_dir, &m, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        j->k->seen.marker = m;
        /* with this file the kubelet waits for our word after a boot: systemd/kubelet.service.d */
        (void)snprintf(path, sizeof(path), "%s/kube/control-plane", a->config.state_dir);
        if (!j->plane) {
                (void)unlink(path);
                return 0;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return kube_job_no(j, "cannot write %s: %s", path, strerror(errno));
        (void)close(fd);
        return 0;
}

static void on_fixed(void *arg, int result, const char *why) {
        struct kube_job *j = arg;
        struct kube *k = j->k;
        const struct preflight_check *bad;
        struct preflight now;

        if (k->job != j)
                return;
        if (result < 0)
                log_warning("kubernetes: %s", why);
        kube_facts_preflight(k, j->plane, &now);
        k->seen.preflight = now;
        bad = preflight_blocker(&now);
        if (bad)
                kube_job_fail(j, "%s", bad->text);
        else
                kube_job_next(j);
}

/* The last look before this board is ours: what a person set up meanwhile is never cleared away. */
static int nobody_elses(struct kube_job *j) {
        struct kube *k = j->k;
        struct kube_marker m;
        struct kube_files files;
        struct fail f = { 0 };
        int r = kube_marker_read(k->agent->config.state_dir, &m, &f);

        if (r < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        if (kube_files_read(k->root_fd, &files) < 0)
                return kube_job_no(j, "the card cannot be read");
        k->seen.files = files;
        if (r == 0 && files.has & KUBE_NODE_FILES)
                return kube_job_no(j, "what is in /etc/kubernetes was set up by hand");
        return 0;
}

int kube_step_prepare(struct kube_job *j) {
        struct kube *k = j->k;
        struct preflight_fix *fix;
        struct fail f = { 0 };
        int r = nobody_elses(j);

        if (r < 0 || (r = mark(j, false)) < 0)
                return r;
        kube_gate(k, true);
        if (kube_network(k, true, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        if (preflight_fix_start(k->agent->loop, k->root_fd, on_fixed, j, &fix) < 0)
                return kube_job_no(j, "no memory");
        return KUBE_STEP_WAIT;
}

int kube_step_finish(struct kube_job *j) {
        int r = mark(j, true);

        return r < 0 ? r : KUBE_STEP_NEXT;
}

/* A reset that is cut off half-way leaves no whole node. */
int kube_step_undone(struct kube_job *j) {
        struct kube_marker *m = &j->k->seen.marker;
        struct fail f = { 0 };

        if (m->epoch == 0)
                return KUBE_STEP_NEXT;
        m->done = false;
        return kube_marker_write(j->k->agent->config.state_dir, m, &f) < 0
                       ? kube_job_no(j, "%s", fail_text(&f))
                       : KUBE_STEP_NEXT;
}

/* ---- taking away ----------------------------------------------------------------------------- */

static void on_job(void *arg, int result, enum unit_state state) {
        struct kube_job *j = arg;

        (void)state;
        if (result == -ENOENT)
                kube_job_next(j); /* there is no such unit: nothing runs */
        else if (result < 0)
                kube_job_fail(j, "systemd: %s", strerror(-result));
        else
                kube_job_next(j);
}

int kube_step_stop_kubelet(struct kube_job *j) {
        int r = units_job(j->k->units, "stop", "kubelet.service", on_job, j);

        return r < 0 ? kube_job_no(j, "systemd does not answer: %s", strerror(-r)) : KUBE_STEP_WAIT;
}

static void on_pods(void *arg, int result, const char *why, const struct cri_pod *pods, size_t n) {
        struct kube_job *j = arg;

        if (result < 0) {
                kube_job_fail(j, "containerd: %s", why);
                return;
        }
        j->n_pods = 0;
        j->pods = calloc(n + 1, sizeof(*j->pods));
        for (size_t i = 0; j->pods && i < n; i++) {
                struct kube_job_pod *p = &j->pods[j->n_pods++];

                (void)str_copy(p->id, sizeof(p->id), pods[i].id);
                (void)snprintf(p->name, sizeof(p->name), "%s", pods[i].name);
        }
        kube_job_next(j);
}

int kube_step_list_pods(struct kube_job *j) {
        j->pod = 0;
        if (cri_pods(j->k->cri, NULL, on_pods, j) < 0)
                return kube_job_no(j, "containerd does not answer");
        return KUBE_STEP_WAIT;
}

static void stop_next(struct kube_job *j);

static void on_removed(void *arg, int result, const char *why) {
        struct kube_job *j = arg;

        if (result < 0)
                log_debug("kubernetes: a pod is not gone yet: %s", why);
        stop_next(j);
}

static void stop_next(struct kube_job *j) {
        while (j->pod < j->n_pods)
                if (cri_pod_remove(j->k->cri, j->pods[j->pod++].id, on_removed, j) == 0)
                        return;
        kube_job_next(j);
}

int kube_step_stop_pods(struct kube_job *j) {
        while (j->pod < j->n_pods)
                if (cri_pod_remove(j->k->cri, j->pods[j->pod++].id, on_removed, j) == 0)
                        return KUBE_STEP_WAIT;
        return KUBE_STEP_NEXT;
}

/* Without these two kubeadm asks nobody: an API server or an etcd that is gone would be waited for,
 * for minutes.  What the cluster remembers of this board the control plane clears away
 * (kube_nodes). */
int kube_step_kubeadm_reset(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_call call = { .verb = KUBEADM_RESET,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .cri_socket = j->k->agent->config.containerd };

        (void)unlinkat(j->k->root_fd, "etc/kubernetes/admin.conf", 0);
        (void)unlinkat(j->k->root_fd, "etc/kubernetes/manifests/etcd.yaml", 0);
        j->forgive = true;
        return kube_job_kubeadm(j, &call, RESET_SEC);
}

/* What kubeadm leaves, so that the next try begins on an empty board.  One file system: what is
 * still mounted is not ours to delete. */
int kube_step_wipe(struct kube_job *j) {
        static const char *const argv[] = { "/usr/bin/find",
                                            "/etc/kubernetes/manifests",
                                            "/etc/kubernetes/pki",
                                            "/etc/kubernetes/admin.conf",
                                            "/etc/kubernetes/super-admin.conf",
                                            "/etc/kubernetes/kubelet.conf",
                                            "/etc/kubernetes/bootstrap-kubelet.conf",
                                            "/etc/kubernetes/controller-manager.conf",
                                            "/etc/kubernetes/scheduler.conf",
                                            "/etc/kubernetes/tmp",
                                            "/var/lib/etcd/",
                                            "/var/lib/kubelet/",
                                            "/run/cni/bramble",
                                            "-xdev",
                                            "-depth",
                                            "!",
                                            "-path",
                                            "/var/lib/etcd/",
                                            "!",
                                            "-path",
                                            "/var/lib/kubelet/",
                                            "-delete",
                                            NULL };

        j->forgive = true; /* not all of these are there; kube_step_cleared() looks */
        return kube_job_run(j, argv, QUICK_SEC, NULL);
}

/* ---- what a failed try left ------------------------------------------------------------------ */

static bool dirty(const struct kube_job *j) {
        return j->k->seen.files.has & KUBE_NODE_FILES;
}

int kube_step_clear_stop(struct kube_job *j) {
        struct kube_files files;

        if (kube_files_read(j->k->root_fd, &files) == 0)
                j->k->seen.files = files;
        j->dirty = dirty(j);
        return j->dirty ? kube_step_stop_kubelet(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_list(struct kube_job *j) {
        return j->dirty ? kube_step_list_pods(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_reset(struct kube_job *j) {
        return j->dirty ? kube_step_kubeadm_reset(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_wipe(struct kube_job *j) {
        return j->dirty ? kube_step_wipe(j) : KUBE_STEP_NEXT;
}

int kube_step_cleared(struct kube_job *j) {
        struct kube_files files;

        if (kube_files_read(j->k->root_fd, &files) < 0)
                return kube_job_no(j, "the card cannot be read");
        j->k->seen.files = files;
        if (dirty(j))
                return kube_job_no(j, "what is in /etc/kubernetes, /var/lib/etcd or "
                                      "/var/lib/kubelet cannot be removed");
        return KUBE_STEP_NEXT;
}

/* ---- images ---------------------------------------------------------------------------------- */

static void on_image_line(void *arg, bool errors, const char *text, size_t len) {
        struct kube_job *j = arg;

        (void)len;
        if (!errors && j->n_images < KUBE_IMAGES_MAX && strchr(text, ':') && !strchr(text, ' ') &&
            str_copy(j->images[j->n_images], SIZE_IMAGE, text) == 0)
                j->n_images++;
}

int kube_step_list_images(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_settings settings;
        auto_buf struct buf text = { .limit = KUBEADM_CONFIG_BYTES };
        struct kubeadm_call call = { .verb = KUBEADM_IMAGES,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .config = kube_job_path(j, "kubeadm-images.yaml") };
        struct kubeadm_arguments arguments;
        struct fail f = { 0 };
        int r;

        kube_settings(j, &settings);
        if (kubeadm_config_init(&settings, &text, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        r = kube_job_file(j, "kubeadm-images.yaml", &text);
        if (r < 0)
                return r;
        j->n_images = j->image = 0;
        j->missing[0] = '\0';
        if (kubeadm_arguments(&call, &arguments, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        return kube_job_run(j, arguments.argv, QUICK_SEC, on_image_line);
}

/* The cluster can wait for its DNS: that is a pod like others, and the kubelet pulls its image. */
static bool is_coredns(const char *image) {
        return strstr(image, "/coredns:") != NULL;
}

static void look_for_image(struct kube_job *j);

static void on_pulled(void *arg, int result, const char *why, const char *id) {
        struct kube_job *j = arg;
        const char *image = j->images[j->image];
        size_t n = strlen(j->missing);

        (void)id;
        if (result < 0) {
                log_warning("kubernetes: image %s cannot be pulled: %s", image, why);
                (void)snprintf(j->missing + n, sizeof(j->missing) - n, "%s%s", n ? ", " : "",
                               image);
        }
        j->image++;
        look_for_image(j);
}

static void on_image(void *arg, int result, const char *why, const struct cri_image *image) {
        struct kube_job *j = arg;

        if (result < 0) {
                kube_job_fail(j, "containerd: %s", why);
                return;
        }
        if (image || is_coredns(j->images[j->image])) {
                j->image++;
                look_for_image(j);
                return;
        }
        kube_plan_progress(&j->k->plan, "pulling images");
        if (cri_pull(j->k->cri, j->images[j->image], on_pulled, j) < 0)
                on_pulled(j, -ENOTCONN, "containerd does not answer", "");
}

static void look_for_image(struct kube_job *j) {
        if (j->image == j->n_images) {
                if (j->missing[0])
                        kube_job_fail(j, "images are missing and cannot be pulled: %s", j->missing);
                else
                        kube_job_next(j);
                return;
        }
        if (cri_image_status(j->k->cri, j->images[j->image], on_image, j) < 0)
                kube_job_fail(j, "containerd does not answer");
}

int kube_step_pull_images(struct kube_job *j) {
        if (j->n_images == 0)
                return kube_job_no(j, "kubeadm names no images");
        if (cri_image_status(j->k->cri, j->images[0], on_image, j) < 0)
                return kube_job_no(j, "containerd does not answer");
        return KUBE_STEP_WAIT;
}

/* containerd makes every pod from an image of its own choice.  Where that one is not on the card
 * but kubeadm's own pause image is, it gets the other name too. */
int kube_step_sandbox(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        const char *argv[] = { "/usr/bin/ctr",
                               "--address",
                               j->k->agent->config.containerd,
                               "-n",
                               "k8s.io",
                               "images",
                               "tag",
                               "--force",
                               NULL,
                               s->runtime.sandbox_image,
                               NULL };

        if (s->sandbox || !s->runtime.sandbox_image[0])
                return KUBE_STEP_NEXT;
        for (unsigned i = 0; i < j->n_images && !argv[8]; i++)
                if (strstr(j->images[i], "/pause:"))
                        argv[8] = j->images[i];
        if (!argv[8] || str_eq(argv[8], s->runtime.sandbox_image))
                return KUBE_STEP_NEXT;
        log_info("kubernetes: %s serves as %s", argv[8], s->runtime.sandbox_image);
        return kube_job_run(j, argv, QUICK_SEC, NULL);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The authorities of the cluster, as another control plane has sent them. */
int kube_step_place_pki(struct kube_job *j) {
        const cJSON *file;

        if (file_text_make_dir(j->k->root_fd, "etc/kubernetes/pki/etcd") < 0)
                return kube_job_no(j, "cannot make /etc/kubernetes/pki");
        cJSON_ArrayForEach(file, j->pki) {
                char path[64];
                const char *text = cJSON_GetStringValue(file);

                if (!text || !kube_pki_file(file->string))
                        return kube_job_no(j, "the control plane sent a file that is none of its");
                (void)snprintf(path, sizeof(path), "etc/kubernetes/pki/%s", file->string);
                if (file_text_write(j->k->root_fd, path, text, strlen(text),
                                    str_ends(path, ".key") ? 0600 : 0644) < 0)
                        return kube_job_no(j, "cannot write /%s", path);
        }
        return KUBE_STEP_NEXT;
}

bool kube_pki_file(const char *name) {
        for (size_t i = 0; kube_pki_files[i]; i++)
                if (str_eq(kube_pki_files[i], name))
                        return true;
        return false;
}

const char *const kube_pki_files[] = { "ca.crt",
                                       "ca.key",
                                       "sa.key",
                                       "sa.pub",
                                       "front-proxy-ca.crt",
                                       "front-proxy-ca.key",
                                       "etcd/ca.crt",
                                       "etcd/ca.key",
                                       NULL };

/* ---- what kubeadm is told -------------------------------------------------------------------- */

static const char *number(char dst[static 12], unsigned v) {
        (void)snprintf(dst, 12, "%u", v);
        return dst;
}

void kube_settings(struct kube_job *j, struct kubeadm_settings *ret) {
        static char patches[SIZE_PATH + 48];
        static char address[16], board[KUBEADM_LABEL_SIZE], cores[12], ram[12], bits[12], id[17],
                local[SIZE_NAME + 8];
        const struct kube *k = j->k;
        const struct agent *a = k->agent;
        const struct board *b = &a->board;
        uint32_t lan = a->lan.address;
        struct kube_budget budget;

        (void)snprintf(address, sizeof(address), "%u.%u.%u.%u", lan >> 24, lan >> 16 & 255,
                       lan >> 8 & 255, lan & 255);
        (void)snprintf(local, sizeof(local), "%s.local", a->name);
        (void)snprintf(patches, sizeof(patches), "%s/kube-patches", a->config.run_dir);
        str_hex64(b->node, id);
        kube_budget(b, j->plane, true, &budget);
        *ret = (struct kubeadm_settings){
                .version = k->seen.version,
                .endpoint_name = KUBE_ENDPOINT,
                .endpoint_port = KUBE_API_PORT,
                .pod_subnet = FNET_PODS_TEXT,
                .sans = { local, "127.0.0.1" },
                .n_sans = 2,
                .cgroup_driver = k->seen.runtime.systemd_cgroup ? "systemd" : "cgroupfs",
                .swap_allowed = true,
                .small = kube_small_profile(a),
                .node_name = a->name,
                .advertise_address = address,
                .cri_socket = a->config.containerd,
                .system_reserved_mib = (uint32_t)(budget.system_reserved_bytes >> 20),
                .labels = { { "bramble.io/board", kubeadm_label_value(board, b->id) },
                            { "bramble.io/cores", number(cores, b->cores) },
                            { "bramble.io/ram-mb", number(ram, (unsigned)(b->ram_bytes >> 20)) },
                            { "bramble.io/bits", number(bits, b->bits_user) },
                            { "bramble.io/node", id } },
                .n_labels = 5,
                .taints = { { "bramble.io/small", NULL, "NoSchedule" } },
                .n_taints = kube_budget_small(b),
                .control_plane_taint = j->plane,
                .control_plane = j->plane,
                .arm32 = sizeof(void *) == 4,
                .patches = patches,
                .token = j->token,
                .token_ttl_seconds = KUBE_TOKEN_SEC,
                .ca_hashes = { j->ca_hash },
                .n_ca_hashes = j->ca_hash[0] != '\0',
        };
}

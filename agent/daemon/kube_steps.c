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
#include <string.h>
#include <sys/stat.h>

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

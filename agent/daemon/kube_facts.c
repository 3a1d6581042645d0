/* kube_facts - what is so on this board as far as Kubernetes goes: asked of files, systemd, the
 * kubelet, containerd and the API server, each in its own time. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_private.h"
#include "daemon/reporter.h"
#include "io/http_probe.h"
#include "io/kube_node.h"
#include "io/kubeconfig.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILES_USEC  (60 * USEC_PER_SEC)
#define SOON_USEC   (3 * USEC_PER_SEC)  /* while something is under way */
#define HEALTH_USEC (10 * USEC_PER_SEC) /* while all is well */
#define ANSWER_USEC (4 * USEC_PER_SEC)
enum { KUBELET_PORT = 10248, VERSION_SEC = 60 };

/* ---- files and versions ---------------------------------------------------------------------- */

static const char *off_path(const struct kube *k) {
        static char path[SIZE_PATH + 16];

        (void)snprintf(path, sizeof(path), "%s/kube/off", k->agent->config.state_dir);
        return path;
}

static void on_version_line(void *arg, bool errors, const char *text, size_t len) {
        struct kube *k = arg;

        if (!errors && !k->asked_line[0] && len < sizeof(k->asked_line))
                (void)str_copy(k->asked_line, sizeof(k->asked_line), text);
}

static void ask_version(struct kube *k);

static void on_version_end(void *arg, const struct process_end *end) {
        struct kube *k = arg;
        const struct kube_files *f = &k->seen.files;
        bool kubeadm = k->asking_kubeadm;
        struct kube_version v = { 0 };

        process_free(take_ptr(k->asking));
        if (end->status != 0 || kube_version_parse(k->asked_line, &v) < 0) {
                if (log_once(kubeadm ? "kubeadm-version" : "kubelet-version"))
                        log_warning("kubernetes: %s does not say its version: '%.60s'",
                                    kubeadm ? "kubeadm" : "kubelet", k->asked_line);
        }
        if (kubeadm) {
                k->seen.version = v;
                k->seen.kubeadm_file = f->programs[KUBE_KUBEADM];
        } else {
                k->seen.kubelet_version = v;
                k->seen.kubelet_file = f->programs[KUBE_KUBELET];
        }
        ask_version(k);
        kube_look(k);
}

/* One program at a time, and again only where another one stands in its place. */
static void ask_version(struct kube *k) {
        const struct kube_files *f = &k->seen.files;
        const struct kube_program_file *kubeadm = &f->programs[KUBE_KUBEADM];
        const struct kube_program_file *kubelet = &f->programs[KUBE_KUBELET];
        const char *argv[] = { kubeadm->path, "version", "-o", "short", NULL };
        struct process_config config = { .argv = argv, .timeout_ms = VERSION_SEC * 1000 };

        if (k->asking)
                return;
        k->asking_kubeadm = kubeadm->path[0] && !kube_program_same(kubeadm, &k->seen.kubeadm_file);
        if (!k->asking_kubeadm) {
                if (!kubelet->path[0] || kube_program_same(kubelet, &k->seen.kubelet_file))
                        return;
                argv[0] = kubelet->path;
                argv[1] = "--version";
                argv[2] = NULL;
        }
        k->asked_line[0] = '\0';
        if (process_start(k->agent->loop, &config, on_version_line, on_version_end, k, &k->asking,
                          NULL) < 0)
                k->asking = NULL;
}

static void read_files(struct kube *k) {
        struct kube_marker m = { 0 };
        struct kube_files files;
        struct fail f = { 0 };

        if (kube_files_read(k->root_fd, &files) == 0)
                k->seen.files = files;
        if (kube_marker_read(k->agent->config.state_dir, &m, &f) < 0 && log_once("kube-marker"))
                log_warning("kubernetes: %s: what is set up here is taken for somebody else's",
                            fail_text(&f));
        k->seen.marker = m;
        k->seen.switched_off = access(off_path(k), F_OK) == 0;
        if (!files.programs[KUBE_KUBEADM].path[0])
                k->seen.version = (struct kube_version){ 0 };
        ask_version(k);
}

/* ---- health ---------------------------------------------------------------------------------- */

static void answered(struct kube *k) {
        if (--k->questions == 0)
                kube_look(k);
}

static void on_unit(void *arg, int result, enum unit_state state) {
        struct kube *k = arg;

        if (result == 0)
                k->seen.unit = state;
        answered(k);
}

static void on_kubelet(void *arg, int status) {
        struct kube *k = arg;

        k->seen.kubelet = status == 200 ? KUBE_HEALTH_GOOD : KUBE_HEALTH_BAD;
        answered(k);
}

static void on_ready(void *arg, int result, const char *why, unsigned status, const char *body,
                     size_t len) {
        struct kube *k = arg;
        enum kube_health old = k->seen.api;

        (void)body;
        (void)len;
        if (result == -ECANCELED) {
                answered(k);
                return;
        }
        if (result == 0)
                k->seen.api = status == 200 ? KUBE_HEALTH_GOOD : KUBE_HEALTH_BAD;
        else
                k->seen.api = result == -EKEYREJECTED || result == -EPROTO ? KUBE_HEALTH_STRANGER
                                                                           : KUBE_HEALTH_BAD;
        if (k->seen.api == KUBE_HEALTH_STRANGER && log_once("stranger"))
                log_warning("kubernetes: %s", why);
        if (k->seen.api != old)
                agent_report_soon(k->agent);
        answered(k);
}

static void take_ready(void *arg, const struct kube_node *node) {
        *(bool *)arg = node->ready;
}

static void on_node(void *arg, int result, const char *why, unsigned status, const char *body,
                    size_t len) {
        struct kube *k = arg;
        char more[SIZE_KUBE_CONTINUE];
        bool ready = false;

        (void)why;
        if (result == -ECANCELED) {
                answered(k);
                return;
        }
        if (result == 0 && status == 404)
                k->seen.node = KUBE_NODE_ABSENT;
        else if (result < 0 || status != 200 ||
                 kube_nodes_parse(body, len, take_ready, &ready, more, NULL) < 0)
                k->seen.node = KUBE_NODE_UNKNOWN;
        else
                k->seen.node = ready ? KUBE_NODE_READY : KUBE_NODE_NOT_READY;
        answered(k);
}

static int open_server(struct kube *k, uint32_t address, const struct kubeconfig *c, bool ask_as,
                       struct kube_api **ret) {
        char text[16];
        struct kube_api_server server = { .address = text,
                                          .port = c->port,
                                          .name = c->name,
                                          .ca = c->ca,
                                          .cert = ask_as ? c->cert : NULL,
                                          .key = ask_as ? c->key : NULL };
        struct fail f = { 0 };
        int r;

        (void)snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                       address >> 8 & 255, address & 255);
        kube_api_free(take_ptr(*ret));
        r = kube_api_new(k->agent->loop, &server, ret, &f);
        if (r < 0 && log_once("kube-api"))
                log_warning("kubernetes: no client for the API server: %s", fail_text(&f));
        return r;
}

/* The clients follow the files: certificates are renewed, the endpoint moves. */
static void open_clients(struct kube *k) {
        const struct kube_files *f = &k->seen.files;
        uint32_t endpoint = kube_endpoint(k->agent);
        struct kubeconfig c = { 0 };
        struct stat st;

        if (kube_files_have(f, KUBE_HAS_ADMIN_CONF | KUBE_HAS_API_MANIFEST)) {
                if (fstatat(k->root_fd, "etc/kubernetes/admin.conf", &st, 0) == 0 &&
                    (!k->admin || k->admin_inode != (uint64_t)st.st_ino) &&
                    kubeconfig_read(k->root_fd, "/etc/kubernetes/admin.conf", &c, NULL) == 0) {
                        (void)open_server(k, INADDR_LOOPBACK, &c, true, &k->admin);
                        (void)open_server(k, INADDR_LOOPBACK, &c, false, &k->own);
                        k->admin_inode = (uint64_t)st.st_ino;
                        kubeconfig_done(&c);
                }
        } else {
                kube_api_free(take_ptr(k->admin));
                kube_api_free(take_ptr(k->own));
        }
        if (!kube_files_have(f, KUBE_HAS_KUBELET_CONF)) {
                kube_api_free(take_ptr(k->node));
                return;
        }
        if (fstatat(k->root_fd, "var/lib/kubelet/pki/kubelet-client-current.pem", &st, 0) == 0 &&
            (!k->node || k->node_inode != (uint64_t)st.st_ino || k->node_address != endpoint) &&
            endpoint &&
            kubeconfig_read(k->root_fd, "/etc/kubernetes/kubelet.conf", &c, NULL) == 0) {
                (void)open_server(k, endpoint, &c, true, &k->node);
                k->node_inode = (uint64_t)st.st_ino;
                k->node_address = endpoint;
                kubeconfig_done(&c);
        }
}

static void ask(struct kube *k, struct kube_api *api, const char *path, kube_api_cb done) {
        struct kube_api_ask q = { .method = "GET", .path = path, .timeout_usec = ANSWER_USEC };

        if (kube_api_request(api, &q, done, k, NULL) == 0)
                k->questions++;
}

static void ask_health(struct kube *k) {
        const struct kube_seen *s = &k->seen;
        char path[SIZE_NAME + 32];

        if (k->questions > 0)
                return; /* the last round is still under way */
        if (units_ask(k->units, "kubelet.service", on_unit, k) == 0)
                k->questions++;
        if (!kube_files_have(&s->files, KUBE_HAS_KUBELET_CONF)) {
                k->seen.kubelet = KUBE_HEALTH_UNKNOWN;
        } else if (http_probe(k->agent->loop, KUBELET_PORT, "/healthz", on_kubelet, k) == 0) {
                k->questions++;
        }
        if (k->own)
                ask(k, k->own, "/readyz", on_ready);
        else
                k->seen.api = KUBE_HEALTH_UNKNOWN;
        if (k->node && s->marker.epoch > 0) {
                (void)snprintf(path, sizeof(path), "/api/v1/nodes/%s", s->marker.name);
                ask(k, k->node, path, on_node);
        } else {
                k->seen.node = KUBE_NODE_UNKNOWN;
        }
}

/* ---- containerd's CRI ------------------------------------------------------------------------ */

static void on_sandbox(void *arg, int result, const char *why, const struct cri_image *image) {
        struct kube *k = arg;

        (void)why;
        if (result == 0)
                k->seen.sandbox = image != NULL;
}

static void on_runtime(void *arg, int result, const char *why, const struct cri_status *status) {
        struct kube *k = arg;

        (void)why;
        if (result < 0)
                return;
        k->seen.runtime = status->runtime;
        if (status->runtime.sandbox_image[0])
                (void)cri_image_status(k->cri, status->runtime.sandbox_image, on_sandbox, k);
}

static void on_cri(void *arg, bool up, int error, const char *why) {
        struct kube *k = arg;

        (void)error;
        if (!up && log_once("cri"))
                log_debug("containerd's CRI does not answer: %s", why);
        if (up)
                log_again("cri");
        kube_facts_again(k);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void kube_facts_preflight(struct kube *k, bool plane, struct preflight *ret) {
        const struct kube_seen *s = &k->seen;
        const struct agent *a = k->agent;
        struct preflight_facts in = {
                .files = &s->files,
                .name = a->name,
                .control_plane = plane,
                .images_present = s->sandbox,
                .needs_crictl = !kube_version_from(s->version, 1, 31),
                .ram_bytes = a->board.ram_bytes,
                .disk_free_bytes = reporter_sensors(a)->disk_free_bytes,
                .clock_seconds = (int64_t)time(NULL),
                .clock_floor = BRAMBLE_BUILT,
                .cri_answers = cri_up(k->cri),
                .cri_systemd_cgroup = s->runtime.systemd_cgroup,
                .sandbox_present = s->sandbox,
                .sandbox_image = s->runtime.sandbox_image,
                .cri_why = "",
                .kubelet_systemd_cgroup = s->runtime.systemd_cgroup,
                .cni_bin_dir = s->runtime.cni_bin_dir,
        };

        kube_preflight(k->root_fd, &in, ret);
}

static int32_t days_until(int64_t expires) {
        int64_t days = (expires - (int64_t)time(NULL)) / 86400;

        if (expires == 0)
                return INT32_MAX;
        if (expires < (int64_t)time(NULL))
                return -1;
        return days > INT32_MAX ? INT32_MAX : (int32_t)days;
}

/* What keeps kubeadm from starting; the clock is asked for apart. */
static const char *blocker(const struct preflight *p) {
        for (uint32_t i = 0; i < p->n; i++) {
                const struct preflight_check *c = &p->checks[i];

                if (!c->pass && c->severity == PREFLIGHT_BLOCKS && !str_eq(c->name, "clock"))
                        return c->text;
        }
        return "";
}

/* Kubernetes versions that this board's hardware has: boards/ says the newest. */
static bool board_runs(const struct agent *a, struct kube_version v) {
        struct kube_version most;

        if (!a->board.kubernetes_max[0] || kube_version_parse(a->board.kubernetes_max, &most) < 0)
                return true;
        return v.major < most.major || (v.major == most.major && v.minor <= most.minor);
}

static bool plane_up(const struct agent *a) {
        const struct world_kube *w = &a->world.kube;

        for (uint32_t i = 0; i < w->n_planes; i++) {
                const struct world_member *m = world_member(&a->world, w->planes[i]);

                if (m && m->up && m->api && m->node != a->board.node)
                        return true;
        }
        return w->adopted;
}

void kube_facts_fill(struct kube *k, struct kube_facts *ret, usec_t now) {
        static char version[KUBE_VERSION_SIZE];
        const struct kube_seen *s = &k->seen;
        const struct kube_files *f = &s->files;
        const struct agent *a = k->agent;
        const struct world_kube *w = &a->world.kube;
        struct kube_version api = { 0 };

        version[0] = '\0';
        if (s->version.major && s->kubelet_version.major)
                (void)kube_version_text(version, s->version);
        *ret = (struct kube_facts){
                .enabled = a->config.kubernetes,
                .lost_after_usec = a->config.master_lost_after_usec,
                .self = a->board.node,
                .bramble = a->bramble,
                .name = a->name,
                .told = k->told,
                .silent_usec = now - k->heard,
                .n_members = a->world.n_members,
                .kube = w,
                .plane_up = plane_up(a),
                .installed = f->programs[KUBE_KUBEADM].path[0] && f->programs[KUBE_KUBELET].path[0],
                .board_runs = board_runs(a, s->version),
                .version_fits = kube_version_parse(w->version, &api) < 0 ||
                                kube_skew_ok(api, s->kubelet_version),
                .version = version,
                .containerd = k->containerd && cri_up(k->cri),
                .marked = s->marker.epoch > 0,
                .switched_off = s->switched_off || k->reset_once,
                .done = s->marker.done,
                .marker_bramble = s->marker.bramble,
                .marker_epoch = s->marker.epoch,
                .marker_role = s->marker.epoch > 0 ? s->marker.role : KUBE_ROLE_NONE,
                .marker_name = s->marker.name,
                .files = f->has & KUBE_NODE_FILES,
                .plane_files = kube_files_have(f, KUBE_HAS_API_MANIFEST),
                .same_ca = !w->ca_hash[0] || !f->ca_hash[0] || str_eq(w->ca_hash, f->ca_hash),
                .cert_days = days_until(f->certs_expire),
                .kubelet_cert_days = days_until(f->kubelet_expires),
                .clock_ok = (int64_t)time(NULL) >= BRAMBLE_BUILT,
                .blocked = blocker(&s->preflight),
                .kubelet_active = s->unit == UNIT_ACTIVE,
                .kubelet = s->kubelet,
                .api = s->api,
                .node = s->node,
        };
}

void kube_facts_look(struct kube *k, usec_t now) {
        bool steady = k->plan.phase == KUBE_READY || k->plan.phase == KUBE_OFF ||
                      k->plan.phase == KUBE_ABSENT || k->plan.phase == KUBE_UNABLE;

        if (now >= k->files_at) {
                k->files_at = usec_add(now, FILES_USEC);
                read_files(k);
                open_clients(k);
                if (k->seen.files.programs[KUBE_KUBEADM].path[0] && cri_up(k->cri))
                        (void)cri_status(k->cri, on_runtime, k);
        }
        if (k->job || now < k->health_at || !k->seen.files.programs[KUBE_KUBELET].path[0])
                return;
        k->health_at = usec_add(now, steady ? HEALTH_USEC : SOON_USEC);
        if (!steady) {
                open_clients(k);
                kube_facts_preflight(
                        k, world_kube_carries(&k->agent->world.kube, k->agent->board.node),
                        &k->seen.preflight);
        }
        ask_health(k);
}

void kube_facts_again(struct kube *k) {
        k->files_at = k->health_at = 0;
}

int kube_facts_open(struct kube *k) {
        char dir[SIZE_PATH + 8];
        struct fail f = { 0 };

        (void)snprintf(dir, sizeof(dir), "%s/kube", k->agent->config.state_dir);
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return -errno;
        return cri_open(k->agent->loop, k->agent->config.containerd, on_cri, k, &k->cri, &f);
}

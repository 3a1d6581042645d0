#include "daemon/kube.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/kube_budget.h"
#include "daemon/kube_private.h"
#include "daemon/kube_snapshots.h"
#include "daemon/membership.h"
#include "daemon/network.h"
#include "daemon/peers.h"
#include "io/cni.h"
#include "io/hosts_file.h"
#include "io/log.h"
#include "io/trim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 1000 };
#define TRIM_USEC    (30 * USEC_PER_SEC) /* what a job used of the program is needed no more */
#define CONTACT_USEC USEC_PER_MIN        /* a leader is found in far less */

#define GATE_FILE "kubelet-may-start"

/* ---- names and routes ------------------------------------------------------------------------ */

uint32_t kube_endpoint(const struct agent *a) {
        const struct world_kube *w = &a->world.kube;
        const struct world_member *first = NULL, *m;

        /* its own first, then the others in an order that spreads the boards over them */
        if (world_kube_carries(w, a->board.node) &&
            (w->n_planes == 1 || a->kube->seen.api == KUBE_HEALTH_GOOD))
                return a->lan.address;
        for (uint32_t i = 0; i < w->n_planes; i++) {
                m = world_member(&a->world, w->planes[(i + a->subnet) % w->n_planes]);
                if (!m || !m->address || m->node == a->board.node)
                        continue;
                if (m->up && m->api)
                        return m->address;
                if (!first || (m->up && !first->up))
                        first = m;
        }
        return first ? first->address : 0;
}

static void keep_hosts(struct kube *k, uint32_t address) {
        struct hosts_entry entry = { .name = KUBE_ENDPOINT };
        struct fail f = { 0 };
        char text[16];

        if (k->hosts == address)
                return;
        (void)snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                       address >> 8 & 255, address & 255);
        entry.address = text;
        if (hosts_file_set(k->root_fd, &entry, address ? 1 : 0, &f) < 0) {
                if (log_once("hosts"))
                        log_warning("cannot keep " KUBE_ENDPOINT " in /etc/hosts: %s",
                                    fail_text(&f));
                return;
        }
        log_again("hosts");
        if (address)
                log_info(KUBE_ENDPOINT " is %s now", text);
        k->hosts = address;
}

int kube_network(struct kube *k, bool on, struct fail *f) {
        struct agent *a = k->agent;
        int r = 0;

        if (a->world.kube.adopted)
                return 0; /* the person's own network carries that cluster's pods */
        keep_hosts(k, on ? kube_endpoint(a) : 0);
        if (on && (r = cni_configure(k->root_fd, a->subnet, f)) < 0)
                return r;
        if (k->network_on == on)
                return 0;
        r = fnet_pods(a->fnet, on, f);
        if (r < 0)
                return r;
        k->network_on = on;
        network_pods(a, on);
        return 0;
}

void kube_gate(struct kube *k, bool open) {
        char path[SIZE_PATH + sizeof(GATE_FILE) + 2];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/" GATE_FILE, k->agent->config.run_dir);
        if (!open) {
                (void)unlink(path);
                return;
        }
        fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd >= 0)
                (void)close(fd);
        else if (log_once("gate"))
                log_warning("cannot make %s: %s; the kubelet will not start", path,
                            strerror(errno));
}

bool kube_small_profile(const struct agent *a) {
        return a->board.ram_bytes < (uint64_t)1800 << 20;
}

uint64_t kube_function_bytes(const struct agent *a) {
        const struct kube *k = a->kube;
        struct kube_budget budget;
        bool here = k && k->seen.marker.epoch > 0;

        kube_budget(&a->board, here && k->seen.marker.role == KUBE_ROLE_PLANE, here, &budget);
        return budget.function_bytes;
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void say(struct kube *k) {
        const struct kube_plan *p = &k->plan;

        if (k->said == p->phase)
                return;
        k->said = p->phase;
        switch (p->phase) {
        case KUBE_FAILED:
        case KUBE_FENCED:
                log_warning("kubernetes: %s", p->text);
                break;
        case KUBE_READY:
                log_notice("kubernetes: this node is Ready");
                break;
        case KUBE_OFF:
        case KUBE_ABSENT:
        case KUBE_UNABLE:
        case KUBE_FOREIGN:
        case KUBE_WAITING:
        case KUBE_INITIALISING:
        case KUBE_JOINING:
        case KUBE_STARTING:
        case KUBE_REPAIRING:
        case KUBE_RESETTING:
        case KUBE_PHASE_MAX:
                log_info("kubernetes: %s%s%s", kube_phase_text(p->phase), p->text[0] ? ": " : "",
                         p->text);
                break;
        }
}

void kube_look(struct kube *k) {
        struct kube_facts facts;
        enum kube_action action;
        usec_t now = agent_now();
        struct kube_plan old;

        /* after a job nothing is decided by what was so before it */
        if (k->job || k->files_at == 0)
                return;
        kube_facts_fill(k, &facts, now);
        old = k->plan;
        action = kube_plan_step(&k->plan, &facts, now);
        say(k);
        if (action != KUBE_DO_NOTHING)
                kube_job_start(k, action);
        if (old.phase != k->plan.phase)
                agent_report_soon(k->agent);
}

void kube_job_over(struct kube *k, const char *why) {
        enum kube_action action = k->plan.running;

        kube_plan_done(&k->plan, why, agent_now());
        if (action == KUBE_DO_RESET && !why[0])
                k->reset_once = false;
        kube_nodes_again(k);
        k->trim_at = usec_add(agent_now(), TRIM_USEC);
        if (why[0])
                log_warning("kubernetes: %s failed: %s", kube_action_text(action), why);
        else
                log_info("kubernetes: %s: done", kube_action_text(action));
        kube_facts_again(k);
}

/* Somebody leads this bramble, is reachable, and has sent its picture over this very connection: an
 * old control plane must not go on by an old picture. */
static bool in_contact(struct kube *k) {
        const struct agent *a = k->agent;
        uint64_t leader = membership_leader(a);
        const struct link *l = leader ? peers_link(a, leader) : NULL;

        if (a->bramble == 0 || leader == 0)
                return false;
        if (leader == a->board.node)
                return membership_leads(a) && consensus_followed(membership_consensus(a));
        if (l != k->leader_link) {
                k->leader_link = l;
                k->pictured = false;
        }
        return l && k->pictured && a->world.leader == leader;
}

static void on_timer(uv_timer_t *timer) {
        struct kube *k = timer->data;
        usec_t now = agent_now();

        if (in_contact(k))
                k->heard = now;
        if (k->trim_at && now >= k->trim_at) {
                k->trim_at = 0;
                trim_program();
        }
        kube_facts_look(k, now);
        kube_nodes_look(k, now);
        kube_drain_look(k, now);
        kube_snapshots_look(k->agent, kube_primary(k));
        kube_look(k);
}

void kube_lan_changed(struct agent *a) {
        struct kube *k = a->kube;

        if (!k)
                return;
        if (k->seen.marker.epoch > 0 && k->told && !k->seen.switched_off) {
                struct fail f = { 0 };

                if (kube_network(k, true, &f) < 0 && log_once("kube-network"))
                        log_warning("kubernetes: the pod network: %s", fail_text(&f));
        }
}

void kube_world_changed(struct agent *a) {
        struct kube *k = a->kube;

        if (!k)
                return;
        k->told = a->bramble != 0 && a->world.bramble == a->bramble;
        k->pictured = true;
        kube_lan_changed(a);
        kube_look(k);
}

void kube_containerd(struct agent *a, bool available) {
        struct kube *k = a->kube;

        if (!k)
                return;
        k->containerd = available;
        kube_facts_again(k);
}

bool kube_preflight_now(struct agent *a, struct preflight *ret) {
        struct kube *k = a->kube;

        if (!a->config.kubernetes || !k->seen.files.programs[KUBE_KUBEADM].path[0])
                return false;
        kube_facts_preflight(k, world_kube_carries(&a->world.kube, a->board.node), ret);
        return true;
}

void kube_report(const struct agent *a, struct report_kube *ret) {
        const struct kube *k = a->kube;
        const struct kube_seen *s = &k->seen;
        char version[KUBE_VERSION_SIZE];

        *ret = (struct report_kube){ .phase = k->plan.phase,
                                     .epoch = s->marker.epoch,
                                     .foreign = k->plan.phase == KUBE_FOREIGN &&
                                                kube_files_have(&s->files, KUBE_HAS_API_MANIFEST),
                                     .api = s->api == KUBE_HEALTH_GOOD,
                                     .work = s->work,
                                     .snapshot = kube_snapshots_newest(a) };
        ret->n_cleared = kube_drain_cleared(k, ret->cleared);
        (void)str_copy(ret->text, sizeof(ret->text), k->plan.text);
        if (s->version.major)
                (void)str_copy(ret->version, sizeof(ret->version),
                               kube_version_text(version, s->version));
        switch (k->plan.phase) {
        case KUBE_OFF:
        case KUBE_ABSENT:
        case KUBE_UNABLE:
        case KUBE_FOREIGN:
        case KUBE_FENCED:
        case KUBE_PHASE_MAX:
                break;
        case KUBE_WAITING:
        case KUBE_INITIALISING:
        case KUBE_JOINING:
        case KUBE_STARTING:
        case KUBE_READY:
        case KUBE_REPAIRING:
        case KUBE_RESETTING:
        case KUBE_FAILED:
                ret->capable = s->version.major != 0;
                break;
        }
}

/* How long nobody may have been heard before this start: as long as leaves a minute to hear
 * somebody before an old control plane has to stop. */
static usec_t unheard(const struct agent *a) {
        return usec_sub(a->config.master_lost_after_usec,
                        KUBE_PLAN_FENCE_MARGIN_USEC + CONTACT_USEC);
}

int kube_open(struct agent *a, struct fail *f) {
        struct kube *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return -ENOMEM;
        k->agent = a;
        k->said = KUBE_PHASE_MAX;
        k->heard = usec_sub(agent_now(), unheard(a));
        kube_plan_init(&k->plan);
        k->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* as long as the process */
        if (k->root_fd < 0) {
                free(k);
                return fail(f, -errno, "cannot open /: %s", strerror(errno));
        }
        a->kube = k;
        kube_job_clean(a);
        if ((r = units_open(a->loop, &k->units)) < 0 || (r = kube_facts_open(k)) < 0 ||
            (r = kube_nodes_open(k)) < 0 || (r = kube_drain_open(k)) < 0 ||
            (r = kube_snapshots_open(a)) < 0 || (r = uv_timer_init(a->loop, &k->timer)) < 0)
                return r;
        k->timer.data = k;
        return uv_timer_start(&k->timer, on_timer, LOOK_MS, LOOK_MS);
}

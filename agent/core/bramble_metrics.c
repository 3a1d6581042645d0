#include "core/bramble_metrics.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/alarms.h"
#include "core/metrics_text.h"

#include <stdio.h>

static const char *role(const struct bramble_metrics *m) {
        if (m->world->bramble == 0)
                return "fresh";
        return m->board->node == m->world->master ? "master" : "worker";
}

static void print_board(const struct bramble_metrics *m, struct buf *out) {
        struct metrics_labels info = { 0 }, phase = { 0 };
        char id[17];

        str_hex64(m->board->node, id);
        metrics_text_label(&info, "name", m->name);
        metrics_text_label(&info, "id", id);
        metrics_text_label(&info, "profile", m->board->id);
        metrics_text_label(&info, "model", m->board->model);
        metrics_text_label(&info, "role", role(m));
        metrics_text_label(&info, "cluster", m->world->cluster);
        metrics_text_family(out, "bramble_board_info", "gauge", "What this board is; always 1.");
        metrics_text_count(out, "bramble_board_info", &info, 1);
        metrics_text_one(out, "bramble_board_leader", "gauge",
                         "1 where this board coordinates the bramble.",
                         m->leader != 0 && m->leader == m->board->node);
        metrics_text_one(out, "bramble_board_master", "gauge",
                         "1 where this board carries the Kubernetes control plane.",
                         m->world->bramble != 0 && m->world->master == m->board->node);
        metrics_text_one(out, "bramble_board_function_memory_bytes", "gauge",
                         "RAM that functions may use on this board.",
                         (double)m->board->function_bytes);
        metrics_text_label(&phase, "state", kube_phase_text(m->kubernetes));
        metrics_text_family(out, "bramble_board_kubernetes", "gauge",
                            "How this board stands to Kubernetes; always 1.");
        metrics_text_count(out, "bramble_board_kubernetes", &phase, 1);
}

static void print_power(const struct sensors *s, struct buf *out) {
        static const struct {
                uint32_t bit;
                const char *state, *since;
        } bits[] = {
                { POWER_UNDER_VOLTAGE, "under_voltage", "now" },
                { POWER_CAPPED, "capped", "now" },
                { POWER_THROTTLED, "throttled", "now" },
                { POWER_SOFT_LIMIT, "soft_limit", "now" },
                { POWER_WAS_UNDER_VOLTAGE, "under_voltage", "boot" },
                { POWER_WAS_CAPPED, "capped", "boot" },
                { POWER_WAS_THROTTLED, "throttled", "boot" },
                { POWER_WAS_SOFT_LIMIT, "soft_limit", "boot" },
        };

        metrics_text_one(out, "bramble_power_known", "gauge",
                         "1 where the firmware or a sensor can be asked about power.",
                         (s->power & POWER_KNOWN) != 0);
        if (!(s->power & POWER_KNOWN))
                return;
        metrics_text_family(
                out, "bramble_power", "gauge",
                "What the firmware says of power and clock: 1 while it is so, now or at any "
                "time since boot.");
        for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "state", bits[i].state);
                metrics_text_label(&l, "since", bits[i].since);
                metrics_text_count(out, "bramble_power", &l, (s->power & bits[i].bit) != 0);
        }
}

static void print_problems(const struct sensors *s, struct buf *out) {
        static const struct {
                uint32_t bit;
                const char *name;
        } bits[] = {
                { PROBLEM_DISK_FULL, "disk_full" },   { PROBLEM_DISK_READ_ONLY, "disk_read_only" },
                { PROBLEM_CONTAINERD, "containerd" }, { PROBLEM_MEMORY, "memory" },
                { PROBLEM_NOT_SAVED, "not_saved" },   { PROBLEM_HOST_NAME, "host_name" },
                { PROBLEM_NETWORK, "network" },
        };

        metrics_text_family(out, "bramble_board_problem", "gauge",
                            "1 while this board has the problem.");
        for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "problem", bits[i].name);
                metrics_text_count(out, "bramble_board_problem", &l,
                                   (s->problems & bits[i].bit) != 0);
        }
}

static void print_members(const struct bramble_metrics *m, struct buf *out) {
        const struct world *w = m->world;
        unsigned up = 0;

        for (uint32_t i = 0; i < w->n_members; i++)
                up += w->members[i].up;
        metrics_text_one(out, "bramble_members", "gauge", "Boards that belong to the bramble.",
                         w->n_members);
        metrics_text_one(out, "bramble_members_up", "gauge", "Boards that the leader hears.", up);
        metrics_text_one(out, "bramble_leader_known", "gauge",
                         "1 where this board knows who coordinates the bramble.", m->leader != 0);
        metrics_text_one(
                out, "bramble_term", "gauge",
                "Number of the election that the newest picture of the bramble comes from.",
                (double)w->term);
        metrics_text_family(out, "bramble_member_up", "gauge",
                            "1 for a board that the leader hears.");
        for (uint32_t i = 0; i < w->n_members; i++) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "name", w->members[i].name);
                metrics_text_count(out, "bramble_member_up", &l, w->members[i].up);
        }
}

/* All gateways tell the same: max by (alert, name) makes one of them. */
static void print_alerts(const struct bramble_metrics *m, struct buf *out) {
        const struct world *w = m->world;
        unsigned n = 0;

        for (uint32_t i = 0; i < w->n_alarms; i++)
                n += w->alarms[i].severity > SEVERITY_INFO;
        metrics_text_one(out, "bramble_alerts", "gauge",
                         "Alerts that a person should do something about.", n);
        metrics_text_family(out, "bramble_alert", "gauge",
                            "1 while something is wrong with a board; agentctl status says what to "
                            "do.");
        for (uint32_t i = 0; i < w->n_alarms; i++) {
                const struct world_alarm *x = &w->alarms[i];
                const struct world_member *member = world_member(w, x->node);
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "alert", alarm_name(x->kind));
                metrics_text_label(&l, "name", member ? member->name : "");
                metrics_text_label(&l, "severity", severity_text(x->severity));
                metrics_text_count(out, "bramble_alert", &l, 1);
        }
}

/* "waiting to restart" is backoff here: labels are for machines. */
static const char *state_label(enum instance_state state) {
        switch (state) {
        case INSTANCE_PENDING:
                return "pending";
        case INSTANCE_FETCHING:
                return "fetching";
        case INSTANCE_STARTING:
                return "starting";
        case INSTANCE_READY:
                return "ready";
        case INSTANCE_BACKOFF:
                return "backoff";
        case INSTANCE_FAILED:
                return "failed";
        case INSTANCE_STOPPING:
                return "stopping";
        case INSTANCE_FROZEN:
                return "frozen";
        case INSTANCE_STATE_MAX:
                break;
        }
        return "unknown";
}

static void print_replicas(const struct bramble_metrics *m, uint32_t function, struct buf *out) {
        const struct world_function *f = &m->world->functions[function];
        unsigned n[INSTANCE_STATE_MAX] = { 0 };
        char name[2 * SIZE_NAME];

        (void)snprintf(name, sizeof(name), "%s.%s", f->name, f->namespace);
        for (uint32_t i = 0; i < m->world->n_instances; i++) {
                const struct world_instance *in = &m->world->instances[i];

                if (in->function == function && in->state < INSTANCE_STATE_MAX)
                        n[in->state]++;
        }
        for (unsigned s = 0; s < INSTANCE_STATE_MAX; s++) {
                struct metrics_labels l = { 0 };

                if (n[s] == 0 && s != INSTANCE_READY)
                        continue;
                metrics_text_label(&l, "function_name", name);
                metrics_text_label(&l, "state", state_label((enum instance_state)s));
                metrics_text_count(out, "bramble_function_replicas", &l, n[s]);
        }
}

void bramble_metrics_print(const struct bramble_metrics *m, struct buf *out) {
        print_board(m, out);
        print_power(m->sensors, out);
        print_problems(m->sensors, out);
        print_members(m, out);
        print_alerts(m, out);
        metrics_text_one(out, "bramble_images", "gauge", "Images that some board has.",
                         m->world->n_images);
        metrics_text_family(
                out, "bramble_function_replicas", "gauge",
                "Replicas of the function on all boards by their state; a state that none "
                "is in is left out, but for ready.");
        for (uint32_t i = 0; i < m->world->n_functions; i++)
                print_replicas(m, i, out);
}

/* api_status - the state of the bramble as JSON: boards from the leader, functions from the world.
 */
#include "base/str.h"
#include "core/watts.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/kube.h"
#include "daemon/membership.h"
#include "daemon/reporter.h"
#include "daemon/status_alerts.h"
#include "daemon/status_json.h"

#include <inttypes.h>
#include <stdio.h>

static const char *member_name(const struct agent *a, uint64_t node) {
        const struct world_member *m = world_member(&a->world, node);

        return m ? m->name : "";
}

static const char *leader_name(const struct agent *a) {
        const struct charter_member *m = charter_member(&a->charter, membership_leader(a));

        return m ? m->name : member_name(a, membership_leader(a));
}

static cJSON *power_json(uint32_t power) {
        cJSON *o = cJSON_CreateObject();
        char words[128];

        if (power & POWER_KNOWN) {
                (void)cJSON_AddBoolToObject(o, "under_voltage", power & POWER_UNDER_VOLTAGE);
                (void)cJSON_AddBoolToObject(o, "throttled", power & POWER_THROTTLED);
        } else {
                (void)cJSON_AddNullToObject(o, "under_voltage");
                (void)cJSON_AddNullToObject(o, "throttled");
        }
        (void)cJSON_AddStringToObject(o, "words", report_power_text(words, sizeof(words), power));
        return o;
}

static cJSON *board_json(const struct board *b) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "id", b->id);
        (void)cJSON_AddStringToObject(o, "model", b->model);
        (void)cJSON_AddNumberToObject(o, "cores", b->cores);
        (void)cJSON_AddNumberToObject(o, "clock_mhz", b->clock_mhz);
        (void)cJSON_AddNumberToObject(o, "bits_kernel", b->bits_kernel);
        (void)cJSON_AddNumberToObject(o, "bits_user", b->bits_user);
        if (b->kubernetes_max[0])
                (void)cJSON_AddStringToObject(o, "kubernetes_max", b->kubernetes_max);
        /* what it stands; 0: not known */
        (void)cJSON_AddNumberToObject(o, "soft_temp_c", b->soft_temp_c);
        (void)cJSON_AddNumberToObject(o, "throttle_c", b->throttle_c);
        (void)cJSON_AddNumberToObject(o, "hard_c", b->hard_c);
        (void)cJSON_AddNumberToObject(o, "idle_mw", b->idle_mw);
        (void)cJSON_AddNumberToObject(o, "max_mw", b->max_mw);
        return o;
}

/* From the wall, between idle and full load; null where nothing is known of these boards. */
static void add_watts(cJSON *o, const struct watts *w) {
        uint32_t low, high;
        cJSON *range;

        if (!watts_range(w, &low, &high)) {
                (void)cJSON_AddNullToObject(o, "watts");
                return;
        }
        range = cJSON_AddObjectToObject(o, "watts");
        (void)cJSON_AddNumberToObject(range, "low", low);
        (void)cJSON_AddNumberToObject(range, "high", high);
        (void)cJSON_AddNumberToObject(range, "boards_unknown", w->unknown);
}

static void add_sensors(cJSON *o, const struct sensors *s) {
        cJSON *memory = cJSON_AddObjectToObject(o, "memory");
        cJSON *disk = cJSON_AddObjectToObject(o, "disk");
        cJSON *network = cJSON_AddObjectToObject(o, "network");
        cJSON *cores = cJSON_CreateArray();
        char words[SIZE_REASON * 2];

        (void)cJSON_AddNumberToObject(o, "cpu_percent", s->cpu_permille / 10.0);
        for (unsigned i = 0; i < s->n_cores; i++)
                (void)cJSON_AddItemToArray(cores, cJSON_CreateNumber(s->core_permille[i] / 10.0));
        (void)cJSON_AddItemToObject(o, "cpu_cores_percent", cores);
        (void)cJSON_AddNumberToObject(memory, "total_bytes", (double)s->ram_bytes);
        (void)cJSON_AddNumberToObject(memory, "available_bytes", (double)s->ram_available_bytes);
        if (s->temperature_mc == INT32_MIN)
                (void)cJSON_AddNullToObject(o, "temperature_c");
        else
                (void)cJSON_AddNumberToObject(o, "temperature_c", s->temperature_mc / 1000.0);
        (void)cJSON_AddItemToObject(o, "power", power_json(s->power));
        (void)cJSON_AddNumberToObject(disk, "total_bytes", (double)s->disk_bytes);
        (void)cJSON_AddNumberToObject(disk, "free_bytes", (double)s->disk_free_bytes);
        (void)cJSON_AddNumberToObject(disk, "written_bytes", (double)s->disk_written_bytes);
        (void)cJSON_AddNumberToObject(disk, "errors", (double)s->card_errors);
        (void)cJSON_AddStringToObject(network, "interface", s->net_name);
        (void)cJSON_AddNumberToObject(network, "mbps", s->net_mbps);
        (void)cJSON_AddNumberToObject(network, "rx_bytes_per_second",
                                      (double)s->net_rx_bytes_per_sec);
        (void)cJSON_AddNumberToObject(network, "tx_bytes_per_second",
                                      (double)s->net_tx_bytes_per_sec);
        (void)cJSON_AddNumberToObject(o, "uptime_seconds", (double)s->uptime_sec);
        (void)cJSON_AddStringToObject(o, "problems",
                                      report_problem_text(words, sizeof(words), s->problems));
}

/* How a board stands to Kubernetes, as one text too: "ready", "init failed: Mem, retry in 40 s".
 * The last word of a board that is not up is not how it is now. */
static void add_kube(cJSON *o, const struct report_kube *k, bool up) {
        cJSON *kube = cJSON_AddObjectToObject(o, "kubernetes");

        (void)cJSON_AddStringToObject(kube, "state", up ? kube_phase_text(k->phase) : "unknown");
        (void)cJSON_AddStringToObject(kube, "text", up ? k->text : "");
        (void)cJSON_AddStringToObject(kube, "version", k->version);
        (void)cJSON_AddBoolToObject(kube, "api", k->api && up);
        (void)cJSON_AddNumberToObject(kube, "epoch", k->epoch);
        if (k->snapshot)
                (void)cJSON_AddNumberToObject(kube, "snapshot", (double)(uint32_t)k->snapshot);
        else
                (void)cJSON_AddNullToObject(kube, "snapshot");
}

/* The cluster as the leader's picture has it. */
static cJSON *cluster_json(const struct agent *a) {
        const struct world_kube *k = &a->world.kube;
        cJSON *o = cJSON_CreateObject(), *planes = cJSON_CreateArray();

        (void)cJSON_AddStringToObject(o, "state",
                                      k->off             ? "off"
                                      : k->adopted       ? "set up by hand"
                                      : k->founded       ? "running"
                                      : k->n_planes == 0 ? "none"
                                                         : "being made");
        (void)cJSON_AddStringToObject(o, "version", k->version);
        (void)cJSON_AddNumberToObject(o, "epoch", k->epoch);
        for (uint32_t i = 0; i < k->n_planes; i++)
                (void)cJSON_AddItemToArray(planes,
                                           cJSON_CreateString(member_name(a, k->planes[i])));
        (void)cJSON_AddItemToObject(o, "control_planes", planes);
        (void)cJSON_AddStringToObject(o, "note", k->note);
        return o;
}

struct nodes {
        const struct agent *agent;
        cJSON *array;
        unsigned voters, voters_up;
        struct watts watts; /* of those that are up */
};

static void add_node(void *arg, const struct coordinator_board *b) {
        struct nodes *n = arg;
        const struct agent *a = n->agent;
        enum voter_role role = consensus_role(membership_consensus(a), b->member->node);
        cJSON *o = cJSON_CreateObject();
        char id[17], drain[SIZE_REASON];
        bool drained = coordinator_drained(a, b->member->node, drain);

        str_hex64(b->member->node, id);
        (void)cJSON_AddStringToObject(o, "name", b->member->name);
        (void)cJSON_AddStringToObject(o, "id", id);
        (void)cJSON_AddStringToObject(o, "role",
                                      b->member->node == a->charter.master ? "master" : "worker");
        (void)cJSON_AddBoolToObject(o, "leader", b->member->node == a->board.node);
        (void)cJSON_AddBoolToObject(o, "voter", role == VOTER_VOTES);
        (void)cJSON_AddStringToObject(o, "state", b->up ? "up" : "down");
        (void)cJSON_AddBoolToObject(o, "cordoned", b->member->cordoned);
        (void)cJSON_AddBoolToObject(o, "drained", drained);
        (void)cJSON_AddStringToObject(o, "drain", drain);
        (void)cJSON_AddStringToObject(o, "address", b->address);
        (void)cJSON_AddItemToObject(o, "board", board_json(b->board));
        add_sensors(o, b->sensors);
        add_kube(o, b->kube, b->up);
        (void)cJSON_AddNumberToObject(o, "functions", b->n_instances);
        (void)cJSON_AddItemToArray(n->array, o);
        if (b->up)
                watts_add(&n->watts, b->board);
        if (role == VOTER_VOTES) {
                n->voters++;
                n->voters_up += b->up;
        }
}

static cJSON *status_json(struct agent *a) {
        cJSON *o = cJSON_CreateObject();
        const struct charter_member *master = charter_member(&a->charter, a->charter.master);
        struct nodes n = { .agent = a, .array = cJSON_CreateArray() };

        coordinator_each(a, add_node, &n);
        (void)cJSON_AddStringToObject(o, "cluster", a->charter.cluster);
        (void)cJSON_AddStringToObject(o, "master", master ? master->name : "");
        (void)cJSON_AddStringToObject(o, "leader", a->name);
        (void)cJSON_AddNumberToObject(o, "term", (double)consensus_term(membership_consensus(a)));
        (void)cJSON_AddNumberToObject(o, "voters", n.voters);
        (void)cJSON_AddNumberToObject(o, "voters_up", n.voters_up);
        add_watts(o, &n.watts);
        (void)cJSON_AddItemToObject(o, "kubernetes", cluster_json(a));
        (void)cJSON_AddItemToObject(o, "nodes", n.array);
        (void)cJSON_AddItemToObject(o, "alerts", status_alerts(a));
        (void)cJSON_AddItemToObject(o, "functions", status_functions(a));
        return o;
}

/* What this board can say by itself while nobody leads, or before it belongs anywhere. */
static cJSON *alone_json(struct agent *a, const char *why) {
        const struct sensors *s = reporter_sensors(a);
        struct consensus *c = membership_consensus(a);
        uint64_t leader = membership_leader(a);
        cJSON *o = cJSON_CreateObject(), *nodes = cJSON_CreateArray(), *self;
        char id[17], text[SIZE_REASON];
        struct report_kube kube;

        (void)cJSON_AddStringToObject(o, "cluster", a->pki.self.cluster);
        (void)cJSON_AddStringToObject(o, "master", member_name(a, a->world.master));
        (void)cJSON_AddStringToObject(o, "leader",
                                      leader && leader != a->board.node ? leader_name(a) : "");
        (void)cJSON_AddNumberToObject(o, "term", c ? (double)consensus_term(c) : 0);
        (void)cJSON_AddNumberToObject(o, "voters", c ? consensus_voters(c) : 0);
        (void)cJSON_AddNullToObject(o, "voters_up");
        (void)cJSON_AddStringToObject(o, "note",
                                      a->bramble ? why : membership_text(a, text, sizeof(text)));
        self = cJSON_CreateObject();
        str_hex64(a->board.node, id);
        (void)cJSON_AddStringToObject(self, "name", a->name);
        (void)cJSON_AddStringToObject(self, "id", id);
        (void)cJSON_AddStringToObject(self, "role",
                                      !a->bramble                        ? "fresh"
                                      : a->board.node == a->world.master ? "master"
                                                                         : "worker");
        (void)cJSON_AddBoolToObject(self, "leader", false);
        (void)cJSON_AddStringToObject(self, "state", "up");
        (void)snprintf(text, sizeof(text), "%u.%u.%u.%u", a->lan.address >> 24,
                       a->lan.address >> 16 & 255, a->lan.address >> 8 & 255, a->lan.address & 255);
        (void)cJSON_AddStringToObject(self, "address", a->lan.address ? text : "");
        (void)cJSON_AddItemToObject(self, "board", board_json(&a->board));
        add_sensors(self, s);
        kube_report(a, &kube);
        add_kube(self, &kube, true);
        (void)cJSON_AddItemToArray(nodes, self);
        for (uint32_t i = 0; i < a->world.n_members; i++) {
                const struct world_member *m = &a->world.members[i];
                cJSON *other;

                if (m->node == a->board.node)
                        continue;
                other = cJSON_CreateObject();
                str_hex64(m->node, id);
                (void)cJSON_AddStringToObject(other, "name", m->name);
                (void)cJSON_AddStringToObject(other, "id", id);
                (void)cJSON_AddStringToObject(other, "role",
                                              m->node == a->world.master ? "master" : "worker");
                (void)cJSON_AddBoolToObject(other, "leader", false);
                (void)cJSON_AddStringToObject(other, "state", "unknown");
                (void)cJSON_AddItemToArray(nodes, other);
        }
        (void)cJSON_AddItemToObject(o, "kubernetes", cluster_json(a));
        (void)cJSON_AddItemToObject(o, "nodes", nodes);
        (void)cJSON_AddItemToObject(o, "alerts", status_alerts_self(a));
        (void)cJSON_AddItemToObject(o, "functions", status_functions(a));
        return o;
}

static void on_leader(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;

        /* one that does not lead any more can only speak for itself */
        if (result == 0 && cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(reply, "voters_up")))
                request_reply(q, cJSON_Duplicate(reply, true));
        else
                request_reply(q, alone_json(q->agent, result < 0 ? why
                                                                 : "the leader has just "
                                                                   "changed"));
        request_unref(q);
}

void verb_status(struct request *q) {
        struct agent *a = q->agent;

        if (membership_leads(a) && consensus_followed(membership_consensus(a)))
                request_reply(q, status_json(a));
        else if (membership_leads(a)) /* the others may have another leader any moment */
                request_reply(q, alone_json(a, "this board led, and does not reach the others"));
        else if (a->bramble == 0 || link_kind(q->link) == LINK_BOARD)
                request_reply(q, alone_json(a, "this board does not lead"));
        else
                api_ask_leader(a, q->args, on_leader, request_ref(q));
}

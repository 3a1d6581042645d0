/* api_doctor - what is right and wrong on this board, each failure with what to do. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/api_doctor.h"
#include "daemon/kube.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/reporter.h"
#include "daemon/secret_key.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct check {
        bool pass;
        char text[SIZE_REASON * 2];   /* what was found */
        char advice[SIZE_REASON * 2]; /* what to do where it fails */
};

static void say(struct check *c, bool pass, const char *text, const char *advice) {
        c->pass = pass;
        (void)snprintf(c->text, sizeof(c->text), "%s", text);
        (void)snprintf(c->advice, sizeof(c->advice), "%s", pass ? "" : advice);
}

static void check_board(struct agent *a, struct check *c) {
        char text[SIZE_REASON];

        (void)snprintf(text, sizeof(text), "%.63s (%s)", a->board.model, a->board.id);
        say(c, !str_eq(a->board.id, "unknown"), text,
            "no profile in boards/ fits this board: it runs with careful limits");
}

static void check_lan(struct agent *a, struct check *c) {
        char text[SIZE_REASON];

        (void)snprintf(text, sizeof(text), "%s, %u.%u.%u.%u/%u", a->lan.name, a->lan.address >> 24,
                       a->lan.address >> 16 & 255, a->lan.address >> 8 & 255, a->lan.address & 255,
                       a->lan.prefix);
        say(c, a->lan.address, a->lan.address ? text : "no network with an address",
            "plug in the cable, or look at the router: does it give out addresses?");
}

static void check_mdns(struct agent *a, struct check *c) {
        say(c, a->mdns_available,
            a->mdns_available ? "avahi-daemon answers" : "avahi-daemon does not answer",
            "systemctl start avahi-daemon; until then only remembered boards and 'peers =' are "
            "found");
}

static void check_bramble(struct agent *a, struct check *c) {
        char text[SIZE_REASON], state[SIZE_REASON];

        if (a->bramble == 0) {
                (void)membership_text(a, state, sizeof(state));
                say(c, false, state,
                    "are the other boards on, on this network, and of the same cluster?");
                return;
        }
        (void)snprintf(text, sizeof(text), "this board is %s of cluster %s", a->name,
                       a->pki.self.cluster);
        say(c, true, text, "");
}

static void check_leader(struct agent *a, struct check *c) {
        uint64_t leader = membership_leader(a);
        const struct world_member *m = world_member(&a->world, leader);
        char text[SIZE_REASON];

        (void)snprintf(text, sizeof(text), "%s leads", m ? m->name : "somebody");
        say(c, leader && (leader == a->board.node || peers_link(a, leader)),
            leader ? text : "nobody leads",
            "a majority of the voters must be on and reachable: agentctl status on other boards");
}

static void check_containerd(struct agent *a, struct check *c) {
        bool ok = !(a->problems & PROBLEM_CONTAINERD);

        say(c, ok, ok ? "containerd answers" : "containerd does not answer",
            "systemctl status containerd; functions that run go on running");
}

static void check_network(struct agent *a, struct check *c) {
        char text[SIZE_REASON];

        (void)snprintf(text, sizeof(text), "functions live in 10.62.%u.0/24", a->subnet);
        if (a->problems & PROBLEM_NETWORK)
                say(c, false, "the function network is not set up",
                    "journalctl -u bramble-agent says why; is nft installed?");
        else
                say(c, true, a->subnet ? text : "waits for a bramble", "");
}

static void check_cgroup(struct agent *a, struct check *c) {
        bool memory = containers_limit_memory(a->containers);

        say(c, memory, memory ? "memory can be limited" : "the memory cgroup is off",
            "add 'cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1' to the one line of "
            "cmdline.txt on the boot partition, then reboot");
}

static void check_disk(struct agent *a, struct check *c) {
        const struct sensors *s = reporter_sensors(a);
        char text[SIZE_REASON], size[16];
        uint32_t bad = PROBLEM_DISK_FULL | PROBLEM_DISK_READ_ONLY | PROBLEM_NOT_SAVED;

        (void)snprintf(text, sizeof(text), "%s free%s", str_size(size, s->disk_free_bytes),
                       s->problems & PROBLEM_DISK_READ_ONLY ? ", but the card is read-only"
                       : s->problems & PROBLEM_NOT_SAVED    ? ", but writing failed"
                                                            : "");
        say(c, !(s->problems & bad), text,
            s->problems & PROBLEM_DISK_FULL
                    ? "remove images that are not used, or take a larger card"
                    : "dmesg says why; a card that turned read-only is worn out: replace it");
}

static void check_power(struct agent *a, struct check *c) {
        const struct sensors *s = reporter_sensors(a);
        char text[SIZE_REASON];

        (void)report_power_text(text, sizeof(text), s->power);
        say(c, !(s->power & POWER_KNOWN) || !(s->power & (POWER_UNDER_VOLTAGE | POWER_THROTTLED)),
            text, "use a stronger power supply and a short cable; give the board air");
}

static void check_name(struct agent *a, struct check *c) {
        char host[HOST_NAME_MAX + 1] = "", text[SIZE_REASON];

        (void)gethostname(host, sizeof(host) - 1);
        (void)snprintf(text, sizeof(text), "the host name is %.63s", host);
        say(c, !a->name[0] || str_eq(host, a->name), text,
            "the agent sets it through systemd-hostnamed: systemctl status systemd-hostnamed");
}

/* Without it this board could lead, but open no secret. */
static void check_secrets(struct agent *a, struct check *c) {
        if (!a->bramble)
                say(c, true, "this board is in no bramble yet", "");
        else if (secret_key(a))
                say(c, true, "this board has the key of the bramble's secrets", "");
        else
                say(c, false, "this board has not got the key of the bramble's secrets",
                    "it asks the other members for it: wait until one that has it is on");
}

static const struct {
        const char *name;
        void (*run)(struct agent *a, struct check *c);
} checks[] = {
        { "board", check_board },           { "network", check_lan },
        { "discovery", check_mdns },        { "bramble", check_bramble },
        { "leader", check_leader },         { "host name", check_name },
        { "containerd", check_containerd }, { "function network", check_network },
        { "memory cgroup", check_cgroup },  { "card", check_disk },
        { "power", check_power },           { "secrets", check_secrets },
};

void doctor_add(cJSON *array, const char *name, bool pass, const char *text, const char *advice) {
        cJSON *check = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(check, "name", name);
        (void)cJSON_AddBoolToObject(check, "pass", pass);
        (void)cJSON_AddStringToObject(check, "text", text);
        (void)cJSON_AddStringToObject(check, "advice", pass ? "" : advice);
        (void)cJSON_AddItemToArray(array, check);
}

static void add(cJSON *array, const char *name, const struct check *c) {
        doctor_add(array, name, c->pass, c->text, c->advice);
}

/* What the agent looks at before it lets kubeadm loose; a note that does not pass is no failure. */
static void add_kube(struct agent *a, cJSON *array) {
        struct preflight p;
        struct check c;

        if (!kube_preflight_now(a, &p))
                return;
        for (uint32_t i = 0; i < p.n; i++) {
                const struct preflight_check *k = &p.checks[i];
                char name[64];

                say(&c, k->pass || k->severity == PREFLIGHT_NOTE, k->text, k->advice);
                (void)snprintf(name, sizeof(name), "kubernetes: %s", k->name);
                add(array, name, &c);
        }
}

void verb_doctor(struct request *q) {
        cJSON *o = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(o, "checks");

        (void)cJSON_AddStringToObject(o, "node", q->agent->name);
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                struct check c = { 0 };

                checks[i].run(q->agent, &c);
                add(array, checks[i].name, &c);
        }
        doctor_add_card(q->agent, array);
        add_kube(q->agent, array);
        request_reply(q, o);
}

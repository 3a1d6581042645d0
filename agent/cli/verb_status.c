/* verb_status - the boards of a bramble as a table. */
#include "base/str.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "core/drain.h"
#include "io/json.h"

#include <math.h>
#include <stdio.h>

static double number(const cJSON *o, const char *key) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

static uint64_t whole(const cJSON *o, const char *key) {
        double v = number(o, key);

        return v > 0 && v < 1e18 ? (uint64_t)v : 0;
}

static void print_head(const cJSON *o) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(o, "nodes"), *n;
        const char *master = json_text(o, "master", ""), *leader = json_text(o, "leader", "");
        const char *note = json_text(o, "note", "");
        unsigned all = 0, up = 0;

        cJSON_ArrayForEach(n, nodes) {
                all++;
                up += str_eq(json_text(n, "state", ""), "up");
        }
        printf("cluster %s", cli_safe(json_text(o, "cluster", "?")));
        if (master[0])
                printf(", master %s", cli_safe(master));
        if (!leader[0])
                printf(", no leader");
        else if (!str_eq(leader, master))
                printf(", led by %s", cli_safe(leader));
        printf(", %u of %u boards up", up, all);
        if (!isnan(number(o, "voters_up")))
                printf(", %u of %u voters", (unsigned)whole(o, "voters_up"),
                       (unsigned)whole(o, "voters"));
        printf("\n");
        if (note[0])
                printf("%s\n", cli_safe(note));
}

static void cpu_cell(struct table *t, const cJSON *n) {
        double percent = number(n, "cpu_percent");

        if (isnan(percent))
                table_cell(t, TABLE_PLAIN, "-");
        else
                table_cell(t, percent > 90 ? TABLE_WARN : TABLE_PLAIN, "%.0f %%", percent);
}

static void ram_cell(struct table *t, const cJSON *n) {
        const cJSON *memory = cJSON_GetObjectItemCaseSensitive(n, "memory");
        uint64_t total = whole(memory, "total_bytes"), left = whole(memory, "available_bytes");
        char used_text[16], total_text[16];

        if (total == 0)
                table_cell(t, TABLE_PLAIN, "-");
        else
                table_cell(t, left < total / 10 ? TABLE_WARN : TABLE_PLAIN, "%s of %s",
                           str_size(used_text, total > left ? total - left : 0),
                           str_size(total_text, total));
}

static void temperature_cell(struct table *t, const cJSON *n) {
        double celsius = number(n, "temperature_c");

        if (isnan(celsius))
                table_cell(t, TABLE_PLAIN, "-");
        else
                table_cell(t, celsius >= 80 ? TABLE_BAD : TABLE_PLAIN, "%.0f C", celsius);
}

static void power_cell(struct table *t, const cJSON *n) {
        const cJSON *power = cJSON_GetObjectItemCaseSensitive(n, "power");
        bool bad = json_bool(power, "under_voltage") || json_bool(power, "throttled");

        table_cell(t, bad ? TABLE_BAD : TABLE_PLAIN, "%s",
                   power ? cli_safe(json_text(power, "words", "-")) : "-");
}

static void net_cell(struct table *t, const cJSON *n) {
        const cJSON *net = cJSON_GetObjectItemCaseSensitive(n, "network");
        uint64_t bytes = whole(net, "rx_bytes_per_second") + whole(net, "tx_bytes_per_second");
        char text[16];

        if (!net)
                table_cell(t, TABLE_PLAIN, "-");
        else
                table_cell(t, TABLE_PLAIN, "%s/s", str_size(text, bytes));
}

/* Does any board have Kubernetes, or want it? */
static bool has_kubernetes(const cJSON *nodes) {
        const cJSON *n;

        cJSON_ArrayForEach(n, nodes) {
                const cJSON *kube = cJSON_GetObjectItemCaseSensitive(n, "kubernetes");
                const char *state = json_text(kube, "state", "not installed");

                if (!str_eq(state, "not installed") && !str_eq(state, "off") &&
                    !str_eq(state, "unknown"))
                        return true;
        }
        return false;
}

static void kubernetes_cell(struct table *t, const cJSON *n) {
        const cJSON *kube = cJSON_GetObjectItemCaseSensitive(n, "kubernetes");
        const char *state = json_text(kube, "state", "-");

        table_cell(t,
                   str_eq(state, "ready")                               ? TABLE_GOOD
                   : str_eq(state, "failed") || str_eq(state, "fenced") ? TABLE_BAD
                                                                        : TABLE_PLAIN,
                   "%s", cli_safe(state));
}

static void print_kubernetes(const cJSON *o) {
        const cJSON *cluster = cJSON_GetObjectItemCaseSensitive(o, "kubernetes"), *n;
        const cJSON *planes = cJSON_GetObjectItemCaseSensitive(cluster, "control_planes");
        const char *version = json_text(cluster, "version", "");
        const char *note = json_text(cluster, "note", "");
        bool first = true;

        printf("kubernetes %s%s%s", cli_safe(version), version[0] ? ", " : "",
               cli_safe(json_text(cluster, "state", "?")));
        cJSON_ArrayForEach(n, planes) {
                printf("%s%s", first ? ", control plane on " : ", ", cli_safe(n->valuestring));
                first = false;
        }
        printf("\n");
        if (note[0])
                printf("kubernetes: %s\n", cli_safe(note));
}

/* "worker", "worker, cordoned". */
static void role_cell(struct table *t, const cJSON *n) {
        const char *word = drain_word(json_bool(n, "cordoned"), json_bool(n, "drained"));

        table_cell(t, word[0] ? TABLE_WARN : TABLE_PLAIN, "%s%s%s",
                   cli_safe(json_text(n, "role", "?")), word[0] ? ", " : "", word);
}

static void board_row(struct table *t, const cJSON *n, bool kubernetes) {
        const cJSON *board = cJSON_GetObjectItemCaseSensitive(n, "board");
        const char *state = json_text(n, "state", "unknown");
        const char *name = json_text(n, "name", "");
        bool up = str_eq(state, "up");
        char text[16];

        table_row(t);
        table_cell(t, TABLE_PLAIN, "%s%s", name[0] ? cli_safe(name) : "(no name yet)",
                   json_bool(n, "leader") ? "*" : "");
        role_cell(t, n);
        table_cell(t, TABLE_PLAIN, "%s", board ? cli_safe(json_text(board, "id", "?")) : "?");
        if (!up) {
                table_cell(t, TABLE_BAD, "%s", cli_safe(state));
                return;
        }
        cpu_cell(t, n);
        ram_cell(t, n);
        temperature_cell(t, n);
        power_cell(t, n);
        net_cell(t, n);
        table_cell(t, TABLE_PLAIN, "%s", str_duration(text, whole(n, "uptime_seconds")));
        if (kubernetes)
                kubernetes_cell(t, n);
}

static void print_alerts(const cJSON *o) {
        const cJSON *alerts = cJSON_GetObjectItemCaseSensitive(o, "alerts"), *x;
        bool colour = cli_on_terminal(1), first = true;

        cJSON_ArrayForEach(x, alerts) {
                const char *severity = json_text(x, "severity", "?");
                char since[16];

                printf("%s%s%s%s %s: %s (for %s)\n", first ? "\n" : "",
                       !colour || str_eq(severity, "info") ? ""
                       : str_eq(severity, "error")         ? "\033[31m"
                                                           : "\033[33m",
                       cli_safe(severity), colour ? "\033[0m" : "",
                       cli_safe(json_text(x, "board", "?")), cli_safe(json_text(x, "text", "")),
                       str_duration(since, whole(x, "since_ms") / 1000));
                first = false;
        }
}

static int show_status(const struct cli *c) {
        static const char *const titles[] = { "NAME", "ROLE",  "BOARD", "CPU", "RAM",
                                              "TEMP", "POWER", "NET",   "UP",  NULL };
        static const char *const with_kubernetes[] = { "NAME", "ROLE",       "BOARD", "CPU",
                                                       "RAM",  "TEMP",       "POWER", "NET",
                                                       "UP",   "KUBERNETES", NULL };
        const cJSON *n, *nodes;
        bool kubernetes;
        struct table *t;
        bool leads = false;
        cJSON *o;
        int r;

        r = cli_ask(c, cli_request("status"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        nodes = cJSON_GetObjectItemCaseSensitive(o, "nodes");
        kubernetes = has_kubernetes(nodes);
        print_head(o);
        if (kubernetes)
                print_kubernetes(o);
        printf("\n");
        t = table_new(kubernetes ? with_kubernetes : titles);
        cJSON_ArrayForEach(n, nodes) {
                board_row(t, n, kubernetes);
                leads = leads || json_bool(n, "leader");
        }
        table_print(t);
        if (leads)
                printf("\n* leads\n");
        cJSON_ArrayForEach(n, nodes) {
                const char *problems = json_text(n, "problems", "");
                const char *text =
                        json_text(cJSON_GetObjectItemCaseSensitive(n, "kubernetes"), "text", "");

                if (kubernetes && text[0])
                        printf("%s: kubernetes: %s\n", cli_safe(json_text(n, "name", "?")),
                               cli_safe(text));
                if (json_bool(n, "cordoned") && !json_bool(n, "drained"))
                        printf("%s: draining: %s\n", cli_safe(json_text(n, "name", "?")),
                               cli_safe(json_text(n, "drain", "")));
                if (problems[0])
                        printf("%s: %s\n", cli_safe(json_text(n, "name", "?")), cli_safe(problems));
        }
        print_alerts(o);
        cJSON_Delete(o);
        return CLI_DONE;
}

int verb_status(const struct cli *c, int argc, char **argv) {
        uint64_t seconds = WATCH_SECONDS;

        if (argc == 1)
                return show_status(c);
        if (!str_eq(argv[1], "--watch"))
                return cli_misused(c, argv[0], "'%.40s' is not known", argv[1]);
        if (argc == 3 && (str_to_u64(argv[2], WATCH_SECONDS_MOST, &seconds) < 0 || seconds == 0))
                return cli_misused(c, argv[0], "--watch takes seconds, from 1 to %d",
                                   WATCH_SECONDS_MOST);
        return watch_run(c, (unsigned)seconds, show_status);
}

static void node_row(struct table *t, const cJSON *n) {
        const cJSON *board = cJSON_GetObjectItemCaseSensitive(n, "board");
        const cJSON *memory = cJSON_GetObjectItemCaseSensitive(n, "memory");
        char size[16];

        table_row(t);
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(n, "name", "?")));
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(n, "state", "?")));
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(n, "address", "-")));
        table_cell(t, TABLE_PLAIN, "%s", json_bool(n, "voter") ? "votes" : "stands by");
        table_cell(t, TABLE_PLAIN, "%s", board ? cli_safe(json_text(board, "model", "?")) : "?");
        table_cell(t, TABLE_PLAIN, "%u x %u MHz", (unsigned)whole(board, "cores"),
                   (unsigned)whole(board, "clock_mhz"));
        table_cell(t, TABLE_PLAIN, "%s", str_size(size, whole(memory, "total_bytes")));
        table_cell(t, TABLE_PLAIN, "%u/%u", (unsigned)whole(board, "bits_kernel"),
                   (unsigned)whole(board, "bits_user"));
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(n, "id", "?")));
}

int verb_nodes(const struct cli *c, int argc, char **argv) {
        static const char *const titles[] = { "NAME", "STATE", "ADDRESS", "VOTE", "MODEL",
                                              "CPU",  "RAM",   "BITS",    "ID",   NULL };
        cJSON *o, *nodes, *n;
        struct table *t;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("status"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        nodes = cJSON_DetachItemFromObjectCaseSensitive(o, "nodes");
        cJSON_Delete(o);
        if (c->json)
                return cli_print_json(nodes);
        t = table_new(titles);
        cJSON_ArrayForEach(n, nodes) {
                node_row(t, n);
        }
        table_print(t);
        cJSON_Delete(nodes);
        return CLI_DONE;
}

#include "core/bramble_metrics.h"

#include "base/buf.h"
#include "base/scope.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct world_member members[] = {
        { .node = 1, .name = "m1", .up = true },
        { .node = 2, .name = "w1", .up = false },
        { .node = 3, .name = "w2", .up = true },
};
static struct world_function functions[] = {
        { .name = "a", .namespace = "openfaas-fn" },
        { .name = "b", .namespace = "dev" },
};
static struct world_instance instances[] = {
        { .function = 0, .state = INSTANCE_READY },
        { .function = 0, .state = INSTANCE_READY },
        { .function = 0, .state = INSTANCE_PENDING },
        { .function = 0, .state = INSTANCE_FETCHING },
        { .function = 0, .state = INSTANCE_STARTING },
        { .function = 0, .state = INSTANCE_BACKOFF },
        { .function = 0, .state = INSTANCE_FAILED },
        { .function = 0, .state = INSTANCE_STOPPING },
};

static struct world_alarm alarms[] = {
        { .node = 2, .kind = ALARM_LOST, .severity = SEVERITY_ERROR, .text = "gone" },
        { .node = 3, .kind = ALARM_UNDER_VOLTAGE, .severity = SEVERITY_INFO, .text = "was" },
};

static const struct world full = {
        .term = 7,
        .bramble = 99,
        .master = 1,
        .cluster = "home",
        .n_members = ARRAY_SIZE(members),
        .members = members,
        .n_functions = ARRAY_SIZE(functions),
        .functions = functions,
        .n_instances = ARRAY_SIZE(instances),
        .instances = instances,
        .n_images = 4,
        .n_alarms = ARRAY_SIZE(alarms),
        .alarms = alarms,
};
static const struct world empty = { 0 };

/* Is exactly this line there? */
static bool has(const char *text, const char *line) {
        size_t len = strlen(line);

        for (const char *at = text; (at = strstr(at, line)); at++)
                if ((at == text || at[-1] == '\n') && at[len] == '\n')
                        return true;
        return false;
}

struct print_case {
        const struct world *world;
        uint64_t node, leader;
        uint32_t power, problems;
        const char *lines[20];
        const char *not_there[5];
};

static void prints(void **state) {
        static const struct print_case cases[] = {
                { &full,
                  1,
                  1,
                  POWER_KNOWN | POWER_UNDER_VOLTAGE | POWER_WAS_THROTTLED,
                  PROBLEM_DISK_FULL | PROBLEM_NETWORK,
                  { "bramble_board_info{name=\"m1\",id=\"0000000000000001\",profile=\"3B+\",model="
                    "\"Pi \\\"3\\\"\",role=\"master\",cluster=\"home\"} 1",
                    "bramble_board_leader 1", "bramble_board_master 1", "bramble_power_known 1",
                    "bramble_power{state=\"under_voltage\",since=\"now\"} 1",
                    "bramble_power{state=\"throttled\",since=\"now\"} 0",
                    "bramble_power{state=\"throttled\",since=\"boot\"} 1",
                    "bramble_board_problem{problem=\"disk_full\"} 1",
                    "bramble_board_problem{problem=\"network\"} 1",
                    "bramble_board_problem{problem=\"memory\"} 0", "bramble_members 3",
                    "bramble_members_up 2", "bramble_member_up{name=\"w1\"} 0",
                    "bramble_leader_known 1", "bramble_term 7", "bramble_images 4",
                    "bramble_alerts 1",
                    "bramble_alert{alert=\"board-lost\",name=\"w1\",severity=\"error\"} 1",
                    "bramble_alert{alert=\"under-voltage\",name=\"w2\",severity=\"info\"} 1" },
                  { NULL } },
                { &full,
                  2,
                  1,
                  0,
                  0,
                  { "bramble_board_leader 0", "bramble_board_master 0", "bramble_power_known 0",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"ready\"} 2",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"pending\"} "
                    "1",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"fetching\"} "
                    "1",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"starting\"} "
                    "1",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"backoff\"} "
                    "1",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"failed\"} 1",
                    "bramble_function_replicas{function_name=\"a.openfaas-fn\",state=\"stopping\"} "
                    "1",
                    "bramble_function_replicas{function_name=\"b.dev\",state=\"ready\"} 0",
                    "bramble_board_kubernetes{state=\"ready\"} 1" },
                  { "bramble_power{", "{function_name=\"b.dev\",state=\"failed\"}" } },
                { &empty,
                  0,
                  0,
                  POWER_KNOWN,
                  0,
                  { "bramble_board_leader 0", "bramble_board_master 0", "bramble_leader_known 0",
                    "bramble_members 0", "bramble_members_up 0", "bramble_power_known 1",
                    "bramble_alerts 0" },
                  { "bramble_member_up{", "bramble_alert{", "bramble_function_replicas{",
                    "role=\"master\"" } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct print_case *c = &cases[i];
                const struct board board = { .node = c->node, .id = "3B+", .model = "Pi \"3\"" };
                const struct sensors sensors = { .power = c->power, .problems = c->problems };
                const struct bramble_metrics m = { .name = c->world->bramble ? "m1" : "",
                                                   .board = &board,
                                                   .sensors = &sensors,
                                                   .world = c->world,
                                                   .leader = c->leader,
                                                   .kubernetes = KUBE_READY };
                auto_buf struct buf out = { 0 };

                bramble_metrics_print(&m, &out);
                for (size_t l = 0; l < ARRAY_SIZE(c->lines) && c->lines[l]; l++)
                        if (!has(out.data, c->lines[l]))
                                fail_msg("case %zu: no line '%s' in\n%s", i, c->lines[l], out.data);
                for (size_t l = 0; l < ARRAY_SIZE(c->not_there) && c->not_there[l]; l++)
                        if (strstr(out.data, c->not_there[l]))
                                fail_msg("case %zu: '%s' is there", i, c->not_there[l]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(prints) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* metrics_text ROOT - prints what an agent would tell of the board below ROOT, in a bramble of four
 * boards with two functions: for test_metrics.sh, whose fake agent has no board. */
#include "base/scope.h"
#include "core/bramble_metrics.h"
#include "io/node_metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct world_member members[] = {
        { .node = 1, .name = "m1", .up = true },
        { .node = 2, .name = "w1", .up = true },
        { .node = 3, .name = "w2", .up = false },
        { .node = 4, .name = "w3", .up = true },
};
static struct world_function functions[] = {
        { .name = "hello", .namespace = "openfaas-fn", .replicas = 3 },
        { .name = "zero", .namespace = "dev" },
};
static struct world_instance instances[] = {
        { .id = 1, .function = 0, .node = 1, .state = INSTANCE_READY },
        { .id = 2, .function = 0, .node = 2, .state = INSTANCE_READY },
        { .id = 3, .function = 0, .node = 4, .state = INSTANCE_BACKOFF },
};

int main(int argc, char **argv) {
        const struct world world = {
                .term = 7,
                .bramble = 1,
                .leader = 1,
                .master = 1,
                .cluster = "home",
                .n_members = ARRAY_SIZE(members),
                .members = members,
                .n_functions = ARRAY_SIZE(functions),
                .functions = functions,
                .n_instances = ARRAY_SIZE(instances),
                .instances = instances,
                .n_images = 2,
        };
        const struct board board = { .id = "3B+",
                                     .model = "Raspberry Pi 3 Model B Plus Rev 1.3",
                                     .node = 1,
                                     .function_bytes = 512 << 20 };
        const struct sensors sensors = { .power = POWER_KNOWN | POWER_UNDER_VOLTAGE |
                                                  POWER_WAS_UNDER_VOLTAGE,
                                         .problems = PROBLEM_DISK_FULL };
        const struct bramble_metrics m = { .name = "m1",
                                           .board = &board,
                                           .sensors = &sensors,
                                           .world = &world,
                                           .leader = 1,
                                           .kubernetes = KUBE_READY };
        auto_buf struct buf out = { 0 };
        int root = argc == 2 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        if (root < 0) {
                fprintf(stderr, "usage: metrics_text ROOT\n");
                return 2;
        }
        if (node_metrics(root, &out) < 0)
                return 1;
        bramble_metrics_print(&m, &out);
        (void)close(root);
        return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}

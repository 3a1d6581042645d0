#include "io/container_host.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char root[64];

/* "PATH" makes an empty file, "PATH=TEXT" one with text; folders come by themselves. */
static void put(const char *what) {
        const char *equals = strchr(what, '=');
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%.*s", root,
                       (int)(equals ? (size_t)(equals - what) : strlen(what)), what);
        for (char *p = path + strlen(root) + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                (void)mkdir(path, 0700);
                *p = '/';
        }
        f = fopen(path, "we");
        assert_non_null(f);
        if (equals)
                (void)fputs(equals + 1, f);
        (void)fclose(f);
}

static void hosts(void **state) {
        static const struct {
                const char *files[8];
                const char *runtime;
                struct container_host want;
        } cases[] = {
                { { "usr/bin/crun", "usr/sbin/runc",
                    "sys/fs/cgroup/cgroup.controllers=cpuset cpu io memory pids\n",
                    "sys/fs/cgroup/system.slice/memory.swap.max",
                    "etc/resolv.conf=nameserver 192.168.1.1\n" },
                  NULL,
                  { .cgroup_v2 = true,
                    .memory = true,
                    .swap = true,
                    .cpu = true,
                    .pids = true,
                    .runtime = "/usr/bin/crun",
                    .resolv_conf = "/etc/resolv.conf" } },
                /* a Pi as it comes: no memory controller; cpuset is not cpu */
                { { "usr/bin/crun", "sys/fs/cgroup/cgroup.controllers=cpuset io pids" },
                  NULL,
                  { .cgroup_v2 = true, .pids = true, .runtime = "/usr/bin/crun" } },
                /* hybrid: crun refuses it */
                { { "usr/bin/crun", "usr/sbin/runc", "sys/fs/cgroup/unified/cgroup.procs",
                    "sys/fs/cgroup/memory/memory.limit_in_bytes",
                    "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "sys/fs/cgroup/pids/tasks" },
                  NULL,
                  { .memory = true, .cpu = true, .pids = true, .runtime = "/usr/sbin/runc" } },
                /* v1 alone */
                { { "usr/bin/crun", "usr/sbin/runc", "sys/fs/cgroup/memory/memory.limit_in_bytes",
                    "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes" },
                  "",
                  { .memory = true, .swap = true, .runtime = "/usr/bin/crun" } },
                { { "usr/bin/crun" }, "/opt/youki", { .runtime = "/opt/youki" } },
                /* systemd-resolved: 127.0.0.53 is of no use in another network */
                { { "etc/resolv.conf=nameserver 127.0.0.53\noptions edns0\n",
                    "run/systemd/resolve/resolv.conf=# real\nnameserver\t10.0.0.1\n" },
                  NULL,
                  { .resolv_conf = "/run/systemd/resolve/resolv.conf" } },
                { { "etc/resolv.conf=nameserver 127.0.0.1\n" },
                  NULL,
                  { .resolv_conf = "/etc/resolv.conf" } },
                { { "etc/hostname=x" }, NULL, { .cpu = false } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct container_host h;
                char command[128];
                int fd;

                (void)strcpy(root, "/tmp/test_container_host.XXXXXX");
                assert_non_null(mkdtemp(root));
                for (size_t j = 0; j < 8 && cases[i].files[j]; j++)
                        put(cases[i].files[j]);
                fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
                container_host_read(fd, cases[i].runtime, &h);
                (void)close(fd);
                (void)snprintf(command, sizeof(command), "rm -rf %s", root);
                assert_int_equal(system(command), 0);
                assert_int_equal(h.cgroup_v2, cases[i].want.cgroup_v2);
                assert_int_equal(h.memory, cases[i].want.memory);
                assert_int_equal(h.swap, cases[i].want.swap);
                assert_int_equal(h.cpu, cases[i].want.cpu);
                assert_int_equal(h.pids, cases[i].want.pids);
                assert_string_equal(h.runtime, cases[i].want.runtime);
                assert_string_equal(h.resolv_conf, cases[i].want.resolv_conf);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hosts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

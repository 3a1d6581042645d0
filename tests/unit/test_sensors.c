#include "io/sensors.h"

#include "base/scope.h"
#include "io/sensors_file.h"
#include "io/sensors_power.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <cmocka.h>

#define MB ((uint64_t)1 << 20)

static struct board_profile *profiles;
static size_t n_profiles;

static int open_dir(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                fail_msg("%s: %s (run from the top of the project)", path, strerror(errno));
        return fd;
}

static int load(void **state) {
        auto_close int dir = open_dir("boards");
        struct fail f = { 0 };

        (void)state;
        if (board_profiles_load(dir, &profiles, &n_profiles, &f) < 0)
                fail_msg("%s", f.text);
        return 0;
}

static int unload(void **state) {
        (void)state;
        free(profiles);
        return 0;
}

/* Every board's own file says what the documentation says. */
static void board_files(void **state) {
        static const struct {
                const char *id;
                uint16_t clock;
                uint8_t bits;
                uint32_t eth, ram, ram_max;
                uint16_t idle, max;
                bool sensor;
        } cases[] = {
                { "2B", 900, 32, 100, 1024, 1024, 1100, 2100, true },
                { "2B-1.2", 900, 64, 100, 1024, 1024, 1100, 0, true },
                { "3B", 1200, 64, 100, 1024, 1024, 1400, 3700, true },
                { "3B+", 1400, 64, 300, 1024, 1024, 1900, 5100, true },
                { "3A+", 1400, 64, 0, 512, 512, 0, 0, true },
                { "CM3", 1200, 64, 0, 1024, 1024, 0, 0, false },
                { "CM3+", 1200, 64, 0, 1024, 1024, 0, 0, false },
                { "Zero2W", 1000, 64, 0, 512, 512, 0, 0, false },
                { "4B", 1500, 64, 1000, 1024, 8192, 2700, 6400, true },
                { "400", 1800, 64, 1000, 4096, 4096, 0, 0, true },
                { "CM4", 1500, 64, 1000, 1024, 8192, 0, 0, false },
                { "CM4S", 1500, 64, 0, 1024, 8192, 0, 0, false },
                { "5", 2400, 64, 1000, 1024, 16384, 0, 0, true },
                { "CM5", 2400, 64, 1000, 2048, 16384, 0, 0, false },
                { "PC", 0, 64, 0, 0, 0, 0, 0, false },
        };

        (void)state;
        assert_int_equal(n_profiles, ARRAY_SIZE(cases));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct board_profile *p = NULL;

                for (size_t j = 0; j < n_profiles; j++)
                        if (strcmp(profiles[j].id, cases[i].id) == 0)
                                p = &profiles[j];
                if (!p)
                        fail_msg("no profile %s", cases[i].id);
                assert_int_equal(p->clock_mhz, cases[i].clock);
                assert_int_equal(p->bits, cases[i].bits);
                assert_int_equal(p->eth_mbps, cases[i].eth);
                assert_int_equal(p->ram_mb, cases[i].ram);
                assert_int_equal(p->ram_max_mb, cases[i].ram_max);
                assert_int_equal(p->idle_mw, cases[i].idle);
                assert_int_equal(p->max_mw, cases[i].max);
                assert_int_equal(p->under_voltage_sensor, cases[i].sensor);
        }
}

static void probe(void **state) {
        static const struct {
                const char *tree, *id;
                uint64_t node; /* 0: made from the machine id */
                uint64_t ram_kb;
                uint64_t function_mb;
                uint8_t bits_kernel;
                uint16_t cores;
                const char *kubernetes_max; /* with a userland of 64 bits */
                const char *model;
        } cases[] = {
                { "2B-1.1", "2B", 0x3f1c2d4e, 949444, 512, 32, 4, "1.26",
                  "Raspberry Pi 2 Model B Rev 1.1" },
                { "2B-1.2", "2B-1.2", 0xa22042aa, 944264, 512, 64, 4, "",
                  "Raspberry Pi 2 Model B Rev 1.2" },
                { "2B-1.2-old-tree", "2B-1.2", 0xa2204200, 944264, 512, 32, 4, "1.26",
                  "Raspberry Pi 2 Model B Rev 1.2" },
                { "3B", "3B", 0xb1e5a3c7, 944264, 512, 64, 4, "",
                  "Raspberry Pi 3 Model B Rev 1.2" },
                { "3Bplus", "3B+", 0xc0ffee01, 931104, 512, 64, 4, "",
                  "Raspberry Pi 3 Model B Plus Rev 1.3" },
                { "4B", "4B", 0x10000000fe1dc0de, 3884360, 0, 64, 4, "",
                  "Raspberry Pi 4 Model B Rev 1.4" },
                { "5", "5", 0x5b4c3a2910203040, 8256208, 0, 64, 4, "",
                  "Raspberry Pi 5 Model B Rev 1.0" },
                { "Zero2W", "Zero2W", 0xd00dfeed, 437032, 192, 64, 4, "",
                  "Raspberry Pi Zero 2 W Rev 1.0" },
                { "CM3plus", "CM3+", 0xcafe0c30, 944264, 512, 64, 4, "",
                  "Raspberry Pi Compute Module 3 Plus Rev 1.0" },
                { "1B", "unknown", 0x1234abcd, 448356, 192, 32, 1, "1.26",
                  "Raspberry Pi Model B Rev 2" },
                { "qemu-raspi2b", "2B", 0, 926636, 512, 32, 4, "1.26", "Raspberry Pi 2 Model B" },
                { "PC", "PC", 0, 16316812, 4096, 64, 8, "", "ThinkPad X220" },
                { "PC-empty-tree", "PC", 0, 2048000, 1000, 64, 3, "", "PC" },
                { "hostile-huge", "3B", 0xbeefbeef, 944264, 512, 64, 4, "", NULL },
                { "hostile-no-nul", "3B+", 0xdeadbeef, 944264, 512, 64, 4, "", "Raspberry Pi" },
                { "hostile-empty", "unknown", 0, 944264, 512, 64, 4, "", "unknown board" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };
                struct board b;
                char path[128];
                bool known;
                int root;

                (void)snprintf(path, sizeof(path), "tests/fixtures/board-%s", cases[i].tree);
                root = open_dir(path);
                if (board_probe(root, profiles, n_profiles, &b, &known, &f) < 0)
                        fail_msg("%s: %s", path, f.text);
                (void)close(root);
                if (strcmp(b.id, cases[i].id) != 0)
                        fail_msg("%s: '%s'", path, b.id);
                assert_int_equal(known, strcmp(cases[i].id, "unknown") != 0);
                if (cases[i].node)
                        assert_int_equal(b.node, cases[i].node);
                assert_int_not_equal(b.node, 0);
                assert_int_equal(b.ram_bytes, cases[i].ram_kb * 1024);
                if (cases[i].function_mb)
                        assert_int_equal(b.function_bytes, cases[i].function_mb * MB);
                assert_int_equal(b.bits_kernel, cases[i].bits_kernel);
                assert_int_equal(b.cores, cases[i].cores);
                if (sizeof(void *) == 8)
                        assert_string_equal(b.kubernetes_max, cases[i].kubernetes_max);
                if (cases[i].model)
                        assert_string_equal(b.model, cases[i].model);
                for (const char *s = b.model; *s; s++)
                        assert_in_range(*s, 0x20, 0x7e);
        }
}

static void nobody(void **state) {
        auto_close int root = open_dir("tests/fixtures/board-no-identity");
        struct fail f = { 0 };
        struct board b;
        bool known;

        (void)state;
        assert_int_equal(board_probe(root, profiles, n_profiles, &b, &known, &f), -ENODATA);
        assert_non_null(strstr(f.text, "machine-id"));
}

/* A root that a test may change. */
static int copy_to; /* nftw has no argument */
static size_t copy_skip;

static void put(int root, const char *path, const char *data, size_t len) {
        char part[256];
        int fd;

        for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
                (void)snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
                if (mkdirat(root, part, 0755) < 0 && errno != EEXIST)
                        fail_msg("%s: %s", part, strerror(errno));
        }
        fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, data, len) != (ssize_t)len)
                fail_msg("%s: %s", path, strerror(errno));
        (void)close(fd);
}

static void put_text(int root, const char *path, const char *text) {
        put(root, path, text, strlen(text));
}

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        char data[65536];
        long n;

        (void)st;
        (void)ftw;
        if (type == FTW_F && (n = sensors_file_read(AT_FDCWD, path, data, sizeof(data))) >= 0)
                put(copy_to, path + copy_skip, data, (size_t)n);
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

struct root {
        char path[64];
        int fd;
};

static int root_make(void **state) {
        struct root *r = malloc(sizeof(*r));
        static const char from[] = "tests/fixtures/board-3Bplus";

        if (!r)
                return -1;
        strcpy(r->path, "/tmp/test_sensors.XXXXXX");
        assert_non_null(mkdtemp(r->path));
        r->fd = open_dir(r->path);
        copy_to = r->fd;
        copy_skip = strlen(from) + 1;
        assert_int_equal(nftw(from, copy_one, 16, FTW_PHYS), 0);
        *state = r;
        return 0;
}

static int root_remove(void **state) {
        struct root *r = *state;

        (void)close(r->fd);
        (void)nftw(r->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(r);
        return 0;
}

static struct sensors_reader *open_reader(struct root *r) {
        struct sensors_reader *s = NULL;
        struct fail f = { 0 };
        struct board b;
        bool known;

        assert_int_equal(board_probe(r->fd, profiles, n_profiles, &b, &known, &f), 0);
        assert_int_equal(sensors_open(r->fd, &b, r->path, &s), 0);
        return s;
}

static void reading(void **state) {
        struct root *r = *state;
        struct sensors_reader *s = open_reader(r);
        struct sensors v;

        sensors_read(s, 100 * USEC_PER_SEC, "eth0", &v);
        assert_int_equal(v.cpu_permille, 0);
        assert_int_equal(v.n_cores, 4);
        assert_int_equal(v.ram_bytes, 931104ull * 1024);
        assert_int_equal(v.ram_available_bytes, 931104ull * 512);
        assert_int_equal(v.temperature_mc, 61224);
        assert_int_equal(v.power, POWER_KNOWN);
        assert_int_equal(v.uptime_sec, 93784);
        assert_int_equal(v.disk_written_bytes, 64000 * 512);
        assert_true(v.disk_bytes > 0);
        assert_string_equal(v.net_name, "eth0");
        assert_int_equal(v.net_mbps, 300); /* the kernel says 1000 */
        assert_int_equal(v.net_rx_bytes_per_sec, 0);

        /* two seconds later: a quarter of the time was busy, one core all of it */
        put_text(r->fd, "proc/stat",
                 "cpu  4150 0 1050 94600 1000 0 0 0 0 0\n"
                 "cpu0 1150 0 300 23500 250 0 0 0 0 0\ncpu1 1000 0 250 23700 250 0 0 0 0 0\n"
                 "cpu2 1000 0 250 23700 250 0 0 0 0 0\ncpu3 1000 0 250 23700 250 0 0 0 0 0\n"
                 "intr 1 2 3\n");
        put_text(r->fd, "sys/class/net/eth0/statistics/rx_bytes", "3000000\n");
        put_text(r->fd, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
        put_text(r->fd, "sys/class/thermal/thermal_zone0/temp", "-1500\n");
        sensors_read(s, 102 * USEC_PER_SEC, "eth0", &v);
        assert_int_equal(v.cpu_permille, 250);
        assert_int_equal(v.core_permille[0], 1000);
        assert_int_equal(v.core_permille[1], 0);
        assert_int_equal(v.net_rx_bytes_per_sec, 1000000);
        assert_int_equal(v.net_tx_bytes_per_sec, 0);
        assert_int_equal(v.power, POWER_KNOWN | POWER_UNDER_VOLTAGE);
        assert_int_equal(v.temperature_mc, -1500);

        /* another interface has counters of its own; names with '/' are none */
        sensors_read(s, 103 * USEC_PER_SEC, "wlan0", &v);
        assert_int_equal(v.net_rx_bytes_per_sec, 0);
        assert_int_equal(v.net_mbps, 0);
        sensors_read(s, 104 * USEC_PER_SEC, "../../proc", &v);
        assert_string_equal(v.net_name, "");
        sensors_free(s);
        sensors_free(NULL);
}

static void memory_limits(void **state) {
        static const char v1[] = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        struct root *r = *state;
        struct sensors_reader *s;
        struct sensors v;
        struct board b;
        bool known;

        /* v1 without a limit */
        put_text(r->fd, v1, "9223372036854771712\n");
        assert_int_equal(sensors_memory_limit(r->fd), 0);
        put_text(r->fd, v1, "536870912\n");
        put_text(r->fd, "sys/fs/cgroup/memory/memory.usage_in_bytes", "400000000\n");
        put_text(r->fd, "sys/fs/cgroup/memory/memory.stat",
                 "cache 1\ninactive_file 7\ntotal_inactive_file 100000000\n");
        assert_int_equal(board_probe(r->fd, profiles, n_profiles, &b, &known, NULL), 0);
        assert_int_equal(b.ram_bytes, 512 * MB);
        assert_int_equal(b.function_bytes, 192 * MB);
        s = open_reader(r);
        sensors_read(s, 1, "", &v);
        assert_int_equal(v.ram_bytes, 512 * MB);
        assert_int_equal(v.ram_available_bytes, 536870912 - 300000000);
        assert_int_equal(v.problems & PROBLEM_MEMORY, 0);
        put_text(r->fd, "sys/fs/cgroup/memory/memory.usage_in_bytes", "700000000\n");
        sensors_read(s, 2, "", &v);
        assert_int_equal(v.ram_available_bytes, 0);
        assert_int_equal(v.problems & PROBLEM_MEMORY, PROBLEM_MEMORY);
        /* v2, where it is there, comes first; "max" is no limit */
        put_text(r->fd, "sys/fs/cgroup/memory.max", "268435456\n");
        put_text(r->fd, "sys/fs/cgroup/memory.current", "200000000\n");
        put_text(r->fd, "sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 31564544\n");
        sensors_read(s, 3, "", &v);
        assert_int_equal(v.ram_available_bytes, 100000000);
        put_text(r->fd, "sys/fs/cgroup/memory.max", "max\n");
        assert_int_equal(sensors_memory_limit(r->fd), 536870912);
        sensors_free(s);
}

/* Whatever the files hold, and when they go, a reading is a reading. */
static void rubbish(void **state) {
        static const char *const files[] = {
                "proc/stat",
                "proc/meminfo",
                "proc/uptime",
                "sys/class/thermal/thermal_zone0/temp",
                "sys/class/hwmon/hwmon1/in0_lcrit_alarm",
                "sys/class/net/eth0/speed",
                "sys/class/net/eth0/statistics/rx_bytes",
                "sys/block/mmcblk0/stat",
        };
        static const char *const texts[] = {
                "",
                "\n",
                "-1\n",
                "99999999999999999999999999\n",
                "cpu",
                "cpu \ncpu0 1\n",
                "MemTotal: -5 kB\nMemAvailable: 99999999999999999999 kB\n",
                "\033[2J\xff\xff\xff",
        };
        struct root *r = *state;
        struct sensors_reader *s = open_reader(r);
        struct sensors v;

        for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
                for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                        put_text(r->fd, files[i], texts[t]);
                sensors_read(s, t + 1, "eth0", &v);
                assert_in_range(v.cpu_permille, 0, 1000);
                assert_true(v.ram_available_bytes <= v.ram_bytes);
        }
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                assert_int_equal(unlinkat(r->fd, files[i], 0), 0);
        sensors_read(s, 100, "eth0", &v);
        assert_int_equal(v.temperature_mc, INT32_MIN);
        assert_int_equal(v.power, 0);
        assert_int_equal(v.n_cores, 0);
        assert_int_equal(v.uptime_sec, 0);
        sensors_free(s);
}

static void mailbox(void **state) {
        uint32_t words[MAILBOX_WORDS];

        (void)state;
        sensors_mailbox_ask(words);
        assert_int_equal(words[0], 28);
        assert_int_equal(words[2], 0x00030046);
        assert_int_equal(words[5], 0); /* clears nothing */
        assert_int_equal(sensors_mailbox_answer(words), 0);
        words[1] = 0x80000000;
        words[4] = 0x80000004;
        words[5] = 0x80008;
        assert_int_equal(sensors_mailbox_answer(words),
                         POWER_KNOWN | POWER_SOFT_LIMIT | POWER_WAS_SOFT_LIMIT);
        words[5] = UINT32_MAX;
        assert_int_equal(sensors_mailbox_answer(words), POWER_KNOWN | 0xf000f);
        words[1] = 0x80000001; /* the firmware's "error" */
        assert_int_equal(sensors_mailbox_answer(words), 0);
}

/* No detector: silence means nothing.  A plain file is no mailbox. */
static void power_sources(void **state) {
        struct root *r = *state;
        struct sensors_power p;

        put_text(r->fd, "dev/vcio", "");
        sensors_power_open(&p, r->fd, true);
        assert_int_equal(p.mailbox, -1);
        assert_int_equal(sensors_power_read(&p, r->fd), POWER_KNOWN);
        sensors_power_close(&p);
        sensors_power_open(&p, r->fd, false);
        assert_int_equal(sensors_power_read(&p, r->fd), 0);
        sensors_power_close(&p);
}

static void profile_files(void **state) {
        static const struct {
                const char *text, *want; /* a part of the sentence, NULL: good */
        } cases[] = {
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"bits\":[64],\"source\":\"me\"}",
                  NULL },
                { "", "not JSON" },
                { "{} x", "not JSON" },
                { "[]", "not a JSON object" },
                { "{}", "'id'" },
                { "{\"id\":\"0123456789012345\"}", "'id'" },
                { "{\"id\":\"X\",\"name\":7}", "'name'" },
                { "{\"id\":\"X\",\"name\":\"Y\"}", "'compatible'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[1]}", "'compatible'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[\"a\",\"b\",\"c\"]}",
                  "'compatible'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"type\":256}", "'type'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"max_w\":-1}", "'max_w'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"ram_mb\":[]}", "'ram_mb'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"bits\":[16]}", "'bits'" },
                { "{\"id\":\"X\",\"name\":\"Y\",\"compatible\":[],\"bits\":[64]}", "'source'" },
        };
        struct root *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct board_profile *found = NULL;
                struct fail f = { 0 };
                size_t n;
                int result;

                put_text(r->fd, "X.json", cases[i].text);
                result = board_profiles_load(r->fd, &found, &n, &f);
                if (!cases[i].want) {
                        assert_int_equal(result, 0);
                        assert_int_equal(n, 1);
                        free(found);
                        continue;
                }
                assert_true(result < 0);
                assert_non_null(strstr(f.text, "X.json"));
                if (!strstr(f.text, cases[i].want))
                        fail_msg("case %zu: %s", i, f.text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(board_files),
                cmocka_unit_test(probe),
                cmocka_unit_test(nobody),
                cmocka_unit_test_setup_teardown(reading, root_make, root_remove),
                cmocka_unit_test_setup_teardown(memory_limits, root_make, root_remove),
                cmocka_unit_test_setup_teardown(rubbish, root_make, root_remove),
                cmocka_unit_test(mailbox),
                cmocka_unit_test_setup_teardown(power_sources, root_make, root_remove),
                cmocka_unit_test_setup_teardown(profile_files, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, load, unload);
}

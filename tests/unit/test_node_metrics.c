#include "io/node_metrics.h"

#include "base/scope.h"
#include "root_fixture.h"

#include <stdbool.h>

static bool has(const char *text, const char *line) {
        size_t len = strlen(line);

        for (const char *at = text; text && (at = strstr(at, line)); at++)
                if ((at == text || at[-1] == '\n') && at[len] == '\n')
                        return true;
        return false;
}

static void check(const char *text, const char *const *lines, const char *const *absent) {
        for (; *lines; lines++)
                if (!has(text, *lines))
                        fail_msg("no line '%s' in\n%s", *lines, text);
        for (; *absent; absent++)
                if (text && strstr(text, *absent))
                        fail_msg("'%s' is there", *absent);
}

/* A whole 3B+; the names, labels and units are node_exporter's. */
static void board(void **state) {
        static const char *const lines[] = {
                "# TYPE node_cpu_seconds_total counter",
                "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1001.01",
                "node_cpu_seconds_total{cpu=\"0\",mode=\"softirq\"} 40",
                "node_cpu_seconds_total{cpu=\"3\",mode=\"steal\"} 0",
                "node_intr_total 142166044",
                "node_context_switches_total 301441877",
                "# TYPE node_boot_time_seconds gauge",
                "node_boot_time_seconds 1700000000",
                "node_forks_total 41234",
                "node_procs_running 2",
                "node_procs_blocked 1",
                "node_cpu_scaling_frequency_hertz{cpu=\"3\"} 1400000000",
                "node_cpu_scaling_frequency_min_hertz{cpu=\"0\"} 600000000",
                "node_memory_MemTotal_bytes 953450496",
                "node_memory_MemAvailable_bytes 476725248",
                "node_memory_Active_anon_bytes 122880000",
                "node_memory_SwapTotal_bytes 104853504",
                "node_memory_HugePages_Total 0",
                "# TYPE node_vmstat_pgfault untyped",
                "node_vmstat_pgfault 7654321",
                "node_vmstat_pswpout 4",
                "node_vmstat_oom_kill 1",
                "node_load1 0.42",
                "node_load5 0.36",
                "node_load15 0.09",
                "node_filefd_allocated 1312",
                "node_filefd_maximum 87654",
                "node_pressure_io_waiting_seconds_total 1.5",
                "node_pressure_io_stalled_seconds_total 0.25",
                "node_thermal_zone_temp{type=\"cpu-thermal\",zone=\"0\"} 61.224",
                "node_hwmon_chip_names{chip=\"soc_firmware_raspberrypi_hwmon\",chip_name=\"rpi_"
                "volt\"} 1",
                "node_hwmon_in_lcrit_alarm_volts{chip=\"soc_firmware_raspberrypi_hwmon\",sensor="
                "\"in0\"} 0.001",
                "node_hwmon_temp_celsius{chip=\"thermal_thermal_zone0\",sensor=\"temp1\"} 61.224",
                "node_hwmon_fan_rpm{chip=\"pwmfan\",sensor=\"fan1\"} 2450",
                "node_hwmon_fan_fault{chip=\"pwmfan\",sensor=\"fan1\"} 0",
                "node_hwmon_in_max_volts{chip=\"pwmfan\",sensor=\"in1\"} 5.5",
                "node_hwmon_power_watt{chip=\"pwmfan\",sensor=\"power1\"} 6.1",
                "node_hwmon_pwm{chip=\"pwmfan\",sensor=\"pwm1\"} 128",
                "node_disk_read_bytes_total{device=\"mmcblk0\"} 204800000",
                "node_disk_written_bytes_total{device=\"mmcblk0\"} 32768000",
                "node_disk_io_time_seconds_total{device=\"mmcblk0\"} 8",
                "# TYPE node_disk_io_now gauge",
                "node_disk_io_now{device=\"mmcblk0\"} 2",
                "node_disk_reads_completed_total{device=\"sda\"} 10",
                "node_filesystem_readonly{device=\"/dev/mmcblk0p2\",fstype=\"ext4\",mountpoint="
                "\"/\"} 0",
                "node_network_receive_bytes_total{device=\"eth0\"} 123456789",
                "node_network_receive_multicast_total{device=\"eth0\"} 6",
                "node_network_transmit_bytes_total{device=\"eth0\"} 987654321",
                "node_network_transmit_carrier_total{device=\"eth0\"} 4",
                "node_network_up{device=\"eth0\"} 1",
                "node_network_up{device=\"wlan0\"} 0",
                "node_network_speed_bytes{device=\"eth0\"} 125000000",
                "node_network_mtu_bytes{device=\"wlan0\"} 1500",
                NULL,
        };
        static const char *const absent[] = {
                "cpu=\"\"",
                "ram0",
                "loop0",
                "device=\"mmcblk0p",
                "mmcblk0boot",
                "sda1\"}",
                "tmpfs",
                "overlay",
                "nfs",
                "kubelet",
                "veth",
                "device=\"lo\"",
                "softirq 12345",
                "label",
                "speed_bytes{device=\"wlan0\"}",
                "nr_free_pages",
                "usb",
                NULL,
        };
        auto_close int fd = open("tests/fixtures/metrics-3Bplus", O_PATH | O_DIRECTORY | O_CLOEXEC);
        auto_buf struct buf out = { 0 };

        (void)state;
        if (fd < 0)
                fail_msg("run from the top of the project");
        assert_int_equal(node_metrics(fd, &out), 0);
        check(out.data, lines, absent);
}

/* No name comes twice: Prometheus refuses the whole page then. */
static void families_are_one(void **state) {
        auto_close int fd = open("tests/fixtures/metrics-3Bplus", O_PATH | O_DIRECTORY | O_CLOEXEC);
        auto_buf struct buf out = { 0 };
        unsigned n = 0;

        (void)state;
        assert_int_equal(node_metrics(fd, &out), 0);
        for (const char *at = out.data; (at = strstr(at, "# TYPE ")); at++) {
                char head[96];
                int len = (int)strcspn(at + 7, " ");

                (void)snprintf(head, sizeof(head), "# TYPE %.*s ", len, at + 7);
                if (strstr(at + 1, head))
                        fail_msg("%s is there twice", head);
                n++;
        }
        assert_true(n > 80);
}

/* Kernels without this or that, and files that are no such file. */
static void odd_files(void **state) {
        static const struct {
                const char *files[6];
                const char *lines[4];
                const char *absent[4];
        } cases[] = {
                { { NULL }, { NULL }, { "node_cpu", "node_memory", "node_disk", "node_network_" } },
                { { "proc/stat=" }, { NULL }, { "node_cpu" } },
                { { "proc/stat=cpu0 1 2 3\ncpu1 1 2 3 4\ncpux 1 2 3 4\ncpu99999 1 2 3 4\nctxt "
                    "x\nbtime" },
                  { "node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 0.04",
                    "node_cpu_seconds_total{cpu=\"1\",mode=\"iowait\"} 0" },
                  { "cpu=\"0\"", "cpu=\"x\"", "context_switches", "boot_time" } },
                { { "proc/meminfo=A:\nB: x kB\nC-D: 3 kB\nE: 4 kB\n: 5\nF 6\nG: 7" },
                  { "node_memory_E_bytes 4096", "node_memory_G 7" },
                  { "memory_A", "memory_B", "memory_C", "memory_F" } },
                { { "proc/vmstat=pgfault\npgmajfault x\npswpin 5" },
                  { "node_vmstat_pswpin 5" },
                  { "fault" } },
                { { "proc/loadavg=1" }, { "node_load1 1.00", "node_load5 0.00" }, { NULL } },
                { { "proc/loadavg/" }, { NULL }, { "node_load" } },
                { { "proc/net/dev=eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\neth1: 1 2\n"
                    "br:0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                    "../x: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                    "averylongnameofaninterface: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n" },
                  { "node_network_receive_bytes_total{device=\"eth0\"} 1",
                    "node_network_transmit_bytes_total{device=\"br:0\"} 9" },
                  { "eth1", "..", "verylong" } },
                { { "proc/diskstats=8 0 sda 1 2 3\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n8" },
                  { "node_disk_io_now{device=\"sdb\"} 9" },
                  { "device=\"sda\"" } },
                { { "proc/mounts=/dev/a\n/dev/b x ext4\n/dev/c /gone ext4 rw\n/dev/d /a\\040b ext4 "
                    "rw\n/dev/d / ext4 rw\n",
                    "a b/" },
                  { "node_filesystem_readonly{device=\"/dev/d\",fstype=\"ext4\",mountpoint=\"/a "
                    "b\"} 0" },
                  { "/dev/a", "/dev/b", "/dev/c", "mountpoint=\"/\"" } },
                { { "proc/mounts=rootfs / rootfs rw\noverlay / overlay rw\n/dev/a /sys/x ext4 rw\n"
                    "/dev/b /run ext4 rw\n/dev/loop1 /snap squashfs ro\n/dev/c /runway ext4 rw\n"
                    "overlay /run/y overlay rw\n",
                    "runway/", "snap/", "run/y/", "sys/x/" },
                  { "node_filesystem_readonly{device=\"overlay\",fstype=\"overlay\",mountpoint=\"/"
                    "\"} "
                    "0",
                    "node_filesystem_readonly{device=\"/dev/c\",fstype=\"ext4\",mountpoint=\"/"
                    "runway\""
                    "} 0" },
                  { "/dev/a", "/dev/b", "loop", "rootfs" } },
                { { "sys/class/thermal/thermal_zone3/temp=-1500\n",
                    "sys/class/thermal/thermal_zone4/temp=\n",
                    "sys/class/thermal/thermal_zone5/temp=hot\n" },
                  { "node_thermal_zone_temp{type=\"\",zone=\"3\"} -1.5" },
                  { "zone=\"4\"", "zone=\"5\"" } },
                { { "sys/class/hwmon/hwmon0/temp1_input=1000\n", "sys/class/hwmon/hwmon0/temp1=5\n",
                    "sys/class/hwmon/hwmon0/temp1x=5\n", "sys/class/hwmon/hwmon0/odd1_input=5\n",
                    "sys/class/hwmon/hwmon0/temp2_input=no\n",
                    "sys/class/hwmon/hwmon0/name=__My Chip_\n" },
                  { "node_hwmon_temp_celsius{chip=\"my_chip\",sensor=\"temp1\"} 1",
                    "node_hwmon_chip_names{chip=\"my_chip\",chip_name=\"my_chip\"} 1" },
                  { "odd", "temp2", "temp1x" } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *lines[5] = { NULL }, *absent[5] = { NULL };
                auto_buf struct buf out = { 0 };

                assert_int_equal(root_make(state), 0);
                for (size_t f = 0; f < ARRAY_SIZE(cases[i].files) && cases[i].files[f]; f++)
                        root_lay(cases[i].files[f]);
                memcpy(lines, cases[i].lines, sizeof(cases[i].lines));
                memcpy(absent, cases[i].absent, sizeof(cases[i].absent));
                assert_int_equal(node_metrics(root, &out), 0);
                check(out.data, lines, absent);
                /* what needs no file is always there */
                assert_non_null(strstr(out.data, "\nnode_time_seconds 1"));
                assert_non_null(strstr(out.data, "\nnode_uname_info{"));
                assert_int_equal(root_remove(state), 0);
        }
}

/* A chip is named after its device, as the kernel writes the path of it: the fixtures have no colon
 * in theirs, which some file systems cannot hold. */
static void chips(void **state) {
        static const struct {
                const char *target, *chip;
        } cases[] = {
                { "../../devices/platform/soc/soc:firmware/raspberrypi-hwmon/hwmon/hwmon0",
                  "soc:firmware_raspberrypi_hwmon" },
                { "../../devices/virtual/thermal/thermal_zone0/hwmon0", "thermal_thermal_zone0" },
                { "../../devices/platform/gpio_fan@0/hwmon/hwmon0", "platform_gpio_fan_0" },
                { "../hwmon0", "named" }, /* leads nowhere: by its own name */
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf out = { 0 };
                char path[160], want[160];

                assert_int_equal(root_make(state), 0);
                root_folders("sys/class/hwmon/");
                if (strstr(cases[i].target, "devices")) {
                        assert_return_code(
                                symlinkat(cases[i].target, root, "sys/class/hwmon/hwmon0"), errno);
                        (void)snprintf(path, sizeof(path), "sys/%s/",
                                       strstr(cases[i].target, "devices"));
                        root_folders(path);
                } else {
                        root_folders("sys/class/hwmon0/");
                        assert_return_code(
                                symlinkat(cases[i].target, root, "sys/class/hwmon/hwmon0"), errno);
                }
                root_put("sys/class/hwmon/hwmon0/name", "named\n", 0644);
                root_put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n", 0644);
                assert_int_equal(node_metrics(root, &out), 0);
                (void)snprintf(want, sizeof(want),
                               "node_hwmon_in_lcrit_alarm_volts{chip=\"%s\",sensor=\"in0\"} 0.001",
                               cases[i].chip);
                check(out.data, (const char *[]){ want, NULL }, (const char *[]){ NULL });
                assert_int_equal(root_remove(state), 0);
        }
}

/* As many as are looked at, and no more. */
static void limits(void **state) {
        auto_buf struct buf text = { 0 }, out = { 0 };
        unsigned n = 0;

        assert_int_equal(root_make(state), 0);
        for (unsigned i = 0; i < 200; i++)
                assert_int_equal(
                        buf_printf(&text, "eth%u: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", i), 0);
        root_put("proc/net/dev", text.data, 0644);
        text.len = 0;
        for (unsigned i = 0; i < 3000; i++)
                assert_int_equal(buf_printf(&text, "cpu%u 1 2 3 4 5 6 7 8 9 10\n", i), 0);
        root_put("proc/stat", text.data, 0644);
        assert_int_equal(node_metrics(root, &out), 0);
        for (const char *at = out.data; (at = strstr(at, "receive_bytes_total{")); at++)
                n++;
        assert_int_equal(n, 24);
        n = 0;
        for (const char *at = out.data; (at = strstr(at, "mode=\"user\"")); at++)
                n++;
        assert_int_equal(n, 64);
        assert_int_equal(root_remove(state), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(board),
                                            cmocka_unit_test(families_are_one),
                                            cmocka_unit_test(odd_files), cmocka_unit_test(chips),
                                            cmocka_unit_test(limits) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

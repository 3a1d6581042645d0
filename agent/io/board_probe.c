#include "io/sensors.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/sensors_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* Texts of the firmware are short; a longer one is cut. */
enum { COMPATIBLE_BYTES = 512, PROPERTY_BYTES = 128 };

/* Big-endian cells of a device tree's property; 0 where it has another size. */
static uint64_t property_number(int tree, const char *name, long size) {
        char data[16];
        uint64_t v = 0;

        if (sensors_file_read(tree, name, data, sizeof(data)) != size)
                return 0;
        for (long i = 0; i < size; i++)
                v = v << 8 | (uint8_t)data[i];
        return v;
}

/* The serial of the SoC: 16 hex digits; 0 where there is none (QEMU) or it is something else. */
static uint64_t read_serial(int tree) {
        char text[PROPERTY_BYTES];
        uint64_t serial = 0;

        if (sensors_file_read(tree, "serial-number", text, sizeof(text)) > 0 &&
            str_from_hex64(text, &serial) == 0 && serial != 0)
                return serial;
        return property_number(tree, "system/linux,serial", 8);
}

/* The node id of a machine without a serial: its machine id, mixed so that the id itself, which
 * systemd asks to keep private, can not be read back from it. */
static uint64_t read_machine_id(int root_fd) {
        uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
        char text[64];
        long n = sensors_file_read(root_fd, "etc/machine-id", text, sizeof(text));

        if (n < 32 || strspn(text, "0123456789abcdef") != 32)
                return 0;
        for (int i = 0; i < 32; i++)
                h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
        h ^= h >> 31;
        return h ? h : 1;
}

static uint8_t kernel_bits(int root_fd) {
        /* since Linux 6.1, and unlike uname() the same under every personality */
        char arch[32] = "";
        struct utsname name;

        if (sensors_file_read(root_fd, "proc/sys/kernel/arch", arch, sizeof(arch)) <= 0) {
                if (uname(&name) < 0)
                        return sizeof(void *) * 8;
                (void)snprintf(arch, sizeof(arch), "%.31s", name.machine);
        }
        arch[strcspn(arch, "\n")] = '\0';
        /* armv8l: a 64-bit kernel's word for a 32-bit personality */
        return strstr(arch, "64") || str_eq(arch, "armv8l") ? 64 : 32;
}

/* Processors in a list like "0-3,5"; 0 where it is none. */
static uint16_t count_cpus(const char *list) {
        unsigned first, last, total = 0;
        int used;

        for (;;) {
                if (sscanf(list, "%4u%n", &first, &used) != 1)
                        return 0;
                list += used;
                last = first;
                if (*list == '-') {
                        if (sscanf(list, "-%4u%n", &last, &used) != 1 || last < first)
                                return 0;
                        list += used;
                }
                total += last - first + 1;
                if (*list != ',')
                        break;
                list++;
        }
        return total > UINT16_MAX ? UINT16_MAX : (uint16_t)total;
}

static uint16_t read_cores(int root_fd) {
        char list[256];
        uint16_t n = 0;
        long online;

        if (sensors_file_read(root_fd, "sys/devices/system/cpu/online", list, sizeof(list)) > 0)
                n = count_cpus(list);
        if (n == 0) {
                online = sysconf(_SC_NPROCESSORS_ONLN);
                n = online > 0 && online <= UINT16_MAX ? (uint16_t)online : 1;
        }
        return n;
}

static uint32_t read_clock(int root_fd) {
        static const char max_freq[] = "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq";
        char text[4096], *at;
        uint64_t khz;
        unsigned mhz;

        if (sensors_file_number(root_fd, max_freq, &khz) == 0 && khz / 1000 <= UINT16_MAX)
                return (uint32_t)(khz / 1000);
        /* x86 without cpufreq, as in most virtual machines */
        if (sensors_file_read(root_fd, "proc/cpuinfo", text, sizeof(text)) > 0 &&
            (at = strstr(text, "cpu MHz")) && (at = strchr(at, ':')) &&
            sscanf(at, ": %5u", &mhz) == 1)
                return mhz;
        return 0;
}

static uint64_t read_ram(int root_fd) {
        uint64_t total = 0, limit = sensors_memory_limit(root_fd);
        char text[4096];

        if (sensors_file_read(root_fd, "proc/meminfo", text, sizeof(text)) > 0)
                (void)sensors_text_bytes(text, "MemTotal", &total);
        return limit != 0 && (total == 0 || limit < total) ? limit : total;
}

static int open_tree(int root_fd) {
        static const char *const paths[] = { "sys/firmware/devicetree/base", "proc/device-tree" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                int fd = openat(root_fd, paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                /* newer x86 kernels have an empty tree: no board */
                if (fd >= 0 && faccessat(fd, "compatible", F_OK, 0) == 0)
                        return fd;
                if (fd >= 0)
                        (void)close(fd);
        }
        return -ENOENT;
}

int board_probe(int root_fd, const struct board_profile *profiles, size_t n, struct board *ret,
                bool *ret_known, struct fail *f) {
        char compatible[COMPATIBLE_BYTES], model[PROPERTY_BYTES] = "";
        auto_close int tree = open_tree(root_fd);
        struct board_facts facts = { .model = model };
        long len;

        if (tree >= 0) {
                len = sensors_file_read(tree, "compatible", compatible, sizeof(compatible));
                facts.compatible = compatible;
                facts.compatible_len = len > 0 ? (size_t)len : 0;
                facts.revision = (uint32_t)property_number(tree, "system/linux,revision", 4);
                facts.serial = read_serial(tree);
                (void)sensors_file_read(tree, "model", model, sizeof(model));
        } else {
                (void)sensors_file_read(root_fd, "sys/class/dmi/id/product_name", model,
                                        sizeof(model));
                model[strcspn(model, "\n")] = '\0';
        }
        if (facts.serial == 0)
                facts.serial = read_machine_id(root_fd);
        if (facts.serial == 0)
                return fail(f, -ENODATA,
                            "this board has no serial number and /etc/machine-id holds no id");
        facts.ram_bytes = read_ram(root_fd);
        if (facts.ram_bytes == 0)
                return fail(f, -ENODATA, "/proc/meminfo does not say how much memory there is");
        facts.cores = read_cores(root_fd);
        facts.clock_mhz = read_clock(root_fd);
        facts.bits_kernel = kernel_bits(root_fd);
        facts.bits_user = sizeof(void *) * 8;
        *ret_known = board_identify(profiles, n, &facts, ret);
        return 0;
}

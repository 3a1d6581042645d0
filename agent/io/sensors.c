#include "io/sensors.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/sensors_card.h"
#include "io/sensors_file.h"
#include "io/sensors_power.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* Jiffies of one processor (or of all) since boot. */
struct cpu_time {
        uint64_t busy, total;
};

struct sensors_reader {
        int root_fd; /* borrowed */
        struct board board;
        char *state_dir;
        struct sensors_power power;
        unsigned n_cores;
        struct cpu_time all, cores[LIMIT_CORES];
        char lan[16]; /* that the two counters below belong to */
        usec_t net_at;
        uint64_t rx_bytes, tx_bytes;
};

/* "cpu0 1936 0 1366 287883 339 0 29 11 0 0": user nice system idle iowait irq softirq steal; the
 * last two (guests) are in user and nice already. */
static bool parse_cpu(const char *line, struct cpu_time *ret) {
        uint64_t v[8] = { 0 };
        unsigned n = 0;

        line += strcspn(line, " \n");
        for (; n < ARRAY_SIZE(v) && *line == ' '; n++) {
                line += strspn(line, " ");
                for (; *line >= '0' && *line <= '9'; line++)
                        v[n] = v[n] * 10 + (uint64_t)(*line - '0');
        }
        if (n < 4)
                return false;
        *ret = (struct cpu_time){ 0 };
        for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
                ret->total += v[i];
        ret->busy = ret->total - v[3] - v[4];
        return true;
}

static uint16_t permille(const struct cpu_time *before, const struct cpu_time *now) {
        uint64_t busy = now->busy - before->busy, total = now->total - before->total;

        /* idle time has been seen to go backwards */
        if (now->total <= before->total || now->busy <= before->busy)
                return 0;
        return busy >= total ? 1000 : (uint16_t)((double)busy * 1000 / (double)total);
}

static void read_cpu(struct sensors_reader *s, struct sensors *ret) {
        struct cpu_time now;
        char text[8192];

        if (sensors_file_read(s->root_fd, "proc/stat", text, sizeof(text)) <= 0)
                return;
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                if (!str_starts(line, "cpu"))
                        break;
                if (!parse_cpu(line, &now))
                        continue;
                if (line[3] == ' ') {
                        ret->cpu_permille = permille(&s->all, &now);
                        s->all = now;
                } else if (ret->n_cores < LIMIT_CORES) {
                        struct cpu_time *before = &s->cores[ret->n_cores];

                        ret->core_permille[ret->n_cores++] = permille(before, &now);
                        *before = now;
                }
        }
        if (ret->n_cores != s->n_cores) { /* one came or went: the pairs do not belong together */
                memset(ret->core_permille, 0, sizeof(ret->core_permille));
                s->n_cores = ret->n_cores;
        }
}

/* What a cgroup's limit leaves, files that can be dropped included; UINT64_MAX without a limit. */
static uint64_t cgroup_room(int root_fd) {
        static const struct {
                const char *used, *stat, *key;
        } versions[] = {
                { "sys/fs/cgroup/memory.current", "sys/fs/cgroup/memory.stat", "inactive_file" },
                { "sys/fs/cgroup/memory/memory.usage_in_bytes", "sys/fs/cgroup/memory/memory.stat",
                  "total_inactive_file" },
        };
        uint64_t limit = sensors_memory_limit(root_fd), used, files = 0;
        char text[8192];

        if (limit == 0)
                return UINT64_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                if (sensors_file_number(root_fd, versions[i].used, &used) < 0)
                        continue;
                if (sensors_file_read(root_fd, versions[i].stat, text, sizeof(text)) > 0)
                        (void)sensors_text_bytes(text, versions[i].key, &files);
                used = used > files ? used - files : 0;
                return limit > used ? limit - used : 0;
        }
        return limit;
}

static void read_memory(struct sensors_reader *s, struct sensors *ret) {
        uint64_t available = 0, total = 0, room;
        char text[4096];

        ret->ram_bytes = s->board.ram_bytes;
        if (sensors_file_read(s->root_fd, "proc/meminfo", text, sizeof(text)) > 0) {
                (void)sensors_text_bytes(text, "MemTotal", &total);
                (void)sensors_text_bytes(text, "MemAvailable", &available);
        }
        if (total != 0 && (ret->ram_bytes == 0 || total < ret->ram_bytes))
                ret->ram_bytes = total;
        room = cgroup_room(s->root_fd);
        available = room < available ? room : available;
        ret->ram_available_bytes = available < ret->ram_bytes ? available : ret->ram_bytes;
        if (ret->ram_available_bytes < ret->ram_bytes / 20)
                ret->problems |= PROBLEM_MEMORY;
}

static int32_t read_temperature(int root_fd) {
        static const char zone[] = "sys/class/thermal/thermal_zone0/temp";
        char text[32];
        int mc;

        if (sensors_file_read(root_fd, zone, text, sizeof(text)) <= 0 ||
            sscanf(text, "%7d", &mc) != 1 || mc < -60000 || mc > 200000)
                return INT32_MIN;
        return mc;
}

static void read_disk(const struct sensors_reader *s, struct sensors *ret) {
        uint64_t sectors;
        struct statvfs st;
        char text[256];

        if (statvfs(s->state_dir, &st) == 0) {
                ret->disk_bytes = (uint64_t)st.f_blocks * st.f_frsize;
                ret->disk_free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
                if (st.f_flag & ST_RDONLY)
                        ret->problems |= PROBLEM_DISK_READ_ONLY;
                if (ret->disk_free_bytes < ret->disk_bytes / 20 ||
                    ret->disk_free_bytes < 64 * 1000 * 1000)
                        ret->problems |= PROBLEM_DISK_FULL;
        }
        ret->card_errors = sensors_card_errors(s->root_fd, s->state_dir);
        /* field 7: sectors of 512 bytes written; cards do not say how worn they are */
        if (sensors_file_read(s->root_fd, "sys/block/mmcblk0/stat", text, sizeof(text)) > 0 &&
            sscanf(text, "%*u %*u %*u %*u %*u %*u %20" SCNu64, &sectors) == 1)
                ret->disk_written_bytes = sectors * 512;
}

static bool net_number(const struct sensors_reader *s, const char *lan, const char *file,
                       uint64_t *ret) {
        char path[96];

        (void)snprintf(path, sizeof(path), "sys/class/net/%.15s/%s", lan, file);
        return sensors_file_number(s->root_fd, path, ret) == 0;
}

static uint64_t per_second(uint64_t before, uint64_t now, usec_t passed) {
        return now <= before || passed == 0
                       ? 0
                       : (uint64_t)((double)(now - before) * (double)USEC_PER_SEC / (double)passed);
}

static void read_net(struct sensors_reader *s, usec_t now, const char *lan, struct sensors *ret) {
        uint64_t rx = 0, tx = 0, mbps = 0;

        if (!lan[0] || strlen(lan) >= sizeof(ret->net_name) || strchr(lan, '/') || lan[0] == '.')
                return;
        (void)str_copy(ret->net_name, sizeof(ret->net_name), lan);
        if (net_number(s, lan, "speed", &mbps) && mbps <= UINT32_MAX)
                ret->net_mbps = (uint32_t)mbps;
        /* a 3B+ says 1000 and carries 300 */
        if (s->board.eth_mbps && ret->net_mbps > s->board.eth_mbps)
                ret->net_mbps = s->board.eth_mbps;
        if (!net_number(s, lan, "statistics/rx_bytes", &rx) ||
            !net_number(s, lan, "statistics/tx_bytes", &tx))
                return;
        if (str_eq(s->lan, lan)) {
                ret->net_rx_bytes_per_sec = per_second(s->rx_bytes, rx, usec_sub(now, s->net_at));
                ret->net_tx_bytes_per_sec = per_second(s->tx_bytes, tx, usec_sub(now, s->net_at));
        }
        (void)str_copy(s->lan, sizeof(s->lan), lan);
        s->net_at = now;
        s->rx_bytes = rx;
        s->tx_bytes = tx;
}

static uint64_t read_uptime(int root_fd) {
        char text[64];
        uint64_t sec;

        if (sensors_file_read(root_fd, "proc/uptime", text, sizeof(text)) <= 0)
                return 0;
        text[strcspn(text, ". \n")] = '\0';
        return str_to_u64(text, UINT64_MAX, &sec) == 0 ? sec : 0;
}

int sensors_open(int root_fd, const struct board *board, const char *state_dir,
                 struct sensors_reader **ret) {
        struct sensors_reader *s = calloc(1, sizeof(*s));
        struct sensors first = { 0 };

        if (!s || !(s->state_dir = strdup(state_dir))) {
                free(s);
                return -ENOMEM;
        }
        s->root_fd = root_fd;
        s->board = *board;
        sensors_power_open(&s->power, root_fd, board->under_voltage_sensor);
        read_cpu(s, &first); /* so that the first reading has something to compare with */
        *ret = s;
        return 0;
}

void sensors_read(struct sensors_reader *s, usec_t now, const char *lan, struct sensors *ret) {
        memset(ret, 0, sizeof(*ret));
        read_cpu(s, ret);
        read_memory(s, ret);
        ret->temperature_mc = read_temperature(s->root_fd);
        ret->power = sensors_power_read(&s->power, s->root_fd);
        read_disk(s, ret);
        read_net(s, now, lan, ret);
        ret->uptime_sec = read_uptime(s->root_fd);
}

void sensors_free(struct sensors_reader *s) {
        if (!s)
                return;
        sensors_power_close(&s->power);
        free(s->state_dir);
        free(s);
}

/* node_metrics_disks - whole disks of /proc/diskstats, and the file systems on local devices. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* ---- disks -------------------------------------------------------------------------------------
 */

enum { DISK_FIELDS = 11 }; /* Documentation/admin-guide/iostats.rst: fields 1 to 11 */

static const struct disk_field {
        unsigned field;
        const char *name, *type, *help;
        double factor; /* sectors are 512 bytes, times are milliseconds */
} disk_fields[] = {
        { 0, "node_disk_reads_completed_total", "counter",
          "The total number of reads completed successfully.", 1 },
        { 1, "node_disk_reads_merged_total", "counter", "The total number of reads merged.", 1 },
        { 2, "node_disk_read_bytes_total", "counter",
          "The total number of bytes read successfully.", 512 },
        { 3, "node_disk_read_time_seconds_total", "counter",
          "The total number of seconds spent by all reads.", 1e-3 },
        { 4, "node_disk_writes_completed_total", "counter",
          "The total number of writes completed successfully.", 1 },
        { 5, "node_disk_writes_merged_total", "counter", "The number of writes merged.", 1 },
        { 6, "node_disk_written_bytes_total", "counter",
          "The total number of bytes written successfully.", 512 },
        { 7, "node_disk_write_time_seconds_total", "counter",
          "This is the total number of seconds spent by all writes.", 1e-3 },
        { 8, "node_disk_io_now", "gauge", "The number of I/Os currently in progress.", 1 },
        { 9, "node_disk_io_time_seconds_total", "counter", "Total seconds spent doing I/Os.",
          1e-3 },
        { 10, "node_disk_io_time_weighted_seconds_total", "counter",
          "The weighted # of seconds spent doing I/Os.", 1e-3 },
};

struct disk {
        char name[32];
        uint64_t fields[DISK_FIELDS];
};

/* Partitions would count everything twice; RAM disks, loops and device mappings are no disks. */
static bool is_disk(const char *name) {
        static const char *const wholes[] = { "mmcblk", "nvme" };
        size_t len = strlen(name);
        bool digit = len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9';

        for (size_t i = 0; i < ARRAY_SIZE(wholes); i++)
                if (str_starts(name, wholes[i]))
                        return digit && !strchr(name + strlen(wholes[i]), 'p') &&
                               !strstr(name, "boot") && !strstr(name, "rpmb");
        return !digit && (str_starts(name, "sd") || str_starts(name, "vd") ||
                          str_starts(name, "hd") || str_starts(name, "xvd"));
}

/* "179 0 mmcblk0 6000 2000 ..." */
static bool take_disk(struct disk *d, char *line) {
        char *name = line + strspn(line, " 0123456789"), *end = strchr(name, ' ');

        if (!end)
                return false;
        *end = '\0';
        *d = (struct disk){ 0 };
        return is_disk(name) && str_copy(d->name, sizeof(d->name), name) == 0 &&
               node_numbers(end + 1, d->fields, DISK_FIELDS) == DISK_FIELDS;
}

void node_disks(struct node *n) {
        struct disk disks[NODE_DISKS];
        unsigned n_disks = 0;
        char *text = node_read(n, "proc/diskstats"), *line;

        while (n_disks < NODE_DISKS && (line = node_line(&text)))
                n_disks += take_disk(&disks[n_disks], line);
        for (size_t f = 0; n_disks > 0 && f < ARRAY_SIZE(disk_fields); f++) {
                const struct disk_field *field = &disk_fields[f];

                metrics_text_family(n->out, field->name, field->type, field->help);
                for (unsigned i = 0; i < n_disks; i++) {
                        struct metrics_labels l = { 0 };

                        metrics_text_label(&l, "device", disks[i].name);
                        metrics_text_sample(n->out, field->name, &l,
                                            (double)disks[i].fields[field->field] * field->factor);
                }
        }
}

/* ---- file systems ------------------------------------------------------------------------------
 */

struct file_system {
        char device[64], type[16], mount[128];
        struct statvfs st;
};

/* The kernel writes blanks, tabs, line ends and backslashes as \040 and so on. */
static void unescape(char *s) {
        char *to = s;

        for (; *s; s++) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
                    s[3] >= '0' && s[3] <= '7') {
                        *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 3;
                } else {
                        *to++ = *s;
                }
        }
        *to = '\0';
}

static bool is_known(const struct file_system *all, unsigned n, const char *device) {
        for (unsigned i = 0; i < n; i++)
                if (str_eq(all[i].device, device))
                        return true;
        return false;
}

/* What is mounted may hide what was there before: the newest is seen. */
static bool look(const struct node *n, struct file_system *fs) {
        const char *path = fs->mount[1] ? fs->mount + 1 : ".";
        auto_close int fd = openat(n->root_fd, path, O_PATH | O_CLOEXEC);

        return fd >= 0 && fstatvfs(fd, &fs->st) == 0 && fs->st.f_blocks > 0;
}

/* Local devices that a person mounted: neither what the kernel makes up, nor the insides of
 * containers. */
static bool is_wanted(const char *device, const char *mount, const char *type) {
        static const char *const hidden[] = { "/dev", "/proc", "/sys", "/run" };

        if (str_eq(mount, "/")) /* whatever it is made of: overlays too */
                return !str_eq(type, "rootfs");
        for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
                size_t len = strlen(hidden[i]);

                if (str_starts(mount, hidden[i]) && (mount[len] == '/' || mount[len] == '\0'))
                        return false;
        }
        return mount[0] == '/' && str_starts(device, "/dev/") && !str_starts(device, "/dev/loop");
}

/* "/dev/mmcblk0p2 / ext4 rw,noatime 0 0"; each device where it was mounted first: containers and
 * the kubelet mount parts of it in many places. */
static bool take_mount(const struct node *n, struct file_system *all, unsigned count, char *line) {
        struct file_system *fs = &all[count];
        char *save = NULL, *device = strtok_r(line, " ", &save);
        char *mount = strtok_r(NULL, " ", &save), *type = strtok_r(NULL, " ", &save);

        if (!device || !mount || !type || !is_wanted(device, mount, type) ||
            is_known(all, count, device))
                return false;
        unescape(mount);
        return str_copy(fs->device, sizeof(fs->device), device) == 0 &&
               str_copy(fs->type, sizeof(fs->type), type) == 0 &&
               str_copy(fs->mount, sizeof(fs->mount), mount) == 0 && look(n, fs);
}

static uint64_t figure(const struct statvfs *st, unsigned which) {
        switch (which) {
        case 0:
                return (uint64_t)st->f_blocks * st->f_frsize;
        case 1:
                return (uint64_t)st->f_bfree * st->f_frsize;
        case 2:
                return (uint64_t)st->f_bavail * st->f_frsize;
        case 3:
                return st->f_files;
        case 4:
                return st->f_ffree;
        default:
                return (st->f_flag & ST_RDONLY) != 0;
        }
}

void node_file_systems(struct node *n) {
        static const char *const names[][2] = {
                { "node_filesystem_size_bytes", "Filesystem size in bytes." },
                { "node_filesystem_free_bytes", "Filesystem free space in bytes." },
                { "node_filesystem_avail_bytes",
                  "Filesystem space available to non-root users in bytes." },
                { "node_filesystem_files", "Filesystem total file nodes." },
                { "node_filesystem_files_free", "Filesystem total free file nodes." },
                { "node_filesystem_readonly", "Filesystem read-only status." },
        };
        struct file_system all[NODE_FILE_SYSTEMS];
        unsigned count = 0;
        char *text = node_read(n, "proc/mounts"), *line;

        while (count < NODE_FILE_SYSTEMS && (line = node_line(&text)))
                count += take_mount(n, all, count, line);
        for (unsigned f = 0; count > 0 && f < ARRAY_SIZE(names); f++) {
                metrics_text_family(n->out, names[f][0], "gauge", names[f][1]);
                for (unsigned i = 0; i < count; i++) {
                        struct metrics_labels l = { 0 };

                        metrics_text_label(&l, "device", all[i].device);
                        metrics_text_label(&l, "fstype", all[i].type);
                        metrics_text_label(&l, "mountpoint", all[i].mount);
                        metrics_text_count(n->out, names[f][0], &l, figure(&all[i].st, f));
                }
        }
}

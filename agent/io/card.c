#include "io/card.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        CHUNK_BYTES = 1 << 20,
        SYNC_CHUNKS = 16,      /* 16 MB: a second or two on an old card */
        TABLE_BYTES = 1 << 20, /* /proc/mounts of a machine with many containers */
        SIZE_SYS_PATH = 128,
};

/* ---- what it is ------------------------------------------------------------------------------ */

/* The first line of sys/block/DISK/NAME; "" where there is none. */
static void read_line(int root_fd, const char *disk, const char *name, char *dst, size_t size) {
        auto_buf struct buf text = { 0 };
        char path[SIZE_SYS_PATH];

        dst[0] = '\0';
        (void)snprintf(path, sizeof(path), "sys/block/%s/%s", disk, name);
        if (file_text_read(root_fd, path, 4096, &text) < 0 || !text.data)
                return;
        (void)snprintf(dst, size, "%.*s", (int)strcspn(text.data, "\n"), text.data);
        for (size_t n = strlen(dst); n > 0 && dst[n - 1] == ' '; n--)
                dst[n - 1] = '\0';
}

/* sdb1 of sdb, mmcblk0p2 of mmcblk0. */
static bool is_part_of(const char *device, const char *disk) {
        const char *rest;

        if (!str_starts(device, disk))
                return false;
        rest = device + strlen(disk);
        if (*rest && strchr("0123456789", rest[-1]) && *rest++ != 'p')
                return false;
        return strspn(rest, "0123456789") == strlen(rest);
}

/* Lines of a table whose first word is /dev/DEVICE and whose second, where 'what' wants it, a
 * place. */
static void look_in_table(int root_fd, const char *path, const char *what, struct card *c) {
        auto_buf struct buf text = { 0 };
        char *save = NULL;

        if (file_text_read(root_fd, path, TABLE_BYTES, &text) < 0 || !text.data)
                return;
        for (char *line = strtok_r(text.data, "\n", &save); line && !c->in_use[0];
             line = strtok_r(NULL, "\n", &save)) {
                char device[64], place[80];

                if (sscanf(line, "/dev/%63s %79s", device, place) != 2)
                        continue;
                if (is_part_of(device, c->disk))
                        (void)snprintf(c->in_use, sizeof(c->in_use), "/dev/%s %s %s", device, what,
                                       place);
        }
}

/* LVM, RAID or encryption on top of the disk or of a partition. */
static bool has_holders(int root_fd, const char *path) {
        int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        bool found = false;

        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return false;
        }
        for (struct dirent *e = readdir(dir); e && !found; e = readdir(dir))
                found = e->d_name[0] != '.';
        (void)closedir(dir);
        return found;
}

static void look_for_holders(int root_fd, struct card *c) {
        char path[SIZE_SYS_PATH * 4];
        DIR *dir;
        int fd;

        (void)snprintf(path, sizeof(path), "sys/block/%s", c->disk);
        fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return;
        }
        for (struct dirent *e = readdir(dir); e && !c->in_use[0]; e = readdir(dir)) {
                if (str_eq(e->d_name, "holders"))
                        (void)snprintf(path, sizeof(path), "sys/block/%s/holders", c->disk);
                else if (str_starts(e->d_name, c->disk))
                        (void)snprintf(path, sizeof(path), "sys/block/%s/%.63s/holders", c->disk,
                                       e->d_name);
                else
                        continue;
                if (has_holders(root_fd, path))
                        (void)snprintf(c->in_use, sizeof(c->in_use),
                                       "another device (LVM, RAID, encryption) is on it");
        }
        (void)closedir(dir);
}

int card_look(int root_fd, const char *disk, struct card *ret, struct fail *f) {
        struct card c = { 0 };
        char text[64], path[SIZE_SYS_PATH];
        uint64_t sectors;

        if (str_copy(c.disk, sizeof(c.disk), disk) < 0 || !disk[0] || disk[0] == '.' ||
            strchr(disk, '/'))
                return fail(f, -ENODEV, "'%.40s' is no name of a disk", disk);
        (void)snprintf(path, sizeof(path), "sys/block/%s/size", c.disk);
        if (faccessat(root_fd, path, F_OK, 0) < 0)
                return fail(f, -ENODEV,
                            "/dev/%s is no whole disk (like /dev/sdb or /dev/mmcblk0, without the "
                            "number of a partition)",
                            c.disk);
        read_line(root_fd, c.disk, "size", text, sizeof(text));
        if (str_to_u64(text, UINT64_MAX / 512, &sectors) == 0)
                c.bytes = sectors * 512; /* always 512, whatever the disk's own are */
        read_line(root_fd, c.disk, "removable", text, sizeof(text));
        c.removable = str_eq(text, "1");
        read_line(root_fd, c.disk, "device/type", text, sizeof(text));
        c.removable = c.removable || str_eq(text, "SD");
        read_line(root_fd, c.disk, "ro", text, sizeof(text));
        c.read_only = str_eq(text, "1");
        read_line(root_fd, c.disk, "device/model", c.model, sizeof(c.model));
        if (!c.model[0])
                read_line(root_fd, c.disk, "device/name", c.model, sizeof(c.model));
        look_in_table(root_fd, "proc/self/mounts", "is mounted at", &c);
        look_in_table(root_fd, "proc/swaps", "is swap, a", &c);
        look_for_holders(root_fd, &c);
        *ret = c;
        return 0;
}

int card_refuse(const struct card *c, uint64_t image_bytes, struct fail *f) {
        char want[16], have[16];

        if (!c->removable)
                return fail(f, -EPERM,
                            "/dev/%s is not removable: it may be this computer's own disk",
                            c->disk);
        if (c->bytes == 0)
                return fail(f, -ENOMEDIUM, "there is no card in /dev/%s", c->disk);
        if (c->in_use[0])
                return fail(f, -EBUSY, "%s: unmount it first", c->in_use);
        if (c->read_only)
                return fail(f, -EROFS, "the card in /dev/%s is locked: look at its small switch",
                            c->disk);
        if (c->bytes < image_bytes)
                return fail(f, -ENOSPC, "the image has %s and the card in /dev/%s %s",
                            str_size(want, image_bytes), c->disk, str_size(have, c->bytes));
        return 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int read_whole(int fd, char *data, size_t len, uint64_t at) {
        while (len > 0) {
                ssize_t n = pread(fd, data, len, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -ENODATA;
                data += n;
                len -= (size_t)n;
                at += (uint64_t)n;
        }
        return 0;
}

static int write_whole(int fd, const char *data, size_t len, uint64_t at) {
        while (len > 0) {
                ssize_t n = pwrite(fd, data, len, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
                at += (uint64_t)n;
        }
        return 0;
}

static size_t chunk_at(uint64_t at, uint64_t bytes) {
        return bytes - at < CHUNK_BYTES ? (size_t)(bytes - at) : CHUNK_BYTES;
}

static int cannot(struct fail *f, int r, const char *what, uint64_t at) {
        return fail(f, r, "cannot %s at %llu MB: %s", what, (unsigned long long)(at >> 20),
                    r == -ENODATA ? "it ends too early" : strerror(-r));
}

int card_write(int image, int disk, uint64_t bytes, card_progress *progress, void *arg,
               struct fail *f) {
        auto_free char *data = malloc(CHUNK_BYTES);
        uint64_t at = 0;
        int r = 0;

        if (!data)
                return fail(f, -ENOMEM, "no memory");
        for (uint32_t chunk = 1; at < bytes; chunk++) {
                size_t len = chunk_at(at, bytes);

                if ((r = read_whole(image, data, len, at)) < 0)
                        return cannot(f, r, "read the image", at);
                if ((r = write_whole(disk, data, len, at)) < 0)
                        return cannot(f, r, "write the card", at);
                at += len;
                if (chunk % SYNC_CHUNKS != 0 && at < bytes)
                        continue;
                if (fdatasync(disk) < 0)
                        return cannot(f, -errno, "write the card", at);
                progress(arg, at);
        }
        return fsync(disk) < 0 ? cannot(f, -errno, "write the card", at) : 0;
}

int card_verify(int image, int disk, uint64_t bytes, card_progress *progress, void *arg,
                struct fail *f) {
        auto_free char *want = malloc(CHUNK_BYTES), *have = malloc(CHUNK_BYTES);
        int r;

        if (!want || !have)
                return fail(f, -ENOMEM, "no memory");
        /* what was just written must come from the card */
        (void)posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
        for (uint64_t at = 0; at < bytes;) {
                size_t len = chunk_at(at, bytes);

                if ((r = read_whole(image, want, len, at)) < 0)
                        return cannot(f, r, "read the image", at);
                if ((r = read_whole(disk, have, len, at)) < 0)
                        return cannot(f, r, "read the card", at);
                if (memcmp(want, have, len) != 0)
                        return fail(f, -EIO,
                                    "the card does not hold what was written at %llu MB: it is "
                                    "worn out, or smaller than it says: take another one",
                                    (unsigned long long)(at >> 20));
                at += len;
                progress(arg, at);
        }
        return 0;
}

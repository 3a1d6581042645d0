#include "io/card.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A /sys and /proc of a computer with a disk of its own, a USB reader and an SD slot. */
static const struct {
        const char *path, *text;
} tree[] = {
        { "sys/block/sda/size", "1000215216\n" },
        { "sys/block/sda/removable", "0\n" },
        { "sys/block/sda/ro", "0\n" },
        { "sys/block/sda/device/model", "Samsung SSD     \n" },
        { "sys/block/sdb/size", "15523840\n" },
        { "sys/block/sdb/removable", "1\n" },
        { "sys/block/sdb/ro", "0\n" },
        { "sys/block/sdb/device/model", "Card  Reader\n" },
        { "sys/block/sdc/size", "15523840\n" },
        { "sys/block/sdc/removable", "1\n" },
        { "sys/block/sdc/sdc1/holders/dm-0", "" },
        { "sys/block/sdd/size", "0\n" },
        { "sys/block/sdd/removable", "1\n" },
        { "sys/block/sde/size", "15523840\n" },
        { "sys/block/sde/removable", "1\n" },
        { "sys/block/sde/ro", "1\n" },
        { "sys/block/sdf/size", "15523840\n" },
        { "sys/block/sdf/removable", "1\n" },
        { "sys/block/mmcblk0/size", "15523840\n" },
        { "sys/block/mmcblk0/removable", "0\n" },
        { "sys/block/mmcblk0/device/type", "SD\n" },
        { "sys/block/mmcblk0/device/name", "SC16G\n" },
        { "sys/block/mmcblk1/size", "15523840\n" },
        { "sys/block/mmcblk1/removable", "0\n" },
        { "sys/block/mmcblk1/device/type", "MMC\n" },
        { "proc/self/mounts", "/dev/sda2 / ext4 rw 0 0\n/dev/mmcblk01 /x ext4 rw 0 0\n"
                              "/dev/mmcblk0p1 /media/boot vfat rw 0 0\n" },
        { "proc/swaps", "Filename Type Size Used Priority\n/dev/sdf2 partition 1 0 -2\n" },
};

static int root_fd;
static char root_path[64];

static int make_tree(void **state) {
        (void)state;
        (void)snprintf(root_path, sizeof(root_path), "/tmp/bramble-card-XXXXXX");
        if (!mkdtemp(root_path))
                return -1;
        root_fd = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
                char path[128];
                int fd;

                (void)str_copy(path, sizeof(path), tree[i].path);
                for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
                        *p = '\0';
                        (void)mkdirat(root_fd, path, 0755);
                        *p = '/';
                }
                fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0 || write(fd, tree[i].text, strlen(tree[i].text)) < 0)
                        return -1;
                (void)close(fd);
        }
        return 0;
}

static int remove_tree(void **state) {
        char command[96];

        (void)state;
        (void)close(root_fd);
        (void)snprintf(command, sizeof(command), "rm -rf %s", root_path);
        return system(command);
}

static void test_refuse(void **state) {
        static const struct {
                const char *disk;
                uint64_t bytes;
                int want;
                const char *says; /* "" may be written */
        } cases[] = {
                { "sdb", 4000000000, 0, "" },
                { "sdb", 15523840ULL * 512, 0, "" },
                { "sdb", 15523840ULL * 512 + 1, -ENOSPC, "the image has" },
                { "sda", 1, -EPERM, "not removable" },
                { "sdc", 1, -EBUSY, "another device" },
                { "sdd", 1, -ENOMEDIUM, "no card" },
                { "sde", 1, -EROFS, "locked" },
                { "sdf", 1, -EBUSY, "/dev/sdf2 is swap" },
                { "mmcblk0", 1, -EBUSY, "/dev/mmcblk0p1 is mounted at /media/boot" },
                { "mmcblk1", 1, -EPERM, "not removable" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fail f = { 0 };
                struct card c;

                assert_int_equal(card_look(root_fd, cases[i].disk, &c, &f), 0);
                assert_int_equal(card_refuse(&c, cases[i].bytes, &f), cases[i].want);
                assert_non_null(strstr(f.text, cases[i].says));
        }
}

static void test_look(void **state) {
        static const char *const no_disks[] = { "sdz",
                                                "sdb1",
                                                "",
                                                "..",
                                                "../block/sdb",
                                                "null",
                                                "a-name-that-is-longer-than-any-disk-has" };
        struct card c;

        (void)state;
        for (size_t i = 0; i < sizeof(no_disks) / sizeof(no_disks[0]); i++) {
                struct fail f = { 0 };

                assert_int_equal(card_look(root_fd, no_disks[i], &c, &f), -ENODEV);
                assert_true(f.text[0]);
        }
        assert_int_equal(card_look(root_fd, "sda", &c, NULL), 0);
        assert_string_equal(c.model, "Samsung SSD");
        assert_string_equal(c.in_use, "/dev/sda2 is mounted at /");
        assert_int_equal(card_look(root_fd, "mmcblk0", &c, NULL), 0);
        assert_string_equal(c.model, "SC16G");
        assert_true(c.removable);
}

static void count(void *arg, uint64_t done) {
        assert_true(done > *(uint64_t *)arg);
        *(uint64_t *)arg = done;
}

static void test_write_and_verify(void **state) {
        enum { BYTES = (18 << 20) + 512 };
        int image = memfd_create("image", MFD_CLOEXEC), disk = memfd_create("disk", MFD_CLOEXEC);
        uint64_t written = 0, checked = 0;
        struct fail f = { 0 };
        char block[512];

        (void)state;
        for (int at = 0; at < BYTES; at += (int)sizeof(block)) {
                memset(block, at / 512 % 251, sizeof(block));
                assert_int_equal(pwrite(image, block, sizeof(block), at), sizeof(block));
        }
        assert_int_equal(card_write(image, disk, BYTES, count, &written, &f), 0);
        assert_int_equal(written, BYTES);
        assert_int_equal(card_verify(image, disk, BYTES, count, &checked, &f), 0);
        assert_int_equal(checked, BYTES);
        /* one bit, in the last block: a card that is smaller than it says */
        checked = 0;
        assert_int_equal(pwrite(disk, "\x01", 1, BYTES - 1), 1);
        assert_int_equal(card_verify(image, disk, BYTES, count, &checked, &f), -EIO);
        assert_non_null(strstr(f.text, "at 18 MB"));
        /* the image became shorter */
        f = (struct fail){ 0 };
        written = 0;
        assert_int_equal(card_write(image, disk, BYTES + 1, count, &written, &f), -ENODATA);
        assert_non_null(strstr(f.text, "ends too early"));
        (void)close(image);
        (void)close(disk);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_look),
                cmocka_unit_test(test_refuse),
                cmocka_unit_test(test_write_and_verify),
        };

        return cmocka_run_group_tests(tests, make_tree, remove_tree);
}

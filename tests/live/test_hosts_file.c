/* An /etc/hosts that cannot be replaced: mounted by itself, as in containers, or read-only.  As
 * root; 77 otherwise. */
#include "io/hosts_file.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct hosts_entry api = { "10.0.0.1", "bramble-api" };

static void put(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        (void)fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static void holds(const char *path, const char *want) {
        char text[4096];
        FILE *file = fopen(path, "re");

        assert_non_null(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        (void)fclose(file);
        assert_string_equal(text, want);
}

/* A tmpfs that only this process sees: /run/root/etc/hosts is /run/hosts. */
static int setup(void **state) {
        (void)state;
        assert_return_code(unshare(CLONE_NEWNS), errno);
        assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
        assert_return_code(mount("run", "/run", "tmpfs", 0, "mode=755"), errno);
        assert_return_code(mkdir("/run/root", 0755), errno);
        assert_return_code(mkdir("/run/root/etc", 0755), errno);
        put("/run/hosts", "127.0.0.1 localhost\n");
        put("/run/root/etc/hosts", "below\n");
        assert_return_code(mount("/run/hosts", "/run/root/etc/hosts", NULL, MS_BIND, NULL), errno);
        return 0;
}

static int open_root(void) {
        int fd = open("/run/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_return_code(fd, errno);
        return fd;
}

static void there_and_back(void) {
        auto_close int root = open_root();
        struct fail f = { 0 };

        assert_int_equal(hosts_file_set(root, &api, 1, &f), 1);
        holds("/run/hosts", "127.0.0.1 localhost\n" HOSTS_BEGIN "\n10.0.0.1 bramble-api " HOSTS_TAG
                            "\n" HOSTS_END "\n");
        assert_int_equal(hosts_file_set(root, &api, 1, &f), 0);
        assert_int_equal(hosts_file_set(root, NULL, 0, &f), 1);
        holds("/run/hosts", "127.0.0.1 localhost\n");
        assert_int_equal(access("/run/root/etc/.hosts.new", F_OK), -1);
}

static void mounted(void **state) {
        (void)state;
        there_and_back();
}

static void folder_read_only(void **state) {
        (void)state;
        assert_return_code(mount("/run/root/etc", "/run/root/etc", NULL, MS_BIND, NULL), errno);
        assert_return_code(
                mount(NULL, "/run/root/etc", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), errno);
        assert_return_code(mount("/run/hosts", "/run/root/etc/hosts", NULL, MS_BIND, NULL), errno);
        there_and_back();
}

static void all_read_only(void **state) {
        auto_close int root = open_root();
        struct fail f = { 0 };

        (void)state;
        assert_return_code(
                mount(NULL, "/run/root/etc/hosts", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
                errno);
        assert_int_equal(hosts_file_set(root, &api, 1, &f), -EROFS);
        assert_string_equal(f.text, "cannot write /etc/hosts: Read-only file system");
        holds("/run/hosts", "127.0.0.1 localhost\n");
        assert_int_equal(hosts_file_set(root, NULL, 0, &f), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mounted),
                cmocka_unit_test(folder_read_only),
                cmocka_unit_test(all_read_only),
        };

        if (geteuid() != 0)
                return 77;
        return cmocka_run_group_tests(tests, setup, NULL);
}

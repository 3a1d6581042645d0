#include "base/scope.h"
#include "base/str.h"
#include "io/secret_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

static char dir[64];

static const char *path_of(const char *container, const char *name) {
        static char path[160];

        (void)snprintf(path, sizeof(path), "%s/%s/%s", dir, container, name);
        return path;
}

static int setup(void **state) {
        (void)state;
        (void)snprintf(dir, sizeof(dir), "/dev/shm/test-secrets-%d", (int)getpid());
        return 0;
}

static bool none(void *arg, const char *container) {
        (void)arg;
        (void)container;
        return false;
}

static int teardown(void **state) {
        (void)state;
        secret_files_sweep(dir, none, NULL);
        return rmdir(dir) < 0 && errno != ENOENT ? -1 : 0;
}

static void check_file(const char *container, const char *name, const char *want) {
        char text[32] = "";
        FILE *file = fopen(path_of(container, name), "r");
        struct stat st;

        assert_non_null(file);
        assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen(want));
        assert_string_equal(text, want);
        assert_int_equal(fstat(fileno(file), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0400);
        assert_int_equal(st.st_uid, getuid());
        (void)fclose(file);
}

static void life(void **state) {
        struct fail f = { 0 };
        struct stat before, after;
        auto_close int old = -1;
        char text[8] = "";

        (void)state;
        assert_int_equal(secret_files_put(dir, "fn-1", "key", "one", 3, &f), -ENOENT);
        assert_int_equal(secret_files_make(dir, "fn-1", &f), 0);
        assert_int_equal(secret_files_make(dir, "fn-1", &f), 0); /* again: no matter */
        assert_int_equal(secret_files_make(dir, "fn-2", &f), 0);
        assert_int_equal(secret_files_put(dir, "fn-1", "key", "one", 3, &f), 0);
        assert_int_equal(secret_files_put(dir, "fn-1", "other", "x", 1, &f), 0);
        assert_int_equal(secret_files_own(path_of("fn-1", ""), getuid(), getgid()), 0);
        check_file("fn-1", "key", "one");
        assert_int_equal(stat(dir, &before), 0);
        assert_int_equal(before.st_mode & 07777, 0700);
        assert_int_equal(stat(path_of("fn-1", ""), &before), 0);
        assert_int_equal(before.st_mode & 07777, 0500);

        /* a reader keeps the old value, the next one gets the new one */
        old = open(path_of("fn-1", "key"), O_RDONLY | O_CLOEXEC);
        assert_int_equal(fstat(old, &before), 0);
        assert_int_equal(secret_files_put(dir, "fn-1", "key", "two!", 4, &f), 0);
        check_file("fn-1", "key", "two!");
        assert_int_equal(read(old, text, sizeof(text)), 3);
        assert_string_equal(text, "one");
        assert_int_equal(stat(path_of("fn-1", "key"), &after), 0);
        assert_true(before.st_ino != after.st_ino);
        assert_int_equal(secret_files_put(dir, "fn-1", "empty", "", 0, &f), 0);
        check_file("fn-1", "empty", "");

        secret_files_remove(dir, "fn-1");
        assert_int_equal(access(path_of("fn-1", ""), F_OK), -1);
        assert_int_equal(access(path_of("fn-2", ""), F_OK), 0);
        secret_files_remove(dir, "fn-1");
}

static void names(void **state) {
        static const char *const bad[] = { "", ".", "..", ".hidden", "../x", "a/b" };
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(secret_files_make(dir, "fn-1", &f), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(secret_files_put(dir, "fn-1", bad[i], "x", 1, &f), -EINVAL);
        assert_int_equal(secret_files_put(dir, "fn-1", "a.b", "x", 1, &f), 0);
}

static bool only_two(void *arg, const char *container) {
        (*(unsigned *)arg)++;
        return str_eq(container, "fn-2");
}

static void sweep(void **state) {
        struct fail f = { 0 };
        unsigned asked = 0;

        (void)state;
        for (int i = 1; i <= 3; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "fn-%d", i);
                assert_int_equal(secret_files_make(dir, name, &f), 0);
                assert_int_equal(secret_files_put(dir, name, "k", "x", 1, &f), 0);
        }
        secret_files_sweep(dir, only_two, &asked);
        assert_int_equal(asked, 3);
        assert_int_equal(access(path_of("fn-1", ""), F_OK), -1);
        assert_int_equal(access(path_of("fn-2", "k"), F_OK), 0);
        assert_int_equal(access(path_of("fn-3", ""), F_OK), -1);
        secret_files_sweep("/dev/shm/there-is-no-such-folder", only_two, &asked);
}

/* What would end on a card is refused. */
static void never_on_a_disk(void **state) {
        char here[] = "build/test-secrets-XXXXXX";
        struct fail f = { 0 };
        struct statfs fs;

        (void)state;
        if (!mkdtemp(here))
                skip();
        assert_int_equal(statfs(here, &fs), 0);
        if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) {
                (void)rmdir(here);
                skip();
        }
        assert_int_equal(secret_files_make(here, "fn-1", &f), -EXDEV);
        assert_non_null(strstr(f.text, "tmpfs"));
        assert_int_equal(rmdir(here), 0); /* nothing was made in it */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(life, setup, teardown),
                cmocka_unit_test_setup_teardown(names, setup, teardown),
                cmocka_unit_test_setup_teardown(sweep, setup, teardown),
                cmocka_unit_test(never_on_a_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

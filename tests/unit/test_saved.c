#include "daemon/saved.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int make_dir(void **state) {
        *state = mkdtemp(strdup("/tmp/bramble-saved-XXXXXX"));
        return *state ? 0 : -1;
}

static int remove_dir(void **state) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/member", (char *)*state);
        (void)unlink(path);
        (void)rmdir(*state);
        free(*state);
        return 0;
}

static struct saved sample(void) {
        struct saved s = { .node = 7, .bramble = 9, .subnet = 3, .n_left = 1, .n_peers = 1 };

        s.left[0] = 5;
        s.peers[0].node = 8;
        s.peers[0].port = 7373;
        (void)str_copy(s.name, sizeof(s.name), "w2");
        (void)str_copy(s.peers[0].address, sizeof(s.peers[0].address), "10.0.0.8");
        return s;
}

static void survives(void **state) {
        struct saved in = sample(), out;
        struct fail f = { 0 };

        assert_int_equal(saved_write(*state, &in, &f), 0);
        assert_int_equal(saved_read(*state, &out, &f), 0);
        assert_int_equal(out.bramble, 9);
        assert_string_equal(out.name, "w2");
        assert_int_equal(out.left[0], 5);
        assert_string_equal(out.peers[0].address, "10.0.0.8");
}

static void nothing_is_fresh(void **state) {
        struct fail f = { 0 };
        struct saved out;

        assert_int_equal(saved_read(*state, &out, &f), 0);
        assert_int_equal(out.bramble, 0);
}

/* A card is not written without a reason: the file stays the same inode. */
static void the_same_is_not_written(void **state) {
        struct saved in = sample();
        struct stat before, after;
        struct fail f = { 0 };
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/member", (char *)*state);
        assert_int_equal(saved_write(*state, &in, &f), 0);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(saved_write(*state, &in, &f), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino == after.st_ino &&
                    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        in.subnet = 4;
        assert_int_equal(saved_write(*state, &in, &f), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino != after.st_ino);
}

static void damage_is_fresh(void **state) {
        struct saved in = sample(), out;
        struct fail f = { 0 };
        char path[128];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/member", (char *)*state);
        assert_int_equal(saved_write(*state, &in, &f), 0);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 20), 0);
        (void)close(fd);
        assert_int_equal(saved_read(*state, &out, &f), 0);
        assert_int_equal(out.bramble, 0);
        assert_int_equal(out.n_peers, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(survives, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(nothing_is_fresh, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(the_same_is_not_written, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(damage_is_fresh, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

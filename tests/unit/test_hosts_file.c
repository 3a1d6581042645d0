#include "io/hosts_file.h"

#include "base/scope.h"
#include "root_fixture.h"

#define LOCAL "127.0.0.1\tlocalhost\n"
#define BLOCK HOSTS_BEGIN "\n10.0.0.1 bramble-api " HOSTS_TAG "\n" HOSTS_END "\n"

static const struct hosts_entry api = { "10.0.0.1", "bramble-api" };

static void set(const struct hosts_entry *entries, size_t n, int want) {
        struct fail f = { 0 };
        int r = hosts_file_set(root, entries, n, &f);

        if (r != want)
                fail_msg("%d for %d: %s", r, want, fail_text(&f));
        assert_false(root_has("etc/.hosts.new"));
}

static void kept(void **state) {
        struct stat before, after;

        (void)state;
        root_put("etc/hosts", LOCAL, 0640);
        set(&api, 1, 1);
        assert_string_equal(root_text("etc/hosts"), LOCAL BLOCK);
        before = root_stat("etc/hosts");
        assert_int_equal(before.st_mode & 07777, 0640);
        set(&api, 1, 0); /* not written: the same inode */
        after = root_stat("etc/hosts");
        assert_true(before.st_ino == after.st_ino);
        set(NULL, 0, 1);
        assert_string_equal(root_text("etc/hosts"), LOCAL);
        assert_int_equal(root_stat("etc/hosts").st_mode & 07777, 0640);
        set(NULL, 0, 0);
}

static void missing(void **state) {
        struct fail f = { 0 };

        (void)state;
        set(NULL, 0, 0);
        assert_false(root_has("etc/hosts"));
        assert_int_equal(hosts_file_set(root, &api, 1, &f), -ENOENT); /* no /etc at all */
        assert_string_equal(f.text, "cannot write /etc/hosts: No such file or directory");
        root_put("etc/other", "", 0644);
        set(&api, 1, 1);
        assert_string_equal(root_text("etc/hosts"), BLOCK);
        assert_int_equal(root_stat("etc/hosts").st_mode & 07777, 0644);
        set(NULL, 0, 1);
        assert_string_equal(root_text("etc/hosts"), "");
}

/* What a power cut left beside it is no obstacle. */
static void left_over(void **state) {
        (void)state;
        root_put("etc/hosts", LOCAL, 0644);
        root_put("etc/.hosts.new", "half of", 0600);
        set(&api, 1, 1);
        assert_string_equal(root_text("etc/hosts"), LOCAL BLOCK);
}

static void symbolic_link(void **state) {
        (void)state;
        root_put("run/hosts", LOCAL BLOCK "1.2.3.4 x\n", 0600);
        root_put("etc/other", "", 0644);
        assert_return_code(symlinkat("../run/hosts", root, "etc/hosts"), errno);
        set(NULL, 0, 1); /* it becomes shorter */
        assert_string_equal(root_text("run/hosts"), LOCAL "1.2.3.4 x\n");
        set(&api, 1, 1);
        assert_string_equal(root_text("run/hosts"), LOCAL "1.2.3.4 x\n" BLOCK);
        assert_true(S_ISLNK(root_stat("etc/hosts").st_mode));
        assert_int_equal(root_stat("run/hosts").st_mode & 07777, 0600);
        set(&api, 1, 0);
}

static void odd_files(void **state) {
        auto_free char *big = malloc(HOSTS_BYTES + 2);
        struct fail f = { 0 };

        (void)state;
        memset(big, 'a', HOSTS_BYTES + 1);
        big[HOSTS_BYTES + 1] = '\0';
        root_put("etc/hosts", big, 0644);
        assert_int_equal(hosts_file_set(root, &api, 1, &f), -EFBIG);
        assert_string_equal(f.text, "/etc/hosts is longer than 65536 bytes");
        assert_int_equal(root_stat("etc/hosts").st_size, HOSTS_BYTES + 1);
        assert_return_code(unlinkat(root, "etc/hosts", 0), errno);

        assert_return_code(mkdirat(root, "etc/hosts", 0755), errno);
        assert_int_equal(hosts_file_set(root, &api, 1, NULL), -EISDIR);
        assert_return_code(unlinkat(root, "etc/hosts", AT_REMOVEDIR), errno);

        assert_return_code(mkfifoat(root, "etc/hosts", 0644), errno);
        assert_int_equal(hosts_file_set(root, &api, 1, NULL), -EINVAL);
        assert_true(S_ISFIFO(root_stat("etc/hosts").st_mode));
        assert_int_equal(hosts_file_set(root, &(struct hosts_entry){ "nobody", "x" }, 1, NULL),
                         -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(kept, root_make, root_remove),
                cmocka_unit_test_setup_teardown(missing, root_make, root_remove),
                cmocka_unit_test_setup_teardown(left_over, root_make, root_remove),
                cmocka_unit_test_setup_teardown(symbolic_link, root_make, root_remove),
                cmocka_unit_test_setup_teardown(odd_files, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

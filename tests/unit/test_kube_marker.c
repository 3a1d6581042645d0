#include "io/kube_marker.h"

#include "root_fixture.h"

#include "base/str.h"

#include <errno.h>

static const struct kube_marker sample = {
        .bramble = UINT64_C(0xfedcba9876543210),
        .epoch = UINT32_MAX,
        .role = KUBE_ROLE_PLANE,
        .done = true,
        .name = "m1",
};

static void survives(void **state) {
        struct kube_marker m, want = sample;
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(kube_marker_read(root_path, &m, &f), 0);
        for (int i = 0; i < 4; i++) {
                want.role = i & 1 ? KUBE_ROLE_WORKER : KUBE_ROLE_PLANE;
                want.done = i & 2;
                memset(&m, 0xff, sizeof(m));
                assert_int_equal(kube_marker_write(root_path, &want, &f), 0);
                assert_int_equal(kube_marker_read(root_path, &m, &f), 1);
                assert_true(m.bramble == want.bramble);
                assert_int_equal(m.epoch, want.epoch);
                assert_int_equal(m.role, want.role);
                assert_int_equal(m.done, want.done);
                assert_string_equal(m.name, "m1");
        }
        assert_int_equal(kube_marker_remove(root_path, &f), 0);
        assert_int_equal(kube_marker_remove(root_path, &f), 0);
        assert_int_equal(kube_marker_read(root_path, &m, &f), 0);
        assert_string_equal(f.text, "");
}

/* A card is not written without a reason: the file stays the same inode. */
static void the_same_is_not_written(void **state) {
        struct kube_marker m = sample;
        struct stat before, after;

        (void)state;
        assert_int_equal(kube_marker_write(root_path, &m, NULL), 0);
        assert_int_equal(stat(root_in("kube.json"), &before), 0);
        /* what a power cut left must be in nobody's way */
        root_lay("kube.json.new={ half");
        assert_int_equal(kube_marker_write(root_path, &m, NULL), 0);
        assert_int_equal(stat(root_in("kube.json"), &after), 0);
        assert_true(before.st_ino == after.st_ino);
        m.done = false;
        assert_int_equal(kube_marker_write(root_path, &m, NULL), 0);
        assert_int_equal(stat(root_in("kube.json"), &after), 0);
        assert_true(before.st_ino != after.st_ino);
        assert_int_equal(after.st_mode & 0777, 0600);
        assert_int_equal(access(root_in("kube.json.new"), F_OK), -1);
}

static void damaged(void **state) {
        static const struct {
                const char *text, *why;
        } cases[] = {
                { "", "damaged" },
                { "{", "damaged" },
                { "[]", "damaged" },
                { "{}", "bramble" },
                { "{ \"bramble\": 7 }", "bramble" },
                { "{ \"bramble\": \"0\" }", "bramble" },
                { "{ \"bramble\": \"1\" }", "epoch" },
                { "{ \"bramble\": \"1\", \"epoch\": 4294967296 }", "epoch" },
                { "{ \"bramble\": \"1\", \"epoch\": 1.5 }", "epoch" },
                { "{ \"bramble\": \"1\", \"epoch\": 1 }", "role" },
                { "{ \"bramble\": \"1\", \"epoch\": 1, \"role\": \"king\" }", "role" },
                { "{ \"bramble\": \"1\", \"epoch\": 1, \"role\": \"plane\" }", "node" },
                { "{ \"bramble\": \"1\", \"epoch\": 1, \"role\": \"plane\", \"name\": \"a/b\" }",
                  "node" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct kube_marker m = { .epoch = 7 };
                struct fail f = { 0 };

                root_bytes("kube.json", cases[i].text, strlen(cases[i].text), 0600);
                assert_int_equal(kube_marker_read(root_path, &m, &f), -EBADMSG);
                assert_non_null(strstr(f.text, cases[i].why));
                assert_int_equal(m.epoch, 7);
        }
        /* a new one mends it */
        assert_int_equal(kube_marker_write(root_path, &sample, NULL), 0);
        assert_int_equal(kube_marker_read(root_path, &(struct kube_marker){ 0 }, NULL), 1);
}

static void odd_places(void **state) {
        static const char good[] =
                "{ \"bramble\": \"1\", \"epoch\": 1, \"role\": \"plane\", \"name\": \"m1\" }";
        char text[KUBE_MARKER_BYTES + 1];
        struct kube_marker m;
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(kube_marker_read("/nonexistent/bramble", &m, &f), 0);
        assert_int_equal(kube_marker_remove("/nonexistent/bramble", NULL), 0);
        assert_int_equal(kube_marker_write("/nonexistent/bramble", &sample, NULL), -ENOENT);
        /* larger than any of ours, even if it is right */
        memset(text, ' ', sizeof(text));
        memcpy(text, good, strlen(good));
        root_bytes("kube.json", text, sizeof(text), 0600);
        assert_int_equal(kube_marker_read(root_path, &m, NULL), -EBADMSG);
        root_bytes("kube.json", text, 100, 0600);
        assert_int_equal(kube_marker_read(root_path, &m, NULL), 1);
        assert_false(m.done);
        assert_int_equal(unlink(root_in("kube.json")), 0);
        root_lay("kube.json/");
        assert_int_equal(kube_marker_read(root_path, &m, NULL), -EBADMSG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_make, root_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(survives),
                TEST(the_same_is_not_written),
                TEST(damaged),
                TEST(odd_places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

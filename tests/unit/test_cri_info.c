#include "io/cri_info.h"

#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define RUNC(options) "\"containerd\":{\"runtimes\":{\"runc\":{\"options\":" options "}}}"
#define CRUN(options)                                                             \
        "\"containerd\":{\"defaultRuntimeName\":\"crun\",\"runtimes\":{\"runc\":" \
        "{\"options\":{\"SystemdCgroup\":false}},\"crun\":{\"options\":" options "}}}"

static void configs(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *image, *bin, *conf;
                bool systemd;
        } cases[] = {
                { "{}", 0, "", "", "", false },
                { "{\"sandboxImage\":\"registry.k8s.io/pause:3.6\",\"cni\":{\"binDir\":\"/b\","
                  "\"confDir\":\"/c\"}}",
                  0, "registry.k8s.io/pause:3.6", "/b", "/c", false },
                { "{\"cni\":{\"binDirs\":[\"/1\",\"/2\"]}}", 0, "", "/1", "", false },
                { "{\"cni\":{\"binDir\":\"\",\"binDirs\":[\"/1\",\"/2\"]}}", 0, "", "/1", "",
                  false },
                { "{\"cni\":{\"binDirs\":[]}}", 0, "", "", "", false },
                { "{" RUNC("{\"SystemdCgroup\":true}") "}", 0, "", "", "", true },
                { "{" RUNC("{\"SystemdCgroup\":\"true\"}") "}", 0, "", "", "", false },
                { "{" RUNC("null") "}", 0, "", "", "", false },
                { "{" RUNC("null") ",\"systemdCgroup\":true}", 0, "", "", "", true },
                { "{" CRUN("{\"SystemdCgroup\":true}") "}", 0, "", "", "", true },
                { "{" CRUN("{}") "}", 0, "", "", "", false },
                { "{\"sandboxImage\":7,\"cni\":[],\"containerd\":\"x\"}", 0, "", "", "", false },
                { "[]", -EINVAL, "", "", "", false },
                { "", -EINVAL, "", "", "", false },
                { "[crio]\nroot = \"/x\"\n", -EINVAL, "", "", "", false },
                { "{\"sandboxImage\":\"a\"} x", -EINVAL, "", "", "", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct cri_runtime r = { 0 };
                struct fail f = { 0 };

                assert_int_equal(cri_info_config(cases[i].in, strlen(cases[i].in), &r, &f),
                                 cases[i].result);
                assert_int_equal(f.error, cases[i].result);
                assert_string_equal(r.sandbox_image, cases[i].image);
                assert_string_equal(r.cni_bin_dir, cases[i].bin);
                assert_string_equal(r.cni_conf_dir, cases[i].conf);
                assert_int_equal(r.systemd_cgroup, cases[i].systemd);
        }
}

/* Half a path would be worse than none. */
static void too_long(void **state) {
        char text[400] = "{\"cni\":{\"binDir\":\"/";
        struct cri_runtime r = { .cni_bin_dir = "/before" };
        size_t n = strlen(text);

        (void)state;
        memset(text + n, 'a', SIZE_CRI_PATH);
        memcpy(text + n + SIZE_CRI_PATH, "\"}}", 4);
        assert_int_equal(cri_info_config(text, strlen(text), &r, NULL), 0);
        assert_string_equal(r.cni_bin_dir, "/before");
}

struct condition {
        const char *type;
        bool good;
        const char *reason, *message;
};

static void conditions(void **state) {
        static const struct {
                struct condition in[3];
                bool runtime, network;
                const char *reason;
        } cases[] = {
                { { { "RuntimeReady", true, "", "" }, { "NetworkReady", true, "", "" } },
                  true,
                  true,
                  "" },
                { { { "RuntimeReady", true, "", "" },
                    { "NetworkReady", false, "NotReady", "cni plugin not initialized" },
                    { "ContainerdHasNoDeprecationWarnings", false, "x", "y" } },
                  true,
                  false,
                  "cni plugin not initialized" },
                { { { "NetworkReady", false, "", "network" },
                    { "RuntimeReady", false, "ContainerdNotReady", "" } },
                  false,
                  false,
                  "ContainerdNotReady" },
                { { { "RuntimeReady", false, "", "" }, { "NetworkReady", false, "", "network" } },
                  false,
                  false,
                  "it does not say why" },
                { { { "NetworkReady", false, "", "two\nlines" } }, false, false, "two?lines" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct cri_runtime r = { 0 };

                for (const struct condition *k = cases[i].in; k < cases[i].in + 3 && k->type; k++)
                        cri_info_condition(&r, k->type, k->good, k->reason, k->message);
                assert_int_equal(r.runtime_ready, cases[i].runtime);
                assert_int_equal(r.network_ready, cases[i].network);
                assert_string_equal(r.reason, cases[i].reason);
        }
}

static void endpoints(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *want;
        } cases[] = {
                { "unix:///run/containerd/containerd.sock", 0, "/run/containerd/containerd.sock" },
                { "/run/x", 0, "/run/x" },
                { "unix://run/x", -EINVAL, "" },
                { "run/x", -EINVAL, "" },
                { "tcp://127.0.0.1:1", -EINVAL, "" },
                { "npipe:////./pipe/x", -EINVAL, "" },
                { "unix://", -EINVAL, "" },
                { "", -EINVAL, "" },
                { "/2345678901234567890123456789012345678901234567890123456789012345678901234567890"
                  "12345678901234567890123456",
                  0,
                  "/2345678901234567890123456789012345678901234567890123456789012345678901234567890"
                  "12345678901234567890123456" },
                { "/2345678901234567890123456789012345678901234567890123456789012345678901234567890"
                  "123456789012345678901234567890",
                  -ENAMETOOLONG, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char path[SIZE_CRI_SOCKET] = "";

                assert_int_equal(cri_info_socket(cases[i].in, path, NULL), cases[i].result);
                assert_string_equal(path, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(configs),
                cmocka_unit_test(too_long),
                cmocka_unit_test(conditions),
                cmocka_unit_test(endpoints),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"
#include "io/oci_seccomp.h"
#include "io/oci_spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define TEXTS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* An image whose entrypoint and command are as given; it says nothing else. */
static struct oci_config image(const char *const *entrypoint, const char *const *cmd,
                               const char *const *env, bool http) {
        return (struct oci_config){ .entrypoint = (char **)(uintptr_t)entrypoint,
                                    .cmd = (char **)(uintptr_t)cmd,
                                    .env = (char **)(uintptr_t)env,
                                    .user = (char *)(uintptr_t) "",
                                    .working_dir = (char *)(uintptr_t) "/",
                                    .exposes_http = http };
}

static const struct oci_user nobody;
static const struct container_host v2 = { .cgroup_v2 = true,
                                          .memory = true,
                                          .swap = true,
                                          .cpu = true,
                                          .pids = true,
                                          .resolv_conf = "/etc/resolv.conf" };

static struct container_spec plain(void) {
        return (struct container_spec){ .id = "figlet.openfaas-fn.7",
                                        .group = "figlet.openfaas-fn",
                                        .netns = "/run/netns/f7",
                                        .hostname = "figlet",
                                        .watchdog = "/usr/lib/bramble/fwatchdog" };
}

static cJSON *write_spec(const struct container_spec *spec, const struct oci_config *config,
                         const struct oci_user *user, const struct container_host *host) {
        const struct oci_spec s = { .spec = spec,
                                    .config = config,
                                    .user = user,
                                    .host = host,
                                    .seccomp = "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
                                    .hosts = "/run/bramble/io/x/hosts",
                                    .hostname = "/run/bramble/io/x/hostname" };
        auto_free char *text = NULL;
        struct fail f = { 0 };
        cJSON *json;

        if (oci_spec_write(&s, &text, &f) < 0)
                fail_msg("%s", f.text);
        json = cJSON_Parse(text);
        assert_non_null(json);
        return json;
}

/* "linux.resources.memory.limit", "process.args.0": printed as JSON, "" where it is not there. */
static const char *at(const cJSON *o, const char *path) {
        static char text[8192];
        char key[64];

        while (*path && o) {
                size_t len = strcspn(path, ".");

                assert_int_equal(str_copy_n(key, sizeof(key), path, len), 0);
                o = cJSON_IsArray(o) ? cJSON_GetArrayItem(o, key[0] - '0')
                                     : cJSON_GetObjectItemCaseSensitive(o, key);
                path += len + (path[len] == '.');
        }
        text[0] = '\0';
        if (o)
                assert_true(cJSON_PrintPreallocated((cJSON *)(uintptr_t)o, text, sizeof(text), 0));
        return text;
}

static bool has_mount(const cJSON *root, const char *destination, const char *source) {
        const cJSON *mounts = cJSON_GetObjectItemCaseSensitive(root, "mounts"), *m;

        cJSON_ArrayForEach(m, mounts) {
                if (str_eq(json_text(m, "destination", ""), destination))
                        return !source || str_eq(json_text(m, "source", ""), source);
        }
        return false;
}

static const char *env_of(const cJSON *root, const char *name) {
        const cJSON *env = cJSON_GetObjectItemCaseSensitive(
                cJSON_GetObjectItemCaseSensitive(root, "process"), "env");
        const char *found = NULL;
        const cJSON *e;

        cJSON_ArrayForEach(e, env) {
                size_t len = strlen(name);

                if (strncmp(e->valuestring, name, len) != 0 || e->valuestring[len] != '=')
                        continue;
                assert_null(found); /* once each */
                found = e->valuestring + len + 1;
        }
        return found ? found : "";
}

/* Who runs: the image's own program, or the watchdog with which fprocess. */
static void what_runs(void **state) {
        static const struct {
                const char *entrypoint[4], *cmd[4], *image_env[2];
                bool http;
                const char *process;
                const char *env[3];
                const char *args; /* "": ours */
                const char *fprocess;
        } cases[] = {
                { { "/cat" }, { NULL }, { NULL }, false, NULL, { NULL }, "", "/cat" },
                { { "/app", "-x" },
                  { "run", "it" },
                  { NULL },
                  false,
                  "",
                  { NULL },
                  "",
                  "/app -x run it" },
                { { NULL }, { "wc" }, { NULL }, false, NULL, { NULL }, "", "wc" },
                { { "/app" }, { "run" }, { NULL }, true, NULL, { NULL }, "[\"/app\",\"run\"]", "" },
                { { "/app" }, { NULL }, { NULL }, true, "cat", { NULL }, "", "cat" },
                { { "/app" }, { NULL }, { "fprocess=rev" }, true, NULL, { NULL }, "", "rev" },
                { { "/app" }, { NULL }, { "fprocess=rev" }, true, "cat", { NULL }, "", "cat" },
                { { "/app" },
                  { NULL },
                  { "fprocess=rev" },
                  false,
                  NULL,
                  { "fprocess=tac" },
                  "",
                  "tac" },
                { { NULL }, { NULL }, { NULL }, false, "env", { NULL }, "", "env" },
                { { NULL }, { NULL }, { NULL }, true, "env", { NULL }, "", "env" },
                { { NULL }, { NULL }, { "mode=static" }, false, NULL, { NULL }, "", "" },
                { { "/app" }, { NULL }, { NULL }, false, NULL, { "mode=static" }, "", "" },
                /* a watchdog of its own, whatever else is said */
                { { "/usr/bin/fwatchdog" },
                  { NULL },
                  { "fprocess=rev" },
                  false,
                  NULL,
                  { NULL },
                  "[\"/usr/bin/fwatchdog\"]",
                  "rev" },
                { { "./of-watchdog" },
                  { "x" },
                  { NULL },
                  true,
                  "cat",
                  { NULL },
                  "[\"./of-watchdog\",\"x\"]",
                  "cat" },
                { { NULL },
                  { "fwatchdog" },
                  { NULL },
                  false,
                  NULL,
                  { NULL },
                  "[\"fwatchdog\"]",
                  "" },
                { { "/my-fwatchdog" },
                  { NULL },
                  { NULL },
                  false,
                  NULL,
                  { NULL },
                  "",
                  "/my-fwatchdog" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct oci_config c =
                        image(cases[i].entrypoint, cases[i].cmd, cases[i].image_env, cases[i].http);
                struct container_spec s = plain();
                auto_json cJSON *json = NULL;
                bool ours = !cases[i].args[0];

                s.process = cases[i].process;
                s.env = cases[i].env;
                json = write_spec(&s, &c, &nobody, &v2);
                assert_string_equal(at(json, "process.args"),
                                    ours ? "[\"/usr/bin/fwatchdog\"]" : cases[i].args);
                assert_string_equal(env_of(json, "fprocess"), cases[i].fprocess);
                assert_int_equal(has_mount(json, "/usr/bin/fwatchdog", NULL), ours);
                if (ours)
                        assert_true(has_mount(json, "/usr/bin/fwatchdog", s.watchdog));
        }
}

static void limits(void **state) {
        static const struct {
                uint64_t memory;
                uint32_t cpu;
                struct container_host host;
                const char *path, *want;
        } cases[] = {
                { 64 << 20,
                  0,
                  { .memory = true, .swap = true },
                  "memory",
                  "{\"limit\":67108864,\"swap\":67108864}" },
                { 64 << 20, 0, { .memory = true }, "memory", "{\"limit\":67108864}" },
                { 64 << 20, 0, { .swap = true }, "memory", "" },
                { 0, 0, { .memory = true, .swap = true }, "memory", "" },
                { UINT64_C(5) << 32, 0, { .memory = true }, "memory", "{\"limit\":21474836480}" },
                { 0, 250, { .cpu = true }, "cpu", "{\"quota\":25000,\"period\":100000}" },
                { 0, 1500, { .cpu = true }, "cpu", "{\"quota\":150000,\"period\":100000}" },
                { 0, 1, { .cpu = true }, "cpu", "{\"quota\":1000,\"period\":100000}" },
                { 0, 250, { .cpu = false }, "cpu", "" },
                { 0, 0, { .pids = true }, "pids", "{\"limit\":512}" },
                { 0, 0, { .pids = false }, "pids", "" },
        };
        struct oci_config c = image(TEXTS("/app"), TEXTS(), TEXTS(), true);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct container_spec s = plain();
                auto_json cJSON *json = NULL;
                char path[64];

                s.memory_bytes = cases[i].memory;
                s.cpu_millicores = cases[i].cpu;
                json = write_spec(&s, &c, &nobody, &cases[i].host);
                (void)snprintf(path, sizeof(path), "linux.resources.%s", cases[i].path);
                assert_string_equal(at(json, path), cases[i].want);
                assert_string_equal(at(json, "linux.resources.devices"),
                                    "[{\"allow\":false,\"access\":\"rwm\"}]");
        }
}

static void confinement(void **state) {
        const struct oci_user user = { .uid = 1000, .gid = 44, .n_groups = 2, .groups = { 7, 8 } };
        struct oci_config c = image(TEXTS("/app"), TEXTS(), TEXTS(), true);
        struct container_spec s = plain();
        auto_json cJSON *json = NULL, *loose = NULL;
        struct container_host v1 = v2;

        (void)state;
        s.read_only_root = true;
        s.secrets = "/run/bramble/secrets/fn-1-7";
        json = write_spec(&s, &c, &user, &v2);
        assert_true(has_mount(json, "/var/openfaas/secrets", s.secrets));
        assert_non_null(strstr(at(json, "mounts"),
                               "\"source\":\"/run/bramble/secrets/fn-1-7\",\"options\":[\"rbind\","
                               "\"ro\",\"nosuid\",\"nodev\",\"noexec\"]"));
        assert_string_equal(at(json, "process.noNewPrivileges"), "true");
        assert_string_equal(at(json, "process.capabilities.ambient"), "");
        assert_string_equal(at(json, "process.capabilities.inheritable"), "");
        assert_null(strstr(at(json, "process.capabilities.bounding"), "SYS_ADMIN"));
        assert_non_null(strstr(at(json, "process.capabilities.bounding"), "NET_BIND_SERVICE"));
        assert_string_equal(at(json, "process.user"),
                            "{\"uid\":1000,\"gid\":44,\"additionalGids\":[7,8]}");
        assert_string_equal(at(json, "root"), "{\"path\":\"rootfs\",\"readonly\":true}");
        assert_true(has_mount(json, "/tmp", NULL));
        assert_true(has_mount(json, "/sys/fs/cgroup", NULL));
        assert_true(has_mount(json, "/etc/resolv.conf", "/etc/resolv.conf"));
        assert_true(has_mount(json, "/etc/hosts", "/run/bramble/io/x/hosts"));
        assert_true(has_mount(json, "/etc/hostname", "/run/bramble/io/x/hostname"));
        assert_string_equal(at(json, "linux.namespaces"),
                            "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"
                            "{\"type\":\"mount\"},{\"type\":\"cgroup\"},"
                            "{\"type\":\"network\",\"path\":\"/run/netns/f7\"}]");
        assert_string_equal(at(json, "linux.cgroupsPath"), "\"/openfaas-fn/figlet.openfaas-fn.7\"");
        assert_string_equal(at(json, "linux.seccomp.defaultAction"), "\"SCMP_ACT_ERRNO\"");
        assert_non_null(strstr(at(json, "linux.maskedPaths"), "/proc/kcore"));
        assert_non_null(strstr(at(json, "linux.readonlyPaths"), "/proc/sys"));
        assert_non_null(strstr(at(json, "linux.sysctl"), "ip_unprivileged_port_start"));
        assert_string_equal(at(json, "hostname"), "\"figlet\"");
        assert_string_equal(at(json, "annotations"),
                            "{\"io.containerd.runc.v2.group\":\"figlet.openfaas-fn\"}");
        v1.cgroup_v2 = false;
        s.read_only_root = false;
        s.netns = "";
        s.secrets = "";
        loose = write_spec(&s, &c, &nobody, &v1);
        assert_string_equal(at(loose, "root.readonly"), "false");
        assert_false(has_mount(loose, "/var/openfaas/secrets", NULL));
        assert_false(has_mount(loose, "/tmp", NULL));
        assert_false(has_mount(loose, "/sys/fs/cgroup", NULL));
        assert_null(strstr(at(loose, "linux.namespaces"), "cgroup"));
        assert_null(strstr(at(loose, "linux.namespaces"), "path"));
}

static void environment(void **state) {
        struct oci_config c =
                image(TEXTS("/app"), TEXTS(),
                      TEXTS("A=image", "B=image", "PATH=/opt", "=bad", "worse"), true);
        struct container_spec s = plain();
        auto_json cJSON *json = NULL;

        (void)state;
        s.env = TEXTS("B=spec", "C=first", "C=second", "D=a=b", "AB=", "E=\"quote\"\n");
        json = write_spec(&s, &c, &nobody, &v2);
        assert_string_equal(env_of(json, "A"), "image");
        assert_string_equal(env_of(json, "B"), "spec");
        assert_string_equal(env_of(json, "C"), "second");
        assert_string_equal(env_of(json, "D"), "a=b");
        assert_string_equal(env_of(json, "AB"), "");
        assert_string_equal(env_of(json, "E"), "\"quote\"\n");
        assert_string_equal(env_of(json, "PATH"), "/opt");
        assert_string_equal(env_of(json, "worse"), "");
}

static void refused(void **state) {
        static const char *const ids[] = { "",
                                           "a/b",
                                           "../a",
                                           ".a",
                                           "a.",
                                           "a b",
                                           "a\n",
                                           "01234567890123456789012345678901"
                                           "23456789012345678901234567890123"
                                           "4567890123456" };
        struct oci_config c = image(TEXTS(), TEXTS(), TEXTS(), false);
        struct container_spec s = plain();
        struct oci_spec o = { .spec = &s, .config = &c, .user = &nobody, .host = &v2 };
        struct fail f = { 0 };
        char *text = NULL;

        (void)state;
        assert_int_equal(oci_spec_write(&o, &text, &f), -EINVAL);
        assert_string_equal(f.text, "the image has no command, and no process is named");
        s.process = "cat";
        s.watchdog = "";
        f = (struct fail){ 0 };
        assert_int_equal(oci_spec_write(&o, &text, &f), -EINVAL);
        assert_string_equal(f.text, "the image needs fwatchdog, which this board does not have");
        s.watchdog = "/fwatchdog";
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                s.id = ids[i];
                assert_false(oci_id_valid(ids[i]));
                assert_int_equal(oci_spec_write(&o, &text, NULL), -EINVAL);
        }
        assert_null(text);
        assert_true(oci_id_valid("a"));
        assert_true(oci_id_valid("fn-0badcafe-12"));
}

static bool allows(const cJSON *names, const char *name) {
        const cJSON *n;

        cJSON_ArrayForEach(n, names) {
                if (str_eq(n->valuestring, name))
                        return true;
        }
        return false;
}

static void seccomp(void **state) {
        static const struct {
                const char *architecture, *want, *has, *lacks;
        } cases[] = {
                { "amd64", "[\"SCMP_ARCH_X86_64\"]", "arch_prctl", "set_tls" },
                { "arm", "[\"SCMP_ARCH_ARM\"]", "set_tls", "arch_prctl" },
                { "arm64", "[\"SCMP_ARCH_AARCH64\"]", "cacheflush", "modify_ldt" },
                { "", "[]", "read", "set_tls" },
                { "vax", "[]", "read", "set_tls" },
        };
        static const char *const never[] = { "mount",
                                             "umount2",
                                             "unshare",
                                             "setns",
                                             "init_module",
                                             "bpf",
                                             "ptrace",
                                             "keyctl",
                                             "reboot",
                                             "io_uring_enter",
                                             "clone",
                                             "clone3",
                                             "kexec_load",
                                             "settimeofday",
                                             "swapon",
                                             "pivot_root",
                                             "open_by_handle_at",
                                             "userfaultfd",
                                             "perf_event_open",
                                             "personality" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf text = { 0 };
                auto_json cJSON *json = NULL;
                const cJSON *calls, *names, *n, *m;

                assert_int_equal(oci_seccomp_write(cases[i].architecture, &text), 0);
                json = cJSON_ParseWithLength(text.data, text.len);
                assert_non_null(json);
                assert_string_equal(at(json, "defaultAction"), "\"SCMP_ACT_ERRNO\"");
                assert_string_equal(at(json, "architectures"), cases[i].want);
                calls = cJSON_GetObjectItemCaseSensitive(json, "syscalls");
                names = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(calls, 0), "names");
                assert_true(allows(names, cases[i].has));
                assert_false(allows(names, cases[i].lacks));
                for (size_t j = 0; j < ARRAY_SIZE(never); j++)
                        assert_false(allows(names, never[j]));
                cJSON_ArrayForEach(n, names) {
                        for (m = n->next; m; m = m->next)
                                assert_string_not_equal(n->valuestring, m->valuestring);
                }
                assert_int_equal(cJSON_GetArraySize(calls), 8);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_runs),   cmocka_unit_test(limits),
                cmocka_unit_test(confinement), cmocka_unit_test(environment),
                cmocka_unit_test(refused),     cmocka_unit_test(seccomp),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "io/kube_preflight.h"
#include "io/kube_preflight_fix.h"

#include "root_fixture.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>

#define MB ((uint64_t)1 << 20)

static const char *const v1_groups[] = { "cpu",     "cpuacct", "cpuset", "devices",
                                         "freezer", "memory",  "pids" };

/* A 3B+ with everything in its place. */
static void put_board(void) {
        static const char *const all[] = {
                "usr/bin/kubeadm!",
                "usr/bin/kubelet!",
                "usr/lib/bramble/crictl!",
                "lib/systemd/system/kubelet.service=[Unit]\n",
                "proc/swaps=Filename Type Size Used Priority\n",
                "proc/filesystems=nodev\tproc\n\text4\nnodev\toverlay\n",
                "proc/sys/net/ipv4/ip_forward=1\n",
                "proc/sys/net/bridge/bridge-nf-call-iptables=1\n",
                "proc/sys/kernel/hostname=m1\n",
                "sys/fs/cgroup/cgroup.controllers=cpuset cpu io memory pids\n",
                "proc/cgroups=#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t40\t1\n",
                "usr/lib/cni/bridge!",
                "usr/lib/cni/host-local!",
                "usr/lib/cni/portmap!",
                "usr/lib/cni/loopback!",
                "usr/sbin/conntrack!",
                "sbin/ip!",
                "usr/sbin/iptables!",
                "bin/mount!",
                "usr/bin/nsenter!",
                "usr/sbin/ethtool!",
                "usr/bin/socat!",
                "usr/sbin/tc!",
        };

        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                root_lay(all[i]);
}

static struct preflight_facts facts_of(const struct kube_files *files) {
        return (struct preflight_facts){
                .files = files,
                .name = "m1",
                .control_plane = true,
                .needs_crictl = true,
                .ram_bytes = 922 * MB,
                .disk_free_bytes = UINT64_C(2000000000),
                .clock_seconds = 1700000000,
                .clock_floor = 1700000000,
                .cri_answers = true,
                .cri_systemd_cgroup = true,
                .kubelet_systemd_cgroup = true,
                .sandbox_image = "registry.local/pause:3.2",
                .sandbox_present = true,
        };
}

static const struct preflight_check *find(const struct preflight *p, const char *name) {
        for (uint32_t i = 0; i < p->n; i++)
                if (str_eq(p->checks[i].name, name))
                        return &p->checks[i];
        fail_msg("no check is called %s", name);
        abort();
}

static void check(struct preflight_facts *in, struct preflight *ret) {
        static struct kube_files files;

        assert_int_equal(kube_files_read(root, &files), 0);
        in->files = &files;
        kube_preflight(root, in, ret);
        for (uint32_t i = 0; i < ret->n; i++) {
                assert_true(ret->checks[i].text[0]);
                assert_int_equal(ret->checks[i].advice[0] == '\0', ret->checks[i].pass);
        }
}

static void only_fails(const struct preflight *p, const char *name, const char *text) {
        for (uint32_t i = 0; i < p->n; i++)
                if (p->checks[i].pass == str_eq(p->checks[i].name, name))
                        fail_msg("%s, of which only '%s' should fail: %s", p->checks[i].name,
                                 str_or(name, "nothing"), p->checks[i].text);
        if (name && !strstr(find(p, name)->text, text))
                fail_msg("'%s' is not in '%s'", text, find(p, name)->text);
}

static void all_well(void **state) {
        struct preflight_facts in = facts_of(NULL);
        struct preflight p;

        (void)state;
        put_board();
        check(&in, &p);
        only_fails(&p, NULL, NULL);
        assert_null(preflight_blocker(&p));
        assert_false(preflight_fixable(&p));
        assert_false(p.swap);
}

/* One file that is different, and the one check that says so. */
static void files(void **state) {
        static const struct {
                const char *put, *gone, *fails, *text;
                enum preflight_severity severity;
        } cases[] = {
                { NULL, "usr/bin/kubeadm", "kubeadm and kubelet", "not installed: kubeadm",
                  PREFLIGHT_BLOCKS },
                { NULL, "usr/lib/bramble/crictl", "kubeadm and kubelet", "crictl",
                  PREFLIGHT_BLOCKS },
                { NULL, "lib/systemd/system/kubelet.service", "kubelet unit", "masked",
                  PREFLIGHT_BLOCKS },
                { "proc/sys/kernel/hostname=raspberrypi\n", NULL, "node name",
                  "raspberrypi, the board's is m1", PREFLIGHT_BLOCKS },
                { NULL, "proc/sys/kernel/hostname", "node name", "m1", PREFLIGHT_BLOCKS },
                /* a Pi as it comes */
                { "sys/fs/cgroup/cgroup.controllers=cpuset cpu io pids\n", NULL, "cgroups",
                  "cgroup v2, without memory", PREFLIGHT_BLOCKS },
                { "sys/fs/cgroup/cgroup.controllers=cpuset io pids", NULL, "cgroups",
                  "without cpu memory", PREFLIGHT_BLOCKS },
                /* 6.12 with CONFIG_MEMCG_V1 off */
                { "proc/cgroups=#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t4\t1\n",
                  NULL, "cgroup list", "does not list memory", PREFLIGHT_NOTE },
                { "proc/swaps=Filename Type Size Used Priority\n/var/swap\tfile\t102396\t0\t-2\n",
                  NULL, "swap", "swap on /var/swap", PREFLIGHT_NOTE },
                { "proc/swaps=Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n"
                  "/dev/sda2 partition 1 0 -2\n",
                  NULL, "swap", "swap on /dev/sda2", PREFLIGHT_NOTE },
                { "proc/filesystems=nodev\toverlayfs\n\text4\n", NULL, "overlay", "no overlay",
                  PREFLIGHT_FIXED },
                { NULL, "proc/sys/net/bridge/bridge-nf-call-iptables", "bridge netfilter",
                  "not loaded", PREFLIGHT_FIXED },
                { "proc/sys/net/bridge/bridge-nf-call-iptables=0\n", NULL, "bridge netfilter",
                  "does not see", PREFLIGHT_FIXED },
                { "proc/sys/net/ipv4/ip_forward=0\n", NULL, "ip forwarding", "not forwarded",
                  PREFLIGHT_FIXED },
                { NULL, "usr/lib/cni/host-local", "CNI plug-ins", "/usr/lib/cni has no host-local",
                  PREFLIGHT_BLOCKS },
                { NULL, "usr/sbin/conntrack", "tools", "not installed: conntrack",
                  PREFLIGHT_BLOCKS },
                { NULL, "usr/sbin/iptables", "tools", "iptables", PREFLIGHT_BLOCKS },
                { NULL, "usr/bin/socat", "more tools", "socat", PREFLIGHT_NOTE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct preflight_facts in = facts_of(NULL);
                struct preflight p;

                put_board();
                if (cases[i].put)
                        root_lay(cases[i].put);
                if (cases[i].gone)
                        assert_int_equal(unlink(root_in(cases[i].gone)), 0);
                check(&in, &p);
                only_fails(&p, cases[i].fails, cases[i].text);
                if (!cases[i].fails)
                        continue;
                assert_int_equal(find(&p, cases[i].fails)->severity, cases[i].severity);
                assert_int_equal(preflight_blocker(&p) != NULL,
                                 cases[i].severity != PREFLIGHT_NOTE);
                assert_int_equal(preflight_fixable(&p), cases[i].severity == PREFLIGHT_FIXED);
        }
}

/* The same for what the caller knows. */
static void facts(void **state) {
        struct preflight_facts good = facts_of(NULL), in;
        struct preflight p;

        (void)state;
        put_board();
#define CASE(fails, text, ...)               \
        do {                                 \
                in = good;                   \
                __VA_ARGS__;                 \
                check(&in, &p);              \
                only_fails(&p, fails, text); \
        } while (0)
        CASE("clock", "1970-01-01 00:00 UTC, but it is later than 2023-11-14 22:13 UTC",
             in.clock_seconds = 59);
        CASE("node name", "no name yet", in.name = NULL);
        CASE("node name", "'M1' is no name", in.name = "M1");
        CASE("node name", "'-m' is no name", in.name = "-m");
        CASE("node name", "'m_1' is no name", in.name = "m_1");
        CASE("node name", "the host name is m1, the board's is w1", in.name = "w1");
        CASE("disk", "900 MB free in /var/lib, 1.0 GB wanted", in.disk_free_bytes = 900000000);
        CASE(NULL, NULL, in.disk_free_bytes = 900000000, in.images_present = true);
        CASE("disk", "150 MB free in /var/lib, 200 MB wanted", in.disk_free_bytes = 150000000,
             in.images_present = true);
        CASE("RAM", "a control plane takes", in.ram_bytes = 430 * MB);
        CASE(NULL, NULL, in.ram_bytes = 430 * MB, in.control_plane = false);
        CASE("container runtime", "does not answer: connection refused", in.cri_answers = false,
             in.cri_why = "connection refused");
        CASE("cgroup driver", "containerd uses cgroupfs, the kubelet systemd",
             in.cri_systemd_cgroup = false);
        CASE("pause image", "pause:3.2 is not on the card", in.sandbox_present = false);
        assert_null(preflight_blocker(&p));
        CASE("CNI plug-ins", "/opt/cni/bin has no bridge host-local portmap loopback",
             in.cni_bin_dir = "/opt/cni/bin");
        CASE(NULL, NULL, in.cni_bin_dir = "/usr/lib/cni");
#undef CASE
        in = good;
        check(&in, &p);
        assert_non_null(strstr(find(&p, "RAM")->text, "below kubeadm's 1700 MB"));
}

static void zram_is_fine(void **state) {
        struct preflight_facts in = facts_of(NULL);
        struct preflight p;

        (void)state;
        put_board();
        root_lay("proc/swaps=Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n");
        check(&in, &p);
        only_fails(&p, NULL, NULL);
        assert_true(p.swap);
        assert_non_null(strstr(find(&p, "swap")->text, "/dev/zram0"));
}

/* /proc/cgroups of v1, with one controller disabled (the firmware of a Pi does that) or none. */
static void put_v1(const char *disabled, const char *unmounted) {
        char text[1024] = "proc/cgroups=#subsys_name\thierarchy\tnum_cgroups\tenabled\n", path[64];

        for (size_t i = 0; i < ARRAY_SIZE(v1_groups); i++) {
                size_t len = strlen(text);

                (void)snprintf(text + len, sizeof(text) - len, "%s\t%zu\t1\t%d\n", v1_groups[i], i,
                               !str_eq(v1_groups[i], disabled));
                (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s/", v1_groups[i]);
                root_lay(path);
        }
        root_lay(text);
        if (!unmounted)
                return;
        (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s", unmounted);
        assert_int_equal(rmdir(root_in(path)), 0);
}

static void version_1(void **state) {
        struct preflight_facts in = facts_of(NULL);
        struct preflight p;

        (void)state;
        put_board();
        assert_int_equal(unlink(root_in("sys/fs/cgroup/cgroup.controllers")), 0);
        put_v1(NULL, NULL);
        check(&in, &p);
        only_fails(&p, NULL, NULL);
        put_v1("memory", NULL);
        check(&in, &p);
        only_fails(&p, "cgroups", "cgroup v1, without memory");
        assert_non_null(strstr(find(&p, "cgroups")->advice, "cmdline.txt"));
        put_v1(NULL, "pids");
        check(&in, &p);
        only_fails(&p, "cgroups", "cgroup v1, without pids");
        assert_null(strstr(find(&p, "cgroups")->advice, "cmdline.txt"));
}

static void empty_root(void **state) {
        struct preflight_facts in = { .name = "m1", .control_plane = true, .clock_floor = 1 };
        struct preflight p;

        (void)state;
        check(&in, &p);
        assert_string_equal(preflight_blocker(&p)->name, "kubeadm and kubelet");
        assert_non_null(strstr(find(&p, "cgroups")->text,
                               "without cpu cpuacct cpuset devices freezer memory pids"));
}

/* ---- what the agent puts right ------------------------------------------------------------- */

struct fixing {
        int calls, result;
        char why[256];
};

static void on_fixed(void *arg, int result, const char *why) {
        struct fixing *x = arg;

        x->calls++;
        x->result = result;
        (void)snprintf(x->why, sizeof(x->why), "%s", why);
}

static struct fixing run_fix(void) {
        struct preflight_fix *fix = NULL;
        struct fixing x = { 0 };
        uv_loop_t loop;

        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(preflight_fix_start(&loop, root, on_fixed, &x, &fix), 0);
        assert_int_equal(x.calls, 0);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&loop), 0);
        assert_int_equal(x.calls, 1);
        return x;
}

/* A modprobe for the fixture: runs 'body' in the root directory. */
static void put_modprobe(const char *body) {
        char text[1024];

        (void)snprintf(text, sizeof(text),
                       "#!/bin/sh\ncd \"${0%%/usr/sbin/modprobe}\" || exit 9\n%s\n", body);
        root_bytes("usr/sbin/modprobe", text, strlen(text), 0600);
        assert_int_equal(chmod(root_in("usr/sbin/modprobe"), 0755), 0);
}

static void content_is(const char *path, const char *want) {
        char text[256] = "";
        FILE *f = fopen(root_in(path), "re");

        assert_non_null(f);
        (void)!fgets(text, sizeof(text), f);
        (void)fclose(f);
        text[strcspn(text, "\n")] = '\0';
        assert_string_equal(text, want);
}

static void fixes_modules_and_sysctls(void **state) {
        struct preflight_facts in = facts_of(NULL);
        struct preflight p;

        (void)state;
        put_board();
        root_lay("proc/filesystems=\text4\n");
        root_lay("proc/sys/net/ipv4/ip_forward=0\n");
        assert_int_equal(unlink(root_in("proc/sys/net/bridge/bridge-nf-call-iptables")), 0);
        put_modprobe("echo \"$*\" >asked; echo overlay >>proc/filesystems\n"
                     "echo 0 >proc/sys/net/bridge/bridge-nf-call-iptables");
        check(&in, &p);
        assert_true(preflight_fixable(&p));
        assert_int_equal(run_fix().result, 0);
        content_is("asked", "-a -q overlay br_netfilter");
        content_is("proc/sys/net/bridge/bridge-nf-call-iptables", "1");
        check(&in, &p);
        only_fails(&p, NULL, NULL);
}

/* Built in, or loaded before: modprobe is not asked, and need not be there. */
static void needs_no_modprobe(void **state) {
        struct fixing x;

        (void)state;
        put_board();
        root_lay("proc/sys/net/bridge/bridge-nf-call-iptables=0\n");
        x = run_fix();
        assert_int_equal(x.result, 0);
        assert_string_equal(x.why, "");
        content_is("proc/sys/net/bridge/bridge-nf-call-iptables", "1");
}

static void says_what_it_cannot(void **state) {
        static const struct {
                const char *modprobe, *gone, *why;
                int result;
        } cases[] = {
                { NULL, "proc/sys/net/bridge/bridge-nf-call-iptables",
                  "no br_netfilter; modprobe: No such file", -ENODEV },
                { "exit 1", "proc/sys/net/bridge/bridge-nf-call-iptables",
                  "no br_netfilter; modprobe ended with status 1", -ENODEV },
                { "kill -9 $$", "proc/filesystems",
                  "no overlay filesystem; modprobe ended with signal 9", -ENODEV },
                { "exit 0", "proc/filesystems", "no overlay filesystem", -ENODEV },
                /* one module failed, and it was none that is needed after all */
                { "echo 1 >proc/sys/net/bridge/bridge-nf-call-iptables; exit 1",
                  "proc/sys/net/bridge/bridge-nf-call-iptables", "", 0 },
                { NULL, "proc/sys/net/ipv4/ip_forward",
                  "the kernel has no /proc/sys/net/ipv4/ip_forward", -ENOENT },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fixing x;

                put_board();
                (void)unlink(root_in("usr/sbin/modprobe"));
                if (cases[i].modprobe)
                        put_modprobe(cases[i].modprobe);
                assert_int_equal(unlink(root_in(cases[i].gone)), 0);
                x = run_fix();
                if (!strstr(x.why, cases[i].why))
                        fail_msg("'%s' is not in '%s'", cases[i].why, x.why);
                assert_int_equal(x.result, cases[i].result);
                /* what can be done is done all the same */
                if (!str_eq(cases[i].gone, "proc/sys/net/ipv4/ip_forward"))
                        content_is("proc/sys/net/ipv4/ip_forward", "1");
        }
}

/* The agent ends while modprobe hangs in the kernel. */
static void closes_early(void **state) {
        struct preflight_fix *fix = NULL;
        struct fixing x = { 0 };
        uv_loop_t loop;

        (void)state;
        put_board();
        assert_int_equal(unlink(root_in("proc/filesystems")), 0);
        put_modprobe("exec sleep 1000");
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(preflight_fix_start(&loop, root, on_fixed, &x, &fix), 0);
        preflight_fix_close(fix);
        preflight_fix_close(NULL);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&loop), 0);
        assert_int_equal(x.calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_make, root_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(all_well),
                TEST(files),
                TEST(facts),
                TEST(zram_is_fine),
                TEST(version_1),
                TEST(empty_root),
                TEST(fixes_modules_and_sysctls),
                TEST(needs_no_modprobe),
                TEST(says_what_it_cannot),
                TEST(closes_early),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

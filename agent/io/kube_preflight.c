#include "io/kube_preflight.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/kube_budget.h"
#include "io/sensors_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Room for the control plane's images and etcd; later only for their growth and for logs. */
#define DISK_FIRST_BYTES UINT64_C(1000000000)
#define DISK_LATER_BYTES UINT64_C(200000000)

/* kubeadm has wanted so much on a control plane since 1.20. */
#define KUBEADM_RAM_BYTES ((uint64_t)1700 << 20)

enum { LIST_BYTES = 160 };

struct looking {
        int root_fd;
        const struct preflight_facts *in;
        struct preflight *ret;
};

static void say(struct preflight_check *c, bool pass, const char *text, const char *advice) {
        c->pass = pass;
        (void)snprintf(c->text, sizeof(c->text), "%s", text);
        (void)snprintf(c->advice, sizeof(c->advice), "%s", pass ? "" : advice);
}

static void add_word(char list[static LIST_BYTES], const char *word) {
        size_t len = strlen(list);

        (void)snprintf(list + len, LIST_BYTES - len, "%s%s", len ? " " : "", word);
}

static bool exists(int root_fd, const char *path) {
        struct stat st;

        return fstatat(root_fd, path, &st, 0) == 0;
}

/* "" where it cannot be read. */
static void read_text(int root_fd, const char *path, char *text, size_t size) {
        if (sensors_file_read(root_fd, path, text, size) < 0)
                text[0] = '\0';
}

static bool has_word(const char *text, const char *word) {
        size_t len = strlen(word);

        for (const char *p = text; (p = strstr(p, word)); p += len)
                if ((p == text || strchr(" \t\n", p[-1])) && strchr(" \t\n", p[len]))
                        return true;
        return false;
}

/* ---- programs ------------------------------------------------------------------------------ */

static void check_kubernetes(const struct looking *l, struct preflight_check *c) {
        const struct kube_program_file *p = l->in->files->programs;
        char list[LIST_BYTES] = "", text[SIZE_REASON * 2];

        if (!p[KUBE_KUBEADM].path[0])
                add_word(list, "kubeadm");
        if (!p[KUBE_KUBELET].path[0])
                add_word(list, "kubelet");
        if (l->in->needs_crictl && !p[KUBE_CRICTL].path[0])
                add_word(list, "crictl");
        if (list[0])
                (void)snprintf(text, sizeof(text), "not installed: %s", list);
        else
                (void)snprintf(text, sizeof(text), "%s and %s", p[KUBE_KUBEADM].path,
                               p[KUBE_KUBELET].path);
        say(c, !list[0], text, "install Kubernetes; functions run without it");
}

static void check_unit(const struct looking *l, struct preflight_check *c) {
        bool there = kube_files_have(l->in->files, KUBE_HAS_KUBELET_UNIT);

        say(c, there,
            there ? "systemd knows kubelet.service"
                  : "there is no kubelet.service, or it is masked",
            "install the unit that comes with kubelet, or: systemctl unmask kubelet");
}

static bool has_program(int root_fd, const char *name) {
        static const char *const dirs[] = { "usr/local/sbin", "usr/local/bin", "usr/sbin",
                                            "usr/bin",        "sbin",          "bin" };
        char path[64];
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
                if (fstatat(root_fd, path, &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111)
                        return true;
        }
        return false;
}

static void check_tools(const struct looking *l, struct preflight_check *c,
                        const char *const *names, size_t n, const char *advice) {
        char list[LIST_BYTES] = "", all[LIST_BYTES] = "", text[SIZE_REASON * 2];

        for (size_t i = 0; i < n; i++) {
                add_word(all, names[i]);
                if (!has_program(l->root_fd, names[i]))
                        add_word(list, names[i]);
        }
        (void)snprintf(text, sizeof(text), "%s%s", list[0] ? "not installed: " : "",
                       list[0] ? list : all);
        say(c, !list[0], text, advice);
}

/* Without these kubeadm 1.20 gives up (preflight/checks.go, mandatory). */
static void check_needed(const struct looking *l, struct preflight_check *c) {
        static const char *const names[] = { "conntrack", "ip", "iptables", "mount", "nsenter" };

        check_tools(l, c, names, ARRAY_SIZE(names),
                    "apt install conntrack iproute2 iptables mount util-linux");
}

/* Without these it warns; kubectl port-forward wants socat. */
static void check_wanted(const struct looking *l, struct preflight_check *c) {
        static const char *const names[] = { "ethtool", "socat", "tc" };

        check_tools(l, c, names, ARRAY_SIZE(names), "apt install ethtool socat iproute2");
}

/* ---- kernel -------------------------------------------------------------------------------- */

/* Is the controller enabled by the third number of its line in /proc/cgroups? */
static bool v1_enabled(const char *text, const char *name) {
        char found[32];
        unsigned hierarchy, cgroups, enabled;

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (sscanf(line, "%31s %u %u %u", found, &hierarchy, &cgroups, &enabled) == 4 &&
                    str_eq(found, name))
                        return enabled != 0;
        }
        return false;
}

static void v1_missing(int root_fd, char list[static LIST_BYTES]) {
        static const char *const names[] = { "cpu",     "cpuacct", "cpuset", "devices",
                                             "freezer", "memory",  "pids" };
        char text[2048], path[64];

        read_text(root_fd, "proc/cgroups", text, sizeof(text));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s", names[i]);
                if (!v1_enabled(text, names[i]) || !exists(root_fd, path))
                        add_word(list, names[i]);
        }
}

static void v2_missing(int root_fd, char list[static LIST_BYTES]) {
        static const char *const names[] = { "cpu", "cpuset", "memory", "pids" };
        char text[512];

        read_text(root_fd, "sys/fs/cgroup/cgroup.controllers", text, sizeof(text));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (!has_word(text, names[i]))
                        add_word(list, names[i]);
}

static bool is_v2(int root_fd) {
        return exists(root_fd, "sys/fs/cgroup/cgroup.controllers");
}

static void check_cgroups(const struct looking *l, struct preflight_check *c) {
        char list[LIST_BYTES] = "", text[SIZE_REASON * 2];
        bool v2 = is_v2(l->root_fd), pi;

        if (v2)
                v2_missing(l->root_fd, list);
        else
                v1_missing(l->root_fd, list);
        pi = has_word(list, "memory") || has_word(list, "cpuset");
        (void)snprintf(text, sizeof(text), "cgroup %s%s%s", v2 ? "v2" : "v1",
                       list[0] ? ", without " : "", list);
        say(c, !list[0], text,
            pi ? "add 'cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1' to the one line "
                 "of cmdline.txt on the boot partition, then reboot"
               : "this kernel was built without them: take the one of Debian or Raspberry Pi OS");
}

/* Since Linux 6.12 a kernel without the v1 form of a controller does not list it there. */
static void check_cgroup_list(const struct looking *l, struct preflight_check *c) {
        char text[2048];
        bool listed;

        read_text(l->root_fd, "proc/cgroups", text, sizeof(text));
        listed = !is_v2(l->root_fd) || v1_enabled(text, "memory");
        say(c, listed,
            listed ? "kubeadm of any age can see the cgroups"
                   : "/proc/cgroups does not list memory, as is usual from Linux 6.12 on",
            "kubeadm from 1.20 on does not look there; an older one needs "
            "--ignore-preflight-errors=SystemVerification");
}

static void check_overlay(const struct looking *l, struct preflight_check *c) {
        bool there = preflight_has_overlay(l->root_fd);

        say(c, there,
            there ? "the kernel has the overlay filesystem"
                  : "the kernel has no overlay filesystem yet",
            "modprobe overlay; if there is no such module, take the kernel of Debian or Raspberry "
            "Pi OS");
}

static bool is_one(int root_fd, const char *path) {
        uint64_t value;

        return sensors_file_number(root_fd, path, &value) == 0 && value == 1;
}

static void check_bridge(const struct looking *l, struct preflight_check *c) {
        if (!preflight_has_bridge_netfilter(l->root_fd))
                say(c, false, "br_netfilter is not loaded",
                    "modprobe br_netfilter; after an update of the kernel, reboot first");
        else if (is_one(l->root_fd, PREFLIGHT_BRIDGE_NETFILTER))
                say(c, true, "iptables sees packets on bridges", "");
        else
                say(c, false, "iptables does not see packets on bridges",
                    "sysctl -w net.bridge.bridge-nf-call-iptables=1");
}

static void check_forward(const struct looking *l, struct preflight_check *c) {
        bool on = is_one(l->root_fd, PREFLIGHT_IP_FORWARD);

        say(c, on,
            on ? "packets are forwarded between networks"
               : "packets are not forwarded between networks",
            "sysctl -w net.ipv4.ip_forward=1; does something in /etc/sysctl.d turn it off again?");
}

/* ---- board --------------------------------------------------------------------------------- */

/* zram is fine with a kubelet that allows swap, as ours does; a file on the card is slow, wears it
 * out, and delays etcd. */
static void check_swap(const struct looking *l, struct preflight_check *c) {
        char swaps[2048], path[64], text[SIZE_REASON * 2] = "nothing is swapped out";
        const char *line;

        read_text(l->root_fd, "proc/swaps", swaps, sizeof(swaps));
        c->pass = true;
        for (line = strchr(swaps, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
                (void)str_printable(path, sizeof(path), line + 1, strcspn(line + 1, " \t\n"));
                l->ret->swap = true;
                c->pass = str_starts(path, "/dev/zram");
                (void)snprintf(text, sizeof(text), "swap on %s%s", path,
                               c->pass ? ", which the kubelet is told to allow" : "");
                if (!c->pass)
                        break;
        }
        say(c, c->pass, text,
            "a card is slow to swap to and wears out: systemctl disable --now dphys-swapfile, or "
            "take zram");
}

static char *date_text(char dst[static 32], int64_t seconds) {
        time_t t = (time_t)seconds;
        struct tm tm;

        if (t != seconds || !gmtime_r(&t, &tm) || strftime(dst, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
                (void)snprintf(dst, 32, "another age");
        return dst;
}

static void check_clock(const struct looking *l, struct preflight_check *c) {
        char now[32], floor[32], text[SIZE_REASON * 2];
        bool sane = l->in->clock_seconds >= l->in->clock_floor;

        (void)date_text(now, l->in->clock_seconds);
        (void)date_text(floor, l->in->clock_floor);
        (void)snprintf(text, sizeof(text), "the clock says %s%s%s", now,
                       sane ? "" : ", but it is later than ", sane ? "" : floor);
        say(c, sane, text,
            "a Pi has no clock of its own: is the Internet there, and does systemd-timesyncd run? "
            "By hand: date -s");
}

static void check_disk(const struct looking *l, struct preflight_check *c) {
        uint64_t wanted = l->in->images_present ? DISK_LATER_BYTES : DISK_FIRST_BYTES;
        char text[SIZE_REASON * 2], free_text[16], wanted_text[16];

        (void)snprintf(text, sizeof(text), "%s free in /var/lib, %s wanted",
                       str_size(free_text, l->in->disk_free_bytes), str_size(wanted_text, wanted));
        say(c, l->in->disk_free_bytes >= wanted, text,
            "remove images that are not used, or take a larger card");
}

static void check_memory(const struct looking *l, struct preflight_check *c) {
        uint64_t ram = l->in->ram_bytes;
        bool plane = l->in->control_plane, fit = !plane || ram >= KUBE_PLANE_RAM_BYTES;
        char text[SIZE_REASON * 2], size[16], least[16];

        (void)snprintf(text, sizeof(text), "%s of RAM%s", str_size(size, ram),
                       plane && fit && ram < KUBEADM_RAM_BYTES
                               ? ", below kubeadm's 1700 MB, but it works"
                               : "");
        if (!fit)
                (void)snprintf(text, sizeof(text), "%s of RAM, a control plane takes %s", size,
                               str_size(least, KUBE_PLANE_RAM_BYTES));
        say(c, fit, text, "another board has to be master: agentctl promote BOARD");
}

/* A label of RFC 1123 in lower case, as Kubernetes wants for nodes. */
static bool is_label(const char *s) {
        size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return len > 0 && len < SIZE_NAME && s[len] == '\0' && s[0] != '-' && s[len - 1] != '-';
}

static void check_name(const struct looking *l, struct preflight_check *c) {
        const char *name = str_or(l->in->name, "");
        char host[HOST_NAME_MAX + 2], shown[SIZE_NAME], text[SIZE_REASON * 2];

        /* what gethostname() says */
        read_text(l->root_fd, "proc/sys/kernel/hostname", host, sizeof(host));
        host[strcspn(host, "\n")] = '\0';
        (void)str_printable(shown, sizeof(shown), host, strlen(host));
        if (!name[0]) {
                say(c, false, "the board has no name yet", "it gets one with its bramble");
                return;
        }
        if (!is_label(name)) {
                (void)snprintf(text, sizeof(text), "'%.63s' is no name for a node", name);
                say(c, false, text, "a node has a name of a-z, 0-9 and '-'");
                return;
        }
        (void)snprintf(text, sizeof(text), "the host name is %s%s%s", shown,
                       str_eq(host, name) ? "" : ", the board's is ",
                       str_eq(host, name) ? "" : name);
        say(c, str_eq(host, name), text,
            "the agent sets it through systemd-hostnamed: systemctl status systemd-hostnamed");
}

/* ---- containers ---------------------------------------------------------------------------- */

static void check_cri(const struct looking *l, struct preflight_check *c) {
        char text[SIZE_REASON * 2];
        const char *why = str_or(l->in->cri_why, "");

        (void)snprintf(text, sizeof(text), "containerd's CRI does not answer%s%.160s",
                       why[0] ? ": " : "", why);
        say(c, l->in->cri_answers, l->in->cri_answers ? "containerd's CRI answers" : text,
            "systemctl status containerd; is \"cri\" in disabled_plugins of "
            "/etc/containerd/config.toml?");
}

static void check_driver(const struct looking *l, struct preflight_check *c) {
        static const char *const drivers[] = { "cgroupfs", "systemd" };
        const char *runtime = drivers[l->in->cri_systemd_cgroup],
                   *kubelet = drivers[l->in->kubelet_systemd_cgroup];
        char text[SIZE_REASON * 2];

        if (!l->in->cri_answers) {
                say(c, true, "not known before containerd answers", "");
                return;
        }
        if (runtime == kubelet)
                (void)snprintf(text, sizeof(text), "containerd and kubelet use %s", runtime);
        else
                (void)snprintf(text, sizeof(text), "containerd uses %s, the kubelet %s", runtime,
                               kubelet);
        say(c, runtime == kubelet, text,
            "set SystemdCgroup in /etc/containerd/config.toml to what the kubelet uses, then: "
            "systemctl restart containerd");
}

/* Never a reason to wait: where there is the Internet, the kubelet pulls it. */
static void check_pause(const struct looking *l, struct preflight_check *c) {
        const char *image = str_or(l->in->sandbox_image, "");
        char text[SIZE_REASON * 2];
        bool known = l->in->cri_answers && image[0];

        (void)snprintf(text, sizeof(text), "%.200s%s", known ? image : "not known yet",
                       known && !l->in->sandbox_present ? " is not on the card" : "");
        say(c, !known || l->in->sandbox_present, text,
            "without the Internet no pod can start: agentctl import, or set sandbox_image in "
            "/etc/containerd/config.toml to one that is there");
}

static void check_cni(const struct looking *l, struct preflight_check *c) {
        const char *dir = str_or(l->in->cni_bin_dir, "");
        uint32_t found = l->in->files->cni;
        char list[LIST_BYTES] = "", text[SIZE_REASON * 2];

        if (dir[0])
                found = kube_files_cni(l->root_fd, dir);
        else
                dir = l->in->files->cni_dir[0] ? l->in->files->cni_dir : "/opt/cni/bin";
        for (size_t i = 0; i < KUBE_CNI_PLUGINS; i++)
                if (!(found & UINT32_C(1) << i))
                        add_word(list, kube_cni_names[i]);
        (void)snprintf(text, sizeof(text), "%.100s has %s%s", dir, list[0] ? "no " : "all plug-ins",
                       list);
        say(c, !list[0], text,
            "apt install containernetworking-plugins, and bin_dir = \"/usr/lib/cni\" in "
            "/etc/containerd/config.toml");
}

/* ---- all of them --------------------------------------------------------------------------- */

static const struct {
        const char *name;
        enum preflight_severity severity;
        void (*run)(const struct looking *l, struct preflight_check *c);
} checks[] = {
        { "kubeadm and kubelet", PREFLIGHT_BLOCKS, check_kubernetes },
        { "kubelet unit", PREFLIGHT_BLOCKS, check_unit },
        { "clock", PREFLIGHT_BLOCKS, check_clock },
        { "node name", PREFLIGHT_BLOCKS, check_name },
        { "RAM", PREFLIGHT_BLOCKS, check_memory },
        { "disk", PREFLIGHT_BLOCKS, check_disk },
        { "cgroups", PREFLIGHT_BLOCKS, check_cgroups },
        { "cgroup list", PREFLIGHT_NOTE, check_cgroup_list },
        { "swap", PREFLIGHT_NOTE, check_swap },
        { "overlay", PREFLIGHT_FIXED, check_overlay },
        { "bridge netfilter", PREFLIGHT_FIXED, check_bridge },
        { "ip forwarding", PREFLIGHT_FIXED, check_forward },
        { "container runtime", PREFLIGHT_BLOCKS, check_cri },
        { "cgroup driver", PREFLIGHT_BLOCKS, check_driver },
        { "pause image", PREFLIGHT_NOTE, check_pause },
        { "CNI plug-ins", PREFLIGHT_BLOCKS, check_cni },
        { "tools", PREFLIGHT_BLOCKS, check_needed },
        { "more tools", PREFLIGHT_NOTE, check_wanted },
};
_Static_assert(ARRAY_SIZE(checks) <= PREFLIGHT_CHECKS, "struct preflight is too small");

void kube_preflight(int root_fd, const struct preflight_facts *in, struct preflight *ret) {
        struct looking l = { .root_fd = root_fd, .in = in, .ret = ret };

        *ret = (struct preflight){ .n = ARRAY_SIZE(checks) };
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                ret->checks[i].name = checks[i].name;
                ret->checks[i].severity = checks[i].severity;
                checks[i].run(&l, &ret->checks[i]);
        }
}

const struct preflight_check *preflight_blocker(const struct preflight *p) {
        for (uint32_t i = 0; i < p->n; i++)
                if (!p->checks[i].pass && p->checks[i].severity != PREFLIGHT_NOTE)
                        return &p->checks[i];
        return NULL;
}

bool preflight_fixable(const struct preflight *p) {
        for (uint32_t i = 0; i < p->n; i++)
                if (!p->checks[i].pass && p->checks[i].severity == PREFLIGHT_FIXED)
                        return true;
        return false;
}

bool preflight_has_overlay(int root_fd) {
        char text[4096];

        read_text(root_fd, "proc/filesystems", text, sizeof(text));
        return has_word(text, "overlay") || exists(root_fd, "sys/module/overlay");
}

bool preflight_has_bridge_netfilter(int root_fd) {
        return exists(root_fd, PREFLIGHT_BRIDGE_NETFILTER);
}

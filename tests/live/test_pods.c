/* The pods' network on the real kernel, with Debian's CNI plug-ins run as containerd runs them.  As
 * root; 77 otherwise. */
#include "fnet_bed.h"

#include "io/cni.h"

#define POD(s, h) fnet_pod_address(s, h)
#define SERVICE   (UINT32_C(0x0a60000a)) /* 10.96.0.10 */

static int root1, root2; /* what stands in for the boards' file systems */

static int make_root(const struct board *b) {
        char path[64];
        int fd;

        assert_int_equal(sh("mkdir -p %s/../root/run", b->dir), 0);
        (void)snprintf(path, sizeof(path), "%s/../root", b->dir);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(fd, errno);
        return fd;
}

static int pods_setup(void **state) {
        struct fail f = { 0 };
        int r = group_setup(state);

        if (r < 0)
                return r;
        setup_both();
        root1 = make_root(&b1);
        root2 = make_root(&b2);
        OK(cni_configure(root1, 1, &f));
        OK(cni_configure(root2, 2, &f));
        return 0;
}

/* ADD or DEL for the namespace POD with the file that cni_configure() wrote: each plug-in of the
 * list gets name, version and the answer of the one before, as the specification says.  The state
 * is kept below the board's root. */
static int cni(const struct board *b, const char *command, const char *pod) {
        go(b);
        return sh("set -e; cd %s/../root; export CNI_COMMAND=%s CNI_CONTAINERID=%s CNI_IFNAME=eth0 "
                  "CNI_NETNS=/run/netns/%s CNI_PATH=" CNI_PLUGINS_DEBIAN "; "
                  "c=etc/cni/net.d/10-bramble.conflist; "
                  "jq --arg r \"$PWD\" '.plugins[0] + {name, cniVersion} | "
                  ".ipam.dataDir |= $r + .' $c >bridge; " CNI_PLUGINS_DEBIAN
                  "/bridge <bridge >answer; [ $CNI_COMMAND = ADD ] || exit 0; "
                  "jq --slurpfile p answer '.plugins[1] + {name, cniVersion, prevResult: $p[0]}' "
                  "$c | " CNI_PLUGINS_DEBIAN "/portmap >answer2",
                  b->dir, command, pod, pod);
}

struct pod {
        char name[16];
        int ns;
        uint32_t address; /* that the plug-in gave it */
};

static struct pod new_pod(const struct board *b, const char *name) {
        struct pod p = { 0 };
        char text[128], path[64];
        struct in_addr a;
        FILE *answer;

        assert_int_equal(sh("ip netns add %s && ip -n %s link set lo up", name, name), 0);
        assert_int_equal(cni(b, "ADD", name), 0);
        (void)snprintf(text, sizeof(text),
                       "jq -j '.ips[0].address / \"/\" | .[0]' "
                       "%s/../root/answer",
                       b->dir);
        answer = popen(text, "re");
        assert_non_null(answer);
        text[fread(text, 1, sizeof(text) - 1, answer)] = '\0';
        assert_int_equal(pclose(answer), 0);
        assert_int_equal(inet_pton(AF_INET, text, &a), 1);
        p.address = ntohl(a.s_addr);
        (void)snprintf(p.name, sizeof(p.name), "%s", name);
        (void)snprintf(path, sizeof(path), "/run/netns/%s", name);
        p.ns = open_ns(path);
        return p;
}

static void end_pod(const struct board *b, struct pod *p) {
        assert_int_equal(cni(b, "DEL", p->name), 0);
        assert_int_equal(sh("ip netns del %s", p->name), 0);
        (void)close(p->ns);
}

static void pods(bool on) {
        struct fail f = { 0 };

        go(&b2);
        OK(fnet_pods(b2.net, on, &f));
        go(&b1);
        OK(fnet_pods(b1.net, on, &f));
}

static void all_routes(bool on) {
        const struct fnet_route to_2[] = { { FNET_PODS, 2, LAN(2) },
                                           { FNET_FUNCTIONS, 2, LAN(2) } };
        const struct fnet_route to_1[] = { { FNET_PODS, 1, LAN(1) },
                                           { FNET_FUNCTIONS, 1, LAN(1) } };
        struct fail f = { 0 };

        go(&b2);
        OK(fnet_routes(b2.net, to_1, on ? 2 : 0, &f));
        go(&b1);
        OK(fnet_routes(b1.net, to_2, on ? 2 : 0, &f));
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void route_sets(void **state) {
        struct fnet_route set[160];
        struct fail f = { 0 };

        (void)state;
        go(&b1);
        for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
                set[i] = (struct fnet_route){ i % 2 ? FNET_PODS : FNET_FUNCTIONS,
                                              (uint8_t)(i / 2 + 1), LAN(2 + i % 3) };
        OK(fnet_routes(b1.net, set, ARRAY_SIZE(set), &f)); /* own subnet 1 is left out of both */
        assert_int_equal(sh("test $(ip route show proto 166 root 10.62/16 | wc -l) = 79"), 0);
        assert_int_equal(sh("test $(ip route show proto 166 root 10.244/16 | wc -l) = 79"), 0);
        assert_int_equal(sh("ip route show proto 166 | grep -q '^10.244.80.0/24 via'"), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(set) / 2; i++) { /* this one carries no pods now */
                set[i] = set[2 * i];
                set[i].via = LAN(5);
        }
        OK(fnet_routes(b1.net, set, 80, &f));
        assert_int_equal(sh("test $(ip route show proto 166 via 192.168.77.5 | wc -l) = 79"), 0);
        assert_int_equal(sh("test $(ip route show proto 166 | wc -l) = 79"), 0);
        OK(fnet_routes(b1.net, NULL, 0, &f));
        assert_int_equal(sh("test -z \"$(ip route show proto 166)\""), 0);
}

static void foreign_routes(void **state) {
        const struct fnet_route want[] = { { FNET_PODS, 5, LAN(2) },
                                           { FNET_FUNCTIONS, 5, LAN(2) } };
        struct fail f = { 0 };

        (void)state;
        go(&b1);
        assert_int_equal(sh("ip route add 10.244.5.0/24 via 192.168.77.9 proto static && "
                            "ip route add 10.243.6.0/24 via 192.168.77.9 proto 166 && "
                            "ip route add 10.244.6.0/25 via 192.168.77.9 proto 166"),
                         0);
        assert_int_equal(fnet_routes(b1.net, want, 2, &f), -EEXIST);
        assert_string_equal(fail_text(&f), "cannot add the route 10.244.5.0/24 via 192.168.77.2: "
                                           "somebody else has one");
        assert_int_equal(sh("ip route show proto 166 | grep -q '^10.62.5.0/24 via'"), 0);
        OK(fnet_routes(b1.net, NULL, 0, &f));
        assert_int_equal(sh("test $(ip route show via 192.168.77.9 | wc -l) = 3"), 0);
        assert_int_equal(sh("ip route flush via 192.168.77.9"), 0);
}

/* What the table says of pods, and that others' tables stay. */
static void table(void **state) {
        struct fail f = { 0 };

        (void)state;
        go(&b1);
        assert_int_equal(sh("nft add table ip nat && nft add chain ip nat KUBE-POSTROUTING"), 0);
        assert_int_equal(sh("! nft list table inet bramble | grep -qE '10.244|cni0'"), 0);
        pods(true);
        assert_int_equal(sh("test $(nft list table inet bramble | grep -c 10.244.0.0/16) = 5"), 0);
        pods(true);
        OK(fnet_setup(b1.net, 1, &f)); /* is remembered */
        assert_int_equal(sh("nft list table inet bramble | grep -q cni0"), 0);
        pods(false);
        assert_int_equal(sh("! nft list table inet bramble | grep -qE '10.244|cni0'"), 0);
        assert_int_equal(sh("nft list chain ip nat KUBE-POSTROUTING >/dev/null && "
                            "nft delete table ip nat"),
                         0);
}

static void across_boards(void **state) {
        auto_close int fn = -EBADF, at_p = -EBADF, at_q = -EBADF, at_fn = -EBADF;
        struct pod p, same, q;

        (void)state;
        pods(true);
        p = new_pod(&b1, "p");
        same = new_pod(&b1, "same");
        q = new_pod(&b2, "q");
        fn = attach(&b1, "fn", 2);
        at_p = listen_in(p.ns, ECHO_PORT, &b1);
        at_q = listen_in(q.ns, ECHO_PORT, &b1);
        at_fn = listen_in(fn, ECHO_PORT, &b1);
        assert_true(reaches(same.ns, p.address, at_p, ECHO_PORT, same.address));
        assert_true(reaches(b1.ns, p.address, at_p, ECHO_PORT, POD(1, 1)));
        assert_true(blocked(p.ns, q.address, ECHO_PORT));
        all_routes(true);
        assert_true(reaches(p.ns, q.address, at_q, ECHO_PORT, p.address)); /* as itself */
        assert_true(reaches(q.ns, p.address, at_p, ECHO_PORT, q.address));
        assert_true(reaches(b1.ns, q.address, at_q, ECHO_PORT, LAN(1)));
        /* functions and pods, on one board and on two */
        assert_true(reaches(fn, p.address, at_p, ECHO_PORT, FN(1, 2)));
        assert_true(reaches(fn, q.address, at_q, ECHO_PORT, FN(1, 2)));
        assert_true(reaches(q.ns, FN(1, 2), at_fn, ECHO_PORT, q.address));
        all_routes(false);
        assert_true(blocked(p.ns, q.address, ECHO_PORT));
        detach(&b1, "fn");
        end_pod(&b2, &q);
        end_pod(&b1, &same);
        end_pod(&b1, &p);
        pods(false);
}

/* What is neither pod nor function sees a pod as its board. */
static void masquerade(void **state) {
        auto_close int at_stranger = -EBADF, at_b2 = -EBADF;
        struct pod p;

        (void)state;
        pods(true);
        p = new_pod(&b1, "p");
        at_stranger = listen_in(stranger.ns, ECHO_PORT, &b1);
        at_b2 = listen_in(b2.ns, ECHO_PORT, &b1);
        assert_true(reaches(p.ns, LAN(9), at_stranger, ECHO_PORT, LAN(1)));
        assert_true(reaches(p.ns, LAN(2), at_b2, ECHO_PORT, LAN(1)));
        pods(false);
        assert_true(blocked(p.ns, LAN(9), ECHO_PORT)); /* it is the table that does it */
        end_pod(&b1, &p);
}

static void agent_port_guarded(void **state) {
        auto_close int agent1 = -EBADF, agent2 = -EBADF, at_q = -EBADF, other = -EBADF;
        struct pod p, q;

        (void)state;
        pods(true);
        all_routes(true);
        p = new_pod(&b1, "p");
        q = new_pod(&b2, "q");
        agent1 = listen_in(b1.ns, GUARDED, &b1);
        agent2 = listen_in(b2.ns, GUARDED, &b1);
        other = listen_in(b1.ns, ECHO_PORT, &b1);
        at_q = listen_in(q.ns, GUARDED, &b1);
        assert_true(blocked(p.ns, POD(1, 1), GUARDED));
        assert_true(blocked(p.ns, LAN(1), GUARDED));
        assert_true(blocked(p.ns, POD(2, 1), GUARDED));
        assert_true(blocked(p.ns, FN(2, 1), GUARDED));
        assert_true(blocked(p.ns, LAN(2), GUARDED)); /* where it would look like its board */
        assert_true(reaches(p.ns, LAN(1), other, ECHO_PORT, p.address));
        assert_true(reaches(p.ns, q.address, at_q, GUARDED, p.address));
        assert_true(reaches(b2.ns, LAN(1), agent1, GUARDED, LAN(2)));
        assert_true(reaches(b1.ns, LAN(2), agent2, GUARDED, LAN(1)));
        end_pod(&b2, &q);
        end_pod(&b1, &p);
        all_routes(false);
        pods(false);
}

/* Rules such as kube-proxy's: a service's address leads to a pod of another board, and what it has
 * marked goes out as this board; ours are loaded again under it. */
static void beside_kube_proxy(void **state) {
        auto_close int at_q = -EBADF;
        struct pod p, q;

        (void)state;
        pods(true);
        all_routes(true);
        p = new_pod(&b1, "p");
        q = new_pod(&b2, "q");
        at_q = listen_in(q.ns, ECHO_PORT, &b1);
        assert_true(blocked(p.ns, SERVICE, 80));
        assert_int_equal(sh("nft -f - <<'END'\n"
                            "table ip nat {\n"
                            " chain PREROUTING { type nat hook prerouting priority dstnat;\n"
                            "  ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.2.%u:8080\n"
                            "  ip daddr 10.96.0.10 tcp dport 81 mark set 0x4000 dnat to "
                            "10.244.2.%u:8080\n }\n"
                            " chain POSTROUTING { type nat hook postrouting priority srcnat;\n"
                            "  mark and 0x4000 == 0x4000 masquerade\n }\n"
                            "}\nEND",
                            q.address & 255, q.address & 255),
                         0);
        assert_true(reaches(p.ns, SERVICE, at_q, 80, p.address));
        assert_true(reaches(p.ns, SERVICE, at_q, 81, LAN(1)));
        pods(false);
        pods(true);
        assert_true(reaches(p.ns, SERVICE, at_q, 80, p.address));
        assert_true(reaches(p.ns, SERVICE, at_q, 81, LAN(1)));
        assert_int_equal(sh("nft delete table ip nat"), 0);
        end_pod(&b2, &q);
        end_pod(&b1, &p);
        all_routes(false);
        pods(false);
}

/* A board that comes back with another subnet number: the next pod lives in it. */
static void another_subnet(void **state) {
        auto_close int at_p = -EBADF;
        struct fail f = { 0 };
        struct pod p;

        (void)state;
        p = new_pod(&b1, "old");
        assert_int_equal(p.address >> 8, POD(1, 0) >> 8);
        end_pod(&b1, &p);
        OK(cni_configure(root1, 77, &f));
        p = new_pod(&b1, "p");
        assert_int_equal(p.address >> 8, POD(77, 0) >> 8);
        at_p = listen_in(p.ns, ECHO_PORT, &b1);
        assert_true(reaches(b1.ns, p.address, at_p, ECHO_PORT, POD(77, 1)));
        end_pod(&b1, &p);
        OK(cni_configure(root1, 1, &f));
}

static void teardown(void **state) {
        struct fail f = { 0 };
        struct pod p, q;

        (void)state;
        pods(true);
        all_routes(true);
        for (unsigned i = 0; i < 40; i++) { /* more than one batch; the real ones are p and q */
                assert_int_equal(sh("ip link show cni0 >/dev/null 2>&1 || ip link add cni0 type "
                                    "bridge; ip link add vethp%u master cni0 type veth peer "
                                    "name vethq%u",
                                    i, i),
                                 0);
        }
        p = new_pod(&b1, "p");
        q = new_pod(&b1, "q");
        (void)close(attach(&b1, "fn", 2));
        assert_int_equal(sh("mkdir -p %s/../root/var/lib/cni/results && cd "
                            "%s/../root/var/lib/cni/results && touch bramble-p-eth0 cbr0-x-eth0",
                            b1.dir, b1.dir),
                         0);
        assert_int_equal(
                sh("test -e %s/../root/run/cni/bramble/10.244.1.%u", b1.dir, q.address & 255), 0);
        assert_int_equal(cni_teardown(root1, b1.net, &f), 1);
        assert_int_equal(sh("! ip link show cni0 2>/dev/null && ! ip -o link | grep -q vethp"), 0);
        assert_int_equal(sh("test $(ip -o link show master bramble0 | wc -l) = 1"), 0);
        assert_int_equal(sh("test \"$(cd %s/../root; find run var etc ! -type d)\" = "
                            "var/lib/cni/results/cbr0-x-eth0 && ! test -e %s/../root/run/cni",
                            b1.dir, b1.dir),
                         0);
        /* Without our file the next cni0 is somebody else's. */
        assert_int_equal(sh("ip link add cni0 type bridge"), 0);
        assert_int_equal(cni_teardown(root1, b1.net, &f), 0);
        assert_int_equal(sh("ip link del cni0"), 0);

        OK(fnet_teardown(b1.net, &f));
        assert_int_equal(sh("test -z \"$(ip route show proto 166)$(nft list tables)\""), 0);
        assert_int_equal(sh("ip netns del p && ip netns del q"), 0);
        (void)close(p.ns);
        (void)close(q.ns);
        until_no_cables();
        assert_int_equal(sh("! ip -o link | grep -qE 'veth|cni|bramble'"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(route_sets),
                cmocka_unit_test(foreign_routes),
                cmocka_unit_test(table),
                cmocka_unit_test(across_boards),
                cmocka_unit_test(masquerade),
                cmocka_unit_test(agent_port_guarded),
                cmocka_unit_test(beside_kube_proxy),
                cmocka_unit_test(another_subnet),
                cmocka_unit_test(teardown),
        };

        if (geteuid() != 0)
                return 77;
        return cmocka_run_group_tests(tests, pods_setup, group_teardown);
}

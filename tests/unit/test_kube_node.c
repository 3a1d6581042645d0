#include "io/kube_node.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define NODE(kind, name)                                                                       \
        "{" kind "\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"77\",\"labels\":{" \
        "\"kubernetes.io/hostname\":\"m1\",\"a/b\":\"c\"}},\"spec\":{\"podCIDR\":"             \
        "\"10.244.0.0/24\",\"unschedulable\":true,\"taints\":[{\"key\":\"k1\",\"effect\":"     \
        "\"NoSchedule\",\"timeAdded\":\"x\"},{\"key\":\"k2\",\"value\":\"v\",\"effect\":"      \
        "\"NoExecute\"}]},\"status\":{\"addresses\":[{\"type\":\"Hostname\",\"address\":"      \
        "\"m1\"},{\"type\":\"InternalIP\",\"address\":\"10.88.0.1\"}],\"conditions\":["        \
        "{\"type\":\"DiskPressure\",\"status\":\"False\"},{\"type\":\"Ready\",\"status\":"     \
        "\"True\"}],\"nodeInfo\":{\"kubeletVersion\":\"v1.20.2\"}}}"
#define BARE(name) "{\"metadata\":{\"name\":\"" name "\"}}"

struct seen {
        unsigned n;
        struct kube_node nodes[4];
        const struct kube_node_want *want;
        int patched;
        char *patch;
};

static void on_node(void *arg, const struct kube_node *n) {
        struct seen *s = arg;

        assert_true(s->n < ARRAY_SIZE(s->nodes));
        s->nodes[s->n++] = *n;
        if (s->want)
                s->patched = kube_node_patch(n, s->want, &s->patch);
        if (str_eq(n->name, "m1")) {
                assert_string_equal(kube_node_label(n, "a/b"), "c");
                assert_null(kube_node_label(n, "a"));
                assert_string_equal(kube_node_taint(n, "k2"), "NoExecute");
                assert_null(kube_node_taint(n, "k3"));
        }
}

static void parses(void **state) {
        static const char one[] = NODE("\"kind\":\"Node\",", "m1");
        static const char list[] = "{\"kind\":\"NodeList\",\"metadata\":{\"continue\":\"eyJ2-_0\"},"
                                   "\"items\":[" NODE("", "m1") "," BARE("w1.local") "]}";
        char more[SIZE_KUBE_CONTINUE];
        struct seen s = { 0 };
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(kube_nodes_parse(one, strlen(one), on_node, &s, more, &f), 0);
        assert_int_equal(s.n, 1);
        assert_string_equal(s.nodes[0].name, "m1");
        assert_string_equal(s.nodes[0].address, "10.88.0.1");
        assert_string_equal(s.nodes[0].pod_cidr, "10.244.0.0/24");
        assert_string_equal(s.nodes[0].version, "v1.20.2");
        assert_true(s.nodes[0].ready && s.nodes[0].unschedulable && !s.nodes[0].deleting);
        assert_int_equal(s.nodes[0].n_taints, 2);
        assert_string_equal(more, "");

        s.n = 0;
        assert_int_equal(kube_nodes_parse(list, strlen(list), on_node, &s, more, &f), 0);
        assert_int_equal(s.n, 2);
        assert_string_equal(more, "eyJ2-_0");
        assert_string_equal(s.nodes[1].name, "w1.local");
        assert_string_equal(s.nodes[1].address, "");
        assert_false(s.nodes[1].ready);
}

static void refuses(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "", "no JSON" },
                { "{}", "this is a '' and no node" },
                { "{\"kind\":\"Status\"}", "this is a 'Status'" },
                { "{\"kind\":\"Node\"}", "the node has no name" },
                { "{\"kind\":\"Node\",\"metadata\":{\"name\":\"../x\"}}", "the node has no name" },
                { "{\"kind\":\"NodeList\",\"items\":{}}", "no items" },
                { "{\"kind\":\"NodeList\",\"items\":[" BARE("a") ",1]}", "a node without a name" },
                { "{\"kind\":\"NodeList\",\"metadata\":{\"continue\":\"a&b\"},\"items\":[]}",
                  "goes on in a way" },
        };
        char more[SIZE_KUBE_CONTINUE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct seen s = { 0 };
                struct fail f = { 0 };

                assert_int_equal(
                        kube_nodes_parse(cases[i].in, strlen(cases[i].in), on_node, &s, more, &f),
                        -EBADMSG);
                assert_int_equal(s.n, 0);
                if (!strstr(f.text, cases[i].want))
                        fail_msg("%s: '%s' does not say '%s'", cases[i].in, f.text, cases[i].want);
        }
}

static void empty_list(void **state) {
        static const char text[] = "{\"kind\":\"NodeList\",\"items\":null}";
        char more[SIZE_KUBE_CONTINUE];
        struct seen s = { 0 };

        (void)state;
        assert_int_equal(kube_nodes_parse(text, strlen(text), on_node, &s, more, NULL), 0);
        assert_int_equal(s.n, 0);
}

static void patches(void **state) {
        static const char m1[] = NODE("\"kind\":\"Node\",", "m1");
        static const char bare[] = "{\"kind\":\"Node\",\"metadata\":{\"name\":\"w1\"}}";
        const struct {
                const char *in;
                struct kube_node_want want;
                const char *patch; /* NULL: nothing to do */
        } cases[] = {
                { m1, { 0 }, NULL },
                { m1,
                  { .labels = (const struct kube_label[]){ { "a/b", "c" }, { "no", NULL } },
                    .n_labels = 2 },
                  NULL },
                { m1,
                  { .labels = (const struct kube_label[]){ { "a/b", "d" }, { "x", "\"" } },
                    .n_labels = 2 },
                  "{\"metadata\":{\"labels\":{\"a/b\":\"d\",\"x\":\"\\\"\"}}}" },
                { m1,
                  { .labels = (const struct kube_label[]){ { "a/b", NULL } }, .n_labels = 1 },
                  "{\"metadata\":{\"labels\":{\"a/b\":null}}}" },
                { m1,
                  { .taints = (const struct kube_taint[]){ { "k1", "", "NoSchedule" },
                                                           { "k2", "v", "NoExecute" },
                                                           { "k3", "", NULL } },
                    .n_taints = 3 },
                  NULL },
                { m1,
                  { .taints = (const struct kube_taint[]){ { "k2", "w", "NoExecute" } },
                    .n_taints = 1 },
                  "{\"spec\":{\"taints\":[{\"key\":\"k1\",\"effect\":\"NoSchedule\",\"timeAdded\":"
                  "\"x\"},{\"key\":\"k2\",\"value\":\"w\",\"effect\":\"NoExecute\"}]},"
                  "\"metadata\":{\"resourceVersion\":\"77\"}}" },
                { m1,
                  { .taints = (const struct kube_taint[]){ { "k1", "", NULL } }, .n_taints = 1 },
                  "{\"spec\":{\"taints\":[{\"key\":\"k2\",\"value\":\"v\",\"effect\":"
                  "\"NoExecute\"}]},\"metadata\":{\"resourceVersion\":\"77\"}}" },
                { m1, { .pod_cidr = "10.244.9.0/24" }, NULL },
                { m1, { .schedulable = true }, "{\"spec\":{\"unschedulable\":false}}" },
                { bare, { .schedulable = true }, NULL },
                { bare,
                  { .pod_cidr = "10.244.9.0/24",
                    .labels = (const struct kube_label[]){ { "a", "b" } },
                    .n_labels = 1 },
                  "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"podCIDR\":"
                  "\"10.244.9.0/24\",\"podCIDRs\":[\"10.244.9.0/24\"]}}" },
        };
        char more[SIZE_KUBE_CONTINUE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct seen s = { .want = &cases[i].want };

                assert_int_equal(
                        kube_nodes_parse(cases[i].in, strlen(cases[i].in), on_node, &s, more, NULL),
                        0);
                assert_int_equal(s.patched, cases[i].patch ? 1 : 0);
                if (cases[i].patch)
                        assert_string_equal(s.patch, cases[i].patch);
                free(s.patch);
        }
}

static void paths(void **state) {
        static const char *const bad[] = {
                "", "A", "a/b", "..", "a..b", "-a", "a-", "a.-b", "a?b"
        };
        char path[SIZE_KUBE_PATH];

        (void)state;
        assert_int_equal(kube_nodes_path(NULL, path), 0);
        assert_string_equal(path, "/api/v1/nodes?limit=8");
        assert_int_equal(kube_nodes_path("eyJ2", path), 0);
        assert_string_equal(path, "/api/v1/nodes?limit=8&continue=eyJ2");
        assert_int_equal(kube_nodes_path("a b", path), -EINVAL);
        assert_int_equal(kube_node_path("w1-a.local", path), 0);
        assert_string_equal(path, "/api/v1/nodes/w1-a.local");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(kube_node_path(bad[i], path), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parses),  cmocka_unit_test(refuses), cmocka_unit_test(empty_list),
                cmocka_unit_test(patches), cmocka_unit_test(paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

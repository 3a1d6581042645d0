#include "core/kube_etcd.h"

#include "base/buf.h"
#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define IMAGE "k8s.gcr.io/etcd:3.4.13-0"
#define CTR   "/usr/bin/ctr --address /run/containerd/containerd.sock --namespace k8s.io "
#define RUN   CTR "run --rm --net-host --env ETCDCTL_API=3 "
#define PKI   "/etc/kubernetes/pki/etcd"
#define CERTS "--mount type=bind,src=" PKI ",dst=" PKI ",options=rbind:ro "
#define CLIENT                                                                        \
        "etcdctl --endpoints=https://127.0.0.1:2379 --dial-timeout=10s --cacert=" PKI \
        "/ca.crt --cert=" PKI "/healthcheck-client.crt --key=" PKI "/healthcheck-client.key "

static struct kube_etcd_call call(enum kube_etcd_verb verb) {
        return (struct kube_etcd_call){ .verb = verb,
                                        .ctr = "/usr/bin/ctr",
                                        .containerd = "/run/containerd/containerd.sock",
                                        .id = "bramble-etcd",
                                        .image = IMAGE,
                                        .folder = "/run/bramble/kube-snapshot",
                                        .data = "/var/lib/etcd",
                                        .name = "m1",
                                        .address = "10.1.0.1",
                                        .epoch = 3,
                                        .member = UINT64_C(0x8e9e05c52164694d) };
}

static void joined(const struct kube_etcd_call *c, struct buf *ret) {
        struct kube_etcd_arguments a;
        struct fail f = { 0 };

        assert_int_equal(kube_etcd_arguments(c, &a, &f), 0);
        for (size_t i = 0; i < a.n; i++)
                assert_int_equal(buf_printf(ret, "%s%s", i ? " " : "", a.argv[i]), 0);
        assert_null(a.argv[a.n]);
}

static void command_lines(void **state) {
        static const struct {
                enum kube_etcd_verb verb;
                const char *want;
        } cases[] = {
                { KUBE_ETCD_SAVE, RUN CERTS
                  "--mount "
                  "type=bind,src=/run/bramble/kube-snapshot,dst=/bramble,options=rbind:rw " IMAGE
                  " bramble-etcd " CLIENT "snapshot save /bramble/snapshot.db" },
                { KUBE_ETCD_RESTORE, RUN
                  "--mount type=bind,src=/run/bramble/kube-snapshot,dst=/bramble,options=rbind:ro "
                  "--mount type=bind,src=/var/lib/etcd,dst=/bramble-data,options=rbind:rw " IMAGE
                  " bramble-etcd etcdctl snapshot restore /bramble/snapshot.db --name=m1 "
                  "--initial-cluster=m1=https://10.1.0.1:2380 "
                  "--initial-cluster-token=bramble-3 "
                  "--initial-advertise-peer-urls=https://10.1.0.1:2380 "
                  "--data-dir=/bramble-data/bramble-restore" },
                { KUBE_ETCD_MEMBERS,
                  RUN CERTS IMAGE " bramble-etcd " CLIENT "--command-timeout=30s member list" },
                { KUBE_ETCD_REMOVE, RUN CERTS IMAGE
                  " bramble-etcd " CLIENT "--command-timeout=30s member remove 8e9e05c52164694d" },
                { KUBE_ETCD_KILL, CTR "tasks delete --force bramble-etcd" },
                { KUBE_ETCD_DELETE, CTR "containers delete bramble-etcd" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kube_etcd_call c = call(cases[i].verb);
                auto_buf struct buf b = { 0 };

                joined(&c, &b);
                assert_string_equal(b.data, cases[i].want);
        }
}

static void later_etcds(void **state) {
        static const struct {
                const char *image;
                bool utl;
        } cases[] = {
                { "k8s.gcr.io/etcd:3.4.13-0", false },
                { "registry.k8s.io/etcd:3.5.15-0", false },
                { "registry.k8s.io/etcd:3.6.4-0", true },
                { "localhost:5000/etcd:v3.6.0", true },
                { "localhost:5000/etcd", false },
                { "etcd:3.10.0", true },
                { "etcd:4.0", true },
                { "etcd:latest", false },
                { "etcd:3", false },
                { "etcd", false },
        };
        struct kube_etcd_call c = call(KUBE_ETCD_RESTORE);
        auto_buf struct buf b = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(kube_etcd_has_utl(cases[i].image), cases[i].utl);
        c.image = cases[2].image;
        joined(&c, &b);
        assert_non_null(strstr(b.data, " etcdutl snapshot restore "));
        assert_non_null(strstr(b.data, "--bump-revision=1000000000 --mark-compacted"));
}

static void refuses(void **state) {
        static const struct {
                enum kube_etcd_verb verb;
                size_t offset;
                const char *text;
        } cases[] = {
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, image), NULL },
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, image), "--privileged" },
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, folder), "/run,dst=/etc" },
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, folder), "run" },
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, folder), "/run/../etc" },
                { KUBE_ETCD_SAVE, offsetof(struct kube_etcd_call, ctr), NULL },
                { KUBE_ETCD_DELETE, offsetof(struct kube_etcd_call, id), "--all" },
                { KUBE_ETCD_RESTORE, offsetof(struct kube_etcd_call, name), "m1,m2=x" },
                { KUBE_ETCD_RESTORE, offsetof(struct kube_etcd_call, name), "" },
                { KUBE_ETCD_RESTORE, offsetof(struct kube_etcd_call, address), "::1" },
                { KUBE_ETCD_RESTORE, offsetof(struct kube_etcd_call, data), NULL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kube_etcd_call c = call(cases[i].verb);
                struct kube_etcd_arguments a;
                struct fail f = { 0 };

                memcpy((char *)&c + cases[i].offset, &cases[i].text, sizeof(cases[i].text));
                assert_int_equal(kube_etcd_arguments(&c, &a, &f), -EINVAL);
                assert_true(f.text[0]);
        }
}

static void too_long(void **state) {
        static char path[KUBE_ETCD_TEXT + 2] = "/";
        struct kube_etcd_call c = call(KUBE_ETCD_SAVE);
        struct kube_etcd_arguments a;
        struct fail f = { 0 };

        (void)state;
        memset(path + 1, 'a', KUBE_ETCD_TEXT);
        c.folder = path;
        assert_int_equal(kube_etcd_arguments(&c, &a, &f), -EMSGSIZE);
}

static void members(void **state) {
        static const struct {
                const char *line;
                uint64_t id; /* 0: no member */
                const char *name;
                bool started;
        } cases[] = {
                { "8e9e05c52164694d, started, m1, https://10.1.0.1:2380, https://10.1.0.1:2379, "
                  "false",
                  UINT64_C(0x8e9e05c52164694d), "m1", true },
                { "ab, unstarted, , https://10.1.0.2:2380, , false", 0xab, "", false },
                { "1, started, w1, https://10.1.0.2:2380", 1, "w1", true }, /* 3.3 */
                { "1, started, w1", 0, "", false },
                { "0, started, w1, x", 0, "", false },
                { "1, gone, w1, x", 0, "", false },
                { "1, started, w 1, x", 0, "", false },
                { "8e9e05c52164694d0, started, m1, x", 0, "", false },
                { "{\"level\":\"warn\",\"ts\":\"x\"}", 0, "", false },
                { "Error: context deadline exceeded", 0, "", false },
                { ", , ,", 0, "", false },
                { "", 0, "", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kube_etcd_member m;
                int r = kube_etcd_member_line(cases[i].line, strlen(cases[i].line), &m);

                assert_int_equal(r, cases[i].id ? 0 : -EBADMSG);
                if (r < 0)
                        continue;
                assert_true(m.id == cases[i].id);
                assert_string_equal(m.name, cases[i].name);
                assert_int_equal(m.started, cases[i].started);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(command_lines), cmocka_unit_test(later_etcds),
                cmocka_unit_test(refuses),       cmocka_unit_test(too_long),
                cmocka_unit_test(members),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

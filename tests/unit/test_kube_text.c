#include "io/kube_text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#define ENDPOINT "    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: "

static void manifests(void **state) {
        static const struct {
                const char *text;
                struct kube_manifest want;
        } cases[] = {
                { "", { .port = 0 } },
                /* as kubeadm 1.20 writes them */
                { "metadata:\n  annotations:\n" ENDPOINT "10.1.2.3:6443\n  name: kube-apiserver\n"
                  "spec:\n  containers:\n  - command:\n    - kube-apiserver\n"
                  "    - --advertise-address=10.1.2.3\n    - --secure-port=6443\n"
                  "    image: k8s.gcr.io/kube-apiserver:v1.20.2\n"
                  "    imagePullPolicy: IfNotPresent\n    name: kube-apiserver\n",
                  { .image = "k8s.gcr.io/kube-apiserver:v1.20.2",
                    .address = "10.1.2.3",
                    .port = 6443 } },
                { "    - --initial-cluster=m1=https://10.1.2.3:2380\n    - --name=m1\n"
                  "    image: k8s.gcr.io/etcd:3.4.13-0",
                  { .image = "k8s.gcr.io/etcd:3.4.13-0", .name = "m1" } },
                /* another order, quotes, Windows' line ends, the image first in its list */
                { "- image: \"local/etcd:1\"\r\n  - '--name=w1'\r\n  - --secure-port=7443 \r\n",
                  { .image = "local/etcd:1", .name = "w1", .port = 7443 } },
                /* the first counts */
                { "image: a\nimage: b\n--name=m1\n--name=w1\n", { .image = "a", .name = "m1" } },
                { ENDPOINT "'[fd00::4]:6444'\n", { .address = "fd00::4", .port = 6444 } },
                { ENDPOINT "fd00::4\n", { .address = "" } },
                { ENDPOINT ":\n", { .address = "" } },
                { ENDPOINT "\n", { .address = "" } },
                { ENDPOINT "10.0.0.1:65536\n", { .address = "10.0.0.1" } },
                /* garbage is nothing */
                { "image: a b\n", { .image = "" } },
                { "image: ../x\n", { .image = "" } },
                { "image: \x1b[2J\n", { .image = "" } },
                { "--advertise-address=host\n", { .address = "" } },
                { "--advertise-address=host\n--advertise-address=10.0.0.2\n",
                  { .address = "10.0.0.2" } },
                { "--name=a/b\n", { .name = "" } },
                { "--secure-port=x\n", { .port = 0 } },
                { "image:", { .image = "" } },
                { "- - - -", { .image = "" } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct kube_manifest got;

                kube_text_manifest(cases[i].text, strlen(cases[i].text), &got);
                assert_string_equal(got.image, cases[i].want.image);
                assert_string_equal(got.address, cases[i].want.address);
                assert_string_equal(got.name, cases[i].want.name);
                assert_int_equal(got.port, cases[i].want.port);
        }
}

static void configs(void **state) {
        static const struct {
                const char *text, *server, *path, *data;
        } cases[] = {
                { "", "", "", NULL },
                { "clusters:\n- cluster:\n    certificate-authority-data: QUFB\n"
                  "    server: https://kube.bramble:6443\nusers:\n- name: system:node:m1\n"
                  "  user:\n    client-certificate-data: QkJC\n    client-key-data: Q0ND\n",
                  "https://kube.bramble:6443", "", "QkJC" },
                { "server: 'https://10.0.0.1:6443'\n"
                  "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n",
                  "https://10.0.0.1:6443", "/var/lib/kubelet/pki/kubelet-client-current.pem",
                  NULL },
                { "server: http://10.0.0.1\nclient-certificate: x.pem\nclient-certificate-data:\n",
                  "", "", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct kube_config got;

                kube_text_config(cases[i].text, strlen(cases[i].text), &got);
                assert_string_equal(got.server, cases[i].server);
                assert_string_equal(got.cert_path, cases[i].path);
                assert_int_equal(got.cert_data != NULL, cases[i].data != NULL);
                if (cases[i].data) {
                        assert_int_equal(got.cert_data_len, strlen(cases[i].data));
                        assert_memory_equal(got.cert_data, cases[i].data, got.cert_data_len);
                }
        }
}

static void too_long(void **state) {
        char text[600] = "server: https://";
        struct kube_config got;

        (void)state;
        memset(text + strlen(text), 'a', 500);
        kube_text_config(text, strlen(text), &got);
        assert_string_equal(got.server, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(manifests),
                cmocka_unit_test(configs),
                cmocka_unit_test(too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

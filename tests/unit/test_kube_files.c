#include "io/kube_files.h"

#include "root_fixture.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define KUBE "etc/kubernetes/"

/* 2030-01-01, 2031-01-01 and 2099-12-31 23:59:59: past a 32-bit time_t. */
enum { YEAR_2020 = 1577836800, YEAR_2030 = 1893456000, YEAR_2031 = 1924992000 };
static const int64_t year_2100 = INT64_C(4102444800);

static void *must(void *p) {
        assert_non_null(p);
        return p;
}

struct cert {
        const char *cn;
        bool authority;
        const char *until; /* "20300101000000Z" */
        bool with_key;     /* behind the certificate, as the kubelet writes it */
};

/* PEM of a self-signed certificate; the caller frees. */
static char *make_pem(const struct cert *c, size_t *ret_len, unsigned char spki_digest[32]) {
        X509 *x = must(X509_new());
        EVP_PKEY *key = must(EVP_EC_gen("P-256"));
        X509_EXTENSION *e =
                must(X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                         c->authority ? "critical,CA:TRUE" : "critical,CA:FALSE"));
        unsigned char *der = NULL;
        BIO *out = must(BIO_new(BIO_s_mem()));
        char *data, *copy;
        int len;

        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)c->cn, -1, -1, 0),
                         1);
        assert_true(X509_set_version(x, X509_VERSION_3) && X509_set_pubkey(x, key) &&
                    X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_add_ext(x, e, -1));
        assert_true(ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z") &&
                    ASN1_TIME_set_string(X509_getm_notAfter(x), c->until));
        assert_true(X509_sign(x, key, EVP_sha256()) > 0);
        len = i2d_PUBKEY(key, &der);
        assert_true(len > 0 && EVP_Digest(der, (size_t)len, spki_digest, NULL, EVP_sha256(), NULL));
        assert_true(PEM_write_bio_X509(out, x));
        if (c->with_key)
                assert_true(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
        *ret_len = (size_t)BIO_get_mem_data(out, &data);
        copy = must(malloc(*ret_len));
        memcpy(copy, data, *ret_len);
        OPENSSL_free(der);
        BIO_free(out);
        X509_EXTENSION_free(e);
        EVP_PKEY_free(key);
        X509_free(x);
        return copy;
}

static void put_cert(const char *path, const char *cn, bool authority, const char *until) {
        struct cert c = { cn, authority, until, str_ends(path, ".pem") };
        unsigned char digest[32];
        size_t len;
        auto_free char *pem = make_pem(&c, &len, digest);

        root_bytes(path, pem, len, 0600);
}

static void put_config(const char *path, const char *cn, const char *until) {
        struct cert c = { cn, false, until, false };
        unsigned char digest[32];
        char text[8192];
        size_t len;
        auto_free char *pem = make_pem(&c, &len, digest);
        auto_free char *base64 = must(malloc(len * 2));

        (void)EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)pem, (int)len);
        (void)snprintf(text, sizeof(text),
                       "clusters:\n- cluster:\n    server: https://kube.bramble:6443\nusers:\n"
                       "- name: x\n  user:\n    client-certificate-data: %s\n",
                       base64);
        root_bytes(path, text, strlen(text), 0600);
}

static void read_root(struct kube_files *k) {
        memset(k, 0xff, sizeof(*k));
        assert_int_equal(kube_files_read(root, k), 0);
}

static void nothing(void **state) {
        static const struct kube_files none;
        struct kube_files k;

        (void)state;
        read_root(&k);
        assert_memory_equal(&k, &none, sizeof(k));
}

static void programs(void **state) {
        struct kube_program_file before;
        struct kube_files k;

        (void)state;
        root_lay("usr/local/bin/kubeadm!");
        root_lay("usr/bin/kubeadm"); /* empty, no program */
        root_lay("usr/bin/kubelet!");
        root_lay("opt/bin/kubelet!");
        root_lay("usr/bin/kubectl/");
        root_lay("usr/lib/bramble/crictl!");
        root_lay("usr/lib/bramble/kubectl!"); /* not ours */
        read_root(&k);
        assert_string_equal(k.programs[KUBE_KUBEADM].path, "/usr/local/bin/kubeadm");
        assert_string_equal(k.programs[KUBE_KUBELET].path, "/usr/bin/kubelet");
        assert_string_equal(k.programs[KUBE_KUBECTL].path, "");
        assert_string_equal(k.programs[KUBE_CRICTL].path, "/usr/lib/bramble/crictl");

        before = k.programs[KUBE_KUBELET];
        read_root(&k);
        assert_true(kube_program_same(&before, &k.programs[KUBE_KUBELET]));
        /* an upgrade: another file under the same name and of the same size */
        root_lay("usr/bin/kubelet.new!");
        assert_int_equal(rename(root_in("usr/bin/kubelet.new"), root_in("usr/bin/kubelet")), 0);
        read_root(&k);
        assert_false(kube_program_same(&before, &k.programs[KUBE_KUBELET]));
}

static void cni(void **state) {
        struct kube_files k;

        (void)state;
        root_lay("opt/cni/bin/bridge!");
        root_lay("usr/lib/cni/bridge!");
        root_lay("usr/lib/cni/host-local!");
        root_lay("usr/lib/cni/portmap!");
        root_lay("usr/lib/cni/loopback");
        read_root(&k);
        assert_string_equal(k.cni_dir, "/usr/lib/cni");
        assert_int_equal(k.cni, KUBE_CNI_ALL & ~KUBE_CNI_LOOPBACK);
        root_lay("usr/lib/cni/loopback!");
        assert_int_equal(kube_files_cni(root, "/usr/lib/cni"), KUBE_CNI_ALL);
        assert_int_equal(kube_files_cni(root, "//opt/cni/bin/"), KUBE_CNI_BRIDGE);
        assert_int_equal(kube_files_cni(root, "nowhere"), 0);
}

static void units(void **state) {
        struct kube_files k;

        (void)state;
        root_lay("usr/lib/systemd/system/kubelet.service=[Unit]\n");
        read_root(&k);
        assert_true(kube_files_have(&k, KUBE_HAS_KUBELET_UNIT));
        /* systemctl mask kubelet */
        root_lay("etc/systemd/system/");
        assert_int_equal(symlink("/dev/null", root_in("etc/systemd/system/kubelet.service")), 0);
        read_root(&k);
        assert_false(kube_files_have(&k, KUBE_HAS_KUBELET_UNIT));
}

/* A control plane as kubeadm leaves it. */
static void plane(void **state) {
        struct kube_files k;
        struct cert ca = { "kubernetes", true, "20320101000000Z", false };
        unsigned char digest[32];
        char hash[SIZE_DIGEST] = "sha256:";
        size_t len;
        auto_free char *pem = make_pem(&ca, &len, digest);

        (void)state;
        for (int i = 0; i < 32; i++)
                (void)snprintf(hash + 7 + 2 * i, 3, "%02x", digest[i]);
        root_bytes(KUBE "pki/ca.crt", pem, len, 0600);
        root_lay(KUBE "pki/ca.key=x");
        put_cert(KUBE "pki/etcd/ca.crt", "etcd-ca", true, "20250101000000Z");
        put_cert(KUBE "pki/apiserver.crt", "kube-apiserver", false, "20310101000000Z");
        put_cert(KUBE "pki/etcd/server.crt", "m1", false, "20300101000000Z");
        put_cert(KUBE "pki/front-proxy-client.crt", "front-proxy-client", false, "20991231235959Z");
        put_config(KUBE "admin.conf", "kubernetes-admin", "20310101000000Z");
        root_lay(KUBE "kubelet.conf=server: https://kube.bramble:6443\n"
                      "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n");
        put_cert("var/lib/kubelet/pki/kubelet-client-1.pem", "system:node:m1", false,
                 "20991231235959Z");
        assert_int_equal(symlink("kubelet-client-1.pem",
                                 root_in("var/lib/kubelet/pki/kubelet-client-current.pem")),
                         0);
        root_lay(KUBE "manifests/kube-apiserver.yaml=    - --advertise-address=10.1.2.3\n"
                      "    image: k8s.gcr.io/kube-apiserver:v1.20.2\n");
        root_lay(KUBE "manifests/etcd.yaml=    - --name=m1\n    image: k8s.gcr.io/etcd:3.4.13-0\n");
        root_lay("var/lib/kubelet/config.yaml=x");
        root_lay("var/lib/etcd/member/snap/");
        read_root(&k);
        assert_int_equal(k.has, KUBE_HAS_CA_CERT | KUBE_HAS_CA_KEY | KUBE_HAS_ETCD_CA_CERT |
                                        KUBE_HAS_ADMIN_CONF | KUBE_HAS_KUBELET_CONF |
                                        KUBE_HAS_KUBELET_CERT | KUBE_HAS_API_MANIFEST |
                                        KUBE_HAS_ETCD_MANIFEST | KUBE_HAS_KUBELET_CONFIG |
                                        KUBE_HAS_ETCD_DATA);
        assert_string_equal(k.ca_hash, hash);
        assert_int_equal(k.certs_expire, YEAR_2030);
        assert_string_equal(k.certs_first, "/" KUBE "pki/etcd/server.crt");
        assert_int_equal(k.certs_begin, YEAR_2020);
        assert_int_equal(k.n_bad_certs, 0);
        assert_true(k.kubelet_expires == year_2100 - 1);
        assert_string_equal(k.node_name, "m1");
        assert_string_equal(k.server, "https://kube.bramble:6443");
        assert_string_equal(k.api.address, "10.1.2.3");
        assert_string_equal(k.etcd.image, "k8s.gcr.io/etcd:3.4.13-0");
        assert_string_equal(k.etcd.name, "m1");

        /* the administrator's own certificate may be the first */
        put_config(KUBE "admin.conf", "kubernetes-admin", "20200601000000Z");
        read_root(&k);
        assert_string_equal(k.certs_first, "/" KUBE "admin.conf");
}

/* kubelet.conf embeds its certificate between init and the first rotation. */
static void embedded(void **state) {
        struct kube_files k;

        (void)state;
        put_config(KUBE "kubelet.conf", "system:node:w2", "20310101000000Z");
        put_cert("var/lib/kubelet/pki/kubelet-client-current.pem", "system:node:old", false,
                 "20300101000000Z");
        read_root(&k);
        assert_int_equal(k.kubelet_expires, YEAR_2031);
        assert_string_equal(k.node_name, "w2");
        assert_int_equal(k.certs_expire, 0);
}

/* What crashes, full cards and curious people leave. */
static void garbage(void **state) {
        static char big[40 * 1024];
        struct kube_files k;

        (void)state;
        memset(big, 'A', sizeof(big));
        root_lay(KUBE "admin.conf"); /* empty */
        root_bytes(KUBE "scheduler.conf", big, sizeof(big), 0600);
        root_lay(KUBE "controller-manager.conf=client-certificate-data: !!!!\n");
        root_lay(KUBE "kubelet.conf=client-certificate-data: QUFB\n");
        root_lay(KUBE "manifests/etcd.yaml/");
        root_lay(KUBE "pki/ca.crt=-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        root_lay(KUBE "pki/apiserver.crt");
        root_lay(KUBE "pki/locked.crt=-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                      "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n"
                      "-----END CERTIFICATE-----\n");
        root_bytes(KUBE "pki/big.crt", big, sizeof(big), 0600);
        root_lay(KUBE "pki/folder.crt/");
        assert_int_equal(mkfifo(root_in(KUBE "pki/pipe.crt"), 0600), 0);
        assert_int_equal(symlink("nowhere", root_in(KUBE "pki/gone.crt")), 0);
        root_lay(KUBE "pki/etcd=a file");
        root_lay("var/lib/etcd/member=a file");
        root_lay("var/lib/kubelet/pki/kubelet-client-current.pem=x");
        read_root(&k);
        assert_int_equal(k.has, KUBE_HAS_SCHEDULER_CONF | KUBE_HAS_CONTROLLER_CONF |
                                        KUBE_HAS_KUBELET_CONF | KUBE_HAS_CA_CERT |
                                        KUBE_HAS_KUBELET_CERT);
        assert_string_equal(k.ca_hash, "");
        assert_int_equal(k.certs_expire, 0);
        assert_int_equal(k.kubelet_expires, 0);
        assert_int_equal(k.n_bad_certs, 9);
        assert_true(str_starts(k.bad_cert, "/" KUBE "pki/"));

        /* a name of another kind is no node */
        put_cert("var/lib/kubelet/pki/kubelet-client-current.pem", "system:node:../x", false,
                 "20300101000000Z");
        assert_int_equal(unlink(root_in(KUBE "kubelet.conf")), 0);
        read_root(&k);
        assert_string_equal(k.node_name, "");
        assert_int_equal(k.kubelet_expires, YEAR_2030);
}

/* A card that cannot be read is not an empty card. */
static void unreadable(void **state) {
        struct kube_files k = { .has = 7 };

        (void)state;
        root_lay(KUBE);
        assert_int_equal(symlink("admin.conf", root_in(KUBE "admin.conf")), 0);
        assert_int_equal(kube_files_read(root, &k), -ELOOP);
        assert_int_equal(k.has, 7);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_make, root_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(nothing), TEST(programs), TEST(cni),     TEST(units),
                TEST(plane),   TEST(embedded), TEST(garbage), TEST(unreadable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

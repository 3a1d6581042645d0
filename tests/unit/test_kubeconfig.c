#include "io/kubeconfig.h"

#include "pki_fixture.h"

#define AS_KUBEADM_WRITES                                \
        "apiVersion: v1\n"                               \
        "clusters:\n"                                    \
        "- cluster:\n"                                   \
        "    certificate-authority-data: Q0E=\n"         \
        "    server: https://10.88.0.1:6443\n"           \
        "  name: kubernetes\n"                           \
        "contexts:\n"                                    \
        "- context:\n"                                   \
        "    cluster: kubernetes\n"                      \
        "    user: kubernetes-admin\n"                   \
        "  name: kubernetes-admin@kubernetes\n"          \
        "current-context: kubernetes-admin@kubernetes\n" \
        "kind: Config\n"                                 \
        "preferences: {}\n"                              \
        "users:\n"                                       \
        "- name: kubernetes-admin\n"                     \
        "  user:\n"                                      \
        "    client-certificate-data: Q0VSVA==\n"        \
        "    client-key-data: S0VZ\n"

/* What the kubelet writes once it has its certificate, and what a person may do to a file. */
static const char by_hand[] = "# mine\r\n"
                              "apiVersion: v1\r\n"
                              "kind: Config\r\n"
                              "clusters:\r\n"
                              "  - name: \"other\" # not this\r\n"
                              "    cluster:\r\n"
                              "      insecure-skip-tls-verify: true\r\n"
                              "      server: https://192.0.2.1\r\n"
                              "  - name: 'default-cluster'\r\n"
                              "    cluster:\r\n"
                              "      certificate-authority: pki/ca.crt\r\n"
                              "      server: \"https://[fd00::1]:6443/\"\r\n"
                              "      tls-server-name: m1.local\r\n"
                              "contexts:\r\n"
                              "  -\r\n"
                              "    name: default-context\r\n"
                              "    context:\r\n"
                              "      cluster: default-cluster\r\n"
                              "      namespace: default\r\n"
                              "      user: default-auth\r\n"
                              "current-context: default-context\r\n"
                              "preferences: {}\r\n"
                              "users:\r\n"
                              "  - name: with-exec\r\n"
                              "    user:\r\n"
                              "      exec:\r\n"
                              "        args:\r\n"
                              "        - get-token\r\n"
                              "        - --all\r\n"
                              "  - name: default-auth\r\n"
                              "    user:\r\n"
                              "      client-certificate: /var/lib/kubelet/pki/current.pem\r\n"
                              "      client-key: /var/lib/kubelet/pki/current.pem\r\n";

static void text_is(const struct http_text *t, const char *want) {
        if (!http_text_is(t, want))
                fail_msg("'%.*s' is not '%s'", (int)t->len, t->at ? t->at : "", want);
}

static void parses(void **state) {
        static const char text[] = AS_KUBEADM_WRITES;
        struct kubeconfig_text k;
        struct fail f = { 0 };

        (void)state;
        if (kubeconfig_parse(text, strlen(text), &k, &f) < 0)
                fail_msg("%s", f.text);
        text_is(&k.server, "https://10.88.0.1:6443");
        text_is(&k.ca_data, "Q0E=");
        text_is(&k.cert_data, "Q0VSVA==");
        text_is(&k.key_data, "S0VZ");
        text_is(&k.tls_server_name, "");
        text_is(&k.ca_file, "");

        if (kubeconfig_parse(by_hand, strlen(by_hand), &k, &f) < 0)
                fail_msg("%s", f.text);
        text_is(&k.server, "https://[fd00::1]:6443/");
        text_is(&k.tls_server_name, "m1.local");
        text_is(&k.ca_file, "pki/ca.crt");
        text_is(&k.cert_file, "/var/lib/kubelet/pki/current.pem");
        text_is(&k.key_file, "/var/lib/kubelet/pki/current.pem");
        text_is(&k.key_data, "");
}

#define CONTEXT \
        "contexts:\n- name: a\n  context:\n    cluster: c\n    user: u\ncurrent-context: a\n"

static void refuses(void **state) {
        static const struct {
                const char *in;
                int error;
                const char *want;
        } cases[] = {
                { "", -ENOENT, "its contexts hold no ''" },
                { "current-context: x\n", -ENOENT, "its contexts hold no 'x'" },
                { CONTEXT, -ENOENT, "its clusters hold no 'c'" },
                { CONTEXT "clusters:\n- name: c\n", -ENOENT, "its users hold no 'u'" },
                { CONTEXT "clusters:\n- name: c\nusers:\n- name: u\n", -EBADMSG, "no server" },
                { CONTEXT "clusters:\n- name: c\n  cluster:\n    server: x\n"
                          "    insecure-skip-tls-verify: true\nusers:\n- name: u\n",
                  -EBADMSG, "trusts every server" },
                { "clusters: [{name: c}]\n", -EBADMSG, "line 1: only YAML in block style" },
                { "a: |\n  text\n", -EBADMSG, "line 1: only YAML in block style" },
                { "a: b\n  c: d\n", -EBADMSG, "line 2: indented below" },
                { "a:\n\tb: c\n", -EBADMSG, "line 2: holds a tab" },
                { "hello\n", -EBADMSG, "line 1: 'key: value'" },
                { ": x\n", -EBADMSG, "line 1: 'key: value'" },
                { "a: \"b\n", -EBADMSG, "line 1: a text does not end" },
                { "a: \"b\\n\"\n", -EBADMSG, "line 1: a quoted text with escapes" },
                { "a: 'it''s'\n", -EBADMSG, "line 1: a quoted text with escapes" },
                { "current-context: a\ncurrent-context: b\n", -EBADMSG, "line 2: a key stands" },
                { "- - - - - - - - - - - - - - x: y\n", -EBADMSG, "line 1: nested deeper" },
                { "users:\n- name: a\n- name: b\n- name: c\n- name: d\n- name: e\n- name: f\n"
                  "- name: g\n- name: h\n- name: i\n",
                  -EBADMSG, "line 10: more than 8 users" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kubeconfig_text k;
                struct fail f = { 0 };
                int r = kubeconfig_parse(cases[i].in, strlen(cases[i].in), &k, &f);

                if (r != cases[i].error || !strstr(f.text, cases[i].want))
                        fail_msg("case %zu: %d '%s', not '%s'", i, r, f.text, cases[i].want);
        }
}

static void urls(void **state) {
        static const struct {
                const char *in, *host;
                unsigned port; /* 0: refused */
        } cases[] = {
                { "https://10.0.0.1:6443", "10.0.0.1", 6443 },
                { "https://m1.local", "m1.local", 443 },
                { "https://m1.local/", "m1.local", 443 },
                { "https://[fd00::1]:6443", "fd00::1", 6443 },
                { "https://[fd00::1]", "fd00::1", 443 },
                { "https://", "", 0 },
                { "https:///", "", 0 },
                { "https://:6443", "", 0 },
                { "http://10.0.0.1:6443", "", 0 },
                { "https://a:", "", 0 },
                { "https://a:0", "", 0 },
                { "https://a:65536", "", 0 },
                { "https://a:80x", "", 0 },
                { "https://a/b", "", 0 },
                { "https://u@a", "", 0 },
                { "https://a\nb", "", 0 },
                { "https://[fd00::1", "", 0 },
                { "https://[]", "", 0 },
                { "https://-a", "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char host[SIZE_KUBE_HOST];
                uint16_t port = 0;
                int r = kubeconfig_split_url(cases[i].in, strlen(cases[i].in), host, &port);

                if (cases[i].port == 0) {
                        assert_int_equal(r, -EINVAL);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(host, cases[i].host);
                assert_int_equal(port, cases[i].port);
        }
}

static void rewrites(void **state) {
        static const char text[] = AS_KUBEADM_WRITES;
        struct kubeconfig_text k;
        struct fail f = { 0 };
        char *out = NULL, *again = NULL;
        char *line;

        (void)state;
        assert_int_equal(kubeconfig_rewrite(text, strlen(text), "https://192.168.1.9:6443",
                                            "kubernetes", &out, &f),
                         0);
        line = strstr(out, "    server: https://192.168.1.9:6443\n    tls-server-name: kubernetes\n"
                           "  name: kubernetes\n");
        assert_non_null(line);
        assert_null(strstr(out, "10.88.0.1"));
        /* everything else stays */
        assert_int_equal(strlen(out), strlen(text) + strlen("192.168.1.9") - strlen("10.88.0.1") +
                                              strlen("    tls-server-name: kubernetes\n"));
        /* once more replaces both */
        assert_int_equal(kubeconfig_rewrite(out, strlen(out), "https://b", "c", &again, &f), 0);
        assert_int_equal(kubeconfig_parse(again, strlen(again), &k, &f), 0);
        text_is(&k.server, "https://b");
        text_is(&k.tls_server_name, "c");
        free(out);
        free(again);

        assert_int_equal(kubeconfig_rewrite(by_hand, strlen(by_hand), "https://b", NULL, &out, &f),
                         0);
        assert_int_equal(kubeconfig_parse(out, strlen(out), &k, &f), 0);
        text_is(&k.server, "https://b");
        text_is(&k.tls_server_name, "m1.local");
        assert_non_null(strstr(out, "https://192.0.2.1\r\n")); /* another cluster's */
        free(out);

        assert_int_equal(kubeconfig_rewrite(text, strlen(text), "https://a\nx: y", NULL, &out, &f),
                         -EINVAL);
        assert_int_equal(kubeconfig_rewrite(text, strlen(text), "https://a", "a b", &out, &f),
                         -EINVAL);
        assert_int_equal(kubeconfig_rewrite("a", 1, "https://a", NULL, &out, &f), -EBADMSG);
}

/* ---- files --------------------------------------------------------------------------------- */

static void put_text(const char *name, const char *text) {
        put_file(at("%s", name), text, strlen(text));
}

static int root(void) {
        int fd = open(fixture_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

static void reads(void **state) {
        struct fail f = { 0 };
        struct kubeconfig k;
        auto_close int fd = root();

        (void)state;
        assert_int_equal(mkdir(at("etc"), 0700), 0);
        assert_int_equal(mkdir(at("etc/pki"), 0700), 0);
        put_text("etc/admin.conf", AS_KUBEADM_WRITES);
        if (kubeconfig_read(fd, "/etc/admin.conf", &k, &f) < 0)
                fail_msg("%s", f.text);
        assert_string_equal(k.host, "10.88.0.1");
        assert_string_equal(k.name, "10.88.0.1");
        assert_int_equal(k.port, 6443);
        assert_string_equal(k.ca, "CA");
        assert_string_equal(k.cert, "CERT");
        assert_string_equal(k.key, "KEY");
        kubeconfig_done(&k);
        kubeconfig_done(&k); /* harmless */

        assert_int_equal(mkdir(at("var"), 0700), 0);
        assert_int_equal(mkdir(at("var/lib"), 0700), 0);
        assert_int_equal(mkdir(at("var/lib/kubelet"), 0700), 0);
        assert_int_equal(mkdir(at("var/lib/kubelet/pki"), 0700), 0);
        put_text("etc/kubelet.conf", by_hand);
        put_text("etc/pki/ca.crt", "the CA");
        put_text("var/lib/kubelet/pki/2024.pem", "both");
        /* absolute, as the kubelet makes it: below this root */
        assert_int_equal(
                symlink("/var/lib/kubelet/pki/2024.pem", at("var/lib/kubelet/pki/current.pem")), 0);
        f.text[0] = '\0';
        if (kubeconfig_read(fd, "etc/kubelet.conf", &k, &f) < 0) {
                if (strstr(f.text, "current.pem")) /* no openat2() in this kernel or emulator */
                        skip();
                fail_msg("%s", f.text);
        }
        assert_string_equal(k.host, "fd00::1");
        assert_string_equal(k.name, "m1.local");
        assert_string_equal(k.ca, "the CA");
        assert_string_equal(k.cert, "both");
        assert_string_equal(k.key, "both");
        kubeconfig_done(&k);
}

#define CLUSTER(ca) "clusters:\n- name: c\n  cluster:\n    server: https://a\n" ca
#define USER(user)  CONTEXT "users:\n- name: u\n  user:\n" user

static void reads_bad_files(void **state) {
        static const struct {
                const char *in;
                int error;
                const char *want;
        } cases[] = {
                { NULL, -ENOENT, "cannot read etc/x.conf: No such file" },
                { "x", -EBADMSG, "etc/x.conf: line 1" },
                { CLUSTER("") USER(""), -EBADMSG, "etc/x.conf names no certificate-authority" },
                { CLUSTER("    certificate-authority-data: Q0E\n") USER(""), -EBADMSG,
                  "etc/x.conf: its authority is no base64" },
                { CLUSTER("    certificate-authority-data: Q=0E\n") USER(""), -EBADMSG,
                  "etc/x.conf: its authority is no base64" },
                { CLUSTER("    certificate-authority-data: AAAA\n") USER(""), -EBADMSG,
                  "etc/x.conf: its authority is no base64" }, /* NULs */
                { CLUSTER("    certificate-authority-data: Q-AA\n") USER(""), -EBADMSG,
                  "etc/x.conf: its authority is no base64" },
                { CLUSTER("    certificate-authority: ca.crt\n") USER(""), -ENOENT,
                  "cannot read etc/ca.crt" },
                { CLUSTER("    certificate-authority: /etc\n") USER(""), -EINVAL,
                  "/etc is no file" },
                { CLUSTER("    certificate-authority-data: Q0E=\n")
                          USER("    client-certificate-data: Q0E=\n"),
                  -EBADMSG, "but not both" },
                { CLUSTER("    certificate-authority-data: Q0E=\n")
                          USER("    client-key-data: S0VZ\n"),
                  -EBADMSG, "but not both" },
        };
        auto_close int fd = root();

        (void)state;
        assert_int_equal(mkdir(at("etc"), 0700), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };
                struct kubeconfig k;
                int r;

                if (cases[i].in)
                        put_text("etc/x.conf", cases[i].in);
                r = kubeconfig_read(fd, "etc/x.conf", &k, &f);
                if (r != cases[i].error || !strstr(f.text, cases[i].want))
                        fail_msg("case %zu: %d '%s', not '%s'", i, r, f.text, cases[i].want);
        }
}

static void reads_odd_files(void **state) {
        static char large[KUBECONFIG_BYTES + 1];
        struct fail f = { 0 };
        struct kubeconfig k;
        auto_close int fd = root();

        (void)state;
        memset(large, '#', sizeof(large));
        put_file(at("large"), large, sizeof(large));
        put_file(at("nul"), "a\0b", 3);
        assert_int_equal(mkfifo(at("fifo"), 0600), 0);
        assert_int_equal(kubeconfig_read(fd, "large", &k, &f), -EMSGSIZE);
        assert_string_equal(f.text, "large is larger than 64 KB");
        f.text[0] = '\0';
        assert_int_equal(kubeconfig_read(fd, "nul", &k, &f), -EBADMSG);
        assert_int_equal(kubeconfig_read(fd, "fifo", &k, &f), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parses),
                cmocka_unit_test(refuses),
                cmocka_unit_test(urls),
                cmocka_unit_test(rewrites),
                cmocka_unit_test_setup_teardown(reads, fixture_begin, fixture_end),
                cmocka_unit_test_setup_teardown(reads_bad_files, fixture_begin, fixture_end),
                cmocka_unit_test_setup_teardown(reads_odd_files, fixture_begin, fixture_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

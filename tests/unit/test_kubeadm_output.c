/* Output of kubeadm 1.20.2 (tests/fuzz/corpus/kubeadm_output), and single lines of others. */
#include "core/kubeadm_output.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define TOKEN "abcdef.0123456789abcdef"
#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Feeds 'text' line by line; what may be shown, and the words of progress, become one text each. */
static void feed(struct kubeadm_output *o, const char *text, struct buf *shown, struct buf *words) {
        char line[KUBEADM_LINE];

        while (*text) {
                size_t len = strcspn(text, "\n");

                if (kubeadm_output_line(o, text, len, line) && words)
                        assert_int_equal(buf_printf(words, "%s|", o->progress), 0);
                if (line[0] && shown)
                        assert_int_equal(buf_printf(shown, "%s\n", line), 0);
                text += len + (text[len] == '\n');
        }
}

static void reasons(void **state) {
        static const struct {
                const char *text;
                enum kubeadm_fault fault;
                const char *reason, *phase;
        } cases[] = {
                { "", KUBEADM_FAULT_NONE, "no reason given", "" },
                { "error execution phase preflight: [preflight] Some fatal errors occurred:\n"
                  "\t[ERROR Mem]: the system RAM (926 MB) is less than the minimum 1700 MB\n",
                  KUBEADM_FAULT_PREFLIGHT, "Mem", "preflight" },
                { "error execution phase preflight: [preflight] Some fatal errors occurred:\n"
                  "\t[ERROR Swap]: running with swap on is not supported. Please disable swap\n"
                  "\t[ERROR Port-6443]: Port 6443 is in use\n"
                  "\t[ERROR Swap]: again\n",
                  KUBEADM_FAULT_PREFLIGHT, "Swap, Port-6443", "preflight" },
                { "\t[WARNING Mem]: the system RAM is less\n", KUBEADM_FAULT_NONE,
                  "no reason given", "" },
                { "[ERROR a b]: x\n[ERROR ]: x\n[ERROR x\n[ERROR $(x)]: y\n", KUBEADM_FAULT_NONE,
                  "no reason given", "" },
                { "error execution phase wait-control-plane: couldn't initialize a Kubernetes "
                  "cluster\n",
                  KUBEADM_FAULT_NOT_UP, "the API server did not come up", "wait-control-plane" },
                { "error execution phase wait-control-plane: timed out waiting for the condition\n",
                  KUBEADM_FAULT_NOT_UP, "the API server did not come up", "wait-control-plane" },
                { "error execution phase wait-control-plane: could not initialize a Kubernetes "
                  "cluster\n",
                  KUBEADM_FAULT_NOT_UP, "the API server did not come up", "wait-control-plane" },
                { "[kubelet-check] It seems like the kubelet isn't running or healthy.\n"
                  "[kubelet-check] The HTTP call equal to 'curl' failed with error: connection "
                  "refused.\n"
                  "error execution phase wait-control-plane: couldn't initialize a Kubernetes "
                  "cluster\n",
                  KUBEADM_FAULT_KUBELET, "the kubelet does not run", "wait-control-plane" },
                { "error execution phase kubelet-start: error uploading crisocket: timed out "
                  "waiting for the condition\n",
                  KUBEADM_FAULT_NOT_REGISTERED, "the node did not register in time",
                  "kubelet-start" },
                { "error execution phase kubelet-start: a Node with name \"w1\" and status "
                  "\"Ready\" already exists in the cluster. You must delete the existing Node\n",
                  KUBEADM_FAULT_NODE_EXISTS, "a node of this name is still Ready",
                  "kubelet-start" },
                { "error execution phase preflight: couldn't validate the identity of the API "
                  "Server: could not find a JWS signature in the cluster-info ConfigMap for token "
                  "ID \"abcdef\"\n",
                  KUBEADM_FAULT_TOKEN, "the token is not known (any more)", "preflight" },
                { "error execution phase preflight: couldn't validate the identity of the API "
                  "Server: Get \"https://x:6443/\": x509: certificate has expired or is not yet "
                  "valid: current time 1970-01-01T00:00:00Z is before 2024-01-01T00:00:00Z\n",
                  KUBEADM_FAULT_CLOCK, "clock", "preflight" },
                { "error execution phase preflight: couldn't validate the identity of the API "
                  "Server: cluster CA found in cluster-info ConfigMap is invalid: none of the "
                  "public keys \"sha256:" KEY "\" are pinned\n",
                  KUBEADM_FAULT_STRANGER, "another cluster answers", "preflight" },
                { "error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: "
                  "failed to get config map: Unauthorized\n",
                  KUBEADM_FAULT_TOKEN, "the token is not known (any more)", "preflight" },
                { "error execution phase control-plane-prepare/download-certs: error downloading "
                  "certs: error downloading the secret: Secret \"kubeadm-certs\" was not found in "
                  "the \"kube-system\" Namespace. This Secret might have expired.\n",
                  KUBEADM_FAULT_KEY, "the control plane's certificates are no longer offered",
                  "control-plane-prepare/download-certs" },
                { "error execution phase check-etcd: error syncing endpoints with etcd: context "
                  "deadline exceeded\n",
                  KUBEADM_FAULT_ETCD, "etcd is not healthy", "check-etcd" },
                { "error execution phase certs/ca: write /etc/kubernetes/pki/ca.crt: no space left "
                  "on device\n",
                  KUBEADM_FAULT_DISK, "the disk is full", "certs/ca" },
                { "error execution phase addon/coredns: something new\n", KUBEADM_FAULT_OTHER,
                  "addon/coredns: something new", "addon/coredns" },
                { "something new\nTo see the stack trace of this error execute with --v=5\n",
                  KUBEADM_FAULT_OTHER, "something new", "" },
                { "token " TOKEN " is odd\nTo see the stack trace of this error execute\n",
                  KUBEADM_FAULT_OTHER, "token [secret] is odd", "" },
                { "W1125 03:52:01.315597     105 x.go:47] x: connection refused\n",
                  KUBEADM_FAULT_NONE, "no reason given", "" },
                { "error execution phase " KEY ": x\n", KUBEADM_FAULT_OTHER, "x", "" },
                { "[ERROR " TOKEN "]: x\n", KUBEADM_FAULT_NONE, "no reason given", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kubeadm_output o = { 0 };
                char reason[SIZE_REASON];

                feed(&o, cases[i].text, NULL, NULL);
                (void)kubeadm_output_reason(&o, reason);
                if (o.fault != cases[i].fault || strcmp(reason, cases[i].reason) != 0 ||
                    strcmp(o.phase, cases[i].phase) != 0)
                        fail_msg("%zu: %d '%s' '%s'", i, (int)o.fault, reason, o.phase);
        }
}

static void many_errors(void **state) {
        struct kubeadm_output o = { 0 };
        char reason[SIZE_REASON], line[128], shown[KUBEADM_LINE];

        (void)state;
        for (int i = 0; i < 40; i++) {
                (void)snprintf(line, sizeof(line), "\t[ERROR FileAvailable--etc-kubernetes-%d]: x",
                               i);
                (void)kubeadm_output_line(&o, line, strlen(line), shown);
        }
        assert_int_equal(o.n_names, KUBEADM_ERRORS);
        assert_int_equal(o.n_errors, 40);
        assert_string_equal(kubeadm_output_reason(&o, reason),
                            "FileAvailable--etc-kubernetes-0, FileAvailable--etc-kubernetes-1, "
                            "FileAvailable--etc-kubernetes-2, FileAvailable--etc-kubernetes-3 and "
                            "36 more");
        assert_true(kubeadm_output_has(&o, "FileAvailable--etc-kubernetes-7"));
        assert_false(kubeadm_output_has(&o, "FileAvailable--etc-kubernetes-8"));
}

static void redacts(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "plain text", "plain text" },
                { TOKEN, "[secret]" },
                { "x=" TOKEN ",y", "x=[secret],y" },
                { "\"" TOKEN "\"", "\"[secret]\"" },
                { "x" TOKEN "y", "[secret]" },
                { "a.b." TOKEN ".c", "a.b.[secret].c" },
                { "abcdef." TOKEN, "abcdef.[secret]" },
                { "ABCDEF.0123456789ABCDEF", "[secret]" },
                { KEY, "[secret]" },
                { "sha256:" KEY, "sha256:[secret]" },
                { "x" KEY "z", "[secret]" },
                { "0123456789abcdef", "0123456789abcdef" },
                { "abcdef.0123456789abcde", "abcdef.0123456789abcde" },
                { "abcde.0123456789abcdef", "abcde.0123456789abcdef" },
                { "a\tb\x1b[31m\xc3\xa4", "a b?[31m??" },
                { "-----BEGIN RSA PRIVATE KEY-----", "" },
                { "kubernetes.default.svc.cluster.local", "kubernetes.default.svc.cluster.local" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char got[128];

                (void)kubeadm_redact(got, sizeof(got), cases[i].in, strlen(cases[i].in));
                assert_string_equal(got, cases[i].want);
        }
        /* cut anywhere, half a token never shows */
        for (size_t size = 1; size < 64; size++) {
                char got[64];

                (void)kubeadm_redact(got, size, "token is " TOKEN " ok", 35);
                assert_true(strlen(got) < size);
                assert_null(strstr(got, "abcdef"));
        }
}

/* A line that is longer than anybody reads, cut in the middle of a token. */
static void long_lines(void **state) {
        struct kubeadm_output o = { 0 };
        char line[8192], shown[KUBEADM_LINE];

        (void)state;
        for (size_t len = 1; len < 6000; len += 7) {
                memset(line, '0', sizeof(line));
                memcpy(line + len, " " TOKEN, 24);
                (void)kubeadm_output_line(&o, line, len + 15, shown);
                if (len >= 2048)
                        assert_null(strstr(shown, "abcdef"));
                (void)kubeadm_output_line(&o, line, len + 24, shown);
                assert_null(strstr(shown, "abcdef"));
        }
}

static void hides_join_command(void **state) {
        struct kubeadm_output o = { 0 };
        auto_buf struct buf shown = { 0 };

        (void)state;
        feed(&o,
             "before\n"
             "  kubeadm join bramble-api:6443 --token " TOKEN " \\\n"
             "    --discovery-token-ca-cert-hash sha256:" KEY " \\\n"
             "    --control-plane --certificate-key " KEY "\n"
             "between\n"
             "[upload-certs] Using certificate key:\n" KEY "\n"
             "[bootstrap-token] Using token: " TOKEN "\n"
             "after\n",
             &shown, NULL);
        assert_string_equal(shown.data, "before\nbetween\n[upload-certs] Using certificate key:\n"
                                        "[bootstrap-token] Using token: [secret]\nafter\n");
}

static void read_corpus(const char *name, struct buf *ret) {
        char path[256];
        size_t len;
        FILE *file;

        (void)snprintf(path, sizeof(path), "tests/fuzz/corpus/kubeadm_output/%s", name);
        file = fopen(path, "re");
        if (!file)
                fail_msg("%s is missing", path);
        assert_int_equal(buf_reserve(ret, 65536), 0);
        len = fread(ret->data, 1, 65536, file);
        (void)fclose(file);
        ret->len = len;
        ret->data[len] = '\0';
}

/* What the real one printed. */
static void real(void **state) {
        static const struct {
                const char *file;
                bool done;
                enum kubeadm_fault fault;
                const char *reason, *words;
        } cases[] = {
                { "certs", false, KUBEADM_FAULT_NONE, "no reason given",
                  "making certificates|writing the configuration of its users|" },
                { "init-dry-run", true, KUBEADM_FAULT_NONE, "no reason given",
                  "starting|checking this board|making certificates|"
                  "writing the configuration of its users|starting the kubelet|writing the control "
                  "plane's pods|"
                  "writing etcd's pod|waiting for the control plane|storing the configuration|"
                  "marking this board as the control plane|letting other boards join|installing "
                  "DNS and kube-proxy|" },
                { "init-mixed", false, KUBEADM_FAULT_CONFIG,
                  "this kubeadm does not take the configuration", "" },
                { "init-new-api", false, KUBEADM_FAULT_CONFIG,
                  "this kubeadm does not take the configuration", "" },
                { "init-no-kubelet", false, KUBEADM_FAULT_KUBELET, "the kubelet does not run",
                  "starting|checking this board|fetching images|"
                  "making certificates|writing the configuration of its users|starting the kubelet|"
                  "writing the control plane's pods|writing etcd's pod|waiting for the control "
                  "plane|"
                  "waiting for the kubelet|" },
                { "init-preflight", false, KUBEADM_FAULT_PREFLIGHT,
                  "FileExisting-crictl, FileContent--proc-sys-net-ipv4-ip_forward, "
                  "FileExisting-conntrack",
                  "starting|checking this board|" },
                { "join-no-name", false, KUBEADM_FAULT_UNREACHABLE,
                  "the API server does not answer", "checking this board|" },
                { "join-refused", false, KUBEADM_FAULT_UNREACHABLE,
                  "the API server does not answer", "checking this board|" },
                { "renew", true, KUBEADM_FAULT_NONE, "no reason given", "renewing certificates|" },
                { "reset", true, KUBEADM_FAULT_NONE, "no reason given",
                  "taking Kubernetes off|checking this board|taking Kubernetes off|" },
                { "token-refused", false, KUBEADM_FAULT_UNREACHABLE,
                  "the API server does not answer", "letting other boards join|" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf text = { 0 }, shown = { 0 }, words = { 0 };
                struct kubeadm_output o = { 0 };
                char reason[SIZE_REASON];

                assert_int_equal(buf_add_text(&shown, ""), 0);
                assert_int_equal(buf_add_text(&words, ""), 0);
                read_corpus(cases[i].file, &text);
                feed(&o, text.data, &shown, &words);
                (void)kubeadm_output_reason(&o, reason);
                if (o.fault != cases[i].fault || strcmp(reason, cases[i].reason) != 0 ||
                    o.done != cases[i].done || strcmp(words.data, cases[i].words) != 0)
                        fail_msg("%s: done %d, %d '%s' '%s'", cases[i].file, o.done, (int)o.fault,
                                 reason, words.data);
                assert_null(strstr(shown.data, TOKEN));
                assert_null(strstr(shown.data, KEY));
                assert_null(strstr(shown.data, "kubeadm join bramble"));
                assert_true(strlen(shown.data) > 50);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reasons), cmocka_unit_test(many_errors),
                cmocka_unit_test(redacts), cmocka_unit_test(long_lines),
                cmocka_unit_test(real),    cmocka_unit_test(hides_join_command),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

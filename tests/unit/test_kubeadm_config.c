/* Whole configurations against tests/fixtures/kubeadm (GOLDEN=write writes them anew), and what is
 * refused.  That kubeadm takes them is tests/kubeadm-config's part. */
#include "core/kubeadm_config.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/kubeadm_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define FIXTURES "tests/fixtures/kubeadm/"
#define TOKEN    "abcdef.0123456789abcdef"
#define KEY      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH     "sha256:" KEY

static struct kubeadm_settings base(uint16_t minor, uint16_t patch) {
        return (struct kubeadm_settings){
                .version = { 1, minor, patch },
                .endpoint_name = "bramble-api",
                .pod_subnet = "10.244.0.0/16",
                .cgroup_driver = "systemd",
                .node_name = "m1",
                .advertise_address = "192.168.1.20",
                .cri_socket = "/run/containerd/containerd.sock",
                .token = TOKEN,
                .token_ttl_seconds = 3600,
                .ca_hashes = { HASH },
                .n_ca_hashes = 1,
        };
}

/* A 3B+ of the first bramble: everything that can be said is said. */
static struct kubeadm_settings full(uint16_t minor, uint16_t patch) {
        struct kubeadm_settings s = base(minor, patch);

        s.cluster_name = "shelf";
        s.endpoint_port = 6443;
        s.service_subnet = "10.96.0.0/16";
        s.image_repository = "bramble.local/k8s";
        s.sans[s.n_sans++] = "bramble.local";
        s.sans[s.n_sans++] = "w1";
        s.sans[s.n_sans++] = "192.168.1.21";
        s.cri_socket = "unix:///run/containerd/containerd.sock";
        s.swap_allowed = true;
        s.small = true;
        s.node_ip = "192.168.1.20";
        s.resolv_conf = "/run/systemd/resolve/resolv.conf";
        s.system_reserved_mib = 300;
        s.kube_reserved_mib = 100;
        s.labels[s.n_labels++] = (struct kubeadm_label){ "bramble.io/board", "3Bplus" };
        s.labels[s.n_labels++] = (struct kubeadm_label){ "bramble.io/cores", "4" };
        s.labels[s.n_labels++] = (struct kubeadm_label){ "bramble.io/node", "00000000a1b2c3d4" };
        s.taints[s.n_taints++] = (struct kubeadm_taint){ "bramble.io/small", NULL, "NoSchedule" };
        s.taints[s.n_taints++] =
                (struct kubeadm_taint){ "bramble.io/hot", "yes", "PreferNoSchedule" };
        s.control_plane_taint = true;
        s.control_plane = true;
        s.arm32 = true;
        s.patches = "/run/bramble/kubeadm/patches";
        s.certificate_key = KEY;
        return s;
}

static void write_golden(const char *path, const struct buf *got) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(got->data, 1, got->len, file), got->len);
        assert_int_equal(fclose(file), 0);
}

static void same_as(const char *name, const struct buf *got) {
        char path[256], want[16384];
        size_t len;
        FILE *file;

        (void)snprintf(path, sizeof(path), FIXTURES "%s", name);
        if (str_eq(getenv("GOLDEN"), "write"))
                write_golden(path, got);
        file = fopen(path, "re");
        if (!file)
                fail_msg("%s is missing", path);
        len = fread(want, 1, sizeof(want) - 1, file);
        (void)fclose(file);
        want[len] = '\0';
        assert_string_equal(got->data, want);
}

static void golden(void **state) {
        static const struct {
                uint16_t minor, patch;
                const char *name;
        } versions[] = {
                { 20, 2, "v1beta2" },
                { 24, 17, "v1beta3" },
                { 31, 0, "v1beta4" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                const struct kubeadm_settings settings[] = {
                        base(versions[i].minor, versions[i].patch),
                        full(versions[i].minor, versions[i].patch),
                };

                for (size_t j = 0; j < ARRAY_SIZE(settings); j++) {
                        auto_buf struct buf init = { .limit = KUBEADM_CONFIG_BYTES };
                        auto_buf struct buf join = { .limit = KUBEADM_CONFIG_BYTES };
                        const char *kind = j ? "full" : "plain";
                        struct fail f = { 0 };
                        char name[64];

                        if (kubeadm_config_init(&settings[j], &init, &f) < 0 ||
                            kubeadm_config_join(&settings[j], &join, &f) < 0)
                                fail_msg("%s", f.text);
                        (void)snprintf(name, sizeof(name), "init-%s-%s.yaml", versions[i].name,
                                       kind);
                        same_as(name, &init);
                        (void)snprintf(name, sizeof(name), "join-%s-%s.yaml", versions[i].name,
                                       kind);
                        same_as(name, &join);
                }
        }
}

static void patches(void **state) {
        static const struct {
                uint16_t minor;
                bool small, arm32;
                size_t want;
                bool environment;
        } cases[] = {
                { 20, true, true, 4, true },  { 20, true, false, 4, false },
                { 20, false, true, 1, true }, { 20, false, false, 0, false },
                { 18, true, true, 0, false }, { 31, false, true, 0, false },
                { 31, true, true, 4, false }, { 22, false, true, 1, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kubeadm_settings s = base(cases[i].minor, 0);
                const char *name = NULL;

                s.small = cases[i].small;
                s.arm32 = cases[i].arm32;
                assert_int_equal(kubeadm_patches(&s), cases[i].want);
                for (size_t j = 0; j < cases[i].want; j++) {
                        auto_buf struct buf text = { 0 };
                        bool said;

                        assert_int_equal(kubeadm_patch(&s, j, &name, &text), 0);
                        said = strstr(text.data, "ETCD_UNSUPPORTED_ARCH") != NULL;
                        assert_int_equal(said, cases[i].environment && j == 0);
                        if (i == 0) {
                                char path[128];

                                (void)snprintf(path, sizeof(path), "patches/%s", name);
                                same_as(path, &text);
                        }
                }
        }
}

enum field {
        NODE,
        ENDPOINT,
        ADDRESS,
        SOCKET,
        TOKEN_FIELD,
        KEY_FIELD,
        HASH_FIELD,
        PODS,
        SERVICES,
        SAN,
        LABEL,
        LABEL_VALUE,
        TAINT,
        EFFECT,
        DRIVER,
        NODE_IP,
        RESOLV,
        CLUSTER,
        REPOSITORY,
        PATCHES,
        TTL,
};

static void set(struct kubeadm_settings *s, enum field field, const char *value) {
        switch (field) {
        case NODE:
                s->node_name = value;
                break;
        case ENDPOINT:
                s->endpoint_name = value;
                break;
        case ADDRESS:
                s->advertise_address = value;
                break;
        case SOCKET:
                s->cri_socket = value;
                break;
        case TOKEN_FIELD:
                s->token = value;
                break;
        case KEY_FIELD:
                s->certificate_key = value;
                break;
        case HASH_FIELD:
                s->ca_hashes[0] = value;
                break;
        case PODS:
                s->pod_subnet = value;
                break;
        case SERVICES:
                s->service_subnet = value;
                break;
        case SAN:
                s->sans[0] = value;
                break;
        case LABEL:
                s->labels[0].key = value;
                break;
        case LABEL_VALUE:
                s->labels[0].value = value;
                break;
        case TAINT:
                s->taints[0].key = value;
                break;
        case EFFECT:
                s->taints[0].effect = value;
                break;
        case DRIVER:
                s->cgroup_driver = value;
                break;
        case NODE_IP:
                s->node_ip = value;
                break;
        case RESOLV:
                s->resolv_conf = value;
                break;
        case CLUSTER:
                s->cluster_name = value;
                break;
        case REPOSITORY:
                s->image_repository = value;
                break;
        case PATCHES:
                s->patches = value;
                break;
        case TTL:
                s->token_ttl_seconds = 0;
                break;
        }
}

static void refuses(void **state) {
        static const struct {
                enum field field;
                const char *value;
                bool good;
        } cases[] = {
                { NODE, "w1.local", true },
                { NODE, NULL, false },
                { NODE, "", false },
                { NODE, "W1", false },
                { NODE, "w1\nkind: x", false },
                { NODE, "w_1", false },
                { NODE, "-w1", false },
                { NODE, "w1-", false },
                { NODE, "w1.", false },
                { NODE, "a..b", false },
                { ENDPOINT, "bramble.local", true },
                { ENDPOINT, "a b", false },
                { ENDPOINT, "x:6443", false },
                { ADDRESS, "fd00::1", true },
                { ADDRESS, "10.0.0.256", false },
                { ADDRESS, "10.0.0", false },
                { ADDRESS, "10.0.0.1 ", false },
                { ADDRESS, "10.0.0.01", false },
                { ADDRESS, "host", false },
                { SOCKET, "unix:///run/x.sock", true },
                { SOCKET, "tcp://1.2.3.4", false },
                { SOCKET, "/run/../etc", false },
                { SOCKET, "/run/$(reboot)", false },
                { SOCKET, NULL, false },
                { TOKEN_FIELD, "zzzzzz.zzzzzzzzzzzzzzzz", true },
                { TOKEN_FIELD, "zzzzzz.zzzzzzzzzzzzzzzZ", false },
                { TOKEN_FIELD, "zzzzzz.zzzzzzzzzzzzzzz", false },
                { TOKEN_FIELD, "zzzzzz.zzzzzzzzzzzzzzzzz", false },
                { TOKEN_FIELD, "zzzzzzzzzzzzzzzzzzzzzzz", false },
                { TOKEN_FIELD, NULL, false },
                { KEY_FIELD, NULL, true },
                { KEY_FIELD, "00", false },
                { KEY_FIELD, "", false },
                { KEY_FIELD, KEY "0", false },
                { HASH_FIELD, "sha256:00", false },
                { HASH_FIELD, KEY, false },
                { HASH_FIELD, HASH "0", false },
                { PODS, "10.0.0.0/8", true },
                { PODS, "10.0.0.0/7", false },
                { PODS, "10.0.0.0/31", false },
                { PODS, "10.0.0.0", false },
                { PODS, "10.0.0.0/016", false },
                { PODS, NULL, false },
                { SERVICES, NULL, true },
                { SERVICES, "x", false },
                { SAN, "fd00::1", true },
                { SAN, "x y", false },
                { SAN, NULL, false },
                { LABEL, "board", true },
                { LABEL, "kubernetes.example.org/x", true },
                { LABEL, "notkubernetes.io/x", true },
                { LABEL, "kubernetes.io/x", false },
                { LABEL, "node-role.kubernetes.io/worker", false },
                { LABEL, "x.k8s.io/y", false },
                { LABEL, "k8s.io/y", false },
                { LABEL, "/y", false },
                { LABEL, "a/b/c", false },
                { LABEL, "a/", false },
                { LABEL, "a=b", false },
                { LABEL, "a,b", false },
                { LABEL_VALUE, "", true },
                { LABEL_VALUE, "3B+", false },
                { LABEL_VALUE, "a b", false },
                { LABEL_VALUE, "x,y=z", false },
                { LABEL_VALUE, NULL, false },
                { TAINT, "", false },
                { EFFECT, "NoExecute", true },
                { EFFECT, "Never", false },
                { EFFECT, NULL, false },
                { DRIVER, NULL, true },
                { DRIVER, "none", false },
                { NODE_IP, "1.2.3.4,5.6.7.8", false },
                { RESOLV, "resolv.conf", false },
                { RESOLV, "/etc/resolv.conf --v=9", false },
                { CLUSTER, "a\"b", false },
                { REPOSITORY, "host:5000/x", true },
                { REPOSITORY, "x\ny", false },
                { PATCHES, NULL, false },
                { PATCHES, "patches", false },
                { TTL, NULL, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kubeadm_settings s = full(20, 2);
                auto_buf struct buf out = { 0 };
                struct fail f = { 0 };
                int init, join, r;

                set(&s, cases[i].field, cases[i].value);
                init = kubeadm_config_init(&s, &out, &f);
                out.len = 0;
                join = kubeadm_config_join(&s, &out, &f);
                /* each says no to what it writes */
                r = init < 0 ? init : join;
                if (r != (cases[i].good ? 0 : -EINVAL))
                        fail_msg("%d '%s': %d %s", (int)cases[i].field, cases[i].value, r, f.text);
                if (!cases[i].good && (f.text[0] == '\0' || strstr(f.text, TOKEN)))
                        fail_msg("'%s' says '%s'", cases[i].value, f.text);
                if (cases[i].value && cases[i].field == TOKEN_FIELD)
                        assert_null(strstr(f.text, cases[i].value));
        }
}

static void limits(void **state) {
        struct kubeadm_settings s = full(20, 2);
        auto_buf struct buf out = { .limit = KUBEADM_CONFIG_BYTES };
        struct fail f = { 0 };
        static char name[254], value[64];

        (void)state;
        /* the longest of everything still fits */
        for (size_t i = 0; i < 253; i++)
                name[i] = i % 60 == 59 ? '.' : 'x';
        memset(value, 'v', 63);
        for (s.n_sans = 0; s.n_sans < KUBEADM_SANS; s.n_sans++)
                s.sans[s.n_sans] = name;
        s.n_labels = KUBEADM_LABELS;
        for (size_t i = 0; i < KUBEADM_LABELS; i++)
                s.labels[i] = (struct kubeadm_label){ value, value };
        assert_int_equal(kubeadm_config_init(&s, &out, &f), 0);
        s.n_sans++;
        assert_int_equal(kubeadm_config_init(&s, &out, &f), -EINVAL);
        s.n_sans = 0;
        s.n_labels++;
        assert_int_equal(kubeadm_config_init(&s, &out, &f), -EINVAL);
        s.n_labels = 0;
        s.n_taints = KUBEADM_TAINTS + 1;
        assert_int_equal(kubeadm_config_init(&s, &out, &f), -EINVAL);
        s.n_taints = 0;
        out.limit = out.len;
        assert_int_equal(kubeadm_config_init(&s, &out, &f), -EMSGSIZE);
        s.n_ca_hashes = 0;
        assert_int_equal(kubeadm_config_join(&s, &out, &f), -EINVAL);
}

static void versions(void **state) {
        static const struct {
                struct kube_version version;
                int result;
                enum kubeadm_api want;
        } cases[] = {
                { { 1, 14, 9 }, -EOPNOTSUPP, 0 },     { { 1, 15, 0 }, 0, KUBEADM_V1BETA2 },
                { { 1, 21, 9 }, 0, KUBEADM_V1BETA2 }, { { 1, 22, 0 }, 0, KUBEADM_V1BETA3 },
                { { 1, 30, 9 }, 0, KUBEADM_V1BETA3 }, { { 1, 31, 0 }, 0, KUBEADM_V1BETA4 },
                { { 1, 35, 0 }, 0, KUBEADM_V1BETA4 }, { { 0, 20, 0 }, -EOPNOTSUPP, 0 },
                { { 2, 20, 0 }, -EOPNOTSUPP, 0 },
        };
        struct kubeadm_settings s = full(18, 0);
        auto_buf struct buf out = { 0 };
        struct fail f = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                enum kubeadm_api api = 0;
                struct fail why = { 0 };

                assert_int_equal(kubeadm_api(cases[i].version, &api, &why), cases[i].result);
                assert_int_equal(api, cases[i].want);
                assert_int_equal(why.text[0] != '\0', cases[i].result < 0);
        }
        assert_int_equal(kubeadm_config_init(&s, &out, &f), -EOPNOTSUPP);
        assert_non_null(strstr(f.text, "32-bit Arm"));
        s.arm32 = false;
        assert_int_equal(kubeadm_config_init(&s, &out, &f), 0);
}

static void quotes(void **state) {
        auto_buf struct buf out = { 0 };
        struct yaml y = { .out = &out };

        (void)state;
        yaml_text(&y, 1, "a", "x\"\\\n\x7f\xc3: #");
        yaml_text(&y, 1, "b", NULL);
        yaml_item(&y, 0, "");
        assert_string_equal(out.data, "  a: \"x\\\"\\\\\\x0a\\x7f\\xc3: #\"\n- \"\"\n");
}

static void label_values(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "3B+", "3Bplus" },
                { "2B v1.2", "2B-v1.2" },
                { "", "" },
                { "+", "plus" },
                { "  x  ", "x" },
                { "--", "" },
                { "\xc3\xa4", "" },
                { "0123456789012345678901234567890123456789012345678901234567890123456789",
                  "012345678901234567890123456789012345678901234567890123456789012" },
                { "01234567890123456789012345678901234567890123456789012345678901+",
                  "01234567890123456789012345678901234567890123456789012345678901" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char got[KUBEADM_LABEL_SIZE];

                assert_string_equal(kubeadm_label_value(got, cases[i].in), cases[i].want);
        }
}

static void arguments(void **state) {
        static const struct {
                struct kubeadm_call call;
                const char *want; /* after the program */
        } cases[] = {
                { { .verb = KUBEADM_VERSION }, "version -o json" },
                { { .verb = KUBEADM_INIT,
                    .version = { 1, 20, 2 },
                    .config = "/c",
                    .patches = "/p",
                    .ignore = { "Mem", "ImagePull" },
                    .n_ignore = 2,
                    .upload_certs = true },
                  "init --config /c --ignore-preflight-errors=Mem,ImagePull "
                  "--experimental-patches=/p --skip-token-print --skip-certificate-key-print "
                  "--upload-certs" },
                { { .verb = KUBEADM_INIT,
                    .version = { 1, 22, 0 },
                    .config = "/c",
                    .patches = "/p" },
                  "init --config /c --skip-token-print --skip-certificate-key-print" },
                { { .verb = KUBEADM_JOIN,
                    .version = { 1, 18, 0 },
                    .config = "/c",
                    .patches = "/p",
                    .skip = { "preflight", "addon/kube-proxy" },
                    .n_skip = 2 },
                  "join --config /c --skip-phases=preflight,addon/kube-proxy" },
                { { .verb = KUBEADM_RESET,
                    .version = { 1, 31, 0 },
                    .cri_socket = "unix:///run/c.sock" },
                  "reset --force --cri-socket unix:///run/c.sock" },
                { { .verb = KUBEADM_RESET, .version = { 1, 20, 0 } }, "reset --force" },
                { { .verb = KUBEADM_RENEW, .version = { 1, 20, 0 } }, "certs renew all" },
                { { .verb = KUBEADM_RENEW, .version = { 1, 19, 0 }, .config = "/c" },
                  "alpha certs renew all --config /c" },
                { { .verb = KUBEADM_EXPIRY, .version = { 1, 19, 0 } },
                  "alpha certs check-expiration" },
                { { .verb = KUBEADM_IMAGES, .version = { 1, 20, 0 }, .config = "/c" },
                  "config images list --config /c" },
                { { .verb = KUBEADM_MAKE_CA, .version = { 1, 20, 0 }, .config = "/c" },
                  "init phase certs ca --config /c" },
                { { .verb = KUBEADM_MAKE_CERTS, .version = { 1, 20, 0 }, .config = "/c" },
                  "init phase certs all --config /c" },
                { { .verb = KUBEADM_MAKE_KUBECONFIG, .version = { 1, 20, 0 }, .config = "/c" },
                  "init phase kubeconfig all --config /c" },
                { { .verb = KUBEADM_ADD_TOKEN, .version = { 1, 20, 0 }, .config = "/c" },
                  "init phase bootstrap-token --skip-token-print --config /c" },
                { { .verb = KUBEADM_UPLOAD_CERTS, .version = { 1, 20, 0 }, .config = "/c" },
                  "init phase upload-certs --upload-certs --skip-certificate-key-print "
                  "--config /c" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kubeadm_call call = cases[i].call;
                struct kubeadm_arguments a;
                struct fail f = { 0 };
                char got[512] = "";

                call.program = "/usr/bin/kubeadm";
                if (kubeadm_arguments(&call, &a, &f) < 0)
                        fail_msg("%s: %s", cases[i].want, f.text);
                assert_string_equal(a.argv[0], "/usr/bin/kubeadm");
                assert_null(a.argv[a.n]);
                for (size_t j = 1; j < a.n; j++)
                        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
                                       j > 1 ? " " : "", a.argv[j]);
                assert_string_equal(got, cases[i].want);
        }
}

static void bad_arguments(void **state) {
        static const struct {
                struct kubeadm_call call;
                int result;
        } cases[] = {
                { { .verb = KUBEADM_INIT, .version = { 1, 20, 0 }, .program = "/k" }, -EINVAL },
                { { .verb = KUBEADM_INIT,
                    .version = { 1, 14, 0 },
                    .program = "/k",
                    .config = "/c" },
                  -EOPNOTSUPP },
                { { .verb = KUBEADM_VERSION, .program = "kubeadm" }, -EINVAL },
                { { .verb = KUBEADM_INIT,
                    .version = { 1, 20, 0 },
                    .program = "/k",
                    .config = "/c",
                    .ignore = { "Mem --v=9" },
                    .n_ignore = 1 },
                  -EINVAL },
                { { .verb = KUBEADM_INIT,
                    .version = { 1, 20, 0 },
                    .program = "/k",
                    .config = "/c",
                    .n_ignore = KUBEADM_IGNORED + 1 },
                  -EINVAL },
                { { .verb = KUBEADM_RESET,
                    .version = { 1, 20, 0 },
                    .program = "/k",
                    .cri_socket = "--x" },
                  -EINVAL },
        };
        static char word[400];
        struct kubeadm_call call = { .verb = KUBEADM_INIT,
                                     .version = { 1, 20, 0 },
                                     .program = "/k",
                                     .config = "/c",
                                     .skip = { word, word },
                                     .n_skip = 2 };
        struct kubeadm_arguments a;
        struct fail f = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(kubeadm_arguments(&cases[i].call, &a, &f), cases[i].result);
        memset(word, 'x', sizeof(word) - 1);
        assert_int_equal(kubeadm_arguments(&call, &a, &f), -ENAMETOOLONG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(golden),        cmocka_unit_test(patches),
                cmocka_unit_test(refuses),       cmocka_unit_test(limits),
                cmocka_unit_test(versions),      cmocka_unit_test(quotes),
                cmocka_unit_test(label_values),  cmocka_unit_test(arguments),
                cmocka_unit_test(bad_arguments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Nothing gets into kubeadm's configuration that was not looked at here: some of it ends up in
 * files that a shell or systemd reads (kubeadm-flags.env), where quoting does not help. */
#include "core/kubeadm_private.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

enum {
        PATH_LEN = 255,
        HOST_LEN = 253, /* RFC 1123: a DNS name */
        LABEL_LEN = 63,
        RESERVED_MIB = 1024 * 1024,
};

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
        return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static int bad(struct fail *f, const char *what, const char *value) {
        char shown[48];

        if (!value || value[0] == '\0')
                return fail(f, -EINVAL, "kubeadm: %s is missing", what);
        return fail(f, -EINVAL, "kubeadm: %s '%s' is not valid", what,
                    str_printable(shown, sizeof(shown), value, strlen(value)));
}

/* Lower-case labels of letters, digits and inner hyphens with dots between (RFC 1123). */
static bool host_valid(const char *s, size_t len) {
        size_t label = 0;

        if (len == 0 || len > HOST_LEN)
                return false;
        for (size_t i = 0; i <= len; i++) {
                if (i == len || s[i] == '.') {
                        if (label == 0 || label > LABEL_LEN || s[i - 1] == '-')
                                return false;
                        label = 0;
                } else if (is_lower(s[i]) || is_digit(s[i]) || (s[i] == '-' && label > 0)) {
                        label++;
                } else {
                        return false;
                }
        }
        return true;
}

/* Four numbers; 'ret_end' is what follows them. */
static bool ipv4_valid(const char *s, const char **ret_end) {
        for (unsigned part = 0; part < 4; part++) {
                unsigned value = 0, digits = 0;

                for (; is_digit(*s) && digits < 3; s++, digits++)
                        value = value * 10 + (unsigned)(*s - '0');
                if (digits == 0 || value > 255 || (digits > 1 && s[-(int)digits] == '0'))
                        return false;
                if (part < 3 && *s++ != '.')
                        return false;
        }
        *ret_end = s;
        return true;
}

/* The letters of an IPv6 address; whether it is one kubeadm checks itself. */
static bool ipv6_like(const char *s) {
        size_t len = strlen(s), colons = 0;

        for (size_t i = 0; i < len; i++) {
                colons += s[i] == ':';
                if (s[i] != ':' && !is_digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f'))
                        return false;
        }
        return colons >= 2 && colons <= 7 && len <= 39;
}

static bool address_valid(const char *s) {
        const char *end;

        return s && ((ipv4_valid(s, &end) && *end == '\0') || ipv6_like(s));
}

static bool subnet_valid(const char *s) {
        const char *end;
        uint64_t bits;

        return s && ipv4_valid(s, &end) && *end == '/' && end[1] != '0' &&
               str_to_u64(end + 1, 30, &bits) == 0 && bits >= 8;
}

static bool path_valid(const char *s, const char *more) {
        size_t len = s ? strnlen(s, PATH_LEN + 1) : 0;

        if (len == 0 || len > PATH_LEN || s[0] != '/' || strstr(s, ".."))
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && !strchr(more, s[i]))
                        return false;
        return true;
}

int kubeadm_check_path(const char *what, const char *path, struct fail *f) {
        return path_valid(path, "/._-") ? 0 : bad(f, what, path);
}

int kubeadm_check_socket(const char *socket, struct fail *f) {
        const char *path = socket && str_starts(socket, "unix://") ? socket + 7 : socket;

        return path_valid(path, "/._-") ? 0 : bad(f, "the runtime's socket", socket);
}

/* Letters and digits at the ends, '-', '_' and '.' between; 1 to 63. */
static bool label_word(const char *s, size_t len) {
        if (len == 0 || len > LABEL_LEN || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
                        return false;
        return true;
}

static bool key_valid(const char *key) {
        const char *slash = key ? strchr(key, '/') : NULL;
        const char *word = slash ? slash + 1 : key;

        return key && (!slash || host_valid(key, (size_t)(slash - key))) &&
               label_word(word, strnlen(word, LABEL_LEN + 1));
}

/* The kubelet may not label itself there (admission plug-in NodeRestriction). */
static bool reserved(const char *key) {
        static const char *const domains[] = { "kubernetes.io", "k8s.io" };
        const char *slash = strchr(key, '/');
        size_t len = slash ? (size_t)(slash - key) : 0;

        for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
                size_t n = strlen(domains[i]);

                if (len >= n && memcmp(slash - n, domains[i], n) == 0 &&
                    (len == n || slash[-(int)n - 1] == '.'))
                        return true;
        }
        return false;
}

static int check_labels(const struct kubeadm_settings *s, struct fail *f) {
        if (s->n_labels > KUBEADM_LABELS)
                return fail(f, -EINVAL, "kubeadm: more than %d labels", KUBEADM_LABELS);
        for (size_t i = 0; i < s->n_labels; i++) {
                const struct kubeadm_label *l = &s->labels[i];

                if (!key_valid(l->key))
                        return bad(f, "the label", l->key);
                if (reserved(l->key))
                        return fail(f, -EINVAL,
                                    "kubeadm: a node may not give itself the label '%.80s'",
                                    l->key);
                if (!l->value || (l->value[0] && !label_word(l->value, strlen(l->value))))
                        return bad(f, "the label's value", l->value);
        }
        return 0;
}

static int check_taints(const struct kubeadm_settings *s, struct fail *f) {
        if (s->n_taints > KUBEADM_TAINTS)
                return fail(f, -EINVAL, "kubeadm: more than %d taints", KUBEADM_TAINTS);
        for (size_t i = 0; i < s->n_taints; i++) {
                const struct kubeadm_taint *t = &s->taints[i];

                if (!key_valid(t->key))
                        return bad(f, "the taint", t->key);
                if (t->value && t->value[0] && !label_word(t->value, strlen(t->value)))
                        return bad(f, "the taint's value", t->value);
                if (!str_eq(t->effect, "NoSchedule") && !str_eq(t->effect, "PreferNoSchedule") &&
                    !str_eq(t->effect, "NoExecute"))
                        return bad(f, "the taint's effect", t->effect);
        }
        return 0;
}

/* Secrets are never part of a sentence. */
static int check_secrets(const struct kubeadm_settings *s, struct fail *f) {
        const char *t = s->token, *key = s->certificate_key;
        bool good = t && strnlen(t, 24) == 23;

        for (size_t i = 0; good && i < 23; i++)
                good = i == 6 ? t[i] == '.' : is_lower(t[i]) || is_digit(t[i]);
        if (!good)
                return fail(f, -EINVAL, "kubeadm: the bootstrap token is %s",
                            t ? "not valid" : "missing");
        for (size_t i = 0; key && i < 64; i++)
                if (!is_digit(key[i]) && !(key[i] >= 'a' && key[i] <= 'f'))
                        return fail(f, -EINVAL, "kubeadm: the certificate key is not valid");
        if (key && key[64] != '\0')
                return fail(f, -EINVAL, "kubeadm: the certificate key is not valid");
        return 0;
}

static int check_node(const struct kubeadm_settings *s, struct fail *f) {
        int r;

        if (!s->node_name || !host_valid(s->node_name, strlen(s->node_name)))
                return bad(f, "the node's name", s->node_name);
        if (!s->endpoint_name || !host_valid(s->endpoint_name, strlen(s->endpoint_name)))
                return bad(f, "the control plane's name", s->endpoint_name);
        if (s->node_ip && !address_valid(s->node_ip))
                return bad(f, "the node's address", s->node_ip);
        r = kubeadm_check_socket(s->cri_socket, f);
        if (r == 0 && s->resolv_conf)
                r = kubeadm_check_path("the resolv.conf", s->resolv_conf, f);
        if (r == 0 && s->patches)
                r = kubeadm_check_path("the folder of patches", s->patches, f);
        if (r < 0)
                return r;
        if (s->system_reserved_mib > RESERVED_MIB || s->kube_reserved_mib > RESERVED_MIB)
                return fail(f, -EINVAL, "kubeadm: more than 1 TiB is reserved");
        if (s->cgroup_driver && !str_eq(s->cgroup_driver, "cgroupfs") &&
            !str_eq(s->cgroup_driver, "systemd"))
                return bad(f, "the cgroup driver", s->cgroup_driver);
        r = check_labels(s, f);
        if (r == 0)
                r = check_taints(s, f);
        return r < 0 ? r : check_secrets(s, f);
}

static bool repository_valid(const char *s) {
        size_t len = strnlen(s, PATH_LEN + 1);

        if (len == 0 || len > PATH_LEN || !is_alnum(s[0]) || strstr(s, ".."))
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && !strchr("._/:-", s[i]))
                        return false;
        return true;
}

static int check_cluster(const struct kubeadm_settings *s, struct fail *f) {
        if (s->cluster_name && !host_valid(s->cluster_name, strlen(s->cluster_name)))
                return bad(f, "the cluster's name", s->cluster_name);
        if (!subnet_valid(s->pod_subnet))
                return bad(f, "the pods' subnet", s->pod_subnet);
        if (s->service_subnet && !subnet_valid(s->service_subnet))
                return bad(f, "the services' subnet", s->service_subnet);
        if (s->image_repository && !repository_valid(s->image_repository))
                return bad(f, "the images' repository", s->image_repository);
        if (s->n_sans > KUBEADM_SANS)
                return fail(f, -EINVAL, "kubeadm: more than %d names for the API server",
                            KUBEADM_SANS);
        for (size_t i = 0; i < s->n_sans; i++)
                if (!address_valid(s->sans[i]) &&
                    !(s->sans[i] && host_valid(s->sans[i], strlen(s->sans[i]))))
                        return bad(f, "the API server's name", s->sans[i]);
        return 0;
}

/* Where an etcd will run. */
static int check_etcd(const struct kubeadm_settings *s, struct fail *f) {
        char text[KUBE_VERSION_SIZE];

        if (!address_valid(s->advertise_address))
                return bad(f, "the API server's address", s->advertise_address);
        if (s->arm32 && !kube_version_from(s->version, 1, 19))
                return fail(f, -EOPNOTSUPP,
                            "kubeadm %s cannot start etcd on 32-bit Arm; 1.19 and newer can",
                            kube_version_text(text, s->version));
        if (!s->patches && kubeadm_patches(s) > 0)
                return bad(f, "the folder of patches", NULL);
        return 0;
}

int kubeadm_check_init(const struct kubeadm_settings *s, struct fail *f) {
        int r = check_node(s, f);

        if (r == 0)
                r = check_cluster(s, f);
        if (r == 0)
                r = check_etcd(s, f);
        if (r == 0 && s->token_ttl_seconds == 0)
                r = fail(f, -EINVAL, "kubeadm: the bootstrap token would be good for ever");
        return r;
}

int kubeadm_check_join(const struct kubeadm_settings *s, struct fail *f) {
        int r = check_node(s, f);

        if (r == 0 && s->control_plane)
                r = check_etcd(s, f);
        if (r < 0)
                return r;
        if (s->n_ca_hashes == 0 || s->n_ca_hashes > KUBEADM_CA_HASHES)
                return fail(f, -EINVAL, "kubeadm: no hash of the cluster's CA to join by");
        for (size_t i = 0; i < s->n_ca_hashes; i++) {
                const char *hash = s->ca_hashes[i];
                size_t hex = hash && str_starts(hash, "sha256:") ? 7 : 0;

                if (!hex || strspn(hash + hex, "0123456789abcdef") != 64 || hash[hex + 64] != '\0')
                        return bad(f, "the hash of the cluster's CA", hash);
        }
        return 0;
}

char *kubeadm_label_value(char dst[static KUBEADM_LABEL_SIZE], const char *text) {
        size_t at = 0;

        for (; *text && at < KUBEADM_LABEL_SIZE - 1; text++) {
                bool inner = *text == '-' || *text == '_' || *text == '.';

                if (*text == '+' && at + 4 < KUBEADM_LABEL_SIZE) {
                        memcpy(dst + at, "plus", 4);
                        at += 4;
                } else if (is_alnum(*text)) {
                        dst[at++] = *text;
                } else if (at > 0) {
                        dst[at++] = inner ? *text : '-';
                }
        }
        while (at > 0 && !is_alnum(dst[at - 1]))
                at--;
        dst[at] = '\0';
        return dst;
}

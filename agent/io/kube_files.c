#include "io/kube_files.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/kube_certs.h"
#include "io/sensors_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
        KUBE_FILE_BYTES = 32 * 1024, /* a kubeconfig has 6 KB, a manifest 4 KB; more is none */
        KUBE_DIR_FILES = 256,        /* looked at in one folder; kubeadm writes 15 */
};

#define KUBE_DIR      "etc/kubernetes/"
#define KUBELET_CERT  "var/lib/kubelet/pki/kubelet-client-current.pem"
#define NSEC_PER_SEC_ INT64_C(1000000000)

/* One pass over the card.  The first error that is not "there is none" ends up in 'error'. */
struct reading {
        int root_fd;
        struct kube_files *k;
        int error;
        size_t len;
        char text[KUBE_FILE_BYTES]; /* of the file that load() read last; may hold keys */
};

static bool is_missing(int error) {
        return error == -ENOENT || error == -ENOTDIR;
}

static void note_error(struct reading *r, int error) {
        if (r->error == 0 && !is_missing(error))
                r->error = error;
}

static bool look(struct reading *r, const char *path, struct stat *ret) {
        if (fstatat(r->root_fd, path, ret, 0) == 0)
                return true;
        note_error(r, -errno);
        return false;
}

static bool is_file(const struct stat *st) {
        return S_ISREG(st->st_mode) && st->st_size > 0;
}

/* ---- what is there ------------------------------------------------------------------------- */

static const struct {
        const char *path;
        uint32_t has;
} files[] = {
        { KUBE_DIR "admin.conf", KUBE_HAS_ADMIN_CONF },
        { KUBE_DIR "kubelet.conf", KUBE_HAS_KUBELET_CONF },
        { KUBE_DIR "bootstrap-kubelet.conf", KUBE_HAS_BOOTSTRAP_CONF },
        { KUBE_DIR "controller-manager.conf", KUBE_HAS_CONTROLLER_CONF },
        { KUBE_DIR "scheduler.conf", KUBE_HAS_SCHEDULER_CONF },
        { KUBE_DIR "manifests/kube-apiserver.yaml", KUBE_HAS_API_MANIFEST },
        { KUBE_DIR "manifests/kube-controller-manager.yaml", KUBE_HAS_CONTROLLER_MANIFEST },
        { KUBE_DIR "manifests/kube-scheduler.yaml", KUBE_HAS_SCHEDULER_MANIFEST },
        { KUBE_DIR "manifests/etcd.yaml", KUBE_HAS_ETCD_MANIFEST },
        { KUBE_DIR "pki/ca.crt", KUBE_HAS_CA_CERT },
        { KUBE_DIR "pki/ca.key", KUBE_HAS_CA_KEY },
        { KUBE_DIR "pki/etcd/ca.crt", KUBE_HAS_ETCD_CA_CERT },
        { KUBE_DIR "pki/etcd/ca.key", KUBE_HAS_ETCD_CA_KEY },
        { KUBE_DIR "pki/front-proxy-ca.crt", KUBE_HAS_FRONT_CA_CERT },
        { KUBE_DIR "pki/front-proxy-ca.key", KUBE_HAS_FRONT_CA_KEY },
        { KUBE_DIR "pki/sa.key", KUBE_HAS_SA_KEY },
        { "var/lib/kubelet/config.yaml", KUBE_HAS_KUBELET_CONFIG },
        { "var/lib/kubelet/kubeadm-flags.env", KUBE_HAS_KUBELET_FLAGS },
        { KUBELET_CERT, KUBE_HAS_KUBELET_CERT },
};

/* A unit in a folder above hides those below; a link to /dev/null masks it. */
static bool has_unit(struct reading *r) {
        static const char *const paths[] = {
                "etc/systemd/system/kubelet.service",
                "run/systemd/system/kubelet.service",
                "usr/local/lib/systemd/system/kubelet.service",
                "usr/lib/systemd/system/kubelet.service",
                "lib/systemd/system/kubelet.service",
        };
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (look(r, paths[i], &st))
                        return is_file(&st);
        return false;
}

static void find_files(struct reading *r) {
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                if (look(r, files[i].path, &st) && is_file(&st))
                        r->k->has |= files[i].has;
        if (look(r, "var/lib/etcd/member", &st) && S_ISDIR(st.st_mode))
                r->k->has |= KUBE_HAS_ETCD_DATA;
        if (has_unit(r))
                r->k->has |= KUBE_HAS_KUBELET_UNIT;
}

static void find_program(struct reading *r, const char *name, bool ours,
                         struct kube_program_file *ret) {
        static const char *const dirs[] = { "usr/bin", "usr/local/bin", "opt/bin",
                                            "usr/lib/bramble" };
        char path[sizeof(ret->path)];
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(dirs) - !ours; i++) {
                (void)snprintf(path, sizeof(path), "/%s/%s", dirs[i], name);
                if (!look(r, path + 1, &st) || !is_file(&st) || !(st.st_mode & 0111))
                        continue;
                (void)str_copy(ret->path, sizeof(ret->path), path);
                ret->inode = st.st_ino;
                ret->size_bytes = (uint64_t)st.st_size;
                ret->mtime_nsec = st.st_mtim.tv_sec * NSEC_PER_SEC_ + st.st_mtim.tv_nsec;
                return;
        }
}

static void find_programs(struct reading *r) {
        find_program(r, "kubeadm", false, &r->k->programs[KUBE_KUBEADM]);
        find_program(r, "kubelet", false, &r->k->programs[KUBE_KUBELET]);
        find_program(r, "kubectl", false, &r->k->programs[KUBE_KUBECTL]);
        find_program(r, "crictl", true, &r->k->programs[KUBE_CRICTL]);
}

bool kube_program_same(const struct kube_program_file *a, const struct kube_program_file *b) {
        return str_eq(a->path, b->path) && a->inode == b->inode && a->size_bytes == b->size_bytes &&
               a->mtime_nsec == b->mtime_nsec;
}

const char *const kube_cni_names[KUBE_CNI_PLUGINS] = { "bridge", "host-local", "portmap",
                                                       "loopback" };

uint32_t kube_files_cni(int root_fd, const char *dir) {
        uint32_t found = 0;
        char path[SIZE_KUBE_FILE_PATH + 16];
        struct stat st;

        for (size_t i = 0; i < KUBE_CNI_PLUGINS; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir + strspn(dir, "/"),
                               kube_cni_names[i]);
                if (fstatat(root_fd, path, &st, 0) == 0 && is_file(&st) && st.st_mode & 0111)
                        found |= UINT32_C(1) << i;
        }
        return found;
}

static void find_cni(struct reading *r) {
        /* containerd's own default, and Debian's */
        static const char *const dirs[] = { "/opt/cni/bin", "/usr/lib/cni" };
        int most = 0;

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                uint32_t found = kube_files_cni(r->root_fd, dirs[i]);

                if (__builtin_popcount(found) <= most)
                        continue;
                most = __builtin_popcount(found);
                r->k->cni = found;
                (void)str_copy(r->k->cni_dir, sizeof(r->k->cni_dir), dirs[i]);
        }
}

/* ---- what they say ------------------------------------------------------------------------- */

/* Reads a file into r->text.  False where it is not there, empty, no file, or too large. */
static bool load(struct reading *r, const char *path) {
        long n = sensors_file_read(r->root_fd, path, r->text, sizeof(r->text));

        r->len = n > 0 ? (size_t)n : 0;
        if (n < 0 && n != -EISDIR && n != -EINVAL)
                note_error(r, (int)n);
        return n > 0 && r->len < sizeof(r->text) - 1;
}

static void name_file(char dst[static SIZE_KUBE_FILE_PATH], const char *path) {
        dst[0] = '/';
        (void)str_printable(dst + 1, SIZE_KUBE_FILE_PATH - 1, path, strlen(path));
}

static void bad_cert(struct reading *r, const char *path) {
        if (r->k->n_bad_certs++ == 0)
                name_file(r->k->bad_cert, path);
}

static void see_begin(struct kube_files *k, const struct kube_cert *c) {
        if (c->begins > k->certs_begin)
                k->certs_begin = c->begins;
}

static void see_cert(struct reading *r, const char *path, const struct kube_cert *c) {
        struct kube_files *k = r->k;

        see_begin(k, c);
        if (c->authority || (k->certs_first[0] && c->expires >= k->certs_expire))
                return;
        k->certs_expire = c->expires;
        name_file(k->certs_first, path);
}

static void read_cert_dir(struct reading *r, const char *dir) {
        int fd = openat(r->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        char path[SIZE_KUBE_FILE_PATH + 256];
        struct kube_cert c;

        if (!list) {
                note_error(r, -errno);
                if (fd >= 0)
                        (void)close(fd);
                return;
        }
        for (int n = 0; n < KUBE_DIR_FILES && (entry = readdir(list)); n++) {
                if (!str_ends(entry->d_name, ".crt"))
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
                if (load(r, path) && kube_cert_parse(r->text, r->len, &c) == 0)
                        see_cert(r, path, &c);
                else
                        bad_cert(r, path);
        }
        (void)closedir(list);
}

static void read_authority(struct reading *r) {
        struct kube_cert c;

        if (load(r, KUBE_DIR "pki/ca.crt") && kube_cert_parse(r->text, r->len, &c) == 0) {
                see_begin(r->k, &c);
                (void)str_copy(r->k->ca_hash, sizeof(r->k->ca_hash), c.hash);
        }
}

/* The certificate inside a kubeconfig of the control plane. */
static void read_plane_config(struct reading *r, const char *path) {
        struct kube_config config;
        struct kube_cert c;

        if (!load(r, path))
                return;
        kube_text_config(r->text, r->len, &config);
        if (config.cert_data &&
            kube_cert_parse_base64(config.cert_data, config.cert_data_len, &c) == 0)
                see_cert(r, path, &c);
        else if (!config.cert_path[0])
                bad_cert(r, path);
}

static void take_kubelet(struct kube_files *k, const struct kube_cert *c) {
        see_begin(k, c);
        k->kubelet_expires = c->expires;
        (void)str_copy(k->node_name, sizeof(k->node_name), c->node_name);
}

/* kubelet.conf embeds the certificate or, after the first rotation, names a file. */
static void read_kubelet(struct reading *r) {
        const char *path = KUBELET_CERT;
        struct kube_config config;
        struct kube_cert c;

        if (load(r, KUBE_DIR "kubelet.conf")) {
                kube_text_config(r->text, r->len, &config);
                (void)str_copy(r->k->server, sizeof(r->k->server), config.server);
                if (config.cert_data) {
                        if (kube_cert_parse_base64(config.cert_data, config.cert_data_len, &c) == 0)
                                take_kubelet(r->k, &c);
                        else
                                bad_cert(r, KUBE_DIR "kubelet.conf");
                        return;
                }
                if (config.cert_path[0])
                        path = config.cert_path + 1;
        }
        if (load(r, path) && kube_cert_parse(r->text, r->len, &c) == 0)
                take_kubelet(r->k, &c);
        else if (r->len > 0)
                bad_cert(r, path);
}

static void read_manifests(struct reading *r) {
        if (load(r, KUBE_DIR "manifests/kube-apiserver.yaml"))
                kube_text_manifest(r->text, r->len, &r->k->api);
        if (load(r, KUBE_DIR "manifests/etcd.yaml"))
                kube_text_manifest(r->text, r->len, &r->k->etcd);
}

int kube_files_read(int root_fd, struct kube_files *ret) {
        struct kube_files k = { 0 };
        struct reading r;

        r.root_fd = root_fd;
        r.k = &k;
        r.error = 0;
        r.len = 0;
        find_programs(&r);
        find_files(&r);
        find_cni(&r);
        read_manifests(&r);
        read_authority(&r);
        read_cert_dir(&r, KUBE_DIR "pki");
        read_cert_dir(&r, KUBE_DIR "pki/etcd");
        read_plane_config(&r, KUBE_DIR "admin.conf");
        read_plane_config(&r, KUBE_DIR "controller-manager.conf");
        read_plane_config(&r, KUBE_DIR "scheduler.conf");
        read_kubelet(&r);
        OPENSSL_cleanse(r.text, sizeof(r.text));
        if (r.error < 0)
                return r.error;
        *ret = k;
        return 0;
}

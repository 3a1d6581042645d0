#include "io/kubeconfig.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void wipe_slot(char **text) {
        kubeconfig_wipe(*text);
}
#define auto_wipe __attribute__((cleanup(wipe_slot)))

void kubeconfig_wipe(char *text) {
        if (!text)
                return;
        explicit_bzero(text, strlen(text));
        free(text);
}

/* ---- files --------------------------------------------------------------------------------- */

/* kubelet-client-current.pem is a link to an absolute path: it means one below this root. */
static int open_below(int root_fd, const char *path) {
        struct open_how how = {
                .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };
        long fd;

        while (*path == '/')
                path++;
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        if (fd < 0 && errno == ENOSYS) /* Linux before 5.6, qemu-user */
                fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : (int)fd;
}

/* Up to 'size' bytes.  Their number, or negative errno. */
static long read_all(int fd, char *data, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t r = read(fd, data + n, size - n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        return (long)n;
}

int kubeconfig_read_text(int root_fd, const char *path, char **ret, size_t *ret_len,
                         struct fail *f) {
        auto_close int fd = open_below(root_fd, path);
        char *data;
        struct stat st;
        long n;

        if (fd < 0)
                return fail(f, fd, "cannot read %s: %s", path, strerror(-fd));
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return fail(f, -EINVAL, "%s is no file", path);
        data = calloc(1, KUBECONFIG_BYTES + 2);
        if (!data)
                return -ENOMEM;
        n = read_all(fd, data, KUBECONFIG_BYTES + 1);
        if (n >= 0 && n <= KUBECONFIG_BYTES && strlen(data) == (size_t)n) {
                *ret = data;
                *ret_len = (size_t)n;
                return 0;
        }
        explicit_bzero(data, KUBECONFIG_BYTES + 2);
        free(data);
        if (n < 0)
                return fail(f, (int)n, "cannot read %s: %s", path, strerror((int)-n));
        if (n > KUBECONFIG_BYTES)
                return fail(f, -EMSGSIZE, "%s is larger than %d KB", path, KUBECONFIG_BYTES / 1024);
        return fail(f, -EBADMSG, "%s is no text", path);
}

/* ---- values -------------------------------------------------------------------------------- */

static int decode(const struct http_text *data, char **ret) {
        auto_wipe char *text = calloc(1, data->len / 4 * 3 + 4);
        auto_free char *copy = strndup(data->at, data->len);
        const size_t digits = copy ? strspn(copy, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                                                  "uvwxyz0123456789+/")
                                   : 0;
        const size_t pad = data->len - digits;
        int n = -1;

        if (!text || !copy)
                return -ENOMEM;
        /* EVP_DecodeBlock() takes dashes for an end, and counts the padding as bytes */
        if (data->len % 4 == 0 && pad <= 2 && strspn(copy + digits, "=") == pad)
                n = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)copy,
                                    (int)data->len);
        explicit_bzero(copy, data->len);
        if (n < 0 || strlen(text) != (size_t)n - pad)
                return -EBADMSG;
        *ret = take_ptr(text);
        return 0;
}

/* A file that the kubeconfig at 'path' names: what is no absolute path begins in its folder. */
static int read_named(int root_fd, const char *path, const struct http_text *file, char **ret,
                      struct fail *f) {
        const char *slash = strrchr(path, '/');
        const size_t folder = *file->at == '/' || !slash ? 0 : (size_t)(slash + 1 - path);
        char full[4096];
        size_t len;
        int n = snprintf(full, sizeof(full), "%.*s%.*s", (int)folder, path, (int)file->len,
                         file->at);

        if (n < 0 || (size_t)n >= sizeof(full))
                return fail(f, -ENAMETOOLONG, "%s names a file with too long a path", path);
        return kubeconfig_read_text(root_fd, full, ret, &len, f);
}

/* One PEM text: from 'data', else from the file.  NULL where neither is there. */
static int read_pem(int root_fd, const char *path, const char *what, const struct http_text *data,
                    const struct http_text *file, char **ret, struct fail *f) {
        int r = 0;

        if (data->len > 0)
                r = decode(data, ret);
        else if (file->len > 0)
                r = read_named(root_fd, path, file, ret, f);
        return r < 0 ? fail(f, r, "%s: its %s is no base64 of a text", path, what) : 0;
}

static int fill(int root_fd, const char *path, const struct kubeconfig_text *t,
                struct kubeconfig *k, struct fail *f) {
        int r;

        if (kubeconfig_split_url(t->server.at, t->server.len, k->host, &k->port) < 0)
                return fail(f, -EBADMSG, "%s: its server is no https URL", path);
        r = t->tls_server_name.len > 0 ? str_copy_n(k->name, sizeof(k->name), t->tls_server_name.at,
                                                    t->tls_server_name.len)
                                       : str_copy(k->name, sizeof(k->name), k->host);
        if (r < 0)
                return fail(f, -EBADMSG, "%s: its tls-server-name is too long", path);
        r = read_pem(root_fd, path, "authority", &t->ca_data, &t->ca_file, &k->ca, f);
        if (r == 0 && !k->ca)
                return fail(f, -EBADMSG, "%s names no certificate-authority", path);
        if (r == 0)
                r = read_pem(root_fd, path, "client certificate", &t->cert_data, &t->cert_file,
                             &k->cert, f);
        if (r == 0)
                r = read_pem(root_fd, path, "client key", &t->key_data, &t->key_file, &k->key, f);
        if (r == 0 && !k->cert != !k->key)
                return fail(f, -EBADMSG, "%s has a client certificate or its key, but not both",
                            path);
        return r;
}

int kubeconfig_read(int root_fd, const char *path, struct kubeconfig *ret, struct fail *f) {
        auto_wipe char *text = NULL;
        struct kubeconfig k = { 0 };
        struct kubeconfig_text t;
        struct fail why = { 0 };
        size_t len;
        int r;

        r = kubeconfig_read_text(root_fd, path, &text, &len, f);
        if (r < 0)
                return r;
        r = kubeconfig_parse(text, len, &t, &why);
        if (r < 0)
                return fail(f, r, "%s: %s", path, fail_text(&why));
        r = fill(root_fd, path, &t, &k, f);
        if (r < 0) {
                kubeconfig_done(&k);
                return r;
        }
        *ret = k;
        return 0;
}

void kubeconfig_done(struct kubeconfig *k) {
        kubeconfig_wipe(k->ca);
        kubeconfig_wipe(k->cert);
        kubeconfig_wipe(k->key);
        *k = (struct kubeconfig){ 0 };
}

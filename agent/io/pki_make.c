/* Makes keys and certificates: a cluster's six files, and a board's own pair. */
#include "io/pki_internal.h"

#include "base/buf.h"
#include "base/str.h"
#include "io/tls.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- writing files ------------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        len -= (size_t)n;
                }
        }
        return 0;
}

/* After a power cut there is the old file or the whole new one, never half of one. */
static int write_file(int dir, const char *name, const char *data, size_t len, mode_t mode,
                      struct fail *f) {
        auto_close int fd = -EBADF;
        char temp[SIZE_NAME];
        int r;

        (void)snprintf(temp, sizeof(temp), ".%s.new", name);
        (void)unlinkat(dir, temp, 0); /* what a power cut left */
        fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return fail(f, -errno, "cannot write %s: %s", name, strerror(errno));
        r = write_all(fd, data, len);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && renameat(dir, temp, dir, name) < 0)
                r = -errno;
        if (r == 0 && fsync(dir) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(dir, temp, 0);
                return fail(f, r, "cannot write %s: %s", name, strerror(-r));
        }
        return 0;
}

static int write_bio(int dir, const char *name, BIO *bio, mode_t mode, struct fail *f) {
        char *data = NULL;
        long len = BIO_get_mem_data(bio, &data);
        int r;

        r = len > 0 ? write_file(dir, name, data, (size_t)len, mode, f) : -ENOMEM;
        if (len > 0)
                OPENSSL_cleanse(data, (size_t)len); /* it may be a key */
        return r;
}

static int write_key(int dir, const char *name, EVP_PKEY *key, struct fail *f) {
        BIO *bio = BIO_new(BIO_s_mem());
        int r = -ENOMEM;

        if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
                r = write_bio(dir, name, bio, 0600, f);
        BIO_free(bio);
        return r;
}

/* 'issuer' (may be NULL) is appended: the chain that the peer needs. */
static int write_certs(int dir, const char *name, X509 *leaf, X509 *issuer, struct fail *f) {
        BIO *bio = BIO_new(BIO_s_mem());
        int r = -ENOMEM;

        if (bio && PEM_write_bio_X509(bio, leaf) == 1 &&
            (!issuer || PEM_write_bio_X509(bio, issuer) == 1))
                r = write_bio(dir, name, bio, 0644, f);
        BIO_free(bio);
        return r;
}

/* ---- certificates -------------------------------------------------------------------------- */

struct cert_spec {
        const char *cn;
        const char *ou; /* NULL: none */
        const char *basic;
        const char *usage;
        const char *extended; /* NULL: none */
        const char *names;    /* NULL: none; subjectAltName as OpenSSL writes it */
};

#define AUTHORITY_USAGE "critical,keyCertSign,cRLSign"
#define LEAF_USAGE      "critical,digitalSignature"
#define LEAF_EXTENDED   "clientAuth,serverAuth"

static bool add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value) {
        X509_EXTENSION *e;
        bool good;

        if (!value)
                return true;
        e = X509V3_EXT_nconf_nid(NULL, ctx, nid, value);
        good = e && X509_add_ext(x, e, -1) == 1;
        X509_EXTENSION_free(e);
        return good;
}

static bool add_extensions(X509 *x, X509 *issuer, const struct cert_spec *spec) {
        X509V3_CTX ctx;

        X509V3_set_ctx_nodb(&ctx);
        X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
        return add_extension(x, &ctx, NID_basic_constraints, spec->basic) &&
               add_extension(x, &ctx, NID_key_usage, spec->usage) &&
               add_extension(x, &ctx, NID_ext_key_usage, spec->extended) &&
               add_extension(x, &ctx, NID_subject_alt_name, spec->names) &&
               add_extension(x, &ctx, NID_subject_key_identifier, "hash") &&
               add_extension(x, &ctx, NID_authority_key_identifier, "keyid:always");
}

static bool add_text(X509_NAME *name, int nid, const char *text) {
        return !text || X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
                                                   (const unsigned char *)text, -1, -1, 0) == 1;
}

/* RFC 5280 4.1.2.2: unique for each certificate of an issuer, at most 20 bytes, positive. */
static bool set_serial(X509 *x) {
        unsigned char bytes[16];
        BIGNUM *n;
        bool good;

        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
                return false;
        bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
        n = BN_bin2bn(bytes, sizeof(bytes), NULL);
        good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
        BN_free(n);
        return good;
}

/* 'issuer' NULL signs with the own key. */
static int make_cert(const struct cert_spec *spec, EVP_PKEY *key, X509 *issuer,
                     EVP_PKEY *issuer_key, X509 **ret) {
        auto_x509 X509 *x = X509_new();
        X509_NAME *name = X509_NAME_new();
        bool good;

        good = x && name && add_text(name, NID_organizationalUnitName, spec->ou) &&
               add_text(name, NID_commonName, spec->cn) &&
               X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
               /* boards have no clock, and nobody renews a classroom's certificates;
                * RFC 5280 4.1.2.5: the end that means "no well-defined expiration" */
               ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "19700101000000Z") == 1 &&
               ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "99991231235959Z") == 1 &&
               X509_set_subject_name(x, name) == 1 &&
               X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name) == 1 &&
               X509_set_pubkey(x, key) == 1 && add_extensions(x, issuer ? issuer : x, spec) &&
               X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256()) > 0;
        X509_NAME_free(name);
        if (!good)
                return -ENOMEM;
        *ret = take_ptr(x);
        return 0;
}

static int make_key(EVP_PKEY **ret) {
        EVP_PKEY *key = EVP_EC_gen("P-256");

        if (!key)
                return -ENOMEM;
        *ret = key;
        return 0;
}

/* Key and certificate into NAME.key and NAME.crt of a folder; hands both out for signing. */
static int make_pair(int dir, const char *file, const struct cert_spec *spec, X509 *issuer,
                     EVP_PKEY *issuer_key, X509 *chain, X509 **ret_cert, EVP_PKEY **ret_key,
                     struct fail *f) {
        auto_key EVP_PKEY *key = NULL;
        auto_x509 X509 *cert = NULL;
        char name[SIZE_NAME];
        int r;

        r = make_key(&key);
        if (r == 0)
                r = make_cert(spec, key, issuer, issuer_key, &cert);
        if (r < 0) {
                r = fail(f, r, "cannot make %s.crt: %s", file, tls_reason());
                ERR_clear_error();
                return r;
        }
        (void)snprintf(name, sizeof(name), "%s.key", file);
        r = write_key(dir, name, key, f);
        if (r < 0)
                return r;
        (void)snprintf(name, sizeof(name), "%s.crt", file);
        r = write_certs(dir, name, cert, chain, f);
        if (r < 0)
                return r;
        *ret_cert = take_ptr(cert);
        *ret_key = take_ptr(key);
        return 0;
}

/* ---- a cluster's folder -------------------------------------------------------------------- */

/* RFC 1123 2.1, lower case only: the name becomes part of host names. */
static bool label_valid(const char *s) {
        size_t len = strlen(s);

        return len >= 1 && len < SIZE_CLUSTER &&
               strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && s[0] != '-' &&
               s[len - 1] != '-';
}

static int open_empty_dir(const char *path, bool *ret_made, struct fail *f) {
        auto_close int fd = -EBADF;
        struct dirent *entry;
        bool made = true, empty = true;
        DIR *dir;

        if (mkdir(path, 0700) < 0) {
                if (errno != EEXIST)
                        return fail(f, -errno, "cannot make %s: %s", path, strerror(errno));
                made = false;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd >= 0 ? opendir(path) : NULL;
        if (!dir)
                return fail(f, -errno, "cannot open %s: %s", path, strerror(errno));
        while (empty && (entry = readdir(dir)))
                empty = str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..");
        (void)closedir(dir);
        if (!empty)
                return fail(f, -ENOTEMPTY,
                            "%s is not empty: a cluster's keys are never written over", path);
        *ret_made = made;
        return take_fd(&fd);
}

static int make_cluster(int dir, const char *name, struct fail *f) {
        auto_key EVP_PKEY *ca_key = NULL;
        auto_key EVP_PKEY *key = NULL;
        auto_key EVP_PKEY *admin_key = NULL;
        auto_x509 X509 *ca = NULL;
        auto_x509 X509 *enrol = NULL;
        auto_x509 X509 *admin = NULL;
        const struct cert_spec ca_spec = {
                .cn = name,
                .basic = "critical,CA:TRUE,pathlen:1",
                .usage = AUTHORITY_USAGE,
        };
        const struct cert_spec enrol_spec = {
                .cn = name,
                .ou = PKI_OU_ENROL,
                .basic = "critical,CA:TRUE,pathlen:0",
                .usage = AUTHORITY_USAGE,
                .extended = LEAF_EXTENDED,
        };
        const struct cert_spec admin_spec = {
                .cn = name,
                .ou = PKI_OU_ADMIN,
                .basic = "critical,CA:FALSE",
                .usage = LEAF_USAGE,
                .extended = LEAF_EXTENDED,
        };
        int r;

        r = make_pair(dir, "ca", &ca_spec, NULL, NULL, NULL, &ca, &ca_key, f);
        if (r == 0)
                r = make_pair(dir, "enrol", &enrol_spec, ca, ca_key, NULL, &enrol, &key, f);
        if (r == 0)
                r = make_pair(dir, "admin", &admin_spec, ca, ca_key, NULL, &admin, &admin_key, f);
        return r;
}

int pki_init_cluster(const char *dir_path, const char *name, struct fail *f) {
        static const char *const files[] = {
                "ca.key", "ca.crt", "enrol.key", "enrol.crt", "admin.key", "admin.crt",
        };
        auto_close int dir = -EBADF;
        bool made = false;
        int r;

        if (!label_valid(name))
                return fail(f, -EINVAL,
                            "a cluster's name is 1 to 63 of a-z, 0-9 and inner hyphens");
        dir = open_empty_dir(dir_path, &made, f);
        if (dir < 0)
                return dir;
        r = make_cluster(dir, name, f);
        if (r == 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)unlinkat(dir, files[i], 0);
        if (made)
                (void)rmdir(dir_path);
        return r;
}

/* ---- a gateway ------------------------------------------------------------------------------- */

static bool host_valid(const char *s) {
        size_t len = strlen(s);

        return len >= 1 && len < SIZE_NAME &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
                       len &&
               s[0] != '-' && s[0] != '.' && s[len - 1] != '-' && s[len - 1] != '.' &&
               !strstr(s, "..");
}

/* "DNS:m1.local,IP:192.168.1.4"; no name can bring more than itself in. */
static int list_names(struct buf *list, const char *const *names, size_t n, struct fail *f) {
        unsigned char bytes[16];

        if (n < 1 || n > PKI_NAMES)
                return fail(f, -EINVAL, "from 1 to %d names and addresses are wanted", PKI_NAMES);
        for (size_t i = 0; i < n; i++) {
                bool ip = inet_pton(AF_INET, names[i], bytes) == 1 ||
                          inet_pton(AF_INET6, names[i], bytes) == 1;
                int r;

                if (!ip && !host_valid(names[i]))
                        return fail(f, -EINVAL, "'%.64s' is no host name and no IP address",
                                    names[i]);
                r = buf_printf(list, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", names[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_gateway(const char *dir_path, const struct cert_spec *spec, struct fail *f) {
        auto_close int dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_key EVP_PKEY *ca_key = NULL;
        auto_key EVP_PKEY *key = NULL;
        auto_x509 X509 *ca = NULL;
        auto_x509 X509 *cert = NULL;
        char path[PKI_PATH];
        int r;

        if (dir < 0)
                return fail(f, -errno, "cannot open %s: %s", dir_path, strerror(errno));
        r = pki_path(path, dir_path, "ca.crt", f);
        if (r == 0)
                r = pki_read_certs(path, &ca, NULL, f);
        if (r == 0)
                r = pki_path(path, dir_path, "ca.key", f);
        if (r == 0)
                r = pki_read_key(path, &ca_key, f);
        if (r == 0 && X509_check_private_key(ca, ca_key) != 1)
                r = fail(f, -EKEYREJECTED, "ca.key and ca.crt in %s do not belong together",
                         dir_path);
        ERR_clear_error();
        return r < 0 ? r : make_pair(dir, "gateway", spec, ca, ca_key, NULL, &cert, &key, f);
}

int pki_make_gateway(const char *dir, const char *const *names, size_t n, struct fail *f) {
        auto_buf struct buf list = { 0 };
        int r = list_names(&list, names, n, f);
        const struct cert_spec spec = {
                .cn = n > 0 ? names[0] : "",
                .ou = PKI_OU_GATEWAY,
                .basic = "critical,CA:FALSE",
                .usage = LEAF_USAGE,
                .extended = "serverAuth",
                .names = list.data,
        };

        return r < 0 ? r : make_gateway(dir, &spec, f);
}

/* ---- enrolment ----------------------------------------------------------------------------- */

/* Whether board.crt and board.key are a pair of this node under 'ca'.  0, or why not. */
static int check_board(X509 *ca, const char *state_dir, uint64_t node, struct fail *f) {
        auto_stack STACK_OF(X509) *rest = NULL;
        auto_stack STACK_OF(X509) *chain = NULL;
        auto_x509 X509 *leaf = NULL;
        auto_key EVP_PKEY *key = NULL;
        struct pki_identity id;
        char path[PKI_PATH];
        int r;

        r = pki_path(path, state_dir, "board.crt", f);
        if (r == 0)
                r = pki_read_certs(path, &leaf, &rest, f);
        if (r == 0)
                r = pki_verify(ca, leaf, rest, &chain, f);
        if (r == 0)
                r = pki_identity(chain, &id, f);
        if (r < 0)
                return r;
        if (id.role != PKI_BOARD || id.node != node)
                return fail(f, -EKEYREJECTED,
                            "board.crt was made for board %016llx and this is %016llx: the card is "
                            "a copy",
                            (unsigned long long)id.node, (unsigned long long)node);
        r = pki_path(path, state_dir, "board.key", f);
        if (r == 0)
                r = pki_read_key(path, &key, f);
        if (r == 0 && X509_check_private_key(leaf, key) != 1) {
                /* a power cut between the two, while enrolling anew */
                ERR_clear_error();
                r = fail(f, -EKEYREJECTED, "board.key is not the key of board.crt");
        }
        return r;
}

/* The enrolment pair of a card, checked against its authority. */
static int read_enrolment(X509 *ca, const char *pki_dir, X509 **ret_cert, EVP_PKEY **ret_key,
                          struct fail *f) {
        auto_stack STACK_OF(X509) *chain = NULL;
        auto_x509 X509 *cert = NULL;
        auto_key EVP_PKEY *key = NULL;
        char path[PKI_PATH];
        int r;

        r = pki_path(path, pki_dir, "enrol.key", f);
        if (r == 0)
                r = pki_read_key(path, &key, f);
        if (r == 0)
                r = pki_path(path, pki_dir, "enrol.crt", f);
        if (r == 0)
                r = pki_read_certs(path, &cert, NULL, f);
        if (r == 0)
                r = pki_verify(ca, cert, NULL, &chain, f);
        if (r == 0 && X509_check_private_key(cert, key) != 1) {
                ERR_clear_error();
                r = fail(f, -EKEYREJECTED, "enrol.key is not the key of enrol.crt");
        }
        if (r < 0)
                return r;
        *ret_cert = take_ptr(cert);
        *ret_key = take_ptr(key);
        return 0;
}

static int make_board(const char *state_dir, uint64_t node, X509 *enrol, EVP_PKEY *enrol_key,
                      struct fail *f) {
        auto_close int dir = -EBADF;
        auto_key EVP_PKEY *key = NULL;
        auto_x509 X509 *cert = NULL;
        char cn[17];
        const struct cert_spec spec = {
                .cn = cn,
                .ou = PKI_OU_BOARD,
                .basic = "critical,CA:FALSE",
                .usage = LEAF_USAGE,
                .extended = LEAF_EXTENDED,
        };

        str_hex64(node, cn);
        if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
                return fail(f, -errno, "cannot make %s: %s", state_dir, strerror(errno));
        dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return fail(f, -errno, "cannot open %s: %s", state_dir, strerror(errno));
        /* the key first: a certificate on disk means that its key is there too */
        return make_pair(dir, "board", &spec, enrol, enrol_key, enrol, &cert, &key, f);
}

/* Written over before it is unlinked.  A card's wear levelling may keep the old bytes in a cell
 * that only its controller reaches; nothing better can be done from here. */
static int wipe_file(const char *path) {
        static const char zeros[512];
        auto_close int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        int r = 0;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        for (off_t left = st.st_size; r == 0 && left > 0; left -= (off_t)sizeof(zeros))
                r = write_all(fd, zeros,
                              left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && unlink(path) < 0)
                r = -errno;
        return r;
}

/* 0 or 1, as pki_enrol() says. */
static int forget_enrolment(const char *pki_dir, struct fail *f) {
        auto_close int dir = -EBADF;
        char path[PKI_PATH];
        int r;

        r = pki_path(path, pki_dir, "enrol.key", f);
        if (r == 0)
                r = wipe_file(path);
        if (r == 0) {
                dir = open(pki_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (dir >= 0)
                        (void)fsync(dir);
                return 0;
        }
        (void)fail(f, r,
                   "enrolled, but %s cannot be removed (%s): whoever reads this card can make "
                   "boards of this cluster",
                   path, strerror(-r));
        return 1;
}

int pki_enrol(const char *pki_dir, const char *state_dir, uint64_t node, struct fail *f) {
        auto_x509 X509 *ca = NULL;
        auto_x509 X509 *enrol = NULL;
        auto_key EVP_PKEY *key = NULL;
        struct fail board = { 0 }, lost = { 0 };
        char path[PKI_PATH];
        int r, had;

        r = pki_path(path, pki_dir, "ca.crt", f);
        if (r == 0)
                r = pki_read_certs(path, &ca, NULL, NULL);
        if (r == -ENOENT)
                return fail(f, -ENOKEY, "%s has no ca.crt: this card belongs to no cluster",
                            pki_dir);
        if (r < 0)
                return fail(f, r, "cannot use %s: %s", path, strerror(-r));

        had = check_board(ca, state_dir, node, &board);
        if (had == 0)
                return forget_enrolment(pki_dir, f) == 0 ? -EALREADY : 1;
        if (had != -ENOENT && had != -EKEYREJECTED && had != -EBADMSG)
                return fail(f, had, "%s", fail_text(&board)); /* the disk: nothing is known */
        r = read_enrolment(ca, pki_dir, &enrol, &key, had == -ENOENT ? f : &lost);
        if (r == -ENOENT && had == -ENOENT)
                return -ENOKEY;
        if (r == -ENOENT)
                return fail(f, had, "%s, and there is no enrol.key to make a new one",
                            fail_text(&board));
        if (r < 0)
                return fail(f, r, "cannot enrol: %s", fail_text(&lost));
        r = make_board(state_dir, node, enrol, key, f);
        if (r < 0)
                return r;
        return forget_enrolment(pki_dir, f);
}

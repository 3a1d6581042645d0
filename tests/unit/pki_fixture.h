/* pki_fixture - folders with clusters and boards for tests, and certificates that no honest part
 * of bramble would make. */
#ifndef BRAMBLE_TESTS_PKI_FIXTURE_H
#define BRAMBLE_TESTS_PKI_FIXTURE_H

#include "base/scope.h"
#include "base/str.h"
#include "io/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { FIXTURE_PATH = 256 };

/* A path below the test's folder; four may be in use at a time. */
static char fixture_root[64];

static __attribute__((unused)) const char *at(const char *format, ...)
        __attribute__((format(printf, 1, 2)));
static const char *at(const char *format, ...) {
        static char paths[8][FIXTURE_PATH];
        static unsigned next;
        char *path = paths[next++ % 8];
        va_list args;
        size_t len;

        len = (size_t)snprintf(path, FIXTURE_PATH, "%s/", fixture_root);
        va_start(args, format);
        (void)vsnprintf(path + len, FIXTURE_PATH - len, format, args);
        va_end(args);
        return path;
}

static int fixture_begin(void **state) {
        (void)state;
        (void)snprintf(fixture_root, sizeof(fixture_root), "/tmp/bramble-test-XXXXXX");
        return mkdtemp(fixture_root) ? 0 : -1;
}

static int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        (void)remove(path);
        return 0;
}

static int fixture_end(void **state) {
        (void)state;
        return nftw(fixture_root, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static __attribute__((unused)) bool exists(const char *path) {
        return access(path, F_OK) == 0;
}

static __attribute__((unused)) void put_file(const char *path, const void *data, size_t len) {
        auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), len);
}

static void copy_file(const char *from, const char *to) {
        auto_close int in = open(from, O_RDONLY | O_CLOEXEC);
        auto_close int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        char data[8192];
        ssize_t n;

        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, data, sizeof(data))) > 0)
                assert_int_equal(write(out, data, (size_t)n), n);
        assert_int_equal(n, 0);
}

/* Cluster NAME in folder NAME. */
static __attribute__((unused)) void make_cluster(const char *name) {
        struct fail f = { 0 };

        if (pki_init_cluster(at("%s", name), name, &f) < 0)
                fail_msg("%s", f.text);
}

/* What a freshly flashed card of the cluster carries, in folder CARD. */
static void make_card(const char *cluster, const char *card) {
        assert_int_equal(mkdir(at("%s", card), 0700), 0);
        copy_file(at("%s/ca.crt", cluster), at("%s/ca.crt", card));
        copy_file(at("%s/enrol.crt", cluster), at("%s/enrol.crt", card));
        copy_file(at("%s/enrol.key", cluster), at("%s/enrol.key", card));
}

/* A board that has started once: its pki folder CARD, its state folder CARD-state. */
static __attribute__((unused)) void make_board(const char *cluster, const char *card,
                                               uint64_t node) {
        struct fail f = { 0 };

        make_card(cluster, card);
        if (pki_enrol(at("%s", card), at("%s-state", card), node, &f) != 0)
                fail_msg("%s", f.text);
}

static __attribute__((unused)) void load_board(const char *card, struct pki *ret) {
        struct fail f = { 0 };

        if (pki_load(at("%s/ca.crt", card), at("%s-state/board.crt", card),
                     at("%s-state/board.key", card), ret, &f) < 0)
                fail_msg("%s", f.text);
}

static __attribute__((unused)) void load_admin(const char *cluster, struct pki *ret) {
        struct fail f = { 0 };

        if (pki_load(at("%s/ca.crt", cluster), at("%s/admin.crt", cluster),
                     at("%s/admin.key", cluster), ret, &f) < 0)
                fail_msg("%s", f.text);
}

/* ---- forgery ------------------------------------------------------------------------------- */

struct forgery {
        const char *cn, *ou, *ou2;
        const char *issuer; /* folder/name of .crt and .key */
        const char *basic;  /* NULL: CA:FALSE */
};

static void *must(void *p) {
        assert_non_null(p);
        return p;
}

static X509 *load_cert(const char *path) {
        FILE *in = must(fopen(path, "re"));
        X509 *x = must(PEM_read_X509(in, NULL, NULL, NULL));

        (void)fclose(in);
        return x;
}

static EVP_PKEY *load_key(const char *path) {
        FILE *in = must(fopen(path, "re"));
        EVP_PKEY *k = must(PEM_read_PrivateKey(in, NULL, NULL, NULL));

        (void)fclose(in);
        return k;
}

static void add_name(X509_NAME *name, const char *kind, const char *text) {
        if (text)
                assert_int_equal(X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8,
                                                            (const unsigned char *)text, -1, -1, 0),
                                 1);
}

static void add_ext(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = must(X509V3_EXT_conf_nid(NULL, NULL, nid, value));

        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
}

/* NAME.crt (with the issuer behind it) and NAME.key in the test's folder. */
static __attribute__((unused)) void forge(const char *name, const struct forgery *spec) {
        X509 *issuer = load_cert(at("%s.crt", spec->issuer)), *x = must(X509_new());
        EVP_PKEY *issuer_key = load_key(at("%s.key", spec->issuer)),
                 *key = must(EVP_EC_gen("P-256"));
        X509_NAME *subject = X509_get_subject_name(x);
        FILE *out;

        add_name(subject, "OU", spec->ou);
        add_name(subject, "OU", spec->ou2);
        add_name(subject, "CN", spec->cn);
        assert_true(X509_set_version(x, X509_VERSION_3) &&
                    ASN1_INTEGER_set(X509_get_serialNumber(x), 7));
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -3600));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
        assert_true(X509_set_issuer_name(x, X509_get_subject_name(issuer)) &&
                    X509_set_pubkey(x, key));
        add_ext(x, NID_basic_constraints, str_or(spec->basic, "critical,CA:FALSE"));
        add_ext(x, NID_ext_key_usage, "clientAuth,serverAuth");
        assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);

        out = must(fopen(at("%s.crt", name), "we"));
        assert_true(PEM_write_X509(out, x) && PEM_write_X509(out, issuer));
        (void)fclose(out);
        out = must(fopen(at("%s.key", name), "we"));
        assert_true(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
        (void)fclose(out);
        X509_free(issuer);
        X509_free(x);
        EVP_PKEY_free(issuer_key);
        EVP_PKEY_free(key);
}

/* A context without any of our own checks: what an attacker would run.  'name' NULL: without a
 * certificate. */
static __attribute__((unused)) SSL_CTX *attacker(const char *name, bool server) {
        SSL_CTX *ctx = must(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));

        if (!name)
                return ctx;
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, at("%s.crt", name)), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, at("%s.key", name), SSL_FILETYPE_PEM), 1);
        return ctx;
}

#endif

#include "io/kube_certs.h"

#include "base/str.h"
#include "core/names.h"
#include "io/pki_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { CERT_BYTES = PKI_FILE_BYTES, SHA256_BYTES = 32 };

#define NODE_PREFIX "system:node:"

/* time_t may have 32 bits, and authorities outlive 2038. */
static int unix_seconds(const ASN1_TIME *t, int64_t *ret) {
        ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
        int days = 0, seconds = 0, ok;

        if (!zero)
                return -ENOMEM;
        ok = ASN1_TIME_diff(&days, &seconds, zero, t);
        ASN1_TIME_free(zero);
        if (!ok)
                return -EBADMSG;
        *ret = (int64_t)days * 86400 + seconds;
        return 0;
}

static void take_node_name(const X509 *x, char dst[static SIZE_NAME]) {
        const X509_NAME *subject = X509_get_subject_name(x);
        int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        const ASN1_STRING *s =
                i < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        size_t prefix = strlen(NODE_PREFIX), len = s ? (size_t)ASN1_STRING_length(s) : 0;
        const char *text = s ? (const char *)ASN1_STRING_get0_data(s) : NULL;

        if (len <= prefix || memcmp(text, NODE_PREFIX, prefix) != 0)
                return;
        if (str_copy_n(dst, SIZE_NAME, text + prefix, len - prefix) < 0 || !names_valid(dst))
                dst[0] = '\0';
}

static int take_hash(const X509 *x, char dst[static SIZE_DIGEST]) {
        unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), n;
        unsigned digest_len = 0;

        if (len <= 0)
                return -EBADMSG;
        n = EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL);
        OPENSSL_free(der);
        if (n != 1 || digest_len != SHA256_BYTES)
                return -ENOMEM;
        n = snprintf(dst, SIZE_DIGEST, "sha256:");
        for (unsigned i = 0; i < digest_len; i++)
                n += snprintf(dst + n, SIZE_DIGEST - (size_t)n, "%02x", digest[i]);
        return 0;
}

/* A certificate that wants a password is none of kubeadm's; without this OpenSSL would ask. */
static int no_password(char *data, int size, int writing, void *arg) {
        (void)data;
        (void)size;
        (void)writing;
        (void)arg;
        return -1;
}

static X509 *read_pem(const char *pem, size_t len) {
        BIO *bio = len <= CERT_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
        X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

        BIO_free(bio);
        ERR_clear_error();
        return x;
}

int kube_cert_parse(const char *pem, size_t len, struct kube_cert *ret) {
        auto_x509 X509 *x = read_pem(pem, len);
        struct kube_cert c = { 0 };

        if (!x || unix_seconds(X509_get0_notBefore(x), &c.begins) < 0 ||
            unix_seconds(X509_get0_notAfter(x), &c.expires) < 0 || take_hash(x, c.hash) < 0) {
                ERR_clear_error();
                return -EBADMSG;
        }
        c.authority = X509_check_ca(x) > 0;
        take_node_name(x, c.node_name);
        ERR_clear_error();
        *ret = c;
        return 0;
}

int kube_cert_parse_base64(const char *data, size_t len, struct kube_cert *ret) {
        auto_free unsigned char *pem = NULL;
        int r;

        if (len == 0 || len % 4 != 0 || len > CERT_BYTES)
                return -EBADMSG;
        pem = malloc(len / 4 * 3);
        if (!pem)
                return -ENOMEM;
        /* counts a zero byte for each '=', which PEM ignores */
        r = EVP_DecodeBlock(pem, (const unsigned char *)data, (int)len);
        r = r < 0 ? -EBADMSG : kube_cert_parse((const char *)pem, (size_t)r, ret);
        ERR_clear_error();
        return r;
}

#include "io/cert_ends.h"

#include "base/scope.h"
#include "io/sensors_card.h"
#include "root_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/sysmacros.h>

static void put_cert(const char *path, const char *until) {
        X509 *x = X509_new();
        EVP_PKEY *key = EVP_EC_gen("P-256");
        BIO *out = BIO_new(BIO_s_mem());
        char *data;
        long len;

        assert_true(x && key && out);
        assert_true(X509_set_version(x, X509_VERSION_3) && X509_set_pubkey(x, key) &&
                    ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z") &&
                    ASN1_TIME_set_string(X509_getm_notAfter(x), until) &&
                    X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_bio_X509(out, x));
        len = BIO_get_mem_data(out, &data);
        root_bytes(path, data, (size_t)len, 0644);
        BIO_free(out);
        EVP_PKEY_free(key);
        X509_free(x);
}

static void the_first_that_ends(void **state) {
        static const struct cert_file files[] = {
                { .path = "/etc/board.crt", .what = "this board" },
                { .path = NULL, .what = "not asked for" },
                { .path = "etc/absent.crt", .what = "absent" },
                { .path = "etc/junk.crt", .what = "junk" },
                { .path = "etc/folder", .what = "a folder" },
                { .path = "etc/gateway.crt", .what = "the gateway" },
                { .path = "etc/ca.crt", .what = "the authority" },
        };
        const struct cert_file *first;
        int64_t ends = 0;

        (void)state;
        root_put("etc/junk.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                 0644);
        root_folders("etc/folder/");
        assert_null(cert_ends_first(root, files, ARRAY_SIZE(files), &ends));
        put_cert("etc/board.crt", "99991231235959Z"); /* beyond 32 bits */
        first = cert_ends_first(root, files, ARRAY_SIZE(files), &ends);
        assert_non_null(first);
        assert_string_equal(first->what, "this board");
        assert_int_equal(ends, INT64_C(253402300799));
        put_cert("etc/gateway.crt", "20300101000000Z");
        put_cert("etc/ca.crt", "20310101000000Z");
        first = cert_ends_first(root, files, ARRAY_SIZE(files), &ends);
        assert_non_null(first);
        assert_string_equal(first->what, "the gateway");
        assert_int_equal(ends, INT64_C(1893456000));
}

/* What ext4 counts of the device that a folder is on, and of no other. */
static void errors_of_the_card(void **state) {
        struct stat st = { 0 };
        char link[64];

        (void)state;
        assert_int_equal(fstat(root, &st), 0);
        (void)snprintf(link, sizeof(link), "sys/dev/block/%u:%u", major(st.st_dev),
                       minor(st.st_dev));
        root_put("sys/fs/ext4/mmcblk0p2/errors_count", "3\n", 0444);
        root_put("sys/fs/ext4/sda1/errors_count", "2\n", 0444);
        assert_int_equal(sensors_card_errors(root, root_path), 0);
        root_folders("sys/dev/block/");
        assert_int_equal(
                symlinkat("../../devices/platform/mmc0/block/mmcblk0/mmcblk0p2", root, link), 0);
        assert_int_equal(sensors_card_errors(root, root_path), 3);
        root_put("sys/fs/ext4/mmcblk0p2/errors_count", "many\n", 0644);
        assert_int_equal(sensors_card_errors(root, root_path), 0);
        assert_int_equal(sensors_card_errors(root, "/nowhere"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_first_that_ends, root_make, root_remove),
                cmocka_unit_test_setup_teardown(errors_of_the_card, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

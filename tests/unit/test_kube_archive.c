/* The sealed file as a whole, and the bundle inside. */
#include "io/kube_archive.h"
#include "io/kube_bundle.h"

#include "root_fixture.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>

static const uint8_t key[SIZE_KUBE_KEY] = { 9, 8, 7 };
static const uint8_t other[SIZE_KUBE_KEY] = { 9, 8, 6 };

/* ---- the bundle ---------------------------------------------------------------------------- */

static int sink(void *arg, const void *data, size_t len) {
        return buf_add(arg, data, len);
}

static void make(struct buf *ret, size_t size) {
        struct kube_bundle *b;
        char bytes[256];

        assert_int_equal(kube_bundle_new(sink, ret, &b), 0);
        for (size_t i = 0; i < KUBE_BUNDLE_FILES; i++) {
                assert_int_equal(kube_bundle_begin(b, size + i), 0);
                memset(bytes, 'a' + (int)i, sizeof(bytes));
                assert_int_equal(kube_bundle_write(b, bytes, size + i), 0);
                assert_int_equal(kube_bundle_write(b, bytes, 1), -EINVAL);
        }
        assert_int_equal(kube_bundle_begin(b, 1), -EINVAL);
        assert_int_equal(kube_bundle_end(b), 0);
        kube_bundle_free(b);
}

struct got {
        size_t n;
        size_t sizes[KUBE_BUNDLE_FILES];
};

static int take(void *arg, size_t file, const void *data, size_t len) {
        struct got *g = arg;

        if (len == 0) {
                assert_int_equal(file, g->n);
                g->n++;
        }
        assert_int_equal(file + 1, g->n);
        g->sizes[file] += len;
        for (size_t i = 0; i < len; i++)
                assert_int_equal(((const char *)data)[i], 'a' + (int)file);
        return 0;
}

static int unbundle(const void *data, size_t len, size_t piece, struct got *g) {
        const char *at = data;
        struct kube_unbundle *u;
        int r = 0;

        assert_int_equal(kube_unbundle_new(take, g, &u), 0);
        for (size_t done = 0; done < len && r == 0; done += piece)
                r = kube_unbundle_write(u, at + done, len - done < piece ? len - done : piece);
        if (r == 0)
                r = kube_unbundle_end(u);
        kube_unbundle_free(u);
        return r;
}

static void bundle_comes_back(void **state) {
        static const size_t pieces[] = { 1, 7, 100000 };

        (void)state;
        for (size_t size = 0; size < 200; size += 199)
                for (size_t p = 0; p < ARRAY_SIZE(pieces); p++) {
                        auto_buf struct buf b = { 0 };
                        struct got g = { 0 };

                        make(&b, size);
                        assert_int_equal(unbundle(b.data, b.len, pieces[p], &g), 0);
                        assert_int_equal(g.n, KUBE_BUNDLE_FILES);
                        for (size_t i = 0; i < KUBE_BUNDLE_FILES; i++)
                                assert_int_equal(g.sizes[i], size + i);
                }
}

static void bundle_is_whole(void **state) {
        auto_buf struct buf b = { 0 };
        struct kube_bundle *half;

        (void)state;
        make(&b, 10);
        for (size_t len = 0; len < b.len; len++) {
                struct got g = { 0 };

                assert_int_equal(unbundle(b.data, len, 100000, &g), -EBADMSG);
        }
        {
                struct got g = { 0 };

                assert_int_equal(buf_add(&b, "x", 1), 0);
                assert_int_equal(unbundle(b.data, b.len, 100000, &g), -EBADMSG);
        }
        buf_done(&b);
        assert_int_equal(kube_bundle_new(sink, &b, &half), 0);
        assert_int_equal(kube_bundle_begin(half, KUBE_BUNDLE_KEY_BYTES + 1), -EFBIG);
        assert_int_equal(kube_bundle_begin(half, 3), 0);
        assert_int_equal(kube_bundle_begin(half, 3), -EINVAL);
        assert_int_equal(kube_bundle_end(half), -EINVAL);
        kube_bundle_free(half);
        kube_bundle_free(NULL);
        kube_unbundle_free(NULL);
}

/* ---- the file ------------------------------------------------------------------------------ */

static void put_pki(void) {
        for (size_t i = 0; i + 1 < KUBE_BUNDLE_FILES; i++) {
                char what[128];

                (void)snprintf(what, sizeof(what), "etc/kubernetes/%s=secret of %s",
                               kube_bundle_files[i].name, kube_bundle_files[i].name);
                root_lay(what);
        }
        root_lay("etc/kubernetes/pki/apiserver.crt=not taken along");
}

/* 3 MB, mostly empty, as a database is. */
static void put_snapshot(void) {
        auto_free char *db = calloc(3, 1 << 20);

        for (size_t i = 0; i < 3 << 20; i += 5000)
                db[i] = (char)i;
        root_bytes("snapshot.db", db, 3 << 20, 0600);
}

static int seal(struct fail *f) {
        return kube_archive_seal(root, root_in("snapshot.db"), root_in("out.sealed"), key, 3, 9, f);
}

static int begin(void **state) {
        int r = root_make(state);

        if (r == 0) {
                put_pki();
                put_snapshot();
        }
        return r;
}

static void same_text(const char *path, const char *want) {
        char text[256];
        FILE *f = fopen(root_in(path), "re");

        assert_non_null(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        (void)fclose(f);
        assert_string_equal(text, want);
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(root_in(path), &st), 0);
        return st.st_mode & 07777;
}

static void archive_comes_back(void **state) {
        struct fail f = { 0 };
        struct stat st;
        char path[64], want[64];

        (void)state;
        assert_int_equal(seal(&f), 0);
        assert_int_equal(mode_of("out.sealed"), 0600);
        assert_int_equal(stat(root_in("out.sealed"), &st), 0);
        assert_true(st.st_size < 200 * 1024); /* empty pages cost nothing */
        for (int twice = 0; twice < 2; twice++) {
                assert_int_equal(
                        kube_archive_open(root_in("out.sealed"), root_in("restore"), key, &f), 0);
                assert_int_equal(mode_of("restore"), 0700);
                assert_int_equal(mode_of("restore/pki/etcd"), 0700);
                for (size_t i = 0; i + 1 < KUBE_BUNDLE_FILES; i++) {
                        (void)snprintf(path, sizeof(path), "restore/%s", kube_bundle_files[i].name);
                        (void)snprintf(want, sizeof(want), "secret of %s",
                                       kube_bundle_files[i].name);
                        same_text(path, want);
                        assert_int_equal(mode_of(path), 0600);
                }
                assert_int_equal(stat(root_in("restore/snapshot.db"), &st), 0);
                assert_int_equal(st.st_size, 3 << 20);
        }
        assert_int_equal(kube_archive_remove(root_in("restore")), 0);
        assert_int_equal(access(root_in("restore"), F_OK), -1);
        assert_int_equal(kube_archive_remove(root_in("restore")), 0);
}

static void says_what_is_missing(void **state) {
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(unlink(root_in("etc/kubernetes/pki/sa.key")), 0);
        assert_int_equal(seal(&f), -ENOENT);
        assert_non_null(strstr(f.text, "pki/sa.key"));
        f = (struct fail){ 0 };
        root_lay("etc/kubernetes/pki/sa.key");
        assert_int_equal(seal(&f), -ENODATA);
        assert_int_equal(access(root_in("out.sealed"), F_OK), -1);
        assert_int_equal(access(root_in("out.sealed.new"), F_OK), -1);
        f = (struct fail){ 0 };
        root_lay("etc/kubernetes/pki/sa.key=x");
        root_lay("snapshot.db");
        assert_int_equal(seal(&f), -EINVAL);
        assert_non_null(strstr(f.text, "empty"));
}

static void refuses(void **state) {
        struct fail f = { 0 };
        struct stat st;

        (void)state;
        assert_int_equal(seal(&f), 0);
        assert_int_equal(kube_archive_open(root_in("out.sealed"), root_in("restore"), other, &f),
                         -EKEYREJECTED);
        assert_string_equal(f.text + strlen(root_in("out.sealed")),
                            " is damaged or sealed with another key");
        assert_int_equal(stat(root_in("out.sealed"), &st), 0);
        assert_int_equal(truncate(root_in("out.sealed"), st.st_size - 1), 0);
        f = (struct fail){ 0 };
        assert_true(kube_archive_open(root_in("out.sealed"), root_in("restore"), key, &f) < 0);
        assert_non_null(strstr(f.text, "damaged"));
        assert_int_equal(access(root_in("restore"), F_OK), -1);
        assert_int_equal(access(root_in("restore.new"), F_OK), -1);
        f = (struct fail){ 0 };
        assert_int_equal(kube_archive_open(root_in("none"), root_in("restore"), key, &f), -ENOENT);
        assert_true(f.text[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bundle_comes_back),
                cmocka_unit_test(bundle_is_whole),
                cmocka_unit_test_setup_teardown(archive_comes_back, begin, root_remove),
                cmocka_unit_test_setup_teardown(says_what_is_missing, begin, root_remove),
                cmocka_unit_test_setup_teardown(refuses, begin, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "io/snapshot_store.h"

#include "root_fixture.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/kube_snapshot.h"
#include "io/kube_bundle.h"

#include <errno.h>

static uv_loop_t loop;
static struct snapshot_store *store;

static int sink(void *arg, const void *data, size_t len) {
        return buf_add(arg, data, len);
}

/* A sealed file of nothing in particular. */
static void make(struct buf *ret, uint32_t epoch, uint64_t number) {
        static const uint8_t key[SIZE_KUBE_KEY] = { 1 };
        struct seal_header h = { .epoch = epoch, .number = number };
        struct seal *s;

        assert_int_equal(seal_new(key, &h, sink, ret, &s), 0);
        assert_int_equal(seal_write(s, "content", 7), 0);
        assert_int_equal(seal_end(s), 0);
        seal_free(s);
}

static void put_sealed(const char *path, uint32_t epoch, uint64_t number) {
        auto_buf struct buf b = { 0 };

        make(&b, epoch, number);
        root_bytes(path, b.data, b.len, 0600);
}

static void reopen(void) {
        struct fail f = { 0 };

        snapshot_store_free(store);
        store = NULL;
        assert_int_equal(snapshot_store_open(&loop, root_in("kube/snapshots"), &store, &f), 0);
}

static int begin(void **state) {
        if (root_make(state) < 0 || uv_loop_init(&loop) < 0)
                return -1;
        reopen();
        return 0;
}

static int end(void **state) {
        snapshot_store_free(store);
        store = NULL;
        return uv_loop_close(&loop) < 0 ? -1 : root_remove(state);
}

static void empty(void **state) {
        uint64_t size;

        (void)state;
        assert_true(snapshot_store_newest(store) == 0);
        assert_int_equal(snapshot_store_read(store, 1, &size), -ENOENT);
        snapshot_store_look(store);
        snapshot_store_prune(store);
}

/* Numbers first by epoch; a name that its file does not bear out is nobody's. */
static void knows_what_is_there(void **state) {
        const uint64_t *ids;
        char path[PATH_MAX];
        struct stat st;

        (void)state;
        assert_int_equal(stat(root_in("kube/snapshots"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        put_sealed("kube/snapshots/00000001-00000009.sealed", 1, 9);
        put_sealed("kube/snapshots/00000002-00000001.sealed", 2, 1);
        put_sealed("kube/snapshots/00000001-0000000a.sealed", 1, 10);
        put_sealed("kube/snapshots/00000003-00000001.sealed", 3, 2); /* another's header */
        put_sealed("kube/snapshots/00000004-00000001.sealed.new", 4, 1);
        put_sealed("kube/snapshots/4-1.sealed", 4, 1);
        put_sealed("kube/snapshots/0000000A-00000001.sealed", 10, 1);
        root_lay("kube/snapshots/00000005-00000001.sealed=short");
        snapshot_store_look(store);
        assert_int_equal(snapshot_store_list(store, &ids), 3);
        assert_true(ids[0] == kube_snapshot_id(2, 1));
        assert_true(ids[1] == kube_snapshot_id(1, 10));
        assert_true(ids[2] == kube_snapshot_id(1, 9));
        assert_true(snapshot_store_newest(store) == kube_snapshot_id(2, 1));
        assert_int_equal(snapshot_store_path(store, ids[0], path), 0);
        assert_string_equal(path, root_in("kube/snapshots/00000002-00000001.sealed"));
        reopen(); /* only the newest two stay, and nothing that is half-done */
        assert_int_equal(snapshot_store_list(store, &ids), 2);
        assert_int_equal(access(root_in("kube/snapshots/00000001-00000009.sealed"), F_OK), -1);
        assert_int_equal(access(root_in("kube/snapshots/00000004-00000001.sealed.new"), F_OK), -1);
        assert_true(snapshot_store_has(store, kube_snapshot_id(1, 10)));
        assert_false(snapshot_store_has(store, kube_snapshot_id(1, 9)));
}

static void on_in(void *arg, int result, const char *why) {
        int *ret = arg;

        assert_true((result < 0) == (why[0] != '\0'));
        *ret = result;
}

static int receive(uint64_t id, const struct buf *b, size_t piece) {
        struct snapshot_in *in;
        struct fail f = { 0 };
        int result = 1, r = 0;

        assert_int_equal(snapshot_in_begin(store, id, b->len, &in, &f), 0);
        for (size_t at = 0; at < b->len && r == 0; at += piece)
                r = snapshot_in_write(in, b->data + at, b->len - at < piece ? b->len - at : piece);
        if (r < 0) {
                snapshot_in_abort(in);
                return r;
        }
        assert_int_equal(snapshot_in_end(in, on_in, &result), 0);
        assert_int_equal(result, 1);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        return result;
}

static void takes_one_in(void **state) {
        struct fail f = { 0 };
        uint64_t size;
        const uint64_t *ids;

        (void)state;
        for (uint32_t i = 1; i <= 4; i++) {
                auto_buf struct buf b = { 0 };
                auto_close int fd = -1;
                char data[256];

                make(&b, 5, i);
                assert_int_equal(receive(kube_snapshot_id(5, i), &b, i), 0);
                fd = snapshot_store_read(store, kube_snapshot_id(5, i), &size);
                assert_return_code(fd, errno);
                assert_true(size == b.len);
                assert_int_equal(read(fd, data, sizeof(data)), b.len);
                assert_memory_equal(data, b.data, b.len);
        }
        assert_int_equal(snapshot_store_list(store, &ids), 2);
        assert_true(ids[0] == kube_snapshot_id(5, 4) && ids[1] == kube_snapshot_id(5, 3));
        reopen();
        assert_int_equal(snapshot_store_list(store, &ids), 2);
        assert_string_equal(f.text, "");
}

static void refuses(void **state) {
        auto_buf struct buf b = { 0 };
        struct snapshot_in *in, *second;
        struct fail f = { 0 };

        (void)state;
        make(&b, 5, 1);
        assert_int_equal(receive(kube_snapshot_id(5, 2), &b, 1000), -EBADMSG);
        assert_int_equal(receive(kube_snapshot_id(5, 2), &b, 1), -EBADMSG);
        assert_int_equal(snapshot_in_begin(store, 1, 0, &in, &f), -EFBIG);
        assert_int_equal(snapshot_in_begin(store, 1, KUBE_BUNDLE_SEALED_BYTES + 1, &in, &f),
                         -EFBIG);
        f = (struct fail){ 0 };
        assert_int_equal(snapshot_in_begin(store, kube_snapshot_id(5, 1), b.len, &in, &f), 0);
        assert_int_equal(snapshot_in_begin(store, kube_snapshot_id(5, 1), b.len, &second, &f),
                         -EBUSY);
        assert_int_equal(snapshot_in_write(in, b.data, b.len - 1), 0);
        assert_int_equal(snapshot_in_end(in, on_in, NULL), -EBADMSG);
        assert_int_equal(snapshot_in_write(in, "ab", 2), -EMSGSIZE);
        snapshot_in_abort(in);
        assert_true(snapshot_store_newest(store) == 0);
        assert_int_equal(access(root_in("kube/snapshots/incoming.new"), F_OK), -1);
}

/* The store may go while one is synced. */
static void ends_while_syncing(void **state) {
        auto_buf struct buf b = { 0 };
        struct snapshot_in *in;
        struct fail f = { 0 };
        int result = 1;

        (void)state;
        make(&b, 5, 1);
        assert_int_equal(snapshot_in_begin(store, kube_snapshot_id(5, 1), b.len, &in, &f), 0);
        assert_int_equal(snapshot_in_write(in, b.data, b.len), 0);
        assert_int_equal(snapshot_in_end(in, on_in, &result), 0);
        snapshot_store_free(take_ptr(store));
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(result, -ECANCELED);
        reopen();
        assert_true(snapshot_store_newest(store) == 0);
        assert_int_equal(snapshot_in_begin(store, kube_snapshot_id(5, 1), b.len, &in, &f), 0);
        snapshot_store_free(take_ptr(store)); /* and while it comes in */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(empty, begin, end),
                cmocka_unit_test_setup_teardown(knows_what_is_there, begin, end),
                cmocka_unit_test_setup_teardown(takes_one_in, begin, end),
                cmocka_unit_test_setup_teardown(refuses, begin, end),
                cmocka_unit_test_setup_teardown(ends_while_syncing, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

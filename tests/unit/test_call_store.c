#include "io/call_store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct bed {
        char dir[32], path[64];
        struct call_store *s;
};

struct seen {
        unsigned n;
        struct call_stored last;
        char id[64], function[64];
};

static int set_up(void **state) {
        struct bed *b = calloc(1, sizeof(*b));

        strcpy(b->dir, "/tmp/test_call_storeXXXXXX");
        assert_non_null(mkdtemp(b->dir));
        (void)snprintf(b->path, sizeof(b->path), "%s/calls.db", b->dir);
        *state = b;
        return 0;
}

static int tear_down(void **state) {
        static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
        struct bed *b = *state;
        char path[80];

        call_store_close(b->s);
        for (size_t i = 0; i < 4; i++) {
                (void)snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
                (void)unlink(path);
        }
        (void)rmdir(b->dir);
        free(b);
        return 0;
}

static void open_it(struct bed *b) {
        struct fail f = { 0 };

        if (call_store_open(b->path, &b->s, &f) < 0)
                fail_msg("%s", f.text);
}

static void reopen(struct bed *b) {
        call_store_close(b->s);
        open_it(b);
}

static void put(struct bed *b, uint64_t seq, bool begun, const char *request, size_t len) {
        struct call_stored c = { .seq = seq,
                                 .id = "an-id",
                                 .function = "hello.openfaas-fn",
                                 .attempts = begun,
                                 .begun = begun,
                                 .bytes = len };

        assert_int_equal(call_store_put(b->s, &c, request, NULL), 0);
}

static bool on_each(void *arg, const struct call_stored *c) {
        struct seen *seen = arg;

        seen->n++;
        seen->last = *c;
        (void)snprintf(seen->id, sizeof(seen->id), "%s", c->id);
        (void)snprintf(seen->function, sizeof(seen->function), "%s", c->function);
        return true;
}

static struct seen look(struct bed *b) {
        struct seen seen = { 0 };

        assert_int_equal(call_store_load(b->s, on_each, &seen, NULL), 0);
        return seen;
}

static void begin(struct bed *b) {
        assert_int_equal(call_store_begin(b->s, NULL), 0);
}

static void commit(struct bed *b) {
        assert_int_equal(call_store_commit(b->s, NULL), 0);
}

static void keeps_calls(void **state) {
        struct bed *b = *state;
        struct buf request = { 0 };
        struct seen seen;

        open_it(b);
        begin(b);
        put(b, 1, false, "one\0!", 5);
        put(b, 2, true, "two", 3);
        commit(b);
        reopen(b);
        seen = look(b);
        assert_int_equal(seen.n, 2);
        assert_int_equal(seen.last.seq, 2);
        assert_true(seen.last.begun);
        assert_int_equal(seen.last.attempts, 1);
        assert_int_equal(seen.last.bytes, 3);
        assert_string_equal(seen.id, "an-id");
        assert_string_equal(seen.function, "hello.openfaas-fn");
        begin(b);
        assert_int_equal(call_store_attempt(b->s, 1, 1, &request, NULL), 0);
        assert_int_equal(request.len, 5);
        assert_memory_equal(request.data, "one\0!", 5);
        assert_int_equal(call_store_attempt(b->s, 9, 1, &request, NULL), -ENOENT);
        assert_int_equal(call_store_remove(b->s, 2, NULL), 0);
        commit(b);
        buf_done(&request);
        reopen(b);
        seen = look(b);
        assert_int_equal(seen.n, 1);
        assert_true(seen.last.begun);
        begin(b);
        assert_int_equal(call_store_later(b->s, 1, 12345678, NULL), 0);
        commit(b);
        seen = look(b);
        assert_false(seen.last.begun);
        assert_int_equal(seen.last.attempts, 1);
        assert_int_equal(seen.last.wait_usec, 12345678);
}

static void forgets_what_was_not_committed(void **state) {
        struct bed *b = *state;

        open_it(b);
        begin(b);
        put(b, 1, false, "x", 1);
        call_store_rollback(b->s);
        assert_int_equal(look(b).n, 0);
        begin(b);
        put(b, 1, false, "x", 1);
        reopen(b); /* in the middle */
        assert_int_equal(look(b).n, 0);
        begin(b);
        put(b, 1, false, "x", 1);
        commit(b);
        assert_int_equal(look(b).n, 1);
}

/* A process that ends without a word leaves what it committed. */
static void survives_its_end(void **state) {
        struct bed *b = *state;
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                open_it(b);
                begin(b);
                put(b, 1, false, "x", 1);
                commit(b);
                begin(b);
                put(b, 2, false, "y", 1);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        open_it(b);
        assert_int_equal(look(b).n, 1);
}

static void shrinks(void **state) {
        static char large[200000];
        struct bed *b = *state;
        struct stat st;

        open_it(b);
        for (uint64_t seq = 1; seq <= 40; seq++) {
                begin(b);
                put(b, seq, false, large, sizeof(large));
                commit(b);
        }
        assert_int_equal(stat(b->path, &st), 0);
        assert_true(st.st_size > 4 << 20);
        begin(b);
        for (uint64_t seq = 1; seq <= 40; seq++)
                assert_int_equal(call_store_remove(b->s, seq, NULL), 0);
        commit(b);
        assert_int_equal(stat(b->path, &st), 0);
        assert_true(st.st_size < 100000);
}

static void has_one_owner(void **state) {
        struct bed *b = *state;
        struct call_store *second;
        struct fail f = { 0 };

        open_it(b);
        begin(b);
        put(b, 1, false, "x", 1);
        commit(b);
        assert_int_equal(call_store_open(b->path, &second, &f), -EBUSY);
        call_store_close(b->s);
        assert_int_equal(call_store_open(b->path, &b->s, &f), 0);
}

static void knows_damage(void **state) {
        struct bed *b = *state;
        struct fail f = { 0 };
        int fd = open(b->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(write(fd, "rubbish!", 8), 8);
        close(fd);
        assert_int_equal(call_store_open(b->path, &b->s, &f), -EBADMSG);
        assert_true(f.text[0]);
        b->s = NULL;
        f = (struct fail){ 0 };
        assert_int_equal(call_store_open("/tmp/there/is/no/such/folder.db", &b->s, &f), -EACCES);
        b->s = NULL;
}

int main(void) {
#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                WITH_BED(keeps_calls),      WITH_BED(forgets_what_was_not_committed),
                WITH_BED(survives_its_end), WITH_BED(shrinks),
                WITH_BED(has_one_owner),    WITH_BED(knows_damage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The list of the store as a board reads it from its card. */
#include "daemon/store.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/images.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

static char dir[] = "/tmp/test-store-XXXXXX";
static int code;
static const cJSON *replied;

/* What the store needs of the daemon around it. */
void request_fail(struct request *q, int status, const char *format, ...) {
        (void)q;
        (void)format;
        code = status;
}

void request_reply(struct request *q, cJSON *result) {
        (void)q;
        code = 200;
        replied = result;
}

void images_refresh(struct agent *a) {
        (void)a;
}

static void put(const char *text, size_t len) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "%s/functions.json", dir);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, len), len);
        close(fd);
}

static struct agent *agent(void) {
        static struct agent a;

        (void)str_copy(a.config.functions_dir, sizeof(a.config.functions_dir), dir);
        return &a;
}

static void lists(void **state) {
        static const char good[] = "{\"version\":\"0.2.0\",\"functions\":[{\"name\":\"a\","
                                   "\"images\":{\"arm64\":\"h/a:1\"}},"
                                   "{\"name\":\"b\",\"images\":{\"arm64\":\"h/b:1\",\"armhf\":\"h/"
                                   "b:2\"}},{\"images\":[]},7]}";
        struct request q = { .agent = agent() };

        (void)state;
        put(good, sizeof(good) - 1);
        assert_true(store_has(agent(), "h/a:1"));
        assert_true(store_has(agent(), "h/b:2"));
        assert_false(store_has(agent(), "h/a:2"));
        assert_false(store_has(agent(), ""));
        assert_false(store_has(agent(), "a"));
        verb_store(&q);
        assert_int_equal(code, 200);
        assert_string_equal(json_text(replied, "version", ""), "0.2.0");
        cJSON_Delete((cJSON *)replied);
}

static void wrong(void **state) {
        static char large[70 * 1024];
        static const struct {
                const char *text;
                size_t len;
        } cases[] = { { "", 0 }, { "[]", 2 }, { "{\"functions\":", 13 }, { large, sizeof(large) } };
        struct request q = { .agent = agent() };

        (void)state;
        memset(large, ' ', sizeof(large));
        large[0] = '{';
        large[sizeof(large) - 1] = '}';
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                put(cases[i].text, cases[i].len);
                assert_false(store_has(agent(), "h/a:1"));
                verb_store(&q);
                assert_int_equal(code, 500);
        }
}

static void on_done(void *arg, int result, const char *why, const struct image_imported *imported) {
        (void)imported;
        assert_true(why[0]);
        *(int *)arg = result;
}

static void nothing_there(void **state) {
        struct request q = { .agent = agent() };
        char path[64];
        int result = 0;

        (void)state;
        snprintf(path, sizeof(path), "%s/functions.json", dir);
        assert_int_equal(unlink(path), 0);
        assert_false(store_has(agent(), "h/a:1"));
        verb_store(&q);
        assert_int_equal(code, 404);
        store_import(agent(), "h/a:1", on_done, &result); /* no archive */
        assert_int_equal(result, -ENOENT);
        snprintf(path, sizeof(path), "%s/functions.tar", dir);
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        store_import(agent(), "h/a:1", on_done, &result); /* no containerd */
        assert_int_equal(result, -ENOTCONN);
        assert_int_equal(unlink(path), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists),
                cmocka_unit_test(wrong),
                cmocka_unit_test(nothing_there),
        };
        int r;

        if (!mkdtemp(dir))
                return 1;
        r = cmocka_run_group_tests_name("store", tests, NULL, NULL);
        (void)rmdir(dir);
        return r;
}

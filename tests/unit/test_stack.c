#include "io/stack.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static int read_file(void *arg, const char *path, struct buf *out) {
        (void)arg;
        if (str_eq(path, "env.yml"))
                return buf_add_text(out, "environment:\n  B: file\n  C: file\n");
        if (str_eq(path, "bad.yml"))
                return buf_add_text(out, "environment: [1]\n");
        return -ENOENT;
}

static int parse(const char *text, struct stack *s, struct fail *f) {
        return stack_parse(text, strlen(text), read_file, NULL, s, f);
}

static void whole(void **state) {
        static const char text[] = "version: 1.0\n"
                                   "provider:\n"
                                   "  name: openfaas\n"
                                   "  gateway: http://127.0.0.1:8080\n"
                                   "functions:\n"
                                   "  hello:\n"
                                   "    lang: dockerfile\n"
                                   "    handler: ./hello\n"
                                   "    image: ann/hello:1\n"
                                   "    fprocess: cat -n\n"
                                   "    namespace: dev\n"
                                   "    environment:\n"
                                   "      A: stack\n"
                                   "      B: stack\n"
                                   "      N: 5\n"
                                   "      T: true\n"
                                   "      E:\n"
                                   "    environment_file: [env.yml]\n"
                                   "    labels: {com.openfaas.scale.min: \"2\"}\n"
                                   "    annotations:\n"
                                   "      topic: x\n"
                                   "    limits: {memory: 64Mi, cpu: 100m}\n"
                                   "    requests:\n"
                                   "      memory: 32Mi\n"
                                   "    secrets: [one, two]\n"
                                   "    constraints:\n"
                                   "      - node=w1\n"
                                   "    readonly_root_filesystem: true\n"
                                   "    colour: red\n"
                                   "  other:\n"
                                   "    build: .\n"
                                   "    build_args: {X: 1}\n"
                                   "  third: {image: x, handler: ./y, skip_build: true}\n";
        static const char want[] =
                "{\"service\":\"hello\",\"image\":\"ann/hello:1\",\"envProcess\":\"cat -n\","
                "\"namespace\":\"dev\",\"envVars\":{\"A\":\"stack\",\"N\":\"5\",\"T\":\"true\","
                "\"E\":\"\",\"B\":\"file\",\"C\":\"file\"},"
                "\"labels\":{\"com.openfaas.scale.min\":\"2\"},\"annotations\":{\"topic\":\"x\"},"
                "\"limits\":{\"memory\":\"64Mi\",\"cpu\":\"100m\"},"
                "\"requests\":{\"memory\":\"32Mi\"},\"secrets\":[\"one\",\"two\"],"
                "\"constraints\":[\"node=w1\"],\"readOnlyRootFilesystem\":true}";
        auto_free char *spec = NULL;
        struct fail f = { 0 };
        struct stack s;

        (void)state;
        if (parse(text, &s, &f) < 0)
                fail_msg("%s", f.text);
        assert_int_equal(s.n, 3);
        spec = cJSON_PrintUnformatted(s.functions[0].spec);
        assert_string_equal(spec, want);
        assert_int_equal(s.functions[0].line, 6);
        assert_string_equal(s.functions[0].build, "./hello");
        assert_false(s.functions[0].must_build);
        assert_string_equal(s.functions[1].build, ".");
        assert_true(s.functions[1].must_build);
        assert_string_equal(
                cJSON_GetObjectItemCaseSensitive(s.functions[1].build_args, "X")->valuestring, "1");
        assert_null(s.functions[2].build);
        assert_int_equal(s.n_warnings, 1);
        assert_string_equal(s.warnings[0], "line 29: 'colour' is not known, and left out");
        stack_done(&s);
}

static void shared_parts(void **state) {
        static const char text[] = "x-common: &common\n"
                                   "  image: a\n"
                                   "  labels: &l {k: v}\n"
                                   "functions:\n"
                                   "  one: {<<: *common}\n"
                                   "  two:\n"
                                   "    <<: *common\n"
                                   "    image: b\n";
        struct fail f = { 0 };
        struct stack s;

        (void)state;
        if (parse(text, &s, &f) < 0)
                fail_msg("%s", f.text);
        assert_string_equal(
                cJSON_GetObjectItemCaseSensitive(s.functions[0].spec, "image")->valuestring, "a");
        assert_string_equal(
                cJSON_GetObjectItemCaseSensitive(s.functions[1].spec, "image")->valuestring, "b");
        assert_non_null(cJSON_GetObjectItemCaseSensitive(s.functions[1].spec, "labels"));
        assert_int_equal(s.n_warnings, 0);
        stack_done(&s);
}

static void refuses(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *says;
        } cases[] = {
                { "", -EINVAL, "line 1: there is no function" },
                { "functions:\n", -EINVAL, "there is no function" },
                { "a: [\n", -EINVAL, "line 2: " },
                { "functions:\n  f:\n\timage: x\n", -EINVAL, "line 3: " },
                { "- a\n", -EINVAL, "line 1: the file must be" },
                { "functions: [a]\n", -EINVAL, "line 1: functions must be" },
                { "functions:\n  f: x\n", -EINVAL, "line 2: f must be a list" },
                { "functions:\n  f:\n    fprocess: cat\n", -EINVAL,
                  "line 2: function f has neither" },
                { "functions:\n  f: {image: x}\n  f: {image: y}\n", -EINVAL,
                  "line 3: function f is there twice" },
                { "functions:\n  f:\n    image: [x]\n", -EINVAL, "line 3: 'image' must be a text" },
                { "functions:\n  f:\n    image: x\n    secrets: one\n", -EINVAL,
                  "line 4: 'secrets' must be a list" },
                { "functions:\n  f:\n    image: x\n    environment:\n      - A=b\n", -EINVAL,
                  "line 5: envVars must be" },
                { "functions:\n  f:\n    image: x\n    environment: {A: [1]}\n", -EINVAL,
                  "line 4: 'A' must be" },
                { "functions:\n  f:\n    image: x\n    readonly_root_filesystem: maybe\n", -EINVAL,
                  "must be true or false" },
                { "functions:\n  f:\n    image: x\n    environment_file: [none.yml]\n", -ENOENT,
                  "line 4: cannot read none.yml: No such file" },
                { "functions:\n  f:\n    image: x\n    environment_file: [bad.yml]\n", -EINVAL,
                  "line 4: bad.yml: line 1: envVars must be" },
                { "a: &a {<<: *a}\nfunctions: {f: {<<: *a, image: x}}\n", -EINVAL, "line " },
                { "functions: {\"f\\0g\": {image: x}}\n", -EINVAL, "must be plain text" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };
                struct stack s;
                int r = parse(cases[i].in, &s, &f);

                if (r != cases[i].result || !strstr(f.text, cases[i].says))
                        fail_msg("%s: wanted %d %s; got %d %s", cases[i].in, cases[i].result,
                                 cases[i].says, r, f.text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(whole), cmocka_unit_test(shared_parts),
                                            cmocka_unit_test(refuses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

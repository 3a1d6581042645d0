#include "io/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void good(void **state) {
        static const char json[] =
                "{\"service\":\"figlet\",\"image\":\"bramble/figlet\",\"envProcess\":\"figlet -w "
                "80\","
                "\"envVars\":{\"A\":\"1\",\"B\":\"\"},\"labels\":{\"com.openfaas.scale.min\":\"2\"}"
                ","
                "\"limits\":{\"memory\":\"64Mi\",\"cpu\":\"250m\"},\"requests\":{\"memory\":"
                "\"32Mi\"},"
                "\"readOnlyRootFilesystem\":true,\"constraints\":[\"x\"],\"annotations\":null}";
        struct fail f = { 0 };
        struct spec s;

        (void)state;
        assert_int_equal(spec_parse(json, strlen(json), &s, &f), 0);
        assert_string_equal(s.name, "figlet");
        assert_string_equal(s.namespace, "openfaas-fn");
        assert_string_equal(s.image, "docker.io/bramble/figlet:latest");
        assert_string_equal(s.process, "figlet -w 80");
        assert_int_equal(s.n_env, 2);
        assert_string_equal(s.env[0], "A=1");
        assert_int_equal(s.memory_limit_bytes, 64 << 20);
        assert_int_equal(s.cpu_limit_millicores, 250);
        assert_int_equal(s.scale.min, 2);
        assert_true(s.read_only_root);
        assert_int_equal(spec_memory(&s, 1), 32 << 20);
        spec_done(&s);
}

static void bad(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "{", "this is no JSON" },
                { "[]", "one JSON object" },
                { "{\"image\":\"a\"}", "service (the function's name) is missing" },
                { "{\"service\":\"a\"}", "image is missing" },
                { "{\"service\":\"a/b\",\"image\":\"a\"}", "'a/b' is no function name" },
                { "{\"service\":\"..\",\"image\":\"a\"}", "'..' is no function name" },
                { "{\"service\":\"a..b\",\"image\":\"a\"}", "'a..b' is no function name" },
                { "{\"service\":\"a\",\"image\":\"A B\"}", "'A B' is no image name" },
                { "{\"service\":\"a\",\"image\":\"a\",\"namespace\":\"x/y\"}", "no namespace" },
                { "{\"service\":\"a\",\"image\":\"a\",\"limits\":{\"memory\":\"-5Mi\"}}",
                  "limits.memory: '-5Mi' is no amount of memory" },
                { "{\"service\":\"a\",\"image\":\"a\",\"limits\":{\"cpu\":\"fast\"}}",
                  "limits.cpu: 'fast' is no amount of CPU" },
                { "{\"service\":\"a\",\"image\":\"a\",\"limits\":\"64Mi\"}",
                  "limits must be an object" },
                { "{\"service\":\"a\",\"image\":\"a\",\"limits\":{\"memory\":\"8Mi\"},"
                  "\"requests\":{\"memory\":\"9Mi\"}}",
                  "requests.memory is above" },
                { "{\"service\":\"a\",\"image\":\"a\",\"envVars\":{\"A=B\":\"1\"}}",
                  "envVars: 'A=B'" },
                { "{\"service\":\"a\",\"image\":\"a\",\"envVars\":[]}",
                  "envVars must be an object" },
                { "{\"service\":\"a\",\"image\":\"a\",\"labels\":{\"com.openfaas.scale.min\":"
                  "\"many\"}}",
                  "label com.openfaas.scale.min must be a number" },
                { "{\"service\":\"a\",\"image\":\"a\",\"labels\":{\"com.openfaas.scale.zero\":"
                  "\"yes\"}}",
                  "label com.openfaas.scale.zero must be true or false" },
                { "{\"service\":\"a\",\"image\":\"a\",\"labels\":{\"com.bramble.concurrency\":"
                  "\"few\"}}",
                  "com.bramble.concurrency: 'few' is no number" },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":{\"com.bramble.queue\":5}}",
                  "com.bramble.queue: '' is no number" },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":{\"com.bramble.timeout\":"
                  "\"soon\"}}",
                  "com.bramble.timeout: 'soon' is no duration" },
                { "{\"service\":\"a\",\"image\":\"a\",\"labels\":{\"com.openfaas.scale.min\":\"5\","
                  "\"com.openfaas.scale.max\":\"4\"}}",
                  "com.openfaas.scale.min (5) is above" },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":{\"com.bramble.pull\":"
                  "\"sometimes\"}}",
                  "com.bramble.pull is always or missing" },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":[]}",
                  "annotations must be an object" },
                { "{\"service\":\"a\",\"image\":\"a\",\"secrets\":\"k\"}",
                  "secrets must be an array" },
                { "{\"service\":\"a\",\"image\":\"a\",\"secrets\":[\"../x\"]}",
                  "secrets: '../x' is no name" },
                { "{\"service\":\"a\",\"image\":\"a\",\"secrets\":[7]}", "secrets: '' is no name" },
                { "{\"service\":\"a\",\"service\":\"b\",\"image\":\"a\"}", "says 'service' twice" },
                { "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", "nested deeper" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fail f = { 0 };
                struct spec s;

                assert_true(spec_parse(cases[i].in, strlen(cases[i].in), &s, &f) < 0);
                if (!strstr(f.text, cases[i].want))
                        fail_msg("%s: '%s' does not say '%s'", cases[i].in, f.text, cases[i].want);
        }
}

static void pull(void **state) {
        static const struct {
                const char *in;
                bool want;
        } cases[] = {
                { "{\"service\":\"a\",\"image\":\"a\"}", false },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":{\"com.bramble.pull\":"
                  "\"missing\"}}",
                  false },
                { "{\"service\":\"a\",\"image\":\"a\",\"annotations\":{\"com.bramble.pull\":"
                  "\"always\"}}",
                  true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct spec s;

                assert_int_equal(spec_parse(cases[i].in, strlen(cases[i].in), &s, NULL), 0);
                assert_int_equal(s.pull_always, cases[i].want);
                spec_done(&s);
        }
}

static void secrets(void **state) {
        static const char json[] = "{\"service\":\"a\",\"image\":\"a\",\"secrets\":[\"key\","
                                   "\"other.key\",\"key\"]}";
        char many[1024] = "{\"service\":\"a\",\"image\":\"a\",\"secrets\":[\"s\"";
        size_t len = strlen(many);
        struct fail f = { 0 };
        struct spec s;

        (void)state;
        assert_int_equal(spec_parse(json, strlen(json), &s, &f), 0);
        assert_int_equal(s.n_secrets, 2); /* twice is once */
        assert_string_equal(s.secrets[1], "other.key");
        assert_true(spec_needs(&s, "key"));
        assert_false(spec_needs(&s, "ke"));
        spec_done(&s);
        for (int i = 1; i <= SPEC_SECRETS; i++)
                len += (size_t)snprintf(many + len, sizeof(many) - len, ",\"s%d\"", i);
        (void)snprintf(many + len, sizeof(many) - len, "]}");
        assert_int_equal(spec_parse(many, strlen(many), &s, &f), -E2BIG);
        assert_string_equal(f.text, "secrets: more than 32");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad),
                                            cmocka_unit_test(pull), cmocka_unit_test(secrets) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

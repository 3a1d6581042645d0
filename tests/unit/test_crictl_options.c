#include "crictl/options.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct verb verbs[] = {
        { "info", "", 0, 0, TAKES_QUIET | TAKES_OUTPUT | TAKES_TEMPLATE, NULL, "" },
        { "inspecti", "IMAGE...", 1, -1, TAKES_QUIET | TAKES_OUTPUT, NULL, "" },
        { "pull", "IMAGE", 1, 1, 0, NULL, "" },
        { "rmp", "POD...", 1, -1, TAKES_FORCE, NULL, "" },
        { "ps", "", 0, 0, TAKES_QUIET | TAKES_ALL | TAKES_NAME | TAKES_POD, NULL, "" },
        { NULL, NULL, 0, 0, 0, NULL, NULL },
};

/* Splits at spaces: no argument of these tests has one. */
static int parse(const char *line, struct options *o, struct fail *f) {
        static char text[256], *argv[32];
        int argc = 0;

        (void)snprintf(text, sizeof(text), "crictl %s", line);
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
                argv[argc++] = word;
        argv[argc] = NULL;
        return options_parse(argc, argv, "unix:///env", verbs, o, f);
}

#define SOCK     "unix:///s"
#define TEMPLATE "{{.config.sandboxImage}}"

/* What kubeadm 1.15 to 1.30 says, and people. */
static void good(void **state) {
        static const struct {
                const char *line, *verb, *endpoint, *first, *template;
                unsigned flags; /* TAKES_QUIET, TAKES_ALL, TAKES_FORCE */
                unsigned timeout_ms;
        } cases[] = {
                { "-r " SOCK " info", "info", SOCK, NULL, NULL, 0, 30000 },
                { "-r " SOCK " -i " SOCK " info", "info", SOCK, NULL, NULL, 0, 30000 },
                { "-r " SOCK " -i " SOCK " -D=false info -o go-template --template " TEMPLATE,
                  "info", SOCK, NULL, TEMPLATE, 0, 30000 },
                { "-r " SOCK " inspecti a", "inspecti", SOCK, "a", NULL, 0, 30000 },
                { "-r " SOCK " rmp x", "rmp", SOCK, "x", NULL, 0, 30000 },
                { "info -o json", "info", "unix:///env", NULL, NULL, 0, 30000 },
                { "--runtime-endpoint=/x --timeout=1m30s ps -aq", "ps", "/x", NULL, NULL,
                  TAKES_ALL | TAKES_QUIET, 90000 },
                { "-t 2s --debug=true rmp a -f b", "rmp", "unix:///env", "a", NULL, TAKES_FORCE,
                  2000 },
                { "-D rmp -- -f", "rmp", "unix:///env", "-f", NULL, 0, 30000 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct options o = { 0 };
                struct fail f = { 0 };

                assert_int_equal(parse(cases[i].line, &o, &f), 0);
                assert_string_equal(o.verb->name, cases[i].verb);
                assert_string_equal(o.runtime_endpoint, cases[i].endpoint);
                assert_true(str_eq(o.names[0], cases[i].first));
                assert_true(str_eq(o.template, cases[i].template));
                assert_int_equal((o.quiet ? TAKES_QUIET : 0) | (o.all ? TAKES_ALL : 0) |
                                         (o.force ? TAKES_FORCE : 0),
                                 cases[i].flags);
                assert_int_equal(o.timeout_ms, cases[i].timeout_ms);
                assert_int_equal(o.timeout_given, cases[i].timeout_ms != 30000);
        }
}

static void help(void **state) {
        struct options o = { 0 };

        (void)state;
        assert_int_equal(parse("--help", &o, NULL), 0);
        assert_true(o.help && !o.verb);
        assert_int_equal(parse("pull --help", &o, NULL), 0);
        assert_true(o.help && o.verb == &verbs[2]);
        assert_int_equal(parse("--version", &o, NULL), 0);
        assert_true(o.version);
        assert_int_equal(parse("ps --name web --pod 12", &o, NULL), 0);
        assert_string_equal(o.name, "web");
        assert_string_equal(o.pod, "12");
}

static void bad(void **state) {
        static const struct {
                const char *line, *why;
        } cases[] = {
                { "", "which verb? crictl --help lists them" },
                { "exec x", "there is no verb 'exec'; crictl --help lists them" },
                { "-r", "'-r' is no option of crictl, or lacks its value" },
                { "-z info", "'-z' is no option of crictl, or lacks its value" },
                { "--nothing info", "'--nothing' is no option of crictl, or lacks its value" },
                { "-t never info", "'never' is no time such as 30s" },
                { "-t 0 info", "'0' is no time such as 30s" },
                { "-D=maybe info", "-D is true or false" },
                { "pull", "pull takes IMAGE" },
                { "pull a b", "pull takes IMAGE" },
                { "info x", "info takes no arguments" },
                { "pull -f x", "'-f' is no option of pull, or lacks its value" },
                { "ps --name", "'--name' is no option of ps, or lacks its value" },
                { "ps --bad", "'--bad' is no option of ps, or lacks its value" },
                { "info -o yaml", "info: -o is json, or go-template with --template" },
                { "info -o go-template", "info: -o is json, or go-template with --template" },
                { "info --template {{.a}}", "info: -o is json, or go-template with --template" },
                { "inspecti -o table x", "inspecti: -o is json" },
                { "info -o go-template --template {{.}}",
                  "the template may only name a value: {{.config.sandboxImage}}" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct options o = { 0 };
                struct fail f = { 0 };

                assert_int_equal(parse(cases[i].line, &o, &f), -EINVAL);
                assert_string_equal(f.text, cases[i].why);
                assert_null(o.runtime_endpoint);
        }
}

static void defaults(void **state) {
        char *argv[] = { (char[]){ "crictl" }, (char[]){ "info" }, NULL };
        struct options o;

        (void)state;
        assert_int_equal(options_parse(2, argv, NULL, verbs, &o, NULL), 0);
        assert_string_equal(o.runtime_endpoint, "unix:///run/containerd/containerd.sock");
        assert_null(o.image_endpoint);
        assert_int_equal(options_parse(2, argv, "", verbs, &o, NULL), 0);
        assert_string_equal(o.runtime_endpoint, "unix:///run/containerd/containerd.sock");
}

static void durations(void **state) {
        static const struct {
                const char *in;
                int result;
                unsigned ms;
        } cases[] = {
                { "30s", 0, 30000 },
                { "2m", 0, 120000 },
                { "1h1m1s1ms", 0, 3661001 },
                { "500ms", 0, 500 },
                { "10", 0, 10000 },
                { "24h", 0, 86400000 },
                { "0", 0, 0 },
                { "25h", -ERANGE, 0 },
                { "23h90m", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "-1s", -EINVAL, 0 },
                { "1.5s", -EINVAL, 0 },
                { "1d", -EINVAL, 0 },
                { "1s1", -EINVAL, 0 },
                { "86401", -EINVAL, 0 },
                { "9999999999999s", -EINVAL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                unsigned ms = 0;

                assert_int_equal(options_duration(cases[i].in, &ms), cases[i].result);
                assert_int_equal(ms, cases[i].ms);
        }
}

static void templates(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *keys;
        } cases[] = {
                { "{{.config.sandboxImage}}", 0, "/config/sandboxImage" },
                { " {{ .a }} ", 0, "/a" },
                { "{{.a.b.c_1}}", 0, "/a/b/c_1" },
                { "{{.}}", -EINVAL, "" },
                { "{{.a", -EINVAL, "/a" },
                { "{{.a}} x", -EINVAL, "/a" },
                { "{{.a..b}}", -EINVAL, "/a" },
                { "{{.a b}}", -EINVAL, "/a" },
                { "{{range .a}}", -EINVAL, "" },
                { ".a", -EINVAL, "" },
                { "", -EINVAL, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char key[16], keys[64] = "";
                const char *at = NULL;
                int r;

                while ((r = options_template_key(cases[i].in, &at, key, sizeof(key))) == 1) {
                        (void)strcat(keys, "/");
                        (void)strcat(keys, key);
                }
                assert_int_equal(r, cases[i].result);
                assert_string_equal(keys, cases[i].keys);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good),      cmocka_unit_test(help),
                cmocka_unit_test(bad),       cmocka_unit_test(defaults),
                cmocka_unit_test(durations), cmocka_unit_test(templates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

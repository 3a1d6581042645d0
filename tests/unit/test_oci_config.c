#include "io/oci_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define D(c)   "sha256:" c c c c c c c c c c c c c c c c
#define LAYERS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D("0123") "\"]}"

static void process(void **state) {
        static const char text[] =
                "{\"architecture\":\"arm\",\"config\":{\"Entrypoint\":[\"/bin/app\",\"-x\"],"
                "\"Cmd\":[\"run\"],\"Env\":[\"A=1\",\"B=\"],\"User\":\"app:video\","
                "\"WorkingDir\":\"home\",\"ExposedPorts\":{\"8080/tcp\":{},\"9/udp\":{}}}," LAYERS
                "}";
        struct oci_config c;

        (void)state;
        assert_int_equal(oci_config_parse(text, strlen(text), &c, NULL), 0);
        assert_string_equal(c.entrypoint[0], "/bin/app");
        assert_string_equal(c.entrypoint[1], "-x");
        assert_null(c.entrypoint[2]);
        assert_string_equal(c.cmd[0], "run");
        assert_string_equal(c.env[1], "B=");
        assert_string_equal(c.user, "app:video");
        assert_string_equal(c.working_dir, "/home");
        assert_string_equal(c.architecture, "arm");
        assert_true(c.exposes_http);
        assert_string_equal(c.chain_id, D("0123"));
        oci_config_done(&c);
}

static void nothing_said(void **state) {
        static const char text[] =
                "{\"config\":{\"Entrypoint\":null},\"rootfs\":{\"diff_ids\":[]}}";
        struct oci_config c;

        (void)state;
        assert_int_equal(oci_config_parse(text, strlen(text), &c, NULL), 0);
        assert_null(c.entrypoint[0]);
        assert_null(c.cmd[0]);
        assert_null(c.env[0]);
        assert_string_equal(c.user, "");
        assert_string_equal(c.working_dir, "/");
        assert_false(c.exposes_http);
        assert_string_equal(c.chain_id, "");
        oci_config_done(&c);
}

/* Computed with: printf 'sha256:AA sha256:BB' | sha256sum */
static void chains(void **state) {
        static const char text[] = "{\"rootfs\":{\"diff_ids\":[\"" D("0000") "\",\"" D(
                "1111") "\",\"" D("2222") "\"]}}";
        struct oci_config c;

        (void)state;
        assert_int_equal(oci_config_parse(text, strlen(text), &c, NULL), 0);
        assert_string_equal(
                c.chain_id,
                "sha256:59e1080197dac1c8a7a84c26e489ea200c2cb386337efde7688d47aee4460ed7");
        oci_config_done(&c);
}

static void refused(void **state) {
        static const struct {
                const char *in;
                int want;
                const char *why;
        } cases[] = {
                { "", -EBADMSG, "is no JSON" },
                { "[]", -EBADMSG, "is no JSON" },
                { "{", -EBADMSG, "is no JSON" },
                { "{}", -EBADMSG, "names no layers" },
                { "{\"rootfs\":{\"diff_ids\":[5]}}", -EBADMSG, "names a layer that is no digest" },
                { "{\"rootfs\":{\"diff_ids\":[\"sha256:../../etc\"]}}", -EBADMSG,
                  "names a layer that is no digest" },
                { "{\"config\":{\"Cmd\":\"run\"}," LAYERS "}", -EBADMSG,
                  "has a Cmd that is no list" },
                { "{\"config\":{\"Env\":[1]}," LAYERS "}", -EBADMSG,
                  "has something in Env that is no text" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fail f = { 0 };
                struct oci_config c;

                assert_int_equal(oci_config_parse(cases[i].in, strlen(cases[i].in), &c, &f),
                                 cases[i].want);
                assert_string_equal(f.text, cases[i].why);
                oci_config_done(&c);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(process),
                cmocka_unit_test(nothing_said),
                cmocka_unit_test(chains),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

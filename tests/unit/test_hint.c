/* What to do after an error: each that an agent may give has a next step in it, or gets one. */
#include "cli/hint.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void answers(void **state) {
        static const struct {
                int code;
                const char *error, *want; /* a part of the hint; NULL: none is needed */
        } tests[] = {
                { 400, "this agent does not know 'dance': is it an older one?",
                  "agentctl version" },
                { 404, "function web does not exist", "agentctl functions" },
                { 404, "function web does not exist in namespace x", "agentctl namespace list" },
                { 404, "image web is not in this bramble", "agentctl images" },
                { 404, "namespace x does not exist: agentctl namespace create x", NULL },
                { 404, "there is no such function", "agentctl functions" },
                { 409, "function web uses it: agentctl remove web first", NULL },
                { 409, "secret k exists already: update it", NULL },
                { 409, "namespace x exists already", "another name" },
                { 503, "this board belongs to no bramble yet", "agentctl status" },
                { 503, "containerd does not answer on this board", "systemctl status containerd" },
                { 503, "the leader has just changed: try again", NULL },
                { 503, "the leader has just changed", "try again" },
                { 503, "too many requests at a time", "try again" },
                { 507, "this bramble is full: at most 256 functions", "makes room" },
                { 500, "Input/output error", "journalctl -u bramble-agent" },
                { 500, "it holds no image: neither index.json nor manifest.json was found",
                  "docker save" },
                { 400, "replicas must be a number from 0 to 64", NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
                const char *got = hint_of_answer(tests[i].code, tests[i].error);

                if (tests[i].want)
                        assert_true(got && strstr(got, tests[i].want));
                else
                        assert_null(got);
        }
}

static void links(void **state) {
        (void)state;
        assert_non_null(strstr(hint_of_socket(-EACCES), "group bramble: sudo"));
        assert_non_null(strstr(hint_of_socket(-ENOENT), "systemctl status bramble-agent"));
        assert_non_null(strstr(hint_of_host(-EKEYREJECTED), "certificate"));
        assert_non_null(strstr(hint_of_host(-ECONNREFUSED), "is it on"));
}

static void statuses(void **state) {
        (void)state;
        assert_non_null(strstr(hint_of_status(404), "agentctl functions"));
        assert_non_null(strstr(hint_of_status(502), "agentctl logs"));
        assert_non_null(strstr(hint_of_status(401), "agentctl auth"));
        assert_null(hint_of_status(400));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(answers), cmocka_unit_test(links),
                                            cmocka_unit_test(statuses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

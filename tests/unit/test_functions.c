/* The functions of the store, each as the watchdog runs it. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

static char program[PATH_MAX + 32];

/* Runs it under this name with that input; its status.  The output is a string in 'ret'. */
static int run(const char *name, const char *query, const char *input, struct buf *ret) {
        char *set = NULL, board[] = "BRAMBLE_NODE=w7";
        char *env[] = { board, NULL, NULL };
        int in[2], out[2], status;
        char some[4096];
        ssize_t n;
        pid_t pid;

        assert_true(asprintf(&set, "Http_Query=%s", query) > 0);
        env[1] = set;
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                dup2(in[0], STDIN_FILENO);
                dup2(out[1], STDOUT_FILENO);
                dup2(out[1], STDERR_FILENO);
                execle(program, name, (char *)NULL, env);
                _exit(127);
        }
        close(in[0]);
        close(out[1]);
        assert_int_equal(write(in[1], input, strlen(input)), strlen(input)); /* fits in a pipe */
        close(in[1]);
        assert_int_equal(buf_add_text(ret, ""), 0);
        while ((n = read(out[0], some, sizeof(some))) > 0)
                assert_int_equal(buf_add(ret, some, (size_t)n), 0);
        close(out[0]);
        free(set);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void answers(void **state) {
        static const struct {
                const char *name, *input, *want;
                int status;
        } cases[] = {
                { "figlet", "Pi\n", "##  ###\n# #  #\n##   #\n#    #\n#   ###\n", 0 },
                { "/bin/figlet", "-\n\n.", "\n\n###\n\n\n\n\n\n\n\n\n#\n", 0 },
                { "figlet", "\xc3\xbc", "\n\n\n\n\n", 0 },
                { "figlet", "", "", 0 },
                { "wordcount", "", "0 0 0\n", 0 },
                { "wordcount", "one two\n three", "1 3 14\n", 0 },
                { "env", "", "BRAMBLE_NODE=w7\nHttp_Query=\n", 0 },
                { "hello", "", "Hello from w7, mode classic.\n", 0 },
                { "hello", "me\n", "Hello from w7, mode classic.\nYou said: me\n", 0 },
                { "dance", "", "there is no function 'dance' in here\n", 2 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf got = { 0 };

                assert_int_equal(run(cases[i].name, "", cases[i].input, &got), cases[i].status);
                assert_string_equal(got.data, cases[i].want);
        }
}

/* No line is wider than a terminal, whatever comes. */
static void wide(void **state) {
        char input[1001];
        auto_buf struct buf got = { 0 };
        const char *line;
        unsigned lines = 0;

        (void)state;
        memset(input, 'W', sizeof(input) - 1);
        input[sizeof(input) - 1] = '\0';
        assert_int_equal(run("figlet", "", input, &got), 0);
        for (line = got.data; *line; line = strchr(line, '\n') + 1, lines++)
                assert_true(strchr(line, '\n') - line < 79);
        assert_int_equal(lines, 77 * 6 - 1); /* 13 letters fit, and a blank line stands between */
}

/* Codes that a reader of the shelf (zbar) has read, and how they look since. */
static void codes(void **state) {
        static const char hello[] = "\u2588\u2588\u2588\u2588";
        auto_buf struct buf got = { 0 };
        char input[215];
        uint64_t sum;

        static const struct {
                size_t len;
                uint64_t want; /* FNV-1a of the output */
        } cases[] = { { 1, UINT64_C(0xb6161fb991a7e7f3) },   { 14, UINT64_C(0xd7b0438e6982dab3) },
                      { 62, UINT64_C(0xe88a48c24fcabcc3) },  { 106, UINT64_C(0x6ebe8be3808fb603) },
                      { 107, UINT64_C(0x283a1d09970bf76f) }, { 152, UINT64_C(0x66fd6a018b500b0b) },
                      { 213, UINT64_C(0x9fc33350643e9bf7) } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf code = { 0 };

                memset(input, 'x', cases[i].len);
                input[cases[i].len] = '\0';
                assert_int_equal(run("qr", "", input, &code), 0);
                assert_true(str_starts(code.data, hello));
                sum = UINT64_C(0xcbf29ce484222325);
                for (size_t k = 0; k < code.len; k++)
                        sum = (sum ^ (uint8_t)code.data[k]) * UINT64_C(0x100000001b3);
                if (sum != cases[i].want)
                        fail_msg("%zu: 0x%llx", cases[i].len, (unsigned long long)sum);
        }
        memset(input, 'x', 214);
        input[214] = '\0';
        assert_int_equal(run("qr", "", input, &got), 1);
        assert_non_null(strstr(got.data, "at most 213"));
}

static void load(void **state) {
        static const struct {
                const char *query, *input;
                unsigned ms;
        } cases[] = {
                { "ms=30", "", 30 },  { "a=b&ms=20", "99", 20 }, { "", "25\n", 25 },
                { "ms=0", "10", 10 }, { "xms=5", "15", 15 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf got = { 0 };
                unsigned ms, took;

                assert_int_equal(run("load", cases[i].query, cases[i].input, &got), 0);
                assert_int_equal(sscanf(got.data, "w7 (%*[^)]): %u ms of CPU in %u ms", &ms, &took),
                                 2);
                assert_int_equal(ms, cases[i].ms);
                assert_true(took + 1 >= ms);
        }
}

static void streaming(void **state) {
        auto_buf struct buf got = { 0 };

        (void)state;
        assert_int_equal(run("hello-streaming", "", "you", &got), 0);
        assert_non_null(strstr(got.data, "1: hello from w7: you\n"));
        assert_non_null(strstr(got.data, "5: hello from w7: you\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers), cmocka_unit_test(wide),      cmocka_unit_test(codes),
                cmocka_unit_test(load),    cmocka_unit_test(streaming),
        };
        ssize_t len = readlink("/proc/self/exe", program, PATH_MAX - 1);

        if (len < 0)
                return 1;
        strcpy(strrchr(program, '/'), "/../functions/program");
        return cmocka_run_group_tests_name("functions", tests, NULL, NULL);
}

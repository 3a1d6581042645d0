/* Programs under /bin on a real loop.  Who waits, waits for an event; patience ends a test that
 * hangs. */
#include "io/process.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

static uv_loop_t loop;
static uv_timer_t patience;

static struct {
        struct process *process;
        struct process_end end;
        struct buf lines; /* "o:text\n", "e:text\n" */
        size_t longest;
        unsigned n_lines;
        unsigned ends;
        const char *free_at; /* frees when this line comes */
        const char *stop_at;
} seen;

static void on_patience(uv_timer_t *timer) {
        (void)timer;
        fail_msg("hangs; until now: %s", str_or(seen.lines.data, ""));
}

static void on_line(void *arg, bool errors, const char *text, size_t len) {
        assert_ptr_equal(arg, &seen);
        assert_int_equal(strlen(text), len);
        assert_int_equal(seen.ends, 0);
        assert_non_null(seen.process);
        seen.n_lines++;
        if (len > seen.longest)
                seen.longest = len;
        if (seen.lines.len < 2 * PROCESS_LINE_MAX)
                assert_int_equal(buf_printf(&seen.lines, "%c:%s\n", errors ? 'e' : 'o', text), 0);
        if (str_eq(text, seen.free_at)) {
                process_free(seen.process);
                seen.process = NULL;
        }
        if (str_eq(text, seen.stop_at))
                process_stop(seen.process);
}

static void on_end(void *arg, const struct process_end *end) {
        assert_ptr_equal(arg, &seen);
        seen.ends++;
        seen.end = *end;
        process_free(seen.process);
        seen.process = NULL;
}

static int start(const struct process_config *c, struct fail *f) {
        return process_start(&loop, c, on_line, on_end, &seen, &seen.process, f);
}

static void run(const char *script, struct process_config c) {
        const char *argv[] = { "/bin/sh", "-c", script, NULL };
        struct fail f = { 0 };

        c.argv = argv;
        if (start(&c, &f) < 0)
                fail_msg("%s", f.text);
        assert_true(process_pid(seen.process) > 0);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static int set_up(void **state) {
        (void)state;
        memset(&seen, 0, sizeof(seen));
        if (uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &patience) < 0 ||
            buf_add_text(&seen.lines, "") < 0)
                return -1;
        uv_unref((uv_handle_t *)&patience);
        return uv_timer_start(&patience, on_patience, PATIENCE_MS, 0);
}

static int tear_down(void **state) {
        (void)state;
        process_free(seen.process);
        uv_close((uv_handle_t *)&patience, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        buf_done(&seen.lines);
        return uv_loop_close(&loop); /* fails where a handle was left */
}

/* Collects what was in the group (this test is the subreaper); nobody may be left.  Where one
 * lives on, SIGALRM ends the test. */
static void group_is_gone(int pid) {
        while (waitpid(-pid, NULL, 0) > 0)
                ;
        assert_int_equal(kill(-pid, 0), -1);
        assert_int_equal(errno, ESRCH);
}

static void lines(void **state) {
        (void)state;
        run("echo one; echo; printf 'a\\tb\\r\\n\\001\\303\\244\\n'; printf last",
            (struct process_config){ 0 });
        assert_string_equal(seen.lines.data, "o:one\no:\no:a b\no:???\no:last\n");
        assert_int_equal(seen.ends, 1);
        assert_int_equal(seen.end.status, 0);
        assert_int_equal(seen.end.signal, 0);
        assert_false(seen.end.timed_out || seen.end.stopped || seen.end.cut);
}

static void errors(void **state) {
        (void)state;
        run("echo to /dev/stderr >/dev/stderr; exit 3", (struct process_config){ 0 });
        assert_string_equal(seen.lines.data, "e:to /dev/stderr\n");
        assert_int_equal(seen.end.status, 3);
}

static void surroundings(void **state) {
        (void)state;
        run("pwd; read x || echo end; set -- $(cat /proc/$$/stat); "
            "test $1 = $5 && test $1 = $6 && echo leads; exec env",
            (struct process_config){ 0 });
        assert_non_null(strstr(seen.lines.data, "o:/\no:end\no:leads\n"));
        assert_non_null(
                strstr(seen.lines.data,
                       "o:PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"));
        assert_non_null(strstr(seen.lines.data, "o:LANG=C.UTF-8\n"));
        assert_null(strstr(seen.lines.data, "HOME="));
}

static void descriptors(void **state) {
        auto_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        const char *argv[] = { "/bin/ls", "/proc/self/fd", NULL };
        struct process_config c = { .argv = argv };

        (void)state;
        assert_true(fd > 2);
        assert_int_equal(start(&c, NULL), 0);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        /* the last is its own: the folder */
        assert_string_equal(seen.lines.data, "o:0\no:1\no:2\no:3\n");
}

static void environment(void **state) {
        static const char *const env[] = { "PATH=/bin", "A=b c", NULL };

        (void)state;
        run("echo \"$A $PATH\"", (struct process_config){ .env = env });
        assert_string_equal(seen.lines.data, "o:b c /bin\n");
}

static void standard_input(void **state) {
        static char much[PROCESS_STDIN_MAX + 1];
        const char *argv[] = { "/bin/true", NULL };
        struct process_config c = { .argv = argv, .in = much, .in_len = sizeof(much) };

        (void)state;
        run("cat; echo .", (struct process_config){ .in = "x\ny\n", .in_len = 4 });
        assert_string_equal(seen.lines.data, "o:x\no:y\no:.\n");
        /* never read: nobody hangs, no SIGPIPE */
        seen.ends = 0;
        run("exit 4", (struct process_config){ .in = much, .in_len = PROCESS_STDIN_MAX });
        assert_int_equal(seen.end.status, 4);
        assert_int_equal(start(&c, NULL), -EMSGSIZE);
}

static void long_lines(void **state) {
        (void)state;
        run("head -c 100000 /dev/zero | tr '\\0' x; echo; echo short",
            (struct process_config){ 0 });
        assert_int_equal(seen.longest, PROCESS_LINE_MAX);
        assert_int_equal(seen.n_lines, 2);
        assert_non_null(strstr(seen.lines.data, "x\no:short\n"));
}

static void much_output(void **state) {
        (void)state;
        run("yes 0123456789abcdef0123456789abcde | head -c 10485760", (struct process_config){ 0 });
        assert_int_equal(seen.n_lines, PROCESS_OUTPUT_MAX / 32);
        assert_true(seen.end.cut);
        assert_int_equal(seen.end.status, 0);
}

static void time_limit(void **state) {
        (void)state;
        /* TERM is enough */
        run("echo ready; sleep 1000", (struct process_config){ .timeout_ms = 50 });
        assert_true(seen.end.timed_out);
        assert_false(seen.end.stopped);
        assert_int_equal(seen.end.signal, SIGTERM);
        assert_int_equal(seen.end.status, -1);
}

static void grace(void **state) {
        (void)state;
        seen.stop_at = "ready";
        run("trap '' TERM; echo ready; while :; do sleep 1000; done",
            (struct process_config){ .grace_ms = 50 });
        assert_true(seen.end.stopped);
        assert_false(seen.end.timed_out);
        assert_int_equal(seen.end.signal, SIGKILL);
}

static void killed(void **state) {
        (void)state;
        run("kill -9 $$", (struct process_config){ 0 });
        assert_int_equal(seen.end.signal, SIGKILL);
        assert_int_equal(seen.end.status, -1);
        assert_false(seen.end.timed_out || seen.end.stopped);
}

static void polite(void **state) {
        (void)state;
        seen.stop_at = "ready";
        run("trap 'echo bye; exit 5' TERM; sleep 1000 & echo ready; wait",
            (struct process_config){ 0 });
        assert_int_equal(seen.end.status, 5);
        assert_true(seen.end.stopped);
        assert_non_null(strstr(seen.lines.data, "o:bye\n"));
}

static void grandchildren(void **state) {
        int pid;

        (void)state;
        /* one holds the output, one does not: both end with their parent */
        run("sleep 1000 & sleep 1001 >/dev/null 2>&1 & echo $$", (struct process_config){ 0 });
        assert_int_equal(sscanf(seen.lines.data, "o:%d", &pid), 1);
        assert_int_equal(seen.end.status, 0);
        group_is_gone(pid);
}

/* One that left the group and holds the output does not hold the end. */
static void far_grandchildren(void **state) {
        int pid;

        (void)state;
        run("exec 9>&1; x=$(setsid sh -c 'echo $$; exec >&9 9>&-; exec sleep 1000' &); echo $x",
            (struct process_config){ 0 });
        assert_int_equal(seen.ends, 1);
        assert_int_equal(sscanf(seen.lines.data, "o:%d", &pid), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        group_is_gone(pid);
}

static void missing(void **state) {
        static const struct {
                const char *program;
                int result;
        } cases[] = {
                { "/nowhere/kubeadm", -ENOENT },
                { "/etc/passwd", -EACCES },
                { "sh", -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *argv[] = { cases[i].program, NULL };
                struct process_config c = { .argv = argv };
                struct fail f = { 0 };

                assert_int_equal(start(&c, &f), cases[i].result);
                assert_true(f.text[0] != '\0');
        }
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(seen.ends, 0);
}

static void freed(void **state) {
        int pid;

        (void)state;
        seen.free_at = "now";
        run("echo $$; sleep 1000 & echo now; echo never; sleep 1001", (struct process_config){ 0 });
        assert_int_equal(seen.ends, 0);
        assert_null(strstr(seen.lines.data, "never"));
        assert_int_equal(sscanf(seen.lines.data, "o:%d", &pid), 1);
        group_is_gone(pid);
        process_free(NULL);
}

static void freed_at_once(void **state) {
        const char *argv[] = { "/bin/sleep", "1000", NULL };
        struct process_config c = { .argv = argv, .timeout_ms = 100000 };
        int pid;

        (void)state;
        assert_int_equal(start(&c, NULL), 0);
        pid = process_pid(seen.process);
        process_free(seen.process);
        seen.process = NULL;
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(seen.ends, 0);
        group_is_gone(pid);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
                cmocka_unit_test_setup_teardown(errors, set_up, tear_down),
                cmocka_unit_test_setup_teardown(surroundings, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors, set_up, tear_down),
                cmocka_unit_test_setup_teardown(environment, set_up, tear_down),
                cmocka_unit_test_setup_teardown(standard_input, set_up, tear_down),
                cmocka_unit_test_setup_teardown(long_lines, set_up, tear_down),
                cmocka_unit_test_setup_teardown(much_output, set_up, tear_down),
                cmocka_unit_test_setup_teardown(time_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(grace, set_up, tear_down),
                cmocka_unit_test_setup_teardown(killed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(polite, set_up, tear_down),
                cmocka_unit_test_setup_teardown(grandchildren, set_up, tear_down),
                cmocka_unit_test_setup_teardown(far_grandchildren, set_up, tear_down),
                cmocka_unit_test_setup_teardown(missing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(freed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(freed_at_once, set_up, tear_down),
        };

        /* what this test itself was started with */
        if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return 1;
        (void)alarm(2 * PATIENCE_MS / 1000);
        return cmocka_run_group_tests(tests, NULL, NULL);
}

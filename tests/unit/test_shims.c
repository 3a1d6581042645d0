#include "io/shims.h"

#include "base/scope.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A shell under the name of a shim, with a child: "sleep", its container.  Returns when both are.
 */
static pid_t start_shim(const char *name, const char *namespace, pid_t *container) {
        int from[2];
        char line[32] = "";
        size_t len = 0;
        pid_t pid;

        assert_return_code(pipe2(from, O_CLOEXEC), 0);
        pid = fork();
        assert_return_code(pid, 0);
        if (pid == 0) {
                (void)dup2(from[1], STDOUT_FILENO);
                (void)execl("/bin/sh", name, "-c", "sleep 1000 >/dev/null & echo $!; wait",
                            "-namespace", namespace, "-id", "fn-1", NULL);
                _exit(127);
        }
        (void)close(from[1]);
        while (len < sizeof(line) - 1 && read(from[0], line + len, 1) == 1 && line[len] != '\n')
                len++;
        (void)close(from[0]);
        *container = (pid_t)strtol(line, NULL, 10);
        assert_true(*container > 0);
        return pid;
}

static int signal_that_ended(pid_t pid) {
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void end(pid_t shim, pid_t container) {
        assert_return_code(kill(shim, SIGTERM), 0);
        assert_int_equal(signal_that_ended(shim), SIGTERM);
        assert_return_code(kill(container, SIGTERM), 0);
        assert_int_equal(signal_that_ended(container), SIGTERM);
}

static void a_namespaces_shims_and_their_containers_end(void **state) {
        auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        pid_t mine, others, neither, of_mine, of_others, of_neither;
        char namespace[48], other[56];

        (void)state;
        (void)snprintf(namespace, sizeof(namespace), "bramble-test-%d", (int)getpid());
        (void)snprintf(other, sizeof(other), "%s-too", namespace);
        assert_return_code(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
        mine = start_shim("/usr/bin/containerd-shim-runc-v2", namespace, &of_mine);
        others = start_shim("/usr/bin/containerd-shim-runc-v2", other, &of_others);
        neither = start_shim("/usr/bin/shell", namespace, &of_neither);

        assert_int_equal(shims_kill(proc, namespace), 1);
        assert_int_equal(signal_that_ended(mine), SIGKILL);
        assert_int_equal(signal_that_ended(of_mine), SIGKILL);
        assert_int_equal(shims_kill(proc, namespace), 0);

        end(others, of_others);
        end(neither, of_neither);
}

static void without_proc_it_says_so(void **state) {
        (void)state;
        assert_true(shims_kill(-1, "x") < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_namespaces_shims_and_their_containers_end),
                cmocka_unit_test(without_proc_it_says_so),
        };
        return cmocka_run_group_tests_name("shims", tests, NULL, NULL);
}

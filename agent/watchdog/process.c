#include "watchdog/process.h"

#include "base/scope.h"
#include "core/http_environment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

enum { WIDE_PIPE = 256 * 1024 };

extern char **environ;

/* Blocking for the child, as programs expect; only our ends are not. */
static int make_pipe(int ret[2], int ours) {
        if (pipe2(ret, O_CLOEXEC) < 0)
                return -errno;
        (void)fcntl(ret[ours], F_SETFL, O_NONBLOCK);
        return 0;
}

static int attributes_init(posix_spawnattr_t *ret) {
        sigset_t none, all;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        if (posix_spawnattr_init(ret) != 0)
                return -ENOMEM;
        (void)posix_spawnattr_setflags(ret, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setpgroup(ret, 0);
        (void)posix_spawnattr_setsigmask(ret, &none);
        (void)posix_spawnattr_setsigdefault(ret, &all);
        return 0;
}

/* -1: ours. */
static int actions_init(posix_spawn_file_actions_t *ret, int in, int out, bool errors) {
        int r = posix_spawn_file_actions_init(ret);

        if (r != 0)
                return -r;
        if (in < 0)
                r = posix_spawn_file_actions_addopen(ret, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        else
                r = posix_spawn_file_actions_adddup2(ret, in, STDIN_FILENO);
        if (r == 0 && out >= 0)
                r = posix_spawn_file_actions_adddup2(ret, out, STDOUT_FILENO);
        if (r == 0 && errors)
                r = posix_spawn_file_actions_adddup2(ret, out, STDERR_FILENO);
        if (r != 0)
                (void)posix_spawn_file_actions_destroy(ret);
        return -r;
}

static int spawn(const struct options *o, int in, int out, char **env, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r = actions_init(&actions, in, out, out >= 0 && o->combine_output);

        if (r < 0)
                return r;
        r = attributes_init(&attributes);
        if (r == 0) {
                r = -posix_spawnp(ret, o->args[0], &actions, &attributes, o->args, env);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

int process_environment(const struct options *o, const struct http_head *head, char ***ret) {
        return http_environment_make(environ, o->cgi_headers ? head : NULL, ret);
}

int process_serve(const struct options *o, pid_t *ret) {
        return spawn(o, -1, -1, environ, ret);
}

int process_start(const struct options *o, char **env, struct process *ret) {
        int in[2], out[2], r = make_pipe(in, 1);
        auto_close int child_in = -1, our_in = -1, our_out = -1, child_out = -1;

        if (r < 0)
                return r;
        child_in = in[0];
        our_in = in[1];
        r = make_pipe(out, 0);
        if (r < 0)
                return r;
        our_out = out[0];
        child_out = out[1];
        r = spawn(o, child_in, child_out, env, &ret->pid);
        if (r < 0)
                return r;
        ret->in = take_fd(&our_in);
        ret->out = take_fd(&our_out);
        return 0;
}

void process_kill(pid_t pid) {
        (void)kill(-pid, SIGKILL);
        (void)kill(pid, SIGKILL); /* it may have moved to another group */
}

void process_widen(int pipe) {
        (void)fcntl(pipe, F_SETPIPE_SZ, WIDE_PIPE);
}

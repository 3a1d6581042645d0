/* The one nftables table of ours, loaded by nft(8) in one transaction. */
#include "base/scope.h"
#include "io/fnet_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/str.h"

#define NFT "/usr/sbin/nft"

enum { NFT_PATIENCE_MS = 20000, RULES_BYTES = 2048 };

/* A file in memory that holds 'text' and stands at its start. */
static int memory_file(const char *text) {
        auto_close int fd = memfd_create("nft", MFD_CLOEXEC);
        size_t len = strlen(text);

        if (fd < 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return take_fd(&fd);
}

static int spawn_nft(int in, int err, pid_t *ret) {
        char *const argv[] = { (char[]){ NFT }, (char[]){ "-f" }, (char[]){ "-" }, NULL };
        char *const env[] = { NULL };
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attr;
        sigset_t none;
        int r;

        (void)sigemptyset(&none);
        (void)posix_spawn_file_actions_init(&files);
        (void)posix_spawnattr_init(&attr);
        (void)posix_spawnattr_setsigmask(&attr, &none);
        (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
        r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, err, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn(ret, NFT, &files, &attr, argv, env);
        (void)posix_spawnattr_destroy(&attr);
        (void)posix_spawn_file_actions_destroy(&files);
        return -r;
}

/* Its exit status, 128 and more for a signal.  One that hangs is killed. */
static int wait_nft(pid_t pid) {
        auto_close int fd = pidfd_open(pid, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int status, r;

        if (fd >= 0) {
                do
                        r = poll(&p, 1, NFT_PATIENCE_MS);
                while (r < 0 && errno == EINTR);
                if (r == 0)
                        (void)kill(pid, SIGKILL);
        }
        do
                r = waitpid(pid, &status, 0);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_nft(const char *text, struct fail *f) {
        auto_close int in = memory_file(text);
        auto_close int err = memory_file("");
        char raw[160], said[sizeof(raw)];
        ssize_t n;
        pid_t pid;
        int r;

        if (in < 0 || err < 0)
                return fail(f, in < 0 ? in : err, "no memory for nft's rules");
        r = spawn_nft(in, err, &pid);
        if (r < 0)
                return fail(f, r, "cannot run %s: %s", NFT, strerror(-r));
        r = wait_nft(pid);
        if (r == 0)
                return 0;
        n = pread(err, raw, sizeof(raw) - 1, 0);
        (void)str_printable(said, sizeof(said), raw, n > 0 ? (size_t)n : 0);
        return fail(f, r < 0 ? r : -EPROTO, "nft could not change table inet bramble: %s",
                    said[0] ? said : "no reason given");
}

/* Declared, deleted and made again: one transaction, whatever was there.  A container's packets
 * come in from its bridge, or from another board's with their own address.  To the agent of another
 * board they would go masqueraded as their board, which that agent's guard lets pass: stopped on
 * the way. */
static const char rules[] = "table inet bramble\n"
                            "delete table inet bramble\n"
                            "table inet bramble {\n"
                            " chain input {\n"
                            "  type filter hook input priority filter; policy accept;\n"
                            "  iifname $bridges tcp dport $agent drop\n"
                            "  iifname != \"lo\" ip saddr $ours tcp dport $agent drop\n"
                            " }\n"
                            " chain forward {\n"
                            "  type filter hook forward priority filter; policy accept;\n"
                            "  ip saddr $ours ip daddr != $ours tcp dport $agent drop\n"
                            "  ip saddr $ours accept\n"
                            "  ip daddr $ours accept\n"
                            " }\n"
                            " chain postrouting {\n"
                            "  type nat hook postrouting priority srcnat; policy accept;\n"
                            "  ip saddr $ours ip daddr != $ours masquerade\n"
                            " }\n"
                            "}\n";

int fnet_table_load(uint16_t agent_port, bool pods, struct fail *f) {
        char text[RULES_BYTES];

        (void)snprintf(text, sizeof(text),
                       "define ours = { %s }\n"
                       "define bridges = { %s }\n"
                       "define agent = %u\n"
                       "%s",
                       pods ? FNET_FUNCTIONS_TEXT ", " FNET_PODS_TEXT : FNET_FUNCTIONS_TEXT,
                       pods ? "\"" FNET_BRIDGE "\", \"" FNET_POD_BRIDGE "\""
                            : "\"" FNET_BRIDGE "\"",
                       (unsigned)agent_port, rules);
        return run_nft(text, f);
}

int fnet_table_remove(struct fail *f) {
        return run_nft("table inet bramble\ndelete table inet bramble\n", f);
}

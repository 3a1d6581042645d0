#include "io/oci_seccomp.h"

#include "base/scope.h"
#include "base/str.h"

#include <string.h>

/* What an ordinary program needs, by theme; a runtime ignores names that its kernel or word size
 * does not have.  Left out: mounts, namespaces, modules, keys, clocks, tracing, BPF, io_uring,
 * raw ports, swap, quotas, reboot, open_by_handle_at, userfaultfd, perf. */
static const char *const allowed[] = {
        /* files by descriptor */
        "close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fcntl "
        "fcntl64 fdatasync flock fstat fstat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 "
        "getdents getdents64 ioctl lseek _llseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 "
        "read readahead readv sendfile sendfile64 splice sync sync_file_range syncfs tee vmsplice "
        "write writev",
        /* files by name */
        "access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod fchmodat "
        "fchmodat2 fchown fchown32 fchownat fstatat64 futimesat getcwd lchown lchown32 link linkat "
        "lstat lstat64 mkdir mkdirat mknod mknodat newfstatat open openat openat2 readlink "
        "readlinkat rename renameat renameat2 rmdir stat stat64 statfs statfs64 statx symlink "
        "symlinkat truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 "
        "utimes",
        /* extended attributes, watches */
        "fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr "
        "lremovexattr lsetxattr removexattr setxattr inotify_add_watch inotify_init inotify_init1 "
        "inotify_rm_watch",
        /* memory */
        "brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mmap2 mprotect "
        "mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
        "remap_file_pages",
        /* processes and threads */
        "capget capset execve execveat exit exit_group fork getpgid getpgrp getpid getppid "
        "getpriority getrlimit getrusage getsid gettid get_robust_list get_thread_area kill "
        "pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease rseq seccomp setpgid "
        "setpriority setrlimit setsid set_robust_list set_thread_area set_tid_address tgkill "
        "times tkill ugetrlimit vfork wait4 waitid waitpid landlock_add_rule "
        "landlock_create_ruleset landlock_restrict_self",
        "sched_getaffinity sched_getattr sched_getparam sched_get_priority_max "
        "sched_get_priority_min sched_getscheduler sched_rr_get_interval "
        "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
        "sched_setscheduler sched_yield ioprio_get ioprio_set getcpu",
        /* users and groups */
        "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
        "getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid "
        "setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
        "setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32",
        /* signals */
        "alarm getitimer pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask "
        "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
        "rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4 sigprocmask sigreturn",
        /* time, without setting it */
        "clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
        "clock_nanosleep_time64 gettimeofday nanosleep time timer_create timer_delete "
        "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
        "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
        /* waiting */
        "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
        "epoll_wait_old eventfd eventfd2 futex futex_time64 futex_waitv futex_wait futex_wake "
        "futex_requeue io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
        "io_setup io_submit _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select",
        /* sockets and pipes */
        "accept accept4 bind connect getpeername getsockname getsockopt listen pipe pipe2 recv "
        "recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt "
        "shutdown socket socketcall socketpair",
        /* System V and POSIX IPC: in a namespace of its own */
        "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
        "mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
        "semtimedop_time64 shmat shmctl shmdt shmget",
        /* the rest */
        "getrandom sysinfo uname",
};

#define ARM_ALLOWED \
        "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"

/* What libseccomp calls them, and the names that only they have. */
static const struct {
        const char *name;
        const char *seccomp;
        const char *allowed;
} architectures[] = {
        { "amd64", "\"SCMP_ARCH_X86_64\"", "arch_prctl modify_ldt" },
        { "386", "\"SCMP_ARCH_X86\"", "modify_ldt" },
        { "arm64", "\"SCMP_ARCH_AARCH64\"", ARM_ALLOWED },
        { "arm", "\"SCMP_ARCH_ARM\"", ARM_ALLOWED },
        { "riscv64", "\"SCMP_ARCH_RISCV64\"", "riscv_flush_icache" },
};

/* linux/sched.h: CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; a container makes no namespaces */
#define CLONE_NEW_ANY "2114060288"

/* uapi/linux/personality.h: PER_LINUX, PER_LINUX32, both with UNAME26, and "just tell me" */
static const char *const personalities[] = { "0", "8", "131072", "131080", "4294967295" };

static const char conditional[] =
        "{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
        "\"value\":" CLONE_NEW_ANY ",\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
        "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}";

/* "a b c" as "\"a\",\"b\",\"c\"", with a comma before where 'comma'. */
static int add_names(struct buf *out, const char *names, bool comma) {
        int r = 0;

        while (*names && r == 0) {
                size_t len = strcspn(names, " ");

                r = buf_printf(out, "%s\"%.*s\"", comma ? "," : "", (int)len, names);
                comma = true;
                names += len + (names[len] == ' ');
        }
        return r;
}

int oci_seccomp_write(const char *architecture, struct buf *out) {
        const char *seccomp = "", *more = "";
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
                if (str_eq(architecture, architectures[i].name)) {
                        seccomp = architectures[i].seccomp;
                        more = architectures[i].allowed;
                        break;
                }
        }
        r = buf_printf(out,
                       "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
                       "\"architectures\":[%s],\"syscalls\":[{\"names\":[",
                       seccomp);
        for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++)
                r = add_names(out, allowed[i], i > 0);
        if (r == 0)
                r = add_names(out, more, true);
        if (r == 0)
                r = buf_add_text(out, "],\"action\":\"SCMP_ACT_ALLOW\"}");
        for (size_t i = 0; i < ARRAY_SIZE(personalities) && r == 0; i++)
                r = buf_printf(out,
                               ",{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\","
                               "\"args\":[{\"index\":0,\"value\":%s,\"op\":\"SCMP_CMP_EQ\"}]}",
                               personalities[i]);
        return r < 0 ? r : buf_printf(out, ",%s]}", conditional);
}

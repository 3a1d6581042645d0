/* guest - what runs inside the containers of test_container: does what fprocess (or else its last
 * argument) says.  Static; also plays the part of fwatchdog. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void on_term(int sig) {
        (void)sig;
        ended = 1;
}

/* Process 1 has no default actions. */
static void catch_term(void) {
        struct sigaction a = { .sa_handler = on_term };

        (void)sigaction(SIGTERM, &a, NULL);
}

static int hello(void) {
        printf("hello\n");
        fflush(stdout);
        fprintf(stderr, "oops\n");
        printf("no newline");
        return 3;
}

static int serve(void) {
        catch_term();
        printf("ready\n");
        fflush(stdout);
        while (!ended)
                pause();
        printf("bye\n");
        return 0;
}

static int __attribute__((noreturn)) stubborn(void) {
        (void)signal(SIGTERM, SIG_IGN);
        printf("ready\n");
        fflush(stdout);
        for (;;)
                pause();
}

static int tick(void) {
        const struct timespec nap = { .tv_nsec = 20000000 };

        catch_term();
        for (unsigned i = 0; !ended; i++) {
                printf("tick %u\n", i);
                fflush(stdout);
                (void)nanosleep(&nap, NULL);
        }
        return 0;
}

static int flood(void) {
        char line[100];

        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        for (unsigned i = 0; i < 5000; i++)
                fwrite(line, 1, sizeof(line), stdout);
        printf("end of the flood\n");
        return 0;
}

static int __attribute__((noreturn)) eat(void) {
        printf("eating\n");
        fflush(stdout);
        for (;;) {
                char *p = malloc(1 << 20);

                if (p)
                        memset(p, 1, 1 << 20);
        }
}

static const char *try(int r) {
        return r < 0 ? strerror(errno) : "ok";
}

static void show_status(void) {
        FILE *f = fopen("/proc/self/status", "re");
        char line[256];

        while (f && fgets(line, sizeof(line), f)) {
                if (strncmp(line, "CapEff", 6) == 0 || strncmp(line, "CapAmb", 6) == 0 ||
                    strncmp(line, "NoNewPrivs", 10) == 0 || strncmp(line, "Seccomp:", 8) == 0)
                        printf("%s", line);
        }
        if (f)
                (void)fclose(f);
}

static int inspect(char **argv) {
        char host[64] = "", cwd[256] = "";
        gid_t groups[32];
        int n = getgroups(32, groups);

        (void)gethostname(host, sizeof(host));
        printf("run as %s %s\n", argv[0], argv[1] ? argv[1] : "-");
        printf("uid %d gid %d groups", (int)getuid(), (int)getgid());
        for (int i = 0; i < n; i++)
                printf(" %d", (int)groups[i]);
        printf("\nhost %s\ncwd %s\n", host, getcwd(cwd, sizeof(cwd)) ? cwd : "?");
        printf("fprocess %s\n", getenv("fprocess") ? getenv("fprocess") : "-");
        printf("colour %s\n", getenv("COLOUR") ? getenv("COLOUR") : "-");
        printf("write / %s\n", try(open("/mark", O_WRONLY | O_CREAT, 0600)));
        printf("write /tmp %s\n", try(open("/tmp/mark", O_WRONLY | O_CREAT, 0600)));
        printf("mount %s\n", try(mount("none", "/tmp", "tmpfs", 0, "")));
        printf("hosts %s\n", try(access("/etc/hosts", R_OK)));
        printf("watchdog %s\n", try(access("/usr/bin/fwatchdog", X_OK)));
        show_status();
        return 0;
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                int (*run)(void);
        } modes[] = {
                { "hello", hello }, { "serve", serve }, { "stubborn", stubborn },
                { "tick", tick },   { "flood", flood }, { "eat", eat },
        };
        const char *mode = getenv("fprocess"), *space;

        if (!mode)
                mode = argc > 1 ? argv[argc - 1] : "inspect";
        space = strrchr(mode, ' ');
        if (space)
                mode = space + 1;
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                if (strcmp(mode, modes[i].name) == 0)
                        return modes[i].run();
        }
        return inspect(argv);
}

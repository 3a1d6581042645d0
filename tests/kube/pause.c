/* pause - the process that holds a pod's namespaces open for its containers: does nothing, buries
 * orphans where the pod shares its process namespace, and ends when it is told to. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signal_number) {
        (void)signal_number;
        _exit(0);
}

static void bury(int signal_number) {
        (void)signal_number;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

int main(void) {
        const struct sigaction end = { .sa_handler = leave };
        const struct sigaction child = { .sa_handler = bury, .sa_flags = SA_NOCLDSTOP };

        if (sigaction(SIGINT, &end, NULL) < 0 || sigaction(SIGTERM, &end, NULL) < 0 ||
            sigaction(SIGCHLD, &child, NULL) < 0)
                return EXIT_FAILURE;
        for (;;)
                pause();
}

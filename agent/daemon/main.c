/* bramble-agent - one on each board. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/agent.h"
#include "daemon/early_name.h"
#include "daemon/kube_seal.h"
#include "daemon/reporter.h"
#include "daemon/locate.h"
#include "daemon/runner.h"
#include "daemon/take_off.h"
#include "io/alive.h"
#include "io/log.h"
#include "io/trim.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum { EXIT_MISUSED = 2 };

static const char usage[] =
        "usage: bramble-agent [--config FILE] [--check-config | --early-name | --end-functions | "
        "--take-off] [--version] [--help]\n"
        "\n"
        "The agent of one board of a bramble: finds the others, elects a leader, runs functions.\n"
        "It is started by systemd (bramble-agent.service); talk to it with agentctl.\n"
        "\n"
        "  --config FILE    read FILE in place of /etc/bramble/bramble.conf\n"
        "  --check-config   say whether the file is right, and exit\n"
        "  --early-name     where the host name is an image's default, make it this board's own\n"
        "                   until the bramble gives it one, and exit (bramble-name.service)\n"
        "  --end-functions  end the functions of this board, and exit (bramble-functions.service)\n"
        "  --take-off       the same, and take bramble's network off this board: before removal\n"
        "\n"
        "What the agent starts itself, with the key as 64 hex digits on standard input:\n"
        "  --kube-seal SNAPSHOT OUT EPOCH NUMBER   seal a snapshot of etcd and the cluster's keys\n"
        "  --kube-open IN DIR                      open what was sealed into a new folder\n";

static int load_config(struct config *config, const char *path, bool check) {
        const char *file = path ? path : "/etc/bramble/bramble.conf";
        struct fail f = { 0 };
        int r;

        config_init(config);
        r = config_read(config, file, &f);
        if (r == -ENOENT && !path && !check)
                return 0; /* the defaults are a configuration */
        if (r < 0) {
                fprintf(stderr, "bramble-agent: %s\n", fail_text(&f));
                return r;
        }
        if (check)
                printf("%s is right\n", file);
        return 0;
}

static void on_signal(uv_signal_t *handle, int number) {
        log_info("ending on signal %d; functions go on running", number);
        (void)sd_notify(0, "STOPPING=1");
        uv_stop(handle->loop);
}

enum { TRIM_AFTER_MS = 15 * 1000 };

static void on_trim(uv_timer_t *timer) {
        (void)timer;
        trim_program();
}

/* The last words of a process.  By way of stderr, where systemd knows whose they are: what goes to
 * the journal directly is nobody's if the process is gone before the journal looks. */
static void die(const char *why) {
        if (log_has_journal())
                fprintf(stderr, "<3>%s\n", why); /* sd-daemon(3): SD_ERR */
        else
                log_error("%s", why);
}

static int early_name(struct agent *a) {
        struct fail f = { 0 };

        if (agent_identify(a, &f) < 0 || early_name_set(a->board.node, &f) < 0) {
                die(fail_text(&f));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}

/* Says so on stdout, which the journal knows: it is gone before the journal could ask whose its
 * words are. */
static int take_off(struct agent *a, int (*how)(const struct config *config, struct fail *f)) {
        struct fail f = { 0 };
        int r;

        (void)signal(SIGPIPE, SIG_IGN);
        r = how(&a->config, &f);
        if (r < 0)
                die(fail_text(&f));
        else if (r > 0)
                printf("%d functions of this board were ended\n", r);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct agent *a) {
        uv_signal_t term, interrupt;
        uv_timer_t watchdog, trim;
        uv_loop_t *loop = uv_default_loop();
        struct fail f = { 0 };
        int r;

        (void)signal(SIGPIPE, SIG_IGN);
        if (!loop)
                return EXIT_FAILURE;
        a->loop = loop;
        r = agent_start(a, &f);
        if (r < 0) {
                die(f.text[0] ? f.text : strerror(-r));
                /* keys that do not fit this board stay so until a person has changed them */
                return r == -ENOKEY || r == -EKEYREJECTED ? EXIT_MISUSED : EXIT_FAILURE;
        }
        (void)uv_signal_init(loop, &term);
        (void)uv_signal_start(&term, on_signal, SIGTERM);
        (void)uv_signal_init(loop, &interrupt);
        (void)uv_signal_start(&interrupt, on_signal, SIGINT);
        alive_start(loop, &watchdog);
        (void)uv_timer_init(loop, &trim);
        (void)uv_timer_start(&trim, on_trim, TRIM_AFTER_MS, 0);
        (void)sd_notify(0, "READY=1");
        (void)uv_run(loop, UV_RUN_DEFAULT);
        reporter_close(a);
        runner_close(a);
        locate_close(a);
        if (a->mdns)
                mdns_close(a->mdns); /* the goodbye goes out on the way */
        (void)uv_run(loop, UV_RUN_NOWAIT);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                                 { "check-config", no_argument, NULL, 'k' },
                                                 { "early-name", no_argument, NULL, 'e' },
                                                 { "end-functions", no_argument, NULL, 'f' },
                                                 { "take-off", no_argument, NULL, 't' },
                                                 { "kube-seal", no_argument, NULL, 's' },
                                                 { "kube-open", no_argument, NULL, 'o' },
                                                 { "version", no_argument, NULL, 'v' },
                                                 { "help", no_argument, NULL, 'h' },
                                                 { 0 } };
        const char *path = NULL;
        struct agent *a;
        int (*ending)(const struct config *config, struct fail *f) = NULL;
        bool check = false, early = false;
        int o, r;

        while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
                if (o == 'c') {
                        path = optarg;
                } else if (o == 'k') {
                        check = true;
                } else if (o == 'e') {
                        early = true;
                } else if (o == 'f') {
                        ending = take_off_functions;
                } else if (o == 't') {
                        ending = take_off_all;
                } else if (o == 's') {
                        return kube_seal_main(argc - optind, argv + optind);
                } else if (o == 'o') {
                        return kube_open_main(argc - optind, argv + optind);
                } else if (o == 'v') {
                        printf("bramble-agent %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                        return EXIT_SUCCESS;
                } else {
                        (void)fputs(usage, o == 'h' ? stdout : stderr);
                        return o == 'h' ? EXIT_SUCCESS : EXIT_MISUSED;
                }
        }
        if (optind < argc) {
                (void)fputs(usage, stderr);
                return EXIT_MISUSED;
        }
        a = calloc(1, sizeof(*a));
        if (!a)
                return EXIT_FAILURE;
        if (load_config(&a->config, path, check) < 0)
                r = EXIT_MISUSED;
        else if (check)
                r = EXIT_SUCCESS;
        else {
                log_open("bramble-agent", log_level_of(a->config.log_level));
                r = early ? early_name(a) : ending ? take_off(a, ending) : run(a);
        }
        free(a);
        return r;
}

/* agentctl (also called bramble) - the command line of a bramble. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/verbs.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_verb cli_verbs[] = {
        { "status", "", 0, 2, verb_status, "the boards of the bramble and how they are",
          "  --watch [SECONDS]    again and again (2), in place; Ctrl-C ends it\n" },
        { "events", "", 0, -1, verb_events,
          "what happened: who leads, who came and went, what moved and why, alerts",
          "  -f, --follow         go on as more happens\n"
          "  --since ID|10m       nothing older: the id of an event (-o json has them), or s, m, "
          "h, "
          "d\n" },
        { "top", "", 0, 0, verb_top, "boards, functions and events, live, and what to do with them",
          NULL },
        { "nodes", "", 0, 0, verb_nodes, "what the boards are: model, cores, RAM, address", NULL },
        { "doctor", "", 0, 0, verb_doctor, "checks this board; each failure says what to do",
          NULL },
        { "import", "IMAGE.tar", 1, -1, verb_import, "brings an image into the bramble",
          "  --name NAME          call it NAME\n"
          "  IMAGE.tar            from 'docker save' or 'ctr images export'; - is standard "
          "input\n" },
        { "push", "IMAGE", 1, -1, verb_push, "brings an image of this computer into the bramble",
          "  --name NAME          call it NAME\n"
          "  IMAGE                an image of docker, podman, nerdctl or containerd here; or an\n"
          "                       archive; or a folder in OCI layout; - is standard input\n"
          "\n"
          "What the board has already is not sent again.\n" },
        { "up", "[STACK.yml]", 0, -1, verb_up, "builds, pushes and deploys a stack of functions",
          "  -f, --yaml FILE      the stack (stack.yml)\n"
          "  --filter PATTERN     only functions whose names fit: 'web-*'\n"
          "  --no-build           take images as they are\n"
          "  --no-expand          leave ${VARIABLES} in the file alone\n"
          "  --no-wait            do not wait until they answer\n" },
        { "images", "", 0, 0, verb_images, "the images, their sizes, where they are, who uses them",
          NULL },
        { "image", "remove NAME", 2, 2, verb_image, "takes an image out of the bramble", NULL },
        { "registry", "login [HOST]", 1, -1, verb_registry,
          "logins of image registries: login, logout HOST, list",
          "  --user NAME          else it is asked for, as the password is\n"
          "  HOST                 docker.io, nas.local:5000\n" },
        { "deploy", "NAME --image IMAGE", 1, -1, verb_deploy, "makes or updates a function",
          "  --image IMAGE        one of the bramble's, else its registry is asked\n"
          "  --replicas N         how many (1)\n"
          "  --fprocess COMMAND   run COMMAND for each call, through fwatchdog\n"
          "  --env NAME=VALUE     environment; again for more\n"
          "  --label NAME=VALUE   label; again for more\n"
          "  --secret NAME        a secret that it may read; again for more\n"
          "  --memory 64Mi        most memory of a replica\n"
          "  --cpu 250m           most CPU of a replica\n"
          "  --namespace NS       openfaas-fn\n"
          "  --read-only          the container cannot write to its own files\n"
          "  --no-wait            do not wait until it answers\n" },
        { "store", "list | deploy NAME", 1, -1, verb_store,
          "functions that come with bramble: figlet, qr, load ...",
          "  list                 which there are\n"
          "  deploy NAME          makes one of them; no registry is needed\n"
          "  --name OTHER         call it OTHER\n"
          "  and the options of deploy but --image\n" },
        { "functions", "", 0, 0, verb_functions, "the functions and where they run", NULL },
        { "invoke", "NAME", 1, -1, verb_invoke, "calls a function; standard input is the body",
          "  -d, --data TEXT      TEXT is the body\n"
          "  --path /REST         call a path below the function\n" },
        { "scale", "NAME N", 2, 2, verb_scale, "changes the number of replicas", NULL },
        { "remove", "NAME", 1, 1, verb_remove, "takes a function away", NULL },
        { "logs", "NAME", 1, -1, verb_logs, "what a function wrote, on all boards",
          "  -f, --follow         go on as it writes more\n"
          "  --tail N             the last N lines of each board (100), or all\n"
          "  --since 10m          nothing older: s, m, h, d, or 2026-11-25T07:02:03Z\n"
          "  --instance N         of one replica\n"
          "  --namespace NS       openfaas-fn\n" },
        { "secret", "list|create|update|remove NAME", 1, -1, verb_secret,
          "what functions may know and nobody else: files in /var/openfaas/secrets",
          "  --from-file FILE     the value; else standard input, or typed unseen\n"
          "  --exact              with the newline at its end, if there is one\n"
          "  --namespace NS       openfaas-fn\n"
          "\nA function gets the secrets that its deployment names: deploy NAME --secret SECRET.\n"
          "Functions that run see a new value at once; one that is in use cannot be removed.\n" },
        { "namespace", "list|create|remove NAME", 1, 2, verb_namespace,
          "where functions are; one that is not empty cannot be removed", NULL },
        { "dashboard", "[--print]", 0, 1, verb_dashboard,
          "opens the dashboard in a browser, or says where it is",
          "  --print              only says it\n" },
        { "auth", "", 0, 0, verb_auth, "the gateway's user and password", NULL },
        { "kubeconfig", "", 0, 0, verb_kubeconfig,
          "the Kubernetes cluster's kubeconfig: > ~/.kube/config", NULL },
        { "promote", "BOARD", 1, 1, verb_promote, "moves the Kubernetes control plane to a board",
          NULL },
        { "reset", "[BOARD]", 0, 2, verb_reset, "takes Kubernetes off a board (this one), cleanly",
          "  --rejoin             and joins anew; also brings back what was taken off\n"
          "  --all                off all boards: the cluster ends\n" },
        { "shutdown-all", "", 0, -1, verb_shutdown_all,
          "switches all boards off, the master last: before you pull the plug",
          "  --dry-run            say in which order, and do nothing\n"
          "  --reboot             restart them\n"
          "  --timeout S          a board that still answers after S seconds hangs (90)\n"
          "  --only BOARD         this one alone\n"
          "  -y, --yes            do not ask\n"
          "\nFunctions stop first, and run again when the power is back.\n" },
        { "shutdown", "BOARD", 1, -1, verb_shutdown, "switches one board off",
          "  --timeout S          it hangs where it still answers after S seconds (90)\n"
          "  -y, --yes            do not ask\n" },
        { "reboot", "BOARD", 1, -1, verb_shutdown, "restarts one board and waits until it is back",
          "  --timeout S          how long it may take to go off, and to come back (90)\n"
          "  -y, --yes            do not ask\n" },
        { "drain", "BOARD", 1, 2, verb_drain, "moves everything off a board, and keeps it free",
          "  --no-wait            do not wait until it is\n"
          "\nNo call fails meanwhile, a leader hands over first, Kubernetes' pods move too. Where "
          "there\nis no room elsewhere nothing is moved.\n" },
        { "uncordon", "BOARD", 1, 1, verb_uncordon, "gives a drained board work again", NULL },
        { "rename", "BOARD NAME", 2, 2, verb_rename,
          "calls a board otherwise: host name, mDNS, all", NULL },
        { "locate", "BOARD [SECONDS]", 1, 2, verb_locate,
          "makes a board's LED blink (30 s; 0: no more)", NULL },
        { "targets", "", 0, -1, verb_targets, "the boards as targets for Prometheus, as JSON",
          "  --port N             the port of the gateways (8080)\n" },
        { "pki", "init NAME | gateway HOST... [--dir FOLDER]", 2, -1, verb_pki,
          "makes a cluster's keys: pki init home; a gateway's: pki gateway m1.local",
          "  --dir FOLDER         where they are (init: ./NAME-pki, gateway: the current "
          "folder)\n" },
        { "flash", "IMAGE /dev/DISK", 2, -1, verb_flash,
          "writes a card image to a card and reads it back",
          "  -y, --yes            do not ask\n"
          "\nA disk that is mounted, in use, too small or not removable is refused.\n" },
        { "version", "", 0, 0, verb_version, "versions of this command and of the agent", NULL },
        { "complete", "KIND", 1, 1, verb_complete, NULL, NULL }, /* for the shells' completion */
        { NULL, NULL, 0, 0, NULL, NULL, NULL },
};

static void print_usage(FILE *out) {
        fprintf(out, "usage: agentctl [-o json] [--host NAME] VERB [ARGUMENTS]\n\n"
                     "Looks after a bramble: Raspberry Pis that are one computer.\n\n");
        for (const struct cli_verb *v = cli_verbs; v->name; v++) {
                char left[64];

                if (!v->help)
                        continue;
                (void)snprintf(left, sizeof(left), "%s %s", v->name, v->args);
                if (strlen(left) > 30)
                        fprintf(out, "  %s\n%33s%s\n", left, "", v->help);
                else
                        fprintf(out, "  %-30s %s\n", left, v->help);
        }
        fprintf(out,
                "\n"
                "  -o json          the answer as JSON\n"
                "  --host NAME      ask the agent of another board, with an admin certificate\n"
                "  --pki FOLDER     where that certificate is (BRAMBLE_PKI, or\n"
                "                   ~/.config/bramble)\n"
                "  --gateway URL    the gateway that invoke calls (port 8080 of the host)\n"
                "  --socket PATH    the agent's socket (/run/bramble/agent.sock)\n"
                "\n"
                "agentctl VERB --help says more.  Exit: 0 done, 1 failed, 2 misused.\n");
}

static void print_verb_usage(FILE *out, const struct cli_verb *v) {
        fprintf(out, "usage: agentctl %s %s\n\n%s%s%s", v->name, v->args,
                str_or(v->help, "names for the shells' completion"), "\n", v->options ? "\n" : "");
        if (v->options)
                (void)fputs(v->options, out);
}

static const struct cli_verb *find_verb(const char *name) {
        for (const struct cli_verb *v = cli_verbs; v->name; v++)
                if (str_eq(v->name, name))
                        return v;
        return NULL;
}

int cli_misused(const struct cli *c, const char *verb, const char *format, ...) {
        const struct cli_verb *v = find_verb(verb);
        va_list args;

        fprintf(stderr, "%s: ", c->program);
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
        if (v)
                print_verb_usage(stderr, v);
        return CLI_MISUSED;
}

/* Options before the verb, and -o json anywhere. CLI_DONE, or CLI_MISUSED after a message. */
static int parse_options(struct cli *c, int argc, char **argv) {
        enum { OPT_HOST = 256, OPT_PKI, OPT_SOCKET, OPT_GATEWAY };
        static const struct option options[] = { { "host", required_argument, NULL, OPT_HOST },
                                                 { "pki", required_argument, NULL, OPT_PKI },
                                                 { "socket", required_argument, NULL, OPT_SOCKET },
                                                 { "gateway", required_argument, NULL,
                                                   OPT_GATEWAY },
                                                 { "output", required_argument, NULL, 'o' },
                                                 { "version", no_argument, NULL, 'v' },
                                                 { "help", no_argument, NULL, 'h' },
                                                 { 0 } };
        int o;

        while ((o = getopt_long(argc, argv, "+o:h", options, NULL)) != -1) {
                switch (o) {
                case 'o':
                        if (!str_eq(optarg, "json") && !str_eq(optarg, "table")) {
                                fprintf(stderr, "%s: -o is json or table\n", c->program);
                                return CLI_MISUSED;
                        }
                        c->json = str_eq(optarg, "json");
                        break;
                case OPT_HOST:
                        c->host = optarg;
                        break;
                case OPT_PKI:
                        c->pki = optarg;
                        break;
                case OPT_SOCKET:
                        c->socket = optarg;
                        break;
                case OPT_GATEWAY:
                        c->gateway = optarg;
                        break;
                case 'v':
                        printf("agentctl %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                        exit(CLI_DONE);
                case 'h':
                        print_usage(stdout);
                        exit(CLI_DONE);
                default:
                        print_usage(stderr);
                        return CLI_MISUSED;
                }
        }
        return CLI_DONE;
}

/* `agentctl status -o json` is what people type: global options count behind the verb too. */
static int take_output(struct cli *c, int argc, char **argv) {
        int kept = 1;

        for (int i = 1; i < argc; i++) {
                const char *value = NULL;

                if (str_eq(argv[i], "-o") || str_eq(argv[i], "--output"))
                        value = i + 1 < argc ? argv[++i] : "";
                else if (str_starts(argv[i], "--output="))
                        value = argv[i] + 9;
                else if (str_starts(argv[i], "-ojson"))
                        value = "json";
                else if (str_eq(argv[i], "--host") && i + 1 < argc)
                        c->host = argv[++i];
                else
                        argv[kept++] = argv[i];
                if (!value)
                        continue;
                if (!str_eq(value, "json") && !str_eq(value, "table"))
                        return -1;
                c->json = str_eq(value, "json");
        }
        argv[kept] = NULL;
        return kept;
}

int main(int argc, char **argv) {
        static char default_pki[512], shutdown_all[] = "shutdown-all";
        const char *home = getenv("HOME"), *slash = strrchr(argv[0], '/');
        struct cli c = { .program = slash ? slash + 1 : argv[0],
                         .pki = getenv("BRAMBLE_PKI"),
                         .socket = "/run/bramble/agent.sock" };
        const struct cli_verb *v;
        int r;

        (void)snprintf(default_pki, sizeof(default_pki), "%s/.config/bramble", str_or(home, ""));
        if (!c.pki)
                c.pki = default_pki;
        /* the program of that name is that verb */
        optind = str_eq(c.program, shutdown_all) ? 0 : 1;
        r = optind ? parse_options(&c, argc, argv) : CLI_DONE;
        if (r != CLI_DONE)
                return r;
        if (optind >= argc) {
                print_usage(stderr);
                return CLI_MISUSED;
        }
        if (optind == 0)
                argv[0] = shutdown_all;
        argc -= optind;
        argv += optind;
        if (str_eq(argv[0], "help")) {
                print_usage(stdout);
                return CLI_DONE;
        }
        v = find_verb(argv[0]);
        if (!v) {
                fprintf(stderr, "%s: there is no verb '%s'; %s --help lists them\n", c.program,
                        cli_safe(argv[0]), c.program);
                return CLI_MISUSED;
        }
        argc = take_output(&c, argc, argv);
        if (argc < 0)
                return cli_misused(&c, v->name, "-o is json or table");
        for (int i = 1; i < argc; i++)
                if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
                        print_verb_usage(stdout, v);
                        return CLI_DONE;
                }
        for (int i = 1; i < argc && !v->options; i++)
                if (argv[i][0] == '-' && strspn(argv[i] + 1, "0123456789.") < strlen(argv[i] + 1))
                        return cli_misused(&c, v->name, "%s has no option '%s'", v->name,
                                           cli_safe(argv[i]));
        if (argc - 1 < v->least || (v->most >= 0 && argc - 1 > v->most))
                return cli_misused(&c, v->name, "%s takes %s", v->name,
                                   v->args[0] ? v->args : "no arguments");
        optind = 0; /* the verbs parse their own options */
        return v->run(&c, argc, argv);
}

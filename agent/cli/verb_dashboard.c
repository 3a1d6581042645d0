/* verb_dashboard - opens the dashboard in a browser, or says where it is. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/verbs.h"
#include "io/config.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG  "/etc/bramble/bramble.conf"
#define BROWSER "xdg-open"

/* The port that this board's own gateway has; other boards are set up like it. */
static unsigned gateway_port(const struct cli *c) {
        struct fail f = { 0 };
        struct config config;

        config_init(&config);
        if (c->host || config_read(&config, CONFIG, &f) < 0)
                config_init(&config);
        return config.gateway_port;
}

static bool has_display(void) {
        const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

        return (x && x[0]) || (wayland && wayland[0]);
}

/* Whether a browser took it. */
static bool open_browser(const char *url) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
                        (void)dup2(null, fd);
                (void)execlp(BROWSER, BROWSER, url, (char *)NULL);
                _exit(127);
        }
        if (pid < 0)
                return false;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Every board that is up has the dashboard; the master is named first. */
static cJSON *urls_of(const struct cli *c, const cJSON *status) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(status, "nodes"), *n;
        cJSON *urls = cJSON_CreateArray();
        unsigned port = gateway_port(c);

        cJSON_ArrayForEach(n, nodes) {
                const char *address = json_text(n, "address", "");
                bool master = str_eq(json_text(n, "role", ""), "master");
                char url[256];
                cJSON *o;

                if (!address[0] || !str_eq(json_text(n, "state", ""), "up"))
                        continue;
                (void)snprintf(url, sizeof(url), "http://%.60s:%u/ui/", cli_safe(address), port);
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "board", json_text(n, "name", ""));
                (void)cJSON_AddStringToObject(o, "url", url);
                if (master)
                        (void)cJSON_InsertItemInArray(urls, 0, o);
                else
                        (void)cJSON_AddItemToArray(urls, o);
        }
        return urls;
}

static void print_urls(const cJSON *urls) {
        const cJSON *o;

        printf("The dashboard is on every board:\n");
        cJSON_ArrayForEach(o, urls) {
                printf("  %-36s %s\n", cli_safe(json_text(o, "url", "")),
                       cli_safe(json_text(o, "board", "")));
        }
}

/* Where a browser on this machine finds it. */
static void own_url(const struct cli *c, char *dst, size_t size) {
        char base[256];

        if (c->gateway || c->host)
                (void)snprintf(dst, size, "%s/ui/", cli_gateway(c, base, sizeof(base)));
        else
                (void)snprintf(dst, size, "http://127.0.0.1:%u/ui/", gateway_port(c));
}

static int show(const struct cli *c, const cJSON *status, bool may_open) {
        bool opened = false;
        cJSON *urls;
        char url[512];

        own_url(c, url, sizeof(url));
        if (may_open && has_display())
                opened = open_browser(url);
        urls = urls_of(c, status);
        if (c->json) {
                cJSON *all = cJSON_CreateObject();

                (void)cJSON_AddBoolToObject(all, "opened", opened);
                (void)cJSON_AddItemToObject(all, "urls", urls);
                return cli_print_json(all);
        }
        if (opened)
                printf("%s is open in your browser.\n", cli_safe(url));
        else if (urls->child)
                print_urls(urls);
        else
                printf("The dashboard is at %s\n", cli_safe(url));
        printf("Log in with what `agentctl auth` says.\n");
        cJSON_Delete(urls);
        return CLI_DONE;
}

int verb_dashboard(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "print", no_argument, NULL, 'p' }, { 0 } };
        bool may_open = true;
        cJSON *status;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (o != 'p')
                        return cli_misused(c, argv[0], "dashboard takes --print, or nothing");
                may_open = false;
        }
        if (optind != argc)
                return cli_misused(c, argv[0], "dashboard takes --print, or nothing");
        r = cli_ask(c, cli_request("status"), NULL, NULL, &status);
        if (r != CLI_DONE)
                return r;
        r = show(c, status, may_open);
        cJSON_Delete(status);
        return r;
}

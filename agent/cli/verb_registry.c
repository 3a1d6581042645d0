/* verb_registry - logins of image registries, kept on every board of the bramble. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

enum { PASSWORD_BYTES = 4096 };

/* One line without its newline; 'secret': not shown as it is typed. */
static int read_line(const char *prompt, bool secret, char *dst, size_t size) {
        struct termios old, quiet;
        bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
        char *line;

        if (terminal)
                fprintf(stderr, "%s", prompt);
        if (terminal && secret) {
                quiet = old;
                quiet.c_lflag &= (tcflag_t)~ECHO;
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        }
        line = fgets(dst, (int)size, stdin);
        if (terminal && secret) {
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
                fprintf(stderr, "\n");
        }
        if (!line)
                return -ENODATA;
        dst[strcspn(dst, "\r\n")] = '\0';
        return dst[0] ? 0 : -ENODATA;
}

static void print_boards(const cJSON *reply, const char *key, const char *format) {
        const cJSON *v, *array = cJSON_GetObjectItemCaseSensitive(reply, key);
        char text[512] = "";
        size_t len = 0;

        cJSON_ArrayForEach(v, array) {
                int n = snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "",
                                 cli_safe(cJSON_IsString(v) ? v->valuestring : "?"));

                if (n < 0 || (size_t)n >= sizeof(text) - len)
                        break;
                len += (size_t)n;
        }
        if (!text[0])
                return;
        fprintf(stdout, "%s%s\n", format, text);
}

static int send_request(const struct cli *c, cJSON *request) {
        cJSON *reply;
        int r = cli_ask(c, request, NULL, NULL, &reply);

        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        print_boards(reply, "boards", "done on ");
        print_boards(reply, "missed", "not on (off, or too slow): do it again when they are up: ");
        cJSON_Delete(reply);
        return CLI_DONE;
}

static int login(const struct cli *c, const char *host, const char *user) {
        char name[256], password[PASSWORD_BYTES];
        cJSON *request;

        if (!user && read_line("user: ", false, name, sizeof(name)) < 0)
                return cli_fail(c, "a login needs a user: --user NAME");
        if (read_line("password: ", true, password, sizeof(password)) < 0)
                return cli_fail(c, "a login needs a password, on standard input");
        request = cli_request("registry-login");
        (void)cJSON_AddStringToObject(request, "host", host);
        (void)cJSON_AddStringToObject(request, "user", user ? user : name);
        (void)cJSON_AddStringToObject(request, "password", password);
        explicit_bzero(password, sizeof(password));
        return send_request(c, request);
}

static int list(const struct cli *c) {
        static const char *const titles[] = { "REGISTRY", "USER", NULL };
        cJSON *reply, *l;
        struct table *t;
        int r = cli_ask(c, cli_request("registry-logins"), NULL, NULL, &reply);

        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        t = table_new(titles);
        cJSON_ArrayForEach(l, cJSON_GetObjectItemCaseSensitive(reply, "logins")) {
                table_row(t);
                table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(l, "host", "?")));
                table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(l, "user", "?")));
        }
        table_print(t);
        cJSON_Delete(reply);
        return CLI_DONE;
}

int verb_registry(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "user", required_argument, NULL, 'u' }, { 0 } };
        const char *user = NULL, *host;
        cJSON *request;
        int o;

        while ((o = getopt_long(argc, argv, "u:", options, NULL)) != -1) {
                if (o != 'u')
                        return cli_misused(c, argv[0], "this option is not known");
                user = optarg;
        }
        argc -= optind;
        argv += optind;
        host = argc > 1 ? argv[1] : "docker.io";
        if (argc == 1 && str_eq(argv[0], "list"))
                return list(c);
        if (argc >= 1 && argc <= 2 && str_eq(argv[0], "login"))
                return login(c, host, user);
        if (argc == 2 && str_eq(argv[0], "logout")) {
                request = cli_request("registry-logout");
                (void)cJSON_AddStringToObject(request, "host", host);
                return send_request(c, request);
        }
        return cli_misused(c, "registry", "registry knows login [HOST], logout HOST and list");
}

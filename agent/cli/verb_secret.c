/* verb_secret - secrets: their names come out, their values only go in, and never as an argument,
 * which everybody on this computer could read. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "cli/verbs.h"
#include "core/base64.h"
#include "core/limits.h"
#include "io/json.h"
#include "io/secret_box.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { OPT_FILE = 256, OPT_NAMESPACE, OPT_EXACT, OPT_LITERAL };

struct asked {
        const char *file; /* NULL: standard input */
        const char *namespace;
        bool exact, literal;
};

/* All of it, at most a byte more than is taken. */
static int read_all(int fd, struct buf *out) {
        ssize_t n = 1;
        int r = buf_reserve(out, LIMIT_SECRET_BYTES + 1);

        while (r == 0 && n > 0 && out->len <= LIMIT_SECRET_BYTES) {
                n = read(fd, out->data + out->len, LIMIT_SECRET_BYTES + 1 - out->len);
                if (n > 0)
                        out->len += (size_t)n;
                else if (n < 0)
                        r = -errno;
        }
        return r;
}

/* One line, which the terminal does not show. */
static int read_hidden(struct buf *out) {
        struct termios old, hidden;
        ssize_t n;
        int r = buf_reserve(out, LIMIT_SECRET_BYTES + 1);

        if (r < 0 || tcgetattr(STDIN_FILENO, &old) < 0)
                return r < 0 ? r : -errno;
        hidden = old;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "value (it is not shown): ");
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) < 0)
                return -errno;
        n = read(STDIN_FILENO, out->data, LIMIT_SECRET_BYTES + 1);
        r = n < 0 ? -errno : 0;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fprintf(stderr, "\n");
        if (n > 0)
                out->len = (size_t)n;
        return r;
}

/* `echo value |` and editors put a newline behind it that nobody means. */
static void drop_newline(struct buf *b) {
        if (b->len > 0 && b->data[b->len - 1] == '\n')
                b->len--;
        if (b->len > 0 && b->data[b->len - 1] == '\r')
                b->len--;
}

static int read_value(const struct cli *c, const struct asked *a, struct buf *out) {
        auto_close int file = -EBADF;
        int r;

        if (a->file && !str_eq(a->file, "-")) {
                file = open(a->file, O_RDONLY | O_CLOEXEC);
                r = file < 0 ? -errno : read_all(file, out);
        } else {
                r = isatty(STDIN_FILENO) ? read_hidden(out) : read_all(STDIN_FILENO, out);
        }
        if (r < 0)
                return cli_fail(c, "cannot read %s: %s",
                                a->file ? cli_safe(a->file) : "standard input", strerror(-r));
        if (out->len > LIMIT_SECRET_BYTES)
                return cli_fail(c, "the value is larger than %d KB: put larger data into the image",
                                LIMIT_SECRET_BYTES / 1024);
        if (!a->exact)
                drop_newline(out);
        return out->len > 0 ? CLI_DONE
                            : cli_fail(c, "the value is empty: type one, pipe it in, or say "
                                          "--from-file FILE");
}

static cJSON *request_for(const char *verb, const char *name, const char *namespace) {
        cJSON *o = cli_request(verb);

        if (name)
                (void)cJSON_AddStringToObject(o, "name", name);
        if (namespace)
                (void)cJSON_AddStringToObject(o, "namespace", namespace);
        return o;
}

static int list(const struct cli *c, const struct asked *a) {
        cJSON *o, *secrets, *s;
        int r = cli_ask(c, request_for("secrets", NULL, a->namespace), NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        secrets = cJSON_DetachItemFromObjectCaseSensitive(o, "secrets");
        cJSON_Delete(o);
        if (c->json)
                return cli_print_json(secrets);
        if (cJSON_GetArraySize(secrets) == 0)
                printf("no secrets in %s: agentctl secret create NAME\n",
                       a->namespace ? cli_safe(a->namespace) : "openfaas-fn");
        cJSON_ArrayForEach(s, secrets) {
                printf("%s\n", cli_safe(json_text(s, "name", "?")));
        }
        cJSON_Delete(secrets);
        return CLI_DONE;
}

static int ask_and_say(const struct cli *c, cJSON *request, const char *name, const char *done) {
        cJSON *o;
        int r = cli_ask(c, request, NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        cJSON_Delete(o);
        printf("%s is %s\n", cli_safe(name), done);
        return CLI_DONE;
}

static int set(const struct cli *c, const struct asked *a, const char *name, bool create) {
        auto_secret struct buf value = { 0 }, text = { 0 };
        cJSON *request;
        int r = read_value(c, a, &value);

        if (r != CLI_DONE)
                return r;
        if (buf_reserve(&text, (value.len + 2) / 3 * 4 + 1) < 0 ||
            base64_encode(value.data, value.len, &text) < 0)
                return cli_fail(c, "no memory");
        request = request_for("secret-set", name, a->namespace);
        (void)cJSON_AddStringToObject(request, "rawValue", text.data);
        (void)cJSON_AddTrueToObject(request, create ? "only_new" : "only_existing");
        return ask_and_say(c, request, name, create ? "created" : "updated");
}

static bool take_options(struct asked *a, int argc, char **argv) {
        static const struct option options[] = {
                { "from-file", required_argument, NULL, OPT_FILE },
                { "namespace", required_argument, NULL, OPT_NAMESPACE },
                { "exact", no_argument, NULL, OPT_EXACT },
                { "from-literal", required_argument, NULL, OPT_LITERAL },
                { 0 }
        };
        int o;

        while ((o = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
                if (o == OPT_FILE)
                        a->file = optarg;
                else if (o == OPT_NAMESPACE || o == 'n')
                        a->namespace = optarg;
                else if (o == OPT_EXACT)
                        a->exact = true;
                else if (o == OPT_LITERAL)
                        a->literal = true;
                else
                        return false;
        }
        return true;
}

int verb_secret(const struct cli *c, int argc, char **argv) {
        const char *what, *name;
        struct asked a = { 0 };
        int n;

        if (!take_options(&a, argc, argv))
                return cli_misused(c, argv[0], "this option is not known");
        if (a.literal)
                return cli_misused(c, argv[0],
                                   "a value among the arguments can be read by everybody on this "
                                   "computer, and stays in the shell's history: type it when it is "
                                   "asked for, or use --from-file FILE, or a pipe");
        n = argc - optind;
        what = n > 0 ? argv[optind] : "";
        name = n > 1 ? argv[optind + 1] : NULL;
        if (str_eq(what, "list") && n == 1)
                return list(c, &a);
        if (n > 2)
                return cli_misused(c, argv[0],
                                   "a value among the arguments can be read by everybody on this "
                                   "computer: use --from-file FILE, or a pipe");
        if (name && str_eq(what, "create"))
                return set(c, &a, name, true);
        if (name && str_eq(what, "update"))
                return set(c, &a, name, false);
        if (name && str_eq(what, "remove"))
                return ask_and_say(c, request_for("secret-remove", name, a.namespace), name,
                                   "removed");
        return cli_misused(c, argv[0], "secret takes list, or create, update or remove and a NAME");
}

#include "crictl/options.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <string.h>

#define DEFAULT_ENDPOINT "unix:///run/containerd/containerd.sock"

int options_duration(const char *text, unsigned *ret_ms) {
        static const struct {
                const char *name;
                unsigned ms;
        } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
        enum { DAY_MS = 86400000 };
        uint64_t total = 0, n;
        char digits[12];

        if (str_to_u64(text, DAY_MS / 1000, &n) == 0) {
                *ret_ms = (unsigned)n * 1000;
                return 0;
        }
        if (!text[0])
                return -EINVAL;
        while (*text) {
                size_t len = strspn(text, "0123456789"), unit = 0, i;

                if (str_copy_n(digits, sizeof(digits), text, len) < 0 ||
                    str_to_u64(digits, DAY_MS, &n) < 0)
                        return -EINVAL;
                text += len;
                unit = strcspn(text, "0123456789");
                for (i = 0; i < ARRAY_SIZE(units); i++)
                        if (strlen(units[i].name) == unit &&
                            strncmp(text, units[i].name, unit) == 0)
                                break;
                if (i == ARRAY_SIZE(units))
                        return -EINVAL;
                total += n * units[i].ms;
                if (total > DAY_MS)
                        return -ERANGE;
                text += unit;
        }
        *ret_ms = (unsigned)total;
        return 0;
}

static const char *skip_space(const char *p) {
        return p + strspn(p, " \t\n");
}

int options_template_key(const char *template, const char **at, char *dst, size_t size) {
        const char *p = *at;
        size_t len;

        if (!p) {
                p = skip_space(template);
                if (!str_starts(p, "{{"))
                        return -EINVAL;
                p = skip_space(p + 2);
                if (*p != '.')
                        return -EINVAL;
        }
        if (*p != '.')
                return str_starts(skip_space(p), "}}") && !*skip_space(skip_space(p) + 2) ? 0
                                                                                          : -EINVAL;
        len = strspn(++p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (len == 0 || str_copy_n(dst, size, p, len) < 0)
                return -EINVAL;
        *at = p + len;
        return 1;
}

/* Go's boolean flags: "-D", "-D=false". */
static bool boolean_ok(const char *value) {
        static const char *const words[] = { "true", "false", "1", "0", "t", "f" };

        if (!value)
                return true;
        value += value[0] == '=';
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (str_eq(value, words[i]))
                        return true;
        return false;
}

/* getopt_long has passed, or stands behind, the word that it does not know. */
static int unknown(struct fail *f, const char *whose, char **argv) {
        return fail(f, -EINVAL, "'%.80s' is no option of %s, or lacks its value",
                    argv[optind - (optind > 1)], whose);
}

static int parse_global(int argc, char **argv, struct options *o, struct fail *f) {
        static const struct option table[] = {
                { "runtime-endpoint", required_argument, NULL, 'r' },
                { "image-endpoint", required_argument, NULL, 'i' },
                { "timeout", required_argument, NULL, 't' },
                { "debug", optional_argument, NULL, 'D' },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int k;

        opterr = 0;
        optind = 0;
        while ((k = getopt_long(argc, argv, "+:r:i:t:D::vh", table, NULL)) != -1) {
                switch (k) {
                case 'r':
                        o->runtime_endpoint = optarg;
                        break;
                case 'i':
                        o->image_endpoint = optarg;
                        break;
                case 't':
                        if (options_duration(optarg, &o->timeout_ms) < 0 || o->timeout_ms == 0)
                                return fail(f, -EINVAL, "'%.40s' is no time such as 30s", optarg);
                        o->timeout_given = true;
                        break;
                case 'D':
                        if (!boolean_ok(optarg))
                                return fail(f, -EINVAL, "-D is true or false");
                        break;
                case 'v':
                        o->version = true;
                        break;
                case 'h':
                        o->help = true;
                        break;
                default:
                        return unknown(f, "crictl", argv);
                }
        }
        return 0;
}

/* Sets what one option of a verb says; which TAKES_ it is, 0 for none. */
static unsigned take_option(struct options *o, int k, const char **output) {
        switch (k) {
        case 'q':
                o->quiet = true;
                return TAKES_QUIET;
        case 'a':
                o->all = true;
                return TAKES_ALL;
        case 'f':
                o->force = true;
                return TAKES_FORCE;
        case 'n':
                o->name = optarg;
                return TAKES_NAME;
        case 'p':
                o->pod = optarg;
                return TAKES_POD;
        case 'o':
                *output = optarg;
                return TAKES_OUTPUT;
        case 'T':
                o->template = optarg;
                return TAKES_TEMPLATE;
        default:
                return 0;
        }
}

/* -o json stands alone, -o go-template with a template that we understand. */
static int check_output(const struct options *o, const char *output, struct fail *f) {
        const char *at = NULL;
        char key[64];
        int r;

        if (!output && !o->template)
                return 0;
        if (str_eq(output, "json") && !o->template)
                return 0;
        if (!(o->verb->takes & TAKES_TEMPLATE))
                return fail(f, -EINVAL, "%s: -o is json", o->verb->name);
        if (!str_eq(output, "go-template") || !o->template)
                return fail(f, -EINVAL, "%s: -o is json, or go-template with --template",
                            o->verb->name);
        while ((r = options_template_key(o->template, &at, key, sizeof(key))) == 1)
                ;
        if (r < 0)
                return fail(f, r, "the template may only name a value: {{.config.sandboxImage}}");
        return 0;
}

static int parse_verb(int argc, char **argv, struct options *o, struct fail *f) {
        static const struct option table[] = {
                { "quiet", no_argument, NULL, 'q' },
                { "all", no_argument, NULL, 'a' },
                { "force", no_argument, NULL, 'f' },
                { "name", required_argument, NULL, 'n' },
                { "pod", required_argument, NULL, 'p' },
                { "output", required_argument, NULL, 'o' },
                { "template", required_argument, NULL, 'T' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        const struct verb *v = o->verb;
        const char *output = NULL;
        int k, n;

        optind = 0;
        while ((k = getopt_long(argc, argv, ":qafp:o:h", table, NULL)) != -1) {
                if (k == 'h')
                        o->help = true;
                else if (!(take_option(o, k, &output) & v->takes))
                        return unknown(f, v->name, argv);
        }
        n = argc - optind;
        o->names = argv + optind;
        if (o->help)
                return 0;
        if (n < v->least || (v->most >= 0 && n > v->most))
                return fail(f, -EINVAL, "%s takes %s", v->name,
                            v->args[0] ? v->args : "no arguments");
        for (int i = 0; i < n; i++)
                if (!o->names[i][0])
                        return fail(f, -EINVAL, "%s: an argument is empty", v->name);
        return check_output(o, output, f);
}

int options_parse(int argc, char **argv, const char *endpoint, const struct verb *verbs,
                  struct options *ret, struct fail *f) {
        struct options o = {
                .runtime_endpoint = endpoint && endpoint[0] ? endpoint : DEFAULT_ENDPOINT,
                .timeout_ms = OPTIONS_TIMEOUT_MS,
        };
        int r = parse_global(argc, argv, &o, f);

        if (r < 0)
                return r;
        if (optind >= argc && !o.help && !o.version)
                return fail(f, -EINVAL, "which verb? crictl --help lists them");
        if (optind < argc && !o.help && !o.version) {
                int at = optind;

                for (const struct verb *v = verbs; v->name && !o.verb; v++)
                        if (str_eq(v->name, argv[at]))
                                o.verb = v;
                if (!o.verb)
                        return fail(f, -EINVAL,
                                    "there is no verb '%.40s'; crictl --help lists them", argv[at]);
                r = parse_verb(argc - at, argv + at, &o, f);
        }
        if (r == 0)
                *ret = o;
        return r;
}

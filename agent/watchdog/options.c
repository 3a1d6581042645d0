#include "watchdog/options.h"

#include "base/scope.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MOST_USEC (365 * USEC_PER_DAY) /* far below what could overflow a deadline */

static int parse_endpoint(const char *text, void *slot) {
        struct endpoint *ret = slot, e = { .address = htonl(INADDR_ANY) };
        const char *colon = strrchr(text, ':');
        char address[INET_ADDRSTRLEN];
        uint64_t port;

        if (colon && (str_copy_n(address, sizeof(address), text, (size_t)(colon - text)) < 0 ||
                      inet_pton(AF_INET, address, &e.address) != 1))
                return -EINVAL;
        if (str_to_u64(colon ? colon + 1 : text, UINT16_MAX, &port) < 0)
                return -EINVAL;
        e.port = (uint16_t)port;
        *ret = e;
        return 0;
}

/* "10" is seconds; "1m30s" and "500ms" as Go writes durations, but whole numbers only. */
static int parse_duration(const char *text, void *slot) {
        static const struct {
                const char *suffix;
                usec_t unit;
        } units[] = { { "ms", USEC_PER_MSEC },
                      { "h", USEC_PER_HOUR },
                      { "m", USEC_PER_MIN },
                      { "s", USEC_PER_SEC } };
        usec_t sum = 0, *ret = slot;
        const char *at = text;

        do {
                size_t digits = strspn(at, "0123456789"), i = 0;
                uint64_t value;
                char number[12];

                if (str_copy_n(number, sizeof(number), at, digits) < 0 ||
                    str_to_u64(number, MOST_USEC / USEC_PER_SEC, &value) < 0)
                        return -EINVAL;
                if (!at[digits] && at == text) {
                        *ret = value * USEC_PER_SEC;
                        return 0;
                }
                at += digits;
                while (i < ARRAY_SIZE(units) && !str_starts(at, units[i].suffix))
                        i++;
                if (i == ARRAY_SIZE(units))
                        return -EINVAL;
                sum += value * units[i].unit;
                if (sum > MOST_USEC)
                        return -EINVAL;
                at += strlen(units[i].suffix);
        } while (*at);
        *ret = sum;
        return 0;
}

static int parse_inflight(const char *text, void *slot) {
        unsigned *ret = slot;
        uint64_t value;

        if (str_to_u64(text, OPTIONS_INFLIGHT, &value) < 0)
                return -EINVAL;
        *ret = (unsigned)value;
        return 0;
}

static int parse_bool(const char *text, void *slot) {
        bool *ret = slot;

        *ret = str_eq(text, "true") || str_eq(text, "1");
        return *ret || str_eq(text, "false") || str_eq(text, "0") ? 0 : -EINVAL;
}

static int parse_path(const char *text, void *slot) {
        const char **ret = slot;

        *ret = text;
        return text[0] == '/' ? 0 : -EINVAL;
}

/* Goes into a header as it is. */
static int parse_content_type(const char *text, void *slot) {
        const char **ret = slot;

        for (const char *p = text; *p; p++)
                if (*p < ' ' || *p > '~')
                        return -EINVAL;
        *ret = text[0] ? text : NULL;
        return strlen(text) < 128 ? 0 : -EINVAL;
}

static int parse_mode(const char *text, void *slot) {
        (void)slot;
        return str_eq(text, "classic") ? 0 : -EINVAL;
}

static int parse_command(const char *text, void *slot) {
        struct options *o = slot;
        char *save = NULL;
        size_t n = 0;

        free(o->command);
        o->command = strdup(text);
        if (!o->command)
                return -ENOMEM;
        for (char *p = strtok_r(o->command, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
                if (n == OPTIONS_ARGS)
                        return -EINVAL;
                o->args[n++] = p;
        }
        return n ? 0 : -EINVAL;
}

static const struct variable {
        const char *name, *fallback; /* also taken where the variable is empty */
        int (*parse)(const char *text, void *slot);
        size_t offset;
        const char *help;
} variables[] = {
#define SLOT(member) offsetof(struct options, member)
        { "fprocess", "", parse_command, 0, "the command that answers a call, split at spaces" },
        { "mode", "classic", parse_mode, 0, "how it is run; classic: one process for each call" },
        { "port", "8080", parse_endpoint, SLOT(port), "PORT or IPV4:PORT; 0: any free one" },
        { "metrics_port", "8081", parse_endpoint, SLOT(metrics_port), "the same, for /metrics" },
        { "read_timeout", "10s", parse_duration, SLOT(read_timeout_usec),
          "for a whole request: 10, 1m30s, 500ms; 0: no limit" },
        { "write_timeout", "10s", parse_duration, SLOT(write_timeout_usec),
          "for a whole answer, and for what runs at SIGTERM" },
        { "exec_timeout", "0", parse_duration, SLOT(exec_timeout_usec),
          "for the command, which is killed then" },
        { "max_inflight", "0", parse_inflight, SLOT(max_inflight),
          "calls at a time, more are refused with 429; 0: no limit" },
        { "combine_output", "true", parse_bool, SLOT(combine_output),
          "stderr goes into the answer too" },
        { "cgi_headers", "true", parse_bool, SLOT(cgi_headers),
          "the request's headers go into the environment" },
        { "content_type", "", parse_content_type, SLOT(content_type),
          "of the answer, in place of the request's" },
        { "suppress_lock", "false", parse_bool, SLOT(suppress_lock), "no lock file" },
        { "lock_file", "/tmp/.lock", parse_path, SLOT(lock_file), "is there while healthy" },
#undef SLOT
};

int options_read(struct options *ret, struct fail *f) {
        struct options o = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
                const struct variable *v = &variables[i];
                const char *text = getenv(v->name);
                int r;

                if (!text || !text[0])
                        text = v->fallback;
                r = v->parse(text, (char *)&o + v->offset);
                if (r < 0) {
                        options_done(&o);
                        return fail(f, r, "%s='%.80s' makes no sense: it is %s", v->name, text,
                                    v->help);
                }
        }
        *ret = o;
        return 0;
}

void options_done(struct options *o) {
        free(o->command);
        *o = (struct options){ 0 };
}

void options_help(FILE *to) {
        for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
                fprintf(to, "  %-15s %-11s %s\n", variables[i].name, variables[i].fallback,
                        variables[i].help);
}

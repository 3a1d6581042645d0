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
        static const char *const names[] = { "classic", "streaming", "serializing", "http",
                                             "static" };
        enum mode_name *ret = slot;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (!str_eq(text, names[i]))
                        continue;
                *ret = (enum mode_name)i;
                return 0;
        }
        return -EINVAL;
}

/* Whether stderr is part of an answer depends on the mode where nobody says so. */
static int parse_combine(const char *text, void *slot) {
        struct options *o = slot;

        o->combine_set = text[0] != '\0';
        return o->combine_set ? parse_bool(text, &o->combine_output) : 0;
}

/* Goes into a request as it is. */
static bool is_target(const char *text) {
        for (const char *p = text; *p; p++)
                if (*p <= ' ' || *p > '~' || *p == '#')
                        return false;
        return text[0] == '/';
}

static int parse_ready_path(const char *text, void *slot) {
        const char **ret = slot;

        *ret = text[0] ? text : NULL;
        return !text[0] || is_target(text) ? 0 : -EINVAL;
}

/* No names but one: a static program has no resolver, and the function is in here. */
static int parse_authority(char *at, struct endpoint *ret) {
        char *colon = strchr(at, ':');
        uint64_t port = 80;

        if (colon) {
                *colon = '\0';
                if (str_to_u64(colon + 1, UINT16_MAX, &port) < 0 || port == 0)
                        return -EINVAL;
        }
        ret->port = (uint16_t)port;
        return inet_pton(AF_INET, str_eq(at, "localhost") ? "127.0.0.1" : at, &ret->address) == 1
                       ? 0
                       : -EINVAL;
}

static int parse_upstream(const char *text, void *slot) {
        static const char scheme[] = "http://";
        struct upstream_url *ret = slot;
        size_t host;
        char at[64];

        if (!text[0]) /* missed where it is needed */
                return 0;
        if (!str_starts(text, scheme))
                return -EINVAL;
        text += sizeof(scheme) - 1;
        host = strcspn(text, "/");
        if (str_copy_n(at, sizeof(at), text, host) < 0)
                return -EINVAL;
        ret->path = text + host;
        if (ret->path[0] && (!is_target(ret->path) || strchr(ret->path, '?')))
                return -EINVAL;
        ret->path_len = strlen(ret->path);
        while (ret->path_len > 0 && ret->path[ret->path_len - 1] == '/')
                ret->path_len--;
        return parse_authority(at, &ret->at);
}

static int parse_command(const char *text, void *slot) {
        struct options *o = slot;
        char *save = NULL;
        size_t n = 0;

        if (!text[0]) /* missed where it is needed */
                return 0;
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
        const char *name, *other; /* what of-watchdog calls it too, or NULL */
        const char *fallback;     /* also taken where the variable is empty */
        int (*parse)(const char *text, void *slot);
        size_t offset;
        const char *help;
} variables[] = {
#define SLOT(member) offsetof(struct options, member)
        { "fprocess", "function_process", "", parse_command, 0,
          "the command that answers a call, split at spaces" },
        { "mode", NULL, "classic", parse_mode, SLOT(mode),
          "classic, streaming or serializing: a process for each call; http: one, which serves "
          "HTTP; static: files" },
        { "port", NULL, "8080", parse_endpoint, SLOT(port), "PORT or IPV4:PORT; 0: any free one" },
        { "metrics_port", NULL, "8081", parse_endpoint, SLOT(metrics_port),
          "the same, for /metrics" },
        { "read_timeout", NULL, "10s", parse_duration, SLOT(read_timeout_usec),
          "for a whole request: 10, 1m30s, 500ms; 0: no limit" },
        { "write_timeout", NULL, "10s", parse_duration, SLOT(write_timeout_usec),
          "for a whole answer, or the next piece of a streamed one, and for what runs at SIGTERM" },
        { "exec_timeout", "hard_timeout", "0", parse_duration, SLOT(exec_timeout_usec),
          "for the command, which is killed then; for an answer in mode http" },
        { "healthcheck_interval", NULL, "0", parse_duration, SLOT(healthcheck_usec),
          "so long calls are taken after SIGTERM, while health is 503 already" },
        { "max_inflight", NULL, "0", parse_inflight, SLOT(max_inflight),
          "calls at a time, more are refused with 429; 0: no limit" },
        { "combine_output", NULL, "", parse_combine, 0,
          "true or false: stderr goes into the answer too; only classic does where nobody says" },
        { "cgi_headers", NULL, "true", parse_bool, SLOT(cgi_headers),
          "the request's headers go into the environment" },
        { "content_type", NULL, "", parse_content_type, SLOT(content_type),
          "of the answer; else the request's in mode classic" },
        { "suppress_lock", NULL, "false", parse_bool, SLOT(suppress_lock), "no lock file" },
        { "lock_file", NULL, "/tmp/.lock", parse_path, SLOT(lock_file), "is there while healthy" },
        { "upstream_url", "http_upstream_url", "", parse_upstream, SLOT(upstream),
          "mode http: where the command serves, http://127.0.0.1:3000" },
        { "http_buffer_req_body", "buffer_http", "false", parse_bool, SLOT(buffer_body),
          "mode http: a body of unknown length is read first, to have one" },
        { "ready_path", NULL, "", parse_ready_path, SLOT(ready_path),
          "mode http: where the command answers whether it is ready, /healthz" },
        { "static_path", NULL, "/home/app/public", parse_path, SLOT(static_path),
          "mode static: the folder with the files" },
#undef SLOT
};

static int read_variable(struct options *o, const struct variable *v, struct fail *f) {
        const char *name = v->name, *text = getenv(name);
        int r;

        if ((!text || !text[0]) && v->other) {
                const char *other = getenv(v->other);

                if (other && other[0]) {
                        name = v->other;
                        text = other;
                }
        }
        if (!text || !text[0])
                text = v->fallback;
        r = v->parse(text, (char *)o + v->offset);
        return r < 0 ? fail(f, r, "%s='%.80s' makes no sense: it is %s", name, text, v->help) : 0;
}

/* What a mode cannot do without. */
static int check_mode(const struct options *o, struct fail *f) {
        if (o->mode != MODE_STATIC && !o->args[0])
                return fail(f, -EINVAL,
                            "fprocess is not set: it is the command that answers a call");
        if (o->mode == MODE_HTTP && !o->upstream.at.port)
                return fail(f, -EINVAL,
                            "upstream_url is not set: in mode http it is where the command serves, "
                            "http://127.0.0.1:3000");
        return 0;
}

int options_read(struct options *ret, struct fail *f) {
        struct options o = { 0 };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(variables) && r == 0; i++)
                r = read_variable(&o, &variables[i], f);
        if (r == 0)
                r = check_mode(&o, f);
        if (r < 0) {
                options_done(&o);
                return r;
        }
        if (!o.combine_set)
                o.combine_output = o.mode == MODE_CLASSIC;
        *ret = o;
        return 0;
}

void options_done(struct options *o) {
        free(o->command);
        *o = (struct options){ 0 };
}

void options_help(FILE *to) {
        for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
                fprintf(to, "  %-20s %-16s %s\n", variables[i].name, variables[i].fallback,
                        variables[i].help);
}

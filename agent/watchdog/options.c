#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_MISUSED = 2 };

static const char *env(const char *name, const char *fallback) {
        const char *value = getenv(name);

        return value && value[0] ? value : fallback;
}

_Noreturn static void misused(const char *name, const char *value) {
        fprintf(stderr, "fwatchdog: %s=%s makes no sense\n", name, value);
        exit(EXIT_MISUSED);
}

int options_duration(const char *text, usec_t *ret) {
        static const struct {
                const char *suffix;
                usec_t unit;
        } units[] = { { "ms", USEC_PER_MSEC },
                      { "h", USEC_PER_HOUR },
                      { "m", USEC_PER_MIN },
                      { "s", USEC_PER_SEC } };
        usec_t sum = 0;

        if (!text[0])
                return -EINVAL;
        while (*text) {
                size_t digits = strspn(text, "0123456789"), i;
                uint64_t value;
                char number[12];

                if (str_copy_n(number, sizeof(number), text, digits) < 0 ||
                    str_to_u64(number, 10000000, &value) < 0)
                        return -EINVAL;
                text += digits;
                if (!*text && sum == 0) { /* a bare number is seconds */
                        *ret = value * USEC_PER_SEC;
                        return 0;
                }
                for (i = 0; i < ARRAY_SIZE(units); i++)
                        if (str_starts(text, units[i].suffix))
                                break;
                if (i == ARRAY_SIZE(units))
                        return -EINVAL;
                sum += value * units[i].unit;
                text += strlen(units[i].suffix);
        }
        *ret = sum;
        return 0;
}

static usec_t duration(const char *name, const char *fallback) {
        const char *text = env(name, fallback);
        usec_t value;

        if (options_duration(text, &value) < 0)
                misused(name, text);
        return value;
}

static uint64_t number(const char *name, const char *fallback, uint64_t max) {
        const char *text = env(name, fallback);
        uint64_t value;

        if (str_to_u64(text, max, &value) < 0)
                misused(name, text);
        return value;
}

static bool yes(const char *name, const char *fallback) {
        const char *text = env(name, fallback);

        if (str_eq(text, "true") || str_eq(text, "1"))
                return true;
        if (!str_eq(text, "false") && !str_eq(text, "0"))
                misused(name, text);
        return false;
}

static void split(struct options *o, char *command) {
        char *save = NULL;
        size_t n = 0;

        for (char *p = strtok_r(command, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
                if (n == WATCHDOG_ARGS)
                        misused("fprocess", "more than 64 words");
                o->args[n++] = p;
        }
        if (n == 0) {
                fprintf(stderr, "fwatchdog: set fprocess to the command that answers a call\n");
                exit(EXIT_MISUSED);
        }
}

void options_read(struct options *o) {
        *o = (struct options){
                .port = (uint16_t)number("port", "8080", UINT16_MAX),
                .metrics_port = (uint16_t)number("metrics_port", "8081", UINT16_MAX),
                .max_inflight = (unsigned)number("max_inflight", "0", WATCHDOG_CONNECTIONS),
                .read_timeout_usec = duration("read_timeout", "10s"),
                .write_timeout_usec = duration("write_timeout", "10s"),
                .exec_timeout_usec = duration("exec_timeout", "0s"),
                .combine_output = yes("combine_output", "true"),
                .cgi_headers = yes("cgi_headers", "true"),
                .suppress_lock = yes("suppress_lock", "false"),
                .content_type = env("content_type", NULL),
        };
        split(o, strdup(env("fprocess", ""))); /* lives as long as the process */
}

/* output - how agentctl speaks: errors, JSON, and text from outside made harmless. */
#include "base/str.h"
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail(const struct cli *c, const char *format, ...) {
        va_list args;

        fprintf(stderr, "%s: ", c->program);
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
        return CLI_FAILED;
}

int cli_print_json(cJSON *o) {
        char *text = cJSON_Print(o);

        cJSON_Delete(o);
        if (!text)
                return CLI_FAILED;
        printf("%s\n", text);
        free(text);
        return CLI_DONE;
}

bool cli_on_terminal(int fd) {
        const char *term = getenv("TERM");

        return isatty(fd) && !getenv("NO_COLOR") && term && !str_eq(term, "dumb");
}

const char *cli_safe(const char *text) {
        static char buffers[16][512];
        static unsigned next;
        char *dst = buffers[next++ % 16];

        return str_printable(dst, sizeof(buffers[0]), text, strlen(text));
}

const char *cli_gateway(const struct cli *c, char *dst, size_t size) {
        if (c->gateway)
                (void)snprintf(dst, size, "%s", c->gateway);
        else
                (void)snprintf(dst, size, "http://%s:8080", c->host ? c->host : "127.0.0.1");
        return dst;
}

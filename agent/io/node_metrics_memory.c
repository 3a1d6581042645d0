/* node_metrics_memory - /proc/meminfo and the part of /proc/vmstat that node_exporter shows. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* "Active(anon)" is Active_anon. */
static bool clean(char *dst, size_t size, const char *field) {
        size_t len = 0;

        for (; *field; field++) {
                char c = *field == '(' ? '_' : *field;

                if (c == ')')
                        continue;
                if (len + 1 >= size || !(c == '_' || (c >= '0' && c <= '9') ||
                                         (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
                        return false;
                dst[len++] = c;
        }
        dst[len] = '\0';
        return len > 0;
}

static void print_field(struct buf *out, char *line) {
        char *colon = strchr(line, ':'), field[48], name[80], help[128];
        bool is_kb;
        uint64_t v;

        if (!colon)
                return;
        *colon = '\0';
        if (!clean(field, sizeof(field), line) || node_numbers(colon + 1, &v, 1) != 1)
                return;
        is_kb = str_ends(colon + 1, " kB");
        (void)snprintf(name, sizeof(name), "node_memory_%s%s", field, is_kb ? "_bytes" : "");
        (void)snprintf(help, sizeof(help), "Memory information field %s.",
                       name + strlen("node_memory_"));
        metrics_text_family(out, name, "gauge", help);
        metrics_text_count(out, name, NULL, is_kb ? v * 1024 : v);
}

static bool is_shown(const char *key) {
        return str_starts(key, "oom_kill") || str_starts(key, "pgpg") || str_starts(key, "pswp") ||
               (str_starts(key, "pg") && str_ends(key, "fault"));
}

static void print_vmstat(struct buf *out, char *line) {
        char *blank = strchr(line, ' '), field[48], name[96], help[96];
        uint64_t v;

        if (!blank)
                return;
        *blank = '\0';
        if (!is_shown(line) || !clean(field, sizeof(field), line) ||
            node_numbers(blank + 1, &v, 1) != 1)
                return;
        (void)snprintf(name, sizeof(name), "node_vmstat_%s", field);
        (void)snprintf(help, sizeof(help), "/proc/vmstat information field %s.", field);
        metrics_text_family(out, name, "untyped", help);
        metrics_text_count(out, name, NULL, v);
}

void node_memory(struct node *n) {
        char *text = node_read(n, "proc/meminfo"), *line;

        while ((line = node_line(&text)))
                print_field(n->out, line);
        text = node_read(n, "proc/vmstat");
        while ((line = node_line(&text)))
                print_vmstat(n->out, line);
}

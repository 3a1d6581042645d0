#include "core/metrics_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The value of a label, escaped.  False where it does not fit. */
static bool escape(char *dst, size_t size, const char *value) {
        size_t len = 0;

        for (; *value; value++) {
                char c = *value;

                if (len + 3 > size)
                        return false;
                if (c == '\n' || c == '"' || c == '\\')
                        dst[len++] = '\\';
                if (c == '\n')
                        c = 'n';
                dst[len++] = c < ' ' || c > '~' ? '?' : c;
        }
        dst[len] = '\0';
        return true;
}

void metrics_text_label(struct metrics_labels *l, const char *name, const char *value) {
        char escaped[METRICS_LABELS_BYTES];
        size_t left = sizeof(l->text) - l->len;
        int n;

        if (!escape(escaped, sizeof(escaped), value))
                return;
        n = snprintf(l->text + l->len, left, "%s%s=\"%s\"", l->len ? "," : "", name, escaped);
        if (n < 0 || (size_t)n >= left)
                l->text[l->len] = '\0';
        else
                l->len += (size_t)n;
}

void metrics_text_family(struct buf *out, const char *name, const char *type, const char *help) {
        (void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_line(struct buf *out, const char *name, const struct metrics_labels *labels,
                     const char *value) {
        bool any = labels && labels->len > 0;

        (void)buf_printf(out, "%s%s%s%s %s\n", name, any ? "{" : "", any ? labels->text : "",
                         any ? "}" : "", value);
}

void metrics_text_count(struct buf *out, const char *name, const struct metrics_labels *labels,
                        uint64_t value) {
        char text[24];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
        add_line(out, name, labels, text);
}

void metrics_text_sample(struct buf *out, const char *name, const struct metrics_labels *labels,
                         double value) {
        char text[40];

        (void)snprintf(text, sizeof(text), "%.15g", value);
        add_line(out, name, labels, text);
}

void metrics_text_one(struct buf *out, const char *name, const char *type, const char *help,
                      double value) {
        metrics_text_family(out, name, type, help);
        metrics_text_sample(out, name, NULL, value);
}

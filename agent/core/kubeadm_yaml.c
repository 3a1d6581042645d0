/* The little YAML that kubeadm's configuration needs: every text is quoted. */
#include "core/kubeadm_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct yaml *y, const void *data, size_t len) {
        if (y->error == 0)
                y->error = buf_add(y->out, data, len);
}

static void indent(struct yaml *y, unsigned level) {
        static const char blanks[] = "                ";
        size_t len = 2 * (size_t)level;

        add(y, blanks, len < sizeof(blanks) ? len : sizeof(blanks) - 1);
}

/* YAML 1.2, 5.7: in double quotes these two are escaped, and what cannot be seen. */
static void quoted(struct yaml *y, const char *value) {
        static const char digits[] = "0123456789abcdef";

        add(y, "\"", 1);
        for (; *value; value++) {
                unsigned char c = (unsigned char)*value;
                char hex[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

                if (c == '"' || c == '\\')
                        add(y, "\\", 1);
                if (c < ' ' || c > '~')
                        add(y, hex, sizeof(hex));
                else
                        add(y, value, 1);
        }
        add(y, "\"\n", 2);
}

void yaml_document(struct yaml *y, const char *api, const char *kind) {
        if (y->out->len > 0)
                add(y, "---\n", 4);
        yaml_line(y, 0, "apiVersion: %s", api);
        yaml_line(y, 0, "kind: %s", kind);
}

void yaml_open(struct yaml *y, unsigned level, const char *key) {
        yaml_line(y, level, "%s:", key);
}

void yaml_line(struct yaml *y, unsigned level, const char *format, ...) {
        char line[128];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        indent(y, level);
        add(y, line, strlen(line));
        add(y, "\n", 1);
}

void yaml_text(struct yaml *y, unsigned level, const char *key, const char *value) {
        if (!value)
                return;
        indent(y, level);
        add(y, key, strlen(key));
        add(y, ": ", 2);
        quoted(y, value);
}

void yaml_item(struct yaml *y, unsigned level, const char *value) {
        indent(y, level);
        add(y, "- ", 2);
        quoted(y, value);
}

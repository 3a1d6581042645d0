#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "io/sensors_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *node_read(struct node *n, const char *path) {
        return sensors_file_read(n->root_fd, path, n->text, sizeof(n->text)) < 0 ? NULL : n->text;
}

char *node_line(char **text) {
        char *line = *text;

        return line && *line ? strsep(text, "\n") : NULL;
}

unsigned node_numbers(const char *s, uint64_t *ret, unsigned most) {
        unsigned n = 0;

        while (n < most) {
                uint64_t v = 0;

                s += strspn(s, " \t");
                if (*s < '0' || *s > '9')
                        break;
                for (; *s >= '0' && *s <= '9'; s++)
                        v = v * 10 + (uint64_t)(*s - '0');
                ret[n++] = v;
        }
        return n;
}

bool node_number(const struct node *n, const char *path, int64_t *ret) {
        char text[32];
        uint64_t v;

        if (sensors_file_read(n->root_fd, path, text, sizeof(text)) <= 0 ||
            node_numbers(text + (text[0] == '-'), &v, 1) != 1 || v > INT64_MAX)
                return false;
        *ret = text[0] == '-' ? -(int64_t)v : (int64_t)v;
        return true;
}

bool node_word(const struct node *n, const char *path, char *dst, size_t size) {
        if (sensors_file_read(n->root_fd, path, dst, size) <= 0)
                return false;
        dst[strcspn(dst, "\n")] = '\0';
        return dst[0] != '\0';
}

int node_metrics(int root_fd, struct buf *out) {
        static void (*const collectors[])(struct node * n) = {
                node_cpu,   node_memory, node_system,       node_thermal,
                node_hwmon, node_disks,  node_file_systems, node_network,
        };
        auto_free struct node *n = malloc(sizeof(*n));

        if (!n)
                return -ENOMEM;
        n->root_fd = root_fd;
        n->out = out;
        for (size_t i = 0; i < ARRAY_SIZE(collectors); i++)
                collectors[i](n);
        return 0;
}

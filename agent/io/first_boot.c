#include "io/first_boot.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"

#include <stdlib.h>
#include <string.h>

enum {
        FILE_MOST = 32 * 1024,
        PROBLEMS_MOST = 32,
        WHAT_MOST = 32,
        TEXT_MOST = 320, /* 240 characters; some may take more than a byte */
};

/* The part of a line up to a tab or its end, printable; returns what is behind it. */
static const char *field(char *dst, size_t size, const char *from, const char *end) {
        const char *tab = memchr(from, '\t', (size_t)(end - from));
        const char *stop = tab ? tab : end;
        size_t len = (size_t)(stop - from);

        (void)str_printable(dst, size, from, len < size ? len : size - 1);
        return tab ? tab + 1 : end;
}

int first_boot_problems(int root_fd, first_boot_problem *each, void *arg) {
        auto_buf struct buf text = { 0 };
        const char *line, *end, *last;
        int n = 0;

        if (file_text_read(root_fd, "run/bramble-firstboot/problems", FILE_MOST, &text) < 0)
                return 0;
        line = (const char *)text.data;
        last = line + text.len;
        for (; n < PROBLEMS_MOST && line < last; line = end + 1) {
                char what[WHAT_MOST], said[TEXT_MOST], advice[TEXT_MOST];
                const char *at;

                end = memchr(line, '\n', (size_t)(last - line));
                if (!end)
                        break;
                at = field(what, sizeof(what), line, end);
                at = field(said, sizeof(said), at, end);
                (void)field(advice, sizeof(advice), at, end);
                if (!what[0] || !said[0])
                        continue;
                each(arg, what, said, advice);
                n++;
        }
        return n;
}

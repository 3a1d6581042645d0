/* fuzz_stack - stack files: what is taken is within its limits, what is not has a line. */
#include "fuzz.h"

#include "base/str.h"
#include "io/stack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static int read_file(void *arg, const char *path, struct buf *out) {
        (void)arg;
        return path[0] == 'e' ? buf_add_text(out, "environment: {A: b}") : -ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct fail f = { 0 };
        struct stack s;
        int r = stack_parse((const char *)data, size, read_file, NULL, &s, &f);

        if (r < 0) {
                if (r != -ENOMEM && !str_starts(f.text, "line "))
                        abort();
                return 0;
        }
        fuzz_took = true;
        if (s.n == 0 || s.n > STACK_FUNCTIONS || s.n_warnings > STACK_WARNINGS)
                abort();
        for (size_t i = 0; i < s.n; i++)
                if (!s.functions[i].name[0] || s.functions[i].line == 0)
                        abort();
        stack_done(&s);
        return 0;
}

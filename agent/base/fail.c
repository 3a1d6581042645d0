#include "base/fail.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct fail *f, int error, const char *format, ...) {
        va_list args;

        assert(error < 0);
        if (!f || f->text[0])
                return error;
        f->error = error;
        va_start(args, format);
        (void)vsnprintf(f->text, sizeof(f->text), format, args);
        va_end(args);
        return error;
}

const char *fail_text(const struct fail *f) {
        if (f->text[0])
                return f->text;
        return strerror(-f->error);
}

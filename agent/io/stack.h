/* stack - an OpenFaaS stack file (stack.yml): the functions in it, as deployments. */
#ifndef BRAMBLE_IO_STACK_H
#define BRAMBLE_IO_STACK_H

#include "base/buf.h"
#include "base/fail.h"
#include "core/limits.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { STACK_BYTES = 256 * 1024, STACK_FUNCTIONS = LIMIT_FUNCTIONS, STACK_WARNINGS = 16 };

struct stack_function {
        char name[SIZE_NAME];
        unsigned line;
        cJSON *spec;     /* FunctionDeployment; without "image" where the file names none */
        char *build;     /* folder to build the image from, as it is written; NULL: none */
        bool must_build; /* it was written as 'build'; else (a handler) only where it can be built
                          */
        bool skip_build;
        cJSON *build_args;
};

struct stack {
        size_t n;
        struct stack_function *functions;
        size_t n_warnings; /* "line 7: ...": what is not understood and left out */
        char warnings[STACK_WARNINGS][160];
};

/* Reads a file that the stack names (environment_file) into 'out'; -errno. */
typedef int (*stack_read_cb)(void *arg, const char *path, struct buf *out);

/* 'text' has its variables expanded already.  -EINVAL, -E2BIG, -ENOMEM, or what 'read' said, with a
 * sentence that begins with "line N: "; only the warnings count then, and nothing is to be freed.
 */
int stack_parse(const char *text, size_t len, stack_read_cb read, void *arg, struct stack *ret,
                struct fail *f);
void stack_done(struct stack *s);

#endif

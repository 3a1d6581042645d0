#include "core/expand.h"

#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct expansion {
        const char *start, *at, *end;
        expand_cb value;
        void *arg;
        struct buf *out;
        struct fail *fail;
};

static unsigned line_of(const struct expansion *x, const char *at) {
        unsigned line = 1;

        for (const char *p = x->start; p < at; p++)
                line += *p == '\n';
        return line;
}

static bool is_name(char c, bool first) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               (!first && c >= '0' && c <= '9');
}

/* Up to the end, or (in a default) the brace that closes it.  'mute': nothing is written. */
static int run(struct expansion *x, unsigned depth, bool mute);

/* Behind "${". */
static int variable(struct expansion *x, unsigned depth, bool mute) {
        const char *begin = x->at, *value;
        char name[256];
        bool colon;
        int r = 0;

        while (x->at < x->end && is_name(*x->at, x->at == begin))
                x->at++;
        if (x->at == begin || str_copy_n(name, sizeof(name), begin, (size_t)(x->at - begin)) < 0)
                return fail(x->fail, -EINVAL, "line %u: ${ needs the name of a variable",
                            line_of(x, begin));
        value = x->value(x->arg, name);
        colon = x->at < x->end && *x->at == ':';
        if (colon)
                x->at++;
        if (x->at < x->end && (*x->at == '-' || *x->at == '=')) {
                bool use = !value || (colon && !value[0]);

                x->at++;
                if (depth == EXPAND_DEPTH)
                        return fail(x->fail, -EINVAL, "line %u: ${%.40s is nested too deeply",
                                    line_of(x, begin), name);
                r = run(x, depth + 1, mute || !use);
                if (use)
                        value = NULL;
        } else if (colon) {
                return fail(x->fail, -EINVAL, "line %u: ${%.40s: only :- and := may follow",
                            line_of(x, begin), name);
        }
        if (r < 0)
                return r;
        if (x->at == x->end || *x->at != '}')
                return fail(x->fail, -EINVAL, "line %u: ${%.40s has no closing brace",
                            line_of(x, begin), name);
        x->at++;
        return value && !mute ? buf_add_text(x->out, value) : 0;
}

static int run(struct expansion *x, unsigned depth, bool mute) {
        int r = 0;

        while (r == 0 && x->at < x->end) {
                const char *from = x->at, *stop = x->at;
                size_t left = (size_t)(x->end - x->at);

                if (depth > 0 && *x->at == '}')
                        return 0;
                if (left > 2 && memcmp(x->at, "$${", 3) == 0) {
                        from = x->at + 1;
                        stop = x->at += 3;
                } else if (left > 1 && memcmp(x->at, "${", 2) == 0) {
                        x->at += 2;
                        r = variable(x, depth, mute);
                        continue;
                } else {
                        do
                                stop++;
                        while (stop < x->end && *stop != '$' && *stop != '}');
                        x->at = stop;
                }
                if (!mute)
                        r = buf_add(x->out, from, (size_t)(stop - from));
        }
        return r;
}

int expand(const char *text, size_t len, expand_cb value, void *arg, struct buf *out,
           struct fail *f) {
        struct expansion x = { text, text, text + len, value, arg, out, f };

        return run(&x, 0, false);
}

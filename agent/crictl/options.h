/* options - the command line of crictl: which endpoint, which verb, and the verb's own options. */
#ifndef BRAMBLE_CRICTL_OPTIONS_H
#define BRAMBLE_CRICTL_OPTIONS_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>

struct crictl;

/* What a verb may be given. */
enum {
        TAKES_QUIET = 1,    /* -q */
        TAKES_ALL = 2,      /* -a */
        TAKES_FORCE = 4,    /* -f */
        TAKES_NAME = 8,     /* --name */
        TAKES_POD = 16,     /* --pod */
        TAKES_OUTPUT = 32,  /* -o json */
        TAKES_TEMPLATE = 64 /* -o go-template --template */
};

struct verb {
        const char *name;
        const char *args; /* for the usage line: "IMAGE" */
        int least, most;  /* arguments, options not counted; most -1: any number */
        unsigned takes;
        int (*run)(struct crictl *c, char **names); /* NULL-terminated; the exit status */
        const char *help;
};

struct options {
        const char *runtime_endpoint;
        const char *image_endpoint; /* NULL: the same */
        unsigned timeout_ms;        /* of connecting, */
        bool timeout_given;         /* and of the whole verb where it was given */
        bool help, version;         /* asked for */
        const struct verb *verb;    /* NULL only where help or version is asked for */
        bool quiet, all, force;
        const char *name, *pod;
        const char *template; /* NULL: as JSON */
        char **names;         /* the verb's arguments, NULL-terminated, part of argv */
};

enum { OPTIONS_TIMEOUT_MS = 30000 };

/* Reads argv (and changes its order). 'endpoint' is CONTAINER_RUNTIME_ENDPOINT or NULL; 'verbs'
 * ends with one without a name.  -EINVAL. */
int options_parse(int argc, char **argv, const char *endpoint, const struct verb *verbs,
                  struct options *ret, struct fail *f);

/* Go's durations: "30s", "1m30s", "500ms"; a bare number is seconds.  -EINVAL, -ERANGE above a
 * day. */
int options_duration(const char *text, unsigned *ret_ms);

/* One step of a Go template that only names a value, "{{.config.sandboxImage}}": the key that
 * '*at' stands before, and '*at' behind it.  1; 0 at the end; -EINVAL for any other template.
 * '*at' NULL: begins. */
int options_template_key(const char *template, const char **at, char *dst, size_t size);

#endif

/* spec - a function's deployment: the JSON that came in, checked and taken apart. */
#ifndef BRAMBLE_IO_SPEC_H
#define BRAMBLE_IO_SPEC_H

#include "base/fail.h"
#include "core/autoscale.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEC_ENV = 128, SPEC_LABELS = 64, SPEC_SECRETS = 32 };

struct spec {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME]; /* "openfaas-fn" where it said none */
        char image[SIZE_IMAGE];    /* normalised */
        char *process;             /* envProcess, NULL where there is none */
        size_t n_env;
        char *env[SPEC_ENV + 1];       /* NAME=VALUE, NULL-terminated */
        uint64_t memory_limit_bytes;   /* 0: none */
        uint64_t memory_request_bytes; /* 0: none */
        uint32_t cpu_limit_millicores; /* 0: none */
        struct autoscale_rules scale;  /* labels com.openfaas.scale.* and bramble.scale.zero */
        bool read_only_root;
        size_t n_secrets;
        char *secrets[SPEC_SECRETS]; /* names, of its own namespace */
        bool pull_always; /* annotation com.bramble.pull: always, or missing (the default) */
};

/* Parses and checks 'json' (FunctionDeployment of the OpenFaaS API).  Unknown fields are left
 * alone, as other tools add their own.  -EINVAL and -E2BIG with a sentence that names the field;
 * nothing to free then. */
int spec_parse(const char *json, size_t len, struct spec *ret, struct fail *f);
void spec_done(struct spec *s);

bool spec_needs(const struct spec *s, const char *secret);

/* RAM that one replica reserves: its request, else its limit, else 'default_bytes'. */
uint64_t spec_memory(const struct spec *s, uint64_t default_bytes);

/* Names of functions and namespaces: letters, digits, '-', '_' and '.', at most 63, no "..", no
 * leading dot or dash. */
bool spec_name_ok(const char *name);

#endif

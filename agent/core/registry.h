/* registry - where an image's name leads to, and what a registry's challenge asks for.  Pure. */
#ifndef BRAMBLE_CORE_REGISTRY_H
#define BRAMBLE_CORE_REGISTRY_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>

/* A reference taken apart: "docker.io/library/alpine:3". */
struct registry_reference {
        char host[SIZE_IMAGE];       /* as it is written: "docker.io", "localhost:5000" */
        char repository[SIZE_IMAGE]; /* "library/alpine" */
        char reference[SIZE_IMAGE];  /* the digest where there is one, else the tag */
};

/* 'name' is what image_name_normalise() writes.  -EINVAL for anything else. */
int registry_reference(const char *name, struct registry_reference *ret);

/* The host that serves the registry's API: Docker Hub's is another one than its name. */
const char *registry_server(const char *host);

/* Is it this machine ("localhost", 127.x.x.x, with or without a port)?  Plain http is fine there.
 */
bool registry_is_loopback(const char *host);

enum { REGISTRY_FIELD = 512 };

enum registry_scheme { REGISTRY_NONE, REGISTRY_BASIC, REGISTRY_BEARER };

/* What WWW-Authenticate asks for (RFC 7235; the distribution project's token flow). */
struct registry_challenge {
        enum registry_scheme scheme;
        char realm[REGISTRY_FIELD]; /* Bearer: the URL of the token server */
        char service[REGISTRY_FIELD];
        char scope[REGISTRY_FIELD]; /* "repository:library/alpine:pull" */
};

/* Takes one header's value, which may hold several challenges, into 'ret' (all zero before the
 * first header).  Bearer, which needs a realm, is preferred to Basic; what is neither is skipped.
 * -EBADMSG for what is no challenge: 'ret' is as before. */
int registry_challenge(const char *value, size_t len, struct registry_challenge *ret);

/* Does an entry of docker's config.json ("https://index.docker.io/v1/", "ghcr.io") mean 'host'? */
bool registry_entry_is(const char *entry, const char *host);

#endif

/* pull - what the parts of bramble-pull share.  It talks to one registry for the agent, as a user
 * that owns nothing: everything that comes from outside is read here, and only bytes that fit their
 * digest get any further. */
#ifndef BRAMBLE_PULL_PULL_H
#define BRAMBLE_PULL_PULL_H

#include "base/buf.h"
#include "base/fail.h"
#include "core/registry.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

enum {
        PULL_DOCUMENT_BYTES = 1024 * 1024, /* a manifest, a token */
        PULL_URL = 1024,
        PULL_SECRET = 16 * 1024, /* a token in a header; the cloud ones have some KB */
};

/* Whom to ask, and as whom. */
struct registry {
        struct registry_reference image;
        bool plain; /* http */
        char ca[PULL_URL];
        char user[PULL_URL];
        char password[PULL_SECRET];
        char identity[PULL_SECRET]; /* docker's identitytoken; "" none */
        bool basic;                 /* it asked for user and password */
        char token[PULL_SECRET];    /* a bearer token; "" none yet */
};

/* One answer.  Of an error only the start of the body is kept. */
struct answer {
        long status; /* 0: none came */
        char type[128];
        struct registry_challenge challenge;
        unsigned retry_after_sec;
        uint64_t total; /* length of the body, 0: not known */
        struct buf body;
        /* Where set, gets the body of 200 and 206 instead; false stops. */
        bool (*sink)(void *arg, const void *data, size_t len);
        void *arg;
        uint64_t from; /* a range from there to the end is asked for; 0: all */
        CURLcode error;
        char why[CURL_ERROR_SIZE];
};

/* ---- http.c ---- */
/* GETs (or, 'form' not NULL, POSTs) one URL and fills 'a', whose sink, arg, from and body.limit are
 * the caller's.  'authorization' is the whole header, or NULL.  0: a status came; -EIO. */
int http_get(const struct registry *r, const char *url, const char *authorization, const char *form,
             struct answer *a);
/* A path below the repository: "manifests/latest"; logs in where the registry asks for it. */
int http_ask(struct registry *r, const char *path, struct answer *a);
/* The sentence for an answer that is no success. */
int http_failed(const struct registry *r, const struct answer *a, struct fail *f);
void answer_reset(struct answer *a); /* for another try */

/* ---- token.c ---- */
/* Does what the challenge asks for. -EACCES and a sentence where that leads nowhere. */
int token_get(struct registry *r, const struct registry_challenge *c, struct fail *f);
/* "Authorization: Basic ..." of user and password.  -ENOMEM where it does not fit. */
int token_basic(const struct registry *r, char *dst, size_t size);

/* ---- notify.c ---- */
/* POSTs "body" to "url".  -EIO and a sentence without the URL; '*ret_final': trying again is no
 * use.
 */
int notify(const cJSON *request, bool *ret_final, struct fail *f);

#endif

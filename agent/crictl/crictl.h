/* crictl - what the verbs of crictl share: the runtime, waiting for an answer, sentences. */
#ifndef BRAMBLE_CRICTL_CRICTL_H
#define BRAMBLE_CRICTL_CRICTL_H

#include "crictl/options.h"
#include "io/cri.h"

#include <cjson/cJSON.h>
#include <uv.h>

enum { CRICTL_DONE = 0, CRICTL_FAILED = 1, CRICTL_MISUSED = 2 };

struct crictl {
        const struct options *o;
        struct cri *cri;
        uv_loop_t loop;
        uv_timer_t timeout;
        bool waiting;
        bool found; /* for the verbs: what was asked for is there */
        int result;
        char why[320];
};

/* Connects; the exit status, after a sentence where it is not 0. */
int crictl_connect(struct crictl *c, const char *endpoint);
void crictl_disconnect(struct crictl *c);

/* Waits for what was begun, until crictl_end(); 'begun' is what the call returned.  The exit
 * status, after the sentence "cannot WHAT 'NAME': why" where it failed ('name' may be NULL). */
int crictl_wait(struct crictl *c, int begun, const char *what, const char *name);
/* For the callbacks: it is over, well or not. */
void crictl_end(struct crictl *c, int result, const char *why);
/* A cri_cb with 'arg' crictl. */
void crictl_on_done(void *arg, int result, const char *why);
/* From here on only the calls' own limits count. */
void crictl_be_patient(struct crictl *c);

/* "crictl: sentence" on stderr; returns CRICTL_FAILED. */
int crictl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints and deletes it. */
int crictl_print_json(cJSON *o);
/* Text from outside made fit for a terminal, in one of 8 buffers that go round. */
const char *crictl_safe(const char *text);
/* "3 min ago" */
const char *crictl_age(int64_t created_at_ns);

/* verb_info.c */
int verb_info(struct crictl *c, char **names);
int verb_version(struct crictl *c, char **names);
/* verb_images.c */
int verb_images(struct crictl *c, char **names);
int verb_inspecti(struct crictl *c, char **names);
int verb_pull(struct crictl *c, char **names);
/* verb_pods.c */
int verb_pods(struct crictl *c, char **names);
int verb_stopp(struct crictl *c, char **names);
int verb_rmp(struct crictl *c, char **names);
int verb_ps(struct crictl *c, char **names);

#endif

/* registry - what this board may say to image registries: addresses, logins, and requests. */
#ifndef BRAMBLE_DAEMON_REGISTRY_H
#define BRAMBLE_DAEMON_REGISTRY_H

#include "daemon/agent.h"
#include "io/puller.h"

#include <cjson/cJSON.h>

/* A request to bramble-pull about an image, with the login for its registry: a secret.  NULL and a
 * sentence: the logins cannot be read. */
cJSON *registry_request(const struct agent *a, const char *verb, const char *image, struct fail *f);
/* Deletes it, and what is secret in it first. */
void registry_request_done(cJSON *request);

int registry_start(struct agent *a, const struct puller_ops *ops, void *arg, struct puller **ret,
                   struct fail *f);

/* Asks the other boards for a login that this one lacks; a later request finds it. */
void registry_borrow(struct agent *a, const char *image);

/* "docker.io": of a normalised name. */
const char *registry_host(const char *image, char *dst, size_t size);

#endif

/* api_functions - deploy, scale, remove and list functions; what images the bramble has. */
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/resolver.h"
#include "daemon/status_json.h"
#include "daemon/store.h"
#include "io/json.h"
#include "io/log.h"
#include "io/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void verb_functions(struct request *q) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddItemToObject(o, "functions", status_functions(q->agent));
        request_reply(q, o);
}

static void on_done(void *arg, int result) {
        struct request *q = arg;
        const char *name = json_text(q->args, "name", "");

        if (result == 0)
                coordinator_reply(q, cJSON_CreateObject());
        else if (result == -ENOENT)
                request_fail(q, 404, "function %.63s does not exist", name);
        else if (result == -EEXIST)
                request_fail(q, 409, "it exists already");
        else if (result == -ESTALE) /* by load */
                request_fail(q, 503, "somebody else changed its replicas just now: try again");
        else if (result == -EBUSY)
                request_fail(q, 409, "a function uses it: it was deployed just now");
        else if (result == -ENOSPC)
                request_fail(q, 507, "this bramble is full: at most %d functions, %d images",
                             LIMIT_FUNCTIONS, LIMIT_IMAGES);
        else if (result == -ENOTCONN)
                request_fail(q, 503, "nobody leads this bramble right now: try again in a moment");
        else if (result == -ECANCELED)
                request_fail(q, 503, "the leader changed meanwhile: look whether it was done");
        else
                request_fail_errno(q, result, "");
        request_unref(q);
}

static void submit_with(struct request *q, const struct charter_command *cmd,
                        void (*done)(void *arg, int result)) {
        int r = consensus_submit(membership_consensus(q->agent), cmd, done, request_ref(q));

        if (r < 0)
                done(q, r);
}

static void submit(struct request *q, const struct charter_command *cmd) {
        submit_with(q, cmd, on_done);
}

static void deployed_name(const struct request *q, struct charter_command *ret) {
        const cJSON *o = cJSON_GetObjectItemCaseSensitive(q->args, "spec");
        const char *namespace = json_text(o, "namespace", "");

        (void)str_copy(ret->name, sizeof(ret->name), json_text(o, "service", ""));
        (void)str_copy(ret->namespace, sizeof(ret->namespace),
                       namespace[0] ? namespace : "openfaas-fn");
}

/* With the generation: who waits for its replicas must know them from the old ones. */
static void on_deployed_all(void *arg, int result) {
        struct request *q = arg;
        struct charter_command cmd = { 0 };
        const struct charter_function *f;
        cJSON *o;

        deployed_name(q, &cmd);
        f = charter_function(&q->agent->charter, cmd.name, cmd.namespace);
        if (result < 0 || !f) {
                on_done(q, result);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(o, "generation", f->generation);
        coordinator_reply(q, o);
        request_unref(q);
}

/* A number that came with the deployment is a person's word, as one that comes later is. */
static void on_deployed(void *arg, int result) {
        struct request *q = arg;
        struct charter_command cmd = { .op = CHARTER_FUNCTION_SCALE };
        uint64_t replicas;

        if (result < 0 || json_number(q->args, "replicas", LIMIT_REPLICAS, &replicas) < 0) {
                on_deployed_all(q, result);
                return;
        }
        cmd.replicas = (uint32_t)replicas;
        deployed_name(q, &cmd);
        submit_with(q, &cmd, on_deployed_all);
        request_unref(q);
}

/* Room for one more deployment in the frame that tells the boards about all of them. */
static bool specs_fit(const struct agent *a, size_t more) {
        for (uint32_t i = 0; i < a->charter.n_functions; i++)
                more += a->charter.functions[i].spec_len;
        return more <= LIMIT_SPECS_BYTES;
}

/* A new deployment leaves the number as it is where its labels allow that. */
static uint32_t replicas_of(const struct charter_function *old, const struct autoscale_rules *r) {
        if (!old || (old->replicas < r->min && old->replicas > 0))
                return r->min;
        if (old->floor > r->max || (r->min == r->max && old->replicas > r->max))
                return r->max;
        if (old->floor && old->floor < r->min)
                return old->replicas > r->min ? old->replicas : r->min;
        return CHARTER_REPLICAS_KEEP; /* what is too many goes with the load */
}

static void deploy(struct request *q, const struct spec *spec, const char *text) {
        struct agent *a = q->agent;
        const struct charter_function *old =
                charter_function(&a->charter, spec->name, spec->namespace);
        struct charter_command cmd = { .op = CHARTER_FUNCTION_SET,
                                       .spec = text,
                                       .spec_len = (uint32_t)strlen(text),
                                       .memory_bytes =
                                               spec_memory(spec, a->config.default_memory_bytes),
                                       .created_unix = (uint64_t)time(NULL),
                                       .only_new = json_bool(q->args, "only_new"),
                                       .only_existing = json_bool(q->args, "only_existing") };

        uint64_t replicas;

        if (!charter_namespace_exists(&a->charter, spec->namespace)) {
                request_fail(q, 400,
                             "namespace %.63s does not exist: agentctl namespace create %.63s",
                             spec->namespace, spec->namespace);
                return;
        }
        for (size_t i = 0; i < spec->n_secrets; i++) {
                if (charter_secret(&a->charter, spec->secrets[i], spec->namespace))
                        continue;
                request_fail(q, 400,
                             "secret %.63s does not exist in namespace %.63s: agentctl secret "
                             "create %.63s",
                             spec->secrets[i], spec->namespace, spec->secrets[i]);
                return;
        }
        if (!specs_fit(a, cmd.spec_len)) {
                request_fail(q, 507, "all deployments together are larger than %d KB",
                             LIMIT_SPECS_BYTES / 1024);
                return;
        }
        (void)str_copy(cmd.name, sizeof(cmd.name), spec->name);
        (void)str_copy(cmd.namespace, sizeof(cmd.namespace), spec->namespace);
        (void)str_copy(cmd.image, sizeof(cmd.image), spec->image);
        cmd.replicas = replicas_of(old, &spec->scale);
        if (json_number(q->args, "replicas", LIMIT_REPLICAS, &replicas) == 0)
                cmd.replicas = (uint32_t)replicas;
        log_field(LOG_LEVEL_INFO, "BRAMBLE_FUNCTION", spec->name, "deploying %s from %s",
                  spec->name, spec->image);
        submit_with(q, &cmd, on_deployed);
}

/* What its registry says now is written down, or (it does not answer) what is here has to do. */
static void on_refreshed(void *arg, int result, const char *why) {
        struct request *q = arg;
        const cJSON *o = cJSON_GetObjectItemCaseSensitive(q->args, "spec");
        char *text = cJSON_PrintUnformatted(o);
        struct spec spec;

        if (result < 0)
                log_notice("deploying the image that is here, as its registry was no help: %s",
                           why);
        if (result == -ECANCELED) {
                request_fail(q, 503, "%s", why);
        } else if (text && spec_parse(text, strlen(text), &spec, NULL) == 0) {
                deploy(q, &spec, text);
                spec_done(&spec);
        } else {
                request_fail_errno(q, -ENOMEM, "");
        }
        free(text);
        request_unref(q);
}

static void deploy_fresh(struct request *q, const char *image) {
        resolver_refresh(q->agent, image, on_refreshed, request_ref(q));
}

/* ---- an image of the store: it comes from this board's card, and is then known to all -------- */

static void on_store_known(void *arg, int result) {
        struct request *q = arg;

        (void)cJSON_AddTrueToObject(q->args, "stored");
        if (result == 0)
                verb_deploy(q); /* once more, and now the image is there */
        else
                on_done(request_ref(q), result);
        request_unref(q);
}

static void on_store_imported(void *arg, int result, const char *why,
                              const struct image_imported *imported) {
        struct charter_command cmd = { .op = CHARTER_IMAGE_SET };
        struct request *q = arg;
        int r;

        if (result < 0) {
                request_fail_errno(q, result, why);
                request_unref(q);
                return;
        }
        (void)str_copy(cmd.image, sizeof(cmd.image), imported->name);
        (void)str_copy(cmd.digest, sizeof(cmd.digest), imported->digest);
        cmd.size_bytes = imported->size_bytes;
        r = consensus_submit(membership_consensus(q->agent), &cmd, on_store_known, q);
        if (r < 0)
                on_store_known(q, r);
}

/* An image that is known may be nowhere any more: its boards were flashed anew. */
static bool is_held(const struct agent *a, const char *name) {
        const struct world_image *image = world_image(&a->world, name);

        return image && image->n_holders > 0;
}

void verb_deploy(struct request *q) {
        const cJSON *o = cJSON_GetObjectItemCaseSensitive(q->args, "spec");
        struct spec spec;
        struct fail f = { 0 };
        char *text;
        int r;

        if (!cJSON_IsObject(o)) {
                request_fail(q, 400, "deploy needs a spec");
                return;
        }
        text = cJSON_PrintUnformatted(o);
        if (!text) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        r = spec_parse(text, strlen(text), &spec, &f);
        if (r < 0) {
                request_fail_errno(q, r, fail_text(&f));
        } else {
                bool known = charter_image(&q->agent->charter, spec.image) != NULL;
                bool stored = json_bool(q->args, "stored");

                if (!stored && !(known && is_held(q->agent, spec.image)) &&
                    store_has(q->agent, spec.image))
                        store_import(q->agent, spec.image, on_store_imported, request_ref(q));
                else if (!known && !stored && str_starts(spec.image, STORE_HOST))
                        request_fail(q, 404, "the store has no image %.120s: agentctl store list",
                                     spec.image);
                else if (spec.pull_always && known)
                        deploy_fresh(q, spec.image);
                else
                        deploy(q, &spec, text);
                spec_done(&spec);
        }
        free(text);
}

/* Name and namespace of a request; false, and answered, where they are none. */
static bool get_function(struct request *q, struct charter_command *cmd) {
        const char *name = json_text(q->args, "name", "");
        const char *namespace = json_text(q->args, "namespace", "");

        if (!namespace[0])
        namespace = "openfaas-fn";
        if (!spec_name_ok(name) || !spec_name_ok(namespace)) {
                request_fail(q, 400, "'%.64s' is no function name", name);
                return false;
        }
        (void)str_copy(cmd->name, sizeof(cmd->name), name);
        (void)str_copy(cmd->namespace, sizeof(cmd->namespace), namespace);
        return true;
}

void verb_remove(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_REMOVE };

        if (get_function(q, &cmd))
                submit(q, &cmd);
}

/* It is not a person who asks, but an alert: what a person asked for stays the least.  False, and
 * answered, where there is no such function. */
static bool by_load(struct request *q, struct charter_command *cmd) {
        const struct charter_function *f =
                charter_function(&q->agent->charter, cmd->name, cmd->namespace);

        if (!f) {
                request_fail(q, 404, "function %.63s does not exist", cmd->name);
                return false;
        }
        cmd->op = CHARTER_FUNCTION_FOLLOW;
        cmd->replicas_from = f->replicas;
        return true;
}

void verb_scale(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_SCALE };
        uint64_t replicas;

        if (!get_function(q, &cmd))
                return;
        if (json_number(q->args, "replicas", LIMIT_REPLICAS, &replicas) < 0) {
                request_fail(q, 400, "replicas must be a number from 0 to %d", LIMIT_REPLICAS);
                return;
        }
        cmd.replicas = (uint32_t)replicas;
        if (json_bool(q->args, "by_load") && !by_load(q, &cmd))
                return;
        submit(q, &cmd);
}

/* Another board (or this one) has imported an image. */
void verb_image(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_IMAGE_SET };
        const struct charter_image *known;
        char name[SIZE_IMAGE];

        if (str_copy(cmd.image, sizeof(cmd.image), json_text(q->args, "name", "")) < 0 ||
            str_copy(cmd.digest, sizeof(cmd.digest), json_text(q->args, "digest", "")) < 0 ||
            json_number(q->args, "size", UINT64_MAX, &cmd.size_bytes) < 0 ||
            image_normalise(cmd.image, name) < 0 || !str_eq(name, cmd.image)) {
                request_fail(q, 400, "image needs a whole name, digest and size");
                return;
        }
        known = charter_image(&q->agent->charter, cmd.image);
        if (json_bool(q->args, "only_size") &&
            (!known || known->size_bytes || !str_eq(known->digest, cmd.digest))) {
                request_reply(q, cJSON_CreateObject()); /* it means something else by now */
                return;
        }
        submit(q, &cmd);
}

static const char *user_of(const struct charter *c, const char *image) {
        for (uint32_t i = 0; i < c->n_functions; i++)
                if (str_eq(c->functions[i].image, image))
                        return c->functions[i].name;
        return NULL;
}

/* The boards take it off their cards when they see that the bramble does not know it any more. */
void verb_image_remove(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_IMAGE_REMOVE };
        const char *name = json_text(q->args, "name", ""), *user;
        const char *digest = json_text(q->args, "digest", NULL);
        const struct charter_image *image;

        if (image_normalise(name, cmd.image) < 0) {
                request_fail(q, 400, "'%.80s' is no image name", name);
                return;
        }
        image = charter_image(&q->agent->charter, cmd.image);
        user = user_of(&q->agent->charter, cmd.image);
        if (!image || (digest && !str_eq(digest, image->digest)))
                request_fail(q, 404, "image %.200s is not in this bramble", cmd.image);
        else if (user)
                request_fail(q, 409, "function %s uses it: agentctl remove %s first", user, user);
        else
                submit(q, &cmd);
}

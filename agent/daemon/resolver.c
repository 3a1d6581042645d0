#include "daemon/resolver.h"

#include "base/str.h"
#include "core/image_name.h"
#include "core/registry.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/registry.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After a failure: doubles from the one to the other.  A push of the image ends the waiting. */
#define RETRY_FIRST_USEC (5 * USEC_PER_SEC)
#define RETRY_MOST_USEC  (5 * USEC_PER_MIN)

enum {
        LOOKUPS = 32,   /* names that cannot be resolved, each with its own patience */
        REFRESHES = 32, /* deployments that wait for an answer */
        ASK_SEC = 60,   /* then the registry is given up for now */
        IDLE_SEC = 5,   /* bramble-pull is kept for so long after its last answer */
};

struct lookup {
        char image[SIZE_IMAGE]; /* "": free */
        char reason[SIZE_REASON];
        usec_t retry, pause;
};

struct refresh {
        char image[SIZE_IMAGE]; /* "": free */
        resolver_cb done;
        void *arg;
};

struct resolver {
        struct agent *agent;
        struct puller *puller;
        uv_timer_t timer;
        char asked[SIZE_IMAGE]; /* that is asked for now; "" none */
        bool submitting;        /* its answer is on the way into the log */
        struct lookup lookups[LOOKUPS];
        struct refresh refreshes[REFRESHES];
};

static void next(struct resolver *r);

static struct lookup *lookup_find(struct resolver *r, const char *image) {
        for (size_t i = 0; i < LOOKUPS; i++)
                if (str_eq(r->lookups[i].image, image))
                        return &r->lookups[i];
        return NULL;
}

/* May this name be asked for now?  One that is new waits for a place where all are taken by names
 * that are not due: it would only push out their patience. */
static bool is_due(struct resolver *r, const char *image, usec_t now) {
        const struct lookup *l = lookup_find(r, image);

        if (l)
                return now >= l->retry;
        for (size_t i = 0; i < LOOKUPS; i++)
                if (!r->lookups[i].image[0] || now >= r->lookups[i].retry)
                        return true;
        return false;
}

/* In the place of the one that is due soonest where all are taken. */
static void remember_failure(struct resolver *r, const char *image, int result, const char *why) {
        struct lookup *l = lookup_find(r, image);
        struct lookup *free_one = lookup_find(r, "");

        if (!l) {
                l = free_one ? free_one : &r->lookups[0];
                for (size_t i = 1; !free_one && i < LOOKUPS; i++)
                        if (r->lookups[i].retry < l->retry)
                                l = &r->lookups[i];
                *l = (struct lookup){ .pause = RETRY_FIRST_USEC / 2 };
                (void)str_copy(l->image, sizeof(l->image), image);
                log_warning("cannot pull %s: %s; trying again, more and more slowly", image, why);
        }
        l->pause = l->pause * 2 > RETRY_MOST_USEC ? RETRY_MOST_USEC : l->pause * 2;
        l->retry = usec_add(agent_now(), l->pause);
        (void)snprintf(l->reason, sizeof(l->reason), "%s%s", why,
                       result == -ENOENT ? "; is it yours? agentctl push it" : "");
}

static void forget_failure(struct resolver *r, const char *image) {
        struct lookup *l = lookup_find(r, image);

        if (l)
                *l = (struct lookup){ 0 };
}

/* Everybody who waits for the name that was asked for. */
static void over(struct resolver *r, int result, const char *why) {
        char image[SIZE_IMAGE];

        (void)str_copy(image, sizeof(image), r->asked);
        r->asked[0] = '\0';
        r->submitting = false;
        if (result == -EACCES)
                registry_borrow(r->agent, image);
        if (result < 0 && result != -ECANCELED)
                remember_failure(r, image, result, why);
        else
                forget_failure(r, image);
        for (size_t i = 0; i < REFRESHES; i++) {
                struct refresh w = r->refreshes[i];

                if (!str_eq(w.image, image))
                        continue;
                r->refreshes[i] = (struct refresh){ 0 };
                w.done(w.arg, result, why);
        }
        coordinator_changed(r->agent); /* the reason of a function is another one */
        next(r);
}

static void on_written(void *arg, int result) {
        struct resolver *r = arg;

        if (!r->submitting)
                return; /* this board led when it began */
        over(r, result,
             result == -ENOSPC ? "the bramble knows as many images as it can: agentctl image "
                                 "remove one"
             : result < 0      ? "the answer of the registry could not be written down"
                               : "");
}

static void write_down(struct resolver *r, const char *digest) {
        struct agent *a = r->agent;
        struct charter_command cmd = { .op = CHARTER_IMAGE_SET };
        const struct charter_image *known = charter_image(&a->charter, r->asked);
        int error;

        if (known && str_eq(known->digest, digest)) {
                over(r, 0, "");
                return;
        }
        (void)str_copy(cmd.image, sizeof(cmd.image), r->asked);
        (void)str_copy(cmd.digest, sizeof(cmd.digest), digest);
        r->submitting = true;
        log_info("%s is %.19s now", r->asked, digest);
        error = consensus_submit(membership_consensus(a), &cmd, on_written, r);
        if (error < 0)
                on_written(r, error);
}

static void on_timer(uv_timer_t *timer) {
        struct resolver *r = timer->data;
        bool open = r->asked[0] && !r->submitting;
        char host[SIZE_IMAGE], why[SIZE_REASON];

        puller_free(r->puller);
        r->puller = NULL;
        if (!open)
                return;
        (void)snprintf(why, sizeof(why), "%.80s does not answer",
                       registry_host(r->asked, host, sizeof(host)));
        over(r, -ETIMEDOUT, why);
}

static void on_answer(void *arg, int result, const char *why, const cJSON *reply) {
        struct resolver *r = arg;
        const char *digest = reply ? json_text(reply, "digest", "") : "";

        (void)uv_timer_start(&r->timer, on_timer, IDLE_SEC * UINT64_C(1000), 0);
        if (result == -EPIPE) {
                puller_free(r->puller);
                r->puller = NULL;
        }
        if (!r->asked[0] || r->submitting)
                return;
        if (result == 0 && !image_digest_valid(digest)) {
                result = -EBADMSG;
                why = "bramble-pull's answer makes no sense";
        }
        if (result < 0)
                over(r, result, why);
        else
                write_down(r, digest);
}

static void on_data(void *arg, const void *data, size_t len) {
        (void)arg;
        (void)data;
        (void)len;
}

static int ask(struct resolver *r, struct fail *f) {
        static const struct puller_ops ops = { .data = on_data, .done = on_answer };
        cJSON *request;
        int error;

        if (!r->puller) {
                error = registry_start(r->agent, &ops, r, &r->puller, f);
                if (error < 0)
                        return error;
        }
        request = registry_request(r->agent, "resolve", r->asked, f);
        if (!request)
                return f->error ? f->error : -EIO;
        error = puller_ask(r->puller, request);
        registry_request_done(request);
        if (error < 0) { /* it has ended meanwhile: the next try begins another one */
                puller_free(r->puller);
                r->puller = NULL;
        }
        (void)uv_timer_start(&r->timer, on_timer, ASK_SEC * UINT64_C(1000), 0);
        return error < 0 ? fail(f, error, "cannot ask bramble-pull: %s", strerror(-error)) : 0;
}

static void begin(struct resolver *r, const char *image) {
        struct registry_reference reference;
        struct fail f = { 0 };
        int error;

        (void)str_copy(r->asked, sizeof(r->asked), image);
        /* who names a digest has said it all */
        if (registry_reference(image, &reference) == 0 && image_digest_valid(reference.reference)) {
                write_down(r, reference.reference);
                return;
        }
        error = ask(r, &f);
        if (error < 0)
                over(r, error, fail_text(&f));
}

/* The next name that is worth asking for: those that somebody waits for come first. */
static void next(struct resolver *r) {
        struct agent *a = r->agent;
        usec_t now = agent_now();

        if (r->asked[0] || !membership_leads(a))
                return;
        for (size_t i = 0; i < REFRESHES; i++) {
                if (r->refreshes[i].image[0]) {
                        begin(r, r->refreshes[i].image);
                        return;
                }
        }
        for (uint32_t i = 0; i < a->charter.n_functions; i++) {
                const char *image = a->charter.functions[i].image;

                if (charter_image(&a->charter, image) || !is_due(r, image, now))
                        continue;
                begin(r, image);
                return;
        }
}

void resolver_look(struct agent *a) {
        next(a->resolver);
}

void resolver_stop(struct agent *a) {
        struct resolver *r = a->resolver;

        (void)uv_timer_stop(&r->timer);
        puller_free(r->puller);
        r->puller = NULL;
        r->asked[0] = '\0';
        r->submitting = false;
        memset(r->lookups, 0, sizeof(r->lookups));
        for (size_t i = 0; i < REFRESHES; i++) {
                struct refresh w = r->refreshes[i];

                r->refreshes[i] = (struct refresh){ 0 };
                if (w.image[0])
                        w.done(w.arg, -ECANCELED, "the leader has just changed: try again");
        }
}

void resolver_refresh(struct agent *a, const char *image, resolver_cb done, void *arg) {
        struct resolver *r = a->resolver;

        for (size_t i = 0; i < REFRESHES; i++) {
                struct refresh *w = &r->refreshes[i];

                if (w->image[0])
                        continue;
                (void)str_copy(w->image, sizeof(w->image), image);
                w->done = done;
                w->arg = arg;
                coordinator_changed(a); /* its next look begins */
                return;
        }
        done(arg, -EBUSY, "too many deployments wait for a registry");
}

bool resolver_reason(const struct agent *a, const char *image, char dst[static SIZE_REASON]) {
        const struct lookup *l = lookup_find(a->resolver, image);
        char host[SIZE_IMAGE], text[2 * SIZE_REASON];

        if (l)
                (void)snprintf(text, sizeof(text), "cannot pull %.80s: %s",
                               str_starts(image, "docker.io/") ? image + 10 : image, l->reason);
        else
                (void)snprintf(text, sizeof(text), "asking %.80s for its image",
                               registry_host(image, host, sizeof(host)));
        (void)snprintf(dst, SIZE_REASON, "%.*s", SIZE_REASON - 1, text);
        return l != NULL;
}

int resolver_open(struct agent *a) {
        struct resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->agent = a;
        a->resolver = r;
        r->timer.data = r;
        return uv_timer_init(a->loop, &r->timer);
}

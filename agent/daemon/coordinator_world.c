/* coordinator_world - the picture of the bramble, made from the charter and the reports. */
#include "base/str.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "daemon/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t ipv4(const char *text) {
        struct in_addr address;

        return inet_pton(AF_INET, text, &address) == 1 ? ntohl(address.s_addr) : 0;
}

static int make_members(const struct coordinator *c, struct world *w) {
        const struct charter *charter = &c->agent->charter;

        w->members = calloc(charter->n_members + 1, sizeof(*w->members));
        if (!w->members)
                return -ENOMEM;
        for (uint32_t i = 0; i < charter->n_members; i++) {
                const struct charter_member *m = &charter->members[i];
                const struct board_state *b = coordinator_board(c, m->node);
                struct world_member *out = &w->members[w->n_members++];

                out->node = m->node;
                out->subnet = m->subnet;
                out->address = b ? ipv4(b->address) : 0;
                out->up = b && b->up;
                out->api = b && b->up && b->kube.api;
                out->kube = b && charter->kube.epoch && b->kube.epoch == charter->kube.epoch;
                out->cordoned = m->cordoned;
                (void)str_copy(out->name, sizeof(out->name), m->name);
        }
        return 0;
}

static uint64_t invocations(const struct coordinator *c, const char *name, const char *namespace) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < c->n_boards; i++)
                for (uint32_t j = 0; j < c->boards[i]->n_calls; j++) {
                        const struct report_calls *calls = &c->boards[i]->calls[j];

                        if (str_eq(calls->function, name) && str_eq(calls->namespace, namespace))
                                sum += calls->invocations;
                }
        return sum;
}

void coordinator_make_counts(const struct coordinator *c, struct counts *ret) {
        const struct world *w = &c->agent->world;

        *ret = (struct counts){ .term = w->term, .version = w->version, .n = w->n_functions };
        for (uint32_t i = 0; i < w->n_functions; i++)
                ret->calls[i] = invocations(c, w->functions[i].name, w->functions[i].namespace);
}

static int make_functions(const struct coordinator *c, struct world *w) {
        const struct charter *charter = &c->agent->charter;

        w->functions = calloc(charter->n_functions + 1, sizeof(*w->functions));
        if (!w->functions)
                return -ENOMEM;
        for (uint32_t i = 0; i < charter->n_functions; i++) {
                const struct charter_function *f = &charter->functions[i];
                struct world_function *out = &w->functions[i];

                (void)str_copy(out->name, sizeof(out->name), f->name);
                (void)str_copy(out->namespace, sizeof(out->namespace), f->namespace);
                (void)str_copy(out->image, sizeof(out->image), f->image);
                out->replicas = coordinator_replicas(c, i);
                out->generation = f->generation;
                out->memory_bytes = f->memory_bytes;
                out->created_unix = f->created_unix;
                out->invocations = invocations(c, f->name, f->namespace);
                out->spec = strndup(f->spec, f->spec_len);
                if (!out->spec)
                        return -ENOMEM;
                out->spec_len = f->spec_len;
                w->n_functions++;
        }
        return 0;
}

/* Is this replica on its way to answer, as far as anybody knows? */
static bool comes(enum instance_state state, const struct report_instance *r) {
        switch (state) {
        case INSTANCE_PENDING:
                return !r || !r->reason[0];
        case INSTANCE_FETCHING:
        case INSTANCE_STARTING:
        case INSTANCE_READY:
        case INSTANCE_FROZEN:
        case INSTANCE_STOPPING:
                return true;
        case INSTANCE_BACKOFF:
        case INSTANCE_FAILED:
        case INSTANCE_STATE_MAX:
                break;
        }
        return false;
}

/* Placement says why of the first function that it finds no place for: "NAME: no board has ...". */
static const char *no_place(const struct coordinator *c, const char *name) {
        size_t len = strlen(name);

        if (!c->reason[0])
                return "";
        if (str_starts(c->reason, name) && str_starts(c->reason + len, ": "))
                return c->reason + len + 2;
        return "no board has room for one more replica";
}

static void explain_one(const struct coordinator *c, struct world *w, uint32_t function) {
        struct world_function *f = &w->functions[function];
        uint32_t placed = 0, coming = 0;

        if (!charter_image(&c->agent->charter, f->image)) {
                f->stuck = resolver_reason(c->agent, f->image, f->reason) && f->replicas > 0;
                return;
        }
        for (uint32_t i = 0; i < w->n_instances; i++) {
                const struct world_instance *in = &w->instances[i];
                const struct report_instance *r;

                if (in->function != function)
                        continue;
                placed++;
                r = coordinator_instance(c, in->id, NULL);
                coming += comes(in->state, r);
                if (r && r->reason[0] && !f->reason[0])
                        (void)snprintf(f->reason, sizeof(f->reason), "%s", r->reason);
        }
        if (f->available < f->replicas && !f->reason[0] && placed < f->replicas)
                (void)snprintf(f->reason, sizeof(f->reason), "%s", no_place(c, f->name));
        /* nothing comes, and placement has nothing left to do about it */
        f->stuck = f->replicas > 0 && coming == 0 && f->reason[0] &&
                   (placed > 0 || (c->submitted == 0 && c->actions.n == 0));
}

/* Why it does not run yet: the first replica's own reason, else placement's. */
static void explain(const struct coordinator *c, struct world *w) {
        for (uint32_t i = 0; i < w->n_functions; i++)
                explain_one(c, w, i);
}

static void add_instance(const struct coordinator *c, struct world *w,
                         const struct charter_instance *in) {
        const struct world_function *f = world_function(w, in->function, in->namespace);
        const struct board_state *b = NULL;
        const struct report_instance *r = coordinator_instance(c, in->id, &b);
        struct world_instance *out = &w->instances[w->n_instances];

        if (!f)
                return;
        w->n_instances++;
        out->id = in->id;
        out->function = (uint32_t)(f - w->functions);
        out->generation = in->function_generation;
        out->node = in->node;
        if (!r || !b->up || b->node != in->node)
                return;
        out->state = r->state;
        out->address = r->address;
        out->port = r->port;
        if (r->state == INSTANCE_READY)
                w->functions[out->function].available++;
}

static int make_instances(const struct coordinator *c, struct world *w) {
        const struct charter *charter = &c->agent->charter;

        w->instances = calloc(charter->n_instances + c->n_ahead + 1, sizeof(*w->instances));
        if (!w->instances)
                return -ENOMEM;
        for (uint32_t i = 0; i < charter->n_instances; i++)
                add_instance(c, w, &charter->instances[i]);
        for (uint32_t i = 0; i < c->n_ahead; i++)
                if (c->ahead[i].id >= charter->next_instance) /* not applied yet */
                        add_instance(c, w, &c->ahead[i]);
        explain(c, w);
        return 0;
}

static bool holds(const struct board_state *b, const struct charter_image *image) {
        for (uint32_t i = 0; b->up && i < b->n_images; i++)
                if (str_eq(b->images[i].name, image->name) &&
                    str_eq(b->images[i].digest, image->digest))
                        return true;
        return false;
}

static int make_images(const struct coordinator *c, struct world *w) {
        const struct charter *charter = &c->agent->charter;

        w->images = calloc(charter->n_images + 1, sizeof(*w->images));
        if (!w->images)
                return -ENOMEM;
        for (uint32_t i = 0; i < charter->n_images; i++) {
                const struct charter_image *image = &charter->images[i];
                struct world_image *out = &w->images[w->n_images++];

                (void)str_copy(out->name, sizeof(out->name), image->name);
                (void)str_copy(out->digest, sizeof(out->digest), image->digest);
                out->size_bytes = image->size_bytes;
                out->holders = calloc(c->n_boards + 1, sizeof(*out->holders));
                if (!out->holders)
                        return -ENOMEM;
                for (uint32_t j = 0; j < c->n_boards; j++)
                        if (holds(c->boards[j], image))
                                out->holders[out->n_holders++] = c->boards[j]->node;
        }
        return 0;
}

static void make_kube(const struct coordinator *c, struct world_kube *out) {
        const struct charter_kube *k = &c->agent->charter.kube;

        out->epoch = k->epoch;
        out->off = k->off;
        out->founded = k->founded;
        out->restore = k->restore;
        out->adopted = k->adopted;
        out->made = k->made;
        out->n_planes = k->n_planes;
        memcpy(out->planes, k->planes, sizeof(out->planes));
        (void)str_copy(out->version, sizeof(out->version), k->version);
        (void)str_copy(out->ca_hash, sizeof(out->ca_hash), k->ca_hash);
        (void)str_copy(out->note, sizeof(out->note), c->kube_note);
}

int coordinator_make_world(const struct coordinator *c, struct world *ret) {
        const struct agent *a = c->agent;
        struct world w = { .term = consensus_term(membership_consensus(a)),
                           .version = c->version,
                           .bramble = a->charter.bramble,
                           .leader = a->board.node,
                           .master = a->charter.master,
                           .secrets_version = a->charter.secrets_version };
        int r;

        (void)str_copy(w.cluster, sizeof(w.cluster), a->charter.cluster);
        (void)str_copy(w.user, sizeof(w.user), a->charter.user);
        (void)str_copy(w.password, sizeof(w.password), a->charter.password);
        make_kube(c, &w.kube);
        if ((r = make_members(c, &w)) < 0 || (r = make_functions(c, &w)) < 0 ||
            (r = make_instances(c, &w)) < 0 || (r = make_images(c, &w)) < 0 ||
            (r = coordinator_alarms_world(c, &w)) < 0) {
                world_done(&w);
                return r;
        }
        *ret = w;
        return 0;
}

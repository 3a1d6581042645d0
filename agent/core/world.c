#include "core/world.h"

#include "base/str.h"
#include "base/wire.h"
#include "core/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD_FORMAT = 4 };

void world_done(struct world *w) {
        for (uint32_t i = 0; w->functions && i < w->n_functions; i++)
                free(w->functions[i].spec);
        for (uint32_t i = 0; w->images && i < w->n_images; i++)
                free(w->images[i].holders);
        free(w->members);
        free(w->functions);
        free(w->instances);
        free(w->images);
        free(w->alarms);
        *w = (struct world){ 0 };
}

static void put_functions(struct wire_out *w, const struct world *world) {
        wire_put_u32(w, world->n_functions);
        for (uint32_t i = 0; i < world->n_functions; i++) {
                const struct world_function *f = &world->functions[i];

                wire_put_text(w, f->name);
                wire_put_text(w, f->namespace);
                wire_put_text(w, f->image);
                wire_put_u32(w, f->replicas);
                wire_put_u32(w, f->available);
                wire_put_u32(w, f->generation);
                wire_put_u64(w, f->memory_bytes);
                wire_put_u64(w, f->created_unix);
                wire_put_u64(w, f->invocations);
                wire_put_u8(w, f->stuck);
                wire_put_text(w, f->reason);
                wire_put_bytes(w, f->spec, f->spec_len);
        }
}

static void put_images(struct wire_out *w, const struct world *world) {
        wire_put_u32(w, world->n_images);
        for (uint32_t i = 0; i < world->n_images; i++) {
                const struct world_image *image = &world->images[i];

                wire_put_text(w, image->name);
                wire_put_text(w, image->digest);
                wire_put_u64(w, image->size_bytes);
                wire_put_u32(w, image->n_holders);
                for (uint32_t j = 0; j < image->n_holders; j++)
                        wire_put_u64(w, image->holders[j]);
        }
}

static void put_alarms(struct wire_out *w, const struct world *world) {
        wire_put_u64(w, world->last_event);
        wire_put_u32(w, world->n_alarms);
        for (uint32_t i = 0; i < world->n_alarms; i++) {
                const struct world_alarm *x = &world->alarms[i];

                wire_put_u64(w, x->node);
                wire_put_u8(w, (uint8_t)x->kind);
                report_alarm_put(w, x->severity, x->age_sec, x->text);
        }
}

static void put_kube(struct wire_out *w, const struct world_kube *k) {
        wire_put_u32(w, k->epoch);
        wire_put_u8(w, k->off);
        wire_put_u8(w, k->founded);
        wire_put_u8(w, k->restore);
        wire_put_u8(w, k->adopted);
        wire_put_u32(w, k->made);
        wire_put_u32(w, k->n_planes);
        for (uint32_t i = 0; i < k->n_planes; i++)
                wire_put_u64(w, k->planes[i]);
        wire_put_text(w, k->version);
        wire_put_text(w, k->ca_hash);
        wire_put_text(w, k->note);
}

static void get_kube(struct wire_in *w, struct world_kube *k) {
        k->epoch = wire_get_u32(w);
        k->off = wire_get_bool(w);
        k->founded = wire_get_bool(w);
        k->restore = wire_get_bool(w);
        k->adopted = wire_get_bool(w);
        k->made = wire_get_u32(w);
        k->n_planes = wire_get_count(w, LIMIT_PLANES);
        for (uint32_t i = 0; i < k->n_planes; i++)
                k->planes[i] = wire_get_u64(w);
        wire_get_text(w, k->version, sizeof(k->version));
        wire_get_text(w, k->ca_hash, sizeof(k->ca_hash));
        wire_get_text(w, k->note, sizeof(k->note));
        if ((k->version[0] && !names_version_valid(k->version)) ||
            (k->ca_hash[0] && !names_digest_valid(k->ca_hash)))
                w->bad = true;
}

int world_encode(const struct world *world, struct buf *out) {
        struct wire_out w = { .buf = out };

        wire_put_u8(&w, WORLD_FORMAT);
        wire_put_u64(&w, world->term);
        wire_put_u64(&w, world->version);
        wire_put_u64(&w, world->bramble);
        wire_put_u64(&w, world->leader);
        wire_put_u64(&w, world->master);
        wire_put_u64(&w, world->fold);
        wire_put_text(&w, world->cluster);
        wire_put_text(&w, world->user);
        wire_put_text(&w, world->password);
        wire_put_u32(&w, world->n_members);
        for (uint32_t i = 0; i < world->n_members; i++) {
                const struct world_member *m = &world->members[i];

                wire_put_u64(&w, m->node);
                wire_put_text(&w, m->name);
                wire_put_u16(&w, m->subnet);
                wire_put_u32(&w, m->address);
                wire_put_u8(&w, m->up);
                wire_put_u8(&w, m->api);
                wire_put_u8(&w, m->kube);
                wire_put_u8(&w, m->cordoned);
        }
        put_functions(&w, world);
        wire_put_u32(&w, world->n_instances);
        for (uint32_t i = 0; i < world->n_instances; i++) {
                const struct world_instance *in = &world->instances[i];

                wire_put_u32(&w, in->id);
                wire_put_u32(&w, in->function);
                wire_put_u32(&w, in->generation);
                wire_put_u64(&w, in->node);
                wire_put_u8(&w, (uint8_t)in->state);
                wire_put_u32(&w, in->address);
                wire_put_u16(&w, in->port);
        }
        put_images(&w, world);
        put_kube(&w, &world->kube);
        wire_put_u64(&w, world->secrets_version);
        put_alarms(&w, world);
        return wire_end(&w);
}

/* calloc of a count that was read; n 0 gives NULL and is fine. */
static void *array(struct wire_in *w, uint32_t n, size_t size, int *error) {
        void *p;

        if (n == 0 || w->bad)
                return NULL;
        p = calloc(n, size);
        if (!p) {
                *error = -ENOMEM;
                w->bad = true;
        }
        return p;
}

static void get_members(struct wire_in *w, struct world *world, int *error) {
        uint32_t n = wire_get_count(w, LIMIT_BOARDS);

        world->members = array(w, n, sizeof(*world->members), error);
        if (!world->members)
                return;
        world->n_members = n;
        for (uint32_t i = 0; i < n; i++) {
                struct world_member *m = &world->members[i];

                m->node = wire_get_u64(w);
                wire_get_text(w, m->name, sizeof(m->name));
                m->subnet = wire_get_u16(w);
                m->address = wire_get_u32(w);
                m->up = wire_get_bool(w);
                m->api = wire_get_bool(w);
                m->kube = wire_get_bool(w);
                m->cordoned = wire_get_bool(w);
                if (m->node == 0 || m->subnet < 1 || m->subnet > 250)
                        w->bad = true;
        }
}

static void get_function(struct wire_in *w, struct world_function *f, int *error) {
        const char *spec;
        size_t len;

        wire_get_text(w, f->name, sizeof(f->name));
        wire_get_text(w, f->namespace, sizeof(f->namespace));
        wire_get_text(w, f->image, sizeof(f->image));
        f->replicas = wire_get_count(w, LIMIT_REPLICAS);
        f->available = wire_get_u32(w);
        f->generation = wire_get_u32(w);
        f->memory_bytes = wire_get_u64(w);
        f->created_unix = wire_get_u64(w);
        f->invocations = wire_get_u64(w);
        f->stuck = wire_get_bool(w);
        wire_get_text(w, f->reason, sizeof(f->reason));
        spec = wire_get_bytes(w, LIMIT_SPEC_BYTES, &len);
        if (w->bad || memchr(spec, '\0', len)) {
                w->bad = true;
                return;
        }
        f->spec = strndup(spec, len);
        if (!f->spec) {
                *error = -ENOMEM;
                w->bad = true;
                return;
        }
        f->spec_len = (uint32_t)len;
}

static void get_functions(struct wire_in *w, struct world *world, int *error) {
        uint32_t n = wire_get_count(w, LIMIT_FUNCTIONS);

        world->functions = array(w, n, sizeof(*world->functions), error);
        if (!world->functions)
                return;
        world->n_functions = n;
        for (uint32_t i = 0; i < n && !w->bad; i++)
                get_function(w, &world->functions[i], error);
}

static void get_instances(struct wire_in *w, struct world *world, int *error) {
        uint32_t n = wire_get_count(w, LIMIT_INSTANCES);

        world->instances = array(w, n, sizeof(*world->instances), error);
        if (!world->instances)
                return;
        world->n_instances = n;
        for (uint32_t i = 0; i < n; i++) {
                struct world_instance *in = &world->instances[i];
                uint8_t state;

                in->id = wire_get_u32(w);
                in->function = wire_get_u32(w);
                in->generation = wire_get_u32(w);
                in->node = wire_get_u64(w);
                state = wire_get_u8(w);
                in->address = wire_get_u32(w);
                in->port = wire_get_u16(w);
                if (in->function >= world->n_functions || state >= INSTANCE_STATE_MAX)
                        w->bad = true;
                in->state = (enum instance_state)state;
        }
}

static void get_images(struct wire_in *w, struct world *world, int *error) {
        uint32_t n = wire_get_count(w, LIMIT_IMAGES);

        world->images = array(w, n, sizeof(*world->images), error);
        if (!world->images)
                return;
        world->n_images = n;
        for (uint32_t i = 0; i < n; i++) {
                struct world_image *image = &world->images[i];
                uint32_t holders;

                wire_get_text(w, image->name, sizeof(image->name));
                wire_get_text(w, image->digest, sizeof(image->digest));
                image->size_bytes = wire_get_u64(w);
                holders = wire_get_count(w, LIMIT_BOARDS);
                image->holders = array(w, holders, sizeof(uint64_t), error);
                for (; image->holders && image->n_holders < holders; image->n_holders++)
                        image->holders[image->n_holders] = wire_get_u64(w);
        }
}

static void get_alarms(struct wire_in *w, struct world *world, int *error) {
        uint32_t n;

        world->last_event = wire_get_u64(w);
        n = wire_get_count(w, LIMIT_ALARMS);
        world->alarms = array(w, n, sizeof(*world->alarms), error);
        if (!world->alarms)
                return;
        world->n_alarms = n;
        for (uint32_t i = 0; i < n && !w->bad; i++) {
                struct world_alarm *x = &world->alarms[i];
                uint8_t kind;

                x->node = wire_get_u64(w);
                kind = wire_get_u8(w);
                if (kind >= ALARM_KINDS)
                        w->bad = true;
                x->kind = (enum alarm_kind)(w->bad ? 0 : kind);
                report_alarm_get(w, &x->severity, &x->age_sec, x->text);
        }
}

int world_decode(const void *data, size_t len, struct world *ret) {
        struct wire_in w = wire_in(data, len);
        struct world world = { 0 };
        int error = -EBADMSG;

        if (wire_get_u8(&w) != WORLD_FORMAT)
                return -EBADMSG;
        world.term = wire_get_u64(&w);
        world.version = wire_get_u64(&w);
        world.bramble = wire_get_u64(&w);
        world.leader = wire_get_u64(&w);
        world.master = wire_get_u64(&w);
        world.fold = wire_get_u64(&w);
        wire_get_text(&w, world.cluster, sizeof(world.cluster));
        wire_get_text(&w, world.user, sizeof(world.user));
        wire_get_text(&w, world.password, sizeof(world.password));
        get_members(&w, &world, &error);
        get_functions(&w, &world, &error);
        get_instances(&w, &world, &error);
        get_images(&w, &world, &error);
        get_kube(&w, &world.kube);
        world.secrets_version = wire_get_u64(&w);
        get_alarms(&w, &world, &error);
        if (!wire_complete(&w)) {
                world_done(&world);
                return error;
        }
        *ret = world;
        return 0;
}

const struct world_member *world_member(const struct world *w, uint64_t node) {
        for (uint32_t i = 0; i < w->n_members; i++)
                if (w->members[i].node == node)
                        return &w->members[i];
        return NULL;
}

const struct world_member *world_member_by_name(const struct world *w, const char *name) {
        for (uint32_t i = 0; i < w->n_members; i++)
                if (str_eq(w->members[i].name, name))
                        return &w->members[i];
        return NULL;
}

const struct world_function *world_function(const struct world *w, const char *name,
                                            const char *namespace) {
        for (uint32_t i = 0; i < w->n_functions; i++)
                if (str_eq(w->functions[i].name, name) &&
                    str_eq(w->functions[i].namespace, namespace))
                        return &w->functions[i];
        return NULL;
}

const struct world_alarm *world_alarm(const struct world *w, uint64_t node, enum alarm_kind kind) {
        for (uint32_t i = 0; i < w->n_alarms; i++)
                if (w->alarms[i].node == node && w->alarms[i].kind == kind)
                        return &w->alarms[i];
        return NULL;
}

bool world_kube_carries(const struct world_kube *k, uint64_t node) {
        for (uint32_t i = 0; i < k->n_planes; i++)
                if (k->planes[i] == node)
                        return true;
        return false;
}

const struct world_image *world_image(const struct world *w, const char *name) {
        for (uint32_t i = 0; i < w->n_images; i++)
                if (str_eq(w->images[i].name, name))
                        return &w->images[i];
        return NULL;
}

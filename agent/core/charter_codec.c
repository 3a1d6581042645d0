#include "core/charter.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/wire.h"
#include "core/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        COMMAND_VERSION = 1,
        COMMAND_VERSION_SET = 2,     /* FUNCTION_SET since there are floors; 1: before */
        SNAPSHOT_VERSION = 4,        /* 1 had no Kubernetes, 2 no secrets, namespaces and floors,
                                        3 no cordons and no shutdown */
        SNAPSHOT_MAGIC = 0x42524348, /* "BRCH" */
};

static void get_key(struct wire_in *w, uint8_t key[static SIZE_KUBE_KEY]) {
        size_t len;
        const void *at = wire_get_bytes(w, SIZE_KUBE_KEY, &len);

        if (w->bad || len != SIZE_KUBE_KEY)
                w->bad = true;
        else
                memcpy(key, at, SIZE_KUBE_KEY);
}

/* ---- commands ---- */

static void put_kube_command(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_u32(w, cmd->kube_epoch);
        switch ((int)cmd->op) {
        case CHARTER_KUBE_MOVE:
                wire_put_u64(w, cmd->node);
                wire_put_u8(w, cmd->kube_restore);
                wire_put_bytes(w, cmd->kube_key, sizeof(cmd->kube_key));
                break;
        case CHARTER_KUBE_FOUNDED:
                wire_put_text(w, cmd->version);
                wire_put_text(w, cmd->digest);
                wire_put_u8(w, cmd->kube_adopted);
                break;
        case CHARTER_KUBE_OFF:
                wire_put_u8(w, cmd->kube_off);
                break;
        default:
                wire_put_u64(w, cmd->node);
        }
}

static void get_kube_command(struct wire_in *w, struct charter_command *cmd) {
        cmd->kube_epoch = wire_get_u32(w);
        switch ((int)cmd->op) {
        case CHARTER_KUBE_MOVE:
                cmd->node = wire_get_u64(w);
                cmd->kube_restore = wire_get_bool(w);
                get_key(w, cmd->kube_key);
                break;
        case CHARTER_KUBE_FOUNDED:
                wire_get_text(w, cmd->version, sizeof(cmd->version));
                wire_get_text(w, cmd->digest, sizeof(cmd->digest));
                cmd->kube_adopted = wire_get_bool(w);
                break;
        case CHARTER_KUBE_OFF:
                cmd->kube_off = wire_get_bool(w);
                break;
        default:
                cmd->node = wire_get_u64(w);
        }
}

static void put_function_set(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_text(w, cmd->name);
        wire_put_text(w, cmd->namespace);
        wire_put_text(w, cmd->image);
        wire_put_bytes(w, cmd->spec, cmd->spec_len);
        wire_put_u32(w, cmd->replicas);
        wire_put_u64(w, cmd->memory_bytes);
        wire_put_u64(w, cmd->created_unix);
        wire_put_u8(w, cmd->only_new);
        wire_put_u8(w, cmd->only_existing);
}

static void put_secret_set(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_text(w, cmd->name);
        wire_put_text(w, cmd->namespace);
        wire_put_u64(w, cmd->secrets_key);
        wire_put_bytes(w, cmd->sealed, cmd->sealed_len);
        wire_put_u8(w, cmd->only_new);
        wire_put_u8(w, cmd->only_existing);
}

static void put_namespace_set(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_text(w, cmd->name);
        wire_put_bytes(w, cmd->spec, cmd->spec_len);
        wire_put_u8(w, cmd->only_new);
        wire_put_u8(w, cmd->only_existing);
}

static void put_member_change(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_u64(w, cmd->node);
        if (cmd->op == CHARTER_MEMBER_CORDON)
                wire_put_u8(w, cmd->cordoned);
        else
                wire_put_text(w, cmd->name);
}

static void get_member_change(struct wire_in *w, struct charter_command *cmd) {
        cmd->node = wire_get_u64(w);
        if (cmd->op == CHARTER_MEMBER_CORDON)
                cmd->cordoned = wire_get_bool(w);
        else
                wire_get_text(w, cmd->name, sizeof(cmd->name));
}

static uint8_t command_version(const struct charter_command *cmd) {
        return cmd->op == CHARTER_FUNCTION_SET && !cmd->before_floors ? COMMAND_VERSION_SET
                                                                      : COMMAND_VERSION;
}

static void put_command(struct wire_out *w, const struct charter_command *cmd) {
        wire_put_u8(w, command_version(cmd));
        wire_put_u8(w, (uint8_t)cmd->op);
        switch (cmd->op) {
        case CHARTER_FOUND:
                wire_put_u64(w, cmd->bramble);
                wire_put_text(w, cmd->cluster);
                wire_put_text(w, cmd->user);
                wire_put_text(w, cmd->password);
                board_put(w, &cmd->board);
                break;
        case CHARTER_MEMBER_ADD:
                board_put(w, &cmd->board);
                break;
        case CHARTER_MEMBER_REMOVE:
        case CHARTER_MASTER_SET:
                wire_put_u64(w, cmd->node);
                break;
        case CHARTER_FUNCTION_SET:
                put_function_set(w, cmd);
                break;
        case CHARTER_FUNCTION_SCALE:
                wire_put_text(w, cmd->name);
                wire_put_text(w, cmd->namespace);
                wire_put_u32(w, cmd->replicas);
                break;
        case CHARTER_FUNCTION_FOLLOW:
                wire_put_text(w, cmd->name);
                wire_put_text(w, cmd->namespace);
                wire_put_u32(w, cmd->replicas);
                wire_put_u32(w, cmd->replicas_from);
                break;
        case CHARTER_FUNCTION_REMOVE:
                wire_put_text(w, cmd->name);
                wire_put_text(w, cmd->namespace);
                break;
        case CHARTER_INSTANCE_PLACE:
                wire_put_text(w, cmd->name);
                wire_put_text(w, cmd->namespace);
                wire_put_u64(w, cmd->node);
                break;
        case CHARTER_INSTANCE_DROP:
                wire_put_u32(w, cmd->instance);
                break;
        case CHARTER_IMAGE_SET:
                wire_put_text(w, cmd->image);
                wire_put_text(w, cmd->digest);
                wire_put_u64(w, cmd->size_bytes);
                break;
        case CHARTER_IMAGE_REMOVE:
                wire_put_text(w, cmd->image);
                break;
        case CHARTER_KUBE_MOVE:
        case CHARTER_KUBE_FOUNDED:
        case CHARTER_KUBE_PLANE_ADD:
        case CHARTER_KUBE_PLANE_REMOVE:
        case CHARTER_KUBE_OFF:
                put_kube_command(w, cmd);
                break;
        case CHARTER_SECRET_SET:
                put_secret_set(w, cmd);
                break;
        case CHARTER_SECRET_REMOVE:
                wire_put_text(w, cmd->name);
                wire_put_text(w, cmd->namespace);
                break;
        case CHARTER_NAMESPACE_SET:
                put_namespace_set(w, cmd);
                break;
        case CHARTER_NAMESPACE_REMOVE:
                wire_put_text(w, cmd->name);
                break;
        case CHARTER_SHUTDOWN_SET:
        case CHARTER_SHUTDOWN_CLEAR:
                charter_shutdown_put(w, &cmd->shutdown);
                break;
        case CHARTER_MEMBER_CORDON:
        case CHARTER_MEMBER_RENAME:
                put_member_change(w, cmd);
                break;
        case CHARTER_OP_MAX:
                break;
        }
}

/* What was begun at 'start' is taken back where it failed or is longer than 'most'. */
static int put_end(const struct wire_out *w, size_t start, size_t most) {
        int r = wire_end(w);

        if (r == 0 && w->buf->len - start > most)
                r = -EMSGSIZE;
        if (r < 0)
                w->buf->len = start;
        return r;
}

int charter_command_encode(const struct charter_command *cmd, struct buf *out) {
        struct wire_out w = { .buf = out };
        size_t start = out->len;

        put_command(&w, cmd);
        return put_end(&w, start, LIMIT_COMMAND_BYTES);
}

static void get_function_set(struct wire_in *w, struct charter_command *cmd) {
        size_t len;

        wire_get_text(w, cmd->name, sizeof(cmd->name));
        wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
        wire_get_text(w, cmd->image, sizeof(cmd->image));
        cmd->spec = wire_get_bytes(w, LIMIT_SPEC_BYTES, &len);
        cmd->spec_len = (uint32_t)len;
        cmd->replicas = wire_get_u32(w);
        cmd->memory_bytes = wire_get_u64(w);
        cmd->created_unix = wire_get_u64(w);
        cmd->only_new = wire_get_bool(w);
        cmd->only_existing = wire_get_bool(w);
}

static void get_secret_set(struct wire_in *w, struct charter_command *cmd) {
        size_t len;

        wire_get_text(w, cmd->name, sizeof(cmd->name));
        wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
        cmd->secrets_key = wire_get_u64(w);
        cmd->sealed = wire_get_bytes(w, LIMIT_SEALED_BYTES, &len);
        cmd->sealed_len = (uint32_t)len;
        cmd->only_new = wire_get_bool(w);
        cmd->only_existing = wire_get_bool(w);
}

static void get_namespace_set(struct wire_in *w, struct charter_command *cmd) {
        size_t len;

        wire_get_text(w, cmd->name, sizeof(cmd->name));
        cmd->spec = wire_get_bytes(w, LIMIT_NAMESPACE_BYTES, &len);
        cmd->spec_len = (uint32_t)len;
        cmd->only_new = wire_get_bool(w);
        cmd->only_existing = wire_get_bool(w);
}

static void get_command(struct wire_in *w, struct charter_command *cmd) {
        switch (cmd->op) {
        case CHARTER_FOUND:
                cmd->bramble = wire_get_u64(w);
                wire_get_text(w, cmd->cluster, sizeof(cmd->cluster));
                wire_get_text(w, cmd->user, sizeof(cmd->user));
                wire_get_text(w, cmd->password, sizeof(cmd->password));
                board_get(w, &cmd->board);
                break;
        case CHARTER_MEMBER_ADD:
                board_get(w, &cmd->board);
                break;
        case CHARTER_MEMBER_REMOVE:
        case CHARTER_MASTER_SET:
                cmd->node = wire_get_u64(w);
                break;
        case CHARTER_FUNCTION_SET:
                get_function_set(w, cmd);
                break;
        case CHARTER_FUNCTION_SCALE:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
                cmd->replicas = wire_get_u32(w);
                break;
        case CHARTER_FUNCTION_FOLLOW:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
                cmd->replicas = wire_get_u32(w);
                cmd->replicas_from = wire_get_u32(w);
                break;
        case CHARTER_FUNCTION_REMOVE:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
                break;
        case CHARTER_INSTANCE_PLACE:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
                cmd->node = wire_get_u64(w);
                break;
        case CHARTER_INSTANCE_DROP:
                cmd->instance = wire_get_u32(w);
                break;
        case CHARTER_IMAGE_SET:
                wire_get_text(w, cmd->image, sizeof(cmd->image));
                wire_get_text(w, cmd->digest, sizeof(cmd->digest));
                cmd->size_bytes = wire_get_u64(w);
                break;
        case CHARTER_IMAGE_REMOVE:
                wire_get_text(w, cmd->image, sizeof(cmd->image));
                break;
        case CHARTER_KUBE_MOVE:
        case CHARTER_KUBE_FOUNDED:
        case CHARTER_KUBE_PLANE_ADD:
        case CHARTER_KUBE_PLANE_REMOVE:
        case CHARTER_KUBE_OFF:
                get_kube_command(w, cmd);
                break;
        case CHARTER_SECRET_SET:
                get_secret_set(w, cmd);
                break;
        case CHARTER_SECRET_REMOVE:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                wire_get_text(w, cmd->namespace, sizeof(cmd->namespace));
                break;
        case CHARTER_NAMESPACE_SET:
                get_namespace_set(w, cmd);
                break;
        case CHARTER_NAMESPACE_REMOVE:
                wire_get_text(w, cmd->name, sizeof(cmd->name));
                break;
        case CHARTER_SHUTDOWN_SET:
        case CHARTER_SHUTDOWN_CLEAR:
                charter_shutdown_get(w, &cmd->shutdown);
                break;
        case CHARTER_MEMBER_CORDON:
        case CHARTER_MEMBER_RENAME:
                get_member_change(w, cmd);
                break;
        case CHARTER_OP_MAX:
                w->bad = true;
                break;
        }
}

int charter_command_decode(const void *data, size_t len, struct charter_command *ret) {
        struct wire_in w = wire_in(data, len);
        struct charter_command cmd = { 0 };
        uint8_t version = wire_get_u8(&w), op = wire_get_u8(&w);

        if (op == 0 || op >= CHARTER_OP_MAX)
                return -EBADMSG;
        cmd.op = op;
        cmd.before_floors = op == CHARTER_FUNCTION_SET && version == COMMAND_VERSION;
        if (version != command_version(&cmd))
                return -EBADMSG;
        get_command(&w, &cmd);
        if (!wire_complete(&w))
                return -EBADMSG;
        *ret = cmd;
        return 0;
}

/* ---- the whole state ---- */

static void put_members(struct wire_out *w, const struct charter *c) {
        wire_put_u32(w, c->n_members);
        for (uint32_t i = 0; i < c->n_members; i++) {
                wire_put_text(w, c->members[i].name);
                wire_put_u16(w, c->members[i].subnet);
                board_put(w, &c->members[i].board);
                wire_put_u8(w, c->members[i].cordoned);
        }
}

static void put_functions(struct wire_out *w, const struct charter *c) {
        wire_put_u32(w, c->n_functions);
        for (uint32_t i = 0; i < c->n_functions; i++) {
                const struct charter_function *f = &c->functions[i];

                wire_put_text(w, f->name);
                wire_put_text(w, f->namespace);
                wire_put_text(w, f->image);
                wire_put_bytes(w, f->spec, f->spec_len);
                wire_put_u32(w, f->replicas);
                wire_put_u64(w, f->memory_bytes);
                wire_put_u32(w, f->generation);
                wire_put_u64(w, f->created_unix);
                wire_put_u32(w, f->floor);
        }
}

static void put_instances(struct wire_out *w, const struct charter *c) {
        wire_put_u32(w, c->n_instances);
        for (uint32_t i = 0; i < c->n_instances; i++) {
                const struct charter_instance *in = &c->instances[i];

                wire_put_u32(w, in->id);
                wire_put_u32(w, in->function_generation);
                wire_put_u64(w, in->node);
                wire_put_text(w, in->function);
                wire_put_text(w, in->namespace);
        }
}

static void put_images(struct wire_out *w, const struct charter *c) {
        wire_put_u32(w, c->n_images);
        for (uint32_t i = 0; i < c->n_images; i++) {
                wire_put_text(w, c->images[i].name);
                wire_put_text(w, c->images[i].digest);
                wire_put_u64(w, c->images[i].size_bytes);
        }
}

static void put_kube(struct wire_out *w, const struct charter_kube *k) {
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
        wire_put_bytes(w, k->key, sizeof(k->key));
}

static void get_kube(struct wire_in *w, struct charter_kube *k) {
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
        get_key(w, k->key);
}

static void put_secrets(struct wire_out *w, const struct charter *c) {
        wire_put_u64(w, c->secrets_key);
        wire_put_u64(w, c->secrets_version);
        wire_put_u32(w, c->n_secrets);
        for (uint32_t i = 0; i < c->n_secrets; i++) {
                wire_put_text(w, c->secrets[i].name);
                wire_put_text(w, c->secrets[i].namespace);
                wire_put_bytes(w, c->secrets[i].sealed, c->secrets[i].sealed_len);
        }
}

static void put_namespaces(struct wire_out *w, const struct charter *c) {
        wire_put_u32(w, c->n_namespaces);
        for (uint32_t i = 0; i < c->n_namespaces; i++) {
                wire_put_text(w, c->namespaces[i].name);
                wire_put_bytes(w, c->namespaces[i].about, c->namespaces[i].about_len);
        }
}

int charter_encode(const struct charter *c, struct buf *out) {
        struct wire_out w = { .buf = out };
        size_t start = out->len;

        wire_put_u32(&w, SNAPSHOT_MAGIC);
        wire_put_u16(&w, SNAPSHOT_VERSION);
        wire_put_u64(&w, c->bramble);
        wire_put_text(&w, c->cluster);
        wire_put_u64(&w, c->master);
        wire_put_text(&w, c->user);
        wire_put_text(&w, c->password);
        wire_put_u32(&w, c->next_instance);
        wire_put_u32(&w, c->next_worker);
        wire_put_u32(&w, c->next_generation);
        wire_put_u64(&w, c->version);
        put_members(&w, c);
        put_functions(&w, c);
        put_instances(&w, c);
        put_images(&w, c);
        put_kube(&w, &c->kube);
        put_secrets(&w, c);
        put_namespaces(&w, c);
        charter_shutdown_put(&w, &c->shutdown);
        return put_end(&w, start, LIMIT_CHARTER_BYTES);
}

/* The readers below count an item only once it may be freed, so that charter_done() fits at any
 * point.  They fill no more than was checked to be there: a count is bounded by limits.h. */

static void *get_array(struct wire_in *w, uint32_t max, size_t size, uint32_t *ret_n, int *error) {
        void *array;

        *ret_n = wire_get_count(w, max);
        if (*ret_n == 0)
                return NULL;
        array = calloc(*ret_n, size);
        if (!array) {
                *error = -ENOMEM;
                *ret_n = 0;
        }
        return array;
}

static void get_members(struct wire_in *w, struct charter *c, uint16_t version, int *error) {
        uint32_t n;

        c->members = get_array(w, LIMIT_BOARDS, sizeof(c->members[0]), &n, error);
        for (; c->n_members < n && wire_good(w); c->n_members++) {
                struct charter_member *m = &c->members[c->n_members];

                wire_get_text(w, m->name, sizeof(m->name));
                m->subnet = wire_get_u16(w);
                board_get(w, &m->board);
                m->cordoned = version > 3 && wire_get_bool(w);
                m->node = m->board.node;
        }
}

static void get_functions(struct wire_in *w, struct charter *c, uint16_t version, int *error) {
        uint32_t n;

        c->functions = get_array(w, LIMIT_FUNCTIONS, sizeof(c->functions[0]), &n, error);
        for (; c->n_functions < n && wire_good(w) && *error == 0; c->n_functions++) {
                struct charter_function *f = &c->functions[c->n_functions];
                const void *spec;
                size_t len;

                wire_get_text(w, f->name, sizeof(f->name));
                wire_get_text(w, f->namespace, sizeof(f->namespace));
                wire_get_text(w, f->image, sizeof(f->image));
                spec = wire_get_bytes(w, LIMIT_SPEC_BYTES, &len);
                if (len && memchr(spec, '\0', len))
                        w->bad = true;
                f->spec = calloc(len + 1, 1);
                if (!f->spec)
                        *error = -ENOMEM;
                else if (len)
                        memcpy(f->spec, spec, len);
                f->spec_len = (uint32_t)len;
                f->replicas = wire_get_u32(w);
                f->memory_bytes = wire_get_u64(w);
                f->generation = wire_get_u32(w);
                f->created_unix = wire_get_u64(w);
                f->floor = version > 2 ? wire_get_u32(w) : f->replicas;
        }
}

static void get_instances(struct wire_in *w, struct charter *c, int *error) {
        uint32_t n;

        c->instances = get_array(w, LIMIT_INSTANCES, sizeof(c->instances[0]), &n, error);
        for (; c->n_instances < n && wire_good(w); c->n_instances++) {
                struct charter_instance *in = &c->instances[c->n_instances];

                in->id = wire_get_u32(w);
                in->function_generation = wire_get_u32(w);
                in->node = wire_get_u64(w);
                wire_get_text(w, in->function, sizeof(in->function));
                wire_get_text(w, in->namespace, sizeof(in->namespace));
        }
}

static void get_images(struct wire_in *w, struct charter *c, int *error) {
        uint32_t n;

        c->images = get_array(w, LIMIT_IMAGES, sizeof(c->images[0]), &n, error);
        for (; c->n_images < n && wire_good(w); c->n_images++) {
                struct charter_image *i = &c->images[c->n_images];

                wire_get_text(w, i->name, sizeof(i->name));
                wire_get_text(w, i->digest, sizeof(i->digest));
                i->size_bytes = wire_get_u64(w);
        }
}

/* A copy, with a NUL behind it, of at most 'most' bytes that come next. */
static void *get_copy(struct wire_in *w, size_t most, uint32_t *ret_len, int *error) {
        size_t len;
        const void *data = wire_get_bytes(w, most, &len);
        char *copy = calloc(len + 1, 1);

        if (!copy)
                *error = -ENOMEM;
        else if (len)
                memcpy(copy, data, len);
        *ret_len = (uint32_t)len;
        return copy;
}

static void get_secrets(struct wire_in *w, struct charter *c, int *error) {
        uint32_t n;

        c->secrets_key = wire_get_u64(w);
        c->secrets_version = wire_get_u64(w);
        c->secrets = get_array(w, LIMIT_SECRETS, sizeof(c->secrets[0]), &n, error);
        for (; c->n_secrets < n && wire_good(w) && *error == 0; c->n_secrets++) {
                struct charter_secret *s = &c->secrets[c->n_secrets];

                wire_get_text(w, s->name, sizeof(s->name));
                wire_get_text(w, s->namespace, sizeof(s->namespace));
                s->sealed = get_copy(w, LIMIT_SEALED_BYTES, &s->sealed_len, error);
        }
}

static void get_namespaces(struct wire_in *w, struct charter *c, int *error) {
        uint32_t n;

        c->namespaces = get_array(w, LIMIT_NAMESPACES, sizeof(c->namespaces[0]), &n, error);
        for (; c->n_namespaces < n && wire_good(w) && *error == 0; c->n_namespaces++) {
                struct charter_namespace *s = &c->namespaces[c->n_namespaces];

                wire_get_text(w, s->name, sizeof(s->name));
                s->about = get_copy(w, LIMIT_NAMESPACE_BYTES, &s->about_len, error);
                if (s->about && memchr(s->about, '\0', s->about_len))
                        w->bad = true;
        }
}

static bool members_valid(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_members; i++) {
                const struct charter_member *m = &c->members[i];

                if (m->node == 0 || !names_valid(m->name) || m->subnet == 0 ||
                    m->subnet > CHARTER_SUBNETS)
                        return false;
                for (uint32_t j = 0; j < i; j++)
                        if (c->members[j].node == m->node || c->members[j].subnet == m->subnet ||
                            str_eq(c->members[j].name, m->name))
                                return false;
        }
        return charter_member(c, c->master) != NULL;
}

static bool functions_valid(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_functions; i++) {
                const struct charter_function *f = &c->functions[i], *before;
                int order;

                if (!names_valid(f->name) || !names_valid(f->namespace) ||
                    !names_image_valid(f->image) || f->replicas > LIMIT_REPLICAS ||
                    f->floor > LIMIT_REPLICAS || f->memory_bytes > CHARTER_MEMORY_MAX ||
                    f->generation == 0 || f->generation >= c->next_generation)
                        return false;
                if (i == 0)
                        continue;
                before = &c->functions[i - 1];
                order = strcmp(before->name, f->name);
                if (order > 0 || (order == 0 && strcmp(before->namespace, f->namespace) >= 0))
                        return false;
        }
        return true;
}

static bool instances_valid(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_instances; i++) {
                const struct charter_instance *in = &c->instances[i];
                const struct charter_function *f = charter_function(c, in->function, in->namespace);

                if (in->id == 0 || in->id >= c->next_instance ||
                    (i > 0 && c->instances[i - 1].id >= in->id) || !f ||
                    in->function_generation == 0 || in->function_generation > f->generation ||
                    !charter_member(c, in->node))
                        return false;
        }
        return true;
}

static bool images_valid(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_images; i++)
                if (!names_image_valid(c->images[i].name) ||
                    !names_digest_valid(c->images[i].digest) ||
                    (i > 0 && strcmp(c->images[i - 1].name, c->images[i].name) >= 0))
                        return false;
        return true;
}

static bool secrets_valid(const struct charter *c) {
        uint64_t all = 0;

        for (uint32_t i = 0; i < c->n_secrets; i++) {
                const struct charter_secret *s = &c->secrets[i], *before;
                int order;

                all += s->sealed_len;
                if (!names_valid(s->name) || !names_valid(s->namespace) || s->sealed_len == 0)
                        return false;
                if (i == 0)
                        continue;
                before = &c->secrets[i - 1];
                order = strcmp(before->name, s->name);
                if (order > 0 || (order == 0 && strcmp(before->namespace, s->namespace) >= 0))
                        return false;
        }
        return all <= LIMIT_SECRETS_BYTES && (c->n_secrets == 0 || c->secrets_key != 0);
}

static bool namespaces_valid(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_namespaces; i++)
                if (!names_valid(c->namespaces[i].name) || strchr(c->namespaces[i].name, '.') ||
                    (i > 0 && strcmp(c->namespaces[i - 1].name, c->namespaces[i].name) >= 0))
                        return false;
        return true;
}

static bool kube_valid(const struct charter *c) {
        const struct charter_kube *k = &c->kube;

        if (k->made > k->epoch)
                return false;
        if (k->n_planes == 0)
                return !k->founded && !k->adopted && !k->restore && !k->version[0] &&
                       !k->ca_hash[0];
        if (k->epoch == 0 || k->off || k->planes[0] != c->master ||
            (k->founded && (!names_version_valid(k->version) || !names_digest_valid(k->ca_hash))) ||
            (!k->founded && (k->version[0] || k->adopted || k->n_planes > 1)))
                return false;
        if (k->ca_hash[0] && !names_digest_valid(k->ca_hash))
                return false;
        for (uint32_t i = 0; i < k->n_planes; i++) {
                if (!charter_member(c, k->planes[i]))
                        return false;
                for (uint32_t j = 0; j < i; j++)
                        if (k->planes[i] == k->planes[j])
                                return false;
        }
        return true;
}

/* What charter_apply() keeps true. */
static bool valid(const struct charter *c) {
        if (c->bramble == 0)
                return c->n_members + c->n_functions + c->n_instances + c->n_images == 0 &&
                       c->n_secrets + c->n_namespaces == 0 && c->master == 0 &&
                       c->kube.epoch == 0 && kube_valid(c) && c->shutdown.id == 0;
        return names_valid(c->cluster) && names_user_valid(c->user) &&
               names_password_valid(c->password) && c->next_worker > 0 && members_valid(c) &&
               functions_valid(c) && instances_valid(c) && images_valid(c) && kube_valid(c) &&
               secrets_valid(c) && namespaces_valid(c) && charter_shutdown_valid(&c->shutdown);
}

int charter_decode(const void *data, size_t len, struct charter *ret) {
        struct wire_in w = wire_in(data, len);
        struct charter c = { 0 };
        uint16_t version;
        int error = 0;

        if (wire_get_u32(&w) != SNAPSHOT_MAGIC)
                return -EBADMSG;
        version = wire_get_u16(&w);
        if (version > SNAPSHOT_VERSION)
                return -EPROTONOSUPPORT;
        if (version == 0)
                return -EBADMSG;
        c.bramble = wire_get_u64(&w);
        wire_get_text(&w, c.cluster, sizeof(c.cluster));
        c.master = wire_get_u64(&w);
        wire_get_text(&w, c.user, sizeof(c.user));
        wire_get_text(&w, c.password, sizeof(c.password));
        c.next_instance = wire_get_u32(&w);
        c.next_worker = wire_get_u32(&w);
        c.next_generation = wire_get_u32(&w);
        c.version = wire_get_u64(&w);
        get_members(&w, &c, version, &error);
        if (error == 0)
                get_functions(&w, &c, version, &error);
        if (error == 0)
                get_instances(&w, &c, &error);
        if (error == 0)
                get_images(&w, &c, &error);
        if (error == 0 && version > 1)
                get_kube(&w, &c.kube);
        if (error == 0 && version > 2)
                get_secrets(&w, &c, &error);
        if (error == 0 && version > 2)
                get_namespaces(&w, &c, &error);
        if (error == 0 && version > 3)
                charter_shutdown_get(&w, &c.shutdown);
        if (error == 0 && (!wire_complete(&w) || !valid(&c)))
                error = -EBADMSG;
        if (error < 0) {
                charter_done(&c);
                return error;
        }
        *ret = c;
        return 0;
}

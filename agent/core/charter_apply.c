#include "core/charter.h"

#include "base/str.h"
#include "core/charter_private.h"
#include "core/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The array with room for one more item, all zero, at 'at'; NULL where there is no memory. */
static void *grow(void *array, uint32_t n, size_t size, uint32_t at) {
        char *items = reallocarray(array, n + 1, size);

        if (!items)
                return NULL;
        memmove(items + (at + 1) * size, items + at * size, (n - at) * size);
        memset(items + at * size, 0, size);
        return items;
}

/* The new item, or NULL where there is no memory (nothing has changed then). */
#define insert(array, n, at)                                            \
        ({                                                              \
                uint32_t at_ = (at);                                    \
                void *grown_ = grow(array, n, sizeof((array)[0]), at_); \
                                                                        \
                if (grown_) {                                           \
                        (array) = grown_;                               \
                        (n)++;                                          \
                }                                                       \
                grown_ ? &(array)[at_] : NULL;                          \
        })

#define delete_at(array, n, at)                                                            \
        ({                                                                                 \
                uint32_t at_ = (at);                                                       \
                                                                                           \
                (n)--;                                                                     \
                memmove(&(array)[at_], &(array)[at_ + 1], ((n)-at_) * sizeof((array)[0])); \
        })

static bool subnet_taken(const struct charter *c, uint16_t subnet) {
        for (uint32_t i = 0; i < c->n_members; i++)
                if (c->members[i].subnet == subnet)
                        return true;
        return false;
}

static struct charter_member *member_append(struct charter *c, const struct board *b) {
        struct charter_member *m;
        uint16_t subnet = 1;

        while (subnet_taken(c, subnet)) /* LIMIT_BOARDS is below CHARTER_SUBNETS: one is free */
                subnet++;
        m = insert(c->members, c->n_members, c->n_members);
        if (!m)
                return NULL;
        m->node = b->node;
        m->subnet = subnet;
        m->board = *b;
        return m;
}

static int found(struct charter *c, const struct charter_command *cmd) {
        struct charter_member *m;

        if (c->bramble != 0)
                return -EEXIST;
        if (cmd->bramble == 0 || cmd->board.node == 0 || !names_valid(cmd->cluster) ||
            !names_user_valid(cmd->user) || !names_password_valid(cmd->password))
                return -EINVAL;
        m = member_append(c, &cmd->board);
        if (!m)
                return -ENOMEM;
        (void)str_copy(m->name, sizeof(m->name), NAMES_MASTER);
        c->bramble = cmd->bramble;
        c->master = m->node;
        memcpy(c->cluster, cmd->cluster, sizeof(c->cluster));
        memcpy(c->user, cmd->user, sizeof(c->user));
        memcpy(c->password, cmd->password, sizeof(c->password));
        c->next_instance = c->next_worker = c->next_generation = 1;
        return 0;
}

static int member_add(struct charter *c, const struct charter_command *cmd) {
        struct charter_member *m;

        if (cmd->board.node == 0)
                return -EINVAL;
        m = (struct charter_member *)charter_member(c, cmd->board.node);
        if (m) {
                m->board = cmd->board;
                return 0;
        }
        if (c->n_members >= LIMIT_BOARDS || c->next_worker >= UINT32_MAX - LIMIT_BOARDS)
                return -ENOSPC;
        m = member_append(c, &cmd->board);
        if (!m)
                return -ENOMEM;
        charter_name_worker(c, m);
        return 0;
}

static int member_remove(struct charter *c, const struct charter_command *cmd) {
        const struct charter_member *m = charter_member(c, cmd->node);
        uint32_t kept = 0;

        if (!m)
                return -ENOENT;
        if (m->node == c->master || charter_kube_carries(&c->kube, m->node))
                return -EINVAL;
        for (uint32_t i = 0; i < c->n_instances; i++)
                if (c->instances[i].node != cmd->node)
                        c->instances[kept++] = c->instances[i];
        c->n_instances = kept;
        delete_at(c->members, c->n_members, (uint32_t)(m - c->members));
        charter_shutdown_forget(c, cmd->node);
        return 0;
}

static int master_set(struct charter *c, const struct charter_command *cmd) {
        if (!charter_member(c, cmd->node))
                return -ENOENT;
        if (c->kube.n_planes > 0 && c->kube.planes[0] != cmd->node)
                return -EINVAL;
        c->master = cmd->node;
        return 0;
}

/* Where a function with that name is, or would be. */
static uint32_t function_position(const struct charter *c, const char *name,
                                  const char *namespace) {
        uint32_t at;

        for (at = 0; at < c->n_functions; at++) {
                int order = strcmp(c->functions[at].name, name);

                if (order > 0 || (order == 0 && strcmp(c->functions[at].namespace, namespace) >= 0))
                        break;
        }
        return at;
}

static int function_check(const struct charter_command *cmd) {
        if (!names_valid(cmd->name) || !names_valid(cmd->namespace) ||
            !names_image_valid(cmd->image) || cmd->memory_bytes > CHARTER_MEMORY_MAX ||
            (cmd->spec_len && (!cmd->spec || memchr(cmd->spec, '\0', cmd->spec_len))))
                return -EINVAL;
        if (cmd->spec_len > LIMIT_SPEC_BYTES ||
            (cmd->replicas > LIMIT_REPLICAS && cmd->replicas != CHARTER_REPLICAS_KEEP))
                return -ENOSPC;
        return 0;
}

static int function_set(struct charter *c, const struct charter_command *cmd) {
        struct charter_function *f =
                (struct charter_function *)charter_function(c, cmd->name, cmd->namespace);
        uint32_t replicas = cmd->replicas;
        char *spec;
        int r = function_check(cmd);

        if (r < 0)
                return r;
        if (f && cmd->only_new)
                return -EEXIST;
        if (!f && cmd->only_existing)
                return -ENOENT;
        if ((!f && c->n_functions >= LIMIT_FUNCTIONS) || c->next_generation == UINT32_MAX)
                return -ENOSPC;
        if (replicas == CHARTER_REPLICAS_KEEP)
                replicas = f ? f->replicas : 1;
        spec = malloc((size_t)cmd->spec_len + 1);
        if (!spec)
                return -ENOMEM;
        if (cmd->spec_len)
                memcpy(spec, cmd->spec, cmd->spec_len);
        spec[cmd->spec_len] = '\0';
        if (!f) {
                f = insert(c->functions, c->n_functions,
                           function_position(c, cmd->name, cmd->namespace));
                if (!f) {
                        free(spec);
                        return -ENOMEM;
                }
                memcpy(f->name, cmd->name, sizeof(f->name));
                memcpy(f->namespace, cmd->namespace, sizeof(f->namespace));
                f->created_unix = cmd->created_unix;
        }
        memcpy(f->image, cmd->image, sizeof(f->image));
        free(f->spec);
        f->spec = spec;
        f->spec_len = cmd->spec_len;
        f->replicas = replicas;
        if (cmd->before_floors)
                f->floor = replicas;
        else if (cmd->replicas != CHARTER_REPLICAS_KEEP)
                f->floor = 0; /* its labels say again how few there may be */
        f->memory_bytes = cmd->memory_bytes;
        f->generation = c->next_generation++;
        return 0;
}

static int function_scale(struct charter *c, const struct charter_command *cmd) {
        struct charter_function *f =
                (struct charter_function *)charter_function(c, cmd->name, cmd->namespace);

        if (!f)
                return -ENOENT;
        if (cmd->replicas > LIMIT_REPLICAS)
                return -ENOSPC;
        f->replicas = f->floor = cmd->replicas;
        return 0;
}

static int function_follow(struct charter *c, const struct charter_command *cmd) {
        struct charter_function *f =
                (struct charter_function *)charter_function(c, cmd->name, cmd->namespace);

        if (!f)
                return -ENOENT;
        if (cmd->replicas > LIMIT_REPLICAS)
                return -ENOSPC;
        if (f->replicas != cmd->replicas_from)
                return -ESTALE;
        f->replicas = cmd->replicas;
        return 0;
}

static int function_remove(struct charter *c, const struct charter_command *cmd) {
        const struct charter_function *f = charter_function(c, cmd->name, cmd->namespace);
        uint32_t kept = 0;

        if (!f)
                return -ENOENT;
        for (uint32_t i = 0; i < c->n_instances; i++)
                if (!str_eq(c->instances[i].function, cmd->name) ||
                    !str_eq(c->instances[i].namespace, cmd->namespace))
                        c->instances[kept++] = c->instances[i];
        c->n_instances = kept;
        free(f->spec);
        delete_at(c->functions, c->n_functions, (uint32_t)(f - c->functions));
        return 0;
}

static int instance_place(struct charter *c, const struct charter_command *cmd) {
        const struct charter_function *f = charter_function(c, cmd->name, cmd->namespace);
        struct charter_instance *in;
        uint32_t on_board = 0;

        if (!f || !charter_member(c, cmd->node))
                return -ENOENT;
        for (uint32_t i = 0; i < c->n_instances; i++)
                on_board += c->instances[i].node == cmd->node;
        if (c->n_instances >= LIMIT_INSTANCES || on_board >= LIMIT_BOARD_INSTANCES ||
            c->next_instance == UINT32_MAX)
                return -ENOSPC;
        in = insert(c->instances, c->n_instances, c->n_instances);
        if (!in)
                return -ENOMEM;
        in->id = c->next_instance++; /* ids only grow, so appending keeps the order */
        in->function_generation = f->generation;
        in->node = cmd->node;
        memcpy(in->function, f->name, sizeof(in->function));
        memcpy(in->namespace, f->namespace, sizeof(in->namespace));
        return 0;
}

static int instance_drop(struct charter *c, const struct charter_command *cmd) {
        const struct charter_instance *in = charter_instance(c, cmd->instance);

        if (!in)
                return -ENOENT;
        delete_at(c->instances, c->n_instances, (uint32_t)(in - c->instances));
        return 0;
}

static int image_set(struct charter *c, const struct charter_command *cmd) {
        struct charter_image *i = (struct charter_image *)charter_image(c, cmd->image);
        uint32_t at = 0;

        if (!names_image_valid(cmd->image) || !names_digest_valid(cmd->digest))
                return -EINVAL;
        if (!i) {
                if (c->n_images >= LIMIT_IMAGES)
                        return -ENOSPC;
                while (at < c->n_images && strcmp(c->images[at].name, cmd->image) < 0)
                        at++;
                i = insert(c->images, c->n_images, at);
                if (!i)
                        return -ENOMEM;
                memcpy(i->name, cmd->image, sizeof(i->name));
        }
        memcpy(i->digest, cmd->digest, sizeof(i->digest));
        i->size_bytes = cmd->size_bytes;
        return 0;
}

static int image_remove(struct charter *c, const struct charter_command *cmd) {
        const struct charter_image *i = charter_image(c, cmd->image);

        if (!i)
                return -ENOENT;
        for (uint32_t f = 0; f < c->n_functions; f++) /* deployed since the removal was asked for */
                if (str_eq(c->functions[f].image, cmd->image))
                        return -EBUSY;
        delete_at(c->images, c->n_images, (uint32_t)(i - c->images));
        return 0;
}

/* ---- secrets and namespaces ---- */

/* The order of functions and of secrets. */
static int by_name(const char *name, const char *namespace, const char *than_name,
                   const char *than_namespace) {
        int order = strcmp(name, than_name);

        return order != 0 ? order : strcmp(namespace, than_namespace);
}

/* A copy of 'len' bytes with a NUL behind them. */
static void *copy_bytes(const void *data, size_t len) {
        char *copy = malloc(len + 1);

        if (!copy)
                return NULL;
        if (len)
                memcpy(copy, data, len);
        copy[len] = '\0';
        return copy;
}

static int secret_check(const struct charter *c, const struct charter_command *cmd,
                        const struct charter_secret *old) {
        size_t all = cmd->sealed_len;

        if (!names_valid(cmd->name) || !names_valid(cmd->namespace) || !cmd->sealed ||
            cmd->sealed_len == 0 || cmd->secrets_key == 0)
                return -EINVAL;
        if (c->n_secrets > 0 && c->secrets_key != cmd->secrets_key)
                return -ESTALE;
        if (old && cmd->only_new)
                return -EEXIST;
        if (!old && cmd->only_existing)
                return -ENOENT;
        for (uint32_t i = 0; i < c->n_secrets; i++)
                if (&c->secrets[i] != old)
                        all += c->secrets[i].sealed_len;
        if (cmd->sealed_len > LIMIT_SEALED_BYTES || all > LIMIT_SECRETS_BYTES ||
            (!old && c->n_secrets >= LIMIT_SECRETS))
                return -ENOSPC;
        return 0;
}

static int secret_set(struct charter *c, const struct charter_command *cmd) {
        struct charter_secret *s =
                (struct charter_secret *)charter_secret(c, cmd->name, cmd->namespace);
        uint8_t *sealed;
        uint32_t at = 0;
        int r = secret_check(c, cmd, s);

        if (r < 0)
                return r;
        sealed = copy_bytes(cmd->sealed, cmd->sealed_len);
        if (!sealed)
                return -ENOMEM;
        if (!s) {
                while (at < c->n_secrets && by_name(c->secrets[at].name, c->secrets[at].namespace,
                                                    cmd->name, cmd->namespace) < 0)
                        at++;
                s = insert(c->secrets, c->n_secrets, at);
                if (!s) {
                        free(sealed);
                        return -ENOMEM;
                }
                memcpy(s->name, cmd->name, sizeof(s->name));
                memcpy(s->namespace, cmd->namespace, sizeof(s->namespace));
        }
        free(s->sealed);
        s->sealed = sealed;
        s->sealed_len = cmd->sealed_len;
        c->secrets_key = cmd->secrets_key;
        c->secrets_version++;
        return 0;
}

static int secret_remove(struct charter *c, const struct charter_command *cmd) {
        const struct charter_secret *s = charter_secret(c, cmd->name, cmd->namespace);

        if (!s)
                return -ENOENT;
        free(s->sealed);
        delete_at(c->secrets, c->n_secrets, (uint32_t)(s - c->secrets));
        c->secrets_version++;
        return 0;
}

static int namespace_set(struct charter *c, const struct charter_command *cmd) {
        struct charter_namespace *n = (struct charter_namespace *)charter_namespace(c, cmd->name);
        bool there = charter_namespace_exists(c, cmd->name);
        char *about;
        uint32_t at = 0;

        if (!names_valid(cmd->name) || strchr(cmd->name, '.') ||
            (cmd->spec_len && (!cmd->spec || memchr(cmd->spec, '\0', cmd->spec_len))))
                return -EINVAL;
        if (there && cmd->only_new)
                return -EEXIST;
        if (!there && cmd->only_existing)
                return -ENOENT;
        if (cmd->spec_len > LIMIT_NAMESPACE_BYTES || (!n && c->n_namespaces >= LIMIT_NAMESPACES))
                return -ENOSPC;
        about = copy_bytes(cmd->spec, cmd->spec_len);
        if (!about)
                return -ENOMEM;
        if (!n) {
                while (at < c->n_namespaces && strcmp(c->namespaces[at].name, cmd->name) < 0)
                        at++;
                n = insert(c->namespaces, c->n_namespaces, at);
                if (!n) {
                        free(about);
                        return -ENOMEM;
                }
                memcpy(n->name, cmd->name, sizeof(n->name));
        }
        free(n->about);
        n->about = about;
        n->about_len = cmd->spec_len;
        return 0;
}

static int namespace_remove(struct charter *c, const struct charter_command *cmd) {
        const struct charter_namespace *n = charter_namespace(c, cmd->name);

        if (str_eq(cmd->name, CHARTER_NAMESPACE))
                return -EINVAL;
        if (charter_namespace_functions(c, cmd->name) + charter_namespace_secrets(c, cmd->name))
                return -EBUSY;
        if (!n)
                return -ENOENT;
        free(n->about);
        delete_at(c->namespaces, c->n_namespaces, (uint32_t)(n - c->namespaces));
        return 0;
}

/* ---- Kubernetes: every change names the epoch that it is meant for ---- */

static int kube_move(struct charter *c, const struct charter_command *cmd) {
        static const uint8_t no_key[SIZE_KUBE_KEY];
        struct charter_kube *k = &c->kube;

        if (!charter_member(c, cmd->node))
                return -ENOENT;
        if (k->adopted)
                return -EINVAL;
        if (k->epoch == UINT32_MAX)
                return -ENOSPC;
        k->epoch++;
        k->off = k->founded = false;
        k->restore = cmd->kube_restore;
        k->n_planes = 1;
        memset(k->planes, 0, sizeof(k->planes));
        k->planes[0] = c->master = cmd->node;
        memset(k->version, 0, sizeof(k->version));
        if (!k->restore) { /* a rebuilt one keeps its CA */
                memset(k->ca_hash, 0, sizeof(k->ca_hash));
                k->made = k->epoch;
        }
        if (memcmp(k->key, no_key, sizeof(k->key)) == 0)
                memcpy(k->key, cmd->kube_key, sizeof(k->key));
        return 0;
}

static int kube_founded(struct charter *c, const struct charter_command *cmd) {
        struct charter_kube *k = &c->kube;

        if (k->n_planes == 0 || !names_digest_valid(cmd->digest) ||
            !names_version_valid(cmd->version))
                return -EINVAL;
        k->founded = true;
        k->adopted = cmd->kube_adopted;
        memcpy(k->version, cmd->version, sizeof(k->version));
        memcpy(k->ca_hash, cmd->digest, sizeof(k->ca_hash));
        return 0;
}

static int kube_plane_add(struct charter *c, const struct charter_command *cmd) {
        struct charter_kube *k = &c->kube;

        if (!charter_member(c, cmd->node))
                return -ENOENT;
        if (!k->founded)
                return -EINVAL;
        if (charter_kube_carries(k, cmd->node))
                return -EEXIST;
        if (k->n_planes == LIMIT_PLANES)
                return -ENOSPC;
        k->planes[k->n_planes++] = cmd->node;
        return 0;
}

/* The first of those that are left is the master. */
static int kube_plane_remove(struct charter *c, const struct charter_command *cmd) {
        struct charter_kube *k = &c->kube;
        uint32_t kept = 0;

        if (!charter_kube_carries(k, cmd->node))
                return -ENOENT;
        if (k->n_planes == 1)
                return -EINVAL;
        for (uint32_t i = 0; i < k->n_planes; i++)
                if (k->planes[i] != cmd->node)
                        k->planes[kept++] = k->planes[i];
        k->planes[kept] = 0;
        k->n_planes = kept;
        c->master = k->planes[0];
        return 0;
}

static int kube_off(struct charter *c, const struct charter_command *cmd) {
        struct charter_kube *k = &c->kube;

        k->off = cmd->kube_off;
        if (!k->off)
                return 0;
        k->founded = k->restore = k->adopted = false;
        k->n_planes = 0;
        memset(k->planes, 0, sizeof(k->planes));
        memset(k->version, 0, sizeof(k->version));
        memset(k->ca_hash, 0, sizeof(k->ca_hash));
        return 0;
}

static int kube(struct charter *c, const struct charter_command *cmd) {
        if (cmd->kube_epoch != c->kube.epoch)
                return -ESTALE;
        switch ((int)cmd->op) {
        case CHARTER_KUBE_MOVE:
                return kube_move(c, cmd);
        case CHARTER_KUBE_FOUNDED:
                return kube_founded(c, cmd);
        case CHARTER_KUBE_PLANE_ADD:
                return kube_plane_add(c, cmd);
        case CHARTER_KUBE_PLANE_REMOVE:
                return kube_plane_remove(c, cmd);
        default:
                return kube_off(c, cmd);
        }
}

static int apply(struct charter *c, const struct charter_command *cmd) {
        if (cmd->op != CHARTER_FOUND && c->bramble == 0)
                return -EINVAL;
        switch (cmd->op) {
        case CHARTER_FOUND:
                return found(c, cmd);
        case CHARTER_MEMBER_ADD:
                return member_add(c, cmd);
        case CHARTER_MEMBER_REMOVE:
                return member_remove(c, cmd);
        case CHARTER_MEMBER_CORDON:
                return charter_member_cordon(c, cmd);
        case CHARTER_MEMBER_RENAME:
                return charter_member_rename(c, cmd);
        case CHARTER_MASTER_SET:
                return master_set(c, cmd);
        case CHARTER_FUNCTION_SET:
                return function_set(c, cmd);
        case CHARTER_FUNCTION_SCALE:
                return function_scale(c, cmd);
        case CHARTER_FUNCTION_FOLLOW:
                return function_follow(c, cmd);
        case CHARTER_FUNCTION_REMOVE:
                return function_remove(c, cmd);
        case CHARTER_INSTANCE_PLACE:
                return instance_place(c, cmd);
        case CHARTER_INSTANCE_DROP:
                return instance_drop(c, cmd);
        case CHARTER_IMAGE_SET:
                return image_set(c, cmd);
        case CHARTER_IMAGE_REMOVE:
                return image_remove(c, cmd);
        case CHARTER_KUBE_MOVE:
        case CHARTER_KUBE_FOUNDED:
        case CHARTER_KUBE_PLANE_ADD:
        case CHARTER_KUBE_PLANE_REMOVE:
        case CHARTER_KUBE_OFF:
                return kube(c, cmd);
        case CHARTER_SECRET_SET:
                return secret_set(c, cmd);
        case CHARTER_SECRET_REMOVE:
                return secret_remove(c, cmd);
        case CHARTER_NAMESPACE_SET:
                return namespace_set(c, cmd);
        case CHARTER_NAMESPACE_REMOVE:
                return namespace_remove(c, cmd);
        case CHARTER_SHUTDOWN_SET:
        case CHARTER_SHUTDOWN_CLEAR:
                return charter_shutdown_apply(c, cmd);
        case CHARTER_OP_MAX:
                break;
        }
        return -EINVAL;
}

int charter_apply(struct charter *c, const struct charter_command *cmd) {
        int r = charter_shutdown_refuses(c, cmd);

        if (r == 0)
                r = apply(c, cmd);
        if (r == 0)
                c->version++;
        return r;
}

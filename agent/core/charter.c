#include "core/charter.h"

#include "base/str.h"

#include <stdlib.h>

void charter_done(struct charter *c) {
        for (uint32_t i = 0; i < c->n_functions; i++)
                free(c->functions[i].spec);
        for (uint32_t i = 0; i < c->n_secrets; i++)
                free(c->secrets[i].sealed);
        for (uint32_t i = 0; i < c->n_namespaces; i++)
                free(c->namespaces[i].about);
        free(c->members);
        free(c->functions);
        free(c->instances);
        free(c->images);
        free(c->secrets);
        free(c->namespaces);
        *c = (struct charter){ 0 };
}

const struct charter_member *charter_member(const struct charter *c, uint64_t node) {
        for (uint32_t i = 0; i < c->n_members; i++)
                if (c->members[i].node == node)
                        return &c->members[i];
        return NULL;
}

const struct charter_member *charter_member_by_name(const struct charter *c, const char *name) {
        for (uint32_t i = 0; i < c->n_members; i++)
                if (str_eq(c->members[i].name, name))
                        return &c->members[i];
        return NULL;
}

const struct charter_function *charter_function(const struct charter *c, const char *name,
                                                const char *namespace) {
        for (uint32_t i = 0; i < c->n_functions; i++)
                if (str_eq(c->functions[i].name, name) &&
                    str_eq(c->functions[i].namespace, namespace))
                        return &c->functions[i];
        return NULL;
}

const struct charter_instance *charter_instance(const struct charter *c, uint32_t id) {
        for (uint32_t i = 0; i < c->n_instances; i++)
                if (c->instances[i].id == id)
                        return &c->instances[i];
        return NULL;
}

const struct charter_image *charter_image(const struct charter *c, const char *name) {
        for (uint32_t i = 0; i < c->n_images; i++)
                if (str_eq(c->images[i].name, name))
                        return &c->images[i];
        return NULL;
}

const struct charter_secret *charter_secret(const struct charter *c, const char *name,
                                            const char *namespace) {
        for (uint32_t i = 0; i < c->n_secrets; i++)
                if (str_eq(c->secrets[i].name, name) && str_eq(c->secrets[i].namespace, namespace))
                        return &c->secrets[i];
        return NULL;
}

const struct charter_namespace *charter_namespace(const struct charter *c, const char *name) {
        for (uint32_t i = 0; i < c->n_namespaces; i++)
                if (str_eq(c->namespaces[i].name, name))
                        return &c->namespaces[i];
        return NULL;
}

uint32_t charter_namespace_functions(const struct charter *c, const char *name) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < c->n_functions; i++)
                n += str_eq(c->functions[i].namespace, name);
        return n;
}

uint32_t charter_namespace_secrets(const struct charter *c, const char *name) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < c->n_secrets; i++)
                n += str_eq(c->secrets[i].namespace, name);
        return n;
}

bool charter_namespace_exists(const struct charter *c, const char *name) {
        return str_eq(name, CHARTER_NAMESPACE) || charter_namespace(c, name) ||
               charter_namespace_functions(c, name) > 0 || charter_namespace_secrets(c, name) > 0;
}

uint32_t charter_replicas(const struct charter *c, const char *name, const char *namespace,
                          uint64_t node) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < c->n_instances; i++) {
                const struct charter_instance *in = &c->instances[i];

                if ((node == 0 || in->node == node) && str_eq(in->function, name) &&
                    str_eq(in->namespace, namespace))
                        n++;
        }
        return n;
}

bool charter_kube_carries(const struct charter_kube *k, uint64_t node) {
        for (uint32_t i = 0; i < k->n_planes; i++)
                if (k->planes[i] == node)
                        return true;
        return false;
}

bool charter_has_work(const struct charter *c) {
        return c->n_functions + c->n_images + c->n_secrets + c->n_namespaces > 0;
}

#include "io/cri.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/grpc.h"

#include "cri.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Deadlines: a card may stall for seconds on fsync; stopping a pod kills its containers and takes
 * its network down, which the kubelet too gives two minutes (runtimeRequestTimeout). */
#define CRI_METHODS(X, api)                                                                 \
        X(VERSION, api "RuntimeService/Version", version_response, 10000)                   \
        X(STATUS, api "RuntimeService/Status", status_response, 10000)                      \
        X(PODS, api "RuntimeService/ListPodSandbox", list_pod_sandbox_response, 20000)      \
        X(POD_STOP, api "RuntimeService/StopPodSandbox", empty, 120000)                     \
        X(POD_REMOVE, api "RuntimeService/RemovePodSandbox", empty, 120000)                 \
        X(CONTAINERS, api "RuntimeService/ListContainers", list_containers_response, 20000) \
        X(IMAGES, api "ImageService/ListImages", list_images_response, 20000)               \
        X(IMAGE, api "ImageService/ImageStatus", image_status_response, 20000)              \
        X(PULL, api "ImageService/PullImage", pull_image_response, 1800000)

#define CRI_NAME(name, path_, reply_, timeout) METHOD_##name,
enum method { CRI_METHODS(CRI_NAME, "") METHODS };

#define CRI_DEFINE(name, path_, reply_, timeout)                   \
        [METHOD_##name] = { .path = (path_),                       \
                            .reply = &cri__##reply_##__descriptor, \
                            .timeout_ms = (timeout) },

enum { API_V1, API_V1ALPHA2, APIS };

static const struct grpc_method methods[APIS][METHODS] = {
        [API_V1] = { CRI_METHODS(CRI_DEFINE, "/runtime.v1.") },
        [API_V1ALPHA2] = { CRI_METHODS(CRI_DEFINE, "/runtime.v1alpha2.") },
};

enum { AGAIN_MS = 200 };

struct cri {
        struct grpc *grpc; /* without containerd's namespace: the CRI has its own, k8s.io */
        cri_state_cb state;
        void *arg;
        uv_timer_t again; /* asks a runtime that is still starting */
        int api;
        bool up;
        int told; /* the error of the last 'down'; 0: none */
        bool closing;
};

/* ---- is it there, and what does it speak ---- */

static void probe(struct cri *c);

static void tell_down(struct cri *c, int error, const char *why) {
        bool news = c->up || c->told != error;

        c->up = false;
        c->told = error;
        if (news)
                c->state(c->arg, false, error, why);
}

static void on_again(uv_timer_t *timer) {
        probe(timer->data);
}

static void on_probe(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct cri *c = arg;

        (void)reply;
        if (c->closing || !grpc_up(c->grpc))
                return; /* on_state() says more */
        if (result == 0) {
                c->up = true;
                c->told = 0;
                c->state(c->arg, true, 0, "");
        } else if (result == -EOPNOTSUPP && c->api == API_V1) {
                c->api = API_V1ALPHA2;
                probe(c);
        } else if (result == -EOPNOTSUPP) {
                tell_down(c, result,
                          "the container runtime speaks no CRI: is cri among disabled_plugins in "
                          "containerd's configuration?");
        } else {
                (void)uv_timer_start(&c->again, on_again, AGAIN_MS, 0);
                if (strstr(why, "not initialized yet"))
                        tell_down(c, -EAGAIN, "the container runtime is still starting");
                else
                        tell_down(c, result, why);
        }
}

/* Status, for Version is answered before the runtime has started. */
static void probe(struct cri *c) {
        Cri__StatusRequest request = CRI__STATUS_REQUEST__INIT;

        if (grpc_up(c->grpc) && grpc_unary(c->grpc, &methods[c->api][METHOD_STATUS], NULL,
                                           &request.base, on_probe, c, NULL) < 0)
                (void)uv_timer_start(&c->again, on_again, AGAIN_MS, 0);
}

static void on_state(void *arg, bool up, int error, const char *why) {
        struct cri *c = arg;

        (void)uv_timer_stop(&c->again);
        if (!up) {
                tell_down(c, error, why);
                return;
        }
        c->api = API_V1;
        probe(c);
}

/* ---- life ---- */

int cri_open(uv_loop_t *loop, const char *endpoint, cri_state_cb state, void *arg, struct cri **ret,
             struct fail *f) {
        char path[SIZE_CRI_SOCKET];
        const struct grpc_config config = { .socket = path };
        struct cri *c;
        int r = cri_info_socket(endpoint, path, f);

        if (r < 0)
                return r;
        c = calloc(1, sizeof(*c));
        if (!c)
                return fail(f, -ENOMEM, "out of memory");
        c->state = state;
        c->arg = arg;
        r = grpc_open(loop, &config, on_state, c, &c->grpc);
        if (r < 0) {
                free(c);
                return fail(f, r, "cannot use %s: %s", path, strerror(-r));
        }
        (void)uv_timer_init(loop, &c->again); /* cannot fail */
        c->again.data = c;
        *ret = c;
        return 0;
}

static void on_closed(uv_handle_t *handle) {
        free(handle->data);
}

void cri_close(struct cri *c) {
        if (!c || c->closing)
                return;
        c->closing = true;
        c->up = false;
        grpc_close(c->grpc);
        uv_close((uv_handle_t *)&c->again, on_closed);
}

bool cri_up(const struct cri *c) {
        return c->up;
}

const char *cri_api(const struct cri *c) {
        return c->api == API_V1 ? "v1" : "v1alpha2";
}

/* ---- calls ---- */

/* One call: turns the reply into values and tells them. */
struct request {
        void (*tell)(const struct request *q, int result, const char *why,
                     const ProtobufCMessage *reply);
        union {
                cri_cb plain;
                cri_version_cb version;
                cri_status_cb status;
                cri_image_cb image;
                cri_images_cb images;
                cri_pull_cb pull;
                cri_pods_cb pods;
                cri_containers_cb containers;
        } done;
        void *arg;
};

static void on_reply(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        auto_free struct request *q = arg;

        q->tell(q, result, why, reply);
}

static int call(struct cri *c, enum method method, const ProtobufCMessage *message,
                struct request request) {
        auto_free struct request *q = malloc(sizeof(*q));
        int r;

        if (!c->up)
                return -ENOTCONN;
        if (!q)
                return -ENOMEM;
        *q = request;
        r = grpc_unary(c->grpc, &methods[c->api][method], NULL, message, on_reply, q, NULL);
        if (r == 0)
                (void)take_ptr(q);
        return r;
}

/* A list's memory: 0 and 'n' zeroed items (NULL for none), or why not. */
static int make_list(size_t n, size_t size, void *ret, const char **ret_why) {
        void *items = n > 0 && n <= CRI_LIST_MAX ? calloc(n, size) : NULL;

        if (n > CRI_LIST_MAX) {
                *ret_why = "the container runtime's list is longer than any real one";
                return -EMSGSIZE;
        }
        if (n > 0 && !items) {
                *ret_why = "out of memory";
                return -ENOMEM;
        }
        memcpy(ret, &items, sizeof(items));
        return 0;
}

/* For requests and fields that protobuf-c does not take as const. */
static char *mutable(const char *text) {
        return (char *)(uintptr_t)text;
}

/* The CRI wants what is gone to count as stopped and removed; containerd 1.6 fails there. */
static void tell_gone(const struct request *q, int result, const char *why,
                      const ProtobufCMessage *reply) {
        (void)reply;
        if (result == -ENOENT)
                q->done.plain(q->arg, 0, "");
        else
                q->done.plain(q->arg, result, why);
}

/* ---- the runtime ---- */

static void tell_version(const struct request *q, int result, const char *why,
                         const ProtobufCMessage *reply) {
        const Cri__VersionResponse *m = (const Cri__VersionResponse *)reply;
        struct cri_version v;

        if (result < 0) {
                q->done.version(q->arg, result, why, NULL);
                return;
        }
        v = (struct cri_version){ m->version, m->runtime_name, m->runtime_version,
                                  m->runtime_api_version };
        q->done.version(q->arg, 0, "", &v);
}

int cri_version(struct cri *c, cri_version_cb done, void *arg) {
        Cri__VersionRequest m = CRI__VERSION_REQUEST__INIT;

        m.version = mutable("0.1.0"); /* the kubelet's kubeRuntimeAPIVersion */
        return call(c, METHOD_VERSION, &m.base,
                    (struct request){ tell_version, { .version = done }, arg });
}

static void read_status(const Cri__StatusResponse *m, struct cri_condition *conditions,
                        struct cri_info *info, struct cri_status *s) {
        for (size_t i = 0; i < s->n_conditions; i++) {
                const Cri__RuntimeCondition *k = m->status->conditions[i];

                conditions[i] = (struct cri_condition){ k->type, k->status, k->reason, k->message };
                cri_info_condition(&s->runtime, k->type, k->status, k->reason, k->message);
        }
        for (size_t i = 0; i < s->n_info; i++) {
                info[i] = (struct cri_info){ m->info[i]->key, m->info[i]->value };
                if (str_eq(info[i].key, "config")) /* what is no JSON says nothing to us */
                        (void)cri_info_config(info[i].value, strlen(info[i].value), &s->runtime,
                                              NULL);
        }
        s->conditions = conditions;
        s->info = info;
}

static void tell_status(const struct request *q, int result, const char *why,
                        const ProtobufCMessage *reply) {
        const Cri__StatusResponse *m = (const Cri__StatusResponse *)reply;
        auto_free struct cri_condition *conditions = NULL;
        auto_free struct cri_info *info = NULL;
        struct cri_status s = { 0 };

        if (result == 0) {
                s.n_conditions = m->status ? m->status->n_conditions : 0;
                s.n_info = m->n_info;
                result = make_list(s.n_conditions, sizeof(*conditions), &conditions, &why);
        }
        if (result == 0)
                result = make_list(s.n_info, sizeof(*info), &info, &why);
        if (result == 0)
                read_status(m, conditions, info, &s);
        q->done.status(q->arg, result, why, result == 0 ? &s : NULL);
}

int cri_status(struct cri *c, cri_status_cb done, void *arg) {
        Cri__StatusRequest m = CRI__STATUS_REQUEST__INIT;

        m.verbose = true;
        return call(c, METHOD_STATUS, &m.base,
                    (struct request){ tell_status, { .status = done }, arg });
}

/* ---- images ---- */

static struct cri_image image_of(const Cri__Image *m) {
        return (struct cri_image){
                .id = m->id,
                .size_bytes = m->size,
                .n_tags = m->n_repo_tags,
                .n_digests = m->n_repo_digests,
                .tags = (const char *const *)m->repo_tags,
                .digests = (const char *const *)m->repo_digests,
        };
}

static void tell_image(const struct request *q, int result, const char *why,
                       const ProtobufCMessage *reply) {
        const Cri__ImageStatusResponse *m = (const Cri__ImageStatusResponse *)reply;
        struct cri_image image;

        if (result < 0 || !m->image) {
                q->done.image(q->arg, result, why, NULL);
                return;
        }
        image = image_of(m->image);
        q->done.image(q->arg, 0, "", &image);
}

int cri_image_status(struct cri *c, const char *name, cri_image_cb done, void *arg) {
        Cri__ImageStatusRequest m = CRI__IMAGE_STATUS_REQUEST__INIT;
        Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

        if (!name[0])
                return -EINVAL;
        spec.image = mutable(name);
        m.image = &spec;
        return call(c, METHOD_IMAGE, &m.base,
                    (struct request){ tell_image, { .image = done }, arg });
}

static void tell_images(const struct request *q, int result, const char *why,
                        const ProtobufCMessage *reply) {
        const Cri__ListImagesResponse *m = (const Cri__ListImagesResponse *)reply;
        auto_free struct cri_image *images = NULL;
        size_t n = result == 0 ? m->n_images : 0;

        if (result == 0)
                result = make_list(n, sizeof(*images), &images, &why);
        if (result < 0)
                n = 0;
        for (size_t i = 0; i < n; i++)
                images[i] = image_of(m->images[i]);
        q->done.images(q->arg, result, why, images, n);
}

int cri_images(struct cri *c, cri_images_cb done, void *arg) {
        Cri__ListImagesRequest m = CRI__LIST_IMAGES_REQUEST__INIT;

        return call(c, METHOD_IMAGES, &m.base,
                    (struct request){ tell_images, { .images = done }, arg });
}

static void tell_pull(const struct request *q, int result, const char *why,
                      const ProtobufCMessage *reply) {
        const Cri__PullImageResponse *m = (const Cri__PullImageResponse *)reply;

        q->done.pull(q->arg, result, why, result == 0 ? m->image_ref : "");
}

int cri_pull(struct cri *c, const char *name, cri_pull_cb done, void *arg) {
        Cri__PullImageRequest m = CRI__PULL_IMAGE_REQUEST__INIT;
        Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

        if (!name[0])
                return -EINVAL;
        spec.image = mutable(name);
        m.image = &spec;
        return call(c, METHOD_PULL, &m.base, (struct request){ tell_pull, { .pull = done }, arg });
}

/* ---- pods ---- */

static struct cri_pod pod_of(const Cri__PodSandbox *m) {
        const Cri__PodSandboxMetadata none = CRI__POD_SANDBOX_METADATA__INIT;
        const Cri__PodSandboxMetadata *meta = m->metadata ? m->metadata : &none;

        return (struct cri_pod){
                .id = m->id,
                .name = meta->name,
                .namespace = meta->namespace_,
                .uid = meta->uid,
                .attempt = meta->attempt,
                .ready = m->state == CRI__POD_SANDBOX_STATE__SANDBOX_READY,
                .created_at_ns = m->created_at,
        };
}

static void tell_pods(const struct request *q, int result, const char *why,
                      const ProtobufCMessage *reply) {
        const Cri__ListPodSandboxResponse *m = (const Cri__ListPodSandboxResponse *)reply;
        auto_free struct cri_pod *pods = NULL;
        size_t n = result == 0 ? m->n_items : 0;

        if (result == 0)
                result = make_list(n, sizeof(*pods), &pods, &why);
        if (result < 0)
                n = 0;
        for (size_t i = 0; i < n; i++)
                pods[i] = pod_of(m->items[i]);
        q->done.pods(q->arg, result, why, pods, n);
}

int cri_pods(struct cri *c, const char *id, cri_pods_cb done, void *arg) {
        Cri__ListPodSandboxRequest m = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
        Cri__PodSandboxFilter filter = CRI__POD_SANDBOX_FILTER__INIT;

        if (id && !id[0])
                return -EINVAL;
        if (id) {
                filter.id = mutable(id);
                m.filter = &filter;
        }
        return call(c, METHOD_PODS, &m.base, (struct request){ tell_pods, { .pods = done }, arg });
}

static int call_pod(struct cri *c, enum method method, const char *id, cri_cb done, void *arg) {
        Cri__PodSandboxIdRequest m = CRI__POD_SANDBOX_ID_REQUEST__INIT;

        if (!id[0])
                return -EINVAL;
        m.pod_sandbox_id = mutable(id);
        return call(c, method, &m.base, (struct request){ tell_gone, { .plain = done }, arg });
}

int cri_pod_stop(struct cri *c, const char *id, cri_cb done, void *arg) {
        return call_pod(c, METHOD_POD_STOP, id, done, arg);
}

int cri_pod_remove(struct cri *c, const char *id, cri_cb done, void *arg) {
        return call_pod(c, METHOD_POD_REMOVE, id, done, arg);
}

/* ---- containers ---- */

static enum cri_container_state state_of(Cri__ContainerState state) {
        switch ((int)state) { /* a runtime may send a number that is none of these */
        case CRI__CONTAINER_STATE__CONTAINER_CREATED:
                return CRI_CONTAINER_CREATED;
        case CRI__CONTAINER_STATE__CONTAINER_RUNNING:
                return CRI_CONTAINER_RUNNING;
        case CRI__CONTAINER_STATE__CONTAINER_EXITED:
                return CRI_CONTAINER_EXITED;
        default:
                return CRI_CONTAINER_UNKNOWN;
        }
}

static struct cri_container container_of_reply(const Cri__Container *m) {
        return (struct cri_container){
                .id = m->id,
                .name = m->metadata ? m->metadata->name : "",
                .pod_id = m->pod_sandbox_id,
                .image = m->image ? m->image->image : m->image_ref,
                .attempt = m->metadata ? m->metadata->attempt : 0,
                .state = state_of(m->state),
                .created_at_ns = m->created_at,
        };
}

static void tell_containers(const struct request *q, int result, const char *why,
                            const ProtobufCMessage *reply) {
        const Cri__ListContainersResponse *m = (const Cri__ListContainersResponse *)reply;
        auto_free struct cri_container *containers = NULL;
        size_t n = result == 0 ? m->n_containers : 0;

        if (result == 0)
                result = make_list(n, sizeof(*containers), &containers, &why);
        if (result < 0)
                n = 0;
        for (size_t i = 0; i < n; i++)
                containers[i] = container_of_reply(m->containers[i]);
        q->done.containers(q->arg, result, why, containers, n);
}

int cri_containers(struct cri *c, const char *pod_id, cri_containers_cb done, void *arg) {
        Cri__ListContainersRequest m = CRI__LIST_CONTAINERS_REQUEST__INIT;
        Cri__ContainerFilter filter = CRI__CONTAINER_FILTER__INIT;

        if (pod_id && !pod_id[0])
                return -EINVAL;
        if (pod_id) {
                filter.pod_sandbox_id = mutable(pod_id);
                m.filter = &filter;
        }
        return call(c, METHOD_CONTAINERS, &m.base,
                    (struct request){ tell_containers, { .containers = done }, arg });
}

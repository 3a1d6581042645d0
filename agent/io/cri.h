/* cri - asks a container runtime what the kubelet asks it: the CRI over its unix socket, as
 * runtime.v1 or, where the runtime is older, runtime.v1alpha2. */
#ifndef BRAMBLE_IO_CRI_H
#define BRAMBLE_IO_CRI_H

#include "base/fail.h"
#include "io/cri_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct cri;

enum { CRI_LIST_MAX = 4096 }; /* pods, containers or images in one answer; more are -EMSGSIZE */

/* 'up': the runtime answers and is past its own start; calls may be made.  Else it stopped
 * answering or never did ('error' is a negative errno, -EOPNOTSUPP: it is there and speaks no CRI,
 * -EAGAIN: it is still starting; 'why' a sentence): told again only when 'error' changes. */
typedef void (*cri_state_cb)(void *arg, bool up, int error, const char *why);

/* 'endpoint': "unix:///run/containerd/containerd.sock" or the path alone.  Connects in the
 * background, again and again.  -EINVAL, -ENAMETOOLONG, -ENOMEM, libuv's errors.  The process must
 * ignore SIGPIPE. */
int cri_open(uv_loop_t *loop, const char *endpoint, cri_state_cb state, void *arg, struct cri **ret,
             struct fail *f);
/* Whatever is under way ends with -ECANCELED before this returns, then no callback comes.  NULL is
 * a no-op. */
void cri_close(struct cri *c);
bool cri_up(const struct cri *c);
/* "v1" or "v1alpha2"; what was spoken last while not up. */
const char *cri_api(const struct cri *c);

/* Every 'done' comes exactly once and later; 'why' is a sentence or "".  Where the function itself
 * fails it does not come: -ENOTCONN while not up, -EINVAL for an empty id or name, -ENOMEM,
 * -ENOBUFS.  The values are there with result 0 alone, borrowed until 'done' returns; no text in
 * them is NULL.  Besides the runtime's own errors (io/grpc_frame.h): -ETIMEDOUT, -ECONNRESET. */
typedef void (*cri_cb)(void *arg, int result, const char *why);

struct cri_version {
        const char *version; /* of the kubelet's API, "0.1.0" */
        const char *runtime_name;
        const char *runtime_version;
        const char *runtime_api_version; /* "v1" */
};
typedef void (*cri_version_cb)(void *arg, int result, const char *why,
                               const struct cri_version *version);
int cri_version(struct cri *c, cri_version_cb done, void *arg);

struct cri_condition {
        const char *type; /* "RuntimeReady" */
        bool good;
        const char *reason;
        const char *message;
};
struct cri_info {
        const char *key;
        const char *value; /* JSON as a rule */
};
struct cri_status {
        struct cri_runtime runtime;
        size_t n_conditions;
        const struct cri_condition *conditions;
        size_t n_info;
        const struct cri_info *info;
};
typedef void (*cri_status_cb)(void *arg, int result, const char *why,
                              const struct cri_status *status);
int cri_status(struct cri *c, cri_status_cb done, void *arg);

struct cri_image {
        const char *id; /* "sha256:..." of its configuration */
        uint64_t size_bytes;
        size_t n_tags, n_digests;
        const char *const *tags;    /* "registry.k8s.io/pause:3.6" */
        const char *const *digests; /* "registry.k8s.io/pause@sha256:..." */
};
/* 'image' is NULL with result 0 where it is not there.  'name' may be an id too. */
typedef void (*cri_image_cb)(void *arg, int result, const char *why, const struct cri_image *image);
int cri_image_status(struct cri *c, const char *name, cri_image_cb done, void *arg);

typedef void (*cri_images_cb)(void *arg, int result, const char *why,
                              const struct cri_image *images, size_t n);
int cri_images(struct cri *c, cri_images_cb done, void *arg);

/* Half an hour at most.  'id' is the image's; "" where it failed. */
typedef void (*cri_pull_cb)(void *arg, int result, const char *why, const char *id);
int cri_pull(struct cri *c, const char *name, cri_pull_cb done, void *arg);

struct cri_pod {
        const char *id;
        const char *name;
        const char *namespace;
        const char *uid;
        uint32_t attempt;
        bool ready;
        int64_t created_at_ns; /* wall clock, to be shown */
};
typedef void (*cri_pods_cb)(void *arg, int result, const char *why, const struct cri_pod *pods,
                            size_t n);
/* 'id' (may be cut short) NULL: all. */
int cri_pods(struct cri *c, const char *id, cri_pods_cb done, void *arg);
/* Kills what runs in it and takes its network down; 0 also where it is gone or stopped. */
int cri_pod_stop(struct cri *c, const char *id, cri_cb done, void *arg);
/* With its containers, and even if it runs; 0 also where it is gone. */
int cri_pod_remove(struct cri *c, const char *id, cri_cb done, void *arg);

enum cri_container_state {
        CRI_CONTAINER_CREATED,
        CRI_CONTAINER_RUNNING,
        CRI_CONTAINER_EXITED,
        CRI_CONTAINER_UNKNOWN,
};
struct cri_container {
        const char *id;
        const char *name;
        const char *pod_id;
        const char *image;
        uint32_t attempt;
        enum cri_container_state state;
        int64_t created_at_ns; /* wall clock, to be shown */
};
typedef void (*cri_containers_cb)(void *arg, int result, const char *why,
                                  const struct cri_container *containers, size_t n);
/* 'pod_id' (may be cut short) NULL: of all pods. */
int cri_containers(struct cri *c, const char *pod_id, cri_containers_cb done, void *arg);

#endif

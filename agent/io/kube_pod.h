/* kube_pod - the pods of one node as plain values, and what moves them elsewhere.  No I/O. */
#ifndef BRAMBLE_IO_KUBE_POD_H
#define BRAMBLE_IO_KUBE_POD_H

#include "base/fail.h"
#include "core/kube_version.h"
#include "io/kube_node.h"

enum {
        KUBE_PODS_PAGE = 64, /* a pod takes 4 to 20 KB of JSON */
        /* A board runs at most 110, but pods that have ended stay in the list. */
        KUBE_PODS_PAGES = 64,
        SIZE_KUBE_EVICTION = 768,
};

enum kube_pod_kind {
        KUBE_POD_MOVES,    /* somebody starts it elsewhere when it is gone here */
        KUBE_POD_BELONGS,  /* to this node: static, or a DaemonSet's; or it has ended */
        KUBE_POD_HOMELESS, /* nobody would start it again: a person's to decide */
};

struct kube_pod {
        char name[SIZE_KUBE_NAME];
        char namespace[SIZE_KUBE_NAME];
        enum kube_pod_kind kind;
        bool deleting; /* it ends already */
};

typedef void (*kube_pod_cb)(void *arg, const struct kube_pod *p);

/* Calls 'each' for every pod of a PodList.  'ret_continue' becomes "" or the word for the next
 * page. -EBADMSG (f: why) for anything else; then 'each' was called for none. */
int kube_pods_parse(const char *text, size_t len, kube_pod_cb each, void *arg,
                    char ret_continue[static SIZE_KUBE_CONTINUE], struct fail *f);

/* A page of the pods of a node ('word' "": the first), to GET.  -EINVAL for what is no name of a
 * node, and no such word. */
int kube_pods_path(const char *node, const char *word, char ret[static SIZE_KUBE_PATH]);

/* Where the eviction of a pod is POSTed, and what: with that, a disruption budget is respected.
 * 'api' is the server's version. */
void kube_eviction_path(const struct kube_pod *p, char ret[static SIZE_KUBE_PATH]);
void kube_eviction_body(const struct kube_pod *p, struct kube_version api,
                        char ret[static SIZE_KUBE_EVICTION]);

#endif

/* kube_node - Node objects of Kubernetes as plain values, and the patches that change them.
 * No I/O. */
#ifndef BRAMBLE_IO_KUBE_NODE_H
#define BRAMBLE_IO_KUBE_NODE_H

#include "base/fail.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum {
        KUBE_NODES_PAGE = 8, /* a Node takes 5 to 20 KB of JSON: pages keep a long list small */
        SIZE_KUBE_NAME = 254,
        SIZE_KUBE_VERSION = 32,
        SIZE_KUBE_CONTINUE = 1024, /* the server's word for the next page */
        SIZE_KUBE_PATH = 1408,     /* a name and such a word in it */
};

/* What a patch of a node is sent as. */
#define KUBE_MERGE_PATCH "application/merge-patch+json"

struct kube_node {
        char name[SIZE_KUBE_NAME];
        char address[SIZE_ADDRESS];  /* the first InternalIP, "" */
        char pod_cidr[SIZE_ADDRESS]; /* "" */
        char version[SIZE_KUBE_VERSION];
        bool ready; /* the condition Ready is True */
        bool unschedulable;
        bool deleting;
        uint32_t n_taints;
        const struct cJSON *object; /* borrowed: valid inside the callback */
};

/* A label, or with 'value' NULL: that label away. */
struct kube_label {
        const char *key, *value;
};

/* A taint, or with 'effect' NULL: all with that key away. */
struct kube_taint {
        const char *key, *value, *effect; /* value "" where it has none */
};

struct kube_node_want {
        const struct kube_label *labels;
        size_t n_labels;
        const struct kube_taint *taints;
        size_t n_taints;
        const char *pod_cidr; /* NULL: whatever it is */
        bool schedulable;     /* it is to take pods again; false: whatever it is */
};

typedef void (*kube_node_cb)(void *arg, const struct kube_node *n);

/* Calls 'each' for a Node, or for every Node of a NodeList.  'ret_continue' becomes "" or the word
 * for the next page.  -EBADMSG (f: why) for anything else; then 'each' was called for none. */
int kube_nodes_parse(const char *text, size_t len, kube_node_cb each, void *arg,
                     char ret_continue[static SIZE_KUBE_CONTINUE], struct fail *f);

/* Any list: the word for its next page, "" at its end.  -EBADMSG for one that is none. */
int kube_continue_read(const struct cJSON *list, char ret[static SIZE_KUBE_CONTINUE],
                       struct fail *f);
bool kube_continue_valid(const char *word);

/* Inside the callback.  NULL where there is none; a taint's effect. */
const char *kube_node_label(const struct kube_node *n, const char *key);
const char *kube_node_taint(const struct kube_node *n, const char *key);

/* The merge patch that makes the node as wanted, inside the callback; labels and taints that
 * 'want' does not name stay.  With taints it holds the node's resourceVersion: the API answers 409
 * where somebody else changed it meanwhile.  A pod_cidr is set only where the node has none: the
 * API lets nobody change it.  1: '*ret' is the text, the caller's; 0: nothing is to be done.
 * -ENOMEM. */
int kube_node_patch(const struct kube_node *n, const struct kube_node_want *want, char **ret);

/* RFC 1123: labels of letters, digits and dashes with dots between, at most 253 characters. */
bool kube_name_valid(const char *s);

/* A page of the list ('word' NULL or "": the first), and one node: to GET, PATCH or DELETE.
 * -EINVAL for what is no name of a node. */
int kube_nodes_path(const char *word, char ret[static SIZE_KUBE_PATH]);
int kube_node_path(const char *name, char ret[static SIZE_KUBE_PATH]);

#endif

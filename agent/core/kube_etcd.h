/* kube_etcd - the command lines that save, restore and look after etcd: its own etcdctl, out of
 * the image that the control plane runs, in a container of ctr.  Pure.
 *
 * No argument is a secret: keys are files in mounted folders. */
#ifndef BRAMBLE_CORE_KUBE_ETCD_H
#define BRAMBLE_CORE_KUBE_ETCD_H

#include "base/fail.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kube_etcd_verb {
        KUBE_ETCD_SAVE,    /* into 'folder'/KUBE_ETCD_SNAPSHOT */
        KUBE_ETCD_RESTORE, /* from there into 'data'/KUBE_ETCD_RESTORED, which must not be there */
        KUBE_ETCD_MEMBERS, /* prints one line a member: kube_etcd_member_line() */
        KUBE_ETCD_REMOVE,  /* the member of 'member' */
        KUBE_ETCD_KILL,    /* what an earlier run of 'id' left: its process ... */
        KUBE_ETCD_DELETE,  /* ... and its container */
};

#define KUBE_ETCD_SNAPSHOT "snapshot.db"
#define KUBE_ETCD_RESTORED "bramble-restore"

enum { KUBE_ETCD_ARGS = 48, KUBE_ETCD_TEXT = 2048, SIZE_KUBE_ETCD_ID = 32 };

struct kube_etcd_call {
        enum kube_etcd_verb verb;
        const char *ctr;        /* absolute */
        const char *containerd; /* its socket */
        const char *id;         /* of the container */
        const char *image;      /* as containerd calls it: SAVE, RESTORE, MEMBERS, REMOVE */
        const char *folder;     /* absolute: SAVE, RESTORE */
        const char *data;       /* etcd's folder, absolute: RESTORE */
        const char *name;       /* of the node, which is its etcd member's: RESTORE */
        const char *address;    /* of the node: RESTORE */
        uint32_t epoch;         /* of the new cluster: no old member is taken for one of it */
        uint64_t member;        /* REMOVE */
};

struct kube_etcd_arguments {
        const char *argv[KUBE_ETCD_ARGS]; /* ends with NULL; borrows from the call too */
        size_t n;
        char text[KUBE_ETCD_TEXT];
};

/* -EINVAL: an image, id, path, name or address that is none (a comma in a path would end a mount's
 * option); -EMSGSIZE. */
int kube_etcd_arguments(const struct kube_etcd_call *c, struct kube_etcd_arguments *ret,
                        struct fail *f);

/* Since etcd 3.6 a snapshot is restored by etcdutl: by the image's tag. */
bool kube_etcd_has_utl(const char *image);

struct kube_etcd_member {
        uint64_t id;
        bool started;
        char name[SIZE_NAME]; /* "" until it has started for the first time */
};

/* "8e9e05c52164694d, started, m1, https://10.1.0.1:2380, https://10.1.0.1:2379, false".
 * -EBADMSG for any other line. */
int kube_etcd_member_line(const char *line, size_t len, struct kube_etcd_member *ret);

#endif

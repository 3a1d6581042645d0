/* charter - the replicated state: members, names, the master, functions and where they run, secrets
 * (sealed), namespaces.
 * Changes are commands in the log; applying one is deterministic.  Pure. */
#ifndef BRAMBLE_CORE_CHARTER_H
#define BRAMBLE_CORE_CHARTER_H

#include "core/board.h"
#include "core/charter_shutdown.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct charter_member {
        uint64_t node;        /* never 0 */
        char name[SIZE_NAME]; /* m1, w1, w2, ... or what a person called it; kept for ever */
        uint16_t subnet;      /* 1..250: its functions live in 10.62.SUBNET.0/24 */
        struct board board;   /* as it joined */
        bool cordoned;        /* a person wants nothing to run there */
};

struct charter_function {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        char image[SIZE_IMAGE]; /* normalised reference */
        char *spec;             /* the deployment as it came, JSON, owned; NUL-terminated */
        uint32_t spec_len;
        uint32_t replicas;     /* wanted, 0..LIMIT_REPLICAS */
        uint64_t memory_bytes; /* that one replica reserves (request, else limit, else default) */
        uint32_t generation;   /* grows with each deployment */
        uint64_t created_unix; /* seconds; shown, never compared */
        uint32_t floor; /* what a person asked for last: load never takes it below; 0: nothing */
};

/* One replica's place.  The board of 'node' runs a container for it as long as it is here. */
struct charter_instance {
        uint32_t id; /* unique for ever, from 1 */
        uint32_t function_generation;
        uint64_t node;
        char function[SIZE_NAME];
        char namespace[SIZE_NAME];
};

struct charter_image {
        char name[SIZE_IMAGE];    /* normalised reference */
        char digest[SIZE_DIGEST]; /* of what was imported: manifest or index */
        uint64_t size_bytes;
};

/* The bramble's Kubernetes cluster.  An epoch is the life of one control plane: whoever carries an
 * older one must not run it any more. */
struct charter_kube {
        uint32_t epoch;    /* 0: there was never one */
        bool off;          /* taken off by a person: nobody founds another */
        bool founded;      /* the control plane of this epoch has answered: others may join */
        bool restore;      /* it is rebuilt from a snapshot, not made new */
        bool adopted;      /* a person set it up: never reset, never moved */
        uint32_t made;     /* the epoch that began it anew: older snapshots are another cluster's */
        uint32_t n_planes; /* 0: nobody carries one now */
        uint64_t planes[LIMIT_PLANES]; /* who carries it; [0] makes it, and is the master */
        char version[SIZE_VERSION];    /* of the control plane, "v1.20.2"; "" before 'founded' */
        char ca_hash[SIZE_DIGEST];  /* "sha256:..." of the CA's public key, as kubeadm wants it */
        uint8_t key[SIZE_KUBE_KEY]; /* seals snapshots of etcd: a secret */
};

/* Sealed by the edge with a key that is never in here: io/secret_box.h. */
struct charter_secret {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        uint8_t *sealed; /* owned */
        uint32_t sealed_len;
};

struct charter_namespace {
        char name[SIZE_NAME];
        char *about; /* labels and annotations as they came, JSON, owned; NUL-terminated */
        uint32_t about_len;
};

/* Owns its arrays; charter_done() frees them.  All zero is an empty charter. */
struct charter {
        uint64_t bramble; /* random id made at founding; 0 before */
        char cluster[SIZE_CLUSTER];
        uint64_t master;      /* node id of the master */
        char user[SIZE_USER]; /* the gateway's credentials: a secret */
        char password[SIZE_PASSWORD];
        uint32_t next_instance;
        uint32_t next_worker; /* number of the next new worker's name */
        uint32_t next_generation;
        uint64_t version; /* grows by one with each command that changed something */
        struct charter_kube kube;
        uint64_t secrets_key;     /* names the key that all secrets are sealed with; 0: none yet */
        uint64_t secrets_version; /* grows with each change of a secret */
        uint32_t n_members, n_functions, n_instances, n_images, n_secrets, n_namespaces;
        struct charter_member *members;       /* in order of joining */
        struct charter_function *functions;   /* in order of name.namespace */
        struct charter_instance *instances;   /* in order of id */
        struct charter_image *images;         /* in order of name */
        struct charter_secret *secrets;       /* in order of name.namespace */
        struct charter_namespace *namespaces; /* in order of name; those that a person made */
        struct charter_shutdown shutdown;     /* id 0: nothing is being switched off */
};

enum charter_op {
        CHARTER_FOUND = 1,  /* the first command of a bramble */
        CHARTER_MEMBER_ADD, /* again for a known node: refreshes its board, keeps its name */
        CHARTER_MEMBER_REMOVE,
        CHARTER_MASTER_SET,
        CHARTER_FUNCTION_SET, /* deploy or update */
        CHARTER_FUNCTION_SCALE,
        CHARTER_FUNCTION_REMOVE, /* its instances go too */
        CHARTER_INSTANCE_PLACE,
        CHARTER_INSTANCE_DROP,
        CHARTER_IMAGE_SET,
        CHARTER_IMAGE_REMOVE,
        CHARTER_KUBE_MOVE,    /* a new epoch: 'node' makes the control plane, and is the master */
        CHARTER_KUBE_FOUNDED, /* it answers */
        CHARTER_KUBE_PLANE_ADD,
        CHARTER_KUBE_PLANE_REMOVE,
        CHARTER_KUBE_OFF, /* nobody carries it any more; 'kube_off' false: it may be founded anew */
        CHARTER_SECRET_SET,
        CHARTER_SECRET_REMOVE,
        CHARTER_NAMESPACE_SET,
        CHARTER_NAMESPACE_REMOVE,
        CHARTER_FUNCTION_FOLLOW, /* scaled by its load, not by a person: 'floor' stays */
        CHARTER_SHUTDOWN_SET,    /* all boards, or one, are to be switched off */
        CHARTER_SHUTDOWN_CLEAR,  /* they are back, or it is done */
        CHARTER_MEMBER_CORDON,   /* 'cordoned' false: it may have functions again */
        CHARTER_MEMBER_RENAME,
        CHARTER_OP_MAX,
};

/* FUNCTION_SET: an existing function keeps the number of replicas that it has, a new one gets 1. */
#define CHARTER_REPLICAS_KEEP UINT32_MAX

/* The most that one replica may reserve: so that sums over a board never wrap. */
#define CHARTER_MEMORY_MAX ((uint64_t)1 << 40)

enum { CHARTER_SUBNETS = 250 };

#define CHARTER_NAMESPACE "openfaas-fn" /* is always there */

/* One command; only the fields of its op count.  Borrows its strings. */
struct charter_command {
        enum charter_op op;
        uint64_t bramble;             /* FOUND */
        char cluster[SIZE_CLUSTER];   /* FOUND */
        char user[SIZE_USER];         /* FOUND */
        char password[SIZE_PASSWORD]; /* FOUND */
        struct board board;           /* FOUND, MEMBER_ADD */
        uint64_t node;        /* MEMBER_*, MASTER_SET, INSTANCE_PLACE, KUBE_MOVE, KUBE_PLANE_* */
        char name[SIZE_NAME]; /* FUNCTION_*, INSTANCE_PLACE: function; SECRET_*, NAMESPACE_*;
                                 MEMBER_RENAME: the new one */
        char namespace[SIZE_NAME];
        char image[SIZE_IMAGE]; /* FUNCTION_SET, IMAGE_* */
        const char *spec;       /* FUNCTION_SET, NAMESPACE_SET */
        uint32_t spec_len;
        uint32_t replicas;          /* FUNCTION_SET (also CHARTER_REPLICAS_KEEP), _SCALE, _FOLLOW */
        uint32_t replicas_from;     /* FUNCTION_FOLLOW: what the decision started from */
        uint64_t memory_bytes;      /* FUNCTION_SET */
        uint64_t created_unix;      /* FUNCTION_SET */
        uint32_t instance;          /* INSTANCE_DROP */
        char digest[SIZE_DIGEST];   /* IMAGE_SET; KUBE_FOUNDED: the CA's hash */
        uint64_t size_bytes;        /* IMAGE_SET */
        uint32_t kube_epoch;        /* KUBE_*: the epoch that the sender knows */
        bool kube_restore;          /* KUBE_MOVE */
        bool kube_adopted;          /* KUBE_FOUNDED */
        bool kube_off;              /* KUBE_OFF */
        char version[SIZE_VERSION]; /* KUBE_FOUNDED */
        uint8_t kube_key[SIZE_KUBE_KEY];  /* KUBE_MOVE: taken only where there is none yet */
        bool only_new;                    /* *_SET of a name: -EEXIST where it exists */
        bool only_existing;               /* *_SET of a name: -ENOENT where it does not */
        const uint8_t *sealed;            /* SECRET_SET */
        uint32_t sealed_len;              /* SECRET_SET */
        uint64_t secrets_key;             /* SECRET_SET: names the key that sealed it, never 0 */
        struct charter_shutdown shutdown; /* SHUTDOWN_SET; SHUTDOWN_CLEAR: its id */
        bool cordoned;                    /* MEMBER_CORDON */
        /* FUNCTION_SET, as it is in logs from before there were floors: its replicas are a person's
         * word, which is what a snapshot of that time says too. */
        bool before_floors;
};

void charter_done(struct charter *c);

/* -ENOMEM, -EMSGSIZE. */
int charter_command_encode(const struct charter_command *cmd, struct buf *out);
/* -EBADMSG.  'ret' borrows from 'data'. */
int charter_command_decode(const void *data, size_t len, struct charter_command *ret);

/* Applies one command.  0; or why it changes nothing: -EEXIST, -ENOENT, -ENOSPC (a limit of
 * limits.h), -EINVAL, -ENOMEM (the only one that may differ between boards: the caller must stop
 * the process).  The same command on the same charter gives the same answer everywhere, and no
 * command, however made, breaks what charter_decode() checks.
 *         FOUND             -EEXIST on a bramble; before it everything else is -EINVAL
 *         MEMBER_ADD        a known node keeps name and subnet; a new one gets the next worker's
 * name and the lowest free subnet MEMBER_REMOVE     its name, subnet and instances go too: if it
 * comes back it is new.  The master is -EINVAL: name another first MASTER_SET        -ENOENT where
 * 'node' is no member FUNCTION_SET      an existing one gets a new generation, keeps created_unix,
 * and keeps its replicas where the command says CHARTER_REPLICAS_KEEP FUNCTION_REMOVE   its
 * instances go too INSTANCE_PLACE    of the function's present generation IMAGE_SET         a known
 * name gets the new digest and size
 *         FUNCTION_FOLLOW   -ESTALE where it has not 'replicas_from' replicas any more: a person
 * was faster
 *         KUBE_*            -ESTALE where 'kube_epoch' is not the present one: two that decide at
 * once, or an old master, change nothing.  -ENOENT where 'node' is no member, -EEXIST, -ENOSPC
 *         MEMBER_CORDON     -ENOENT
 *         MEMBER_RENAME     -ENOENT, -EINVAL for what names_board_valid() refuses, -EEXIST where
 * another board is called so
 *         SECRET_SET        -ESTALE where the others were sealed with another key
 *         IMAGE_REMOVE      -EBUSY while a function names it
 *         NAMESPACE_REMOVE  -EBUSY while functions or secrets are in it
 *         MEMBER_REMOVE, MASTER_SET  -EINVAL for a board that carries the control plane, and for
 * another master than that
 *         SHUTDOWN_*        charter_shutdown.h; while all boards are being switched off, whatever
 * decides where something runs is -ESHUTDOWN */
int charter_apply(struct charter *c, const struct charter_command *cmd);

/* Whole state, versioned.  -ENOMEM, -EMSGSIZE. */
int charter_encode(const struct charter *c, struct buf *out);
/* Fills an empty 'ret' (the caller frees it).  -EBADMSG (nothing to free), -EPROTONOSUPPORT
 * (written by a newer bramble), -ENOMEM. */
int charter_decode(const void *data, size_t len, struct charter *ret);

/* NULL where there is none.  Valid until the next apply. */
const struct charter_member *charter_member(const struct charter *c, uint64_t node);
const struct charter_member *charter_member_by_name(const struct charter *c, const char *name);
const struct charter_function *charter_function(const struct charter *c, const char *name,
                                                const char *namespace);
const struct charter_instance *charter_instance(const struct charter *c, uint32_t id);
const struct charter_image *charter_image(const struct charter *c, const char *name);
const struct charter_secret *charter_secret(const struct charter *c, const char *name,
                                            const char *namespace);
/* One that a person made. */
const struct charter_namespace *charter_namespace(const struct charter *c, const char *name);
/* May functions be put there?  The first one is always there; others that a person made, or that
 * have a function or a secret (of a bramble from before there were namespaces). */
bool charter_namespace_exists(const struct charter *c, const char *name);
uint32_t charter_namespace_functions(const struct charter *c, const char *name);
uint32_t charter_namespace_secrets(const struct charter *c, const char *name);
/* Number of instances of a function; 'node' 0: on all boards. */
uint32_t charter_replicas(const struct charter *c, const char *name, const char *namespace,
                          uint64_t node);
/* Does this bramble have work that must not be thrown away (functions, images, secrets,
 * namespaces)? */
bool charter_has_work(const struct charter *c);
bool charter_kube_carries(const struct charter_kube *k, uint64_t node);

#endif

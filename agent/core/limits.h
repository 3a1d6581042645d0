/* limits - the named maximum of everything that comes from outside or grows.  1 GB boards. */
#ifndef BRAMBLE_CORE_LIMITS_H
#define BRAMBLE_CORE_LIMITS_H

enum {
        LIMIT_BOARDS = 96,               /* one classroom; the function network has 250 subnets */
        LIMIT_CORES = 16,                /* per board */
        LIMIT_FUNCTIONS = 256,           /* in a bramble */
        LIMIT_REPLICAS = 64,             /* of one function */
        LIMIT_INSTANCES = 1024,          /* in a bramble */
        LIMIT_BOARD_INSTANCES = 128,     /* on one board */
        LIMIT_IMAGES = 128,              /* in a bramble */
        LIMIT_SPEC_BYTES = 16 * 1024,    /* one function's deployment as JSON */
        LIMIT_SPECS_BYTES = 512 * 1024,  /* all deployments together: the world fits one frame */
        LIMIT_FRAME_BYTES = 1024 * 1024, /* one frame between agents, or between agent and CLI */
        LIMIT_JSON_BYTES = 128 * 1024,   /* one JSON request */
        LIMIT_JSON_DEPTH = 16,
        LIMIT_CHARTER_BYTES = 8 * 1024 * 1024, /* a snapshot of the charter */
        LIMIT_COMMAND_BYTES = 64 * 1024,       /* one command in the log */
        LIMIT_LINKS = 256,                     /* connections an agent serves at a time */
        LIMIT_PEERS_FILE = 16 * 1024,          /* remembered peers on disk */
        LIMIT_SECRETS = 128,                   /* in a bramble */
        LIMIT_SECRET_BYTES = 32 * 1024,        /* the value of one */
        LIMIT_SEALED_BYTES = 33 * 1024,        /* of one, sealed */
        LIMIT_SECRETS_BYTES = 1024 * 1024,     /* of all, sealed */
        LIMIT_NAMESPACES = 32,                 /* in a bramble, besides openfaas-fn */
        LIMIT_NAMESPACE_BYTES = 4 * 1024,      /* labels and annotations of one, as JSON */
        LIMIT_ALARMS = 256,                    /* that are told at a time */
        LIMIT_EVENTS = 256,                    /* remembered; in memory alone */
        LIMIT_CLEARED = 16,                    /* Kubernetes nodes that are drained at a time */
        LIMIT_PLANES = 3, /* boards that carry the Kubernetes control plane: etcd's quorum */
};

/* Sizes of text fields, the NUL included. */
enum {
        SIZE_CLUSTER = 64,  /* cluster name: a DNS label */
        SIZE_NAME = 64,     /* board, function and namespace names: DNS labels */
        SIZE_IMAGE = 256,   /* image reference */
        SIZE_DIGEST = 72,   /* "sha256:" and 64 hex digits */
        SIZE_ADDRESS = 48,  /* an IP address as text */
        SIZE_BOARD_ID = 16, /* "3B+" */
        SIZE_MODEL = 64,    /* what the firmware calls the board */
        SIZE_EVENT = 200,   /* what happened, one sentence */
        SIZE_REASON = 160,  /* why something is so, one sentence */
        SIZE_VERSION = 24,  /* "v1.20.2+rpt1" */
        SIZE_KUBE_KEY = 32, /* AES-256 */
        SIZE_USER = 32,
        SIZE_PASSWORD = 64,
};

#endif

/* kube_snapshots_private - what the files of kube_snapshots share. */
#ifndef BRAMBLE_DAEMON_KUBE_SNAPSHOTS_PRIVATE_H
#define BRAMBLE_DAEMON_KUBE_SNAPSHOTS_PRIVATE_H

#include "core/kube_etcd.h"
#include "core/kube_snapshot.h"
#include "daemon/api.h"
#include "daemon/kube_snapshots.h"
#include "io/process.h"
#include "io/snapshot_store.h"

/* A plain snapshot up to this size is worked on in a tmpfs, a larger one on the card. */
#define SNAPSHOTS_TMPFS_BYTES ((uint64_t)32 * 1024 * 1024)
/* A board that sends or takes nothing for so long is left: a slow card syncs for seconds. */
#define SNAPSHOTS_SILENT_USEC (60 * USEC_PER_SEC)

enum { SNAPSHOTS_PIECE_BYTES = 64 * 1024, SNAPSHOTS_KEY_TEXT = 2 * SIZE_KUBE_KEY + 1 };

struct snapshots_take;
struct snapshots_fetch;
struct snapshots_put;

/* One copy on its way to a board. */
struct snapshots_parcel {
        struct kube_snapshots *s;
        struct link *link; /* NULL: free */
        uint64_t node, id, size, sent;
        int fd;
        usec_t moved; /* newest sign of progress */
};

struct snapshots_ship {
        usec_t next; /* when to look who lacks a copy */
        bool asking;
        struct snapshots_parcel parcels[KUBE_SNAPSHOT_KEEPERS];
};

enum snapshots_use { SNAPSHOTS_SAVE, SNAPSHOTS_RESTORE, SNAPSHOTS_MEMBERS, SNAPSHOTS_USES };

struct kube_snapshots {
        struct agent *agent;
        struct snapshot_store *store;
        struct kube_snapshot_timer timer;
        struct snapshots_take *take; /* one that is being taken; NULL */
        struct snapshots_ship ship;
        struct snapshots_put *put;     /* one that another board sends; NULL */
        struct snapshots_fetch *fetch; /* NULL */
        bool busy[SNAPSHOTS_USES];     /* a container of this use runs */
        bool clean[SNAPSHOTS_USES];    /* nothing of an earlier one is left */
};

/* ---- kube_snapshots_run.c: programs --------------------------------------------------------- */

/* One program; 'done' gets "" or a sentence, its last words. */
struct snapshots_run {
        struct process *process;
        char program[16];
        char last[SIZE_REASON];
        process_line_cb line; /* sees stdout; may be NULL */
        kube_snapshots_done_cb done;
        void *arg;
};
/* Fills and starts 'run', which must live until 'done'.  'in': its stdin or NULL. */
int snapshots_run(struct kube_snapshots *s, struct snapshots_run *run, const char *const *argv,
                  const char *in, unsigned timeout_sec, process_line_cb line,
                  kube_snapshots_done_cb done, void *arg, struct fail *f);

/* etcd's own tool in a container, after what is left of an earlier one is gone.  Texts of 'call'
 * are copied; ctr, containerd and id are filled in.  -EBUSY, -ENOMEM, -EINVAL. */
int snapshots_etcd(struct kube_snapshots *s, enum snapshots_use use,
                   const struct kube_etcd_call *call, process_line_cb line,
                   kube_snapshots_done_cb done, void *arg, struct fail *f);

/* The image that this board's etcd runs from. */
int snapshots_etcd_image(char ret[static SIZE_IMAGE], struct fail *f);

/* ---- kube_snapshots_ask.c: questions to the leader ------------------------------------------- */

struct snapshots_who {
        uint32_t epoch;
        size_t n;
        struct kube_snapshot_board boards[LIMIT_BOARDS]; /* newest first */
};
/* 'who' NULL: 'error' says why. */
typedef void (*snapshots_who_cb)(void *arg, const char *error, const struct snapshots_who *who);
void snapshots_ask_who(struct kube_snapshots *s, snapshots_who_cb done, void *arg);

/* 'key': 64 hex digits, NULL: 'error' says why. */
typedef void (*snapshots_key_cb)(void *arg, const char *error, const char *key);
void snapshots_ask_key(struct kube_snapshots *s, snapshots_key_cb done, void *arg);

/* Both may call 'done' at once. */

/* ---- kube_snapshots_send.c, kube_snapshots_receive.c, kube_snapshots_fetch.c ------------------
 */

void snapshots_ship_look(struct kube_snapshots *s, usec_t now);
/* There is a new one: look at once. */
void snapshots_ship_soon(struct kube_snapshots *s);
void snapshots_put_look(struct kube_snapshots *s, usec_t now);
/* A fetch needs its place. */
void snapshots_put_end(struct kube_snapshots *s, const char *why);
void snapshots_fetch_look(struct kube_snapshots *s, usec_t now);
/* The board at the other end carries the control plane. */
bool snapshots_from_plane(const struct request *q);
/* epoch and number of a request; 0: they are none. */
uint64_t snapshots_id(const struct request *q);

#endif

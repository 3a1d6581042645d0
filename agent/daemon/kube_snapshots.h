/* kube_snapshots - snapshots of etcd: taken on the board whose API answers first, sealed, kept on
 * two other boards, fetched and opened again where the control plane is rebuilt.
 *
 * Plain bytes of a snapshot are only below run_dir (a tmpfs) or, where they are large, below
 * state_dir, and only while they are worked on. */
#ifndef BRAMBLE_DAEMON_KUBE_SNAPSHOTS_H
#define BRAMBLE_DAEMON_KUBE_SNAPSHOTS_H

#include "daemon/agent.h"

/* Opens the folder; a failure is in the log.  Without this call the verbs say no, and everything
 * here but kube_snapshots_ newest() must not be called. */
int kube_snapshots_open(struct agent *a);

/* For the report: epoch << 32 | number of the newest that this board keeps, 0: none. */
uint64_t kube_snapshots_newest(const struct agent *a);

/* Every second or few, on every board.  'primary': this board is the first of the planes whose own
 * API answers; it takes snapshots and sees to the copies. */
void kube_snapshots_look(struct agent *a, bool primary);
/* One is wanted now, where this board takes them and none is under way. */
void kube_snapshots_now(struct agent *a);
/* The sum of requests that changed something (core/kube_metrics.h), as often as it is known; while
 * nobody says anything each snapshot that could be due is. */
void kube_snapshots_changed(struct agent *a, uint64_t counter);

/* 'error': "" or a sentence; never called from inside the call that it belongs to.  Exactly once;
 * all of these end by themselves, in minutes at worst. */
typedef void (*kube_snapshots_cb)(void *arg, const char *error, const char *dir);
typedef void (*kube_snapshots_done_cb)(void *arg, const char *error);

/* Finds the newest snapshot that any board keeps which is up, fetches it, and opens it: 'dir' (of
 * kube_archive_open(): pki/, snapshot.db) is there until kube_snapshots_forget() or the next fetch.
 * Where one cannot be had or is damaged, the next newest.  This board must carry the control plane
 * of the present epoch, or nobody gives it key or snapshot.  -EBUSY, -ENOMEM. */
int kube_snapshots_fetch(struct agent *a, kube_snapshots_cb done, void *arg);
void kube_snapshots_forget(struct agent *a);

/* Makes /var/lib/etcd/member from 'dir'/snapshot.db, as a cluster of this board (a->name, its LAN
 * address) alone: kubelet and etcd must not run, and /var/lib/etcd/member must not be there.
 * 'image' is etcd's, as kubeadm wants it, and must be on the card.  -EBUSY, -ENOMEM. */
int kube_snapshots_restore(struct agent *a, const char *dir, const char *image,
                           kube_snapshots_done_cb done, void *arg);

/* Takes the etcd member called 'name' (a node's name) out of the cluster whose etcd runs here; ""
 * also where there is no such member.  -EBUSY, -ENOMEM. */
int kube_snapshots_remove_member(struct agent *a, const char *name, kube_snapshots_done_cb done,
                                 void *arg);

#endif

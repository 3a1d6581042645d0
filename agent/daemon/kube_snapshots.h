/* kube_snapshots - snapshots of etcd: taken where the control plane is, kept sealed on two other
 * boards, fetched again when a lost control plane is rebuilt. */
#ifndef BRAMBLE_DAEMON_KUBE_SNAPSHOTS_H
#define BRAMBLE_DAEMON_KUBE_SNAPSHOTS_H

#include "daemon/agent.h"

int kube_snapshots_open(struct agent *a);
/* Once a second; 'primary': this board's control plane looks after the cluster. */
void kube_snapshots_look(struct agent *a, bool primary);
/* How many changes the API server has counted: another number means something to save. */
void kube_snapshots_changed(struct agent *a, uint64_t counter);
/* The newest one that this board keeps, epoch << 32 | number; 0: none. */
uint64_t kube_snapshots_newest(const struct agent *a);
/* The newest one of any board that is up, opened into a folder.  'why' is "" or a sentence. */
typedef void (*kube_snapshots_cb)(void *arg, const char *why, const char *dir);
int kube_snapshots_fetch(struct agent *a, kube_snapshots_cb done, void *arg);

struct kube_etcd_argv {
        const char *argv[48];
        char text[2048];
};
void kube_etcd_restore(const struct agent *a, const char *image, const char *dir, const char *name,
                       const char *address, struct kube_etcd_argv *ret);

#endif

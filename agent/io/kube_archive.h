/* kube_archive - the sealed file that a control plane is rebuilt from: made from a board's own
 * files and a snapshot of etcd, and opened into a folder.  Blocks for seconds: for a process of
 * its own (bramble-agent --kube-seal, --kube-open). */
#ifndef BRAMBLE_IO_KUBE_ARCHIVE_H
#define BRAMBLE_IO_KUBE_ARCHIVE_H

#include "base/fail.h"
#include "io/seal.h"

/* Seals /etc/kubernetes/pki below 'root_fd' ("/" on a board) and the file 'snapshot' into 'out':
 * 0600, whole or not at all, synced.  -ENOENT or -ENODATA (a key or certificate is missing or
 * empty), -EFBIG, -ENOSPC and other errors of files. */
int kube_archive_seal(int root_fd, const char *snapshot, const char *out,
                      const uint8_t key[static SIZE_KUBE_KEY], uint32_t epoch, uint64_t number,
                      struct fail *f);

/* Opens it into the folder 'dir' (0700): pki/ca.crt ..., pki/etcd/ca.crt ..., snapshot.db, all
 * 0600.  What was there is removed first; 'dir' is there again only once everything is.
 * -EKEYREJECTED: another key, or damaged; -EBADMSG: damaged, cut, or nothing of ours. */
int kube_archive_open(const char *in, const char *dir, const uint8_t key[static SIZE_KUBE_KEY],
                      struct fail *f);

/* Removes a folder that kube_archive_open() made, and what it left half-done.  0 also where there
 * is none. */
int kube_archive_remove(const char *dir);

#endif

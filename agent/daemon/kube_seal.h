/* kube_seal - bramble-agent as the child that seals and opens snapshots: megabytes of work that
 * would hold up the loop. */
#ifndef BRAMBLE_DAEMON_KUBE_SEAL_H
#define BRAMBLE_DAEMON_KUBE_SEAL_H

/* The words behind --kube-seal: SNAPSHOT OUT EPOCH NUMBER, and behind --kube-open: IN DIR.  The key
 * comes as 64 hex digits on standard input.  What to exit with: 0; 1, with one line on stderr; 2
 * for a wrong call. */
int kube_seal_main(int n, char **words);
int kube_open_main(int n, char **words);

#endif

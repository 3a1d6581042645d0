/* coordinator - what the leader does: collects reports, places replicas, keeps the voters right,
 * and sends every board the same picture of the world. */
#ifndef BRAMBLE_DAEMON_COORDINATOR_H
#define BRAMBLE_DAEMON_COORDINATOR_H

#include "daemon/agent.h"

#include <cjson/cJSON.h>

struct request;

int coordinator_open(struct agent *a);

/* Leadership came or went. */
void coordinator_lead(struct agent *a, bool leads);
/* The charter changed. */
void coordinator_changed(struct agent *a);
/* A new picture came, perhaps our own. */
void coordinator_pictured(struct agent *a);
/* Answers a request whose change is in the charter, as request_reply(), but not before the picture
 * of it is on its way to all boards: who asks next, on the board that was asked, finds it. */
void coordinator_reply(struct request *q, cJSON *reply);
/* Dissolves this bramble into another: tells the members, then leaves. */
void coordinator_fold(struct agent *a, uint64_t bramble);

void coordinator_report_frame(struct agent *a, uint64_t node, const struct frame *f);
void coordinator_report(struct agent *a, const struct report *r);
void coordinator_peer_lost(struct agent *a, uint64_t node);

/* A function at zero is called: writes down that it has replicas again; 'done' follows.  1, and no
 * 'done', where it has some; -ENOENT and others of consensus_submit(). */
int coordinator_raise(struct agent *a, const char *name, const char *namespace,
                      void (*done)(void *arg, int result), void *arg);
/* Replicas whose boards may begin although their places are not in the charter yet: '*ret' are 'n'
 * (returned), borrowed until the next turn of the loop. */
uint32_t coordinator_ahead(const struct agent *a, const struct charter_instance **ret);
/* What all replicas of a function use together, as their boards measured last.  -ENOENT. */
int coordinator_usage(const struct agent *a, const char *name, const char *namespace,
                      uint64_t *ret_millicores, uint64_t *ret_bytes);

/* Is a majority of the voters up (as far as reports tell)? */
bool coordinator_majority(const struct agent *a);

/* Is a cordoned board free of all work?  'ret' says how far it is, "" where it is not cordoned. */
bool coordinator_drained(const struct agent *a, uint64_t node, char ret[static SIZE_REASON]);

/* Does somebody run pods of their own in the Kubernetes cluster? */
bool coordinator_kube_work(const struct agent *a);

/* Everything that status shows, as it is now; only on the leader. For api_status. */
struct coordinator_board {
        const struct charter_member *member;
        bool up;
        usec_t silent_usec;             /* since the last report; USEC_NEVER: none yet */
        const struct board *board;      /* newest */
        const struct sensors *sensors;  /* newest, all zero where there was none */
        const struct report_kube *kube; /* the same */
        const char *address;
        unsigned n_instances;
};
void coordinator_each(const struct agent *a,
                      void (*each)(void *arg, const struct coordinator_board *b), void *arg);

#endif

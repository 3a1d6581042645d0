/* membership - this board's way into a bramble: formation, joining, consensus, and what of it is
 * kept on disk. */
#ifndef BRAMBLE_DAEMON_MEMBERSHIP_H
#define BRAMBLE_DAEMON_MEMBERSHIP_H

#include "core/formation.h"
#include "daemon/agent.h"

/* Reads the state file and, for a member, opens the log. */
int membership_open(struct agent *a, struct fail *f);

/* What this board says of itself. */
struct formation_view membership_view(const struct agent *a);
/* Who leads as far as this board knows; 0: nobody. */
uint64_t membership_leader(const struct agent *a);
bool membership_leads(const struct agent *a);
/* "looking for boards (2 of 4)" and the like, for status. Returns dst. */
char *membership_text(const struct agent *a, char *dst, size_t size);
/* NULL for a fresh board.  The epoch is another one with each log that was opened; 0 while none
 * is open. */
struct consensus *membership_consensus(const struct agent *a);
unsigned membership_epoch(const struct agent *a);

void membership_peer(struct agent *a, const struct formation_view *view);
void membership_peer_lost(struct agent *a, uint64_t node);
void membership_join_request(struct agent *a, struct link *l, const struct frame *f);
void membership_joined(struct agent *a, const struct frame *f);
/* The world from a leader. */
void membership_orders(struct agent *a, uint64_t from, const struct frame *f);
void membership_counts(struct agent *a, uint64_t from, const struct frame *f);
void membership_raft_accepted(struct agent *a, struct link *l);
/* Members, work or leader may have changed. */
void membership_changed(struct agent *a);
/* This board has another name: it is to know it after a reboot. */
void membership_renamed(struct agent *a);
/* Leaves the bramble and becomes fresh: the fold of two brambles. */
void membership_leave(struct agent *a, uint64_t for_bramble);

#endif

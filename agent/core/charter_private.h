/* charter_private - what the files of the charter share. */
#ifndef BRAMBLE_CORE_CHARTER_PRIVATE_H
#define BRAMBLE_CORE_CHARTER_PRIVATE_H

#include "core/charter.h"

/* charter_boards.c: what a person says about one board; each as charter_apply() documents it. */
int charter_member_cordon(struct charter *c, const struct charter_command *cmd);
int charter_member_rename(struct charter *c, const struct charter_command *cmd);
/* The next worker's name that nobody has: a person may have given it to another board. */
void charter_name_worker(struct charter *c, struct charter_member *m);

#endif

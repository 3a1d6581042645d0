/* secret_key - the key that seals this bramble's secrets: made by the first leader, had from a
 * member by every other board over mutual TLS, kept beside the board's own key, never in the log.
 */
#ifndef BRAMBLE_DAEMON_SECRET_KEY_H
#define BRAMBLE_DAEMON_SECRET_KEY_H

#include "daemon/agent.h"

#include <stdbool.h>

struct request;

/* Reads STATE_DIR/secrets.key, and looks after it every second from then on. */
int secret_key_open(struct agent *a);

/* NULL while this board does not have the right one. */
const uint8_t *secret_key(struct agent *a);

/* A key that was made here a moment ago and that no other board has yet seals nothing: its board
 * could burn down with it.  True: 'q' is held, and its verb runs again when another board has it,
 * or when none has come for it in time. */
bool secret_key_later(struct agent *a, struct request *q);

#endif

/* secret_box - seals the value of a secret for the charter and opens it again: io/seal with a key
 * that only the members of a bramble have.  A sealed value opens under its own name only. */
#ifndef BRAMBLE_IO_SECRET_BOX_H
#define BRAMBLE_IO_SECRET_BOX_H

#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Names a key without telling it; never 0. */
uint64_t secret_key_id(const uint8_t key[static SIZE_KUBE_KEY]);

/* Appends the sealed bytes, at most LIMIT_SEALED_BYTES.  -EMSGSIZE above LIMIT_SECRET_BYTES,
 * -ENOMEM, -EIO (no random bytes). */
int secret_seal(const uint8_t key[static SIZE_KUBE_KEY], const char *namespace, const char *name,
                const void *value, size_t len, struct buf *out);

/* Appends the value, for which room is made once: nothing of it stays elsewhere.  -EKEYREJECTED:
 * another key, another name, or damaged; -EBADMSG, -ENOMEM. */
int secret_open(const uint8_t key[static SIZE_KUBE_KEY], const char *namespace, const char *name,
                const void *sealed, size_t len, struct buf *out);

/* buf_done() that leaves zeros behind. */
void secret_wipe(struct buf *b);
#define auto_secret __attribute__((cleanup(secret_wipe)))

#endif

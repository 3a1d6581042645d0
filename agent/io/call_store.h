/* call_store - calls that wait for their function, in an SQLite file: what was committed is there
 * after a power cut.  Every function blocks, for as long as the card does; one thread at a time. */
#ifndef BRAMBLE_IO_CALL_STORE_H
#define BRAMBLE_IO_CALL_STORE_H

#include "base/buf.h"
#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_store;

/* Opens the file, making it where there is none.  It is ours alone from here on: -EBUSY where
 * another process has it.  -EBADMSG where it is damaged; the sentence is in 'f'. */
int call_store_open(const char *path, struct call_store **ret, struct fail *f);
void call_store_close(struct call_store *s);

struct call_stored {
        uint64_t seq; /* in the order in which they were accepted, from 1 */
        const char *id, *function;
        uint32_t attempts;  /* that were begun */
        bool begun;         /* and the last one was not over */
        uint64_t wait_usec; /* before the next one */
        uint64_t bytes;     /* of the request */
};

/* What the file holds, oldest first; 'each' borrows.  Stops where it returns false. */
int call_store_load(struct call_store *s, bool (*each)(void *arg, const struct call_stored *c),
                    void *arg, struct fail *f);

/* One transaction: any number of changes between these two.  Only call_store_commit() makes them
 * last; on its failure, and after call_store_rollback(), none of them was made. */
int call_store_begin(struct call_store *s, struct fail *f);
int call_store_commit(struct call_store *s, struct fail *f);
void call_store_rollback(struct call_store *s);

/* A new call; 'c' as above, its 'bytes' those of 'request'. */
int call_store_put(struct call_store *s, const struct call_stored *c, const char *request,
                   struct fail *f);
/* An attempt begins, its number as counted from 1.  The request is appended to 'ret' (NULL: not
 * wanted).  -ENOENT where there is no such call. */
int call_store_attempt(struct call_store *s, uint64_t seq, uint32_t attempt, struct buf *ret,
                       struct fail *f);
/* The attempt is over, and the next one waits. */
int call_store_later(struct call_store *s, uint64_t seq, uint64_t wait_usec, struct fail *f);
/* The call is over: it goes. */
int call_store_remove(struct call_store *s, uint64_t seq, struct fail *f);

#endif

/* connection - HTTP/1.1 with one client: a request at a time, its answer, then the next. */
#ifndef BRAMBLE_WATCHDOG_CONNECTION_H
#define BRAMBLE_WATCHDOG_CONNECTION_H

#include "base/buf.h"
#include "watchdog/watchdog.h"

#include <sys/types.h>

struct connection;

/* Takes those who wait on a listener, and begins with what they have sent. */
void connection_accept(struct watchdog *d, struct watch *listener);

/* From a call, once: the answer, whose body is taken over.  Written when connection_resume() comes
 * or, where the call has not returned from call_begin() yet, when it has. */
void connection_answer(struct connection *c, unsigned status, const char *type, struct buf *body);
/* An answer of fwatchdog's own: a sentence. */
void connection_answer_text(struct connection *c, unsigned status, const char *text);
/* From a call: it was answered, or takes body bytes again. */
void connection_resume(struct connection *c);

/* A child was reaped; nobody's is fine. */
void connections_child(struct watchdog *d, pid_t pid, int status);
/* Ends what is too slow, and sets the loop's alarm anew. */
void connections_deadlines(struct watchdog *d);
/* Begins with all that was sent until now, and from then on refuses calls. */
void connections_drain(struct watchdog *d);
/* Is there a call that runs, or an answer that is being written? */
bool connections_busy(const struct watchdog *d);
/* Ends all. */
void connections_end(struct watchdog *d);
/* Frees those that ended: between two turns of the loop. */
void connections_free_ended(struct watchdog *d);

#endif

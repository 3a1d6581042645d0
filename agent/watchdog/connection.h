/* connection - HTTP/1.1 with one client: a request at a time, its answer, then the next. */
#ifndef BRAMBLE_WATCHDOG_CONNECTION_H
#define BRAMBLE_WATCHDOG_CONNECTION_H

#include "base/buf.h"
#include "watchdog/watchdog.h"

#include <sys/types.h>

struct connection;
struct output;

enum { CONNECTION_LINES = 160 };

/* Takes those who wait on a listener, and begins with what they have sent. */
void connection_accept(struct watchdog *d, struct watch *listener);

/* From a call, once: the answer, whose body is taken over.  Written when connection_resume() comes
 * or, where the call has not returned from call_begin() yet, when it has. */
void connection_answer(struct connection *c, unsigned status, const char *type,
                       struct output *body);
/* An answer of fwatchdog's own: a sentence. */
void connection_answer_text(struct connection *c, unsigned status, const char *text);
/* From a call whose answer comes in pieces: first, what its head has to say about the connection
 * and the time that it took.  'length_known': it says itself where the body ends. */
void connection_stream_lines(struct connection *c, bool length_known,
                             char ret[static CONNECTION_LINES]);
/* Then the head with its empty line, which is taken over. */
void connection_stream_begin(struct connection *c, unsigned status, struct buf *head);
/* Then the pieces.  False: the client does not take all of it at once: call_drained() comes; or it
 * is gone, and the call was cancelled. */
bool connection_stream(struct connection *c, const char *data, size_t len);
/* The same straight from a file: how many of the bytes from '*at' on it took, 0 where
 * call_drained() comes first, negative where the client is gone or the file has no more. */
ssize_t connection_stream_file(struct connection *c, int file, off_t *at, uint64_t len);
/* Then the end, when the call is over.  Not 'whole': the client is to see that something is
 * missing. */
void connection_stream_end(struct connection *c, bool whole);
/* Behind the head of a 101: from now on both sides send what they like. */
void connection_tunnel(struct connection *c);
/* From a call: it was answered, or takes body bytes again, or has streamed. */
void connection_resume(struct connection *c);

/* The child of mode http serves. */
void connections_child_serves(struct watchdog *d);
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

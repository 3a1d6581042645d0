/* call - one call of the function, in classic mode: a child of its own, which reads the body on
 * stdin and whose whole output is the answer once it has ended.
 *
 * The answer comes when the child has exited and its output is at its end.  Where something that it
 * left behind keeps the output open, what is there 250 ms after the exit is the answer, and what
 * was left behind is left alone.  Where it closed its output early, the exit is waited for.  A
 * child that does not read its stdin answers all the same.  A client that hangs up ends the child
 * and its group; one that only says that it will send no more (half-close) waits for its answer. */
#ifndef BRAMBLE_WATCHDOG_CALL_H
#define BRAMBLE_WATCHDOG_CALL_H

#include "base/buf.h"
#include "core/http_parse.h"
#include "watchdog/watchdog.h"

struct connection;

enum { CALL_TYPE = 128 };

/* Part of its connection; all zero is no call. */
struct call {
        struct watchdog *dog;
        struct connection *connection;
        bool active; /* begun, and neither answered nor cancelled */
        pid_t pid;   /* 0: it was reaped */
        int status;  /* how it ended, then */
        struct watch in, out;
        bool body_ended;
        struct buf output;
        char content_type[CALL_TYPE];
        usec_t started, deadline;
};

/* Begins; the answer comes by connection_answer(), perhaps before this returns. */
void call_begin(struct call *c, struct watchdog *dog, struct connection *connection,
                const struct http_head *head);
/* Body bytes.  How many were taken; fewer than 'len': connection_resume() comes when there is room
 * again. */
size_t call_body(struct call *c, const char *data, size_t len);
/* There are no more; may be said twice. */
void call_body_end(struct call *c);
/* The deadline has come. */
void call_overdue(struct call *c);
/* The child was reaped. */
void call_exited(struct call *c, int status);
/* Ends the child; no answer comes.  No-op where no call is active. */
void call_cancel(struct call *c);

#endif

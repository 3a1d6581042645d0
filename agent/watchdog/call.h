/* call - one call of the function, in whichever mode: what its connection knows of it.
 *
 *      classic      a child of its own, whose whole output is the answer once it has ended
 *      serializing  the same, which gets its body once that is there as a whole
 *      streaming    a child of its own, whose output goes out as it comes (fork.c has all three)
 *      http         a request to the one child that serves HTTP (http.c)
 *      static       a file (files.c)
 *
 * A client that resets its connection ends the call; one that only says that it will send no more
 * (half-close) waits for its answer. */
#ifndef BRAMBLE_WATCHDOG_CALL_H
#define BRAMBLE_WATCHDOG_CALL_H

#include "base/buf.h"
#include "core/http_parse.h"
#include "watchdog/output.h"
#include "watchdog/watchdog.h"

struct connection;
struct upstream;

enum { CALL_TYPE = 128, CALL_NAME = 64 };

/* Part of its connection; all zero is no call. */
struct call {
        struct watchdog *dog;
        struct connection *connection;
        bool active;    /* begun, and neither answered to its end nor cancelled */
        bool streaming; /* its answer has begun and comes in pieces */
        bool paused;    /* the client takes no more of them for now */
        usec_t started, deadline;
        uint64_t wrote; /* bytes of the answer */
        union {
                struct {            /* fork.c */
                        pid_t pid;  /* 0: it was reaped, or was not started */
                        int status; /* how it ended, then */
                        struct watch in, out;
                        struct buf input; /* serializing: the body as far as it came */
                        size_t given;     /* of it */
                        char **env;       /* serializing: until the child is started */
                        struct output output;
                        char content_type[CALL_TYPE];
                } fork;
                struct {                     /* http.c */
                        struct upstream *up; /* NULL: none yet, or it is over */
                        struct buf head;     /* to be sent before the body */
                        struct buf input;    /* a body that is read first */
                        bool waiting;        /* the child does not serve yet */
                        bool chunked, collect, body_ended, safe, without_body, upgrade;
                        char name[CALL_NAME]; /* for the log */
                } http;
                struct { /* files.c */
                        int fd;
                        off_t at;
                        uint64_t left;
                        bool without_body;
                } file;
        };
};

/* Begins; the answer comes by connection_answer() or connection_stream_*(), perhaps before this
 * returns. */
void call_begin(struct call *c, struct watchdog *dog, struct connection *connection,
                const struct http_head *head);
/* Body bytes.  How many were taken; fewer than 'len': connection_resume() comes when there is room
 * again.  Where the call is over afterwards, the number has no meaning. */
size_t call_body(struct call *c, const char *data, size_t len);
/* The same straight from the client's socket, at most 'len': 0 where that is at its end; -EAGAIN:
 * nothing is there; -ENOBUFS: no room, connection_resume() comes; -EOPNOTSUPP: not this way. */
ssize_t call_splice(struct call *c, int socket, uint64_t len);
/* There are no more; may be said twice. */
void call_body_end(struct call *c);
/* All that was streamed is out: more may follow. */
void call_drained(struct call *c);
/* The deadline has come. */
void call_overdue(struct call *c);
/* Ends it; no answer comes.  No-op where no call is active. */
void call_cancel(struct call *c);

/* Is it the call of this child?  Then that was reaped. */
bool call_exited(struct call *c, pid_t pid, int status);
/* The child of mode http serves now: what waited for that begins. */
void call_child_serves(struct call *c);

/* ---- for the modes ---- */

/* It is over and was answered, or will be now. */
void call_end(struct call *c);
/* An answer of ours in place of the function's, and a line in the log. */
void call_fail(struct call *c, unsigned status, const char *text);
/* "Wrote 5 Bytes - Duration: 0.001234s", in the log. */
void call_log_wrote(const struct call *c);

#endif

/* events - what happened in a bramble, in sentences: derived from two pictures of it that follow
 * each other, and remembered in a log of the newest.  The leader derives; every board keeps the
 * same entries under the same ids.  Pure. */
#ifndef BRAMBLE_CORE_EVENTS_H
#define BRAMBLE_CORE_EVENTS_H

#include "core/limits.h"
#include "core/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
        EVENT_ELECTED,
        EVENT_JOINED,
        EVENT_LEFT,
        EVENT_LOST,
        EVENT_BACK,
        EVENT_MOVED, /* the master, or replicas of a function */
        EVENT_DEPLOYED,
        EVENT_REMOVED,
        EVENT_SCALED,
        EVENT_ALERT,
        EVENT_ALERT_OVER,
        EVENT_RENAMED,
        EVENT_KUBERNETES,
        EVENT_DRAINED,
        EVENT_SHUTDOWN,
        EVENT_KINDS,
};

struct event {
        uint64_t id;      /* grows; one of a later term is above all of earlier ones */
        int64_t at_usec;  /* monotonic, of this board; negative: before it was started */
        uint64_t unix_ms; /* of the leader's clock: shown, never compared */
        enum event_kind kind;
        enum severity severity;
        enum alarm_kind alarm;        /* ALERT, ALERT_OVER; else ALARM_KINDS */
        uint32_t mark;                /* LOST: the newest replica's id then; not told to others */
        char board[SIZE_NAME];        /* whom it is about, "" */
        char function[2 * SIZE_NAME]; /* "name", or "name.namespace" outside of openfaas-fn; "" */
        char text[SIZE_EVENT];        /* a whole sentence in printable ASCII */
};

/* The newest LIMIT_EVENTS, in order of their ids.  All zero is an empty log. */
struct events {
        uint32_t first, n;
        struct event ring[LIMIT_EVENTS];
};

struct event_time {
        int64_t usec;     /* monotonic */
        uint64_t unix_ms; /* for people */
};

enum { EVENTS_STEP = 48 }; /* that one picture makes at most: the last one says how many more */

/* Writes down what is another way in 'now' (the leader's newest picture) than in 'before' (the one
 * before it, perhaps another leader's; an empty one makes no events but that somebody leads).
 * Returns how many were written. */
unsigned events_step(struct events *log, const struct world *before, const struct world *now,
                     struct event_time at);

/* Writes down one that only its maker knows of; its id and time are filled in.  Returns the entry,
 * valid until the next change. */
const struct event *events_add(struct events *log, uint64_t term, struct event_time at,
                               const struct event *e);

/* Takes an entry of another board's log to its place.  False where it is there already, or is
 * older than all of a full log. */
bool events_merge(struct events *log, const struct event *e);

/* The id of the newest; 0 where there is none. */
uint64_t events_last(const struct events *log);
/* i-th oldest, i < n. */
const struct event *events_at(const struct events *log, uint32_t i);
/* Index of the oldest that is newer than 'id'; n where there is none. */
uint32_t events_since(const struct events *log, uint64_t id);

/* "elected", "alert-over", ... */
const char *event_kind_text(enum event_kind kind);
/* EVENT_KINDS where the text names none; the same for severities (SEVERITY_NONE) and alarms
 * (ALARM_KINDS). */
enum event_kind event_kind_of(const char *text);
enum severity event_severity_of(const char *text);
enum alarm_kind event_alarm_of(const char *text);

#endif

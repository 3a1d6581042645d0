/* events - the log: ids, merging, words. */
#include "core/events.h"

#include "base/str.h"
#include "core/alarms.h"

#include <string.h>

/* Ids of one term; more of them go on into the next ones', as long as they grow. */
enum { EVENTS_TERM_BITS = 20 };

static const char *const kinds[EVENT_KINDS] = {
        [EVENT_ELECTED] = "elected",
        [EVENT_JOINED] = "joined",
        [EVENT_LEFT] = "left",
        [EVENT_LOST] = "lost",
        [EVENT_BACK] = "back",
        [EVENT_MOVED] = "moved",
        [EVENT_DEPLOYED] = "deployed",
        [EVENT_REMOVED] = "removed",
        [EVENT_SCALED] = "scaled",
        [EVENT_ALERT] = "alert",
        [EVENT_ALERT_OVER] = "alert-over",
        [EVENT_RENAMED] = "renamed",
        [EVENT_KUBERNETES] = "kubernetes",
        [EVENT_DRAINED] = "drained",
        [EVENT_SHUTDOWN] = "shutdown",
};

const char *event_kind_text(enum event_kind kind) {
        return (unsigned)kind < EVENT_KINDS ? kinds[kind] : "?";
}

enum event_kind event_kind_of(const char *text) {
        unsigned i = 0;

        while (i < EVENT_KINDS && !str_eq(kinds[i], text))
                i++;
        return (enum event_kind)i;
}

enum severity event_severity_of(const char *text) {
        unsigned i = SEVERITY_INFO;

        while (i < SEVERITY_MAX && !str_eq(severity_text((enum severity)i), text))
                i++;
        return i < SEVERITY_MAX ? (enum severity)i : SEVERITY_NONE;
}

enum alarm_kind event_alarm_of(const char *text) {
        unsigned i = 0;

        while (i < ALARM_KINDS && !str_eq(alarm_name((enum alarm_kind)i), text))
                i++;
        return (enum alarm_kind)i;
}

static uint32_t slot(const struct events *log, uint32_t i) {
        return (log->first + i) % LIMIT_EVENTS;
}

const struct event *events_at(const struct events *log, uint32_t i) {
        return &log->ring[slot(log, i)];
}

uint64_t events_last(const struct events *log) {
        return log->n ? events_at(log, log->n - 1)->id : 0;
}

uint32_t events_since(const struct events *log, uint64_t id) {
        uint32_t i = log->n;

        while (i > 0 && events_at(log, i - 1)->id > id)
                i--;
        return i;
}

bool events_merge(struct events *log, const struct event *e) {
        uint32_t i = events_since(log, e->id);

        if (i > 0 && events_at(log, i - 1)->id == e->id)
                return false;
        if (log->n == LIMIT_EVENTS) {
                if (i == 0)
                        return false;
                log->first = slot(log, 1); /* the oldest goes */
                log->n--;
                i--;
        }
        for (uint32_t k = log->n++; k > i; k--)
                log->ring[slot(log, k)] = log->ring[slot(log, k - 1)];
        log->ring[slot(log, i)] = *e;
        return true;
}

const struct event *events_add(struct events *log, uint64_t term, struct event_time at,
                               const struct event *e) {
        struct event copy = *e;
        uint64_t last = events_last(log);

        copy.id = term << EVENTS_TERM_BITS;
        if (copy.id <= last)
                copy.id = last + 1;
        copy.at_usec = at.usec;
        copy.unix_ms = at.unix_ms;
        (void)events_merge(log, &copy);
        return events_at(log, log->n - 1);
}

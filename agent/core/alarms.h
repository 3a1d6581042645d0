/* alarms - decides what a person should do something about: when that begins and when it is over,
 * so that nothing flaps.  A board decides about itself (voltage, heat, card, certificates), the
 * leader about what only others can see (lost, clock).  Pure.  (What an AlertManager asks of a
 * function is core/alert.h.) */
#ifndef BRAMBLE_CORE_ALARMS_H
#define BRAMBLE_CORE_ALARMS_H

#include "base/time.h"
#include "core/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One alarm of one board.  All zero: nothing is wrong. */
struct alarm_state {
        enum severity level; /* as it is told */
        usec_t since;        /* when it rose above SEVERITY_NONE */
        bool rises, falls;   /* it looks otherwise since 'turned' */
        usec_t turned;
        char text[SIZE_REASON];
};

/* What a board knows of itself. */
struct alarm_facts {
        const struct board *board;     /* its own limits */
        const struct sensors *sensors; /* newest */
        const char *certificate; /* what the one is for that ends first; NULL: none is known */
        const char *renew;       /* what to do about it */
        int64_t certificate_sec; /* until it ends, negative: it has ended */
};

/* All that a board says of itself.  All zero at its start. */
struct alarms {
        struct alarm_state of[ALARM_BOARD_KINDS];
        bool began;             /* took a reading */
        bool was_under_voltage; /* seen since this agent began */
};

/* Takes a reading.  What is wrong in the first one is told at once: an agent that was restarted
 * goes on with what it had told. */
void alarms_board(struct alarms *a, const struct alarm_facts *f, usec_t now);
/* Those that are told, for the report; returns their number. */
uint32_t alarms_report(const struct alarms *a, usec_t now,
                       struct report_alarm ret[static ALARM_BOARD_KINDS]);

/* A board that is silent; 'planned': somebody switched it off. */
void alarm_lost(struct alarm_state *s, bool up, bool planned, usec_t now);

/* Offsets of clocks to one monotonic clock: what most of them say.  Of an even number the later of
 * the two in the middle: a board without a clock of its own starts in the past.  n >= 1. */
int64_t alarm_clock_reference(const int64_t *offsets_ms, size_t n);
/* How far a clock is from that. */
void alarm_clock(struct alarm_state *s, int64_t off_ms, usec_t now);

/* What another leader had told already. */
void alarm_resume(struct alarm_state *s, enum severity level, uint32_t age_sec, const char *text,
                  usec_t now);
/* 0 where nothing is told. */
uint32_t alarm_age_sec(const struct alarm_state *s, usec_t now);

/* "under-voltage", "hot", "card-full", "card-failing", "certificate-ending", "board-lost",
 * "clock-wrong". */
const char *alarm_name(enum alarm_kind kind);

#endif

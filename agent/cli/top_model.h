/* top_model - what `agentctl top` knows of a bramble: the agent's last word, and how old it is.
 * Pure: bytes and time come in as arguments. */
#ifndef BRAMBLE_CLI_TOP_MODEL_H
#define BRAMBLE_CLI_TOP_MODEL_H

#include "base/time.h"
#include "core/limits.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum {
        TOP_BOARDS = LIMIT_BOARDS,
        TOP_FUNCTIONS = LIMIT_FUNCTIONS,
        TOP_EVENTS = 256, /* the newest ones */
        TOP_ALERTS = 32,
        TOP_TEXT = 200, /* of an event */
        TOP_NONE = -1,  /* a reading that nobody has */
};

struct top_board {
        char name[SIZE_NAME], id[24], role[16], state[24], model[SIZE_MODEL], board[SIZE_BOARD_ID],
                address[SIZE_ADDRESS], power[64], kubernetes[32], problems[SIZE_REASON];
        bool up, leader, cordoned, drained;
        bool power_bad;           /* under-voltage or throttled now */
        int cpu, ram, disk;       /* thousandths in use, or TOP_NONE */
        int temperature;          /* tenths of a degree, or TOP_NONE */
        int soft, throttle, hard; /* degrees: this board's own limits, 0 where not known */
        unsigned cores, clock_mhz, functions, mbps;
        uint64_t ram_used, ram_total, net, uptime;
};

struct top_function {
        char name[SIZE_NAME], namespace[SIZE_NAME], image[SIZE_IMAGE], reason[SIZE_REASON],
                where[128]; /* "w1 w2 w2" */
        unsigned wanted, ready;
        uint64_t calls;
        int rate; /* tenths of a call a second, or TOP_NONE */
};

enum top_severity { TOP_INFO, TOP_WARNING, TOP_ERROR };

struct top_event {
        uint64_t id;
        enum top_severity severity;
        char kind[24], board[SIZE_NAME], function[SIZE_NAME], text[TOP_TEXT];
        usec_t at; /* when it was, by our clock */
};

enum top_link { TOP_ASKING, TOP_THERE, TOP_LOST };
enum top_events { TOP_EVENTS_ASKING, TOP_EVENTS_FOLLOWED, TOP_EVENTS_UNKNOWN };

struct top_model {
        enum top_link link;
        enum top_events events_link;
        char why[160];  /* TOP_LOST: why */
        usec_t good_at; /* of the last state; 0: there was none */
        char cluster[SIZE_CLUSTER], master[SIZE_NAME], leader[SIZE_NAME], note[SIZE_REASON];
        unsigned voters, up;
        int voters_up; /* TOP_NONE: nobody knows */
        unsigned n_boards, n_functions, n_events, n_alerts;
        struct top_board boards[TOP_BOARDS];
        struct top_function functions[TOP_FUNCTIONS];
        struct top_event events[TOP_EVENTS]; /* the oldest first */
        struct top_event alerts[TOP_ALERTS];
};

/* The agent's answer to `status` replaces what was known; what it does not say is empty, what is
 * nonsense is left out.  'now' is monotonic. */
void top_model_status(struct top_model *m, usec_t now, const cJSON *status);
/* One of the agent's events; one that is known already is dropped. */
void top_model_event(struct top_model *m, usec_t now, const cJSON *event);
/* The agent is not there: what was known stays, and grows old. */
void top_model_lost(struct top_model *m, const char *why);

/* The id that events are asked for from. */
uint64_t top_model_since(const struct top_model *m);

#endif

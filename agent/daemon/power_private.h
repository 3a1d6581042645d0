/* power_private - what the files of power share. */
#ifndef BRAMBLE_DAEMON_POWER_PRIVATE_H
#define BRAMBLE_DAEMON_POWER_PRIVATE_H

#include "core/shutdown_plan.h"
#include "daemon/api.h"
#include "daemon/power.h"
#include "io/logind.h"

/* Nothing was heard of a shutdown for so long: who watches is told that. */
#define POWER_NEWS_USEC (60 * USEC_PER_SEC)

/* What people see of it. */
struct power_row {
        uint64_t node;
        char name[SIZE_NAME];
        bool master;
        enum shutdown_state state;
};

struct power_view {
        uint64_t id; /* 0: none was seen since the agent's start */
        bool active;
        bool reboot;
        enum shutdown_phase phase;
        char last[SIZE_NAME]; /* who goes last; "" */
        char text[2 * SIZE_REASON];
        uint32_t n; /* in the order in which they go */
        struct power_row rows[LIMIT_BOARDS];
};

/* What the board that leads a shutdown knows of another one. */
struct power_board {
        uint64_t node;
        usec_t polled;         /* a question is out since; 0: none is */
        bool reaching;         /* its address is being tried */
        uint32_t told;         /* version of the view that went out to it */
        char why[SIZE_REASON]; /* what it says keeps it from going off */
};

struct power_lead {
        bool active;
        bool clearing; /* the end of the record is in the log */
        bool handing;
        struct shutdown_plan plan;
        struct shutdown_fact facts[LIMIT_BOARDS];
        struct power_board boards[LIMIT_BOARDS];
        uint32_t n;
        usec_t polled;
        bool snapshot_asked;
        usec_t snapshot_next;
        uint64_t snapshot_base; /* newest that anybody had before */
};

struct power {
        struct agent *agent;
        struct logind *logind; /* NULL: there is no system bus on this board */
        uv_timer_t timer;      /* while anything is to be done */
        uint64_t boot;         /* this life of the board */
        bool preparing;        /* logind says that the board goes off */
        usec_t prepared;
        bool going; /* this board switches itself off */
        bool asked; /* logind to do so */
        bool reboot;
        usec_t since;          /* of 'going' */
        char why[SIZE_REASON]; /* why that failed last, "" */
        usec_t failed;         /* when */
        struct shutdown_follow follow;
        usec_t news; /* 'view' changed or was confirmed */
        uint32_t version;
        struct power_view view;
        struct power_lead lead;
        usec_t returning; /* this board leads, and waits for others that come back, since; 0: no */
        struct request *watchers; /* through 'next_watcher' */
};

/* power.c */
void power_run(struct power *p); /* the timer runs from now on */
/* This board goes off; again is a no-op, and so it is for a moment after that failed. */
void power_go(struct power *p, bool reboot);
/* The leader says that the board is (not) held. */
void power_hold(struct power *p, uint64_t id, bool held, usec_t timeout_usec);

/* power_lead.c: submits the end of the record, or that its boards come back. */
void power_clear(struct power *p, uint64_t id, bool returning);
/* The plan, where this board leads. */
void power_lead_look(struct power *p, usec_t now);
/* Fills the view from the plan. */
void power_lead_view(const struct power *p, struct power_view *v);

/* power_snapshot.c: is there an etcd to be saved?  Asks for a snapshot; is it on two boards? */
bool power_saves_etcd(const struct agent *a);
void power_snapshot_take(struct power *p, usec_t now);
bool power_snapshot_kept(const struct power *p);

/* power_view.c: something new is shown: tells who watches. */
void power_changed(struct power *p, const struct power_view *v);
void power_view_check(struct power *p, usec_t now);
/* This board goes off now, and may not hear of that from the one that leads. */
void power_view_going(struct power *p);
/* Nobody is switched off any more. */
void power_view_over(struct power *p);
/* The request hears of it until it ends. */
void power_watch(struct request *q);
cJSON *power_view_json(const struct power_view *v);
int power_view_read(const cJSON *o, struct power_view *ret);

#endif

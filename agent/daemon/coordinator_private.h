/* coordinator_private - what the files of the coordinator share. */
#ifndef BRAMBLE_DAEMON_COORDINATOR_PRIVATE_H
#define BRAMBLE_DAEMON_COORDINATOR_PRIVATE_H

#include "base/buf.h"
#include "core/alarms.h"
#include "core/counts.h"
#include "core/kube_cluster.h"
#include "core/off_list.h"
#include "core/placement.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"

/* A board that does not report for this long is down. */
#define COORDINATOR_SILENT_USEC (3500 * USEC_PER_MSEC)
/* A new leader waits this long for all boards' reports before it places anything or sends its
 * picture: what it does not know yet is not gone. */
#define COORDINATOR_SETTLE_USEC (2500 * USEC_PER_MSEC)

/* What is known of one member. */
struct board_state {
        uint64_t node;
        bool up;
        usec_t heard;      /* 0: never since this board leads */
        usec_t changed;    /* when it went up or down */
        bool drained;      /* as was last said in the log */
        bool switched_off; /* by a person, and not heard since */
        struct board board;
        struct sensors sensors;
        struct report_kube kube;
        char address[SIZE_ADDRESS];
        uint64_t sent_version; /* newest picture that went out to it */
        uint32_t n_instances, n_images, n_calls, n_usage;
        struct report_instance *instances;
        struct report_image *images;
        struct report_calls *calls;
        struct report_usage *usage;
        bool clock_known;
        int64_t clock_ms; /* its clock, less our monotonic one */
        struct alarm_state lost, clock;
        uint32_t n_alarms;
        struct report_alarm alarms[ALARM_BOARD_KINDS]; /* what it says of itself */
};

struct scaled;

struct coordinator {
        struct agent *agent;
        struct off_list off; /* also while another one leads */
        bool leads;
        bool settled;        /* every member reported, or it was waited long enough */
        bool dirty;          /* the picture must be made anew */
        bool changing;       /* a voter change is under way */
        bool handing_over;   /* leadership */
        usec_t hand_over_at; /* not before */
        uint64_t asked_heir; /* who was asked last to lead in place of this board */
        uint64_t no_heir;    /* who was, and did not */
        unsigned submitted;  /* placement commands in the log, not yet answered */
        usec_t since;        /* when leadership began */
        bool counts_changed; /* more calls were counted than the boards were told */
        bool picture_behind; /* ... than the picture says */
        usec_t counted;      /* when they were last told of calls */
        uint64_t version;
        uv_timer_t timer;
        uv_async_t poke; /* one look a turn of the loop, however many events */
        uint32_t n_boards;
        struct board_state *boards[LIMIT_BOARDS];
        uint32_t n_scaled;
        struct scaled **scaled;  /* one beside each function of the charter */
        bool kube_submitted;     /* a change of the Kubernetes cluster is in the log */
        usec_t kube_quiet_since; /* no API server answers since; 0: one does */
        /* Replicas whose place is in the log and not yet in the charter: the picture has them, so
         * that their boards begin while the voters write. */
        uint32_t n_ahead;
        struct charter_instance ahead[PLACEMENT_ACTIONS];
        char kube_note[SIZE_REASON];      /* what kube_cluster waits for */
        char reason[SIZE_REASON];         /* newest complaint of placement */
        struct placement_actions actions; /* of the newest step: too large for the stack */
        struct buf picture;               /* encoded world of 'version' */
        struct held_requests held;        /* until it has settled */
        struct request *shown;            /* answered when the picture is out; references of ours */
};

/* A new leader does not know its boards yet.  True: 'q' has been taken care of: it runs again when
 * this one knows them, after COORDINATOR_SETTLE_USEC at the latest, or is told to ask again. */
bool coordinator_later(struct request *q);

struct board_state *coordinator_board(const struct coordinator *c, uint64_t node);
/* NULL where the id is on no board. */
const struct report_instance *coordinator_instance(const struct coordinator *c, uint32_t id,
                                                   const struct board_state **ret_board);
/* coordinator_world.c: makes the picture of now.  -ENOMEM. */
int coordinator_make_world(const struct coordinator *c, struct world *ret);
/* How often the functions of the newest picture were called by now. */
void coordinator_make_counts(const struct coordinator *c, struct counts *ret);

/* coordinator_scale.c: how many replicas each function has. */
/* The functions of the charter may be others. */
void coordinator_scale_follow(struct coordinator *c);
/* Another leads: what was learnt of the load is forgotten. */
void coordinator_scale_forget(struct coordinator *c);
void coordinator_scale_look(struct coordinator *c, usec_t now);
/* Replicas that a function (by its index in the charter) has, or will have when what is in the log
 * is applied. */
uint32_t coordinator_replicas(const struct coordinator *c, uint32_t function);
/* The charter's functions with these numbers, which the caller frees; NULL where none differs. */
struct charter_function *coordinator_functions_ahead(const struct coordinator *c);
/* Does a function (by its index in the charter) keep a paused replica at zero? */
bool coordinator_keeps(void *arg, uint32_t function);

/* coordinator_alarms.c: what is wrong with which board. */
/* Takes a board's own alarms and clock; true where the picture must tell other ones. */
bool coordinator_alarms_report(struct board_state *b, const struct report *r, usec_t now);
void coordinator_alarms_resume(const struct coordinator *c, struct board_state *b);
void coordinator_alarms_look(struct coordinator *c, usec_t now);
int coordinator_alarms_world(const struct coordinator *c, struct world *w);
/* What placement must know of each of 'n_boards'. */
void coordinator_placement_boards(const struct coordinator *c, struct placement_board *ret);

/* coordinator_boards.c: what a person asks about the board that the request names as "board". */
/* NULL, and answered, where no board is called so. */
const struct charter_member *coordinator_board_named(struct request *q);
/* Writes the change down and answers: {"board", and "name" where it gets one}. */
void coordinator_board_write(struct request *q, const struct charter_command *cmd);

/* coordinator_drain.c: boards that a person takes out of use. */
void coordinator_drain_look(struct coordinator *c, usec_t now);

/* coordinator_kube.c: one decision about the Kubernetes cluster. */
void coordinator_kube_look(struct coordinator *c, usec_t now);

#endif

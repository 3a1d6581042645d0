/* report - what a board tells the coordinator every second.  Pure. */
#ifndef BRAMBLE_CORE_REPORT_H
#define BRAMBLE_CORE_REPORT_H

#include "base/time.h"
#include "core/board.h"
#include "core/limits.h"

/* The firmware's bits (mailbox tag 0x00030046); 16-19 are the same "since boot". */
enum {
        POWER_UNDER_VOLTAGE = 1 << 0,
        POWER_CAPPED = 1 << 1,
        POWER_THROTTLED = 1 << 2,
        POWER_SOFT_LIMIT = 1 << 3,
        POWER_WAS_UNDER_VOLTAGE = 1 << 16,
        POWER_WAS_CAPPED = 1 << 17,
        POWER_WAS_THROTTLED = 1 << 18,
        POWER_WAS_SOFT_LIMIT = 1 << 19,
        POWER_KNOWN = 1 << 30, /* somebody could be asked */
};

/* What is wrong with a board, as bits; report_problem_text() has the words. */
enum {
        PROBLEM_DISK_FULL = 1 << 0, /* below 5 % or 64 MB free */
        PROBLEM_DISK_READ_ONLY = 1 << 1,
        PROBLEM_CONTAINERD = 1 << 2, /* containerd does not answer */
        PROBLEM_MEMORY = 1 << 3,     /* below 5 % available */
        PROBLEM_NOT_SAVED = 1 << 4,  /* the last write of our own state failed */
        PROBLEM_HOST_NAME = 1 << 5,  /* could not take its name */
        PROBLEM_NETWORK = 1 << 6,    /* function network could not be set up */
};

/* Readings of one board at one moment. */
struct sensors {
        uint16_t cpu_permille; /* all cores together, 0..1000 */
        uint16_t n_cores;
        uint16_t core_permille[LIMIT_CORES];
        uint64_t ram_bytes;
        uint64_t ram_available_bytes;
        int32_t temperature_mc; /* thousandths of a degree; INT32_MIN: none */
        uint32_t power;         /* POWER_* */
        uint64_t disk_bytes;    /* file system of /var/lib/bramble */
        uint64_t disk_free_bytes;
        uint64_t disk_written_bytes; /* since boot */
        char net_name[16];           /* the LAN interface */
        uint32_t net_mbps;           /* min(kernel's word, what the board carries) */
        uint64_t net_rx_bytes_per_sec;
        uint64_t net_tx_bytes_per_sec;
        uint64_t uptime_sec;
        uint32_t problems;    /* PROBLEM_* */
        uint64_t card_errors; /* that ext4 wrote down, of all its file systems */
};

/* How bad something is; 0 is nothing at all. */
enum severity { SEVERITY_NONE, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_MAX };

/* What a person should know and do something about; core/alarms.h decides. */
enum alarm_kind {
        ALARM_UNDER_VOLTAGE,
        ALARM_HOT,
        ALARM_CARD_FULL,
        ALARM_CARD_FAILING,
        ALARM_CERTIFICATE,
        ALARM_BOARD_KINDS,              /* those above a board says of itself */
        ALARM_LOST = ALARM_BOARD_KINDS, /* the others the leader says of it */
        ALARM_CLOCK,
        ALARM_KINDS,
};

struct report_alarm {
        enum alarm_kind kind;
        enum severity severity; /* never SEVERITY_NONE */
        uint32_t age_sec;
        char text[SIZE_REASON]; /* what is wrong and what to do, without the board's name */
};

enum instance_state {
        INSTANCE_PENDING,  /* not begun */
        INSTANCE_FETCHING, /* its image is on the way */
        INSTANCE_STARTING, /* created; does not accept connections yet */
        INSTANCE_READY,
        INSTANCE_BACKOFF, /* ended or failed; will be tried again */
        INSTANCE_FAILED,  /* will not be tried again without a new deployment */
        INSTANCE_STOPPING,
        INSTANCE_FROZEN, /* paused: a call resumes it in milliseconds */
        INSTANCE_STATE_MAX,
};

/* One container that a board runs for the bramble. */
struct report_instance {
        uint32_t id; /* the charter's instance id */
        enum instance_state state;
        uint32_t address; /* IPv4, host order; 0 until it has one */
        uint16_t port;
        uint16_t restarts;
        char reason[SIZE_REASON]; /* why it is not ready, "" otherwise */
};

struct report_image {
        char name[SIZE_IMAGE];
        char digest[SIZE_DIGEST];
};

struct report_calls {
        char function[SIZE_NAME]; /* name.namespace does not fit twice: name and namespace */
        char namespace[SIZE_NAME];
        uint64_t invocations; /* by this board's gateway, ever since it joined */
        uint32_t rate_milli;  /* of now: calls in a thousand seconds */
        uint32_t in_flight;   /* calls under way */
        uint32_t waiting;     /* calls that wait for a replica */
};

/* What one container uses. */
struct report_usage {
        uint32_t id;         /* the charter's instance id */
        uint32_t millicores; /* of CPU, since the report before */
        uint64_t memory_bytes;
};

/* How a board stands to Kubernetes; kube_phase_text() has the word for status. */
enum kube_phase {
        KUBE_OFF,     /* switched off, in the config or by a person */
        KUBE_ABSENT,  /* kubeadm or the kubelet is not installed */
        KUBE_UNABLE,  /* this board cannot run this version: functions only */
        KUBE_FOREIGN, /* a person set up what is here: left alone */
        KUBE_WAITING, /* the text says for what */
        KUBE_INITIALISING,
        KUBE_JOINING,
        KUBE_STARTING, /* joined; not Ready yet */
        KUBE_READY,
        KUBE_REPAIRING,
        KUBE_RESETTING,
        KUBE_FENCED, /* stopped, since its control plane may have moved */
        KUBE_FAILED, /* tried, and tried again later */
        KUBE_PHASE_MAX,
};

struct report_kube {
        enum kube_phase phase;
        char text[SIZE_REASON];     /* progress, or what is waited for, "" where 'phase' says all */
        char version[SIZE_VERSION]; /* of kubeadm on this board, "" for none */
        uint32_t epoch;             /* of what is set up on this board, 0 for nothing of ours */
        bool capable;               /* could carry a control plane */
        bool foreign;               /* has a control plane that a person set up */
        bool api;                   /* has an API server that answers */
        bool work;         /* somebody runs pods of their own (the first control plane knows) */
        uint64_t snapshot; /* newest one of etcd that it keeps: epoch << 32 | number; 0: none */
        /* Cordoned boards whose node takes no pods any more and has none left that could go
         * elsewhere (the first control plane knows). */
        uint32_t n_cleared;
        uint64_t cleared[LIMIT_CLEARED];
};

struct report {
        struct board board;
        struct sensors sensors;
        char address[SIZE_ADDRESS]; /* LAN IPv4 */
        uint32_t n_instances;
        struct report_instance instances[LIMIT_BOARD_INSTANCES];
        uint32_t n_images;
        struct report_image images[LIMIT_IMAGES];
        uint32_t n_calls;
        struct report_calls calls[LIMIT_FUNCTIONS];
        struct report_kube kube;
        uint32_t n_usage;
        struct report_usage usage[LIMIT_BOARD_INSTANCES];
        uint64_t unix_ms; /* its clock, to be compared with the others' and nothing else */
        uint32_t n_alarms;
        struct report_alarm alarms[ALARM_BOARD_KINDS]; /* in order of their kinds */
};

struct buf;
/* -ENOMEM or -EMSGSIZE. */
int report_encode(const struct report *r, struct buf *out);
/* -EBADMSG for anything that report_encode() does not write; 'ret' is then undefined. */
int report_decode(const void *data, size_t len, struct report *ret);

/* "ok", "under-voltage now", "throttled now, under-voltage since boot", "unknown": words, for the
 * status table.  The soft limit (a 3B+ lowers its clock at 60 degrees) is no fault: "ok, soft
 * limit" while it is on, and nothing afterwards.  Returns dst. */
char *report_power_text(char *dst, size_t size, uint32_t power);

/* Bits of the firmware's answer that mean something: the POWER_* without POWER_KNOWN. */
#define POWER_FIRMWARE_BITS 0x000f000fu

/* "card is nearly full; ...": all problems, "" where there are none.  Returns dst. */
char *report_problem_text(char *dst, size_t size, uint32_t problems);

/* "pending", "fetching image", "starting", "ready", "waiting to restart", "failed", "stopping",
 * "frozen". */
const char *instance_state_text(enum instance_state s);

/* "info", "warning", "error"; "none". */
const char *severity_text(enum severity severity);

struct wire_in;
struct wire_out;
/* An alarm's severity, age and text, as reports and the world have them.  Reading: bad for a
 * severity that is none, and for text that is not printable ASCII. */
void report_alarm_put(struct wire_out *w, enum severity severity, uint32_t age_sec,
                      const char *text);
void report_alarm_get(struct wire_in *w, enum severity *severity, uint32_t *age_sec,
                      char text[static SIZE_REASON]);

/* "off", "not installed", "functions only", ..., "ready": one or two words. */
const char *kube_phase_text(enum kube_phase phase);

#endif

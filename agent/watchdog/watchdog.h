/* watchdog - what the files of fwatchdog share: one process, one epoll, one struct. */
#ifndef BRAMBLE_WATCHDOG_WATCHDOG_H
#define BRAMBLE_WATCHDOG_WATCHDOG_H

#include "base/buf.h"
#include "base/time.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
        WATCHDOG_CONNECTIONS = 512,         /* at a time; more wait in the kernel */
        WATCHDOG_OUTPUT = 64 * 1024 * 1024, /* most bytes that one call may answer */
        WATCHDOG_CHUNK = 64 * 1024,
        WATCHDOG_ARGS = 64,
};

struct options {
        uint16_t port;             /* port, 8080 */
        uint16_t metrics_port;     /* metrics_port, 8081; 0: none */
        unsigned max_inflight;     /* 0: no limit of its own */
        usec_t read_timeout_usec;  /* whole request, 10 s */
        usec_t write_timeout_usec; /* whole answer, 10 s; also the grace of SIGTERM */
        usec_t exec_timeout_usec;  /* 0: none */
        bool combine_output;       /* stderr goes into the answer too */
        bool cgi_headers;
        bool suppress_lock;
        const char *content_type;      /* NULL: the request's own */
        char *args[WATCHDOG_ARGS + 1]; /* fprocess, split at blanks */
};

/* Something that epoll watches. */
struct watch {
        int fd;
        uint32_t events; /* asked for now; 0: not in epoll */
        void (*ready)(struct watch *w, uint32_t events);
};

struct metrics {
        uint64_t total[6];    /* by first digit of the status */
        uint64_t buckets[11]; /* http_request_duration_seconds, not cumulated */
        uint64_t count;
        double sum_sec;
};

struct watchdog {
        struct options options;
        int epoll;
        bool draining; /* SIGTERM came: health is 503, what runs is finished */
        unsigned connections, inflight;
        usec_t drain_until;
        struct watch listener, metrics_listener, signals;
        struct connection *first; /* list of all */
        struct metrics metrics;
};

/* options.c: from the environment.  Exits with 2 and a sentence where it makes no sense. */
void options_read(struct options *o);
/* "10", "1m30s", "500ms". -EINVAL. */
int options_duration(const char *text, usec_t *ret);

/* loop.c */
usec_t watchdog_now(void);
/* Watches exactly these events from now on; 0 stops. */
void watch_set(struct watchdog *d, struct watch *w, uint32_t events);
/* Stops and closes; fd becomes -1. */
void watch_close(struct watchdog *d, struct watch *w);
void watchdog_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* connection.c */
void connection_accept(struct watchdog *d, struct watch *listener, bool metrics);
/* A child with this pid ended with this wait status. */
void connection_child(struct watchdog *d, pid_t pid, int status);
/* Ends what is too slow; the next moment to look again, USEC_NEVER for none. */
usec_t connection_deadlines(struct watchdog *d, usec_t now);
/* Ends connections that wait for a request. */
void connection_drain(struct watchdog *d);

/* process.c */
struct child {
        pid_t pid;
        int in, out; /* our ends, non-blocking */
};
/* Starts fprocess in a process group of its own with the request's environment. -errno. */
int process_start(const struct options *o, const struct http_head *head, uint64_t length,
                  struct child *ret);

/* metrics.c */
void metrics_count(struct metrics *m, unsigned status, double seconds);
int metrics_print(const struct watchdog *d, struct buf *out);

#endif

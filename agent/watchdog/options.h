/* options - what the environment says that fwatchdog should do. */
#ifndef BRAMBLE_WATCHDOG_OPTIONS_H
#define BRAMBLE_WATCHDOG_OPTIONS_H

#include "base/fail.h"
#include "base/time.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

enum {
        OPTIONS_ARGS = 64,        /* most words of fprocess */
        OPTIONS_INFLIGHT = 10000, /* highest max_inflight */
};

enum mode_name { MODE_CLASSIC, MODE_STREAMING, MODE_SERIALIZING, MODE_HTTP, MODE_STATIC };

/* Where to listen: "8080" is all addresses, "127.0.0.1:8080" one of IPv4.  Port 0: any free one. */
struct endpoint {
        in_addr_t address; /* network byte order; INADDR_ANY: all, IPv6 too */
        uint16_t port;
};

/* Where the function's own server is: "http://127.0.0.1:3000/below". */
struct upstream_url {
        struct endpoint at;
        const char *path; /* "" or begins with '/' and does not end with it; a view */
        size_t path_len;
};

/* Texts are views of the environment. */
struct options {
        enum mode_name mode;
        struct endpoint port, metrics_port;
        unsigned max_inflight;     /* 0: no limit of its own */
        usec_t read_timeout_usec;  /* for a whole request; 0: no limit, in all three */
        usec_t write_timeout_usec; /* for a whole answer; also the grace of SIGTERM */
        usec_t exec_timeout_usec;  /* for the function */
        usec_t healthcheck_usec;   /* calls are taken for so long after SIGTERM */
        bool combine_output;       /* stderr goes into the answer too */
        bool combine_set;          /* somebody said so */
        bool cgi_headers;
        bool buffer_body; /* http: a body of unknown length is read first, to have one */
        bool suppress_lock;
        const char *lock_file;
        const char *content_type;     /* NULL: as the request says */
        struct upstream_url upstream; /* http */
        const char *ready_path;       /* http: where /_/ready asks the function; NULL: nowhere */
        const char *static_path;      /* static */
        char *args[OPTIONS_ARGS + 1]; /* fprocess, split at blanks; NULL-terminated */
        char *command;                /* owns the words */
};

/* Reads the environment; for many variables the names of of-watchdog are known too.  -EINVAL and a
 * sentence where it makes no sense, -ENOMEM. */
int options_read(struct options *ret, struct fail *f);
void options_done(struct options *o);

/* Prints a line for each variable that options_read() knows. */
void options_help(FILE *to);

#endif

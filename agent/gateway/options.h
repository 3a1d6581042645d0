/* options - how the gateway is started: built-in values, then the configuration file, then the
 * environment, then the command line. */
#ifndef BRAMBLE_GATEWAY_OPTIONS_H
#define BRAMBLE_GATEWAY_OPTIONS_H

#include "core/limits.h"
#include "gateway/async.h"
#include "gateway/deadline.h"
#include "io/config.h"
#include "io/log.h"

#include <stdint.h>

struct options {
        char config[SIZE_PATH];
        char address[SIZE_ADDRESS];
        uint16_t port;
        char tls_address[SIZE_ADDRESS]; /* "": that of plain HTTP */
        uint16_t tls_port;              /* 0: no TLS, unless 'tls' */
        bool tls;
        char tls_certificate[SIZE_PATH], tls_key[SIZE_PATH];
        char agent[SIZE_PATH];
        char ui[SIZE_PATH]; /* folder of the dashboard's page */
        unsigned connections;
        unsigned timeout_s, head_timeout_s, idle_timeout_s, wait_s, queue_wait_s;
        struct async_options async;
        enum log_level log_level;
};

/* 0: go on; 1: everything was said (--help, --version); negative: misused, and said so. */
int options_parse(struct options *o, int argc, char **argv);

/* The durations of all deadlines. */
void options_deadlines(const struct options *o, struct deadlines *ds);

#endif

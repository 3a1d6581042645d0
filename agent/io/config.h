/* config - bramble.conf: one ini file, read once through one table. */
#ifndef BRAMBLE_IO_CONFIG_H
#define BRAMBLE_IO_CONFIG_H

#include "base/fail.h"
#include "base/time.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_PEERS = 16, CONFIG_REGISTRIES = 8, SIZE_REGISTRY = 128, SIZE_PATH = 108 };

struct config {
        /* [bramble] */
        uint32_t expect;               /* boards to wait for before founding; 0: not said */
        usec_t settle_usec;            /* settle = 8s */
        bool kubernetes;               /* auto, or off */
        uint32_t control_planes;       /* boards that carry it: 1 or 3 */
        usec_t master_lost_after_usec; /* until a lost one is rebuilt elsewhere; 0: never */
        uint16_t port;                 /* port = 7373 */
        char interface[16];            /* interface = eth0; "" the LAN */
        uint32_t n_peers;              /* peers = 192.168.1.4, 192.168.1.5 */
        char peers[CONFIG_PEERS][SIZE_ADDRESS];
        char log_level[8];       /* log = info */
        char alert_webhook[512]; /* a URL that alerts are POSTed to: a secret; "" none */
        /* [paths] */
        char pki_dir[SIZE_PATH];         /* /etc/bramble/pki */
        char state_dir[SIZE_PATH];       /* /var/lib/bramble */
        char run_dir[SIZE_PATH];         /* /run/bramble */
        char boards_dir[SIZE_PATH];      /* /usr/share/bramble/boards */
        char watchdog[SIZE_PATH];        /* /usr/lib/bramble/fwatchdog */
        char pull[SIZE_PATH];            /* /usr/lib/bramble/bramble-pull */
        char registry_logins[SIZE_PATH]; /* /etc/bramble/registry.json, as docker's config.json */
        char registry_ca[SIZE_PATH];   /* /etc/bramble/registry-ca.crt, trusted beside the others */
        char ui_dir[SIZE_PATH];        /* /usr/share/bramble/ui: the dashboard's page */
        char functions_dir[SIZE_PATH]; /* /usr/share/bramble/functions: of the store */
        /* [functions] */
        uint32_t n_insecure;      /* insecure_registries = m1:5000: spoken to by plain http */
        uint64_t keep_free_bytes; /* keep_free: below it unused images go; 0: an eighth of the card
                                   */
        char insecure[CONFIG_REGISTRIES][SIZE_REGISTRY];
        char containerd[SIZE_PATH];    /* /run/containerd/containerd.sock */
        char runtime[SIZE_PATH];       /* "" picks crun, else runc */
        uint64_t default_memory_bytes; /* memory = 64Mi a replica without limits */
        /* [gateway] */
        char gateway_address[SIZE_ADDRESS];      /* address = 0.0.0.0 */
        uint16_t gateway_port;                   /* port = 8080 */
        uint16_t gateway_tls_port;               /* tls_port = 8443; 0: no TLS */
        char gateway_tls_certificate[SIZE_PATH]; /* /etc/bramble/gateway.crt, its chain included */
        char gateway_tls_key[SIZE_PATH];         /* /etc/bramble/gateway.key */
        char queue[256];           /* queue = sqlite: asynchronous calls; or /a/file, nats://HOST */
        uint32_t queue_workers;    /* queue_workers = 4: of one queue, made at a time */
        uint32_t queue_calls;      /* queue_calls = 10000: that wait */
        uint64_t queue_bytes;      /* queue_size = 64Mi: of all of them */
        uint64_t queue_body_bytes; /* queue_body = 1Mi: of each of them */
};

/* The defaults above. */
void config_init(struct config *c);

/* Reads a file over the defaults.  Unknown sections and keys, wrong values and lines that are too
 * long are errors with file and line; CRLF and a BOM are fine.  -ENOENT where there is no file. */
int config_read(struct config *c, const char *path, struct fail *f);
/* The same from a stream (tests, fuzzing); 'name' stands for the file in errors. */
int config_read_stream(struct config *c, FILE *stream, const char *name, struct fail *f);

/* Every key that the file may have, in the table's order. */
void config_each_key(void (*each)(void *arg, const char *section, const char *name), void *arg);

#endif

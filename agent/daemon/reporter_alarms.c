#include "daemon/reporter_alarms.h"

#include "base/scope.h"
#include "io/cert_ends.h"

#include <stdio.h>
#include <time.h>

#define CERTIFICATES_USEC (5 * USEC_PER_MIN)

#define RENEWED "it should have been renewed by itself, agentctl doctor there says more"

/* Before it no clock was ever right (a board without one starts in the past). */
#define CLOCK_SANE INT64_C(1700000000) /* November 2023 */

static void read_certificates(struct reporter_alarms *r, const struct agent *a, int root_fd) {
        char own[SIZE_PATH + 16], ca[SIZE_PATH + 16];
        bool tls = a->config.gateway_tls_port, kubernetes = a->config.kubernetes;
        const struct cert_file files[] = {
                { own, "this board", "put its cluster's keys on it again, and it makes another" },
                { ca, "the cluster's authority", "make its keys anew (agentctl pki init)" },
                { tls ? a->config.gateway_tls_certificate : NULL, "the gateway",
                  "make another (agentctl pki gateway) and reload bramble-gateway" },
                { kubernetes ? "etc/kubernetes/pki/apiserver.crt" : NULL, "Kubernetes' API server",
                  RENEWED },
                { kubernetes ? "etc/kubernetes/pki/etcd/server.crt" : NULL, "Kubernetes' etcd",
                  RENEWED },
                { kubernetes ? "var/lib/kubelet/pki/kubelet-client-current.pem" : NULL,
                  "the kubelet", RENEWED },
                { kubernetes ? "etc/kubernetes/pki/ca.crt" : NULL, "Kubernetes' authority",
                  "nothing renews it by itself, kubeadm's manual says how" },
        };
        const struct cert_file *first;

        (void)snprintf(own, sizeof(own), "%s/board.crt", a->config.state_dir);
        (void)snprintf(ca, sizeof(ca), "%s/ca.crt", a->config.pki_dir);
        first = cert_ends_first(root_fd, files, ARRAY_SIZE(files), &r->ends);
        r->certificate = first ? first->what : NULL;
        r->renew = first ? first->how : "";
}

void reporter_alarms_look(struct reporter_alarms *r, const struct agent *a, int root_fd,
                          const struct sensors *sensors, usec_t now) {
        struct alarm_facts f = { .board = &a->board, .sensors = sensors };
        int64_t clock = (int64_t)time(NULL);

        if (r->read == 0 || usec_sub(now, r->read) >= CERTIFICATES_USEC) {
                r->read = now;
                read_certificates(r, a, root_fd);
        }
        if (clock > CLOCK_SANE) {
                f.certificate = r->certificate;
                f.renew = r->renew;
                f.certificate_sec = r->ends - clock;
        }
        alarms_board(&r->alarms, &f, now);
}

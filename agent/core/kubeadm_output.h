/* kubeadm_output - reads what kubeadm prints: how far it is, what went wrong in one short reason,
 * and no secret ever comes through.  Pure. */
#ifndef BRAMBLE_CORE_KUBEADM_OUTPUT_H
#define BRAMBLE_CORE_KUBEADM_OUTPUT_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum {
        KUBEADM_ERRORS = 8,      /* names kept; more are counted */
        KUBEADM_ERROR_NAME = 64, /* "FileAvailable--etc-kubernetes-kubelet.conf" */
        KUBEADM_PHASE = 48,
        KUBEADM_LINE = 512, /* a line for the journal, cut */
};

/* What kind of trouble: in the order in which one explains the other. */
enum kubeadm_fault {
        KUBEADM_FAULT_NONE,        /* nothing was said */
        KUBEADM_FAULT_CLOCK,       /* certificates of another time */
        KUBEADM_FAULT_DISK,        /* full */
        KUBEADM_FAULT_CONFIG,      /* this kubeadm does not take our configuration */
        KUBEADM_FAULT_PREFLIGHT,   /* names[] say what */
        KUBEADM_FAULT_TOKEN,       /* not known, or no longer */
        KUBEADM_FAULT_STRANGER,    /* what answers is another cluster */
        KUBEADM_FAULT_KEY,         /* the certificates for a control plane are gone: upload again */
        KUBEADM_FAULT_NODE_EXISTS, /* a node of this name is still Ready */
        KUBEADM_FAULT_ETCD,        /* etcd is not healthy, or does not take the member */
        KUBEADM_FAULT_KUBELET,     /* does not run */
        KUBEADM_FAULT_NOT_UP,      /* the API server did not come up */
        KUBEADM_FAULT_UNREACHABLE, /* the API server does not answer */
        KUBEADM_FAULT_NOT_REGISTERED, /* the node did not appear in time: try again */
        KUBEADM_FAULT_OTHER,          /* the words are kubeadm's */
};

/* All zero at the start of a run.  A value. */
struct kubeadm_output {
        const char *progress; /* static words for a person: "making certificates"; NULL at first */
        char phase[KUBEADM_PHASE]; /* the phase that failed, "" where none was named */
        char names[KUBEADM_ERRORS][KUBEADM_ERROR_NAME]; /* of [ERROR Name] */
        size_t n_names;
        size_t n_errors; /* also those above KUBEADM_ERRORS */
        enum kubeadm_fault fault;
        bool done;     /* it said that it succeeded */
        bool fatal;    /* it gave up: 'said' is its sentence */
        bool in_join;  /* the lines of the join command, that nobody sees */
        bool key_next; /* the next line is a certificate key */
        char said[SIZE_REASON];
        char last[SIZE_REASON]; /* the newest line, should it turn out to have been the last word */
};

/* Feeds one line of stdout or stderr, without its newline.  'ret' becomes the line as it may be
 * shown and kept: printable, cut, secrets put out; "" where nothing of it may.  True where
 * 'progress' changed. */
bool kubeadm_output_line(struct kubeadm_output *o, const char *line, size_t len,
                         char ret[static KUBEADM_LINE]);

/* Why it failed, for 'status': "Mem", "Swap, Port-6443", "the API server did not come up", "the
 * token is not known (any more)", "clock"; "no reason given" where it said nothing.  Returns dst.
 */
char *kubeadm_output_reason(const struct kubeadm_output *o, char dst[static SIZE_REASON]);

/* Whether [ERROR name] was printed. */
bool kubeadm_output_has(const struct kubeadm_output *o, const char *name);

/* Copies what is fit to be seen: printable ASCII, no bootstrap token ([a-z0-9]{6}.[a-z0-9]{16},
 * also within longer words), no 64 or more hex digits in a row, no private key.  What does not fit
 * is cut.  Returns dst. */
char *kubeadm_redact(char *dst, size_t size, const char *text, size_t len);

#endif

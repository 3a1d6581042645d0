#include "core/kubeadm_output.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* Longer than any sentence of kubeadm's that matters; what is behind is not looked at. */
enum { LOOK = 2048 };

/* "[certs] ..." in the order of init, join and reset. */
static const struct {
        const char *tag;
        const char *words;
} phases[] = {
        { "init", "starting" },
        { "preflight", "checking this board" },
        { "certs", "making certificates" },
        { "kubeconfig", "writing the configuration of its users" },
        { "kubelet-start", "starting the kubelet" },
        { "kubelet-check", "waiting for the kubelet" },
        { "control-plane", "writing the control plane's pods" },
        { "etcd", "writing etcd's pod" },
        { "patches", "writing the control plane's pods" },
        { "wait-control-plane", "waiting for the control plane" },
        { "control-plane-check", "waiting for the control plane" },
        { "api-check", "waiting for the control plane" },
        { "apiclient", "the control plane answers" },
        { "upload-config", "storing the configuration" },
        { "kubelet", "storing the configuration" },
        { "upload-certs", "storing the certificates" },
        { "mark-control-plane", "marking this board as the control plane" },
        { "bootstrap-token", "letting other boards join" },
        { "kubelet-finalize", "renewing the kubelet's certificate" },
        { "addons", "installing DNS and kube-proxy" },
        { "download-certs", "fetching the certificates" },
        { "check-etcd", "checking etcd" },
        { "control-plane-join", "joining the control plane" },
        { "renew", "renewing certificates" },
        { "reset", "taking Kubernetes off" },
        { "cleanup-node", "taking Kubernetes off" },
};

/* What kubeadm 1.15 to 1.35 says when it gives up, or just before. */
static const struct {
        const char *text;
        enum kubeadm_fault fault;
} signs[] = {
        { "certificate has expired or is not yet valid", KUBEADM_FAULT_CLOCK },
        { "no space left on device", KUBEADM_FAULT_DISK },
        { "is registered for version \"kubeadm.k8s.io/", KUBEADM_FAULT_CONFIG },
        { "can not mix '--config' with arguments", KUBEADM_FAULT_CONFIG },
        { "your configuration file uses an old API spec", KUBEADM_FAULT_CONFIG },
        { "this version of kubeadm only supports", KUBEADM_FAULT_CONFIG },
        { "unknown flag:", KUBEADM_FAULT_CONFIG },
        { "unknown command", KUBEADM_FAULT_CONFIG },
        { "could not find a JWS signature", KUBEADM_FAULT_TOKEN },
        { "is invalid for this cluster or it has expired", KUBEADM_FAULT_TOKEN },
        { "Unauthorized", KUBEADM_FAULT_TOKEN },
        { "User \"system:anonymous\" cannot", KUBEADM_FAULT_TOKEN },
        { "failed to verify JWS signature", KUBEADM_FAULT_STRANGER },
        { "none of the public keys", KUBEADM_FAULT_STRANGER },
        { "certificate signed by unknown authority", KUBEADM_FAULT_STRANGER },
        { "x509: certificate is valid for", KUBEADM_FAULT_STRANGER },
        { "Secret \"kubeadm-certs\" was not found", KUBEADM_FAULT_KEY },
        { "error decoding secret data with provided key", KUBEADM_FAULT_KEY },
        { "already exists in the cluster", KUBEADM_FAULT_NODE_EXISTS },
        { "etcd cluster is not healthy", KUBEADM_FAULT_ETCD },
        { "error execution phase check-etcd", KUBEADM_FAULT_ETCD },
        { "etcdserver: ", KUBEADM_FAULT_ETCD },
        { "kubelet isn't running or healthy", KUBEADM_FAULT_KUBELET },
        { "the kubelet healthz endpoint is unhealthy", KUBEADM_FAULT_KUBELET },
        { "couldn't initialize a Kubernetes cluster", KUBEADM_FAULT_NOT_UP },
        { "could not initialize a Kubernetes cluster", KUBEADM_FAULT_NOT_UP },
        { "error uploading crisocket", KUBEADM_FAULT_NOT_REGISTERED },
        { "Error writing Crisocket information", KUBEADM_FAULT_NOT_REGISTERED },
        { "connection refused", KUBEADM_FAULT_UNREACHABLE },
        { "no route to host", KUBEADM_FAULT_UNREACHABLE },
        { "network is unreachable", KUBEADM_FAULT_UNREACHABLE },
        { "no such host", KUBEADM_FAULT_UNREACHABLE },
        { "i/o timeout", KUBEADM_FAULT_UNREACHABLE },
        { "context deadline exceeded", KUBEADM_FAULT_UNREACHABLE },
        { "couldn't validate the identity of the API Server", KUBEADM_FAULT_UNREACHABLE },
};

static const char *fault_words(enum kubeadm_fault fault) {
        switch (fault) {
        case KUBEADM_FAULT_CLOCK:
                return "clock";
        case KUBEADM_FAULT_DISK:
                return "the disk is full";
        case KUBEADM_FAULT_CONFIG:
                return "this kubeadm does not take the configuration";
        case KUBEADM_FAULT_TOKEN:
                return "the token is not known (any more)";
        case KUBEADM_FAULT_STRANGER:
                return "another cluster answers";
        case KUBEADM_FAULT_KEY:
                return "the control plane's certificates are no longer offered";
        case KUBEADM_FAULT_NODE_EXISTS:
                return "a node of this name is still Ready";
        case KUBEADM_FAULT_ETCD:
                return "etcd is not healthy";
        case KUBEADM_FAULT_KUBELET:
                return "the kubelet does not run";
        case KUBEADM_FAULT_NOT_UP:
                return "the API server did not come up";
        case KUBEADM_FAULT_UNREACHABLE:
                return "the API server does not answer";
        case KUBEADM_FAULT_NOT_REGISTERED:
                return "the node did not register in time";
        case KUBEADM_FAULT_NONE:
        case KUBEADM_FAULT_PREFLIGHT:
        case KUBEADM_FAULT_OTHER:
                break;
        }
        return NULL;
}

/* A line as a C string without the white space around it; what is not printable is not looked
 * for. */
static void look(char dst[static LOOK], const char *line, size_t len) {
        while (len > 0 && (*line == ' ' || *line == '\t')) {
                line++;
                len--;
        }
        (void)str_printable(dst, LOOK, line, len);
}

/* The lower number explains more. */
static void suspect(struct kubeadm_output *o, enum kubeadm_fault fault) {
        if (o->fault == KUBEADM_FAULT_NONE || fault < o->fault)
                o->fault = fault;
}

/* The words for "[tag] said"; NULL where it tells nothing new. */
static const char *words_of(const char *tag, size_t len, const char *said) {
        if (str_starts(said, "WARNING") || str_starts(said, "Skipping phase"))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
                if (strlen(phases[i].tag) != len || memcmp(tag, phases[i].tag, len) != 0)
                        continue;
                if (!str_eq(phases[i].tag, "preflight") || str_starts(said, "Running"))
                        return phases[i].words;
                return str_starts(said, "Pulling images") ? "fetching images" : NULL;
        }
        return NULL;
}

static bool read_progress(struct kubeadm_output *o, const char *text) {
        const char *end = text[0] == '[' ? strstr(text, "] ") : NULL;
        const char *words = end ? words_of(text + 1, (size_t)(end - text - 1), end + 2) : NULL;

        if (str_starts(text, "certificate ") && str_ends(text, " renewed"))
                words = "renewing certificates";
        if (!words || str_eq(o->progress, words))
                return false;
        o->progress = words;
        return true;
}

/* A name's letters; a person reads it, and a policy compares it. */
static size_t name_length(const char *s) {
        return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
}

static bool secret_name(const char *name) {
        char shown[KUBEADM_ERROR_NAME];

        return !str_eq(kubeadm_redact(shown, sizeof(shown), name, strlen(name)), name);
}

/* "[ERROR Name]: text" */
static void read_error(struct kubeadm_output *o, const char *text) {
        char name[KUBEADM_ERROR_NAME];
        const char *at = strstr(text, "[ERROR ");
        size_t len;

        if (!at)
                return;
        at += strlen("[ERROR ");
        len = name_length(at);
        if (len == 0 || at[len] != ']' || str_copy_n(name, sizeof(name), at, len) < 0 ||
            secret_name(name))
                return;
        suspect(o, KUBEADM_FAULT_PREFLIGHT);
        if (kubeadm_output_has(o, name))
                return;
        o->n_errors++;
        if (o->n_names < KUBEADM_ERRORS)
                memcpy(o->names[o->n_names++], name, sizeof(name));
}

/* "error execution phase kubelet-start: text": the last word, and that it gave up. */
static void read_fatal(struct kubeadm_output *o, const char *text) {
        static const char phase[] = "error execution phase ";
        const char *said = text;
        char name[KUBEADM_PHASE];

        if (str_starts(text, phase)) {
                size_t len = strcspn(text + strlen(phase), ":");

                if (str_copy_n(name, sizeof(name), text + strlen(phase), len) == 0 &&
                    !secret_name(name))
                        memcpy(o->phase, name, sizeof(name));
                said = text + strlen(phase) + len;
                said += strspn(said, ": ");
        } else if (!str_starts(text, "error: ") && !str_starts(text, "Error: ")) {
                return;
        }
        o->fatal = true;
        suspect(o, KUBEADM_FAULT_OTHER);
        (void)kubeadm_redact(o->said, sizeof(o->said), said, strlen(said));
}

/* "timed out" says little; the phase tells of whom. */
static void read_timeout(struct kubeadm_output *o, const char *text) {
        if (!strstr(text, "timed out waiting for the condition") &&
            !strstr(text, "context deadline exceeded"))
                return;
        if (str_eq(o->phase, "wait-control-plane"))
                suspect(o, KUBEADM_FAULT_NOT_UP);
        else if (str_starts(o->phase, "kubelet-start"))
                suspect(o, KUBEADM_FAULT_NOT_REGISTERED);
        else
                suspect(o, KUBEADM_FAULT_UNREACHABLE);
}

/* "[WARNING Hostname]: lookup ...: i/o timeout" and "W1125 03:52:01.3 ...: connection refused" are
 * no reason. */
static bool harmless(const char *text) {
        bool klog = (text[0] == 'W' || text[0] == 'I') && text[1] >= '0' && text[1] <= '9';

        return klog || strstr(text, "WARNING") != NULL || str_starts(text, "[dryrun]");
}

static void read_signs(struct kubeadm_output *o, const char *text) {
        for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
                if (strstr(text, signs[i].text))
                        suspect(o, signs[i].fault);
        read_timeout(o, text);
}

/* Not every last word begins with "error": then this line follows it. */
static void read_last(struct kubeadm_output *o, const char *text) {
        if (!str_starts(text, "To see the stack trace of this error")) {
                if (text[0] && !harmless(text))
                        (void)kubeadm_redact(o->last, sizeof(o->last), text, strlen(text));
                return;
        }
        o->fatal = true;
        suspect(o, KUBEADM_FAULT_OTHER);
        if (!o->said[0])
                memcpy(o->said, o->last, sizeof(o->said));
}

static void read_done(struct kubeadm_output *o, const char *text) {
        if (strstr(text, "control-plane has initialized successfully") ||
            str_starts(text, "This node has joined the cluster") ||
            str_starts(text, "Done renewing certificates") ||
            str_starts(text, "The reset process does not clean"))
                o->done = true;
}

/* The join command and its lines end without a backslash; a key has a line for itself. */
static bool is_hidden(struct kubeadm_output *o, const char *text) {
        bool hidden = o->in_join || o->key_next;
        size_t len = strlen(text);

        o->key_next = strstr(text, "Using certificate key:") != NULL;
        if (strstr(text, "kubeadm join ") || strstr(text, "--token") ||
            strstr(text, "--certificate-key") || strstr(text, "--discovery-token"))
                hidden = true;
        o->in_join = hidden && len > 0 && text[len - 1] == '\\';
        return hidden;
}

/* Of a line that is too long, or that somebody cut, whole words only: half a secret is one too. */
static size_t whole_words(const char *line, size_t len) {
        if (len < LOOK)
                return len;
        len = LOOK - 1;
        while (len > 0 && line[len - 1] != ' ')
                len--;
        return len;
}

bool kubeadm_output_line(struct kubeadm_output *o, const char *line, size_t len,
                         char ret[static KUBEADM_LINE]) {
        char text[LOOK];
        bool changed;

        len = whole_words(line, len);
        look(text, line, len);
        (void)kubeadm_redact(ret, KUBEADM_LINE, line, len);
        if (is_hidden(o, text))
                ret[0] = '\0';
        changed = read_progress(o, text);
        read_error(o, text);
        read_fatal(o, text);
        read_last(o, text);
        read_done(o, text);
        if (!harmless(text))
                read_signs(o, text);
        return changed;
}

bool kubeadm_output_has(const struct kubeadm_output *o, const char *name) {
        for (size_t i = 0; i < o->n_names; i++)
                if (str_eq(o->names[i], name))
                        return true;
        return false;
}

/* "Mem, Swap", and how many more there were where not all fit. */
static void join_names(const struct kubeadm_output *o, char dst[static SIZE_REASON]) {
        size_t at = 0, i;

        for (i = 0; i < o->n_names; i++) {
                size_t need = strlen(o->names[i]) + 2;

                /* always room for " and 99 more" */
                if (at + need + 24 > SIZE_REASON)
                        break;
                at += (size_t)snprintf(dst + at, SIZE_REASON - at, "%s%s", i ? ", " : "",
                                       o->names[i]);
        }
        if (i < o->n_errors)
                (void)snprintf(dst + at, SIZE_REASON - at, " and %zu more", o->n_errors - i);
}

char *kubeadm_output_reason(const struct kubeadm_output *o, char dst[static SIZE_REASON]) {
        const char *words = fault_words(o->fault);

        dst[0] = '\0';
        if (o->fault == KUBEADM_FAULT_PREFLIGHT)
                join_names(o, dst);
        else if (words)
                (void)str_copy(dst, SIZE_REASON, words);
        else if (o->said[0] && o->phase[0])
                (void)snprintf(dst, SIZE_REASON, "%s: %.*s", o->phase,
                               SIZE_REASON - KUBEADM_PHASE - 3, o->said);
        else if (o->said[0])
                (void)str_copy(dst, SIZE_REASON, o->said);
        else
                (void)str_copy(dst, SIZE_REASON, "no reason given");
        return dst;
}

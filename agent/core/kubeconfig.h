/* kubeconfig - where an API server is and what proves who asks, out of the text of a kubeconfig.
 * Pure.
 *
 * Reads the YAML that kubeadm, the kubelet and kubectl write: block style, one scalar a line,
 * plain or quoted without escapes.  What else YAML has is refused with the number of its line. */
#ifndef BRAMBLE_CORE_KUBECONFIG_H
#define BRAMBLE_CORE_KUBECONFIG_H

#include "base/fail.h"
#include "core/http_parse.h"

#include <stdint.h>

enum {
        KUBECONFIG_BYTES = 64 * 1024,
        KUBECONFIG_DEPTH = 12,  /* of nested mappings and lists */
        KUBECONFIG_ENTRIES = 8, /* clusters, contexts and users together, of each */
        SIZE_KUBE_HOST = 254,   /* a DNS name (RFC 1035) and its NUL */
};

/* What the current context names: views into the text without their quotes, len 0 where a key is
 * missing. */
struct kubeconfig_text {
        struct http_text server; /* "https://10.0.0.1:6443" */
        struct http_text tls_server_name;
        struct http_text ca_data, ca_file; /* base64, path */
        struct http_text cert_data, cert_file;
        struct http_text key_data, key_file;
};

/* -EMSGSIZE above KUBECONFIG_BYTES, -EBADMSG (f: which line and why), -ENOENT where the current
 * context, its cluster or its user is not in the text. */
int kubeconfig_parse(const char *text, size_t len, struct kubeconfig_text *ret, struct fail *f);

/* Splits "https://HOST[:PORT][/]"; an IPv6 address stands in brackets, which are taken off; the
 * port is 443 where none is named.  -EINVAL. */
int kubeconfig_split_url(const char *url, size_t len, char ret_host[static SIZE_KUBE_HOST],
                         uint16_t *ret_port);

/* The same text with the current cluster's server replaced and, unless 'tls_server_name' is NULL,
 * with that name as its tls-server-name.  The errors of kubeconfig_parse(), -EINVAL where the URL
 * or the name is none, -ENOMEM.  The caller frees it, and wipes it first: it may hold a key. */
int kubeconfig_rewrite(const char *text, size_t len, const char *server_url,
                       const char *tls_server_name, char **ret, struct fail *f);

#endif

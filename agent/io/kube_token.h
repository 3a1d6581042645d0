/* kube_token - bootstrap tokens: what lets a board join a kubeadm cluster once.  A token is a
 * secret: mutual TLS only, never a log. */
#ifndef BRAMBLE_IO_KUBE_TOKEN_H
#define BRAMBLE_IO_KUBE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        SIZE_KUBE_TOKEN = 24, /* "abcdef.0123456789abcdef" */
        SIZE_KUBE_TOKEN_PATH = 80,
};

#define KUBE_SECRETS_PATH "/api/v1/namespaces/kube-system/secrets"

/* A new one from the kernel's randomness, each letter as likely as the other.  getrandom()'s
 * errors. */
int kube_token_make(char ret[static SIZE_KUBE_TOKEN]);
/* Does it look like one: [a-z0-9]{6}.[a-z0-9]{16}? */
bool kube_token_valid(const char *token);

/* The Secret to POST to KUBE_SECRETS_PATH, as JSON: for joining and for kubeadm's discovery, until
 * 'expires_sec' (Unix time, UTC, years 1970 to 9999).  The caller wipes and frees it.  -EINVAL,
 * -ENOMEM. */
int kube_token_secret(const char *token, int64_t expires_sec, char **ret, size_t *ret_len);
/* Where that Secret is, to GET, PUT or DELETE it: holds the token's public half only.  -EINVAL. */
int kube_token_path(const char *token, char ret[static SIZE_KUBE_TOKEN_PATH]);

#endif

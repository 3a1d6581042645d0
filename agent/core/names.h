/* names - what boards are called, and which names, images and digests are taken at all.  Pure. */
#ifndef BRAMBLE_CORE_NAMES_H
#define BRAMBLE_CORE_NAMES_H

#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* The founder is the first master and the only one that the bramble itself names so. */
#define NAMES_MASTER "m1"

/* The name of the n-th worker (from 1): "w1", "w2", ...  Returns dst. */
char *names_worker(char dst[static SIZE_NAME], uint32_t n);

/* Names of functions, namespaces and clusters: [a-zA-Z0-9_.-], 1 to 63 of them, beginning with a
 * letter, a digit or '_', without "..": safe as a host name, a file name and an argument. */
bool names_valid(const char *s);

/* What a person may call a board: a host name of one label that may stand in any DNS: [a-z0-9-], 1
 * to 63, not only digits, no '-' at either end, and nothing that means something else ("localhost",
 * "bramble", which is any live board, and names that an unnamed board has). */
bool names_board_valid(const char *s);
/* Why not, in words that follow the name; NULL for a valid one. */
const char *names_board_wrong(const char *s);

/* Image references: [a-zA-Z0-9._/:@-], 1 to 255, beginning with a letter or a digit, without ".."
 * and "//". */
bool names_image_valid(const char *s);

/* "sha256:" and 64 lower-case hex digits. */
bool names_digest_valid(const char *s);

/* Kubernetes versions as its programs say them: "v1.20.2", "v1.31.1+rpt2". */
bool names_version_valid(const char *s);

/* The gateway's credentials: printable ASCII, possibly empty; a user has no ':' (RFC 7617 2). */
bool names_user_valid(const char *s);
bool names_password_valid(const char *s);

#endif

/* image_name - what is a reference to an image, what is a digest, and how they are written.  Pure.
 */
#ifndef BRAMBLE_CORE_IMAGE_NAME_H
#define BRAMBLE_CORE_IMAGE_NAME_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The full reference, as docker and containerd write it: "alpine" ->
 * "docker.io/library/alpine:latest", "ghcr.io/x/y@sha256:..." stays.  -EINVAL for what is no
 * reference, -ENAMETOOLONG where it is one but has 256 characters or more. */
int image_name_normalise(const char *name, char ret[static SIZE_IMAGE]);

/* Does the text name an image ("hello:1", "docker.io/library/alpine"), not just a tag ("latest")?
 * For annotations, where both are found. */
bool image_name_is_name(const char *text);

/* "sha256:" and 64 lower-case hex digits, nothing else. */
bool image_digest_valid(const char *digest);

/* 64 lower-case hex digits at 'text', and then 'end': part of a path such as "blobs/sha256/...". */
bool image_digest_hex(const char *text, char end);

/* Writes a SHA-256 as a digest. */
void image_digest_text(const uint8_t sum[static 32], char ret[static SIZE_DIGEST]);

/* What an image was built for, in Go's words: "linux", "arm", "v7". */
struct image_platform {
        char os[16]; /* "" where nobody said */
        char architecture[16];
        char variant[16];
};

/* How well an image for 'p' runs on a machine: 0 not at all, more is better.  'machine' is what
 * uname says ("x86_64", "aarch64", "armv7l", "armv6l"), 'bits' the word size of this process: on
 * a 64-bit kernel under a 32-bit userland 32-bit images come first. */
unsigned image_platform_rank(const char *machine, unsigned bits, const struct image_platform *p);

#endif

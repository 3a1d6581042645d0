/* source - where an image comes from: a container tool of this computer, an archive, a folder; as a
 * stream of bytes without what the bramble has already. */
#ifndef BRAMBLE_CLI_SOURCE_H
#define BRAMBLE_CLI_SOURCE_H

#include "base/fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Programs that are run, found on the PATH. */
/* 0 where it ended well; 'says': and wrote something.  Its output and errors go nowhere. */
int source_probe(const char *const *argv, bool says);
/* The same with its output on our standard error: a build. -ENOENT: there is no such program; else
 * its exit status. */
int source_run(const char *const *argv);

struct source;

/* Opens an archive ("-": standard input) or a folder in OCI layout. */
int source_open_path(const char *path, struct source **ret, struct fail *f);
/* Opens an image of the first of docker, podman, nerdctl and containerd that has it.  -ENOENT and a
 * sentence where none has. */
int source_open_image(const char *name, struct source **ret, struct fail *f);
/* Opens what a program writes. */
int source_open_program(const char *const *argv, struct source **ret, struct fail *f);
/* Does any of them have it? */
bool source_has_image(const char *name);

/* Bytes; 0 at the end; -errno.  'have' says whether the bramble has a blob. */
ssize_t source_read(struct source *s, char *data, size_t size,
                    bool (*have)(void *arg, const char *digest), void *arg);
/* Of the file, 0 where that is not known; left out so far. */
uint64_t source_size(const struct source *s);
uint64_t source_skipped(const struct source *s);
const char *source_what(const struct source *s); /* "docker", or the path */
/* Ends it; an error where the program that wrote it failed. */
int source_close(struct source *s, struct fail *f);

#endif

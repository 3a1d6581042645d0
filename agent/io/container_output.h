/* container_output - a container's files in io_dir: FIFOs for its output, read line by line, and
 * what it sees as /etc/hosts and /etc/hostname. */
#ifndef BRAMBLE_IO_CONTAINER_OUTPUT_H
#define BRAMBLE_IO_CONTAINER_OUTPUT_H

#include "io/container_internal.h"
#include "io/container_lines.h"

#include <limits.h>

/* "IO_DIR/ID/NAME".  -ENAMETOOLONG. */
int container_path(const struct containers *c, const char *id, const char *name,
                   char ret[static PATH_MAX]);

/* Makes the folder with its four files. */
int container_files_make(struct containers *c, const char *id, const char *hostname);
void container_files_remove(struct containers *c, const char *id);

/* Opens both FIFOs for reading and (so that there never is an end of file) writing; lines go to
 * ops->output from now on. */
int container_output_open(struct container *k);
/* Tells what is in the FIFOs and closes them.  Safe without output. */
void container_output_close(struct container *k);

#endif

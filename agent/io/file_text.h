/* file_text - small files of /etc, /proc and /sys below a root directory: read whole, replaced
 * whole. */
#ifndef BRAMBLE_IO_FILE_TEXT_H
#define BRAMBLE_IO_FILE_TEXT_H

#include "base/buf.h"

#include <sys/types.h>

/* Appends what a plain file holds.  -ENOENT, -EFBIG above 'limit' bytes, -EINVAL for what is no
 * plain file (-EISDIR for a folder), -ENOMEM. */
int file_text_read(int root_fd, const char *path, size_t limit, struct buf *ret);

/* Makes the file hold these bytes: 1 when it was written, 0 where it held them already (an SD card
 * is not written without a reason).  After a power cut there is the old file or the new one: it is
 * written beside as .NAME.new, synced (this blocks, perhaps for seconds) and renamed.  Mode and
 * owner of a file that is there are kept, 'mode' is a new one's.
 * Only a file that cannot be replaced (a symbolic link; bind-mounted, as in containers) is written
 * in place. */
int file_text_write(int root_fd, const char *path, const void *data, size_t len, mode_t mode);

/* Makes a folder and those above it, 0755; 0 also where it is there. */
int file_text_make_dir(int root_fd, const char *path);

#endif

/* secret_files - the folders on tmpfs whose files are the secrets of this board's containers:
 * DIR/CONTAINER/NAME, mode 0400, owned by the container's user. */
#ifndef BRAMBLE_IO_SECRET_FILES_H
#define BRAMBLE_IO_SECRET_FILES_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Makes DIR/CONTAINER, and DIR where it is missing (mode 0700).  -EXDEV: it would be on a disk. */
int secret_files_make(const char *dir, const char *container, struct fail *f);

/* Writes a file whole or not at all: whoever opens it reads the old value or the new one. */
int secret_files_put(const char *dir, const char *container, const char *name, const void *value,
                     size_t len, struct fail *f);

/* Gives the folder and what is in it to a user; what is put there later is his too. */
int secret_files_own(const char *folder, uid_t uid, gid_t gid);

/* Removes a container's folder; no error where there is none. */
void secret_files_remove(const char *dir, const char *container);

/* Removes the folders of containers that 'keep' does not want. */
void secret_files_sweep(const char *dir, bool (*keep)(void *arg, const char *container), void *arg);

#endif

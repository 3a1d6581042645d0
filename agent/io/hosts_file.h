/* hosts_file - keeps names of the bramble in /etc/hosts. */
#ifndef BRAMBLE_IO_HOSTS_FILE_H
#define BRAMBLE_IO_HOSTS_FILE_H

#include "core/hosts_name.h"
#include "core/hosts_text.h"

/* Makes our block in etc/hosts hold exactly these entries, with n 0 takes it out; see
 * hosts_text_set() for what stays and file_text_write() for how it is written.  1 when the file was
 * changed, 0 where nothing had to be.  A file that is missing is made (0644) once there is
 * something to say.  -EINVAL, -E2BIG, -EFBIG; -EROFS and the like: the file is as it was. */
int hosts_file_set(int root_fd, const struct hosts_entry *entries, size_t n, struct fail *f);

/* Makes etc/hosts say that this computer is called 'name', and no more 'old'; see hosts_name_set().
 * 1 when the file was changed, 0 where it said so.  Errors as above. */
int hosts_file_name(int root_fd, const char *name, const char *old, struct fail *f);

#endif

/* oci_user - the numbers behind an image's USER, from its own passwd and group.  No I/O. */
#ifndef BRAMBLE_IO_OCI_USER_H
#define BRAMBLE_IO_OCI_USER_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OCI_GROUPS_MAX = 32 };

struct oci_user {
        uint32_t uid;
        uint32_t gid;
        uint32_t n_groups; /* supplementary */
        uint32_t groups[OCI_GROUPS_MAX];
};

/* "", "0" and "UID:GID" need no files. */
bool oci_user_needs_files(const char *user);

/* USER is "", NAME, UID, or either with ":GROUP" or ":GID" (as docker reads it): without a group
 * it is passwd's, 0 for a number that is not there; the groups that name the user as a member are
 * supplementary.  The files may be NULL with length 0.  -ENOENT: no such name; -EINVAL. */
int oci_user_find(const char *user, const char *passwd, size_t passwd_len, const char *group,
                  size_t group_len, struct oci_user *ret, struct fail *f);

#endif

/* cert_ends - which of a board's certificates ends first. */
#ifndef BRAMBLE_IO_CERT_ENDS_H
#define BRAMBLE_IO_CERT_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cert_file {
        const char *path; /* below the root; NULL or one that is not there: nothing is said of it */
        const char *what; /* for people: "the gateway" */
};

/* The first to end of those that can be read.  False where there is none. */
bool cert_ends_first(int root_fd, const struct cert_file *files, size_t n, const char **ret_what,
                     int64_t *ret_unix);

#endif

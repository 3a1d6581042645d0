/* cert_ends - which of a board's certificates ends first. */
#ifndef BRAMBLE_IO_CERT_ENDS_H
#define BRAMBLE_IO_CERT_ENDS_H

#include <stddef.h>
#include <stdint.h>

struct cert_file {
        const char *path; /* below the root; NULL or one that is not there: nothing is said of it */
        const char *what; /* for people: "the gateway" */
        const char *how;  /* to get another one */
};

/* The first to end of those that can be read, and its Unix time.  NULL where there is none. */
const struct cert_file *cert_ends_first(int root_fd, const struct cert_file *files, size_t n,
                                        int64_t *ret_unix);

#endif

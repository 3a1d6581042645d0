/* file_log - what functions wrote, in files, where there is no journal. */
#ifndef BRAMBLE_IO_FILE_LOG_H
#define BRAMBLE_IO_FILE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum {
        FILE_LOG_BYTES = 256 * 1024
}; /* of one function; then it becomes .old, and the old .old goes */

struct file_log_line {
        uint64_t realtime_usec;
        uint32_t instance;
        const char *text; /* without newline */
};

/* Appends one line to DIR/FUNCTION.NAMESPACE.log (DIR on tmpfs, made where absent).  -errno. */
int file_log_write(const char *dir, const char *function, const char *namespace, uint32_t instance,
                   uint64_t realtime_usec, const char *text, size_t len);
/* The newest 'tail' lines, oldest first.  0 also where there are none; -errno. */
int file_log_read(const char *dir, const char *function, const char *namespace, unsigned tail,
                  void (*line)(void *arg, const struct file_log_line *line), void *arg);

#endif

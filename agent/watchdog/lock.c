#include "watchdog/lock.h"

#include "watchdog/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void lock_write(const struct options *o) {
        int fd;

        if (o->suppress_lock)
                return;
        fd = open(o->lock_file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                log_line("cannot write %.200s, going on without: %s", o->lock_file,
                         strerror(errno));
        else
                (void)close(fd);
}

void lock_remove(const struct options *o) {
        if (!o->suppress_lock)
                (void)unlink(o->lock_file);
}

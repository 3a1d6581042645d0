#include "watchdog/log.h"

#include "base/date.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 512 }; /* well below PIPE_BUF */

/* UTC, as a container knows no time zone. */
static int print_time(char *to, size_t size, time_t now) {
        struct date d = date_of(now);

        return snprintf(to, size, "%04d/%02u/%02u %02u:%02u:%02u ", d.year, d.month, d.day, d.hour,
                        d.minute, d.second);
}

void log_line(const char *format, ...) {
        char line[LINE_BYTES];
        size_t len, room;
        va_list args;
        int n = print_time(line, sizeof(line), time(NULL));

        if (n < 0)
                return;
        len = (size_t)n;
        room = sizeof(line) - len - 1; /* the newline's byte is not in it */
        va_start(args, format);
        n = vsnprintf(line + len, room, format, args);
        va_end(args);
        if (n < 0)
                return;
        len += (size_t)n < room ? (size_t)n : room - 1;
        line[len++] = '\n';
        if (write(STDERR_FILENO, line, len) < 0)
                return; /* there is nobody to tell */
}

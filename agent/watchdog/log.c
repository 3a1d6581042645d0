#include "watchdog/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 512 }; /* well below PIPE_BUF */

/* UTC, as a container knows no time zone.  Not gmtime() and strftime(), which bring 100 KB of time
 * zones and locales into a static program. */
static int print_time(char *to, size_t size, time_t now) {
        long days = (long)(now / 86400), second = (long)(now % 86400);
        /* Howard Hinnant's civil_from_days: years begin in March, eras have 400 of them */
        long shifted = days + 719468, era = shifted / 146097, doe = shifted % 146097;
        long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        long doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
        long day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
        long year = yoe + era * 400 + (month <= 2);

        return snprintf(to, size, "%04ld/%02ld/%02ld %02ld:%02ld:%02ld ", year, month, day,
                        second / 3600, second / 60 % 60, second % 60);
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

#include "core/rfc3339.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SECOND_USEC 1000000ULL
enum { DAY_SECONDS = 86400, YEAR_MAX = 9999 };
#define SECONDS_MAX 253402300799ULL /* 9999-12-31T23:59:59Z */

/* Days from 1970-01-01 to a day of the Gregorian calendar; years count from March, so that the leap
 * day is the last one. */
static int64_t days_of(int year, int month, int day) {
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t m = month <= 2 ? month + 9 : month - 3;

        return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

char *rfc3339_text(char dst[static RFC3339_SIZE], uint64_t unix_usec) {
        uint64_t seconds = unix_usec / SECOND_USEC, usec = unix_usec % SECOND_USEC;
        unsigned left, year, day, month;
        uint64_t days;

        if (seconds > SECONDS_MAX) {
                seconds = SECONDS_MAX;
                usec = SECOND_USEC - 1;
        }
        left = (unsigned)(seconds % DAY_SECONDS);
        days = seconds / DAY_SECONDS;
        year = 1970 + (unsigned)(days / 366); /* not above the right one */
        while (year < YEAR_MAX && (uint64_t)days_of((int)year + 1, 1, 1) <= days)
                year++;
        month = 1;
        while (month < 12 && (uint64_t)days_of((int)year, (int)month + 1, 1) <= days)
                month++;
        day = (unsigned)(days - (uint64_t)days_of((int)year, (int)month, 1)) + 1;
        (void)snprintf(dst, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year % 10000,
                       month % 100, day % 100, left / 3600 % 100, left / 60 % 60, left % 60,
                       (unsigned)usec);
        return dst;
}

/* 'n' digits; false where there is something else. */
static bool get_number(const char **at, unsigned n, int *ret) {
        int v = 0;

        for (unsigned i = 0; i < n; i++) {
                char c = **at;

                if (c < '0' || c > '9')
                        return false;
                v = v * 10 + (c - '0');
                (*at)++;
        }
        *ret = v;
        return true;
}

static bool get_char(const char **at, const char *any_of) {
        if (**at == '\0' || !strchr(any_of, **at))
                return false;
        (*at)++;
        return true;
}

static int month_days(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return month == 2 && leap ? 29 : days[month - 1];
}

static bool get_fraction(const char **at, int64_t *ret_usec) {
        int64_t unit = SECOND_USEC / 10, usec = 0;

        *ret_usec = 0;
        if (!get_char(at, "."))
                return true;
        if (**at < '0' || **at > '9')
                return false;
        for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
                usec += (**at - '0') * unit;
        *ret_usec = usec;
        return true;
}

/* Seconds east of Greenwich. */
static bool get_offset(const char **at, int64_t *ret) {
        bool west = **at == '-';
        int hours, minutes;

        *ret = 0;
        if (get_char(at, "Zz"))
                return true;
        if (!get_char(at, "+- ") || !get_number(at, 2, &hours) || !get_char(at, ":") ||
            !get_number(at, 2, &minutes) || hours > 23 || minutes > 59)
                return false;
        *ret = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
        return true;
}

int rfc3339_parse(const char *text, uint64_t *ret_unix_usec) {
        int year, month, day, hour, minute, second;
        int64_t usec, offset, seconds;

        if (!get_number(&text, 4, &year) || !get_char(&text, "-") ||
            !get_number(&text, 2, &month) || !get_char(&text, "-") || !get_number(&text, 2, &day) ||
            !get_char(&text, "Tt ") || !get_number(&text, 2, &hour) || !get_char(&text, ":") ||
            !get_number(&text, 2, &minute) || !get_char(&text, ":") ||
            !get_number(&text, 2, &second) || !get_fraction(&text, &usec) ||
            !get_offset(&text, &offset) || *text)
                return -EINVAL;
        if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 ||
            minute > 59 || second > 60)
                return -EINVAL;
        seconds = days_of(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second -
                  offset;
        *ret_unix_usec = seconds < 0 ? 0 : (uint64_t)seconds * SECOND_USEC + (uint64_t)usec;
        return 0;
}

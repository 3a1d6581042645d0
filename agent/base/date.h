/* date - calendar dates in UTC, without the C library's time zones and locales. */
#ifndef BRAMBLE_BASE_DATE_H
#define BRAMBLE_BASE_DATE_H

#include <stdint.h>

struct date {
        int32_t year;
        uint8_t month, day; /* from 1 */
        uint8_t hour, minute, second;
        uint8_t weekday; /* 0: Sunday */
};

/* Seconds since 1970, of years 1 to 9999; what is outside becomes the first or last second. */
struct date date_of(int64_t unix_seconds);
/* The way back; 'weekday' does not count. */
int64_t date_seconds(const struct date *d);

#endif

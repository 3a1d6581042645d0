#include "base/date.h"

#define FIRST INT64_C(-62135596800) /* 0001-01-01 */
#define LAST  INT64_C(253402300799) /* 9999-12-31 */

enum { DAY = 86400, ERA_DAYS = 146097, EPOCH_DAYS = 719468 };

/* Howard Hinnant's civil_from_days: years begin in March, eras have 400 of them. */
struct date date_of(int64_t unix_seconds) {
        int64_t at = unix_seconds < FIRST ? FIRST : unix_seconds > LAST ? LAST : unix_seconds;
        int64_t days = (at - FIRST) / DAY + FIRST / DAY; /* rounded down, before 1970 too */
        int32_t second = (int32_t)(at - days * DAY), shifted = (int32_t)(days + EPOCH_DAYS);
        int32_t era = shifted / ERA_DAYS, doe = shifted % ERA_DAYS;
        int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
        int32_t month = mp < 10 ? mp + 3 : mp - 9;

        return (struct date){
                .year = yoe + era * 400 + (month <= 2),
                .month = (uint8_t)month,
                .day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1),
                .hour = (uint8_t)(second / 3600),
                .minute = (uint8_t)(second / 60 % 60),
                .second = (uint8_t)(second % 60),
                .weekday = (uint8_t)((shifted + 3) % 7), /* day 0 was a Wednesday */
        };
}

int64_t date_seconds(const struct date *d) {
        int32_t year = d->year - (d->month <= 2), era = year / 400, yoe = year % 400;
        int32_t doy = (153 * (d->month > 2 ? d->month - 3 : d->month + 9) + 2) / 5 + d->day - 1;
        int32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        int64_t days = (int64_t)era * ERA_DAYS + doe - EPOCH_DAYS;

        return days * DAY + d->hour * 3600 + d->minute * 60 + d->second;
}

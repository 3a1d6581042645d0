/* log - lines on stderr: "2026/11/23 16:00:00 text", as other watchdogs write them. */
#ifndef BRAMBLE_WATCHDOG_LOG_H
#define BRAMBLE_WATCHDOG_LOG_H

/* One line, cut at 500 bytes, written at once so that it does not mix with the function's. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

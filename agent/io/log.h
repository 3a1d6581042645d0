/* log - lines to the journal (with fields), or to stderr where there is no journal. */
#ifndef BRAMBLE_IO_LOG_H
#define BRAMBLE_IO_LOG_H

enum log_level {
        LOG_LEVEL_ERROR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_NOTICE = 5,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7
}; /* syslog's numbers */

/* "error", "warning", "notice", "debug"; anything else is LOG_LEVEL_INFO (config checks it). */
enum log_level log_level_of(const char *name);

/* The one global state of the program.  'program' becomes SYSLOG_IDENTIFIER; must be static. */
void log_open(const char *program, enum log_level most);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The same with one journal field that operators filter on, e.g. "BRAMBLE_FUNCTION", "figlet". */
void log_field(enum log_level level, const char *field, const char *value, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* journalctl MESSAGE_ID=... finds all of a kind. */
#define LOG_ID_ROLE       "3f1d6c0a5b9e4c3f9a27d2f6a4b8e711" /* who is what in the bramble */
#define LOG_ID_ALERT      "6a1f0de2c5b1495aa2f4f0c2a7d4b0e3" /* an alert begins */
#define LOG_ID_ALERT_OVER "b7c93d8e1f6a4a0d8c5e92b64d13f7a8" /* and is over */

/* A line with one of those, and BRAMBLE_NODE= where the name is not "". */
void log_event(enum log_level level, const char *message_id, const char *node_name,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Role changes carry a fixed MESSAGE_ID and BRAMBLE_NODE=. */
void log_role(const char *node_name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Does this program write to the journal (or only to stderr)? */
_Bool log_has_journal(void);

/* One line of a function's output: MESSAGE is 'text' (printable or not, as it is), with
 * BRAMBLE_FUNCTION=, BRAMBLE_NAMESPACE=, BRAMBLE_INSTANCE= and BRAMBLE_STREAM=stdout|stderr.
 * SYSLOG_IDENTIFIER is the function's name. */
void log_function(const char *function, const char *namespace, unsigned instance,
                  const char *stream, const char *text, unsigned len);

/* Says a thing once: remembers the last 64 keys in a table of the program. True the first time. */
_Bool log_once(const char *key);
/* Forgets the key: the thing is over, the next time it is news again. */
void log_again(const char *key);

#endif

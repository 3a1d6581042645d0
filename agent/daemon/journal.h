/* journal - reads the lines that functions of this board wrote, from systemd's journal. */
#ifndef BRAMBLE_DAEMON_JOURNAL_H
#define BRAMBLE_DAEMON_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct journal;

struct journal_line {
        const char *function, *namespace, *instance, *text; /* "" where the field is missing */
        uint64_t realtime_usec; /* Unix time of the entry: shown, never compared */
};

#define JOURNAL_ALL UINT32_MAX

struct journal_query {
        const char *function, *namespace;
        const char *instance; /* "": all of them */
        uint32_t tail;        /* JOURNAL_ALL: every line */
        uint64_t since_usec;  /* Unix time; nothing older; 0: no matter */
        bool follow;
};

/* The newest 'tail' lines of a function, oldest first, then, where 'follow', new ones as they
 * come.  'end' follows the last line where not following, once, and frees the reader.  -errno
 * where there is no journal. */
int journal_read(uv_loop_t *loop, const struct journal_query *query,
                 void (*line)(void *arg, const struct journal_line *line), void (*end)(void *arg),
                 void *arg, struct journal **ret);
/* No lines until resumed: the asker reads more slowly than the disk. May be called inside 'line'.
 */
void journal_pause(struct journal *j);
void journal_resume(struct journal *j);
/* Ends it; 'end' does not follow.  NULL is a no-op. */
void journal_stop(struct journal *j);

#endif

/* session - who is logged in to the dashboard: tokens, how long they hold, and which actions were
 * asked for already.  Pure: time and randomness come in. */
#ifndef BRAMBLE_CORE_SESSION_H
#define BRAMBLE_CORE_SESSION_H

#include "base/time.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        SESSION_MOST = 64,   /* at a time; one more ends the one that was unused longest */
        SESSION_RANDOM = 32, /* bytes behind a token */
        SESSION_TOKEN = 2 * SESSION_RANDOM + 1, /* their hex digits, and a NUL */
        SESSION_ONCE = 256,                     /* actions of one session that are remembered */
        SESSION_ONCE_LEAST = 8,                 /* characters of an action's id */
        SESSION_ONCE_MOST = 64,
};

#define SESSION_IDLE_USEC   (8 * USEC_PER_HOUR) /* unused so long it ends; an open page is use */
#define SESSION_WHOLE_USEC  (7 * USEC_PER_DAY)
#define SESSION_REPLAY_USEC (10 * USEC_PER_MIN) /* no id is forgotten before */

struct session_once {
        uint64_t hash; /* of the id */
        usec_t at;
};

struct session {
        char token[SESSION_TOKEN]; /* "": free */
        char csrf[SESSION_TOKEN];
        usec_t made, used;
        unsigned n_once, next_once;
};

/* All zero is nobody. */
struct sessions {
        struct session items[SESSION_MOST];
        struct session_once once[SESSION_MOST][SESSION_ONCE]; /* memory that few of them ever use */
};

/* Begins one; 'random' are bytes that nobody can guess.  Never NULL. */
struct session *session_begin(struct sessions *s, usec_t now,
                              const uint8_t random[static 2 * SESSION_RANDOM]);
/* The session of that token, which is in use by this; NULL: none, or it has ended.  Takes the same
 * time whichever it is. */
struct session *session_find(struct sessions *s, usec_t now, const char *token);
/* Is that the session's own CSRF token?  'given' may be NULL. */
bool session_csrf_fits(const struct session *session, const struct http_text *given);
/* Takes an action's id: -EEXIST where it was taken before, -EINVAL where it is none, -EBUSY where
 * so many came that one which might be repeated would have to be forgotten. */
int session_take_once(struct sessions *s, struct session *session, usec_t now, const char *id);
void session_end(struct session *session);
void sessions_clear(struct sessions *s);

/* Compares all of both in a time that depends on 'given' alone. */
bool session_same(const char *given, size_t len, const char *want);

#endif

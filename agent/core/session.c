#include "core/session.h"

#include <errno.h>
#include <string.h>

bool session_same(const char *given, size_t len, const char *want) {
        size_t n_want = strlen(want);
        unsigned different = len != n_want;

        for (size_t i = 0; i < len; i++)
                different |= (unsigned)(given[i] ^ want[i < n_want ? i : n_want]);
        return different == 0;
}

static void hex(const uint8_t *bytes, char ret[static SESSION_TOKEN]) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < SESSION_RANDOM; i++) {
                ret[2 * i] = digits[bytes[i] >> 4];
                ret[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret[2 * SESSION_RANDOM] = '\0';
}

static bool holds(const struct session *session, usec_t now) {
        return session->token[0] && usec_sub(now, session->used) < SESSION_IDLE_USEC &&
               usec_sub(now, session->made) < SESSION_WHOLE_USEC;
}

void session_end(struct session *session) {
        memset(session, 0, sizeof(*session));
}

void sessions_clear(struct sessions *s) {
        memset(s->items, 0, sizeof(s->items));
}

struct session *session_begin(struct sessions *s, usec_t now,
                              const uint8_t random[static 2 * SESSION_RANDOM]) {
        struct session *oldest = &s->items[0];

        for (size_t i = 0; i < SESSION_MOST; i++) {
                struct session *one = &s->items[i];

                if (!holds(one, now)) {
                        oldest = one;
                        break;
                }
                if (one->used < oldest->used)
                        oldest = one;
        }
        session_end(oldest);
        hex(random, oldest->token);
        hex(random + SESSION_RANDOM, oldest->csrf);
        oldest->made = oldest->used = now;
        return oldest;
}

struct session *session_find(struct sessions *s, usec_t now, const char *token) {
        struct session *found = NULL;
        size_t len = strlen(token);

        for (size_t i = 0; i < SESSION_MOST; i++) {
                struct session *one = &s->items[i];

                if (session_same(token, len, one->token) && holds(one, now))
                        found = one;
        }
        if (found)
                found->used = now;
        return found;
}

bool session_csrf_fits(const struct session *session, const struct http_text *given) {
        return given && session_same(given->at, given->len, session->csrf);
}

/* FNV-1a: whoever makes two ids collide refuses an action of his own. */
static uint64_t hash_of(const char *text) {
        uint64_t h = 14695981039346656037u;

        for (; *text; text++)
                h = (h ^ (uint8_t)*text) * 1099511628211u;
        return h;
}

static bool is_id(const char *id) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789_-";
        size_t n = strspn(id, allowed);

        return id[n] == '\0' && n >= SESSION_ONCE_LEAST && n <= SESSION_ONCE_MOST;
}

int session_take_once(struct sessions *s, struct session *session, usec_t now, const char *id) {
        struct session_once *once = s->once[session - s->items], *slot = &once[session->next_once];
        uint64_t hash;

        if (!is_id(id))
                return -EINVAL;
        hash = hash_of(id);
        for (unsigned i = 0; i < session->n_once; i++)
                if (once[i].hash == hash)
                        return -EEXIST;
        if (session->n_once == SESSION_ONCE && usec_sub(now, slot->at) < SESSION_REPLAY_USEC)
                return -EBUSY;
        *slot = (struct session_once){ hash, now };
        session->next_once = (session->next_once + 1) % SESSION_ONCE;
        if (session->n_once < SESSION_ONCE)
                session->n_once++;
        return 0;
}

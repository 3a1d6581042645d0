#include "core/since.h"

#include "base/str.h"

#define AGE_MOST_MS ((uint64_t)INT64_MAX / 2)

static struct since_entry *entry(struct since *s, const char *name, const char *board) {
        for (uint32_t i = 0; i < s->n; i++)
                if (str_eq(s->entries[i].name, name) && str_eq(s->entries[i].board, board))
                        return &s->entries[i];
        return NULL;
}

static struct since_entry *add(struct since *s, const char *name, const char *board, int64_t at) {
        struct since_entry e = { .at_ms = at };

        if (s->n == LIMIT_ALARMS || str_copy(e.name, sizeof(e.name), name) < 0 ||
            str_copy(e.board, sizeof(e.board), board) < 0)
                return NULL;
        s->entries[s->n] = e;
        return &s->entries[s->n++];
}

int64_t since_at(struct since *s, const char *name, const char *board, uint64_t now_ms,
                 uint64_t age_ms) {
        int64_t at = (int64_t)now_ms - (int64_t)(age_ms < AGE_MOST_MS ? age_ms : AGE_MOST_MS);
        struct since_entry *e = entry(s, name, board);

        if (!e)
                e = add(s, name, board, at);
        if (!e)
                return at;
        e->seen = true;
        if (at > e->at_ms + SINCE_SLACK_MS || at < e->at_ms - SINCE_SLACK_MS)
                e->at_ms = at; /* it began anew, or somebody else counts */
        return e->at_ms;
}

void since_sweep(struct since *s) {
        for (uint32_t i = 0; i < s->n;) {
                if (s->entries[i].seen)
                        s->entries[i++].seen = false;
                else
                        s->entries[i] = s->entries[--s->n];
        }
}

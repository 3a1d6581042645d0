/* ui_state - the agent's status as the picture that the dashboard shows, with what this gateway
 * knows of the calls. */
#ifndef BRAMBLE_GATEWAY_UI_STATE_H
#define BRAMBLE_GATEWAY_UI_STATE_H

#include "base/buf.h"
#include "core/limits.h"
#include "core/since.h"
#include "core/ui_diff.h"
#include "gateway/call_counts.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum {
        UI_RATE_SAMPLES = 6,          /* a rate is that of the seconds between first and last */
        UI_LATENCY_WINDOW_MS = 10000, /* quantiles are those of one to two of these */
};

/* What was counted of one function a while ago. */
struct ui_calls {
        char name[SIZE_NAME], namespace[SIZE_NAME];
        bool seen;
        unsigned n;
        struct {
                uint64_t at_ms, calls;
        } samples[UI_RATE_SAMPLES];              /* oldest first */
        uint64_t window_ms;                      /* when the younger one began */
        uint64_t older[CALL_COUNTS_BUCKETS + 1]; /* what was counted when the older one began */
        uint64_t younger[CALL_COUNTS_BUCKETS + 1];
};

struct ui_state {
        struct ui_picture pictures[2];
        unsigned now;    /* which of them; the other is the one before */
        bool known;      /* there is one */
        struct buf text; /* of one value */
        struct since alerts;
        size_t n_calls, calls_capacity;
        struct ui_calls *calls;
};

struct gateway;

void ui_state_done(struct ui_state *s);

/* Takes the agent's answer to "status"; 'shutdown' is JSON, or NULL where none is known of.
 * -ENOMEM, -EMSGSIZE, -EINVAL: it stays as it was. */
int ui_state_take(struct ui_state *s, struct gateway *g, uint64_t now_ms, const cJSON *status,
                  const char *shutdown);
/* Whether the agent answers. */
int ui_state_agent_ok(struct ui_state *s, bool ok);

static inline const struct ui_picture *ui_state_now(const struct ui_state *s) {
        return &s->pictures[s->now];
}
static inline const struct ui_picture *ui_state_before(const struct ui_state *s) {
        return &s->pictures[!s->now];
}

#endif

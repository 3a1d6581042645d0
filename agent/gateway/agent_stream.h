/* agent_stream - one request to this board's agent whose answer is a stream of events, on a
 * connection of its own: a slow reader holds nobody else back. */
#ifndef BRAMBLE_GATEWAY_AGENT_STREAM_H
#define BRAMBLE_GATEWAY_AGENT_STREAM_H

#include <cjson/cJSON.h>

struct agent_stream;
struct gateway;

struct agent_stream_ops {
        /* One event, borrowed.  May pause or close the stream. */
        void (*event)(void *arg, const cJSON *event);
        /* NULL, or: all was told, and this is the agent's last word, borrowed; 'end' follows. */
        void (*reply)(void *arg, const cJSON *reply);
        /* The last call: code 0 where the agent has told all, else an HTTP status and a sentence.
         * The stream is gone after it. */
        void (*end)(void *arg, unsigned code, const char *error);
};

/* 'request' is freed.  Nothing is called before this returns.  -ENOMEM, -EMSGSIZE. */
int agent_stream_open(struct gateway *g, cJSON *request, const struct agent_stream_ops *ops,
                      void *arg, struct agent_stream **ret);
/* No events until resumed: the agent is held back. */
void agent_stream_pause(struct agent_stream *s);
void agent_stream_resume(struct agent_stream *s);
/* Nothing is called any more, and the agent stops.  NULL is a no-op. */
void agent_stream_close(struct agent_stream *s);

#endif

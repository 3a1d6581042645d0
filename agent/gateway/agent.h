/* agent - the gateway's connection to this board's agent: what there is comes in, requests of
 * people and counts of calls go out.  Kept up for ever; while it is down, what was last known
 * stays in use. */
#ifndef BRAMBLE_GATEWAY_AGENT_H
#define BRAMBLE_GATEWAY_AGENT_H

#include <cjson/cJSON.h>

struct agent;
struct agent_request;
struct function;
struct gateway;

/* Begins to connect to the unix socket at 'path' (borrowed).  -ENOMEM, -ENAMETOOLONG. */
int agent_open(struct gateway *g, const char *path, struct agent **ret);
/* Ends it; requests under way are answered with an error.  The loop must run on. */
void agent_close(struct agent *a);
/* Only with the loop done; NULL is a no-op. */
void agent_free(struct agent *a);

/* The path that it was opened with. */
const char *agent_path(const struct agent *a);

/* 'code' is an HTTP status: 0 for success, else 'error' is a sentence.  'reply' is borrowed. */
typedef void (*agent_reply_cb)(void *arg, unsigned code, const char *error, const cJSON *reply);

/* Asks the agent; 'request' is freed.  'done' comes exactly once, unless agent_forget() is called
 * first, never before this returns.  -ENOTCONN while the agent is away, -EBUSY, -ENOMEM. */
int agent_ask(struct agent *a, cJSON *request, agent_reply_cb done, void *arg,
              struct agent_request **ret);
/* The same for what is of no use later: 504 after two seconds. */
int agent_ask_soon(struct agent *a, cJSON *request, agent_reply_cb done, void *arg,
                   struct agent_request **ret);
/* The answer is not wanted any more; the agent does what it was asked nevertheless. */
void agent_forget(struct agent_request *q);

/* Some function was called: within half a second the counts go to the agent. */
void agent_note_calls(struct agent *a);

/* A call waits for a function that has no replica: asks for one, once however many wait.  What
 * comes of it is in the next states; where nothing can come of it, those who wait are failed. */
void agent_wake(struct agent *a, struct function *fn);

#endif

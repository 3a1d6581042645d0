/* event_json - an entry of the log of events as JSON: for people's tools, the page, and from one
 * board to another. */
#ifndef BRAMBLE_IO_EVENT_JSON_H
#define BRAMBLE_IO_EVENT_JSON_H

#include "core/events.h"

#include <cjson/cJSON.h>

/* {"id","unix","age_ms","kind","severity","board","function","text"}, and "alert" (its name) where
 * it is about one.  The caller deletes it. */
cJSON *event_json(const struct event *e, int64_t now_usec);

/* The same back, from another board: -EBADMSG for anything that event_json() does not make (texts
 * that are too long or not printable ASCII, unknown words, an id of 0). */
int event_from_json(const cJSON *o, int64_t now_usec, struct event *ret);

#endif

/* ui_json - JSON for the dashboard: printed compactly, with numbers no finer than anybody looks at,
 * so that what is the same to the eye is not sent again. */
#ifndef BRAMBLE_IO_UI_JSON_H
#define BRAMBLE_IO_UI_JSON_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/* Appends 'v' (NULL: null), rounded by the name that it has in its object: percents to whole ones,
 * bytes to 1 MiB, rates to two digits, degrees to tenths, uptimes to a minute.  -ENOMEM,
 * -EMSGSIZE; -ELOOP for what is nested deeper than JSON from outside may be. */
int ui_json_add(struct buf *out, const cJSON *v);
/* A JSON string. */
int ui_json_text(struct buf *out, const char *text);
/* A number to two digits: "0", "0.25", "1.2", "37", "1400". */
int ui_json_rate(struct buf *out, double v);

#endif

/* ui_act_request - what the page asks for, as what the agent understands. */
#ifndef BRAMBLE_IO_UI_ACT_REQUEST_H
#define BRAMBLE_IO_UI_ACT_REQUEST_H

#include "base/fail.h"
#include "core/session.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct ui_act_request {
        cJSON *request; /* for the agent; the caller's */
        bool off;       /* boards go off by it: its progress is for all who look */
        bool dry_run;
        char once[SESSION_ONCE_MOST + 1];
        char done[128]; /* a sentence, where it worked */
};

/* Reads an action; 'cluster' is what "shutdown-all" has to confirm.  -EINVAL with a sentence that
 * says what to do. */
int ui_act_request_read(const char *text, size_t len, const char *cluster,
                        struct ui_act_request *ret, struct fail *f);

#endif

/* What is posted to /ui/act, and JSON on its way to the page. */
#include "fuzz.h"

#include "io/ui_act_request.h"
#include "io/ui_json.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

static void check_act(const char *text, size_t size) {
        struct ui_act_request act;
        struct fail f = { 0 };
        const cJSON *o;

        if (ui_act_request_read(text, size, "home", &act, &f) < 0) {
                if (!fail_text(&f)[0])
                        abort(); /* nothing is refused without a word */
                return;
        }
        fuzz_took = true;
        if (!act.once[0] || !act.done[0] || !json_text(act.request, "verb", NULL))
                abort();
        cJSON_ArrayForEach(o, act.request) {
                if (cJSON_IsObject(o) || cJSON_IsArray(o))
                        abort(); /* nothing that came is passed on as it came */
        }
        cJSON_Delete(act.request);
}

/* What is printed can be read again, and is one line. */
static void check_json(const char *text, size_t size) {
        cJSON *o = cJSON_ParseWithLength(text, size), *again;
        struct buf b = { .limit = 1024 * 1024 };

        if (o && ui_json_add(&b, o) == 0) {
                if (strpbrk(b.data, "\n\r"))
                        abort();
                again = cJSON_ParseWithLength(b.data, b.len);
                if (!again)
                        abort();
                cJSON_Delete(again);
        }
        cJSON_Delete(o);
        buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        check_act((const char *)data, size);
        check_json((const char *)data, size);
        return 0;
}

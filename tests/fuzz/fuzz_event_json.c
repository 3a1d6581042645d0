/* An entry of the log from another board: what is taken is what event_json() makes. */
#include "fuzz.h"

#include "io/event_json.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const int64_t now = INT64_C(3600000000);
        auto_json cJSON *o = NULL, *again = NULL;
        struct event e, back;

        if (json_parse_object((const char *)data, size, &o, NULL) < 0 ||
            event_from_json(o, now, &e) < 0)
                return 0;
        fuzz_took = true;
        again = event_json(&e, now);
        if (event_from_json(again, now, &back) < 0 || back.id != e.id || back.kind != e.kind ||
            back.severity != e.severity || back.alarm != e.alarm || back.at_usec != e.at_usec ||
            back.unix_ms != e.unix_ms || strcmp(back.text, e.text) != 0 ||
            strcmp(back.board, e.board) != 0 || strcmp(back.function, e.function) != 0)
                abort();
        return 0;
}

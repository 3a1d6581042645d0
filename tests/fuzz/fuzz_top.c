/* What an agent says, in a terminal of any size, while somebody types: nothing but printable
 * characters gets on the screen.  Eight bytes are rows, columns and keys, the rest is JSON.
 * sources: agent/cli/top_act.c agent/cli/top_box.c agent/cli/top_columns.c agent/cli/top_draw.c
 * sources: agent/cli/top_model.c agent/cli/top_screen.c agent/cli/top_ui.c agent/cli/top_view.c */
#include "fuzz.h"

#include "cli/top_draw.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 8 };

static void look(struct top_screen *s, const struct top_model *m, struct top_ui *ui) {
        top_draw(s, m, ui, 100 * USEC_PER_SEC);
        for (int i = 0; i < s->rows * s->cols; i++)
                if (s->cells[i].ch < 0x20 || (s->cells[i].ch > 0x7e && s->cells[i].ch < 0x2000))
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct top_model m;
        static struct top_ui ui;
        struct top_screen s = { 0 };
        cJSON *o = NULL;

        if (size < HEAD || json_parse_object((const char *)data + HEAD, size - HEAD, &o, NULL) < 0)
                return 0;
        fuzz_took = true;
        memset(&m, 0, sizeof(m));
        top_ui_init(&ui);
        s.utf8 = data[0] & 1;
        if (top_screen_size(&s, data[0], data[1]) < 0)
                abort();
        top_model_status(&m, USEC_PER_SEC, o);
        top_model_event(&m, USEC_PER_SEC, o);
        top_model_status(&m, 2 * USEC_PER_SEC, o);
        look(&s, &m, &ui);
        for (int i = 2; i < HEAD; i++) {
                struct top_act act;
                cJSON *request;

                top_ui_key(&ui, &m, data[i] < 128 ? data[i] : TOP_KEY_UP + (data[i] & 15U), &act);
                look(&s, &m, &ui);
                request = top_act_request(&act);
                cJSON_Delete(request);
        }
        cJSON_Delete(o);
        top_screen_done(&s);
        return 0;
}

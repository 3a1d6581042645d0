#include "daemon/locate.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "io/json.h"
#include "io/led.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { ASK_SEC = 10 };

static bool get_seconds(struct request *q, unsigned *ret) {
        uint64_t seconds = LED_SECONDS;

        if (cJSON_HasObjectItem(q->args, "seconds") &&
            json_number(q->args, "seconds", LED_SECONDS_MOST, &seconds) < 0) {
                request_fail(q, 400, "seconds is a whole number up to %d, 0 stops it",
                             LED_SECONDS_MOST);
                return false;
        }
        *ret = (unsigned)seconds;
        return true;
}

/* Another board passes on what a person asked it. */
void verb_locate_here(struct request *q) {
        struct agent *a = q->agent;
        struct fail f = { 0 };
        unsigned seconds;
        cJSON *o;
        int r;

        if (!get_seconds(q, &seconds))
                return;
        r = led_blink(a->led, seconds, &f);
        if (r == -ENOENT) {
                request_fail(q, 409, "%s cannot be found by its LED: %s", a->name, fail_text(&f));
                return;
        }
        if (r < 0) {
                request_fail_errno(q, r, fail_text(&f));
                return;
        }
        if (seconds > 0)
                log_info("the LED %s blinks for %u s: somebody looks for this board",
                         led_name(a->led), seconds);
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "board", a->name);
        (void)cJSON_AddStringToObject(o, "led", led_name(a->led));
        (void)cJSON_AddNumberToObject(o, "seconds", seconds);
        request_reply(q, o);
}

static void on_answer(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;

        if (result < 0)
                request_fail(q, 504, "%.63s does not answer: %s", json_text(q->args, "board", ""),
                             why);
        else
                request_reply(q, cJSON_Duplicate(reply, true));
        request_unref(q);
}

void verb_locate(struct request *q) {
        struct agent *a = q->agent;
        const char *board = json_text(q->args, "board", "");
        const struct world_member *m;
        auto_json cJSON *o = NULL;
        unsigned seconds;
        int r;

        if (!get_seconds(q, &seconds))
                return;
        if (!board[0] || str_eq(board, a->name)) {
                verb_locate_here(q);
                return;
        }
        m = world_member_by_name(&a->world, board);
        if (!m) {
                request_fail(q, 404, "no board is called '%.63s': agentctl status", board);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "verb", "locate-here");
        (void)cJSON_AddNumberToObject(o, "seconds", seconds);
        r = api_ask_board(a, m->node, o, ASK_SEC, on_answer, request_ref(q), NULL);
        if (r < 0)
                on_answer(q, r, "it cannot be reached", NULL);
}

int locate_open(struct agent *a) {
        char path[SIZE_PATH + 8];
        int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* kept as long as the process */

        if (root < 0)
                return -errno;
        (void)snprintf(path, sizeof(path), "%s/led", a->config.run_dir);
        return led_open(a->loop, root, path, &a->led);
}

void locate_close(struct agent *a) {
        led_close(a->led);
        a->led = NULL;
}

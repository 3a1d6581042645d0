/* top_act - what can be done with a board or a function, and how the agent is asked for it. */
#include "cli/top_ui.h"

#include <stdio.h>
#include <string.h>

enum { LOCATE_SEC = 10, LOG_LINES = 100 };

static const struct top_verb_text verbs[TOP_VERBS] = {
        [TOP_NOTHING] = { "", 0, TOP_PANES, "", NULL },
        [TOP_LOCATE] = { "locate", 'l', TOP_PANE_BOARDS, "blink its LED for 10 seconds", NULL },
        [TOP_DRAIN] = { "drain", 'd', TOP_PANE_BOARDS, "move its work to other boards",
                        "its functions move to other boards, and no new ones come" },
        [TOP_UNCORDON] = { "uncordon", 'u', TOP_PANE_BOARDS, "let it have work again",
                           "it may have functions again" },
        [TOP_REBOOT] = { "reboot", 'b', TOP_PANE_BOARDS, "stop it in order and start it again",
                         "its functions stop, and come back with it" },
        [TOP_SHUTDOWN] = { "shutdown", 'o', TOP_PANE_BOARDS, "switch it off in order",
                           "somebody must pull and plug its power to start it again" },
        [TOP_SCALE] = { "scale", 'c', TOP_PANE_FUNCTIONS, "change the number of its replicas",
                        "this is done at once" },
        [TOP_REMOVE] = { "remove", 'x', TOP_PANE_FUNCTIONS, "take it out of the bramble",
                         "nothing of it is kept but its image" },
        [TOP_LOGS] = { "logs", 'l', TOP_PANE_FUNCTIONS, "what it writes, on all boards", NULL },
};

const struct top_verb_text *top_verb_text(enum top_verb verb) {
        return &verbs[verb];
}

char *top_act_text(const struct top_act *act, char *dst, size_t size) {
        const char *name = verbs[act->verb].name;

        if (verbs[act->verb].pane == TOP_PANE_BOARDS)
                (void)snprintf(dst, size, "%s %s", name, act->board);
        else if (act->verb == TOP_SCALE)
                (void)snprintf(dst, size, "%s %s to %u", name, act->function, act->replicas);
        else
                (void)snprintf(dst, size, "%s %s", name, act->function);
        return dst;
}

cJSON *top_act_request(const struct top_act *act) {
        cJSON *o = cJSON_CreateObject();
        const char *verb = act->verb == TOP_REBOOT ? "shutdown" : verbs[act->verb].name;

        (void)cJSON_AddStringToObject(o, "verb", verb);
        switch (act->verb) {
        case TOP_LOCATE:
                (void)cJSON_AddNumberToObject(o, "seconds", LOCATE_SEC);
                (void)cJSON_AddStringToObject(o, "board", act->board);
                break;
        case TOP_DRAIN:
        case TOP_UNCORDON:
                (void)cJSON_AddStringToObject(o, "board", act->board);
                break;
        case TOP_REBOOT:
        case TOP_SHUTDOWN:
                (void)cJSON_AddStringToObject(o, "only", act->board);
                (void)cJSON_AddBoolToObject(o, "reboot", act->verb == TOP_REBOOT);
                break;
        case TOP_SCALE:
                (void)cJSON_AddNumberToObject(o, "replicas", act->replicas);
                (void)cJSON_AddStringToObject(o, "name", act->function);
                (void)cJSON_AddStringToObject(o, "namespace", act->namespace);
                break;
        case TOP_LOGS:
                (void)cJSON_AddNumberToObject(o, "tail", LOG_LINES);
                (void)cJSON_AddTrueToObject(o, "follow");
                (void)cJSON_AddStringToObject(o, "name", act->function);
                (void)cJSON_AddStringToObject(o, "namespace", act->namespace);
                break;
        case TOP_REMOVE:
                (void)cJSON_AddStringToObject(o, "name", act->function);
                (void)cJSON_AddStringToObject(o, "namespace", act->namespace);
                break;
        case TOP_NOTHING:
        case TOP_VERBS:
                break;
        }
        return o;
}

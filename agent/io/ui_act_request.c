#include "io/ui_act_request.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/names.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>

enum {
        BOARD = 1 << 0,   /* names one */
        NAME = 1 << 1,    /* and a new name */
        ONLY = 1 << 2,    /* the agent calls the board "only" */
        REBOOT = 1 << 3,  /* comes back */
        CONFIRM = 1 << 4, /* wants the cluster's name */
        OFF = 1 << 5,     /* boards go off: streamed, and can be tried dry */
        LOCATE = 1 << 6,
};

enum { LOCATE_SECONDS = 30 };

static const struct action {
        const char *verb, *agent_verb;
        unsigned flags;
        const char *before, *after; /* the sentence around the board's name, where it worked */
} table[] = {
        { "locate", "locate", BOARD | LOCATE, "The LED of ", " blinks for half a minute." },
        { "drain", "drain", BOARD, "Work moves off ", ", which gets no new." },
        { "uncordon", "uncordon", BOARD, "", " takes work again." },
        { "rename", "rename", BOARD | NAME, "", " has its new name." },
        { "reboot", "shutdown", BOARD | ONLY | REBOOT | OFF, "", " reboots." },
        { "shutdown", "shutdown", BOARD | ONLY | OFF, "", " is being shut down." },
        { "shutdown-all", "shutdown", CONFIRM | OFF, "All boards are being shut down", "." },
};

static const struct action *find(const char *verb) {
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (str_eq(table[i].verb, verb))
                        return &table[i];
        return NULL;
}

static int read_name(const cJSON *o, const char *key, const char **ret, struct fail *f) {
        *ret = json_text(o, key, "");
        return names_valid(*ret) ? 0 : fail(f, -EINVAL, "'%s' has to be a board's name.", key);
}

static int check(const struct action *a, const cJSON *o, const char *cluster, bool dry_run,
                 struct fail *f) {
        if (dry_run && !(a->flags & OFF))
                return fail(f, -EINVAL, "Only a shutdown can be tried dry.");
        if ((a->flags & CONFIRM) && !dry_run && !str_eq(json_text(o, "confirm", ""), cluster))
                return fail(f, -EINVAL,
                            "Shutting down all boards wants the cluster's name as 'confirm'.");
        return 0;
}

static int fill(const struct action *a, const cJSON *o, struct ui_act_request *ret,
                struct fail *f) {
        const char *board = "", *name = "";
        int r = a->flags & BOARD ? read_name(o, "board", &board, f) : 0;

        if (r == 0 && (a->flags & NAME))
                r = read_name(o, "name", &name, f);
        if (r < 0)
                return r;
        (void)cJSON_AddStringToObject(ret->request, "verb", a->agent_verb);
        if (a->flags & BOARD)
                (void)cJSON_AddStringToObject(ret->request, a->flags & ONLY ? "only" : "board",
                                              board);
        if (a->flags & NAME)
                (void)cJSON_AddStringToObject(ret->request, "name", name);
        if (a->flags & LOCATE)
                (void)cJSON_AddNumberToObject(ret->request, "seconds", LOCATE_SECONDS);
        if (a->flags & OFF) {
                (void)cJSON_AddBoolToObject(ret->request, "reboot", (a->flags & REBOOT) != 0);
                (void)cJSON_AddBoolToObject(ret->request, "dry_run", ret->dry_run);
        }
        ret->off = (a->flags & OFF) != 0;
        if (ret->dry_run)
                (void)snprintf(ret->done, sizeof(ret->done),
                               "This is what would happen; nothing was done.");
        else
                (void)snprintf(ret->done, sizeof(ret->done), "%s%s%s", a->before, board, a->after);
        return 0;
}

int ui_act_request_read(const char *text, size_t len, const char *cluster,
                        struct ui_act_request *ret, struct fail *f) {
        struct ui_act_request act = { 0 };
        const struct action *a;
        auto_json cJSON *o = NULL;
        int r;

        if (len == 0 || json_parse_object(text, len, &o, f) < 0)
                return fail(f, -EINVAL, "A JSON object is wanted that says what to do.");
        a = find(json_text(o, "verb", ""));
        if (!a)
                return fail(f, -EINVAL, "There is no such action.");
        if (str_copy(act.once, sizeof(act.once), json_text(o, "once", "")) < 0 || !act.once[0])
                return fail(f, -EINVAL, "Each action wants a 'once': an id that was not used yet.");
        act.dry_run = json_bool(o, "dry_run");
        r = check(a, o, cluster, act.dry_run, f);
        if (r < 0)
                return r;
        act.request = cJSON_CreateObject();
        r = act.request ? fill(a, o, &act, f) : fail(f, -ENOMEM, "The gateway is out of memory.");
        if (r < 0)
                cJSON_Delete(act.request);
        else
                *ret = act;
        return r;
}

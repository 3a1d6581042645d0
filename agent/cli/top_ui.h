/* top_ui - what a person does in `agentctl top`: keys in, what to show and to do out.  Pure. */
#ifndef BRAMBLE_CLI_TOP_UI_H
#define BRAMBLE_CLI_TOP_UI_H

#include "cli/top_view.h"

/* Keys that are no character; the others are characters of Unicode. */
enum {
        TOP_KEY_UP = 0x110000,
        TOP_KEY_DOWN,
        TOP_KEY_PAGE_UP,
        TOP_KEY_PAGE_DOWN,
        TOP_KEY_HOME,
        TOP_KEY_END,
        TOP_KEY_BACK_TAB,
        TOP_KEY_BACKSPACE,
        TOP_KEY_ENTER,
        TOP_KEY_ESCAPE,
        TOP_KEY_TAB = '\t',
};

enum top_verb {
        TOP_NOTHING,
        TOP_LOCATE,
        TOP_DRAIN,
        TOP_UNCORDON,
        TOP_REBOOT,
        TOP_SHUTDOWN,
        TOP_SCALE,
        TOP_REMOVE,
        TOP_LOGS,
        TOP_VERBS,
};

/* What is to be done, and to whom: names as they were when the person chose them. */
struct top_act {
        enum top_verb verb;
        char board[SIZE_NAME], function[SIZE_NAME], namespace[SIZE_NAME];
        unsigned replicas;
};

struct top_verb_text {
        const char *name;
        uint32_t key;
        enum top_pane pane;
        const char *help;    /* what it does */
        const char *warning; /* what to know before; NULL: done without a question */
};
const struct top_verb_text *top_verb_text(enum top_verb verb);

/* The request to the agent; the caller deletes it. */
cJSON *top_act_request(const struct top_act *act);
/* "drain w1". */
char *top_act_text(const struct top_act *act, char *dst, size_t size);

enum top_mode {
        TOP_LIST,
        TOP_FILTERING,
        TOP_MENU,
        TOP_CONFIRM,
        TOP_NUMBER, /* of replicas */
        TOP_HELP,
        TOP_READING, /* the logs of a function */
};

enum { TOP_LINES = 500, TOP_LINE = 240 };

struct top_ui {
        enum top_mode mode;
        enum top_pane pane;
        struct {
                struct top_order order;
                char selected[TOP_KEY];
                unsigned at;    /* where the selected row stands */
                unsigned first; /* the uppermost row that is seen */
                int seen;       /* rows that there is room for; the drawing says so */
        } panes[TOP_PANES];
        struct top_act act; /* being chosen, confirmed; or whose lines are read */
        char input[TOP_FILTER];
        char said[160]; /* the last thing that was done, or why not */
        bool said_bad;
        bool quit;
        struct { /* TOP_READING */
                unsigned n, first;
                bool follow; /* the end stays in sight */
                int seen;
                char lines[TOP_LINES][TOP_LINE];
        } text;
};

void top_ui_init(struct top_ui *ui);
/* One key.  'ret' is what is to be done now; TOP_NOTHING most of the time. */
void top_ui_key(struct top_ui *ui, const struct top_model *m, uint32_t key, struct top_act *ret);
/* After the model changed: the selection stays on its row. */
void top_ui_settle(struct top_ui *ui, const struct top_model *m, enum top_pane pane,
                   struct top_view *view);

/* What came of it. */
void top_ui_say(struct top_ui *ui, bool bad, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void top_ui_line(struct top_ui *ui, const char *line);

#endif

/* top_columns - the columns of the panes: how a cell looks, and which of two is the greater. */
#include "base/str.h"
#include "cli/top_view.h"
#include "core/drain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BUSY = 900, FULL = 900, NEAR_C = 5 }; /* thousandths; degrees below a limit */

#define CELL(name)                                                                          \
        static void name(struct top_screen *s, int row, int col, int width, unsigned style, \
                         const void *item, __attribute__((unused)) usec_t now)
#define ORDER(name, type, a, b, result)                       \
        static int name(const void *a##_, const void *b##_) { \
                const struct type *a = a##_, *b = b##_;       \
                return (result);                              \
        }
#define COMPARE(x, y) (((x) > (y)) - ((x) < (y)))

/* ---- boards ---- */

const char *top_heat(const struct top_board *b) {
        int c = b->temperature / 10, limit = b->throttle ? b->throttle : 80;

        if (b->temperature == TOP_NONE)
                return "";
        if (b->hard && c >= b->hard)
                return "HOT!";
        if (c >= limit)
                return "hot";
        return c >= limit - NEAR_C || (b->soft && c >= b->soft) ? "warm" : "";
}

static const char *state_of(const struct top_board *b) {
        const char *word = drain_word(b->cordoned, b->drained);

        if (!b->up)
                return b->state[0] ? b->state : "unknown";
        return word[0] ? word : b->role;
}

CELL(board_name) {
        const struct top_board *b = item;
        char text[SIZE_NAME + 2];

        (void)snprintf(text, sizeof(text), "%s%s", b->name[0] ? b->name : "(no name)",
                       b->leader ? "*" : "");
        (void)top_put(s, row, col, width, style, text);
}

CELL(board_state) {
        const struct top_board *b = item;

        (void)top_put(s, row, col, width,
                      style | (!b->up                      ? TOP_BAD | TOP_BOLD
                               : b->cordoned || b->drained ? TOP_WARN
                                                           : 0),
                      state_of(b));
}

static void usage(struct top_screen *s, int row, int col, int width, unsigned style, int permille,
                  int limit) {
        char text[16];

        if (permille == TOP_NONE) {
                (void)top_put(s, row, col, width, style, "-");
                return;
        }
        if (permille >= limit)
                style |= TOP_WARN | TOP_BOLD;
        if (width > 5)
                top_bar(s, row, col, width - 5, style, (unsigned)permille);
        (void)snprintf(text, sizeof(text), "%3d%%", (permille + 5) / 10);
        (void)top_put(s, row, col + (width > 5 ? width - 4 : 0), 4, style, text);
}

CELL(board_cpu) {
        usage(s, row, col, width, style, ((const struct top_board *)item)->cpu, BUSY);
}

CELL(board_ram) {
        usage(s, row, col, width, style, ((const struct top_board *)item)->ram, FULL);
}

CELL(board_disk) {
        const struct top_board *b = item;

        usage(s, row, col, width, style, b->up ? b->disk : TOP_NONE, FULL);
}

/* "61/80 C": the degrees beside those at which this board slows down, and a word where it is near.
 */
CELL(board_temperature) {
        const struct top_board *b = item;
        const char *word = top_heat(b);
        char text[32];

        if (b->temperature == TOP_NONE)
                (void)snprintf(text, sizeof(text), "-");
        else if (b->throttle)
                (void)snprintf(text, sizeof(text), "%d/%d C %s", b->temperature / 10, b->throttle,
                               word);
        else
                (void)snprintf(text, sizeof(text), "%d C %s", b->temperature / 10, word);
        (void)top_put(s, row, col, width,
                      style | (!word[0]               ? 0
                               : str_eq(word, "warm") ? TOP_WARN
                                                      : TOP_BAD | TOP_BOLD),
                      text);
}

CELL(board_power) {
        const struct top_board *b = item;

        (void)top_put(s, row, col, width, style | (b->up && b->power_bad ? TOP_BAD | TOP_BOLD : 0),
                      b->up && b->power[0] ? b->power : "-");
}

CELL(board_net) {
        const struct top_board *b = item;
        char size[16], text[24];

        (void)snprintf(text, sizeof(text), "%s/s", str_size(size, b->net));
        top_put_right(s, row, col, width, style, b->up ? text : "-");
}

CELL(board_functions) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%u", ((const struct top_board *)item)->functions);
        top_put_right(s, row, col, width, style, text);
}

CELL(board_uptime) {
        const struct top_board *b = item;
        char text[16];

        top_put_right(s, row, col, width, style, b->up ? str_duration(text, b->uptime) : "-");
}

CELL(board_kubernetes) {
        const struct top_board *b = item;

        (void)top_put(s, row, col, width, style, b->kubernetes[0] ? b->kubernetes : "-");
}

CELL(board_model) {
        const struct top_board *b = item;

        (void)top_put(s, row, col, width, style,
                      width > 12 && b->model[0] ? b->model
                      : b->board[0]             ? b->board
                                                : "?");
}

ORDER(by_name, top_board, a, b, strverscmp(a->name, b->name))
ORDER(by_state, top_board, a, b, strcmp(state_of(a), state_of(b)))
ORDER(by_cpu, top_board, a, b, COMPARE(b->cpu, a->cpu))
ORDER(by_ram, top_board, a, b, COMPARE(b->ram, a->ram))
ORDER(by_temperature, top_board, a, b, COMPARE(b->temperature, a->temperature))
ORDER(by_power, top_board, a, b, COMPARE(b->power_bad, a->power_bad))
ORDER(by_net, top_board, a, b, COMPARE(b->net, a->net))
ORDER(by_functions, top_board, a, b, COMPARE(b->functions, a->functions))
ORDER(by_uptime, top_board, a, b, COMPARE(a->uptime, b->uptime))
ORDER(by_disk, top_board, a, b, COMPARE(b->disk, a->disk))
ORDER(by_model, top_board, a, b, strcmp(a->board, b->board))
ORDER(by_kubernetes, top_board, a, b, strcmp(a->kubernetes, b->kubernetes))

static const struct top_column boards[] = {
        { "NAME", 6, 16, 0, false, board_name, by_name },
        { "STATE", 8, 8, 0, false, board_state, by_state },
        { "CPU", 12, 20, 1, false, board_cpu, by_cpu },
        { "RAM", 12, 20, 2, false, board_ram, by_ram },
        { "TEMP", 12, 15, 3, false, board_temperature, by_temperature },
        { "POWER", 8, 34, 4, false, board_power, by_power },
        { "NET", 9, 9, 6, true, board_net, by_net },
        { "FN", 3, 4, 5, true, board_functions, by_functions },
        { "UP", 6, 6, 7, true, board_uptime, by_uptime },
        { "DISK", 12, 16, 8, false, board_disk, by_disk },
        { "KUBERNETES", 10, 13, 9, false, board_kubernetes, by_kubernetes },
        { "MODEL", 8, 32, 10, false, board_model, by_model },
};
_Static_assert(sizeof(boards) / sizeof(boards[0]) <= TOP_COLUMNS, "they fit");

/* ---- functions ---- */

CELL(function_name) {
        (void)top_put(s, row, col, width, style, ((const struct top_function *)item)->name);
}

CELL(function_namespace) {
        (void)top_put(s, row, col, width, style, ((const struct top_function *)item)->namespace);
}

CELL(function_ready) {
        const struct top_function *f = item;
        bool few = f->ready < f->wanted;

        (void)top_putf(s, row, col, width, style | (few ? TOP_WARN | TOP_BOLD : 0), "%u of %u%s",
                       f->ready, f->wanted, few ? " !" : "");
}

CELL(function_rate) {
        const struct top_function *f = item;
        char text[16];

        if (f->rate == TOP_NONE)
                (void)snprintf(text, sizeof(text), "-");
        else
                (void)snprintf(text, sizeof(text), "%d.%d", f->rate / 10, f->rate % 10);
        top_put_right(s, row, col, width, style, text);
}

CELL(function_calls) {
        char text[24];

        (void)snprintf(text, sizeof(text), "%" PRIu64, ((const struct top_function *)item)->calls);
        top_put_right(s, row, col, width, style, text);
}

/* Where it runs; or why it does not. */
CELL(function_where) {
        const struct top_function *f = item;

        (void)top_put(s, row, col, width, style,
                      f->reason[0]  ? f->reason
                      : f->where[0] ? f->where
                                    : "-");
}

CELL(function_image) {
        (void)top_put(s, row, col, width, style, ((const struct top_function *)item)->image);
}

ORDER(by_function, top_function, a, b, strverscmp(a->name, b->name))
ORDER(by_namespace, top_function, a, b, strcmp(a->namespace, b->namespace))
ORDER(by_ready, top_function, a, b, COMPARE(b->ready, a->ready))
ORDER(by_rate, top_function, a, b, COMPARE(b->rate, a->rate))
ORDER(by_calls, top_function, a, b, COMPARE(b->calls, a->calls))
ORDER(by_where, top_function, a, b, strcmp(a->where, b->where))
ORDER(by_image, top_function, a, b, strcmp(a->image, b->image))

static const struct top_column functions[] = {
        { "NAME", 14, 26, 0, false, function_name, by_function },
        { "NAMESPACE", 11, 16, 5, false, function_namespace, by_namespace },
        { "READY", 10, 10, 0, false, function_ready, by_ready },
        { "CALLS/S", 8, 8, 2, true, function_rate, by_rate },
        { "CALLS", 9, 12, 3, true, function_calls, by_calls },
        { "WHERE", 16, 60, 1, false, function_where, by_where },
        { "IMAGE", 20, 70, 6, false, function_image, by_image },
};

/* ---- events ---- */

CELL(event_age) {
        const struct top_event *e = item;
        char text[16];

        top_put_right(s, row, col, width, style,
                      str_duration(text, usec_sub(now, e->at) / USEC_PER_SEC));
}

/* A sign beside the colour. */
CELL(event_severity) {
        const struct top_event *e = item;

        (void)top_put(s, row, col, width,
                      style | (e->severity == TOP_ERROR     ? TOP_BAD | TOP_BOLD
                               : e->severity == TOP_WARNING ? TOP_WARN
                                                            : 0),
                      e->severity == TOP_ERROR     ? "error"
                      : e->severity == TOP_WARNING ? "warning"
                                                   : "info");
}

CELL(event_board) {
        const struct top_event *e = item;

        (void)top_put(s, row, col, width, style, e->board[0] ? e->board : "-");
}

CELL(event_text) {
        (void)top_put(s, row, col, width, style, ((const struct top_event *)item)->text);
}

ORDER(by_age, top_event, a, b, COMPARE(b->at, a->at))
ORDER(by_severity, top_event, a, b, COMPARE(b->severity, a->severity))
ORDER(by_board, top_event, a, b, strverscmp(a->board, b->board))

static const struct top_column events[] = {
        { "AGO", 6, 6, 0, true, event_age, by_age },
        { "HOW", 7, 7, 2, false, event_severity, by_severity },
        { "BOARD", 6, 12, 1, false, event_board, by_board },
        { "WHAT", 20, TOP_COLS, 0, false, event_text, NULL },
};

const struct top_column *top_columns(enum top_pane pane, unsigned *ret_n) {
        switch (pane) {
        case TOP_PANE_BOARDS:
                *ret_n = sizeof(boards) / sizeof(boards[0]);
                return boards;
        case TOP_PANE_FUNCTIONS:
                *ret_n = sizeof(functions) / sizeof(functions[0]);
                return functions;
        case TOP_PANE_EVENTS:
        case TOP_PANES:
                break;
        }
        *ret_n = sizeof(events) / sizeof(events[0]);
        return events;
}

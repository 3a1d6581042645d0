/* agentctl top without a terminal: what it knows, which rows it shows, what keys do, and how it is
 * laid out. */
#include "cli/top_draw.h"

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define NOW (1000 * USEC_PER_SEC)

static struct top_model m;
static struct top_ui ui;
static struct top_screen s;

#define BOARD(name, id, state, cpu, temp, more)                                           \
        "{\"name\":\"" name "\",\"id\":\"" id "\",\"role\":\"worker\",\"state\":\"" state \
        "\",\"address\":\"10.0.0.1\",\"cpu_percent\":" cpu ",\"temperature_c\":" temp     \
        ",\"memory\":{\"total_bytes\":1000000000,\"available_bytes\":250000000},"         \
        "\"board\":{\"id\":\"3B+\",\"model\":\"Raspberry Pi 3\",\"cores\":4,"             \
        "\"clock_mhz\":1400,\"soft_temp_c\":60,\"throttle_c\":80,\"hard_c\":85},"         \
        "\"power\":{\"words\":\"ok\",\"under_voltage\":false},\"functions\":2,"           \
        "\"uptime_seconds\":7200" more "}"
#define FUNCTION(name, ready, calls)                                                     \
        "{\"name\":\"" name "\",\"namespace\":\"openfaas-fn\",\"image\":\"bramble/" name \
        "\",\"replicas\":2,\"available_replicas\":" ready ",\"invocations\":" calls      \
        ",\"placements\":[{\"node\":\"w1\"},{\"node\":\"w10\"}]}"

static const char *const first =
        "{\"cluster\":\"home\",\"master\":\"m1\",\"leader\":\"m1\",\"voters\":3,\"voters_up\":3,"
        "\"nodes\":[" BOARD("w10", "a", "up", "5.5", "41.2", "") "," BOARD(
                "w2", "b", "up", "93", "81.5",
                ",\"cordoned\":true") "," BOARD("m1", "c", "up", "20", "60.5",
                                                ",\"leader\":true") "," BOARD("w1", "d", "down",
                                                                              "0", "null",
                                                                              "") "],"
                                                                                  "\"functions\":"
                                                                                  "[" FUNCTION(
                                                                                          "web",
                                                                                          "1",
                                                                                          "100") "," FUNCTION("hello",
                                                                                                              "2",
                                                                                                              "7") "]}";

static void feed(usec_t at, const char *json) {
        cJSON *o = cJSON_Parse(json);

        assert_non_null(o);
        top_model_status(&m, at, o);
        cJSON_Delete(o);
}

static void event(usec_t at, const char *json) {
        cJSON *o = cJSON_Parse(json);

        assert_non_null(o);
        top_model_event(&m, at, o);
        cJSON_Delete(o);
}

static int begin(void **state) {
        (void)state;
        memset(&m, 0, sizeof(m));
        top_ui_init(&ui);
        s.utf8 = false;
        feed(NOW, first);
        return top_screen_size(&s, 24, 80);
}

static void draw(usec_t at) {
        top_draw(&s, &m, &ui, at);
}

/* The row that has 'text', or -1. */
static int row_with(const char *text) {
        char row[TOP_COLS * 4];

        for (int i = 0; i < s.rows; i++)
                if (strstr(top_row_text(&s, i, row, sizeof(row)), text))
                        return i;
        return -1;
}

static void shown(const char *text) {
        char row[TOP_COLS * 4];

        if (row_with(text) >= 0)
                return;
        for (int i = 0; i < s.rows; i++)
                print_message("|%s\n", top_row_text(&s, i, row, sizeof(row)));
        fail_msg("'%s' is not on the screen", text);
}

static void not_shown(const char *text) {
        assert_int_equal(row_with(text), -1);
}

static struct top_act key(uint32_t k) {
        struct top_act act;

        top_ui_key(&ui, &m, k, &act);
        draw(NOW);
        return act;
}

static void type(const char *text) {
        for (; *text; text++)
                (void)key((unsigned char)*text);
}

/* "a b c": the names of a pane in their order. */
static const char *names(enum top_pane pane) {
        static char text[512];
        struct top_view view;

        text[0] = '\0';
        top_view(&m, pane, &ui.panes[pane].order, &view);
        for (unsigned i = 0; i < view.n; i++)
                (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                               i ? " " : "",
                               pane == TOP_PANE_BOARDS      ? m.boards[view.rows[i]].name
                               : pane == TOP_PANE_FUNCTIONS ? m.functions[view.rows[i]].name
                                                            : m.events[view.rows[i]].text);
        return text;
}

/* ---- what is known ---- */

static void model(void **state) {
        const struct top_board *b = &m.boards[1];

        (void)state;
        assert_string_equal(m.cluster, "home");
        assert_int_equal(m.n_boards, 4);
        assert_int_equal(m.up, 3);
        assert_int_equal(m.voters_up, 3);
        assert_int_equal(b->cpu, 930);
        assert_int_equal(b->ram, 750);
        assert_int_equal(b->temperature, 815);
        assert_int_equal(b->throttle, 80);
        assert_true(b->cordoned && !m.boards[0].cordoned);
        assert_int_equal(m.boards[3].temperature, TOP_NONE);
        assert_string_equal(m.functions[0].where, "w1 w10");
        assert_int_equal(m.functions[0].rate, TOP_NONE); /* after one look */
}

static void rate_of_calls(void **state) {
        char later[4096];
        char *at;

        (void)state;
        (void)snprintf(later, sizeof(later), "%s", first);
        at = strstr(later, "\"invocations\":100");
        assert_non_null(at);
        memcpy(at, "\"invocations\":125", 17);
        feed(NOW + 2 * USEC_PER_SEC, later);
        assert_int_equal(m.functions[0].rate, 125); /* tenths: 25 calls in 2 s */
        assert_int_equal(m.functions[1].rate, 0);
        feed(NOW + 4 * USEC_PER_SEC, first); /* counted anew: nobody knows */
        assert_int_equal(m.functions[0].rate, TOP_NONE);
}

static void nonsense(void **state) {
        (void)state;
        feed(NOW, "{\"nodes\":[1,\"x\",null],\"functions\":{\"a\":1},\"alerts\":7,"
                  "\"voters_up\":null}");
        assert_int_equal(m.n_boards, 0);
        assert_int_equal(m.n_functions, 0);
        assert_int_equal(m.voters_up, TOP_NONE);
        feed(NOW, "{\"nodes\":[{\"name\":7,\"cpu_percent\":1e300,\"temperature_c\":-1e300,"
                  "\"memory\":{\"total_bytes\":-5},\"uptime_seconds\":1e300}]}");
        assert_int_equal(m.n_boards, 1);
        assert_int_equal(m.boards[0].ram, TOP_NONE);
        draw(NOW);
        shown("(no name)");
}

/* More than there is room for is left out, and nothing is written behind. */
static void limits(void **state) {
        cJSON *o = cJSON_CreateObject(), *nodes = cJSON_AddArrayToObject(o, "nodes");
        cJSON *functions = cJSON_AddArrayToObject(o, "functions");
        char long_name[1000];

        (void)state;
        memset(long_name, 'n', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        for (int i = 0; i < 1000; i++) {
                cJSON *n = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(n, "name", long_name);
                (void)cJSON_AddItemToArray(nodes, n);
                (void)cJSON_AddItemToArray(functions, cJSON_Duplicate(n, true));
        }
        top_model_status(&m, NOW, o);
        cJSON_Delete(o);
        assert_int_equal(m.n_boards, TOP_BOARDS);
        assert_int_equal(m.n_functions, TOP_FUNCTIONS);
        assert_int_equal(strlen(m.boards[0].name), SIZE_NAME - 1);
        draw(NOW);
        for (int i = 1; i <= TOP_EVENTS + 10; i++) {
                char json[64];

                (void)snprintf(json, sizeof(json), "{\"id\":%d,\"text\":\"event %d\"}", i, i);
                event(NOW, json);
        }
        assert_int_equal(m.n_events, TOP_EVENTS);
        assert_int_equal(m.events[0].id, 11);
        assert_int_equal(top_model_since(&m), TOP_EVENTS + 10);
}

static void events(void **state) {
        (void)state;
        event(NOW, "{\"id\":5,\"age_ms\":61000,\"severity\":\"warning\",\"board\":\"w2\","
                   "\"kind\":\"lost\",\"text\":\"w2 is lost\"}");
        event(NOW, "{\"id\":6,\"age_ms\":0,\"severity\":\"info\",\"text\":\"m1 leads\"}");
        event(NOW, "{\"id\":6,\"age_ms\":0,\"text\":\"again\"}");
        assert_int_equal(m.n_events, 2);
        assert_string_equal(names(TOP_PANE_EVENTS), "m1 leads w2 is lost");
        draw(NOW + 60 * USEC_PER_SEC);
        shown(" 2 min warning w2");
        shown("m1 leads");
}

/* ---- which rows ---- */

static void sorting(void **state) {
        (void)state;
        assert_string_equal(names(TOP_PANE_BOARDS), "m1 w1 w2 w10");
        (void)key('r');
        assert_string_equal(names(TOP_PANE_BOARDS), "w10 w2 w1 m1");
        type("ss"); /* state, CPU */
        assert_string_equal(names(TOP_PANE_BOARDS), "w2 m1 w10 w1");
        shown("by CPU");
        type("ss"); /* RAM, TEMP */
        assert_string_equal(names(TOP_PANE_BOARDS), "w2 m1 w10 w1");
        shown("by TEMP");
        (void)key('r');
        assert_string_equal(names(TOP_PANE_BOARDS), "w1 w10 m1 w2");
        shown("by TEMP, reversed");
        (void)key('2');
        assert_string_equal(names(TOP_PANE_FUNCTIONS), "hello web");
        type("ssss");
        assert_string_equal(names(TOP_PANE_FUNCTIONS), "web hello"); /* CALLS */
}

static void filter_keys(void **state) {
        (void)state;
        type("/W1");
        assert_string_equal(names(TOP_PANE_BOARDS), "w1 w10");
        shown("filter: W1_");
        (void)key(TOP_KEY_BACKSPACE);
        (void)key('2');
        assert_string_equal(names(TOP_PANE_BOARDS), "w2");
        (void)key(TOP_KEY_ENTER);
        shown("1 of 4");
        shown("only 'W2'");
        (void)key(TOP_KEY_ESCAPE);
        assert_string_equal(names(TOP_PANE_BOARDS), "m1 w1 w2 w10");
        type("/nowhere");
        shown("no row has the filter's text");
        assert_false(ui.quit); /* a q that is typed is a letter */
        (void)key('q');
        assert_false(ui.quit);
        (void)key(TOP_KEY_ESCAPE);
        not_shown("no row has");
        type("/drain");
        assert_string_equal(names(TOP_PANE_BOARDS), "w2");
}

/* The selection stays on its board, however the rows move. */
static void selection(void **state) {
        struct top_act act;

        (void)state;
        (void)key(TOP_KEY_DOWN);
        (void)key(TOP_KEY_DOWN); /* w2 */
        (void)key('r');
        act = key('l');
        assert_int_equal(act.verb, TOP_LOCATE);
        assert_string_equal(act.board, "w2");
        type("ss");
        act = key('l');
        assert_string_equal(act.board, "w2");
        (void)key(TOP_KEY_HOME);
        (void)key(TOP_KEY_UP);
        act = key('l');
        assert_string_equal(act.board, "w2"); /* the busiest */
        (void)key(TOP_KEY_END);
        (void)key(TOP_KEY_DOWN);
        act = key('l');
        assert_string_equal(act.board, "w1");
}

/* ---- what is done ---- */

static void act_is(const struct top_act *act, const char *want) {
        cJSON *o = top_act_request(act);
        char *text = cJSON_PrintUnformatted(o);

        assert_string_equal(text, want);
        free(text);
        cJSON_Delete(o);
}

static void acts_on_boards(void **state) {
        static const struct {
                char key;
                const char *want;
        } tests[] = {
                { 'd', "{\"verb\":\"drain\",\"board\":\"m1\"}" },
                { 'u', "{\"verb\":\"uncordon\",\"board\":\"m1\"}" },
                { 'b', "{\"verb\":\"shutdown\",\"only\":\"m1\",\"reboot\":true}" },
                { 'o', "{\"verb\":\"shutdown\",\"only\":\"m1\",\"reboot\":false}" },
        };
        struct top_act act = key('l');

        (void)state;
        act_is(&act, "{\"verb\":\"locate\",\"seconds\":10,\"board\":\"m1\"}");
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
                act = key((unsigned char)tests[i].key);
                assert_int_equal(act.verb, TOP_NOTHING); /* a question first */
                shown(" m1?");
                act = key('n');
                assert_int_equal(act.verb, TOP_NOTHING);
                shown("nothing was done");
                (void)key((unsigned char)tests[i].key);
                act = key('Y'); /* only a plain y */
                assert_int_equal(act.verb, TOP_NOTHING);
                act = key('y');
                act_is(&act, tests[i].want);
                assert_int_equal(ui.mode, TOP_LIST);
        }
}

static void acts_on_functions(void **state) {
        struct top_act act;

        (void)state;
        (void)key(TOP_KEY_TAB);
        (void)key('c');
        shown("hello: how many replicas? 2_");
        (void)key(TOP_KEY_BACKSPACE);
        type("x5");
        (void)key(TOP_KEY_ENTER);
        shown("scale hello to 5?");
        act = key('y');
        act_is(&act, "{\"verb\":\"scale\",\"replicas\":5,\"name\":\"hello\",\"namespace\":"
                     "\"openfaas-fn\"}");
        (void)key('c');
        type("999");
        act = key(TOP_KEY_ENTER);
        assert_int_equal(act.verb, TOP_NOTHING);
        shown("is no number of replicas: 0 to 64");
        (void)key('x');
        act = key('y');
        act_is(&act, "{\"verb\":\"remove\",\"name\":\"hello\",\"namespace\":\"openfaas-fn\"}");
        act = key('l');
        act_is(&act, "{\"verb\":\"logs\",\"tail\":100,\"follow\":true,\"name\":\"hello\","
                     "\"namespace\":\"openfaas-fn\"}");
        assert_int_equal(ui.mode, TOP_READING);
}

/* A menu is about the board that it was opened for, though that one goes. */
static void menu(void **state) {
        struct top_act act;

        (void)state;
        (void)key(TOP_KEY_ENTER);
        shown("m1: Raspberry Pi 3");
        shown("slows down at 80 C, hard limit 85 C");
        shown("d  drain");
        feed(NOW, "{\"nodes\":[" BOARD("w2", "b", "up", "93", "81.5", "") "]}");
        draw(NOW);
        shown("it is gone");
        (void)key('d');
        shown("drain m1?");
        act = key('y');
        assert_string_equal(act.board, "m1");
        (void)key(TOP_KEY_ENTER);
        act = key('q'); /* any other key */
        assert_false(ui.quit);
        assert_int_equal(ui.mode, TOP_LIST);
        (void)key('q');
        assert_true(ui.quit);
}

static void nothing_while_lost(void **state) {
        struct top_act act;

        (void)state;
        top_model_lost(&m, "connection refused");
        act = key('l');
        assert_int_equal(act.verb, TOP_NOTHING);
        shown("nothing can be done until it is");
        (void)key('3');
        act = key('l'); /* events have no verbs */
        assert_int_equal(act.verb, TOP_NOTHING);
}

static void reading(void **state) {
        char line[64];

        (void)state;
        (void)key(TOP_KEY_TAB);
        (void)key('l');
        shown("logs of hello.openfaas-fn: nothing yet");
        for (int i = 0; i < TOP_LINES + 20; i++) {
                (void)snprintf(line, sizeof(line), "w1.1 line %d\033[2J", i);
                top_ui_line(&ui, line);
        }
        draw(NOW);
        assert_int_equal(ui.text.n, TOP_LINES);
        shown("w1.1 line 519\\x1b[2J");
        (void)key(TOP_KEY_HOME);
        shown("w1.1 line 20\\x1b[2J");
        top_ui_line(&ui, "newest");
        draw(NOW);
        not_shown("newest"); /* who reads is not disturbed */
        (void)key(TOP_KEY_END);
        shown("newest");
        (void)key(TOP_KEY_ESCAPE);
        shown("FUNCTIONS");
}

/* ---- how it looks ---- */

static void looks(void **state) {
        draw(NOW);
        (void)state;
        shown("home: 3 of 4 boards up, master m1, leader m1, 3 of 3 voters");
        shown("> 1 BOARDS  4  by NAME");
        shown("m1*");
        shown("[#....]  20%");
        shown("[####.]  75%");
        shown("81/80 C hot");
        shown("60/80 C warm");
        shown("41/80 C");
        shown("draining");
        shown("down");
        shown("1 of 2 !");
        shown("w1 w10");
        shown("asking for events");
        shown("? help  q quit");
        m.events_link = TOP_EVENTS_UNKNOWN;
        draw(NOW);
        shown("no events from this agent");
        (void)key('?');
        shown("agentctl top: the bramble, live");
        shown("o  shutdown");
        (void)key('x');
        not_shown("the bramble, live");
}

static void utf8_bars(void **state) {
        (void)state;
        s.utf8 = true;
        draw(NOW);
        shown("\xe2\x96\x88"); /* a full block */
        shown("\xe2\x96\x91");
        s.utf8 = false;
        draw(NOW);
        for (int i = 0; i < s.rows * s.cols; i++)
                assert_in_range(s.cells[i].ch, 0x20, 0x7e);
}

static void how_old(void **state) {
        (void)state;
        draw(NOW + USEC_PER_SEC);
        not_shown("old");
        draw(NOW + 5 * USEC_PER_SEC);
        shown("! this is 5 s old; the agent is slow");
        top_model_lost(&m, "connection refused");
        draw(NOW + 75 * USEC_PER_SEC);
        shown("! this is 75 s old; the agent is not there, trying again: connection refused");
        shown("w10"); /* the last good state stays */
        feed(NOW + 80 * USEC_PER_SEC, first);
        draw(NOW + 80 * USEC_PER_SEC);
        not_shown("old");
        memset(&m, 0, sizeof(m));
        top_model_lost(&m, "no such file");
        draw(NOW);
        shown("! the agent is not there, trying again: no such file");
        shown("not known yet");
}

static void alerts(void **state) {
        static const char both[] =
                "{\"note\":\"waiting for w3\",\"alerts\":[{\"name\":\"hot\",\"board\":\"w1\","
                "\"severity\":\"warning\",\"text\":\"is hot\"}]}";
        unsigned alone = 0, note = 0;

        (void)state;
        feed(NOW, "{\"alerts\":[{\"name\":\"hot\",\"board\":\"w1\",\"severity\":\"warning\","
                  "\"text\":\"is hot\"},{\"name\":\"board-lost\",\"board\":\"w2\",\"severity\":"
                  "\"error\",\"since_ms\":5000,\"text\":\"is lost\"}]}");
        draw(NOW);
        shown("! w2: is lost  (and more)");
        assert_string_equal(m.alerts[1].kind, "board-lost");
        /* what the boards wait for stands beside it, or takes turns where there is no room */
        feed(NOW, both);
        draw(NOW);
        shown("! w1: is hot   waiting for w3");
        for (unsigned i = 0; i < 16; i++) {
                feed(NOW + i * USEC_PER_SEC, both);
                memset(m.note, 'n', 75);
                draw(NOW + i * USEC_PER_SEC);
                alone += row_with("! w1: is hot") == 1;
                note += row_with("nnn") == 1;
        }
        assert_int_equal(alone, 8);
        assert_int_equal(note, 8);
}

/* Whatever the names are: nothing but ASCII and our own characters gets on the screen. */
static void hostile(void **state) {
        (void)state;
        feed(NOW, "{\"cluster\":\"\\u001b]0;x\\u0007\",\"nodes\":[{\"name\":\"w\\u001b[31m\","
                  "\"state\":\"up\",\"id\":\"1\"}],\"functions\":[{\"name\":\"\\u009b31m\\u202e\","
                  "\"reason\":\"a\\nb\\\\\"}],\"note\":\"%n%s\"}");
        top_ui_say(&ui, true, "%s", "\033c");
        draw(NOW);
        shown("\\x1b]0;x\\x07");
        shown("%n%s");
        shown("a\\x0ab\\\\");
        shown("\\x1bc");
        for (int i = 0; i < s.rows * s.cols; i++)
                assert_in_range(s.cells[i].ch, 0x20, 0x7e);
        (void)key(TOP_KEY_ENTER);
        for (int i = 0; i < s.rows * s.cols; i++)
                assert_in_range(s.cells[i].ch, 0x20, 0x7e);
}

static void safe(void **state) {
        char text[8];

        (void)state;
        assert_string_equal(top_safe(text, sizeof(text), "a\033b"), "a\\x1bb");
        assert_string_equal(top_safe(text, sizeof(text), "abcd\033"), "abcd"); /* whole, or not */
        assert_string_equal(top_safe(text, sizeof(text), "a\\b"), "a\\\\b");
        assert_string_equal(top_safe(text, sizeof(text), "\xc3\xa9"), "\\xc3");
}

/* Every size draws, and keeps within itself; a small one is refused in words. */
static void sizes(void **state) {
        struct top_layout l;

        (void)state;
        for (int rows = 1; rows <= 60; rows++)
                for (int cols = 1; cols <= 140; cols += 3) {
                        assert_int_equal(top_screen_size(&s, rows, cols), 0);
                        for (int mode = TOP_LIST; mode <= TOP_READING; mode++) {
                                ui.mode = (enum top_mode)mode;
                                ui.act.verb = TOP_DRAIN;
                                draw(NOW);
                        }
                        ui.mode = TOP_LIST;
                }
        assert_int_equal(top_screen_size(&s, 7, 80), 0);
        draw(NOW);
        shown("80x7 is too small:");
        shown("40x8 at least; q quits");
        assert_int_equal(top_screen_size(&s, 10, 40), 0);
        (void)key('2');
        shown("> 2 FUNCTIONS");
        not_shown("BOARDS"); /* one at a time */
        (void)key('1');
        shown("> 1 BOARDS");
        for (int rows = TOP_ALL_ROWS; rows < 100; rows++) {
                top_layout(&m, &ui, rows, &l);
                assert_int_equal(l.panes[0].row, 2);
                for (int i = 0; i + 1 < TOP_PANES; i++)
                        assert_int_equal(l.panes[i].row + l.panes[i].height, l.panes[i + 1].row);
                assert_int_equal(l.panes[2].row + l.panes[2].height, rows - 1);
        }
}

/* Narrow screens lose the columns of least worth first; wide ones use their room. */
static void columns(void **state) {
        int widths[TOP_COLUMNS];
        unsigned n;

        (void)state;
        for (int pane = 0; pane < TOP_PANES; pane++)
                for (int cols = TOP_LEAST_COLS; cols <= TOP_COLS; cols++) {
                        const struct top_column *c = top_columns((enum top_pane)pane, &n);
                        int used = -1;

                        top_fit((enum top_pane)pane, cols, widths);
                        for (unsigned i = 0; i < n; i++) {
                                used += widths[i] ? widths[i] + 1 : 0;
                                assert_true(widths[i] == 0 || widths[i] >= c[i].width);
                                assert_true(c[i].rank > 0 || widths[i] > 0);
                        }
                        assert_in_range(used, 1, cols);
                }
        draw(NOW);
        shown("POWER");
        not_shown("KUBERNETES");
        assert_int_equal(top_screen_size(&s, 24, 200), 0);
        draw(NOW);
        shown("KUBERNETES");
        shown("bramble/hello");
}

/* Rows that do not fit scroll with the selection. */
static void scrolling(void **state) {
        cJSON *o = cJSON_CreateObject(), *nodes = cJSON_AddArrayToObject(o, "nodes");

        (void)state;
        for (int i = 1; i <= 40; i++) {
                cJSON *n = cJSON_CreateObject();
                char name[16];

                (void)snprintf(name, sizeof(name), "w%d", i);
                (void)cJSON_AddStringToObject(n, "name", name);
                (void)cJSON_AddStringToObject(n, "id", name);
                (void)cJSON_AddItemToArray(nodes, n);
        }
        top_model_status(&m, NOW, o);
        cJSON_Delete(o);
        draw(NOW);
        shown("w1 ");
        not_shown("w40");
        (void)key(TOP_KEY_END);
        shown("w40");
        not_shown("w1 ");
        (void)key(TOP_KEY_HOME);
        shown("w1 ");
        (void)key(TOP_KEY_PAGE_DOWN);
        assert_int_equal(ui.panes[0].at, ui.panes[0].seen);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(model, begin),
                cmocka_unit_test_setup(rate_of_calls, begin),
                cmocka_unit_test_setup(nonsense, begin),
                cmocka_unit_test_setup(limits, begin),
                cmocka_unit_test_setup(events, begin),
                cmocka_unit_test_setup(sorting, begin),
                cmocka_unit_test_setup(filter_keys, begin),
                cmocka_unit_test_setup(selection, begin),
                cmocka_unit_test_setup(acts_on_boards, begin),
                cmocka_unit_test_setup(acts_on_functions, begin),
                cmocka_unit_test_setup(menu, begin),
                cmocka_unit_test_setup(nothing_while_lost, begin),
                cmocka_unit_test_setup(reading, begin),
                cmocka_unit_test_setup(looks, begin),
                cmocka_unit_test_setup(utf8_bars, begin),
                cmocka_unit_test_setup(how_old, begin),
                cmocka_unit_test_setup(alerts, begin),
                cmocka_unit_test_setup(hostile, begin),
                cmocka_unit_test_setup(safe, begin),
                cmocka_unit_test_setup(sizes, begin),
                cmocka_unit_test_setup(columns, begin),
                cmocka_unit_test_setup(scrolling, begin),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);

        top_screen_done(&s);
        return failed;
}

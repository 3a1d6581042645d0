/* verb_top - the bramble live in a terminal: wires the agent, the keys and the screen together. */
#include "base/str.h"
#include "cli/dial.h"
#include "cli/top_draw.h"
#include "cli/top_feed.h"
#include "cli/top_terminal.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EMPTY_READS = 20, PLAIN_SEC = 2, REDRAW_MS = 1000 };

static const int signals[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGCONT };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

struct top {
        struct cli cli;
        uv_loop_t loop;
        uv_poll_t keys;
        uv_signal_t signals[SIGNALS];
        uv_prepare_t prepare;
        uv_timer_t clock; /* ages grow without news too */
        struct top_feed *feed;
        struct top_act act; /* under way; TOP_NOTHING: none is */
        unsigned empty;     /* wake-ups without a key */
        bool dirty, whole;
        struct top_screen screen;
        struct top_model model;
        struct top_ui ui;
};

static usec_t now(void) {
        return uv_hrtime() / NSEC_PER_USEC;
}

/* ---- what the agent says ---- */

static void on_status(void *arg, const cJSON *status) {
        struct top *t = arg;

        top_model_status(&t->model, now(), status);
        t->dirty = true;
}

static void on_event(void *arg, const cJSON *event) {
        struct top *t = arg;

        top_model_event(&t->model, now(), event);
        t->dirty = true;
}

static void on_events(void *arg, bool known) {
        struct top *t = arg;

        t->model.events_link = known ? TOP_EVENTS_FOLLOWED : TOP_EVENTS_UNKNOWN;
        t->dirty = true;
}

static void on_lost(void *arg, const char *why) {
        struct top *t = arg;

        top_model_lost(&t->model, why);
        t->dirty = true;
}

static uint64_t since(void *arg) {
        return top_model_since(&((struct top *)arg)->model);
}

static void on_act_event(void *arg, const cJSON *event) {
        struct top *t = arg;
        char line[TOP_LINE];

        t->dirty = true;
        if (t->act.verb != TOP_LOGS) {
                if (json_text(event, "text", NULL))
                        top_ui_say(&t->ui, false, "%s", json_text(event, "text", ""));
                return;
        }
        (void)snprintf(line, sizeof(line), "%.40s.%.12s %s", json_text(event, "node", "?"),
                       json_text(event, "instance", "?"), json_text(event, "text", ""));
        top_ui_line(&t->ui, line);
}

static void on_act_done(void *arg, const cJSON *reply, const char *why) {
        struct top *t = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : str_or(why, "");
        /* a drain goes on for as long as functions move */
        const char *done =
                t->act.verb == TOP_DRAIN ? "begun; STATE says draining, then cordoned" : "done";
        char text[160];

        (void)top_act_text(&t->act, text, sizeof(text));
        if (error)
                top_ui_say(&t->ui, true, "%.60s: %s", text, error[0] ? error : "no answer");
        else
                top_ui_say(&t->ui, /* a shutdown that ended otherwise says so without "error" */
                           cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(reply, "ok")),
                           "%.60s: %s", text, json_text(reply, "text", done));
        t->act.verb = TOP_NOTHING;
        t->dirty = true;
}

static const struct top_feed_ops feed_ops = { .status = on_status,
                                              .event = on_event,
                                              .events = on_events,
                                              .lost = on_lost,
                                              .since = since,
                                              .act_event = on_act_event,
                                              .act_done = on_act_done };

/* ---- what the person wants ---- */

static void act(struct top *t, const struct top_act *wanted) {
        char text[160];
        int r;

        if (t->act.verb != TOP_NOTHING) {
                top_ui_say(&t->ui, true, "first %s must end",
                           top_act_text(&t->act, text, sizeof(text)));
                t->ui.mode = TOP_LIST;
                return;
        }
        r = top_feed_act(t->feed, top_act_request(wanted));
        if (r == 0) {
                t->act = *wanted;
                return;
        }
        top_ui_say(&t->ui, true, "cannot ask the agent: %s", strerror(-r));
        t->ui.mode = TOP_LIST;
}

static void stop(struct top *t) {
        uv_stop(&t->loop);
}

static void on_keys(uv_poll_t *h, int status, int events) {
        struct top *t = h->data;
        bool any = false;
        uint32_t key;

        (void)events;
        while (status >= 0 && !t->ui.quit && top_terminal_key(&key)) {
                struct top_act wanted;

                any = true;
                t->dirty = true;
                if (key == 12) /* ^L */
                        t->whole = true;
                top_ui_key(&t->ui, &t->model, key, &wanted);
                if (wanted.verb != TOP_NOTHING)
                        act(t, &wanted);
                if (t->act.verb == TOP_LOGS && t->ui.mode != TOP_READING) {
                        top_feed_act_end(t->feed);
                        t->act.verb = TOP_NOTHING;
                }
        }
        /* a terminal that went away is readable for ever */
        t->empty = any ? 0 : t->empty + 1;
        if (t->ui.quit || status < 0 || t->empty > EMPTY_READS)
                stop(t);
}

static void resize(struct top *t) {
        int rows, cols;

        top_terminal_size(&rows, &cols);
        if (top_screen_size(&t->screen, rows, cols) < 0)
                stop(t);
        t->dirty = t->whole = true;
}

static void on_signal(uv_signal_t *h, int number) {
        struct top *t = h->data;

        if (number == SIGWINCH || number == SIGCONT)
                resize(t);
        else
                stop(t);
}

static void on_prepare(uv_prepare_t *h) {
        struct top *t = h->data;

        if (!t->dirty)
                return;
        top_draw(&t->screen, &t->model, &t->ui, now());
        top_terminal_show(&t->screen, t->whole);
        t->dirty = t->whole = false;
}

static void on_clock(uv_timer_t *h) {
        ((struct top *)h->data)->dirty = true;
}

static void close_ours(uv_handle_t *h, void *arg) {
        if (h->data == arg && !uv_is_closing(h))
                uv_close(h, NULL);
}

static int run(struct top *t) {
        int r = uv_poll_init(&t->loop, &t->keys, STDIN_FILENO);

        if (r < 0)
                return r;
        t->keys.data = t->prepare.data = t->clock.data = t;
        t->screen.utf8 = top_terminal_utf8();
        for (int i = 0; i < SIGNALS; i++) {
                t->signals[i].data = t;
                (void)uv_signal_init(&t->loop, &t->signals[i]);
                (void)uv_signal_start(&t->signals[i], on_signal, signals[i]);
        }
        (void)uv_poll_start(&t->keys, UV_READABLE, on_keys);
        (void)uv_prepare_init(&t->loop, &t->prepare);
        (void)uv_prepare_start(&t->prepare, on_prepare);
        (void)uv_timer_init(&t->loop, &t->clock);
        (void)uv_timer_start(&t->clock, on_clock, REDRAW_MS, REDRAW_MS);
        resize(t);
        r = top_feed_new(&t->cli, &t->loop, &feed_ops, t, &t->feed);
        if (r == 0)
                (void)uv_run(&t->loop, UV_RUN_DEFAULT);
        return r;
}

/* A terminal that cannot move its cursor: the table again and again, until it is interrupted. */
static int plain(const struct cli *c, const char *why) {
        static char verb[] = "status";
        char *argv[] = { verb, NULL };

        fprintf(stderr, "%s: %s: the state every %d s instead; Ctrl-C ends it\n", c->program, why,
                PLAIN_SEC);
        for (;;) {
                (void)verb_status(c, 1, argv);
                printf("\n");
                if (fflush(stdout) != 0)
                        return CLI_FAILED;
                (void)sleep(PLAIN_SEC);
        }
}

int verb_top(const struct cli *c, int argc, char **argv) {
        static struct top t; /* large */
        static char address[CLI_ADDRESS];
        struct fail f = { 0 };
        int r;

        (void)argc;
        (void)argv;
        if (c->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return cli_fail(c, "top needs a terminal: %s status -o json is for programs",
                                c->program);
        t.cli = *c;
        if (c->host) { /* once: the resolver may take seconds */
                if (cli_resolve(c->host, address, sizeof(address), &f) < 0)
                        return cli_fail(c, "%s", fail_text(&f));
                t.cli.host = address;
        }
        top_ui_init(&t.ui);
        if (uv_loop_init(&t.loop) < 0)
                return cli_fail(c, "no memory");
        r = top_terminal_open(&f);
        if (r == -ENOTTY)
                return plain(c, fail_text(&f));
        if (r < 0)
                return cli_fail(c, "%s", fail_text(&f));
        r = run(&t);
        top_terminal_close();
        top_feed_close(t.feed);
        uv_walk(&t.loop, close_ours, &t);
        (void)uv_run(&t.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&t.loop);
        top_screen_done(&t.screen);
        return r == 0 ? CLI_DONE : cli_fail(c, "top cannot read the keys: %s", strerror(-r));
}

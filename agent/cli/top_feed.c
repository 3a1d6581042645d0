#include "cli/top_feed.h"

#include "base/scope.h"
#include "base/str.h"
#include "cli/dial.h"
#include "io/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        TICK_MS = 1000,
        PATIENCE = 6,      /* ticks until an agent that does not answer counts as lost */
        EVENTS_AGAIN = 5,  /* ticks until events are asked for again */
        EVENTS_STREAM = 1, /* the states have the numbers behind it */
};

struct top_feed {
        const struct cli *cli;
        uv_loop_t *loop;
        uv_timer_t timer;
        const struct top_feed_ops *ops;
        void *arg;
        struct link *link, *act;
        uint32_t stream; /* of the last question for the state */
        bool open, asked;
        unsigned waited; /* ticks without an answer */
        int events_in;   /* ticks until events are asked for; -1: they are, or are not known */
        char *request;   /* of the act, until its link is open */
};

static int send_request(struct link *l, uint32_t stream, const char *text) {
        return link_send(l, FRAME_REQUEST, stream, text, strlen(text));
}

static void ask_state(struct top_feed *feed) {
        if (feed->asked || send_request(feed->link, ++feed->stream, "{\"verb\":\"status\"}") < 0)
                return;
        feed->asked = true;
        feed->waited = 0;
}

static void ask_events(struct top_feed *feed) {
        char text[96];

        feed->events_in = -1;
        (void)snprintf(text, sizeof(text),
                       "{\"verb\":\"events\",\"follow\":true,\"since\":%" PRIu64 "}",
                       feed->ops->since(feed->arg));
        (void)send_request(feed->link, EVENTS_STREAM, text);
}

/* ---- the link that stays ---- */

static void on_open(struct link *l, void *arg) {
        struct top_feed *feed = arg;

        (void)l;
        feed->open = true;
        feed->asked = false;
        feed->stream = EVENTS_STREAM;
        ask_state(feed);
        ask_events(feed);
}

static void on_state(struct top_feed *feed, const cJSON *o) {
        const char *error = json_text(o, "error", NULL);

        feed->asked = false;
        feed->waited = 0;
        if (error)
                feed->ops->lost(feed->arg, error);
        else
                feed->ops->status(feed->arg, o);
}

/* An older agent does not know the verb; one without a leader may know later. */
static void on_events_end(struct top_feed *feed, const cJSON *o) {
        uint64_t code = 0;

        (void)json_number(o, "code", 999, &code);
        if (code == 400 || code == 403)
                feed->ops->events(feed->arg, false);
        else
                feed->events_in = EVENTS_AGAIN;
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        struct top_feed *feed = arg;
        auto_json cJSON *o = NULL;

        if (f->type != FRAME_EVENT && f->type != FRAME_REPLY)
                return;
        if (json_parse_object((const char *)f->body, f->len, &o, NULL) < 0) {
                link_close(l);
                return;
        }
        if (f->stream == EVENTS_STREAM && f->type == FRAME_EVENT) {
                feed->ops->events(feed->arg, true);
                feed->ops->event(feed->arg, o);
        } else if (f->stream == EVENTS_STREAM) {
                on_events_end(feed, o);
        } else if (f->stream == feed->stream && f->type == FRAME_REPLY) {
                on_state(feed, o);
        }
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct top_feed *feed = arg;

        (void)l;
        (void)error;
        feed->link = NULL;
        feed->open = feed->asked = false;
        feed->ops->lost(feed->arg, why && why[0] ? why : "it ended the connection");
}

static const struct link_ops link_ops = { .open = on_open, .frame = on_frame, .closed = on_closed };

static void dial(struct top_feed *feed) {
        struct fail f = { 0 };

        if (cli_dial(feed->cli, feed->loop, &link_ops, feed, &feed->link, &f) < 0) {
                feed->link = NULL;
                feed->ops->lost(feed->arg, fail_text(&f));
        }
        feed->waited = 0;
}

static void on_tick(uv_timer_t *t) {
        struct top_feed *feed = t->data;

        if (!feed->link) {
                dial(feed);
                return;
        }
        if (++feed->waited > PATIENCE) {
                struct link *l = feed->link;

                link_set_ops(l, NULL, NULL);
                link_close(l);
                on_closed(l, feed, 0, "it does not answer");
                return;
        }
        if (!feed->open)
                return;
        ask_state(feed);
        if (feed->events_in > 0 && --feed->events_in == 0)
                ask_events(feed);
}

int top_feed_new(const struct cli *c, uv_loop_t *loop, const struct top_feed_ops *ops, void *arg,
                 struct top_feed **ret) {
        struct top_feed *feed = calloc(1, sizeof(*feed));

        if (!feed)
                return -ENOMEM;
        feed->cli = c;
        feed->loop = loop;
        feed->ops = ops;
        feed->arg = arg;
        feed->timer.data = feed;
        (void)uv_timer_init(loop, &feed->timer);
        (void)uv_timer_start(&feed->timer, on_tick, 0, TICK_MS);
        *ret = feed;
        return 0;
}

static void on_timer_closed(uv_handle_t *h) {
        free(h->data);
}

static void drop(struct link **l) {
        if (*l) {
                link_set_ops(*l, NULL, NULL);
                link_close(*l);
        }
        *l = NULL;
}

void top_feed_close(struct top_feed *feed) {
        if (!feed)
                return;
        drop(&feed->link);
        top_feed_act_end(feed);
        uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
}

/* ---- one thing that is to be done: a link of its own, so that it can be dropped ---- */

static void act_opened(struct link *l, void *arg) {
        struct top_feed *feed = arg;

        if (send_request(l, 1, feed->request) < 0)
                link_close(l);
}

static void act_frame(struct link *l, void *arg, const struct frame *f) {
        struct top_feed *feed = arg;
        auto_json cJSON *o = NULL;

        if (f->type != FRAME_EVENT && f->type != FRAME_REPLY)
                return;
        if (json_parse_object((const char *)f->body, f->len, &o, NULL) < 0) {
                link_close(l);
        } else if (f->type == FRAME_EVENT) {
                feed->ops->act_event(feed->arg, o);
        } else {
                top_feed_act_end(feed);
                feed->ops->act_done(feed->arg, o, "");
        }
}

static void act_closed(struct link *l, void *arg, int error, const char *why) {
        struct top_feed *feed = arg;

        (void)l;
        (void)error;
        feed->act = NULL;
        top_feed_act_end(feed);
        feed->ops->act_done(feed->arg, NULL, why);
}

static const struct link_ops act_ops = { .open = act_opened,
                                         .frame = act_frame,
                                         .closed = act_closed };

int top_feed_act(struct top_feed *feed, cJSON *request) {
        char *text = feed->act ? NULL : cJSON_PrintUnformatted(request);
        struct fail f = { 0 };
        int r;

        cJSON_Delete(request);
        if (!text)
                return feed->act ? -EBUSY : -ENOMEM;
        feed->request = text;
        r = cli_dial(feed->cli, feed->loop, &act_ops, feed, &feed->act, &f);
        if (r < 0) {
                feed->act = NULL;
                top_feed_act_end(feed);
        }
        return r;
}

void top_feed_act_end(struct top_feed *feed) {
        drop(&feed->act);
        free(feed->request);
        feed->request = NULL;
}

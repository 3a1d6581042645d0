/* ui_private - what the files ui*.c share. */
#ifndef BRAMBLE_GATEWAY_UI_PRIVATE_H
#define BRAMBLE_GATEWAY_UI_PRIVATE_H

#include "base/buf.h"
#include "core/limits.h"
#include "core/login_limit.h"
#include "core/session.h"
#include "gateway/agent.h"
#include "gateway/agent_stream.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/ui.h"
#include "gateway/ui_assets.h"
#include "gateway/ui_message.h"
#include "gateway/ui_state.h"

enum {
        UI_VIEWERS = 128,          /* streams at a time */
        UI_QUEUE = 16,             /* messages that wait for one viewer: then it is dropped */
        UI_SEND_BYTES = 64 * 1024, /* and what the kernel may hold for it */
        UI_TICK_MS = 1000,         /* one change in that time at most */
        UI_GATHER_MS = 20,         /* events that come together are one message */
        UI_HEARTBEAT_TICKS = 15,
        UI_RETRY_MS = 2000,       /* EventSource's, when the link is lost */
        UI_AGAIN_MS = 5000,       /* a stream of the agent's that ended */
        UI_EVENTS = 64,           /* that a new viewer is told */
        UI_EVENT_BYTES = 4096,    /* of one */
        UI_BODY_BYTES = 8 * 1024, /* of a form or an action */
        UI_REQUESTS = 64,         /* under way: with a body, or waiting for the agent */
        UI_ACTIONS = 8,           /* that the agent is at, streamed */
        UI_STEPS = 512,           /* lines of a dry run */
};

#define UI_COOKIE       "bramble_session"
#define UI_COOKIE_TLS   "bramble_session_tls" /* a browser keeps the two apart */
#define UI_COOKIE_LOGIN "bramble_login"       /* before that: the form's own token */

/* One entry of the agent's log of events. */
struct ui_event {
        uint64_t id, unix_sec;
        uint64_t age_ms, at_ms; /* how old it was when it came */
        char *text;             /* the object without "age_ms" */
};

struct ui_feed {
        uv_timer_t timer;
        bool ticking, lost;    /* 'lost': the agent does not answer */
        bool behind;           /* a change could not be told: the whole comes next */
        unsigned ticks, quiet; /* since the last message */
        struct agent_request *asked, *asked_shutdown;
        bool no_shutdown_status; /* the agent does not know that verb */
        char *shutdown;          /* its last answer, as JSON; NULL: none is under way */
        struct ui_state state;
        struct ui_message *whole; /* the state as it is now; NULL: to be printed */
        struct agent_stream *events;
        uint64_t events_again_ms;              /* not before */
        unsigned n_events, next_event, untold; /* the last: not sent yet */
        uv_timer_t gather;
        struct ui_event event[UI_EVENTS];
        struct ui_packer packer;
};

struct ui_action;

struct ui {
        struct gateway *g;
        struct sessions sessions;
        unsigned n_begun; /* sessions ever */
        char session_address[SESSION_MOST][SIZE_ADDRESS];
        struct login_limit limit;
        char user[SIZE_USER], password[SIZE_PASSWORD]; /* that the sessions were begun with */
        struct ui_assets assets;
        struct ui_feed feed;
        struct list viewers, actions, requests;
        unsigned n_viewers, n_actions, n_requests;
        bool stopping;
};

/* ---- requests, ui_request.c
 * ---------------------------------------------------------------------------
 */

struct ui_request {
        struct list link;
        struct ui *ui;
        struct client *client;
        char token[SESSION_TOKEN]; /* of the session, "": none */
        char login[SESSION_TOKEN]; /* the cookie of the form, "": none */
        bool page;                 /* the session's token is in X-Bramble-CSRF */
        bool tls, pack;            /* 'pack': takes gzip */
        char since[24];            /* If-None-Match */
        struct http_text rest;     /* only while the head is there */
        struct agent_request *asked;
        struct ui_action *action; /* that it waits for */
        struct buf body;
        void (*answer)(struct ui_request *q);
};

/* Of a head that is there; NULL: no memory. */
struct ui_request *ui_request_new(struct ui *ui, struct client *c, const struct http_head *head);
/* Without an answer. */
void ui_request_free(struct ui_request *q);
/* A plain answer where there is no request yet. */
void ui_refuse(struct client *c, unsigned status, const char *headers, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* The session's cookie: a browser keeps those of TLS apart. */
const char *ui_cookie_name(const struct client *c);
/* A cookie that is as long as a token; "" where there is none. */
void ui_read_cookie(const struct http_head *head, const char *name, char ret[static SESSION_TOKEN]);

/* The session of the request, NULL where it has none or it has ended. */
struct session *ui_request_session(struct ui_request *q);
usec_t ui_now(const struct ui *ui);
/* Ends the sessions where the password has changed. */
void ui_check_credentials(struct ui *ui);

/* Answers, with the headers that every answer below /ui/ has; 'q' is gone after it.  'headers':
 * more lines, each with its CRLF; they say how it may be cached, or ui_no_store. */
#define ui_no_store "Cache-Control: no-store\r\n"
void ui_reply(struct ui_request *q, unsigned status, const char *headers, const char *type,
              const void *body, size_t len);
void ui_reply_text(struct ui_request *q, unsigned status, const char *headers, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
/* {"error": "..."} */
void ui_reply_error(struct ui_request *q, unsigned status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void ui_reply_json(struct ui_request *q, unsigned status, cJSON *o); /* frees 'o' */
/* A whole page from 'head' on: frees 'body'. */
void ui_reply_html(struct ui_request *q, unsigned status, const char *headers, struct buf *body);
/* Begins such a page. */
int ui_html_begin(struct buf *out, const char *title);
/* The client, to be answered without 'q', which is gone. */
struct client *ui_take_client(struct ui_request *q);
/* The header lines of every answer. */
extern const char ui_headers[];

/* ---- the routes -------------------------------------------------------------------------------
 */

void ui_page(struct ui_request *q);
void ui_asset(struct ui_request *q);
void ui_base_css(struct ui_request *q);
void ui_login_form(struct ui_request *q, unsigned status, const char *headers, const char *wrong);
void ui_login(struct ui_request *q);
void ui_logout(struct ui_request *q);
void ui_session_show(struct ui_request *q);
void ui_status(struct ui_request *q);
void ui_stream(struct ui_request *q);
void ui_act(struct ui_request *q);

/* ---- viewers, ui_stream.c ---------------------------------------------------------------------
 */

/* Everybody gets the message; NULL is a no-op. */
void ui_viewers_send(struct ui *ui, struct ui_message *m);
/* Those whose session has ended go. */
void ui_viewers_check(struct ui *ui);
void ui_viewers_stop(struct ui *ui);

/* ---- the feed, ui_feed.c ----------------------------------------------------------------------
 */

void ui_feed_init(struct ui *ui);
/* Somebody looks: begins to ask the agent.  It ends by itself. */
void ui_feed_want(struct ui *ui);
/* The state as it was last known, as a message; NULL: nothing is known yet, or no memory. */
struct ui_message *ui_feed_whole(struct ui *ui);
void ui_feed_close(struct ui *ui);
void ui_feed_done(struct ui *ui);

/* ---- events, ui_events.c ----------------------------------------------------------------------
 */

void ui_events_follow(struct ui *ui);
void ui_events_leave(struct ui *ui);
void ui_events_done(struct ui *ui);
/* Sends what has just come. */
void ui_events_flush(struct ui *ui);
/* What happened lately, as one message; NULL: nothing. */
struct ui_message *ui_events_lately(struct ui *ui);

/* ---- actions, ui_act.c ------------------------------------------------------------------------
 */

void ui_actions_stop(struct ui *ui);
/* Its client went away: what it asked for goes on. */
void ui_action_orphan(struct ui_action *action);

#endif

#include "gateway/ui.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/cookie.h"
#include "core/route.h"
#include "gateway/ui_private.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Who may ask: FORM says for itself where somebody has to log in. */
enum access { ANYBODY, FORM, SESSION, PAGE };

static const struct ui_route {
        const char *pattern; /* behind /ui/ */
        const char *method;  /* GET is HEAD too */
        enum access access;
        void (*answer)(struct ui_request *q);
} routes[] = {
        { "", "GET", FORM, ui_page },
        { "assets/*", "GET", ANYBODY, ui_asset },
        { "base.css", "GET", ANYBODY, ui_base_css },
        { "login", "POST", ANYBODY, ui_login },
        { "logout", "POST", ANYBODY, ui_logout },
        { "session", "GET", SESSION, ui_session_show },
        { "status", "GET", FORM, ui_status },
        { "stream", "GET", SESSION, ui_stream },
        { "act", "POST", PAGE, ui_act },
};

/* ---- life -------------------------------------------------------------------------------------
 */

int ui_open(struct gateway *g, const char *dir, struct ui **ret) {
        struct ui *ui = calloc(1, sizeof(*ui));
        int r;

        if (!ui)
                return -ENOMEM;
        ui->g = g;
        list_init(&ui->viewers);
        list_init(&ui->actions);
        list_init(&ui->requests);
        r = ui_assets_read(&ui->assets, dir);
        if (r < 0)
                log_info("there is no page for the dashboard in %s (%s): /ui/ shows the plain "
                         "tables",
                         dir, strerror(-r));
        ui_feed_init(ui);
        *ret = ui;
        return 0;
}

void ui_stop(struct ui *ui) {
        ui->stopping = true;
        ui_actions_stop(ui);
        ui_viewers_stop(ui);
}

void ui_close(struct ui *ui) {
        ui_events_leave(ui);
        ui_feed_close(ui);
}

void ui_free(struct ui *ui) {
        if (!ui)
                return;
        ui_feed_done(ui);
        ui_assets_done(&ui->assets);
        explicit_bzero(ui, sizeof(*ui));
        free(ui);
}

/* ---- who asks ---------------------------------------------------------------------------------
 */

usec_t ui_now(const struct ui *ui) {
        return uv_now(ui->g->loop) * USEC_PER_MSEC;
}

void ui_check_credentials(struct ui *ui) {
        const struct gateway *g = ui->g;

        if (!g->had_state || (str_eq(ui->user, g->user) && str_eq(ui->password, g->password)))
                return;
        if (ui->password[0] && ui->n_begun > 0)
                log_info("the gateway's password is another one: who was logged in to the "
                         "dashboard has to log in again");
        sessions_clear(&ui->sessions);
        memcpy(ui->user, g->user, sizeof(ui->user));
        memcpy(ui->password, g->password, sizeof(ui->password));
        ui_viewers_check(ui);
}

static struct session *session_of(struct ui *ui, const char *token) {
        ui_check_credentials(ui);
        return token[0] ? session_find(&ui->sessions, ui_now(ui), token) : NULL;
}

struct session *ui_request_session(struct ui_request *q) {
        return session_of(q->ui, q->token);
}

bool ui_is_page(const struct http_head *head) {
        return http_header(head, "x-bramble-csrf") != NULL;
}

bool ui_session_fits(struct ui *ui, const struct client *c, const struct http_head *head) {
        const struct http_text *csrf = http_header(head, "x-bramble-csrf");
        char token[SESSION_TOKEN];
        struct session *session;

        if (!csrf || !ui || ui->n_begun == 0)
                return false;
        ui_read_cookie(head, ui_cookie_name(c), token);
        session = session_of(ui, token);
        return session && session_csrf_fits(session, csrf);
}

bool ui_shares_browser(struct ui *ui, struct client *c, const struct http_head *head) {
        const struct http_text *cookies = http_header(head, "cookie");

        if (!ui || ui->n_begun == 0)
                return false;
        if (cookies && cookie_has(cookies, UI_COOKIE))
                return true;
        /* a link from elsewhere brings no cookie along, and what it opens could still use it */
        for (size_t i = 0; i < SESSION_MOST; i++)
                if (ui->sessions.items[i].token[0] &&
                    str_eq(ui->session_address[i], client_address(c)))
                        return true;
        return false;
}

/* ---- the way to the answer --------------------------------------------------------------------
 */

static void on_body(void *arg, const char *data, size_t len) {
        struct ui_request *q = arg;
        int r = buf_add(&q->body, data, len);

        if (r == -EMSGSIZE)
                ui_reply_error(q, 413, "This is larger than the %d KB that are taken here.",
                               UI_BODY_BYTES / 1024);
        else if (r < 0)
                ui_reply_text(q, 503, "", "The gateway is out of memory.");
}

static void on_end(void *arg) {
        struct ui_request *q = arg;

        q->answer(q);
}

static void on_closed(void *arg) {
        ui_request_free(arg);
}

static const struct exchange_ops ops = {
        .body = on_body,
        .end = on_end,
        .closed = on_closed,
};

/* What a browser says by itself of a request that another site has made. */
static bool is_foreign(const struct http_head *head) {
        const struct http_text *site = http_header(head, "sec-fetch-site");

        return site && (http_text_is(site, "cross-site") || http_text_is(site, "same-site"));
}

static bool may(struct ui_request *q, enum access access) {
        switch (access) {
        case ANYBODY:
                return true;
        case FORM:
                if (ui_request_session(q))
                        return true;
                ui_login_form(q, 200, "", NULL);
                return false;
        case PAGE:
        case SESSION:
                break;
        }
        if (!ui_request_session(q))
                ui_reply_error(q, 401, "You are not logged in, or no longer: load /ui/ anew.");
        else if (access == PAGE && !q->page)
                ui_reply_error(q, 403,
                               "The header X-Bramble-CSRF does not hold this session's "
                               "token: load /ui/ anew.");
        else
                return true;
        return false;
}

static void run(struct ui *ui, struct client *c, const struct http_head *head,
                const struct http_text *rest, const struct ui_route *route) {
        struct ui_request *q;

        if (!ui->g->had_state && route->access != ANYBODY) {
                ui_refuse(c, 503, "Retry-After: 2\r\n",
                          "This board's agent has not yet told who may log in; try again in a "
                          "moment.\n");
                return;
        }
        if (str_eq(route->method, "POST") && is_foreign(head)) {
                ui_refuse(c, 403, "", "Another site has made this request: it is not done.\n");
                return;
        }
        q = ui->n_requests < UI_REQUESTS ? ui_request_new(ui, c, head) : NULL;
        if (!q) {
                ui_refuse(c, 503, "Retry-After: 2\r\n",
                          "Too much is asked of this gateway; try again in a moment.\n");
                return;
        }
        q->rest = *rest;
        if (!may(q, route->access))
                return;
        if (str_eq(route->method, "GET")) {
                route->answer(q);
                return;
        }
        q->rest = (struct http_text){ "", 0 }; /* gone with the head */
        q->answer = route->answer;
        client_attach(c, &ops, q, false);
        client_continue(c);
}

void ui_start(struct gateway *g, struct client *c, const struct http_head *head,
              const struct http_text *rest) {
        const char *method = http_text_is(&head->method, "HEAD") ? "GET" : NULL;
        const struct ui_route *other = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                struct http_text star;

                if (!route_match(routes[i].pattern, rest, &star))
                        continue;
                if (http_text_is(&head->method, routes[i].method) ||
                    str_eq(method, routes[i].method)) {
                        run(g->ui, c, head, &star, &routes[i]);
                        return;
                }
                other = &routes[i];
        }
        if (other)
                ui_refuse(c, 405,
                          str_eq(other->method, "GET") ? "Allow: GET, HEAD\r\n" : "Allow: POST\r\n",
                          "This path does not take that method.\n");
        else
                ui_refuse(c, 404, "", "There is nothing at this path.\n");
}

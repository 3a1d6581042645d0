/* Logging in and out: a form that works without a script, and the session behind it. */
#include "base/scope.h"
#include "base/str.h"
#include "core/html.h"
#include "core/route.h"
#include "gateway/client.h"
#include "gateway/ui_private.h"
#include "io/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* An IPv6 host has 2^64 addresses at hand: the network counts.  An IPv4 address is itself. */
static void account_of(struct client *c, char ret[static SIZE_ADDRESS]) {
        const char *address = client_address(c);
        struct in6_addr v6;

        (void)str_copy(ret, SIZE_ADDRESS, address);
        if (inet_pton(AF_INET6, address, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
                return;
        memset(v6.s6_addr + 8, 0, 8);
        (void)inet_ntop(AF_INET6, &v6, ret, SIZE_ADDRESS);
}

static int random_bytes(uint8_t *to, size_t len) {
        return getrandom(to, len, 0) == (ssize_t)len ? 0 : -EIO;
}

static bool is_token(const char *text) {
        return strlen(text) == SESSION_TOKEN - 1 &&
               strspn(text, "0123456789abcdef") == SESSION_TOKEN - 1;
}

/* The form's token is what the cookie holds: another site can set neither the one nor read it. */
static int form_token(struct ui_request *q, char ret[static SESSION_TOKEN]) {
        uint8_t bytes[SESSION_RANDOM];

        if (is_token(q->login)) {
                memcpy(ret, q->login, SESSION_TOKEN);
                return 0;
        }
        if (random_bytes(bytes, sizeof(bytes)) < 0)
                return -EIO;
        for (size_t i = 0; i < SESSION_RANDOM; i++)
                (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
        return 0;
}

static int print_form(struct ui_request *q, struct buf *b, const char *token, const char *wrong) {
        int r = ui_html_begin(b, "Log in to the bramble");

        if (r == 0)
                r = buf_add_text(b, "<h1>");
        if (r == 0)
                r = html_add(b, q->ui->g->cluster);
        if (r == 0)
                r = buf_add_text(b, "</h1>\n");
        if (r == 0 && wrong) {
                r = buf_add_text(b, "<p role=\"alert\" class=\"bad\">");
                if (r == 0)
                        r = html_add(b, wrong);
                if (r == 0)
                        r = buf_add_text(b, "</p>\n");
        }
        if (r < 0)
                return r;
        return buf_printf(
                b,
                "<form method=\"post\" action=\"/ui/login\">"
                "<input type=\"hidden\" name=\"csrf\" value=\"%s\">"
                "<p><label for=\"user\">User</label> <input id=\"user\" name=\"user\" "
                "value=\"admin\" autocomplete=\"username\" autocapitalize=\"none\" "
                "spellcheck=\"false\" maxlength=\"%d\" required></p>\n"
                "<p><label for=\"password\">Password</label> <input id=\"password\" "
                "name=\"password\" type=\"password\" autocomplete=\"current-password\" "
                "maxlength=\"%d\" required autofocus></p>\n"
                "<p><button type=\"submit\">Log in</button></p></form>\n"
                "<p>The password is what <code>agentctl auth</code> says on a board.</p>\n",
                token, SIZE_USER - 1, SIZE_PASSWORD - 1);
}

void ui_login_form(struct ui_request *q, unsigned status, const char *headers, const char *wrong) {
        char token[SESSION_TOKEN], lines[320];
        struct buf b = { 0 };

        if (form_token(q, token) < 0 || print_form(q, &b, token, wrong) < 0) {
                buf_done(&b);
                ui_reply_text(q, 503, "", "The gateway cannot make a form now.\n");
                return;
        }
        (void)snprintf(lines, sizeof(lines),
                       "%sSet-Cookie: " UI_COOKIE_LOGIN "=%s; HttpOnly; SameSite=Strict; "
                       "Path=/ui/%s\r\n",
                       headers, token, q->tls ? "; Secure" : "");
        ui_reply_html(q, status, lines, &b);
}

static int field(const struct ui_request *q, const char *name, char *ret, size_t size) {
        struct http_text form = { q->body.data, q->body.len };
        int r = form.len > 0 ? route_query(&form, name, ret, size) : -ENOENT;

        if (r < 0)
                ret[0] = '\0';
        return r;
}

static void begin_session(struct ui_request *q) {
        uint8_t bytes[2 * SESSION_RANDOM];
        struct session *session = ui_request_session(q);
        struct ui *ui = q->ui;
        char lines[320];

        if (random_bytes(bytes, sizeof(bytes)) < 0) {
                ui_reply_text(q, 503, "", "The gateway cannot make a session now.\n");
                return;
        }
        if (session)
                session_end(session); /* the browser forgets it now */
        session = session_begin(&ui->sessions, ui_now(ui), bytes);
        explicit_bzero(bytes, sizeof(bytes));
        ui->n_begun++;
        (void)str_copy(ui->session_address[session - ui->sessions.items], SIZE_ADDRESS,
                       client_address(q->client));
        log_info("somebody at %s logged in to the dashboard", client_address(q->client));
        (void)snprintf(lines, sizeof(lines),
                       ui_no_store "Location: /ui/\r\n"
                                   "Set-Cookie: %s=%s; HttpOnly; SameSite=Strict; Path=/%s\r\n",
                       q->tls ? UI_COOKIE_TLS : UI_COOKIE, session->token,
                       q->tls ? "; Secure" : "");
        ui_viewers_check(ui); /* one that had to make room */
        ui_reply(q, 303, lines, NULL, "", 0);
        explicit_bzero(lines, sizeof(lines));
}

static void check_password(struct ui_request *q, const char *account) {
        char user[SIZE_USER], password[SIZE_PASSWORD];
        struct ui *ui = q->ui;
        bool good;

        (void)field(q, "user", user, sizeof(user));
        (void)field(q, "password", password, sizeof(password));
        good = session_same(password, strlen(password), ui->g->password);
        good = session_same(user, strlen(user), ui->g->user) && good;
        explicit_bzero(password, sizeof(password));
        if (good && ui->g->password[0]) {
                begin_session(q);
                return;
        }
        login_limit_failed(&ui->limit, ui_now(ui), account);
        log_info("a wrong password for the dashboard came from %s", account);
        ui_login_form(q, 401, "", "This is not the user and the password of this bramble.");
}

void ui_login(struct ui_request *q) {
        char account[SIZE_ADDRESS], csrf[SESSION_TOKEN], line[48];
        struct ui *ui = q->ui;
        usec_t wait;

        if (!ui->g->had_state) {
                ui_reply_text(q, 503, "Retry-After: 2\r\n",
                              "This board's agent has not yet told who may log in; try again in "
                              "a moment.\n");
                return;
        }
        ui_check_credentials(ui);
        account_of(q->client, account);
        wait = login_limit_wait(&ui->limit, ui_now(ui), account);
        if (wait > 0) {
                (void)snprintf(line, sizeof(line), "Retry-After: %u\r\n",
                               (unsigned)(wait / USEC_PER_SEC + 1));
                ui_login_form(q, 429, line,
                              "Those were too many wrong passwords. Wait a quarter of a minute, "
                              "and try again.");
                return;
        }
        if (field(q, "csrf", csrf, sizeof(csrf)) < 0 || !is_token(csrf) ||
            !session_same(csrf, strlen(csrf), q->login)) {
                ui_login_form(
                        q, 403, "",
                        "This form was too old, or your browser keeps no cookies. Try again.");
                return;
        }
        check_password(q, account);
}

void ui_logout(struct ui_request *q) {
        struct session *session = ui_request_session(q);
        char csrf[SESSION_TOKEN], lines[256];
        struct ui *ui = q->ui;
        bool page = q->page;

        if (session && !page &&
            (field(q, "csrf", csrf, sizeof(csrf)) < 0 ||
             !session_csrf_fits(session, &(struct http_text){ csrf, strlen(csrf) }))) {
                ui_reply_error(q, 403, "This needs the session's token: load /ui/ anew.");
                return;
        }
        if (session)
                session_end(session);
        ui_viewers_check(ui);
        (void)snprintf(lines, sizeof(lines),
                       ui_no_store "%sSet-Cookie: %s=; HttpOnly; SameSite=Strict; Path=/; "
                                   "Max-Age=0%s\r\n",
                       page ? "" : "Location: /ui/\r\n", q->tls ? UI_COOKIE_TLS : UI_COOKIE,
                       q->tls ? "; Secure" : "");
        if (page)
                ui_reply(q, 200, lines, "application/json", "{\"ok\":true}", 11);
        else
                ui_reply(q, 303, lines, NULL, "", 0);
}

void ui_session_show(struct ui_request *q) {
        struct session *session = ui_request_session(q);
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "user", q->ui->g->user);
        (void)cJSON_AddStringToObject(o, "csrf", session ? session->csrf : "");
        ui_reply_json(q, 200, o);
}

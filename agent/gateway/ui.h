/* ui - the dashboard below /ui/: who is logged in, the page's files, the stream that shows the
 * bramble to all who look, and what they ask for. */
#ifndef BRAMBLE_GATEWAY_UI_H
#define BRAMBLE_GATEWAY_UI_H

#include "base/fail.h"
#include "core/http_parse.h"

#include <stdbool.h>

struct client;
struct gateway;
struct ui;

/* Reads the page's files from the folder 'dir'; without them there is everything but the page.
 * -ENOMEM. */
int ui_open(struct gateway *g, const char *dir, struct ui **ret);
/* The gateway stops: those who look are at their end. */
void ui_stop(struct ui *ui);
/* Ends what it has on the loop; the clients are gone. */
void ui_close(struct ui *ui);
/* Only with the loop done; NULL is a no-op. */
void ui_free(struct ui *ui);

/* Answers a request below /ui/; 'rest' is what follows that. */
void ui_start(struct gateway *g, struct client *c, const struct http_head *head,
              const struct http_text *rest);

/* Is it the page that asks: a session's cookie, and its token in X-Bramble-CSRF?  NULL: nobody is
 * logged in. */
bool ui_session_fits(struct ui *ui, const struct client *c, const struct http_head *head);
/* Does the page ask, whoever it is?  No browser should then ask for a password itself. */
bool ui_is_page(const struct http_head *head);

/* May whoever gets this answer of a function be at the dashboard too?  Then a page of it must not
 * act as the dashboard: they share an origin. */
bool ui_shares_browser(struct ui *ui, struct client *c, const struct http_head *head);

#endif

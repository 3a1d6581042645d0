/* webhook - tells a URL of the person's choice when an alert begins and when it is over.  Only the
 * leader does, so that each is told once. */
#ifndef BRAMBLE_DAEMON_WEBHOOK_H
#define BRAMBLE_DAEMON_WEBHOOK_H

#include "core/events.h"
#include "daemon/agent.h"

int webhook_open(struct agent *a);

/* Alerts that are more than information, and their ends; anything else is left alone. */
void webhook_event(struct agent *a, const struct event *e);

#endif

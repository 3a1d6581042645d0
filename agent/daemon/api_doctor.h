/* api_doctor - what `agentctl doctor` says beyond the agent's own checks. */
#ifndef BRAMBLE_DAEMON_API_DOCTOR_H
#define BRAMBLE_DAEMON_API_DOCTOR_H

#include <cJSON.h>
#include <stdbool.h>

struct agent;

/* Adds a check; the advice is what to do where it does not pass. */
void doctor_add(cJSON *array, const char *name, bool pass, const char *text, const char *advice);

/* The clock, another board with this one's serial, and what the first boot could not do. */
void doctor_add_card(struct agent *a, cJSON *array);

#endif

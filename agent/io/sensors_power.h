/* sensors_power - under-voltage and throttling: the firmware's mailbox, else the hwmon driver. */
#ifndef BRAMBLE_IO_SENSORS_POWER_H
#define BRAMBLE_IO_SENSORS_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sensors_power {
        int mailbox;    /* /dev/vcio, -1: none */
        char alarm[64]; /* path of in0_lcrit_alarm below the root, "": none */
};

enum { MAILBOX_WORDS = 7 };

/* 'hwmon' false: the model has no under-voltage detector, so its silence means nothing. */
void sensors_power_open(struct sensors_power *p, int root_fd, bool hwmon);
void sensors_power_close(struct sensors_power *p);

/* POWER_* of core/report, without POWER_KNOWN where nobody could be asked. */
uint32_t sensors_power_read(const struct sensors_power *p, int root_fd);

/* The question to the firmware (property tag 0x00030046, nothing is cleared), and its answer's
 * bits with POWER_KNOWN; 0 for an answer that is none. */
void sensors_mailbox_ask(uint32_t ret[static MAILBOX_WORDS]);
uint32_t sensors_mailbox_answer(const uint32_t answer[static MAILBOX_WORDS]);

#endif

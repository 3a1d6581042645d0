/* led - makes a board's status LED blink so that a person finds it, and gives it back as it was. */
#ifndef BRAMBLE_IO_LED_H
#define BRAMBLE_IO_LED_H

#include "base/fail.h"

#include <uv.h>

struct led;

enum { LED_SECONDS_MOST = 3600, LED_SECONDS = 30 };

/* What the LED showed before is kept in 'saved' (a path, on tmpfs) while it blinks: where that file
 * is there, an earlier life of this program was cut off, and the LED is given back now.  'root_fd'
 * is borrowed. -ENOMEM. */
int led_open(uv_loop_t *loop, int root_fd, const char *saved, struct led **ret);
/* Blinks for so many seconds from now, also where it blinks already; 0: gives it back at once.
 * -ENOENT where the board has no LED that a program may use, -ERANGE above LED_SECONDS_MOST, and
 * what writing said. */
int led_blink(struct led *l, unsigned seconds, struct fail *f);
/* The LED that blinks ("ACT"), "" for none. */
const char *led_name(const struct led *l);
/* Gives it back.  The struct is freed by the loop's next turn.  NULL is a no-op. */
void led_close(struct led *l);

#endif

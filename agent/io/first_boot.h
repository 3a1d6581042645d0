/* first_boot - what the first boot of a card image found wrong at this start
 * (provision/firstboot.d/problems.sh writes it). */
#ifndef BRAMBLE_IO_FIRST_BOOT_H
#define BRAMBLE_IO_FIRST_BOOT_H

/* One thing that a person should see to; the strings live as long as the call. */
typedef void first_boot_problem(void *arg, const char *what, const char *text, const char *advice);

/* Calls 'each' for every problem, in order; at most 32 of them, and only whole lines count.
 * How many there were; 0 also on a board that was not started from an image of ours. */
int first_boot_problems(int root_fd, first_boot_problem *each, void *arg);

#endif

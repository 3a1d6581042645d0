/* progress - how far something slow is: a bar on a terminal, else a line each tenth or step.  On
 * standard error, so that the answer stays clean.  The first part of it is pure. */
#ifndef BRAMBLE_CLI_PROGRESS_H
#define BRAMBLE_CLI_PROGRESS_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_LINE = 256 };

struct progress {
        char what[96];  /* "pushing web"; harmless already */
        uint64_t whole; /* bytes; 0: not known */
        uint64_t done;
        bool terminal; /* redraw one line */
        bool quiet;    /* say nothing at all (-o json) */
        int cols;      /* of the terminal */
        usec_t began, drawn;
        unsigned said;  /* tenths, or doublings of what is not known as a whole; and 1 */
        bool open;      /* a line of the terminal is not ended */
        char step[160]; /* the last step that was said */
};

/* Begins; 'whole' 0 where nobody knows it. */
void progress_begin(struct progress *p, const char *what, uint64_t whole);
/* So many bytes are done now. */
void progress_to(struct progress *p, uint64_t done);
/* Something that has no bytes: "unpacking image".  Each step is said once; 'step' may be from
 * outside. */
void progress_step(struct progress *p, const char *step);
/* The end: the bar is closed, so that other text begins on a line of its own. */
void progress_end(struct progress *p);

/* ---- pure: for those above, and tests ---- */

/* The line as it stands at 'now': bar, bytes, rate, and what remains, in at most 'cols' columns. */
char *progress_text(const struct progress *p, usec_t now, char dst[static PROGRESS_LINE]);
/* Is it time to say something?  Counts as said where it is. */
bool progress_due(struct progress *p, usec_t now);

/* "fetching image 12 of 40 MB", as an agent says it: bytes.  false where it is something else. */
bool progress_parse(const char *text, uint64_t *ret_done, uint64_t *ret_whole);

#endif

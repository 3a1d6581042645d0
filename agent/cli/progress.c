#include "cli/progress.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
        BAR = 24,
        SURE_SEC = 2,     /* a rate over less says nothing */
        PATIENCE_SEC = 2, /* what is over by then needs no lines in a log */
        COLS = 79,
        COLS_LEAST = 20,
};
#define REDRAW (100 * USEC_PER_MSEC)

/* ---- pure ---- */

static unsigned percent(const struct progress *p) {
        if (p->whole == 0)
                return 0;
        return p->done >= p->whole ? 100 : (unsigned)((double)p->done * 100 / (double)p->whole);
}

/* Bytes a second since it began; 0: too early to say. */
static uint64_t rate(const struct progress *p, usec_t now) {
        usec_t elapsed = usec_sub(now, p->began);

        return elapsed < SURE_SEC * USEC_PER_SEC
                       ? 0
                       : (uint64_t)((double)p->done * USEC_PER_SEC / (double)elapsed);
}

static size_t add(char dst[static PROGRESS_LINE], size_t len, const char *a, const char *b) {
        int n = snprintf(dst + len, PROGRESS_LINE - len, "%s%s", a, b);

        return n < 0 ? len : len + (size_t)n < PROGRESS_LINE ? len + (size_t)n : PROGRESS_LINE - 1;
}

char *progress_text(const struct progress *p, usec_t now, char dst[static PROGRESS_LINE]) {
        char bar[BAR + 8], text[32], of[16], size[16];
        uint64_t speed = rate(p, now), left = p->whole > p->done ? p->whole - p->done : 0;
        size_t len = add(dst, 0, p->what, ":");

        if (p->terminal && p->whole) {
                memcpy(bar, " [........................]", BAR + 4);
                memset(bar + 2, '#', percent(p) * BAR / 100);
                if (len + strlen(bar) + 12 < (size_t)p->cols) /* else the numbers are worth more */
                        len = add(dst, len, bar, "");
        }
        if (p->whole) {
                (void)snprintf(text, sizeof(text), " %3u %%", percent(p));
                len = add(dst, len, text, "");
                (void)snprintf(text, sizeof(text), " of %s", str_size(of, p->whole));
                len = add(dst, len, text, "");
        } else {
                len = add(dst, len, " ", str_size(size, p->done));
        }
        if (speed > 0) {
                len = add(dst, len, ", ", str_size(size, speed));
                len = add(dst, len, "/s", "");
        }
        if (speed > 0 && left > 0) {
                len = add(dst, len, ", ", str_duration(size, left / speed + 1));
                (void)add(dst, len, " left", "");
        }
        if (p->cols > 0 && p->cols < PROGRESS_LINE)
                dst[p->cols] = '\0';
        return dst;
}

/* Without a terminal: tenths; where the whole is not known, each time that it has doubled. */
static unsigned mark(const struct progress *p) {
        unsigned n = 0;

        if (p->whole)
                return percent(p) / 10 + 1;
        for (uint64_t megabytes = p->done / 1000000; megabytes > 0; megabytes /= 2)
                n++;
        return n + 1;
}

bool progress_due(struct progress *p, usec_t now) {
        unsigned at = mark(p);

        if (p->quiet)
                return false;
        if (p->terminal) {
                bool last = p->whole && p->done >= p->whole;

                if (p->drawn && !last && usec_sub(now, p->drawn) < REDRAW)
                        return false;
                p->drawn = now;
                return true;
        }
        if (at <= p->said || at == 1 || usec_sub(now, p->began) < PATIENCE_SEC * USEC_PER_SEC)
                return false;
        p->said = at;
        return true;
}

bool progress_parse(const char *text, uint64_t *ret_done, uint64_t *ret_whole) {
        static const char start[] = "fetching image ";
        char done[24], whole[24], unit[4];
        uint64_t a, b, times;
        int end = 0;

        if (!str_starts(text, start) ||
            sscanf(text + sizeof(start) - 1, "%20[0-9] of %20[0-9] %2[KMG]B%n", done, whole, unit,
                   &end) != 3 ||
            end == 0)
                return false;
        times = unit[0] == 'K' ? 1000 : unit[0] == 'M' ? 1000000 : 1000000000;
        if (str_to_u64(done, UINT64_MAX / times, &a) < 0 ||
            str_to_u64(whole, UINT64_MAX / times, &b) < 0 || b == 0)
                return false;
        *ret_done = a * times;
        *ret_whole = b * times;
        return true;
}

/* ---- the terminal ---- */

static usec_t now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / NSEC_PER_USEC;
}

void progress_begin(struct progress *p, const char *what, uint64_t whole) {
        const char *term = getenv("TERM");
        struct winsize w = { 0 };

        memset(p, 0, sizeof(*p));
        (void)str_printable(p->what, sizeof(p->what), what, strlen(what));
        p->whole = whole;
        p->terminal = isatty(STDERR_FILENO) && term && !str_eq(term, "dumb");
        p->cols = PROGRESS_LINE - 1;
        if (p->terminal) {
                p->cols = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > COLS_LEAST
                                  ? w.ws_col - 1
                                  : COLS;
                if (p->cols >= PROGRESS_LINE)
                        p->cols = PROGRESS_LINE - 1;
        }
        p->began = now();
}

static void show(struct progress *p, const char *text) {
        if (p->terminal)
                fprintf(stderr, "\r%s\033[K", text);
        else
                fprintf(stderr, "%s\n", text);
        p->open = p->terminal;
        (void)fflush(stderr);
}

void progress_to(struct progress *p, uint64_t done) {
        char text[PROGRESS_LINE];
        usec_t t = now();

        p->done = done;
        if (progress_due(p, t))
                show(p, progress_text(p, t, text));
}

void progress_step(struct progress *p, const char *step) {
        char safe[sizeof(p->step)];

        (void)str_printable(safe, sizeof(safe), step, strlen(step));
        if (p->quiet || !safe[0] || str_eq(safe, p->step))
                return;
        memcpy(p->step, safe, sizeof(p->step));
        progress_end(p);
        fprintf(stderr, "  %s\n", p->step);
        (void)fflush(stderr);
}

void progress_end(struct progress *p) {
        if (p->open)
                fprintf(stderr, "\n");
        p->open = false;
}

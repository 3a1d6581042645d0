#include "cli/watch.h"

#include "base/scope.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* The second screen, so that the first one is there again afterwards; no cursor, and lines that are
 * too long are cut, not folded. */
#define SCREEN_BEGIN "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_END   "\033[?7h\033[?25h\033[?1049l"

/* May run at any moment: write() and raise() alone. */
static void on_signal(int number) {
        (void)!write(STDOUT_FILENO, SCREEN_END, sizeof(SCREEN_END) - 1);
        (void)signal(number, SIG_DFL);
        (void)raise(number);
}

static void screen_begin(void) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                const struct sigaction action = { .sa_handler = on_signal };

                (void)sigaction(signals[i], &action, NULL);
        }
        (void)fputs(SCREEN_BEGIN, stdout);
}

static unsigned rows(void) {
        struct winsize size;

        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

/* From the top, each line over the one that was there: nothing flickers. */
static void draw(const char *page) {
        unsigned left = rows();

        (void)fputs("\033[H", stdout);
        while (*page && left > 0) {
                size_t len = strcspn(page, "\n");

                (void)fwrite(page, 1, len, stdout);
                (void)fputs(--left > 0 ? "\033[K\n" : "\033[K", stdout);
                page += len + (page[len] == '\n');
        }
        (void)fputs("\033[J", stdout);
}

/* What 'show' prints, as text that the caller frees.  NULL where it fails. */
static char *page_of(const struct cli *c, int (*show)(const struct cli *c)) {
        FILE *real = stdout;
        char *text = NULL;
        size_t len = 0;
        int r;

        stdout = open_memstream(&text, &len); /* glibc lets it be another one */
        if (!stdout) {
                stdout = real;
                return NULL;
        }
        r = show(c);
        (void)fclose(stdout);
        stdout = real;
        if (r == CLI_DONE)
                return text;
        free(text);
        return NULL;
}

int watch_run(const struct cli *c, unsigned seconds, int (*show)(const struct cli *c)) {
        bool terminal = isatty(STDOUT_FILENO) && !c->json, well = true;

        if (terminal)
                screen_begin();
        for (;;) {
                auto_free char *page = NULL;

                if (terminal && !well) /* what went wrong last stands there */
                        (void)fputs("\033[H\033[J", stdout), (void)fflush(stdout);
                page = page_of(c, show);
                well = page;
                if (page && terminal)
                        draw(page);
                else if (page)
                        (void)printf("%s%s", page, c->json ? "" : "\n");
                if (fflush(stdout) != 0)
                        return CLI_FAILED;
                (void)nanosleep(&(struct timespec){ .tv_sec = (time_t)seconds }, NULL);
        }
}

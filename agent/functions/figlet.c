/* figlet - its input in large letters.  The letters are the project's own: five rows of pixels,
 * three wide but for M, N and W, with '#' for each. */
#include "functions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 5, WIDTH = 78 };

static const struct {
        char of;
        const char *rows[ROWS];
} letters[] = {
        { 'A', { " # ", "# #", "###", "# #", "# #" } },
        { 'B', { "## ", "# #", "## ", "# #", "## " } },
        { 'C', { " ##", "#  ", "#  ", "#  ", " ##" } },
        { 'D', { "## ", "# #", "# #", "# #", "## " } },
        { 'E', { "###", "#  ", "## ", "#  ", "###" } },
        { 'F', { "###", "#  ", "## ", "#  ", "#  " } },
        { 'G', { " ##", "#  ", "# #", "# #", " ##" } },
        { 'H', { "# #", "# #", "###", "# #", "# #" } },
        { 'I', { "###", " # ", " # ", " # ", "###" } },
        { 'J', { "  #", "  #", "  #", "# #", " # " } },
        { 'K', { "# #", "# #", "## ", "# #", "# #" } },
        { 'L', { "#  ", "#  ", "#  ", "#  ", "###" } },
        { 'M', { "#   #", "## ##", "# # #", "#   #", "#   #" } },
        { 'N', { "#  #", "## #", "# ##", "#  #", "#  #" } },
        { 'O', { " # ", "# #", "# #", "# #", " # " } },
        { 'P', { "## ", "# #", "## ", "#  ", "#  " } },
        { 'Q', { " ## ", "#  #", "#  #", "# ##", " ###" } },
        { 'R', { "## ", "# #", "## ", "# #", "# #" } },
        { 'S', { " ##", "#  ", " # ", "  #", "## " } },
        { 'T', { "###", " # ", " # ", " # ", " # " } },
        { 'U', { "# #", "# #", "# #", "# #", "###" } },
        { 'V', { "# #", "# #", "# #", "# #", " # " } },
        { 'W', { "#   #", "#   #", "# # #", "## ##", "#   #" } },
        { 'X', { "# #", "# #", " # ", "# #", "# #" } },
        { 'Y', { "# #", "# #", " # ", " # ", " # " } },
        { 'Z', { "###", "  #", " # ", "#  ", "###" } },
        { '0', { "###", "# #", "# #", "# #", "###" } },
        { '1', { " # ", "## ", " # ", " # ", "###" } },
        { '2', { "## ", "  #", " # ", "#  ", "###" } },
        { '3', { "## ", "  #", " # ", "  #", "## " } },
        { '4', { "# #", "# #", "###", "  #", "  #" } },
        { '5', { "###", "#  ", "## ", "  #", "## " } },
        { '6', { " ##", "#  ", "###", "# #", "###" } },
        { '7', { "###", "  #", " # ", " # ", " # " } },
        { '8', { "###", "# #", "###", "# #", "###" } },
        { '9', { "###", "# #", "###", "  #", "## " } },
        { ' ', { "  ", "  ", "  ", "  ", "  " } },
        { '.', { " ", " ", " ", " ", "#" } },
        { ',', { "  ", "  ", "  ", " #", "# " } },
        { ':', { " ", "#", " ", "#", " " } },
        { '!', { "#", "#", "#", " ", "#" } },
        { '?', { "## ", "  #", " # ", "   ", " # " } },
        { '-', { "   ", "   ", "###", "   ", "   " } },
        { '+', { "   ", " # ", "###", " # ", "   " } },
        { '=', { "   ", "###", "   ", "###", "   " } },
        { '/', { "  #", "  #", " # ", "#  ", "#  " } },
        { '_', { "   ", "   ", "   ", "   ", "###" } },
        { '\'', { "#", "#", " ", " ", " " } },
        { '(', { " #", "# ", "# ", "# ", " #" } },
        { ')', { "# ", " #", " #", " #", "# " } },
};

/* What has no letter is a blank. */
static const char *const *rows_of(char c) {
        size_t blank = 0;

        for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
                if (letters[i].of == toupper((unsigned char)c))
                        return letters[i].rows;
                if (letters[i].of == ' ')
                        blank = i;
        }
        return letters[blank].rows;
}

/* As many letters as fit into a line of a terminal; how many. */
static size_t print_line(const char *text, size_t len) {
        size_t n = 0, width = 0;

        while (n < len && text[n] != '\n' && width + strlen(rows_of(text[n])[0]) + 1 <= WIDTH)
                width += strlen(rows_of(text[n++])[0]) + 1;
        for (int row = 0; row < ROWS && n > 0; row++) {
                char line[WIDTH + 1] = "";

                for (size_t i = 0; i < n; i++) {
                        strcat(line, rows_of(text[i])[row]);
                        strcat(line, " ");
                }
                for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; end--)
                        line[end - 1] = '\0';
                puts(line);
        }
        return n;
}

int figlet_main(void) {
        char text[INPUT_BYTES + 1];
        size_t len = read_input(text), at = 0;

        while (at < len) {
                at += print_line(text + at, len - at);
                if (at < len && text[at] == '\n')
                        at++;
                if (at < len)
                        putchar('\n');
        }
        return 0;
}

#include "cli/table.h"

#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cell {
        enum table_colour colour;
        char text[TABLE_CELL];
};

struct row {
        unsigned n;
        struct cell cells[TABLE_COLUMNS];
};

struct table {
        unsigned n_columns, n_rows;
        struct row *rows; /* the first one holds the titles */
};

void table_row(struct table *t) {
        t->rows = realloc(t->rows, (t->n_rows + 1) * sizeof(*t->rows));
        if (!t->rows)
                abort();
        memset(&t->rows[t->n_rows++], 0, sizeof(*t->rows));
}

void table_cell(struct table *t, enum table_colour colour, const char *format, ...) {
        struct row *row = &t->rows[t->n_rows - 1];
        struct cell *cell = &row->cells[row->n];
        va_list args;

        if (row->n == TABLE_COLUMNS)
                return;
        row->n++;
        cell->colour = colour;
        va_start(args, format);
        (void)vsnprintf(cell->text, sizeof(cell->text), format, args);
        va_end(args);
}

struct table *table_new(const char *const *titles) {
        struct table *t = calloc(1, sizeof(*t));

        if (!t)
                abort();
        table_row(t);
        for (; titles[t->n_columns]; t->n_columns++)
                table_cell(t, TABLE_PLAIN, "%s", titles[t->n_columns]);
        return t;
}

static void print_cell(const struct cell *cell, int width, bool colours) {
        static const char *const codes[] = { "", "\033[32m", "\033[33m", "\033[31m" };
        bool coloured = colours && cell->colour != TABLE_PLAIN;

        printf("%s%-*s%s", coloured ? codes[cell->colour] : "", width, cell->text,
               coloured ? "\033[0m" : "");
}

void table_print(struct table *t) {
        bool colours = cli_on_terminal(STDOUT_FILENO);
        int widths[TABLE_COLUMNS] = { 0 };

        for (unsigned r = 0; r < t->n_rows; r++)
                for (unsigned i = 0; i < t->rows[r].n; i++)
                        if ((int)strlen(t->rows[r].cells[i].text) > widths[i])
                                widths[i] = (int)strlen(t->rows[r].cells[i].text);
        for (unsigned r = 0; r < t->n_rows; r++) {
                const struct row *row = &t->rows[r];

                for (unsigned i = 0; i < row->n; i++)
                        print_cell(&row->cells[i], i + 1 < row->n ? widths[i] + 2 : 0, colours);
                printf("\n");
        }
        free(t->rows);
        free(t);
}

/* table - columns as wide as what is in them; colour only on a terminal. */
#ifndef BRAMBLE_CLI_TABLE_H
#define BRAMBLE_CLI_TABLE_H

enum { TABLE_COLUMNS = 12, TABLE_CELL = 96 };

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD };

struct table;

/* 'titles' ends with NULL. Aborts where there is no memory: a command can do nothing better. */
struct table *table_new(const char *const *titles);
/* Begins a row. */
void table_row(struct table *t);
/* The next cell of the row; cut at TABLE_CELL. */
void table_cell(struct table *t, enum table_colour colour, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Prints to stdout and frees. */
void table_print(struct table *t);

#endif

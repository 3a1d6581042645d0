/* functions - the functions of the store: one small static program, which is each of them by the
 * name that it is called by. */
#ifndef BRAMBLE_FUNCTIONS_H
#define BRAMBLE_FUNCTIONS_H

#include <stddef.h>

enum { INPUT_BYTES = 4096 }; /* as much as those that need all of it at once take */

/* Standard input without the newlines at its end, cut; its length. */
size_t read_input(char ret[static INPUT_BYTES + 1]);
/* This board's name, or the container's where it is not known. */
const char *board_name(void);
/* NAME=NUMBER of the call's query, or 'otherwise' where it is not there or not from 1 to 'most'. */
unsigned query_number(const char *name, unsigned most, unsigned otherwise);

int env_main(void);
int figlet_main(void);
int hello_main(void);
int hello_http_main(void);
int hello_streaming_main(void);
int load_main(void);
int qr_main(void);
int wordcount_main(void);

#endif

/* trim - gives memory back that only a program's start needed. */
#ifndef BRAMBLE_IO_TRIM_H
#define BRAMBLE_IO_TRIM_H

/* Unmaps the code pages of the program and its libraries: those that are used come back by a page
 * fault from the page cache, those that only the start ran (half of libcrypto) stay away.  Also
 * gives free heap back.  Takes well below a millisecond; call it once, when the start is over. */
void trim_after_start(void);

#endif

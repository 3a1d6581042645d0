/* trim - gives memory back that only a program's start needed. */
#ifndef BRAMBLE_IO_TRIM_H
#define BRAMBLE_IO_TRIM_H

/* Unmaps code and constants of the program and its libraries (mappings of files in which no page
 * was ever written, so that nothing can be lost): what is used comes back by a page fault from the
 * page cache, what only the start ran or read (most of libcrypto, symbol tables) stays away.  Also
 * gives free heap back.  A few milliseconds; call it once, when the start is over. */
void trim_after_start(void);

#endif

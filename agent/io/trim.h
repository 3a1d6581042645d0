/* trim - gives memory back that a program needed only for a while. */
#ifndef BRAMBLE_IO_TRIM_H
#define BRAMBLE_IO_TRIM_H

/* Unmaps code and constants of the program and its libraries (mappings of files in which no page
 * was ever written, so that nothing can be lost): what is used comes back by a page fault from the
 * page cache, what only its start or a rare job ran or read (most of libcrypto) stays away.  Also
 * gives free heap back.  A few milliseconds; after a start or a job, not more often. */
void trim_program(void);

#endif

/* sensors_file - small files of /proc and /sys below a root directory. */
#ifndef BRAMBLE_IO_SENSORS_FILE_H
#define BRAMBLE_IO_SENSORS_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Reads at most size - 1 bytes (what is longer is cut) and puts a NUL behind them.  Bytes read, or
 * negative errno; -EISDIR, -EINVAL for what is no plain file. */
long sensors_file_read(int root_fd, const char *path, char *dst, size_t size);

/* A file that holds one unsigned decimal number and perhaps a newline.  -EINVAL for anything else
 * ("max", "-1"), -ERANGE. */
int sensors_file_number(int root_fd, const char *path, uint64_t *ret);

/* Bytes behind 'key' in lines like "MemTotal:  948304 kB" or "inactive_file 4096"; the key begins
 * a line and ends with a colon or a blank.  -ENOENT. */
int sensors_text_bytes(const char *text, const char *key, uint64_t *ret);

/* The memory limit of the root of our cgroup namespace, v2 or v1; 0: none. */
uint64_t sensors_memory_limit(int root_fd);

#endif

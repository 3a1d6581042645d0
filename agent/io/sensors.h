/* sensors - what this board is and how it is doing, read from /proc and /sys below a root. */
#ifndef BRAMBLE_IO_SENSORS_H
#define BRAMBLE_IO_SENSORS_H

#include "base/fail.h"
#include "base/time.h"
#include "core/board.h"
#include "core/report.h"

/* All *.json of a folder of board profiles (at most 64, 8 KB each).  The array is the caller's to
 * free.  An unreadable or wrong file is an error with its name. */
int board_profiles_load(int dir_fd, struct board_profile **ret, size_t *ret_n, struct fail *f);

/* Recognises the board below 'root_fd': sys/firmware/devicetree/base, else proc/device-tree, else
 * a PC whose node id is made from etc/machine-id.  RAM is the smallest of board, cgroup and
 * meminfo.  '*ret_known' false: no profile fits (say so once). */
int board_probe(int root_fd, const struct board_profile *profiles, size_t n, struct board *ret,
                bool *ret_known, struct fail *f);

struct sensors_reader;
/* 'state_dir' says which file system's room counts.  The descriptor is kept, not owned. */
int sensors_open(int root_fd, const struct board *board, const char *state_dir,
                 struct sensors_reader **ret);
/* A reading; what cannot be read is 0, INT32_MIN or without POWER_KNOWN.  CPU is that since the
 * last call.  'lan' names the interface whose traffic counts ("" none).  Cannot fail. */
void sensors_read(struct sensors_reader *s, usec_t now, const char *lan, struct sensors *ret);
void sensors_free(struct sensors_reader *s);

#endif

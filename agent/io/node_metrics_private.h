/* node_metrics_private - what the files node_metrics_*.c share. */
#ifndef BRAMBLE_IO_NODE_METRICS_PRIVATE_H
#define BRAMBLE_IO_NODE_METRICS_PRIVATE_H

#include "core/metrics_text.h"
#include "io/node_metrics.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        NODE_FILE_BYTES = 64 * 1024, /* of a file that is looked at; what is behind is not */
        NODE_CPUS = 64,
        NODE_DISKS = 16,
        NODE_FILE_SYSTEMS = 16,
        NODE_INTERFACES = 24,
        NODE_THERMAL_ZONES = 16,
        NODE_HWMON_CHIPS = 24,
        NODE_HWMON_SAMPLES = 128,
};

struct node {
        int root_fd; /* borrowed */
        struct buf *out;
        char text[NODE_FILE_BYTES]; /* the file that is looked at */
};

/* The file as text, good until the next call; NULL where there is none. */
char *node_read(struct node *n, const char *path);
/* The next line of 'text' without its end, which is set behind it; NULL at the end. */
char *node_line(char **text);
/* Numbers between blanks, at most 'most' of them, up to what is none.  Returns how many. */
unsigned node_numbers(const char *s, uint64_t *ret, unsigned most);
/* A file that holds one number, perhaps negative. */
bool node_number(const struct node *n, const char *path, int64_t *ret);
/* The first line of a small file, cut to fit; false where there is none. */
bool node_word(const struct node *n, const char *path, char *dst, size_t size);

/* The collectors, each in its file. */
void node_cpu(struct node *n);     /* processors, interrupts, processes, clock rates */
void node_memory(struct node *n);  /* meminfo, vmstat */
void node_system(struct node *n);  /* load, time, kernel, files, pressure */
void node_thermal(struct node *n); /* thermal zones */
void node_hwmon(struct node *n);   /* hardware monitors: the Pi's under-voltage alarm, fans */
void node_disks(struct node *n);   /* diskstats */
void node_file_systems(struct node *n);
void node_network(struct node *n);

#endif

/* board - says what a board is from its device tree, and what it can therefore do.  Pure. */
#ifndef BRAMBLE_CORE_BOARD_H
#define BRAMBLE_CORE_BOARD_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One file of boards/: what is known about a model.  0 (or "") is: not known. */
struct board_profile {
        char id[SIZE_BOARD_ID]; /* "2B", "2B-1.2", "3B+", "PC" */
        char name[SIZE_MODEL];
        char compatible[2][48]; /* device tree: board, then SoC */
        uint8_t type;           /* revision code bits 11-4 */
        uint8_t soc_p;          /* revision code bits 15-12 */
        uint8_t rev_max;        /* highest revision (bits 3-0) that is this board, 15: any */
        uint16_t cores;
        uint16_t clock_mhz;
        uint8_t bits;        /* widest kernel it can run: 32 or 64 */
        uint32_t ram_mb;     /* smallest it was sold with */
        uint32_t ram_max_mb; /* largest */
        uint32_t eth_mbps;   /* what its Ethernet really carries; 0: none or not known */
        int16_t soft_temp_c; /* clock is lowered a little, a normal state */
        int16_t throttle_c;
        int16_t hard_c;
        uint16_t idle_mw;
        uint16_t max_mw;
        bool under_voltage_sensor;
        char kubernetes_max[8]; /* "1.26"; "" no known limit */
};

/* What was found on this board, before any profile: all from outside. */
struct board_facts {
        const char *compatible; /* NUL-separated list as in the device tree, or NULL: a PC; the
                                   last NUL may be missing */
        size_t compatible_len;
        const char *model;  /* firmware's own words, or NULL; shown, never matched */
        uint32_t revision;  /* 0: none */
        uint64_t serial;    /* of the SoC, or made from the machine id; never 0 */
        uint64_t ram_bytes; /* smaller of /proc/meminfo and the cgroup's limit */
        uint16_t cores;     /* that the kernel runs */
        uint32_t clock_mhz; /* 0: not known */
        uint8_t bits_kernel;
        uint8_t bits_user;
};

/* A board that was recognised (or not).  A value; goes over the wire in hello and report. */
struct board {
        char id[SIZE_BOARD_ID]; /* the profile's, or "unknown" */
        char model[SIZE_MODEL]; /* the firmware's words where there are any */
        uint64_t node;          /* node id: the serial */
        uint16_t cores;
        uint16_t clock_mhz;
        uint8_t bits_kernel;
        uint8_t bits_user;
        uint64_t ram_bytes;
        uint64_t function_bytes; /* RAM that functions may use on this board */
        uint32_t eth_mbps;
        int16_t soft_temp_c; /* 0: not known */
        int16_t throttle_c;
        int16_t hard_c;
        uint16_t idle_mw;
        uint16_t max_mw;
        bool under_voltage_sensor;
        char kubernetes_max[8];
};

/* Picks the profile by compatible, then by the revision's type, SoC and revision bits: where the
 * two speak of the same type, the SoC of the revision wins (a 2B 1.2 under the device tree of a 2B
 * is a 2B 1.2).  A revision alone decides only for a Raspberry Pi whose name is not known yet. With
 * no device tree: the profile "PC".  Returns false, and generic limits in 'ret', where none fits
 * (the caller says so once).
 * Cores and clock are the profile's where it has them; word sizes and RAM are never above what the
 * model has, so that a fixture on a bigger machine is the board that it says. */
bool board_identify(const struct board_profile *profiles, size_t n_profiles,
                    const struct board_facts *facts, struct board *ret);

/* RAM of a new-style revision code in MB, 0 for an old-style or unknown one. */
uint32_t board_revision_ram_mb(uint32_t revision);

/* RAM for functions: what system (150 MB), agent and gateway (20 MB), containerd (70 MB) and, from
 * 1 GB up, a kubelet with its pods (250 MB; more on bigger boards, which carry the control plane)
 * leave.  Boards: below 384 MB a quarter, 512 MB 192 MB, 640 MB and up 320 MB, 1 GB 512 MB (a Pi
 * shows 880 MB and more of it), from 2 GB up all but 768 MB.  A PC: half, at most 4 GB. */
uint64_t board_function_bytes(uint64_t ram_bytes, bool pc);

/* How fit a board is to lead; more is better, ties go to the lower node id.  RAM, then 64-bit,
 * then clock x cores, then Ethernet.  RAM counts as the size it was sold with (1 GB, 2 GB, ...): a
 * few MB more or less for the GPU decide nothing. */
uint64_t board_strength(const struct board *b);

struct wire_in;
struct wire_out;
void board_put(struct wire_out *w, const struct board *b);
/* Bad for anything that board_put() does not write and for text that is not printable ASCII. */
void board_get(struct wire_in *w, struct board *ret);

#endif

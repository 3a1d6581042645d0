/* scope - releases memory and descriptors when a variable leaves its block. */
#ifndef BRAMBLE_BASE_SCOPE_H
#define BRAMBLE_BASE_SCOPE_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_free(void *slot) {
        free(*(void **)slot);
}

static inline void scope_close(const int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

/* 'auto_free char *s = NULL;': free(s) at the end of the block. */
#define auto_free __attribute__((cleanup(scope_free)))
/* 'auto_close int fd = -EBADF;': close(fd) at the end of the block where fd >= 0. */
#define auto_close __attribute__((cleanup(scope_close)))

/* The pointer's value; the variable itself becomes NULL, so that its clean-up does nothing. */
#define take_ptr(p)                                      \
        ({                                               \
                __typeof__(p) *take_slot_ = &(p);        \
                __typeof__(p) take_value_ = *take_slot_; \
                *take_slot_ = NULL;                      \
                take_value_;                             \
        })

/* The same for a descriptor: the variable becomes -1. */
static inline int take_fd(int *fd) {
        int value = *fd;

        *fd = -1;
        return value;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif

/* tar - reads a tar archive from a stream of bytes: ustar, pax path, linkpath and size, GNU long
 * names.  Pure; every byte is taken to be hostile. */
#ifndef BRAMBLE_CORE_TAR_H
#define BRAMBLE_CORE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        TAR_BLOCK = 512,
        SIZE_TAR_PATH = 512,         /* the longest path that is accepted, the NUL included */
        TAR_EXTRA_BYTES = 64 * 1024, /* one pax header or GNU long name */
};

enum tar_kind {
        TAR_FILE,
        TAR_FOLDER,
        TAR_SYMLINK,
        TAR_HARDLINK,
        TAR_OTHER /* devices, FIFOs and what nobody knows */
};

/* One member, as its headers describe it. */
struct tar_entry {
        enum tar_kind kind;
        uint64_t size; /* bytes of data that follow; 0 for folders and links */
        /* Without "./", doubled or trailing slashes; never absolute, never with "..". */
        char path[SIZE_TAR_PATH];
        char link[SIZE_TAR_PATH]; /* links: the target as it was written */
};

enum tar_event {
        TAR_MORE,  /* all input is used up */
        TAR_ENTRY, /* a member begins: see tar_entry() */
        TAR_DATA,  /* bytes of its data; only of files */
        TAR_DONE,  /* the member is over */
        TAR_END,   /* the archive is over; what follows is padding */
};

enum tar_state {
        TAR_STATE_HEADER,
        TAR_STATE_DATA,
        TAR_STATE_EXTRA,
        TAR_STATE_PADDING,
        TAR_STATE_END,
        TAR_STATE_BAD
};

struct tar {
        enum tar_state state;
        struct tar_entry entry;
        uint64_t left; /* bytes of data still to come */
        uint32_t skip; /* padding after them */
        bool seen;     /* there was a member */
        bool zero;     /* the last block was all zero */
        char extra; /* type of the extra header that is being read: 'x', 'L', 'K' or 0: skipped */
        uint32_t n_extra;
        uint32_t n_block;
        uint8_t block[TAR_BLOCK];
        /* What extra headers say about the next member. */
        bool has_path, has_link, has_size;
        uint64_t next_size;
        char next_path[SIZE_TAR_PATH];
        char next_link[SIZE_TAR_PATH];
        char extra_data[TAR_EXTRA_BYTES + 1];
};

/* 67 kB: on the heap. */
void tar_init(struct tar *t);

/* Takes bytes from '*data' (moved on, '*len' lowered) up to the next event, which it returns.
 * TAR_DATA's bytes are '*ret_data', a view into the input, '*ret_len' of them, never 0.  After
 * TAR_END all input is taken and TAR_MORE comes back.  -EBADMSG: no tar, or damaged;
 * -ENAMETOOLONG; -EINVAL: a path is absolute or has ".."; -ENOTSUP: sparse files, data behind one
 * of several volumes.  After an error it stays. */
int tar_next(struct tar *t, const void **data, size_t *len, const void **ret_data, size_t *ret_len);

/* The member of the last TAR_ENTRY; good until the next one. */
static inline const struct tar_entry *tar_entry(const struct tar *t) {
        return &t->entry;
}

/* May the input end here?  False inside a member or a header, and where nothing was read: a
 * truncated archive. */
bool tar_complete(const struct tar *t);

/* Where a link leads, as a path in the archive.  -EINVAL where it leads out of it. */
int tar_resolve(const struct tar_entry *e, char ret[static SIZE_TAR_PATH]);

#endif

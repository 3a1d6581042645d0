/* grpc_frame - gRPC's framing on top of HTTP/2: message prefixes, status numbers, status texts.
 * No I/O. */
#ifndef BRAMBLE_IO_GRPC_FRAME_H
#define BRAMBLE_IO_GRPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum { GRPC_PREFIX_BYTES = 5 }; /* one byte "compressed", four bytes length, big-endian */

/* Looks for one whole message at the start of 'data'.
 * 1: *ret_message points at it, *ret_used bytes belong to it; 0: more bytes are needed;
 * -EBADMSG: compressed, which we never asked for; -EMSGSIZE: longer than 'max'. */
int grpc_frame_next(const void *data, size_t len, size_t max, const uint8_t **ret_message,
                    size_t *ret_len, size_t *ret_used);

/* Writes the prefix of a message of 'len' bytes. */
void grpc_frame_prefix(uint8_t prefix[static GRPC_PREFIX_BYTES], uint32_t len);

/* "0" to "16" -> 0 or a negative errno; anything else -EPROTO.
 *  1 cancelled -ECANCELED       2 unknown -EIO               3 invalid argument -EINVAL
 *  4 deadline -ETIMEDOUT        5 not found -ENOENT          6 already exists -EEXIST
 *  7 permission denied -EACCES  8 exhausted -ENOBUFS         9 failed precondition -EBUSY
 * 10 aborted -EAGAIN           11 out of range -ERANGE      12 unimplemented -EOPNOTSUPP
 * 13 internal -EIO             14 unavailable -EHOSTDOWN    15 data loss -EBADMSG
 * 16 unauthenticated -EACCES */
int grpc_status_errno(const char *text, size_t len);

/* The percent-decoded grpc-message, printable and cut to 'size'; what is no escape stays as it
 * is. Returns dst. */
char *grpc_status_text(char *dst, size_t size, const char *text, size_t len);

#endif

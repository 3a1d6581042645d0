/* jetstream - the texts that NATS JetStream puts into subjects, and those that we do.  Pure. */
#ifndef BRAMBLE_CORE_JETSTREAM_H
#define BRAMBLE_CORE_JETSTREAM_H

#include <stddef.h>
#include <stdint.h>

/* What the reply subject of a delivered message says:
 * $JS.ACK.stream.consumer.delivered.stream-seq.consumer-seq.time.pending, or the same with a domain
 * and an account behind ACK, and more behind pending (NATS ADR-15). */
struct jetstream_delivery {
        uint64_t delivered; /* how often, this time too */
        uint64_t sequence;  /* in the stream */
};

/* -EINVAL where it is no such subject. */
int jetstream_parse_delivery(const char *subject, struct jetstream_delivery *ret);

/* The stream sequence in an answer to STREAM.MSG.GET, which may be too large to be parsed whole;
 * its other fields cannot hold this key.  -ENOENT. */
int jetstream_find_sequence(const char *text, size_t len, uint64_t *ret);

/* 'text' as one token of a subject: letters, digits and '-' stay, any other byte becomes "_" and
 * two hex digits.  -ENAMETOOLONG; -EINVAL for an empty text. */
int jetstream_token(const char *text, char *ret, size_t size);

#endif

/* str - strings: comparing, copying with a bound, numbers, sizes and hex. */
#ifndef BRAMBLE_BASE_STR_H
#define BRAMBLE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline const char *str_or(const char *s, const char *fallback) {
        return s ? s : fallback;
}

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Copies 'src' with its NUL.  -ENAMETOOLONG (and an empty 'dst') where it does not fit in 'size'
 * bytes. */
int str_copy(char *dst, size_t size, const char *src);

/* The same for 'len' bytes without a NUL. -EINVAL where a NUL is among them. */
int str_copy_n(char *dst, size_t size, const char *src, size_t len);

/* Copies what fits and replaces every byte that is not printable ASCII by '?': for text from
 * outside on its way to a log or a terminal.  Returns dst. */
char *str_printable(char *dst, size_t size, const char *src, size_t len);

/* Puts '?' in the place of every byte that is no part of valid UTF-8 (RFC 3629): overlong forms,
 * surrogates and anything above U+10FFFF are not.  Returns s. */
char *str_utf8(char *s);

/* Whole decimal numbers without sign, space or rest.  -EINVAL, -ERANGE above 'max'. */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret);

/* 1 to 16 hex digits, either case, nothing else.  -EINVAL. */
int str_from_hex64(const char *s, uint64_t *ret);

/* 16 lower-case digits and a NUL. */
void str_hex64(uint64_t v, char ret[static 17]);

/* Kubernetes quantities of memory: "64Mi", "1Gi", "128M", "5000k", "1048576", also "1.5Gi" is
 * refused.  -EINVAL for anything that is not one (signs too), -ERANGE where it does not fit. */
int str_to_bytes(const char *s, uint64_t *ret);

/* Kubernetes quantities of CPU in thousandths of a core: "250m", "1", "0.5".  -EINVAL, -ERANGE
 * (more than 1024 cores). */
int str_to_millicores(const char *s, uint32_t *ret);

/* "37 MB", "1.0 GB": SI units, at most 8 characters and a NUL.  Returns dst. */
char *str_size(char dst[static 16], uint64_t bytes);

/* "12 s", "4 min", "3 h", "12 d": one unit, for people.  Returns dst. */
char *str_duration(char dst[static 16], uint64_t seconds);

#endif

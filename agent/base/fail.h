/* fail - one sentence for a person, beside an errno for the program. */
#ifndef BRAMBLE_BASE_FAIL_H
#define BRAMBLE_BASE_FAIL_H

/* Lives on the caller's stack; nothing to free.  The innermost sentence wins: once 'text' is
 * set, a later fail() on the same struct keeps it. */
struct fail {
        int error;      /* negative errno, 0 while nothing failed */
        char text[320]; /* no trailing newline; "" while nothing failed */
};

/* Records the sentence (cut to fit) and returns 'error', so that a failure is one line:
 *         return fail(f, -ERANGE, "port '%.20s' is above 65535", text);
 * 'f' may be NULL.  'error' must be negative. */
int fail(struct fail *f, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The sentence, or strerror() of the errno where nobody wrote one. */
const char *fail_text(const struct fail *f);

#endif

#include "gateway/call_id.h"

#include <errno.h>
#include <sys/random.h>

enum { UUID_BYTES = 16 };

int call_id_make(struct call_ids *ids, char ret[static CALL_ID_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        uint8_t *bytes;
        char *to = ret;

        if (ids->left == 0) {
                ssize_t n = getrandom(ids->random, sizeof(ids->random), 0);

                if (n < UUID_BYTES)
                        return n < 0 ? -errno : -EIO;
                ids->left = (unsigned)n / UUID_BYTES;
        }
        bytes = ids->random + (size_t)--ids->left * UUID_BYTES;
        bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f)); /* version 4 */
        bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f)); /* variant 10 */
        for (unsigned i = 0; i < UUID_BYTES; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *to++ = '-';
                *to++ = digits[bytes[i] >> 4];
                *to++ = digits[bytes[i] & 15];
        }
        *to = '\0';
        return 0;
}

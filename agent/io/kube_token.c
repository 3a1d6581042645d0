#include "io/kube_token.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { ID_LEN = 6, TOKEN_LEN = SIZE_KUBE_TOKEN - 1 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

int kube_token_make(char ret[static SIZE_KUBE_TOKEN]) {
        const unsigned n_letters = sizeof(letters) - 1, even = 256 / n_letters * n_letters;
        uint8_t bytes[64];
        size_t n = 0;
        int r = 0;

        while (r == 0 && n < TOKEN_LEN) {
                ssize_t got = getrandom(bytes, sizeof(bytes), 0);

                if (got < 0 && errno != EINTR)
                        r = -errno;
                for (ssize_t i = 0; i < got && n < TOKEN_LEN; i++) {
                        if (n == ID_LEN)
                                ret[n++] = '.';
                        if (bytes[i] < even) /* the rest would favour the first letters */
                                ret[n++] = letters[bytes[i] % n_letters];
                }
        }
        explicit_bzero(bytes, sizeof(bytes));
        ret[n] = '\0';
        return r;
}

bool kube_token_valid(const char *token) {
        return strlen(token) == TOKEN_LEN && strspn(token, letters) == ID_LEN &&
               token[ID_LEN] == '.' &&
               strspn(token + ID_LEN + 1, letters) == TOKEN_LEN - ID_LEN - 1;
}

/* RFC 3339 without the C library, whose time_t may end in 2038.  Days to a date as in
 * "chrono-Compatible Low-Level Date Algorithms" (Howard Hinnant), for 1970 and later. */
static int rfc3339(int64_t seconds, char ret[static 32]) {
        const int64_t last = INT64_C(253402300799); /* the end of 9999 */
        uint32_t day, era, of_era, year, of_year, month, in_day;

        if (seconds < 0 || seconds > last)
                return -EINVAL;
        in_day = (uint32_t)(seconds % 86400);
        day = (uint32_t)(seconds / 86400) + 719468; /* from 0000-03-01 */
        era = day / 146097;
        of_era = day % 146097;
        year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        of_year = of_era - (365 * year + year / 4 - year / 100);
        month = (5 * of_year + 2) / 153; /* 0 is March */
        (void)snprintf(ret, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                       (year + era * 400 + (month >= 10)) % 10000,
                       month < 10 ? month + 3 : month - 9, of_year - (153 * month + 2) / 5 + 1,
                       in_day / 3600, in_day / 60 % 60, in_day % 60);
        return 0;
}

int kube_token_secret(const char *token, int64_t expires_sec, char **ret, size_t *ret_len) {
        struct buf b = { 0 };
        char expires[32];
        int r;

        if (!kube_token_valid(token) || rfc3339(expires_sec, expires) < 0)
                return -EINVAL;
        r = buf_reserve(&b, 1024); /* a buffer that grows leaves copies behind */
        if (r == 0)
                r = buf_printf(&b,
                               "{\"apiVersion\":\"v1\",\"kind\":\"Secret\","
                               "\"metadata\":{\"name\":\"bootstrap-token-%.6s\","
                               "\"namespace\":\"kube-system\"},"
                               "\"type\":\"bootstrap.kubernetes.io/token\",\"stringData\":{"
                               "\"description\":\"bramble\",\"token-id\":\"%.6s\","
                               "\"token-secret\":\"%s\",\"expiration\":\"%s\","
                               "\"usage-bootstrap-authentication\":\"true\","
                               "\"usage-bootstrap-signing\":\"true\",\"auth-extra-groups\":"
                               "\"system:bootstrappers:kubeadm:default-node-token\"}}",
                               token, token, token + ID_LEN + 1, expires);
        if (r < 0)
                return r;
        *ret_len = b.len;
        *ret = buf_take(&b);
        return 0;
}

int kube_token_path(const char *token, char ret[static SIZE_KUBE_TOKEN_PATH]) {
        if (!kube_token_valid(token))
                return -EINVAL;
        (void)snprintf(ret, SIZE_KUBE_TOKEN_PATH, KUBE_SECRETS_PATH "/bootstrap-token-%.6s", token);
        return 0;
}

#include "daemon/kube_seal.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/kube_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_MISUSED = 2, HEX_DIGITS = 2 * SIZE_KUBE_KEY, NICE = 5 };

/* All of stdin, or as much as fits. */
static size_t read_in(char *text, size_t size) {
        size_t len = 0;

        while (len < size) {
                ssize_t n = read(STDIN_FILENO, text + len, size - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        return len;
}

static int parse_key(const char *text, size_t len, uint8_t ret[static SIZE_KUBE_KEY]) {
        if (len > 0 && text[len - 1] == '\n')
                len--;
        if (len != HEX_DIGITS)
                return -EINVAL;
        for (size_t i = 0; i < SIZE_KUBE_KEY; i++) {
                char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
                uint64_t v;

                if (str_from_hex64(digits, &v) < 0)
                        return -EINVAL;
                ret[i] = (uint8_t)v;
        }
        return 0;
}

static int read_key(uint8_t ret[static SIZE_KUBE_KEY]) {
        char text[HEX_DIGITS + 2];
        int r = parse_key(text, read_in(text, sizeof(text)), ret);

        explicit_bzero(text, sizeof(text));
        if (r < 0)
                fprintf(stderr, "bramble-agent: a key is %d hex digits on standard input\n",
                        HEX_DIGITS);
        return r;
}

static int tell(int r, const struct fail *f) {
        if (r == 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "%s\n", f->text[0] ? f->text : strerror(-r));
        return EXIT_FAILURE;
}

int kube_seal_main(int n, char **words) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        uint8_t key[SIZE_KUBE_KEY];
        uint64_t epoch, number;
        struct fail f = { 0 };
        int r;

        if (n != 4 || str_to_u64(words[2], UINT32_MAX, &epoch) < 0 ||
            str_to_u64(words[3], UINT32_MAX, &number) < 0) {
                fputs("usage: bramble-agent --kube-seal SNAPSHOT OUT EPOCH NUMBER\n", stderr);
                return EXIT_MISUSED;
        }
        if (read_key(key) < 0)
                return EXIT_MISUSED;
        (void)!nice(NICE); /* nobody waits for it */
        r = kube_archive_seal(root, words[0], words[1], key, (uint32_t)epoch, number, &f);
        explicit_bzero(key, sizeof(key));
        return tell(r, &f);
}

int kube_open_main(int n, char **words) {
        uint8_t key[SIZE_KUBE_KEY];
        struct fail f = { 0 };
        int r;

        if (n != 2) {
                fputs("usage: bramble-agent --kube-open IN DIR\n", stderr);
                return EXIT_MISUSED;
        }
        if (read_key(key) < 0)
                return EXIT_MISUSED;
        r = kube_archive_open(words[0], words[1], key, &f);
        explicit_bzero(key, sizeof(key));
        return tell(r, &f);
}

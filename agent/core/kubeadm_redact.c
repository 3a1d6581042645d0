/* Secrets in text that is on its way to a log or a person. */
#include "core/kubeadm_output.h"

#include <string.h>

enum { TOKEN_ID = 6, TOKEN_SECRET = 16, KEY_DIGITS = 64 };

#define REDACTED "[secret]"

/* A token's letters are [a-z0-9]; whoever writes it in capitals does not get it through either. */
static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c) {
        return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9');
}

static size_t word_at(const char *s, size_t len) {
        size_t n = 0;

        while (n < len && is_word(s[n]))
                n++;
        return n;
}

static size_t hex_run(const char *s, size_t len) {
        size_t run = 0;

        for (size_t i = 0; i < len; i++) {
                run = is_hex(s[i]) ? run + 1 : 0;
                if (run == KEY_DIGITS)
                        return run;
        }
        return run;
}

/* How many bytes a secret takes that begins with this word; 0: it is none. */
static size_t secret_at(const char *s, size_t len, size_t word) {
        size_t second;

        if (word >= KEY_DIGITS && hex_run(s, word) == KEY_DIGITS)
                return word;
        if (word < TOKEN_ID || word >= len || s[word] != '.')
                return 0;
        second = word_at(s + word + 1, len - word - 1);
        return second >= TOKEN_SECRET ? word + 1 + second : 0;
}

static bool contains(const char *s, size_t len, const char *want) {
        return memmem(s, len, want, strlen(want)) != NULL;
}

/* Appends all of it or nothing: half a secret is one too. */
static bool put(char *dst, size_t size, size_t *at, const char *s, size_t len) {
        if (len >= size - *at)
                return false;
        memcpy(dst + *at, s, len);
        *at += len;
        return true;
}

static bool put_visible(char *dst, size_t size, size_t *at, char c) {
        char shown = c == '\t' ? ' ' : c >= ' ' && c <= '~' ? c : '?';

        return put(dst, size, at, &shown, 1);
}

char *kubeadm_redact(char *dst, size_t size, const char *text, size_t len) {
        size_t at = 0;

        if (contains(text, len, "PRIVATE KEY"))
                len = 0;
        for (size_t i = 0; i < len;) {
                size_t word = word_at(text + i, len - i);
                size_t secret = secret_at(text + i, len - i, word);
                bool fits = true;

                if (secret > 0)
                        fits = put(dst, size, &at, REDACTED, strlen(REDACTED));
                else if (word == 0)
                        fits = put_visible(dst, size, &at, text[i]);
                for (size_t j = 0; fits && secret == 0 && j < word; j++)
                        fits = put(dst, size, &at, text + i + j, 1);
                if (!fits)
                        break;
                i += secret ? secret : word ? word : 1;
        }
        dst[at] = '\0';
        return dst;
}

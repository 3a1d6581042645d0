#include "base/scope.h"
#include "io/consensus_check.h"
#include "io/raft_version.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A message as a list of words; bytes follow as text where there are any. */
struct message {
        uint64_t type, len;
        uint64_t words[16];
        unsigned n_words;
        const char *rest; /* behind the words, without its NUL */
        size_t rest_len;
        int want;
};

/* u8 type, u32 length in one word */
#define ENTRY(type, len) ((uint64_t)(type) | (uint64_t)(len) << 32)
#define REST(s)          .rest = s, .rest_len = sizeof(s) - 1
/* one server, id 1, address "a", voter: 9 + 8 + 2 + 1 bytes and 4 of padding */
#define SERVER "\1\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a\0\1\0\0\0\0"

static void put_word(struct buf *b, uint64_t v) {
        for (unsigned i = 0; i < 8; i++, v >>= 8)
                assert_int_equal(buf_add(b, (const char[]){ (char)v }, 1), 0);
}

static const struct message messages[] = {
        { RAFT_REQUEST_VOTE, 32, { 1, 2, 3, 4 }, 4, .want = -EBADMSG },
        { RAFT_REQUEST_VOTE, 40, { 1, 2, 3, 4, 5 }, 5, .want = 0 },
        { RAFT_REQUEST_VOTE, 24, { 1, 2, 3 }, 3, .want = -EBADMSG },
        { RAFT_REQUEST_VOTE, 36, { 1, 2, 3, 4, 5 }, 5, .want = -EBADMSG },
        { RAFT_REQUEST_VOTE_RESULT, 24, { 1, 1, 1 }, 3, .want = 0 },
        { RAFT_REQUEST_VOTE_RESULT, 16, { 1, 1 }, 2, .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES_RESULT, 32, { 1, 0, 9, 0 }, 4, .want = 0 },
        { RAFT_APPEND_ENTRIES_RESULT, 16, { 1, 0 }, 2, .want = -EBADMSG },
        { RAFT_TIMEOUT_NOW, 24, { 1, 0, 9 }, 3, .want = 0 },
        { RAFT_TIMEOUT_NOW, 0, { 0 }, 0, .want = -EBADMSG },
        { 0, 24, { 1, 0, 9 }, 3, .want = -EBADMSG },
        { RAFT_TIMEOUT_NOW | 1 << 8, 24, { 1, 0, 9 }, 3, .want = -EBADMSG },
#ifdef RAFT_VERSION_NUMBER
        { RAFT_TIMEOUT_NOW | 1 << 16, 24, { 1, 0, 9 }, 3, .want = 0 },
        { RAFT_APPEND_ENTRIES_RESULT | 2 << 16, 24, { 1, 0, 9 }, 3, .want = -EBADMSG },
#else
        { RAFT_TIMEOUT_NOW | 1 << 16, 24, { 1, 0, 9 }, 3, .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES_RESULT, 24, { 1, 0, 9 }, 3, .want = 0 },
#endif
        { 7, 24, { 1, 0, 9 }, 3, .want = -EBADMSG },
        { RAFT_TIMEOUT_NOW, (uint64_t)1 << 40, { 0 }, 0, .want = -EBADMSG },
        { RAFT_TIMEOUT_NOW, UINT64_MAX, { 0 }, 0, .want = -EBADMSG },
        /* heartbeats, with and without the word that libraft 0.15 leaves unused */
        { RAFT_APPEND_ENTRIES, 48, { 1, 2, 3, 4, 0, 0 }, 6, .want = 0 },
        { RAFT_APPEND_ENTRIES, 40, { 1, 2, 3, 4, 0 }, 5, .want = 0 },
        { RAFT_APPEND_ENTRIES, 40, { 1, 2, 3, 4, 1 }, 5, .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES, 48, { 1, 2, 3, 4, UINT64_MAX, 0 }, 6, .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_COMMAND, 8) },
          7,
          REST("12345678"),
          0 },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_COMMAND, 0) },
          7,
          .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_COMMAND, 9) },
          7,
          .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES, 56, { 1, 2, 3, 4, 1, 1, ENTRY(9, 8) }, 7, .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_COMMAND, 1 << 30) },
          7,
          .want = -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_CHANGE, 24) },
          7,
          REST(SERVER),
          0 },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_CHANGE, 8) },
          7,
          REST("\1\1\0\0\0\0\0\0"),
          -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_CHANGE, 24) },
          7,
          REST("\1\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a\0\1\0\0\0\0"),
          -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_CHANGE, 24) },
          7,
          REST("\1\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0aaaaaaa"),
          -EBADMSG },
        { RAFT_APPEND_ENTRIES,
          56,
          { 1, 2, 3, 4, 1, 1, ENTRY(RAFT_CHANGE, 24) },
          7,
          REST("\1\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a\0\7\0\0\0\0"),
          -EBADMSG },
        /* a command and then a configuration */
        { RAFT_APPEND_ENTRIES,
          72,
          { 1, 2, 3, 4, 2, 1, ENTRY(RAFT_COMMAND, 8), 1, ENTRY(RAFT_CHANGE, 24) },
          9,
          REST("12345678" SERVER),
          0 },
        { RAFT_APPEND_ENTRIES,
          72,
          { 1, 2, 3, 4, 2, 1, ENTRY(RAFT_COMMAND, 8), 1, ENTRY(RAFT_CHANGE, 24) },
          9,
          REST("1234567812345678" SERVER),
          -EBADMSG },
        { RAFT_INSTALL_SNAPSHOT,
          72,
          { 1, 2, 3, 4, 24 },
          5,
          REST(SERVER "\10\0\0\0\0\0\0\0"
                      "12345678"),
          0 },
        { RAFT_INSTALL_SNAPSHOT,
          72,
          { 1, 2, 3, 4, 24 },
          5,
          REST(SERVER "\0\0\0\0\0\0\0\0"),
          -EBADMSG },
        { RAFT_INSTALL_SNAPSHOT,
          72,
          { 1, 2, 3, 4, 24 },
          5,
          REST(SERVER "\0\0\0\0\0\0\0\1"),
          -EBADMSG },
        { RAFT_INSTALL_SNAPSHOT,
          72,
          { 1, 2, 3, 4, 32 },
          5,
          REST(SERVER "\10\0\0\0\0\0\0\0"
                      "12345678"),
          -EBADMSG },
        { RAFT_INSTALL_SNAPSHOT, 48, { 1, 2, 3, 4, 0, 8 }, 6, REST("12345678"), -EBADMSG },
        { RAFT_INSTALL_SNAPSHOT, 40, { 1, 2, 3, 4, 0 }, 5, .want = -EBADMSG },
};

static void encode(const struct message *m, struct buf *out) {
        put_word(out, m->type);
        put_word(out, m->len);
        for (unsigned i = 0; i < m->n_words; i++)
                put_word(out, m->words[i]);
        assert_int_equal(buf_add(out, m->rest, m->rest_len), 0);
}

/* Each alone, twice in a row, whole and byte by byte, and behind a message that is good. */
static void verdicts(void **state) {
        static const struct message good = { RAFT_TIMEOUT_NOW, 24, { 1, 0, 9 }, 3, .want = 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
                struct consensus_check k = { 0 };
                auto_buf struct buf stream = { 0 };
                int r;

                encode(&good, &stream);
                encode(&messages[i], &stream);
                r = consensus_check(&k, stream.data, stream.len);
                if (r != messages[i].want)
                        fail_msg("message %zu: %d", i, r);
                if (r == 0)
                        assert_int_equal(consensus_check(&k, stream.data, stream.len), 0);
                consensus_check_done(&k);
                r = 0;
                for (size_t at = 0; at < stream.len && r == 0; at++)
                        r = consensus_check(&k, stream.data + at, 1);
                assert_int_equal(r, messages[i].want);
                assert_true(r < 0 || (k.head.len == 0 && k.change.len == 0)); /* nothing is left */
                consensus_check_done(&k);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(verdicts) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

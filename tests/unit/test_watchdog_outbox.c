#include "watchdog/outbox.h"

#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <setjmp.h>
#include <cmocka.h>

static void pair(int ret[2]) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret),
                         0);
}

/* What has arrived, behind what had. */
static void arrive(int fd, struct buf *ret) {
        static char some[65536];
        ssize_t n;

        while ((n = recv(fd, some, sizeof(some), 0)) > 0)
                assert_int_equal(buf_add(ret, some, (size_t)n), 0);
        assert_true(n < 0 && errno == EAGAIN);
}

static void at_once(void **state) {
        struct outbox o = { 0 };
        auto_buf struct buf got = { 0 };
        int fd[2];

        (void)state;
        pair(fd);
        assert_int_equal(outbox_send(&o, fd[0], "plain", 5, false), 0);
        assert_int_equal(outbox_send(&o, fd[0], "0123456789abcdefg", 17, true), 0);
        assert_int_equal(outbox_send(&o, fd[0], "", 0, true), 0); /* would be the last chunk */
        assert_true(outbox_empty(&o));
        assert_int_equal(buf_add_text(&o.kept, "head|"), 0); /* as the head of an answer is put */
        assert_false(outbox_empty(&o));
        assert_int_equal(outbox_send(&o, fd[0], "x", 1, true), 0);
        assert_true(outbox_empty(&o));
        arrive(fd[1], &got);
        assert_string_equal(got.data, "plain11\r\n0123456789abcdefg\r\nhead|1\r\nx\r\n");
        close(fd[0]);
        close(fd[1]);
        outbox_done(&o);
}

/* However little the other side takes at a time, nothing is lost, doubled or out of order. */
static void in_pieces(void **state) {
        enum { PIECE = 50000, PIECES = 40 };
        struct outbox o = { 0 };
        auto_buf struct buf got = { 0 };
        static uint32_t piece[PIECE / 4];
        uint32_t n = 0, value;
        bool waited = false;
        int fd[2];

        (void)state;
        pair(fd);
        for (int i = 0; i < PIECES; i++) {
                for (size_t k = 0; k < ARRAY_SIZE(piece); k++)
                        piece[k] = n++;
                assert_int_equal(outbox_send(&o, fd[0], (const char *)piece, sizeof(piece), false),
                                 0);
                waited = waited || !outbox_empty(&o);
                if (i % 7 == 0)
                        arrive(fd[1], &got);
                if (i % 5 == 0)
                        assert_int_equal(outbox_flush(&o, fd[0]), 0);
        }
        assert_true(waited);
        while (!outbox_empty(&o)) {
                arrive(fd[1], &got);
                assert_int_equal(outbox_flush(&o, fd[0]), 0);
        }
        arrive(fd[1], &got);
        assert_int_equal(got.len, (size_t)n * 4);
        for (uint32_t i = 0; i < n; i++) {
                memcpy(&value, got.data + i * 4, 4);
                assert_int_equal(value, i);
        }
        close(fd[1]);
        assert_int_equal(outbox_send(&o, fd[0], "x", 1, false), -EPIPE); /* and no signal */
        close(fd[0]);
        outbox_done(&o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(at_once),
                cmocka_unit_test(in_pieces),
        };

        return cmocka_run_group_tests_name("watchdog_outbox", tests, NULL, NULL);
}

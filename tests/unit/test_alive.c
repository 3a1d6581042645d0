#include "io/alive.h"

#include "base/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* The socket that systemd would listen at; its name goes into the environment. */
static int notify_socket(void) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        char text[64];
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int n = snprintf(text, sizeof(text), "@bramble-alive-%d", (int)getpid());

        assert_true(fd >= 0);
        memcpy(name.sun_path, text, (size_t)n);
        name.sun_path[0] = '\0';
        assert_int_equal(bind(fd, (struct sockaddr *)&name,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
                         0);
        setenv("NOTIFY_SOCKET", text, 1);
        return fd;
}

static unsigned signs(int fd) {
        char got[64];
        unsigned count = 0;
        ssize_t n;

        while ((n = recv(fd, got, sizeof(got), 0)) > 0) {
                assert_int_equal(n, strlen("WATCHDOG=1"));
                assert_memory_equal(got, "WATCHDOG=1", (size_t)n);
                count++;
        }
        return count;
}

static void on_enough(uv_timer_t *timer) {
        uv_close((uv_handle_t *)timer, NULL);
}

/* How many signs of life a process gives in 200 ms. */
static unsigned signs_in_200_ms(const char *watchdog_usec) {
        auto_close int fd = notify_socket();
        uv_timer_t timer, enough;
        uv_loop_t loop;

        if (watchdog_usec)
                setenv("WATCHDOG_USEC", watchdog_usec, 1);
        else
                unsetenv("WATCHDOG_USEC");
        assert_int_equal(uv_loop_init(&loop), 0);
        alive_start(&loop, &timer);
        (void)uv_timer_init(&loop, &enough);
        (void)uv_timer_start(&enough, on_enough, 200, 0);
        (void)uv_run(&loop, UV_RUN_DEFAULT); /* ends: the timer keeps no loop running */
        uv_close((uv_handle_t *)&timer, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
        return signs(fd);
}

static void tells_three_times_in_a_period(void **state) {
        unsigned n = signs_in_200_ms("120000"); /* every 40 ms */

        (void)state;
        assert_in_range(n, 2, 6);
}

static void is_silent_where_nobody_watches(void **state) {
        (void)state;
        assert_int_equal(signs_in_200_ms(NULL), 0);
}

static void periods(void **state) {
        (void)state;
        assert_int_equal(alive_period_ms(30000000), 10000);
        assert_int_equal(alive_period_ms(1), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tells_three_times_in_a_period),
                cmocka_unit_test(is_silent_where_nobody_watches),
                cmocka_unit_test(periods),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

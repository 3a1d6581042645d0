#include "base/scope.h"
#include "io/reach.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <setjmp.h>
#include <cmocka.h>

struct said {
        unsigned times;
        bool answered;
};

static void on_said(void *arg, bool answered) {
        struct said *s = arg;

        s->times++;
        s->answered = answered;
}

static void on_connection(uv_stream_t *server, int status) {
        (void)server;
        (void)status;
}

static bool asked(uv_loop_t *loop, const char *address, uint16_t port, unsigned ms) {
        struct said s = { 0 };

        assert_int_equal(reach(loop, address, port, ms, on_said, &s), 0);
        assert_int_equal(s.times, 0); /* later */
        while (s.times == 0)
                (void)uv_run(loop, UV_RUN_ONCE);
        (void)uv_run(loop, UV_RUN_NOWAIT);
        assert_int_equal(s.times, 1);
        return s.answered;
}

static void who_listens_and_who_does_not(void **state) {
        struct sockaddr_in any;
        struct sockaddr_storage bound;
        int len = sizeof(bound);
        uv_loop_t loop;
        uv_tcp_t server;
        uint16_t port;

        (void)state;
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(uv_tcp_init(&loop, &server), 0);
        assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &any), 0);
        assert_int_equal(uv_tcp_bind(&server, (const struct sockaddr *)&any, 0), 0);
        assert_int_equal(uv_listen((uv_stream_t *)&server, 4, on_connection), 0);
        assert_int_equal(uv_tcp_getsockname(&server, (struct sockaddr *)&bound, &len), 0);
        port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
        assert_true(asked(&loop, "127.0.0.1", port, 2000));
        uv_close((uv_handle_t *)&server, NULL);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_true(asked(&loop, "127.0.0.1", port, 2000)); /* refused: somebody is there */
        assert_int_equal(reach(&loop, "m1.local", port, 200, on_said, NULL), -EINVAL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
}

/* The kernel drops what comes for a socket whose line of connections is full: no answer at all. */
static void silence(void **state) {
        struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t len = sizeof(any);
        int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), full[4];
        uv_loop_t loop;

        (void)state;
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(bind(server, (const struct sockaddr *)&any, sizeof(any)), 0);
        assert_int_equal(listen(server, 0), 0);
        assert_int_equal(getsockname(server, (struct sockaddr *)&any, &len), 0);
        for (size_t i = 0; i < ARRAY_SIZE(full); i++) {
                full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                (void)connect(full[i], (const struct sockaddr *)&any, sizeof(any));
        }
        assert_false(asked(&loop, "127.0.0.1", ntohs(any.sin_port), 200));
        for (size_t i = 0; i < ARRAY_SIZE(full); i++)
                (void)close(full[i]);
        (void)close(server);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(who_listens_and_who_does_not),
                                            cmocka_unit_test(silence) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

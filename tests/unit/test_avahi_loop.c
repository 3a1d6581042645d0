#include "io/avahi_loop.h"

#include <avahi-common/timeval.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

struct bed {
        uv_loop_t loop;
        AvahiPoll api;
        int pair[2];
};

static int bed_setup(void **state) {
        struct bed *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        assert_int_equal(uv_loop_init(&b->loop), 0);
        avahi_loop_init(&b->api, &b->loop);
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->pair), errno);
        *state = b;
        return 0;
}

/* Every handle is gone when its avahi object is. */
static int bed_teardown(void **state) {
        struct bed *b = *state;

        assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&b->loop), 0);
        (void)close(b->pair[0]);
        (void)close(b->pair[1]);
        free(b);
        return 0;
}

struct heard {
        struct bed *bed;
        AvahiWatchEvent events;
        int fd;
        unsigned n;
        bool free_it;
};

static void on_watch(AvahiWatch *w, int fd, AvahiWatchEvent event, void *arg) {
        struct heard *h = arg;

        assert_int_equal(h->bed->api.watch_get_events(w), event);
        h->events = event;
        h->fd = fd;
        h->n++;
        if (h->free_it)
                h->bed->api.watch_free(w);
        else
                h->bed->api.watch_update(w, (AvahiWatchEvent)0);
}

/* D-Bus watches one descriptor twice. */
static void two_watches_of_one_descriptor(void **state) {
        struct bed *b = *state;
        struct heard in = { .bed = b, .free_it = true }, out = { .bed = b };
        AvahiWatch *w, *r;

        w = b->api.watch_new(&b->api, b->pair[0], AVAHI_WATCH_OUT, on_watch, &out);
        r = b->api.watch_new(&b->api, b->pair[0], AVAHI_WATCH_IN, on_watch, &in);
        assert_non_null(w);
        assert_non_null(r);
        assert_int_equal(b->api.watch_get_events(w), 0);
        assert_int_equal(write(b->pair[1], "x", 1), 1);
        while (!in.n || !out.n)
                (void)uv_run(&b->loop, UV_RUN_ONCE);
        assert_int_equal(in.events, AVAHI_WATCH_IN);
        assert_int_equal(out.events, AVAHI_WATCH_OUT);
        assert_int_equal(in.fd, b->pair[0]);
        assert_int_equal(out.fd, b->pair[0]);
        assert_int_equal(out.n, 1);
        b->api.watch_update(w, AVAHI_WATCH_OUT);
        while (out.n < 2)
                (void)uv_run(&b->loop, UV_RUN_ONCE);
        b->api.watch_free(w);
}

static void other_end_closed(void **state) {
        struct bed *b = *state;
        struct heard in = { .bed = b, .free_it = true };

        assert_non_null(b->api.watch_new(&b->api, b->pair[0], AVAHI_WATCH_IN, on_watch, &in));
        (void)shutdown(b->pair[1], SHUT_RDWR);
        while (!in.n)
                (void)uv_run(&b->loop, UV_RUN_ONCE);
        assert_true(in.events & AVAHI_WATCH_HUP);
}

static void no_descriptor(void **state) {
        struct bed *b = *state;

        assert_null(b->api.watch_new(&b->api, -1, AVAHI_WATCH_IN, on_watch, NULL));
}

static void on_timeout(AvahiTimeout *t, void *arg) {
        struct heard *h = arg;

        h->n++;
        if (h->free_it)
                h->bed->api.timeout_free(t);
}

static void timeouts(void **state) {
        struct bed *b = *state;
        struct heard past = { .bed = b }, soon = { .bed = b, .free_it = true },
                     never = { .bed = b };
        struct timeval tv;
        AvahiTimeout *p, *n;

        p = b->api.timeout_new(&b->api, avahi_elapse_time(&tv, 0, 0), on_timeout, &past);
        (void)b->api.timeout_new(&b->api, avahi_elapse_time(&tv, 20, 0), on_timeout, &soon);
        n = b->api.timeout_new(&b->api, NULL, on_timeout, &never);
        while (!soon.n)
                (void)uv_run(&b->loop, UV_RUN_ONCE);
        assert_int_equal(past.n, 1); /* once, then it is off */
        assert_int_equal(never.n, 0);
        b->api.timeout_update(n, avahi_elapse_time(&tv, 0, 0));
        b->api.timeout_update(p, avahi_elapse_time(&tv, 1, 0));
        b->api.timeout_update(p, NULL);
        while (!never.n)
                (void)uv_run(&b->loop, UV_RUN_ONCE);
        assert_int_equal(past.n, 1);
        b->api.timeout_free(n);
        b->api.timeout_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(two_watches_of_one_descriptor, bed_setup,
                                                bed_teardown),
                cmocka_unit_test_setup_teardown(other_end_closed, bed_setup, bed_teardown),
                cmocka_unit_test_setup_teardown(no_descriptor, bed_setup, bed_teardown),
                cmocka_unit_test_setup_teardown(timeouts, bed_setup, bed_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

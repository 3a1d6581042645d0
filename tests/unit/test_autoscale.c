#include "base/scope.h"
#include "core/autoscale.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define SCALE "com.openfaas.scale."
#define STEP  (250 * USEC_PER_MSEC)

static void labels(void **state) {
        struct autoscale_rules r = AUTOSCALE_DEFAULTS;
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(autoscale_label(&r, SCALE "min", "2", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "max", "7", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "factor", "0", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "target", "100", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "target-proportion", "0.75", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "type", "capacity", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "zero", "true", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "zero-duration", "1m30s", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "down.window", "500ms", &f), 1);
        assert_int_equal(autoscale_label(&r, "bramble.scale.zero", "freeze", &f), 1);
        assert_int_equal(autoscale_label(&r, SCALE "something-new", "x", &f), 0);
        assert_int_equal(autoscale_label(&r, "team", "blue", &f), 0);
        assert_int_equal(r.min, 2);
        assert_int_equal(r.max, 7);
        assert_int_equal(r.factor, 0);
        assert_int_equal(r.target, 100);
        assert_int_equal(r.target_permille, 750);
        assert_int_equal(r.type, AUTOSCALE_CAPACITY);
        assert_true(r.zero && r.freeze);
        assert_int_equal(r.zero_usec, 90 * USEC_PER_SEC);
        assert_int_equal(r.down_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(autoscale_check(&r, &f), 0);
        assert_int_equal(autoscale_label(&r, SCALE "zero-duration", "90", &f), 1);
        assert_int_equal(r.zero_usec, 90 * USEC_PER_SEC);
}

static void wrong_labels(void **state) {
        static const struct {
                const char *name, *value;
        } cases[] = {
                { SCALE "min", "-1" },
                { SCALE "min", "65" },
                { SCALE "max", "0" },
                { SCALE "max", "" },
                { SCALE "factor", "101" },
                { SCALE "target", "0" },
                { SCALE "target", "fifty" },
                { SCALE "target-proportion", "0" },
                { SCALE "target-proportion", "1.5" },
                { SCALE "target-proportion", ".9" },
                { SCALE "target-proportion", "0." },
                { SCALE "target-proportion", "0.9.1" },
                { SCALE "target-proportion", "0,9" },
                { SCALE "type", "RPS" },
                { SCALE "zero", "yes" },
                { SCALE "zero-duration", "15"
                                         "x" },
                { SCALE "zero-duration", "m" },
                { SCALE "zero-duration", "" },
                { SCALE "zero-duration", "0s" },
                { SCALE "zero-duration", "25h" },
                { SCALE "zero-duration", "99999999999h" },
                { SCALE "down.window", "6m" },
                { "bramble.scale.zero", "true" },
        };
        struct autoscale_rules r = AUTOSCALE_DEFAULTS;
        struct fail f = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                f = (struct fail){ 0 };
                if (autoscale_label(&r, cases[i].name, cases[i].value, &f) >= 0)
                        fail_msg("%s=%s was taken", cases[i].name, cases[i].value);
                if (!strstr(f.text, cases[i].name))
                        fail_msg("'%s' does not name %s", f.text, cases[i].name);
        }
        r.min = 5;
        r.max = 4;
        assert_true(autoscale_check(&r, &f) < 0);
}

/* A function whose replicas answer as soon as they are wanted. */
struct play {
        struct autoscale a;
        struct autoscale_rules r;
        struct autoscale_now now;
        usec_t at;
};

static struct play play(uint32_t replicas) {
        return (struct play){ .r = AUTOSCALE_DEFAULTS,
                              .now = { .replicas = replicas },
                              .at = 1000 * USEC_PER_SEC };
}

static void run(struct play *p, usec_t usec) {
        for (usec_t end = p->at + usec; p->at < end; p->at += STEP) {
                p->now.placed = p->now.ready = p->now.replicas;
                p->now.replicas = autoscale_step(&p->a, &p->r, &p->now, p->at);
        }
}

static void up_in_time(void **state) {
        struct play p = play(1);

        (void)state;
        run(&p, 10 * USEC_PER_SEC);
        p.now.rate_milli = 200 * 1000; /* 200 / (50 * 0.9) = 4.4 */
        run(&p, AUTOSCALE_UP_USEC - STEP);
        assert_int_equal(p.now.replicas, 1);
        run(&p, 2 * STEP);
        assert_int_equal(p.now.replicas, 5);
        p.now.rate_milli = 100000 * 1000; /* more than 'max' */
        run(&p, 2 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 20);
}

static void a_burst_is_none(void **state) {
        struct play p = play(1);

        (void)state;
        run(&p, 10 * USEC_PER_SEC);
        p.now.rate_milli = 200 * 1000; /* a hundred calls at once, told for half a second */
        run(&p, 2 * STEP);
        p.now.rate_milli = 0;
        run(&p, 5 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 1);
}

static void down_after_the_window(void **state) {
        struct play p = play(1);

        (void)state;
        p.now.rate_milli = 200 * 1000;
        run(&p, 70 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 5);
        p.now.rate_milli = 100 * 1000;
        run(&p, 59 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 5);
        run(&p, 10 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 3);
        p.now.rate_milli = 0;
        run(&p, 70 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 1);
}

static void a_new_leader_waits(void **state) {
        struct play p = play(5);

        (void)state;
        run(&p, 59 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 5);
        run(&p, 5 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 1);
}

static void a_persons_word(void **state) {
        struct play p = play(4);

        (void)state;
        p.now.floor = 4;
        run(&p, 10 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 4);
        p.now.rate_milli = 400 * 1000;
        run(&p, 2 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 9);
        p.now.rate_milli = 0;
        run(&p, 2 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 4);
        p.r.min = 3;
        p.now.replicas = p.now.floor = 2; /* below 'min' */
        run(&p, 2 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 2);
        p.now.floor = 0;
        run(&p, USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 3);
        p.now.replicas = p.now.floor = 30; /* above 'max' */
        run(&p, 2 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 30);
}

static void types(void **state) {
        struct play p = play(1);

        (void)state;
        p.r.type = AUTOSCALE_CAPACITY;
        p.r.target = 10;
        p.now.in_flight = 20;
        p.now.waiting = 10; /* 30 / 9 */
        run(&p, 2 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 4);
        p = play(1);
        p.r.type = AUTOSCALE_CPU;
        p.r.target = 500;
        p.now.millicores = 1000; /* 1000 / 450 */
        run(&p, 2 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 3);
}

static void left_alone(void **state) {
        struct play p = play(3);

        (void)state;
        p.r.min = p.r.max = 3;
        p.now.rate_milli = 100000 * 1000;
        run(&p, 5 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 3);
        p.now.rate_milli = 0;
        run(&p, 10 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 3);
        p = play(2);
        p.r.factor = 0;
        p.now.rate_milli = 100000 * 1000;
        run(&p, 5 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 2);
}

static void to_zero(void **state) {
        struct play p = play(1);

        (void)state;
        run(&p, 20 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 1); /* nobody asked for it */
        p.r.zero = true;
        p.now.in_flight = 1; /* one call that lasts */
        run(&p, 20 * USEC_PER_MIN);
        assert_int_equal(p.now.replicas, 1);
        p.now.in_flight = 0;
        run(&p, 15 * USEC_PER_MIN - USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 1);
        run(&p, 2 * USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 0);
        p.now.rate_milli = 1000; /* whoever calls asks for it to be woken */
        run(&p, USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 0);
        p.now.replicas = autoscale_wake(&p.r);
        assert_int_equal(p.now.replicas, 1);
        p.now.rate_milli = 0;
        run(&p, 15 * USEC_PER_MIN - USEC_PER_SEC);
        assert_int_equal(p.now.replicas, 1);
        p.r.min = 3;
        assert_int_equal(autoscale_wake(&p.r), 3);
}

static void none_answers(void **state) {
        struct play p = play(1);

        (void)state;
        p.now.rate_milli = 1000 * 1000;
        for (; p.at < 1010 * USEC_PER_SEC; p.at += STEP) {
                p.now.placed = 1;
                p.now.replicas = autoscale_step(&p.a, &p.r, &p.now, p.at);
        }
        assert_int_equal(p.now.replicas, 1);
}

static void no_room(void **state) {
        struct play p = play(1);

        (void)state;
        p.now.rate_milli = 400 * 1000; /* nine */
        for (usec_t end = p.at + 10 * USEC_PER_SEC; p.at < end; p.at += STEP) {
                p.now.placed = p.now.replicas < 4 ? p.now.replicas : 4;
                p.now.ready = p.now.placed;
                p.now.replicas = autoscale_step(&p.a, &p.r, &p.now, p.at);
        }
        assert_int_equal(p.now.replicas, 4); /* what there is room for */
        run(&p, AUTOSCALE_AGAIN_USEC);
        assert_int_equal(p.now.replicas, 9); /* tried again: now there is */
}

static void late_callers(void **state) {
        struct play p = play(1);

        (void)state;
        p.now.rate_milli = 200 * 1000;
        for (unsigned i = 0; i < 8; i++, p.at += 270 * USEC_PER_MSEC) { /* spans are left out */
                p.now.placed = p.now.ready = p.now.replicas;
                p.now.replicas = autoscale_step(&p.a, &p.r, &p.now, p.at);
        }
        assert_int_equal(p.now.replicas, 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(labels),
                cmocka_unit_test(wrong_labels),
                cmocka_unit_test(up_in_time),
                cmocka_unit_test(a_burst_is_none),
                cmocka_unit_test(down_after_the_window),
                cmocka_unit_test(a_new_leader_waits),
                cmocka_unit_test(a_persons_word),
                cmocka_unit_test(types),
                cmocka_unit_test(left_alone),
                cmocka_unit_test(to_zero),
                cmocka_unit_test(none_answers),
                cmocka_unit_test(no_room),
                cmocka_unit_test(late_callers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

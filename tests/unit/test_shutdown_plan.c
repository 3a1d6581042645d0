#include "base/scope.h"
#include "core/shutdown_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC

/* Four boards: 1 is the master and leads, 11 .. 14 are their lives. */
struct bed {
        struct shutdown_plan plan;
        struct charter_shutdown record;
        struct shutdown_fact facts[4];
        struct shutdown_now now;
        struct shutdown_actions did; /* all that was asked for since the last look() */
        usec_t at;
        bool answers[4]; /* their agents do; and their addresses: */
        bool kernel[4];
};

static void begin(struct bed *b, uint64_t only, bool reboot) {
        *b = (struct bed){ .at = 100 * SEC };
        b->record = (struct charter_shutdown){
                .id = 9, .only = only, .reboot = reboot, .timeout_sec = 30
        };
        for (uint64_t node = 1; node <= 4; node++) {
                if (!only || node == only)
                        b->record.boards[b->record.n++] =
                                (struct charter_shutdown_board){ node, node + 10 };
                b->facts[node - 1] =
                        (struct shutdown_fact){ .node = node, .boot = node + 10, .votes = true };
                b->answers[node - 1] = b->kernel[node - 1] = true;
        }
        b->now = (struct shutdown_now){
                .leads = true, .master = 1, .facts = b->facts, .n_facts = 4
        };
        shutdown_begin(&b->plan, &b->record, 1, NULL, 0, b->at);
}

/* Time passes in steps of 200 ms. */
static void pass(struct bed *b, usec_t usec) {
        usec_t end = b->at + usec;

        memset(&b->did, 0, sizeof(b->did));
        while (b->at < end) {
                struct shutdown_actions a;

                b->at += 200 * MSEC;
                for (unsigned i = 0; i < 4; i++) {
                        if (b->answers[i])
                                b->facts[i].heard = b->at;
                        if (b->kernel[i])
                                b->facts[i].answered = b->at;
                        b->facts[i].misses = b->kernel[i] ? 0 : b->facts[i].misses + 1;
                }
                shutdown_step(&b->plan, b->at, &b->now, &a);
                b->did.clear |= a.clear;
                b->did.drop |= a.drop;
                b->did.go |= a.go;
                b->did.take_snapshot |= a.take_snapshot;
                if (a.hand_over) {
                        b->did.hand_over = true;
                        b->did.hand_to = a.hand_to;
                }
                if (a.drop)
                        return;
        }
}

static void leave(struct bed *b, uint64_t node) {
        b->facts[node - 1].going = true;
        pass(b, 400 * MSEC);
        b->answers[node - 1] = b->kernel[node - 1] = false;
}

static const char *name(void *arg, uint64_t node) {
        static const char *const names[] = { "?", "m1", "w1", "w2", "w3" };

        (void)arg;
        return names[node <= 4 ? node : 0];
}

static void says(const struct bed *b, const char *want) {
        char text[320];

        assert_string_equal(shutdown_text(&b->plan, name, NULL, text, sizeof(text)), want);
}

static void all_go_and_the_master_last(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        b.facts[2].functions = 2;
        pass(&b, 2 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_FUNCTIONS); /* as long as there are any */
        assert_false(shutdown_orders(&b.plan, 2));
        assert_true(shutdown_holds(&b.plan, 2));
        assert_int_equal(b.plan.last, 1);
        b.facts[2].functions = 0;
        pass(&b, 400 * MSEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        for (uint64_t node = 2; node <= 4; node++)
                assert_true(shutdown_orders(&b.plan, node));
        assert_false(shutdown_orders(&b.plan, 1));
        b.now.leads = false; /* the voters go off: it goes on all the same */
        leave(&b, 2);
        leave(&b, 3);
        pass(&b, 5 * SEC);
        assert_int_equal(b.plan.boards[1].state, SHUTDOWN_OFF);
        assert_int_equal(b.plan.boards[3].state, SHUTDOWN_WAITING);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        leave(&b, 4);
        pass(&b, 2600 * MSEC);
        assert_false(b.did.go); /* the words first */
        says(&b, "all boards are off, you can pull the plug");
        pass(&b, SEC);
        assert_true(b.did.go);
        assert_false(b.did.clear); /* that is for the leader after the next power-on */
        pass(&b, 4 * SEC);
        assert_false(b.did.go);
        pass(&b, 2 * SEC);
        assert_true(b.did.go); /* it did not: again */
}

static void an_address_that_answers_is_not_off(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        pass(&b, 2 * SEC);
        for (uint64_t node = 2; node <= 4; node++)
                leave(&b, node);
        b.kernel[3] = true; /* its agent has ended, its kernel has not */
        pass(&b, 20 * SEC);
        assert_int_equal(b.plan.boards[3].state, SHUTDOWN_STOPPING);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        pass(&b, 10 * SEC);
        assert_int_equal(b.plan.boards[3].state, SHUTDOWN_HUNG);
        assert_int_equal(b.plan.phase, SHUTDOWN_FAILED);
        assert_true(b.did.go);
        says(&b, "w3 is not off: it still answers; the others are off, and m1 goes off now");
}

static void silence_alone_is_not_off(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        pass(&b, 2 * SEC);
        b.answers[3] = b.kernel[3] = false; /* its cable, before it said anything */
        leave(&b, 2);
        leave(&b, 3);
        pass(&b, 4 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        pass(&b, 8 * SEC);
        assert_int_equal(b.plan.boards[3].state, SHUTDOWN_SILENT);
        assert_int_equal(b.plan.phase, SHUTDOWN_FAILED); /* without waiting for all the timeout */
        says(&b, "w3 never answered: look whether it is off; the others are off, and m1 goes off "
                 "now");
}

static void what_came_back_is_left_alone(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        pass(&b, 2 * SEC);
        leave(&b, 2);
        pass(&b, 3 * SEC);
        assert_int_equal(b.plan.boards[1].state, SHUTDOWN_OFF);
        b.answers[1] = b.kernel[1] = true;
        b.facts[1].boot = 77;
        b.facts[1].going = false;
        pass(&b, SEC);
        assert_int_equal(b.plan.boards[1].state, SHUTDOWN_BACK);
        assert_false(shutdown_orders(&b.plan, 2));
        assert_false(shutdown_holds(&b.plan, 2));
        leave(&b, 3);
        leave(&b, 4);
        pass(&b, 3 * SEC);
        says(&b, "w1 was switched on again; the others are off, and m1 goes off now");
}

/* The power has come back: whoever leads, nobody is switched off. */
static void a_later_life_ends_it(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        b.facts[0].boot = 70; /* its own */
        pass(&b, SEC);
        assert_true(b.did.clear && b.did.drop && !b.did.go);

        begin(&b, 0, false); /* it was never off, and most others were */
        b.facts[1].boot = b.facts[2].boot = 70;
        pass(&b, SEC);
        assert_false(b.did.clear);
        b.facts[3].boot = 70;
        pass(&b, SEC);
        assert_true(b.did.clear);
}

static void the_leadership_goes_to_the_master(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        b.now.master = 2;
        pass(&b, SEC);
        assert_true(b.did.hand_over);
        assert_int_equal(b.did.hand_to, 2);
        assert_int_equal(b.plan.phase, SHUTDOWN_FREEZE);
        pass(&b, 400 * MSEC);
        assert_true(b.did.hand_over); /* the log may have been busy: again */
        assert_int_equal(b.did.hand_to, 2);
        b.now.leads = false;
        pass(&b, SEC);
        assert_true(b.did.drop);

        begin(&b, 0, false); /* it does not want it: this board is the last */
        b.now.master = 2;
        pass(&b, 5 * SEC);
        assert_int_equal(b.plan.last, 1);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        assert_true(shutdown_orders(&b.plan, 2));

        begin(&b, 0, false); /* nor is one asked that cannot lead */
        b.now.master = 2;
        b.facts[1].votes = false;
        pass(&b, SEC);
        assert_false(b.did.hand_over);
}

static void snapshot_first(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        b.now.snapshot = true;
        pass(&b, 2 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_SNAPSHOT);
        assert_true(b.did.take_snapshot);
        assert_false(shutdown_orders(&b.plan, 2));
        b.now.snapshot_kept = true;
        pass(&b, 400 * MSEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);

        begin(&b, 0, false); /* a minute at most */
        b.now.snapshot = true;
        pass(&b, 50 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_SNAPSHOT);
        pass(&b, 12 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
}

static void one_board(void **state) {
        struct bed b;

        (void)state;
        begin(&b, 3, false);
        pass(&b, 2 * SEC);
        assert_int_equal(b.plan.last, 0);
        assert_true(shutdown_orders(&b.plan, 3));
        assert_false(shutdown_orders(&b.plan, 2));
        assert_false(shutdown_holds(&b.plan, 2));
        leave(&b, 3);
        pass(&b, 3 * SEC);
        says(&b, "w2 is off");
        assert_true(b.did.clear && b.did.drop && !b.did.go);

        begin(&b, 3, true); /* and restarted: until it is back */
        pass(&b, 2 * SEC);
        leave(&b, 3);
        pass(&b, 5 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_BOARDS);
        b.answers[2] = b.kernel[2] = true;
        b.facts[2].boot = 70;
        b.facts[2].going = false;
        pass(&b, SEC);
        says(&b, "w2 is back");
        assert_true(b.did.clear);

        begin(&b, 3, true); /* or is not */
        pass(&b, 2 * SEC);
        leave(&b, 3);
        pass(&b, 40 * SEC);
        says(&b, "w2 went off and did not come back");

        begin(&b, 1, false); /* the leader itself: first another one leads */
        pass(&b, SEC);
        assert_true(b.did.hand_over);
        assert_int_equal(b.did.hand_to, 0);
        pass(&b, 5 * SEC); /* which nobody wants */
        says(&b, "m1 goes off now");
        assert_true(b.did.go);
}

static void a_leader_that_comes_later(void **state) {
        const struct shutdown_board seen[] = { { .node = 3, .state = SHUTDOWN_OFF },
                                               { .node = 4, .state = SHUTDOWN_STOPPING } };
        struct bed b;

        (void)state;
        begin(&b, 0, false);
        shutdown_begin(&b.plan, &b.record, 1, seen, 2, b.at);
        b.answers[2] = b.kernel[2] = b.answers[3] = b.kernel[3] = false;
        pass(&b, 2 * SEC);
        leave(&b, 2);
        pass(&b, 6 * SEC);
        assert_int_equal(b.plan.phase, SHUTDOWN_DONE); /* it believes what the one before saw */
}

static void order(void **state) {
        uint64_t nodes[] = { 1, 2, 3 };

        (void)state;
        shutdown_order(nodes, 3, 1);
        assert_int_equal(nodes[0], 2);
        assert_int_equal(nodes[2], 1);
        shutdown_order(nodes, 3, 9); /* nobody's */
        assert_int_equal(nodes[2], 1);
}

static void words(void **state) {
        (void)state;
        for (int i = 0; i < SHUTDOWN_STATE_MAX; i++)
                assert_int_equal(shutdown_state_from(shutdown_state_text((enum shutdown_state)i)),
                                 i);
        assert_int_equal(shutdown_state_from("on fire"), -1);
}

static void follower(void **state) {
        struct shutdown_follow f = { 0 };

        (void)state;
        assert_int_equal(shutdown_follow_step(&f, 5000 * SEC), SHUTDOWN_FOLLOW_WAIT);
        shutdown_follow_told(&f, 9, true, 30 * SEC, 100 * SEC);
        assert_int_equal(shutdown_follow_step(&f, 102 * SEC), SHUTDOWN_FOLLOW_WAIT);
        assert_int_equal(shutdown_follow_step(&f, 103 * SEC), SHUTDOWN_FOLLOW_ASK);
        assert_int_equal(shutdown_follow_step(&f, 104 * SEC), SHUTDOWN_FOLLOW_WAIT);
        assert_int_equal(shutdown_follow_step(&f, 159 * SEC), SHUTDOWN_FOLLOW_ASK);
        assert_int_equal(shutdown_follow_step(&f, 160 * SEC), SHUTDOWN_FOLLOW_GO);
        shutdown_follow_told(&f, 9, true, 30 * SEC, 160 * SEC); /* it is spoken to again */
        assert_int_equal(shutdown_follow_step(&f, 161 * SEC), SHUTDOWN_FOLLOW_WAIT);
        shutdown_follow_told(&f, 9, false, 30 * SEC, 162 * SEC);
        assert_int_equal(shutdown_follow_step(&f, 900 * SEC), SHUTDOWN_FOLLOW_WAIT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_go_and_the_master_last),
                cmocka_unit_test(an_address_that_answers_is_not_off),
                cmocka_unit_test(silence_alone_is_not_off),
                cmocka_unit_test(what_came_back_is_left_alone),
                cmocka_unit_test(a_later_life_ends_it),
                cmocka_unit_test(the_leadership_goes_to_the_master),
                cmocka_unit_test(snapshot_first),
                cmocka_unit_test(one_board),
                cmocka_unit_test(a_leader_that_comes_later),
                cmocka_unit_test(order),
                cmocka_unit_test(words),
                cmocka_unit_test(follower),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the leader says of boards that are silent: coordinator_alarms, on a fake clock. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/coordinator_private.h"
#include "daemon/power.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

bool power_leaves(const struct agent *a, uint64_t node) {
        return a->charter.shutdown.id && a->charter.shutdown.only == node;
}

struct board_state *coordinator_board(const struct coordinator *c, uint64_t node) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i]->node == node)
                        return c->boards[i];
        return NULL;
}

struct bed {
        struct agent agent;
        struct coordinator coordinator;
        struct board_state board;
        struct report report;
        usec_t now;
};

static struct bed b;

static void begin(void) {
        memset(&b, 0, sizeof(b));
        b.board.node = 3;
        b.board.up = true;
        b.coordinator.agent = &b.agent;
        b.coordinator.boards[b.coordinator.n_boards++] = &b.board;
        b.now = 1000 * USEC_PER_SEC;
}

static void record(bool there, bool reboot) {
        b.agent.charter.shutdown =
                there ? (struct charter_shutdown){ .id = 9,
                                                   .only = 3,
                                                   .reboot = reboot,
                                                   .timeout_sec = 90,
                                                   .n = 1,
                                                   .boards = { { .node = 3, .boot = 13 } } }
                      : (struct charter_shutdown){ 0 };
}

/* Seconds go by; a board that is up reports in each. */
static enum severity pass(unsigned seconds, bool reports) {
        for (unsigned i = 0; i < 4 * seconds; i++) {
                b.now += USEC_PER_SEC / 4;
                if (reports && i % 4 == 0)
                        (void)coordinator_alarms_report(&b.board, &b.report, b.now);
                coordinator_alarms_look(&b.coordinator, b.now);
        }
        return b.board.lost.level;
}

static void one_that_goes_silent_is_lost(void **state) {
        (void)state;
        begin();
        assert_int_equal(pass(5, true), SEVERITY_NONE);
        b.board.up = false;
        assert_int_equal(pass(59, false), SEVERITY_NONE);
        assert_int_equal(pass(2, false), SEVERITY_ERROR);
}

static void one_that_a_person_switches_off_is_not(void **state) {
        (void)state;
        begin();
        record(true, false);
        (void)pass(2, true);
        (void)pass(2, false); /* its address is silent: the record is at its end, */
        record(false, false);
        (void)pass(1, false);
        b.board.up = false; /* and only then it counts as down here */
        assert_int_equal(pass(600, false), SEVERITY_NONE);
        b.board.up = true; /* once it was back, it is as any other */
        (void)pass(5, true);
        b.board.up = false;
        assert_int_equal(pass(61, false), SEVERITY_ERROR);
}

/* Another leader has seen the record go by, and the board in its picture. */
static void another_leader_does_not_miss_it(void **state) {
        static struct world_member member = { .node = 3, .up = true };

        (void)state;
        begin();
        b.agent.world = (struct world){ .n_members = 1, .members = &member };
        record(true, false);
        off_list_follow(&b.coordinator.off, &b.agent.charter.shutdown, &b.agent.world, b.now);
        record(false, false);
        off_list_follow(&b.coordinator.off, &b.agent.charter.shutdown, &b.agent.world, b.now);
        member.up = false;
        off_list_follow(&b.coordinator.off, &b.agent.charter.shutdown, &b.agent.world, b.now);
        b.board.up = false; /* it leads now */
        coordinator_alarms_resume(&b.coordinator, &b.board);
        assert_int_equal(pass(600, false), SEVERITY_NONE);
        b.board.up = true;
        (void)pass(5, true);
        b.board.up = false;
        assert_int_equal(pass(61, false), SEVERITY_ERROR);
}

static void one_that_does_not_come_back_is_lost(void **state) {
        (void)state;
        begin();
        record(true, true);
        (void)pass(2, true);
        b.board.up = false;
        assert_int_equal(pass(90, false), SEVERITY_NONE); /* it is waited for */
        record(false, false);
        assert_int_equal(pass(61, false), SEVERITY_ERROR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_that_goes_silent_is_lost),
                cmocka_unit_test(one_that_a_person_switches_off_is_not),
                cmocka_unit_test(another_leader_does_not_miss_it),
                cmocka_unit_test(one_that_does_not_come_back_is_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

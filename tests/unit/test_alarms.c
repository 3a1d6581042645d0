#include "core/alarms.h"

#include "base/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct board board = { .id = "3B", .throttle_c = 80, .hard_c = 85 };

static struct sensors healthy(void) {
        return (struct sensors){ .temperature_mc = 50000,
                                 .power = POWER_KNOWN,
                                 .disk_bytes = UINT64_C(4000000000),
                                 .disk_free_bytes = UINT64_C(2000000000) };
}

/* Feeds a reading once a second; the time goes on. */
struct bench {
        struct alarms alarms;
        struct sensors sensors;
        const char *certificate;
        int64_t certificate_sec;
        usec_t now;
};

static void feed(struct bench *b, unsigned seconds) {
        struct alarm_facts f = { .board = &board,
                                 .sensors = &b->sensors,
                                 .certificate = b->certificate,
                                 .renew = "make another",
                                 .certificate_sec = b->certificate_sec };

        for (unsigned i = 0; i < seconds; i++) {
                b->now += USEC_PER_SEC;
                alarms_board(&b->alarms, &f, b->now);
        }
}

static enum severity level(const struct bench *b, enum alarm_kind kind) {
        return b->alarms.of[kind].level;
}

static void nothing_is_wrong(void **state) {
        struct report_alarm told[ALARM_BOARD_KINDS];
        struct bench b = { .sensors = healthy() };

        (void)state;
        feed(&b, 100);
        assert_int_equal(alarms_report(&b.alarms, b.now, told), 0);
        /* what cannot be read is no reason for an alarm */
        b.sensors = (struct sensors){ .temperature_mc = INT32_MIN, .power = POWER_UNDER_VOLTAGE };
        feed(&b, 100);
        assert_int_equal(alarms_report(&b.alarms, b.now, told), 0);
}

static void voltage(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.power |= POWER_UNDER_VOLTAGE;
        feed(&b, 1); /* one dip is enough */
        assert_int_equal(level(&b, ALARM_UNDER_VOLTAGE), SEVERITY_WARNING);
        assert_non_null(strstr(b.alarms.of[ALARM_UNDER_VOLTAGE].text, "too little voltage now"));
        b.sensors.power = POWER_KNOWN;
        feed(&b, 30);
        assert_int_equal(level(&b, ALARM_UNDER_VOLTAGE), SEVERITY_WARNING);
        feed(&b, 2); /* it stays known until the board is started anew */
        assert_int_equal(level(&b, ALARM_UNDER_VOLTAGE), SEVERITY_INFO);
        assert_non_null(strstr(b.alarms.of[ALARM_UNDER_VOLTAGE].text, "since it was started"));
        feed(&b, 1000);
        assert_int_equal(level(&b, ALARM_UNDER_VOLTAGE), SEVERITY_INFO);
        assert_int_equal(b.alarms.of[ALARM_UNDER_VOLTAGE].since, USEC_PER_SEC);
}

/* An agent that was restarted tells at once what it had told. */
static void restarted(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.temperature_mc = 79000;
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_WARNING);
}

/* A dip every 20 s is one alarm, not many. */
static void voltage_does_not_flap(void **state) {
        struct bench b = { .sensors = healthy() };
        unsigned changes = 0;
        enum severity last = SEVERITY_NONE;

        (void)state;
        for (unsigned i = 0; i < 600; i++) {
                b.sensors.power = POWER_KNOWN | (i % 20 == 0 ? POWER_UNDER_VOLTAGE : 0);
                feed(&b, 1);
                changes += level(&b, ALARM_UNDER_VOLTAGE) != last;
                last = level(&b, ALARM_UNDER_VOLTAGE);
        }
        assert_int_equal(changes, 1);
}

static void only_since_boot(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.power |= POWER_WAS_UNDER_VOLTAGE;
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_UNDER_VOLTAGE), SEVERITY_INFO);
}

static void heat(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        feed(&b, 1);
        b.sensors.temperature_mc = 79000; /* within reach of its limit */
        feed(&b, 10);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_NONE);
        b.sensors.temperature_mc = 70000;
        feed(&b, 1);
        b.sensors.temperature_mc = 79000; /* it starts to count anew */
        feed(&b, 10);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_NONE);
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_WARNING);
        assert_string_equal(b.alarms.of[ALARM_HOT].text,
                            "too hot (79 C): a board of this kind (3B) slows down at 80 C; give it "
                            "air or a heat sink");
        b.sensors.temperature_mc = 86000;
        feed(&b, 11);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_ERROR);
        b.sensors.temperature_mc = 73000; /* between the limits: it stays, but is no error */
        feed(&b, 100);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_WARNING);
        b.sensors.temperature_mc = 71000;
        feed(&b, 30);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_WARNING);
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_HOT), SEVERITY_NONE);
        assert_string_equal(b.alarms.of[ALARM_HOT].text, "");
}

static void card(void **state) {
        static const struct {
                uint64_t all, left;
                enum severity want;
        } rooms[] = {
                { 4000, 401, SEVERITY_NONE },      { 4000, 399, SEVERITY_WARNING },
                { 4000, 63, SEVERITY_ERROR },      { 256000, 2000, SEVERITY_NONE },
                { 256000, 500, SEVERITY_WARNING }, { 1000, 49, SEVERITY_ERROR },
                { 0, 0, SEVERITY_NONE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
                struct bench b = { .sensors = healthy() };

                b.sensors.disk_bytes = rooms[i].all * 1000000;
                b.sensors.disk_free_bytes = rooms[i].left * 1000000;
                feed(&b, 12);
                assert_int_equal(level(&b, ALARM_CARD_FULL), rooms[i].want);
        }
}

static void card_hysteresis(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.disk_free_bytes = 390000000;
        feed(&b, 12);
        assert_int_equal(level(&b, ALARM_CARD_FULL), SEVERITY_WARNING);
        b.sensors.disk_free_bytes = 450000000;
        feed(&b, 100);
        assert_int_equal(level(&b, ALARM_CARD_FULL), SEVERITY_WARNING);
        b.sensors.disk_free_bytes = 510000000;
        feed(&b, 31);
        assert_int_equal(level(&b, ALARM_CARD_FULL), SEVERITY_NONE);
}

static void failing(void **state) {
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.card_errors = 3;
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_CARD_FAILING), SEVERITY_WARNING);
        assert_non_null(strstr(b.alarms.of[ALARM_CARD_FAILING].text, "ext4 counts 3"));
        b.sensors.problems = PROBLEM_DISK_READ_ONLY;
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_CARD_FAILING), SEVERITY_ERROR);
        b.sensors = healthy();
        feed(&b, 31);
        assert_int_equal(level(&b, ALARM_CARD_FAILING), SEVERITY_NONE);
        b.sensors.problems = PROBLEM_NOT_SAVED;
        feed(&b, 1);
        assert_int_equal(level(&b, ALARM_CARD_FAILING), SEVERITY_WARNING);
}

static void certificates(void **state) {
        static const struct {
                int64_t days;
                enum severity want;
                const char *words;
        } cases[] = {
                { 400, SEVERITY_NONE, "" },
                { 13, SEVERITY_WARNING, "ends in 13 days: make another" },
                { 2, SEVERITY_ERROR, "ends in 2 days" },
                { -1, SEVERITY_ERROR, "has ended" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct bench b = { .sensors = healthy(),
                                   .certificate = "the gateway",
                                   .certificate_sec = cases[i].days * 86400 };

                feed(&b, 1);
                assert_int_equal(level(&b, ALARM_CERTIFICATE), cases[i].want);
                assert_non_null(strstr(b.alarms.of[ALARM_CERTIFICATE].text, cases[i].words));
        }
}

/* Days go by while the alarm is told: its words go with them. */
static void certificate_words(void **state) {
        struct bench b = { .sensors = healthy(), .certificate = "the gateway" };
        const char *text = b.alarms.of[ALARM_CERTIFICATE].text;

        (void)state;
        b.certificate_sec = 13 * 86400 + 60;
        feed(&b, 1);
        assert_non_null(strstr(text, "ends in 13 days"));
        b.certificate_sec = 5 * 86400 + 60;
        feed(&b, 1);
        assert_non_null(strstr(text, "ends in 5 days"));
        b.certificate_sec = 86400 + 60;
        feed(&b, 1);
        assert_non_null(strstr(text, "ends in 1 days"));
        b.certificate_sec = -60;
        feed(&b, 1);
        assert_non_null(strstr(text, "has ended"));
        assert_int_equal(alarm_age_sec(&b.alarms.of[ALARM_CERTIFICATE], b.now), 3);
}

static void told_in_order(void **state) {
        struct report_alarm told[ALARM_BOARD_KINDS];
        struct bench b = { .sensors = healthy() };

        (void)state;
        b.sensors.card_errors = 1;
        b.sensors.power |= POWER_UNDER_VOLTAGE;
        feed(&b, 5);
        assert_int_equal(alarms_report(&b.alarms, b.now + USEC_PER_SEC, told), 2);
        assert_int_equal(told[0].kind, ALARM_UNDER_VOLTAGE);
        assert_int_equal(told[0].age_sec, 5);
        assert_int_equal(told[1].kind, ALARM_CARD_FAILING);
}

static void lost(void **state) {
        struct alarm_state s = { 0 }, planned = { 0 };
        usec_t now = 0;

        (void)state;
        for (; now <= 59 * USEC_PER_SEC; now += USEC_PER_SEC) {
                alarm_lost(&s, false, false, now);
                alarm_lost(&planned, false, true, now);
                assert_int_equal(s.level, SEVERITY_NONE);
        }
        alarm_lost(&s, false, false, now);
        alarm_lost(&planned, false, true, now);
        assert_int_equal(s.level, SEVERITY_ERROR);
        assert_int_equal(planned.level, SEVERITY_NONE); /* somebody switched it off */
        alarm_lost(&s, true, false, now + 1);
        assert_int_equal(s.level, SEVERITY_NONE);
}

static void clocks(void **state) {
        static const struct {
                int64_t offsets[5];
                size_t n;
                int64_t want;
        } cases[] = {
                { { 7 }, 1, 7 },
                { { -90000, 10 }, 2, 10 }, /* of two the later one is right */
                { { 10, -90000 }, 2, 10 },
                { { 10, 12, 500000 }, 3, 12 },
                { { -5000000, 12, 10, 11 }, 4, 11 },
                { { 5, 5, 5, 5, 9 }, 5, 5 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(alarm_clock_reference(cases[i].offsets, cases[i].n),
                                 cases[i].want);
}

static void clock_off(void **state) {
        struct alarm_state s = { 0 };
        usec_t now = 0;

        (void)state;
        for (unsigned i = 0; i < 100; i++)
                alarm_clock(&s, 29000, now += USEC_PER_SEC);
        assert_int_equal(s.level, SEVERITY_NONE);
        for (unsigned i = 0; i < 31; i++)
                alarm_clock(&s, -7200000, now += USEC_PER_SEC);
        assert_int_equal(s.level, SEVERITY_WARNING);
        assert_non_null(strstr(s.text, "2 h behind the others'"));
        for (unsigned i = 0; i < 100; i++)
                alarm_clock(&s, 20000, now += USEC_PER_SEC); /* better, and not well */
        assert_int_equal(s.level, SEVERITY_WARNING);
        for (unsigned i = 0; i < 31; i++)
                alarm_clock(&s, 1000, now += USEC_PER_SEC);
        assert_int_equal(s.level, SEVERITY_NONE);
        alarm_clock(&s, INT64_MIN, now); /* a board that lies breaks nothing */
        alarm_clock(&s, INT64_MAX, now);
}

/* The next leader goes on where the last one was. */
static void resumed(void **state) {
        struct alarm_state s = { 0 };

        (void)state;
        alarm_resume(&s, SEVERITY_ERROR, 120, "does not answer", 1000 * USEC_PER_SEC);
        assert_int_equal(alarm_age_sec(&s, 1001 * USEC_PER_SEC), 121);
        alarm_lost(&s, false, false, 1001 * USEC_PER_SEC);
        assert_int_equal(s.level, SEVERITY_ERROR);
        assert_string_equal(s.text, "does not answer");
        alarm_resume(&s, SEVERITY_ERROR, 120, "x", 5); /* older than this board's clock */
        assert_int_equal(alarm_age_sec(&s, 5), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_wrong),
                cmocka_unit_test(voltage),
                cmocka_unit_test(voltage_does_not_flap),
                cmocka_unit_test(only_since_boot),
                cmocka_unit_test(heat),
                cmocka_unit_test(restarted),
                cmocka_unit_test(card),
                cmocka_unit_test(card_hysteresis),
                cmocka_unit_test(failing),
                cmocka_unit_test(certificates),
                cmocka_unit_test(certificate_words),
                cmocka_unit_test(told_in_order),
                cmocka_unit_test(lost),
                cmocka_unit_test(clocks),
                cmocka_unit_test(clock_off),
                cmocka_unit_test(resumed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

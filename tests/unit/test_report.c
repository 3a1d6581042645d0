#include "core/report.h"

#include "base/buf.h"
#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct report *sample(void) {
        struct report *r = test_calloc(1, sizeof(*r));

        strcpy(r->board.id, "3B+");
        strcpy(r->board.model, "Raspberry Pi 3 Model B Plus Rev 1.3");
        r->board.node = 0xc0ffee;
        r->sensors.cpu_permille = 123;
        r->sensors.n_cores = 4;
        r->sensors.core_permille[3] = 1000;
        r->sensors.temperature_mc = -5000;
        r->sensors.power = POWER_KNOWN | POWER_WAS_THROTTLED;
        r->sensors.problems = PROBLEM_MEMORY;
        strcpy(r->sensors.net_name, "eth0");
        strcpy(r->address, "10.0.0.7");
        r->n_instances = 2;
        r->instances[1] = (struct report_instance){ .id = 17,
                                                    .state = INSTANCE_BACKOFF,
                                                    .address = 0x0a3e0102,
                                                    .port = 8080,
                                                    .restarts = 3,
                                                    .reason = "exit 1" };
        r->n_images = 1;
        strcpy(r->images[0].name, "docker.io/library/hello:latest");
        strcpy(r->images[0].digest, "sha256:00");
        r->n_calls = 1;
        strcpy(r->calls[0].function, "hello");
        strcpy(r->calls[0].namespace, "openfaas-fn");
        r->calls[0].invocations = 1234567890123;
        r->calls[0].rate_milli = 12500;
        r->calls[0].in_flight = 3;
        r->calls[0].waiting = 4;
        r->n_usage = 1;
        r->usage[0] = (struct report_usage){ .id = 17, .millicores = 250, .memory_bytes = 5 << 20 };
        r->kube = (struct report_kube){ .phase = KUBE_FAILED,
                                        .text = "init failed: Mem, retry in 40 s",
                                        .version = "v1.20.2",
                                        .epoch = 3,
                                        .capable = true,
                                        .snapshot = UINT64_C(3) << 32 | 17,
                                        .n_cleared = 2,
                                        .cleared = { 5, UINT64_MAX } };
        r->sensors.card_errors = 5;
        r->unix_ms = UINT64_C(1764522000123);
        r->n_alarms = 2;
        r->alarms[0] = (struct report_alarm){ ALARM_HOT, SEVERITY_WARNING, 12, "too hot" };
        r->alarms[1] = (struct report_alarm){ ALARM_CERTIFICATE, SEVERITY_ERROR, 3, "it ends" };
        return r;
}

static void there_and_back(void **state) {
        struct report *in = sample(), *out = test_calloc(1, sizeof(*out));
        auto_buf struct buf a = { 0 }, b = { 0 };

        (void)state;
        assert_int_equal(report_encode(in, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), 0);
        assert_int_equal(report_encode(out, &b), 0);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        assert_int_equal(out->sensors.temperature_mc, -5000);
        assert_int_equal(out->sensors.core_permille[3], 1000);
        assert_int_equal(out->instances[1].restarts, 3);
        assert_string_equal(out->instances[1].reason, "exit 1");
        assert_string_equal(out->images[0].digest, "sha256:00");
        assert_int_equal(out->calls[0].invocations, 1234567890123);
        assert_int_equal(out->calls[0].rate_milli, 12500);
        assert_int_equal(out->calls[0].in_flight, 3);
        assert_int_equal(out->calls[0].waiting, 4);
        assert_int_equal(out->n_usage, 1);
        assert_int_equal(out->usage[0].millicores, 250);
        assert_int_equal(out->usage[0].memory_bytes, 5 << 20);
        assert_int_equal(out->kube.phase, KUBE_FAILED);
        assert_string_equal(out->kube.text, "init failed: Mem, retry in 40 s");
        assert_int_equal(out->kube.snapshot, UINT64_C(3) << 32 | 17);
        assert_int_equal(out->sensors.card_errors, 5);
        assert_int_equal(out->unix_ms, UINT64_C(1764522000123));
        assert_int_equal(out->n_alarms, 2);
        assert_int_equal(out->alarms[1].kind, ALARM_CERTIFICATE);
        assert_int_equal(out->alarms[1].severity, SEVERITY_ERROR);
        assert_int_equal(out->alarms[0].age_sec, 12);
        assert_string_equal(out->alarms[0].text, "too hot");
        assert_int_equal(out->kube.n_cleared, 2);
        assert_true(out->kube.cleared[1] == UINT64_MAX);
        /* every shorter message, and every longer one */
        for (size_t len = 0; len < a.len; len++)
                assert_int_equal(report_decode(a.data, len, out), -EBADMSG);
        assert_int_equal(buf_add(&a, "x", 1), 0);
        assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        test_free(in);
        test_free(out);
}

static void refused(void **state) {
        struct report *r = sample(), *out = test_calloc(1, sizeof(*out));
        auto_buf struct buf a = { 0 };

        (void)state;
        r->sensors.cpu_permille = 1001;
        assert_int_equal(report_encode(r, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        r->sensors.cpu_permille = 0;
        buf_consume(&a, a.len);
        strcpy(r->address, "10.0.0.7\n");
        assert_int_equal(report_encode(r, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        strcpy(r->address, "10.0.0.7");
        buf_consume(&a, a.len);
        r->instances[0].state = INSTANCE_STATE_MAX;
        assert_int_equal(report_encode(r, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        r->n_instances = LIMIT_BOARD_INSTANCES + 1;
        assert_int_equal(report_encode(r, &a), -EMSGSIZE);
        test_free(r);
        test_free(out);
}

/* A board speaks of itself, once, and in words. */
static void alarms_refused(void **state) {
        static const struct report_alarm bad[] = {
                { ALARM_LOST, SEVERITY_ERROR, 1, "the leader says that" },
                { ALARM_HOT, SEVERITY_NONE, 1, "nothing" },
                { ALARM_HOT, SEVERITY_MAX, 1, "what?" },
                { ALARM_HOT, SEVERITY_INFO, 1, "\033[2J" },
        };
        struct report *r = sample(), *out = test_calloc(1, sizeof(*out));
        auto_buf struct buf a = { 0 };

        (void)state;
        r->n_alarms = 1;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                r->alarms[0] = bad[i];
                buf_consume(&a, a.len);
                assert_int_equal(report_encode(r, &a), 0);
                assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        }
        r->n_alarms = 2;
        r->alarms[0] = r->alarms[1]; /* one kind twice */
        buf_consume(&a, a.len);
        assert_int_equal(report_encode(r, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), -EBADMSG);
        r->n_alarms = ALARM_BOARD_KINDS + 1;
        assert_int_equal(report_encode(r, &a), -EMSGSIZE);
        test_free(r);
        test_free(out);
}

/* The fullest report fits in a frame. */
static void largest(void **state) {
        struct report *r = sample(), *out = test_calloc(1, sizeof(*out));
        auto_buf struct buf a = { .limit = LIMIT_FRAME_BYTES - 5 };

        (void)state;
        r->n_instances = LIMIT_BOARD_INSTANCES;
        for (unsigned i = 0; i < LIMIT_BOARD_INSTANCES; i++)
                memset(r->instances[i].reason, 'x', SIZE_REASON - 1);
        r->n_images = LIMIT_IMAGES;
        for (unsigned i = 0; i < LIMIT_IMAGES; i++) {
                memset(r->images[i].name, 'x', SIZE_IMAGE - 1);
                memset(r->images[i].digest, 'x', SIZE_DIGEST - 1);
        }
        r->n_calls = LIMIT_FUNCTIONS;
        for (unsigned i = 0; i < LIMIT_FUNCTIONS; i++) {
                memset(r->calls[i].function, 'x', SIZE_NAME - 1);
                memset(r->calls[i].namespace, 'x', SIZE_NAME - 1);
        }
        assert_int_equal(report_encode(r, &a), 0);
        assert_int_equal(report_decode(a.data, a.len, out), 0);
        test_free(r);
        test_free(out);
}

static void power_words(void **state) {
        static const struct {
                uint32_t power;
                const char *want;
        } cases[] = {
                { 0, "unknown" },
                { POWER_UNDER_VOLTAGE, "unknown" },
                { POWER_KNOWN, "ok" },
                { POWER_KNOWN | POWER_SOFT_LIMIT | POWER_WAS_SOFT_LIMIT, "ok, soft limit" },
                { POWER_KNOWN | POWER_WAS_SOFT_LIMIT, "ok" },
                { POWER_KNOWN | POWER_UNDER_VOLTAGE | POWER_WAS_UNDER_VOLTAGE,
                  "under-voltage now" },
                { POWER_KNOWN | POWER_THROTTLED | POWER_WAS_UNDER_VOLTAGE,
                  "throttled now, under-voltage since boot" },
                { POWER_KNOWN | 0x80008, "ok, soft limit" },
                { POWER_KNOWN | 0x50005, "under-voltage now, throttled now" },
                { POWER_KNOWN | 0x50000, "under-voltage since boot, throttled since boot" },
                { POWER_KNOWN | POWER_CAPPED, "clock capped now" },
        };
        char text[96], small[6];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(report_power_text(text, sizeof(text), cases[i].power),
                                    cases[i].want);
        assert_string_equal(report_power_text(small, sizeof(small), 0xf000f | POWER_KNOWN),
                            "under");
        assert_string_equal(
                report_problem_text(text, sizeof(text), PROBLEM_DISK_FULL | PROBLEM_CONTAINERD),
                "card is nearly full; containerd does not answer");
        assert_string_equal(report_problem_text(text, sizeof(text), 0), "");
        assert_string_equal(report_problem_text(small, sizeof(small), ~0u), "card ");
}

static void instance_words(void **state) {
        (void)state;
        for (int i = 0; i < INSTANCE_STATE_MAX; i++)
                assert_string_not_equal(instance_state_text((enum instance_state)i), "?");
        assert_string_equal(instance_state_text(INSTANCE_FETCHING), "fetching image");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(there_and_back), cmocka_unit_test(refused),
                cmocka_unit_test(alarms_refused), cmocka_unit_test(largest),
                cmocka_unit_test(power_words),    cmocka_unit_test(instance_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

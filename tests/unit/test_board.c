#include "core/board.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/wire.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MB ((uint64_t)1 << 20)

static const struct board_profile profiles[] = {
        { .id = "2B",
          .name = "Raspberry Pi 2 Model B",
          .compatible = { "raspberrypi,2-model-b", "brcm,bcm2836" },
          .type = 4,
          .soc_p = 1,
          .rev_max = 1,
          .cores = 4,
          .clock_mhz = 900,
          .bits = 32,
          .ram_mb = 1024,
          .ram_max_mb = 1024,
          .eth_mbps = 100,
          .kubernetes_max = "1.26" },
        { .id = "2B-1.2",
          .name = "Raspberry Pi 2 Model B Rev 1.2",
          .compatible = { "raspberrypi,2-model-b-rev2", "brcm,bcm2837" },
          .type = 4,
          .soc_p = 2,
          .rev_max = 2,
          .cores = 4,
          .clock_mhz = 900,
          .bits = 64,
          .ram_mb = 1024,
          .ram_max_mb = 1024,
          .eth_mbps = 100 },
        { .id = "3B",
          .compatible = { "raspberrypi,3-model-b", "brcm,bcm2837" },
          .type = 8,
          .soc_p = 2,
          .rev_max = 15,
          .cores = 4,
          .clock_mhz = 1200,
          .bits = 64,
          .ram_max_mb = 1024 },
        { .id = "3B+",
          .compatible = { "raspberrypi,3-model-b-plus", "brcm,bcm2837" },
          .type = 13,
          .soc_p = 2,
          .rev_max = 15,
          .cores = 4,
          .clock_mhz = 1400,
          .bits = 64,
          .ram_max_mb = 1024,
          .eth_mbps = 300,
          .soft_temp_c = 60 },
        { .id = "4B",
          .compatible = { "raspberrypi,4-model-b", "brcm,bcm2711" },
          .type = 17,
          .soc_p = 3,
          .rev_max = 15,
          .bits = 64,
          .ram_mb = 1024,
          .ram_max_mb = 8192 },
        { .id = "PC", .name = "PC", .bits = 64, .rev_max = 15 },
};

#define LIST(s) .compatible = (s), .compatible_len = sizeof(s) - 1

static void identify(void **state) {
        static const struct {
                struct board_facts facts;
                const char *want;
                bool known;
        } cases[] = {
                { { LIST("raspberrypi,2-model-b\0brcm,bcm2836\0"), .revision = 0xa01041 },
                  "2B",
                  true },
                { { LIST("raspberrypi,2-model-b\0brcm,bcm2836\0"), .revision = 0xa21041 },
                  "2B",
                  true },
                { { LIST("raspberrypi,2-model-b-rev2\0brcm,bcm2837\0"), .revision = 0xa22042 },
                  "2B-1.2",
                  true },
                /* the SoC of the revision, not the name, says which 2B */
                { { LIST("raspberrypi,2-model-b\0brcm,bcm2836\0"), .revision = 0xa02042 },
                  "2B-1.2",
                  true },
                /* QEMU: no revision */
                { { LIST("raspberrypi,2-model-b\0brcm,bcm2836\0") }, "2B", true },
                { { LIST("raspberrypi,3-model-b\0brcm,bcm2837\0"), .revision = 0xa02082 },
                  "3B",
                  true },
                /* over-voltage, OTP and warranty bits change nothing */
                { { LIST("raspberrypi,3-model-b\0brcm,bcm2837\0"), .revision = 0xe2a02082 },
                  "3B",
                  true },
                { { LIST("raspberrypi,3-model-b-plus\0brcm,bcm2837\0"), .revision = 0xa020d4 },
                  "3B+",
                  true },
                /* a revision of quite another type does not outvote the name */
                { { LIST("raspberrypi,3-model-b-plus\0brcm,bcm2837\0"), .revision = 0xc03112 },
                  "3B+",
                  true },
                /* a name that is not known yet */
                { { LIST("raspberrypi,4-model-b-plus\0brcm,bcm2711\0"), .revision = 0xc03112 },
                  "4B",
                  true },
                { { LIST("acme,router\0brcm,bcm2711\0"), .revision = 0xc03112 }, "unknown", false },
                /* Pi 1: an old-style code, even one that looks like a type */
                { { LIST("raspberrypi,model-b\0brcm,bcm2835\0"), .revision = 0x000e },
                  "unknown",
                  false },
                { { LIST("raspberrypi,model-b\0brcm,bcm2835\0"), .revision = 0x2082 },
                  "unknown",
                  false },
                { { LIST("") }, "unknown", false },
                { { LIST("\0\0\0") }, "unknown", false },
                { { LIST("raspberrypi,3-model-b") }, "3B", true }, /* no NUL */
                { { LIST("raspberrypi,3-model-bx\0") }, "unknown", false },
                { { .compatible = NULL }, "PC", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct board b;
                bool known = board_identify(profiles, ARRAY_SIZE(profiles), &cases[i].facts, &b);

                if (known != cases[i].known || strcmp(b.id, cases[i].want) != 0)
                        fail_msg("case %zu: '%s', want '%s'", i, b.id, cases[i].want);
        }
}

/* What an identified board can do. */
static void abilities(void **state) {
        struct board_facts facts = { LIST("raspberrypi,3-model-b-plus\0"),
                                     .model = "Raspberry Pi 3 Model B Plus Rev 1.3",
                                     .revision = 0xa020d3,
                                     .serial = 7,
                                     .ram_bytes = 8192 * MB,
                                     .cores = 2,
                                     .clock_mhz = 3000,
                                     .bits_kernel = 64,
                                     .bits_user = 32 };
        struct board b;

        (void)state;
        /* on a bigger machine under a fixture it is still a 3B+ */
        assert_true(board_identify(profiles, ARRAY_SIZE(profiles), &facts, &b));
        assert_string_equal(b.model, "Raspberry Pi 3 Model B Plus Rev 1.3");
        assert_int_equal(b.node, 7);
        assert_int_equal(b.cores, 4);
        assert_int_equal(b.clock_mhz, 1400);
        assert_int_equal(b.ram_bytes, 1024 * MB);
        assert_int_equal(b.function_bytes, 512 * MB);
        assert_int_equal(b.eth_mbps, 300);
        assert_int_equal(b.soft_temp_c, 60);
        /* a 64-bit kernel under a 32-bit userland: both are told, and Kubernetes ends at 1.26 */
        assert_int_equal(b.bits_kernel, 64);
        assert_int_equal(b.bits_user, 32);
        assert_string_equal(b.kubernetes_max, "1.26");
        facts.bits_user = 64;
        (void)board_identify(profiles, ARRAY_SIZE(profiles), &facts, &b);
        assert_string_equal(b.kubernetes_max, "");

        facts = (struct board_facts){ LIST("raspberrypi,2-model-b\0"), .ram_bytes = 900 * MB,
                                      .bits_kernel = 64, .bits_user = 64, .model = "" };
        (void)board_identify(profiles, ARRAY_SIZE(profiles), &facts, &b);
        assert_int_equal(b.bits_kernel, 32);
        assert_int_equal(b.bits_user, 32);
        assert_string_equal(b.model, "Raspberry Pi 2 Model B");
        assert_int_equal(b.ram_bytes, 900 * MB);

        facts = (struct board_facts){ .ram_bytes = 16000 * MB,
                                      .cores = 8,
                                      .clock_mhz = 3200,
                                      .bits_kernel = 64,
                                      .bits_user = 64,
                                      .model = "X\033[2J" };
        assert_true(board_identify(profiles, ARRAY_SIZE(profiles), &facts, &b));
        assert_int_equal(b.cores, 8);
        assert_int_equal(b.clock_mhz, 3200);
        assert_int_equal(b.function_bytes, 4096 * MB);
        assert_string_equal(b.model, "X?[2J");
        /* no profiles at all */
        assert_false(board_identify(NULL, 0, &facts, &b));
        assert_string_equal(b.id, "unknown");
        assert_int_equal(b.cores, 8);
}

static void revision_ram(void **state) {
        static const struct {
                uint32_t revision, want;
        } cases[] = {
                { 0xa01041, 1024 },  { 0x9020e0, 512 }, { 0xc03112, 4096 }, { 0xd03114, 8192 },
                { 0xe04171, 16384 }, { 0x902120, 512 }, { 0, 0 },           { 0x000e, 0 },
                { 0x0015, 0 },       { 0x1000002, 0 },  { 0x800000, 256 },  { 0xf00000, 0 },
                { 0xe2a02082, 1024 }
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(board_revision_ram_mb(cases[i].revision), cases[i].want);
}

static void function_ram(void **state) {
        static const struct {
                uint32_t ram_mb;
                bool pc;
                uint32_t want_mb;
        } cases[] = {
                { 16, false, 4 },      { 427, false, 192 },   { 512, false, 192 },
                { 700, false, 320 },   { 909, false, 512 },   { 1024, false, 512 },
                { 1850, false, 1082 }, { 3793, false, 3025 }, { 8000, true, 4000 },
                { 16000, true, 4096 }, { 1024, true, 512 },
        };
        uint64_t before = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(board_function_bytes(cases[i].ram_mb * MB, cases[i].pc),
                                 cases[i].want_mb * MB);
        for (uint64_t mb = 0; mb < 20000; mb++) { /* more RAM is never less for functions */
                uint64_t bytes = board_function_bytes(mb * MB, false);

                assert_true(bytes >= before);
                before = bytes;
        }
}

static void strength(void **state) {
        /* from the weakest to the strongest */
        static const struct board boards[] = {
                { .ram_bytes = 500 * MB,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = 4,
                  .clock_mhz = 1400 },
                { .ram_bytes = 927 * MB,
                  .bits_kernel = 32,
                  .bits_user = 32,
                  .cores = 4,
                  .clock_mhz = 1400,
                  .eth_mbps = 100 },
                { .ram_bytes = 922 * MB,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = 4,
                  .clock_mhz = 900,
                  .eth_mbps = 100 },
                { .ram_bytes = 922 * MB,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = 4,
                  .clock_mhz = 1200,
                  .eth_mbps = 100 },
                /* less RAM than the one before, but sold as 1 GB too */
                { .ram_bytes = 909 * MB,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = 4,
                  .clock_mhz = 1400,
                  .eth_mbps = 100 },
                { .ram_bytes = 909 * MB,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = 4,
                  .clock_mhz = 1400,
                  .eth_mbps = 300 },
                { .ram_bytes = 1850 * MB, .bits_kernel = 64, .bits_user = 64 },
                { .ram_bytes = UINT64_MAX,
                  .bits_kernel = 64,
                  .bits_user = 64,
                  .cores = UINT16_MAX,
                  .clock_mhz = UINT16_MAX,
                  .eth_mbps = UINT32_MAX },
        };
        struct board gb = boards[5];

        (void)state;
        for (size_t i = 1; i < ARRAY_SIZE(boards); i++)
                assert_true(board_strength(&boards[i - 1]) < board_strength(&boards[i]));
        gb.ram_bytes = 1024 * MB;
        assert_true(board_strength(&gb) == board_strength(&boards[5]));
}

static void codec(void **state) {
        static const struct board in = {
                .id = "3B+",
                .model = "Raspberry Pi 3",
                .node = 0xc0ffee,
                .cores = 4,
                .clock_mhz = 1400,
                .bits_kernel = 64,
                .bits_user = 32,
                .ram_bytes = 900 * MB,
                .function_bytes = 512 * MB,
                .eth_mbps = 300,
                .soft_temp_c = 60,
                .throttle_c = 80,
                .hard_c = -1,
                .idle_mw = 1900,
                .max_mw = 5100,
                .under_voltage_sensor = true,
                .kubernetes_max = "1.26",
        };
        auto_buf struct buf bytes = { 0 };
        struct wire_out w = { .buf = &bytes };
        struct board out;

        (void)state;
        board_put(&w, &in);
        assert_int_equal(wire_end(&w), 0);
        for (size_t len = 0; len <= bytes.len; len++) {
                struct wire_in r = wire_in(bytes.data, len);

                board_get(&r, &out);
                assert_int_equal(wire_complete(&r), len == bytes.len);
        }
        assert_string_equal(out.id, in.id);
        assert_string_equal(out.model, in.model);
        assert_string_equal(out.kubernetes_max, in.kubernetes_max);
        assert_int_equal(out.node, in.node);
        assert_int_equal(out.hard_c, -1);
        assert_int_equal(out.ram_bytes, in.ram_bytes);
        assert_int_equal(out.max_mw, in.max_mw);
        assert_true(out.under_voltage_sensor);
        bytes.data[4] = '\033'; /* first letter of the id */
        {
                struct wire_in r = wire_in(bytes.data, bytes.len);

                board_get(&r, &out);
                assert_false(wire_good(&r));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(identify),     cmocka_unit_test(abilities),
                cmocka_unit_test(revision_ram), cmocka_unit_test(function_ram),
                cmocka_unit_test(strength),     cmocka_unit_test(codec),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

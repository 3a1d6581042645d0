#include "core/kube_budget.h"

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define MB ((uint64_t)1 << 20)

static struct board board_of(const char *id, uint64_t ram_bytes) {
        struct board b = { .ram_bytes = ram_bytes };

        (void)str_copy(b.id, sizeof(b.id), id);
        b.function_bytes = board_function_bytes(ram_bytes, str_eq(id, "PC"));
        return b;
}

static void boards(void **state) {
        static const struct {
                const char *id;
                uint32_t ram_mb; /* as the board shows it: the GPU has the rest */
                bool plane, kubernetes, small;
                uint32_t function_mb, pod_mb;
        } cases[] = {
                { "2B", 922, false, true, false, 392, 250 },
                { "2B", 922, true, true, false, 142, 500 },
                { "2B", 922, false, false, false, 512, 0 },
                { "3B+", 880, false, true, false, 350, 250 },
                { "3B+", 880, true, true, false, 100, 500 },
                { "3B+", 880, true, false, false, 512, 0 },
                /* a large gpu_mem= */
                { "3B+", 700, true, true, false, 64, 356 },
                { "Zero2W", 430, false, true, true, 75, 75 },
                { "Zero2W", 430, true, true, true, 64, 86 },
                { "Zero2W", 430, false, false, true, 192, 0 },
                { "4B", 1848, false, true, false, 1080, 462 },
                { "4B", 1848, true, true, false, 1056, 512 },
                { "4B", 1848, false, false, false, 1080, 0 },
                { "4B", 3800, false, true, false, 2570, 950 },
                { "4B", 3800, true, true, false, 2520, 1000 },
                { "4B", 7800, false, true, false, 5570, 1950 },
                { "4B", 7800, true, true, false, 5520, 2000 },
                { "PC", 1024, false, true, false, 488, 256 },
                { "PC", 1024, true, true, false, 244, 500 },
                { "PC", 16000, false, true, false, 4096, 4000 },
                { "PC", 64000, true, true, false, 4096, 4096 },
                { "PC", 16000, true, false, false, 4096, 0 },
                { "1B", 224, false, true, true, 28, 28 },
                { "unknown", 0, true, true, true, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct board b = board_of(cases[i].id, cases[i].ram_mb * MB);
                struct kube_budget got;

                kube_budget(&b, cases[i].plane, cases[i].kubernetes, &got);
                assert_int_equal(got.function_bytes / MB, cases[i].function_mb);
                assert_int_equal(got.pod_bytes / MB, cases[i].pod_mb);
                assert_int_equal(got.system_reserved_bytes, b.ram_bytes - got.pod_bytes);
                assert_int_equal(kube_budget_small(&b), cases[i].small);
        }
}

/* For every size of RAM: all of it is given away once, and more RAM never takes from anybody. */
static void never_less(void **state) {
        static const char *const ids[] = { "3B+", "PC" };

        (void)state;
        for (unsigned i = 0; i < 2 * 4; i++) {
                struct kube_budget last = { 0 };

                for (uint64_t ram = 0; ram < 20000 * MB; ram += 3 * MB + 4096) {
                        struct board b = board_of(ids[i % 2], ram);
                        struct kube_budget got;

                        kube_budget(&b, i / 2 % 2, i / 4, &got);
                        assert_true(got.function_bytes >= last.function_bytes);
                        assert_true(got.pod_bytes >= last.pod_bytes);
                        assert_true(got.system_reserved_bytes >= last.system_reserved_bytes);
                        assert_int_equal(got.pod_bytes + got.system_reserved_bytes, ram);
                        assert_true(got.function_bytes <= got.system_reserved_bytes);
                        assert_true(got.function_bytes <= b.function_bytes);
                        if (i / 4 == 0)
                                assert_int_equal(got.pod_bytes, 0);
                        else /* the system's own part */
                                assert_true(ram - got.pod_bytes - got.function_bytes >=
                                            (ram < 373 * MB ? ram / 4 * 3 : 280 * MB));
                        last = got;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(boards),
                cmocka_unit_test(never_less),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

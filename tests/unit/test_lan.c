#include "core/lan.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void names(void **state) {
        static const struct {
                const char *in;
                bool want;
        } cases[] = {
                { "eth0", true },      { "end0", true },        { "enxb827eb000001", true },
                { "wlan0", true },     { "br0", true },         { "bond0", true },
                { "usb0", true },      { "lo", false },         { "", false },
                { "veth12ab", false }, { "cni0", false },       { "docker0", false },
                { "br-1f2e", false },  { "bramble0", false },   { "tun0", false },
                { "wg0", false },      { "flannel.1", false },  { "cali1234", false },
                { "virbr0", false },   { "tailscale0", false }, { "lox", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (lan_name_good(cases[i].in) != cases[i].want)
                        fail_msg("%s", cases[i].in);
}

#define UP   .up = true, .carrier = true
#define A(n) (UINT32_C(0xc0a80100) | (n)) /* 192.168.1.n */
#define LL   UINT32_C(0xa9fe0101)         /* 169.254.1.1 */

static void choices(void **state) {
        static const struct {
                const char *why;
                struct lan_interface in[4];
                const char *only;
                int want; /* place, or -ENONET */
        } cases[] = {
                { "nothing", { { .name = "" } }, NULL, -ENONET },
                { "only a loopback", { { .name = "lo", UP, .loopback = true } }, NULL, -ENONET },
                { "down", { { .name = "eth0", .carrier = true, .address = A(1) } }, NULL, -ENONET },
                { "no cable", { { .name = "eth0", .up = true, .address = A(1) } }, "", -ENONET },
                { "no address yet is still the LAN", { { .name = "eth0", UP } }, NULL, 0 },
                { "containers' interfaces",
                  { { .name = "veth1", UP, .address = A(1) },
                    { .name = "docker0", UP, .address = A(2) },
                    { .name = "eth0", UP } },
                  NULL,
                  2 },
                { "Ethernet before Wi-Fi",
                  { { .name = "wlan0", UP, .address = A(1), .index = 1 },
                    { .name = "eth0", UP, .address = A(2), .index = 2 } },
                  NULL,
                  1 },
                { "also where Wi-Fi has the default route",
                  { { .name = "wlan0", UP, .address = A(1), .default_route = true },
                    { .name = "eth0", UP, .address = A(2) } },
                  NULL,
                  1 },
                { "Wi-Fi where Ethernet got no address",
                  { { .name = "wlan0", UP, .address = A(1) }, { .name = "eth0", UP } },
                  NULL,
                  0 },
                { "or only a link-local one",
                  { { .name = "eth0", UP, .address = LL },
                    { .name = "wlan0", UP, .address = A(1) } },
                  NULL,
                  1 },
                { "a link-local address before none",
                  { { .name = "eth0", UP }, { .name = "eth1", UP, .address = LL, .index = 9 } },
                  NULL,
                  1 },
                { "the default route first",
                  { { .name = "eth0", UP, .address = A(1), .index = 1 },
                    { .name = "eth1", UP, .address = A(2), .index = 2, .default_route = true } },
                  NULL,
                  1 },
                { "the lower metric first",
                  { { .name = "a0", UP, .address = A(1), .default_route = true, .metric = 200 },
                    { .name = "a1", UP, .address = A(2), .default_route = true, .metric = 100 } },
                  NULL,
                  1 },
                { "then the lower index",
                  { { .name = "eth1", UP, .address = A(1), .index = 3 },
                    { .name = "eth0", UP, .address = A(2), .index = 2 } },
                  NULL,
                  1 },
                { "what the operator says",
                  { { .name = "eth0", UP, .address = A(1) }, { .name = "wlan0", UP } },
                  "wlan0",
                  1 },
                { "whatever it is called",
                  { { .name = "eth0", UP, .address = A(1) }, { .name = "br-lan", UP } },
                  "br-lan",
                  1 },
                { "and nothing else",
                  { { .name = "eth0", UP, .address = A(1) } },
                  "eth1",
                  -ENONET },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t at = 99;
                int r = lan_choose(cases[i].in, 4, cases[i].only, &at);

                if (r < 0 ? r != cases[i].want || at != 99 : (int)at != cases[i].want)
                        fail_msg("%s: %d, %zu", cases[i].why, r, at);
        }
}

static void addresses(void **state) {
        (void)state;
        assert_true(lan_address_better(A(1), 0));
        assert_true(lan_address_better(A(1), LL));
        assert_true(lan_address_better(LL, 0));
        assert_false(lan_address_better(A(1), A(2)));
        assert_false(lan_address_better(0, 0));
        assert_false(lan_address_better(LL, A(1)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names),
                cmocka_unit_test(choices),
                cmocka_unit_test(addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

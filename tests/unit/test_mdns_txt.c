#include "core/mdns_txt.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define CLUSTER UINT64_C(0xc1)
#define SELF    UINT64_C(0x5e1f)
#define C       "\030cluster=00000000000000c1"
#define N       "\025node=00000000000000a1"
#define P       "\007proto=1"
#define LAN     UINT32_C(0xc0a80105)
#define TXT(s)  (s), sizeof(s) - 1

static void verdicts(void **state) {
        static const struct {
                const char *why;
                const char *txt;
                size_t len;
                enum mdns_verdict want;
        } cases[] = {
                { "as we write it", TXT(P C N "\010board=3B\013state=fresh"), MDNS_PEER },
                { "any order", TXT(N C P), MDNS_PEER },
                { "keys without case", TXT("\030CLUSTER=00000000000000c1" N P), MDNS_PEER },
                { "what we do not know is skipped", TXT("\003abc" P "\001=" C "\000" N),
                  MDNS_PEER },
                { "the first of two counts", TXT(P C N "\025node=000000000000005e"), MDNS_PEER },
                { "another cluster", TXT(P "\030cluster=00000000000000c2" N), MDNS_OTHER_CLUSTER },
                { "another protocol", TXT("\007proto=2" C N), MDNS_OTHER_PROTO },
                { "a protocol of the future", TXT("\011proto=1.1" C N), MDNS_OTHER_PROTO },
                { "ourselves", TXT(P C "\025node=0000000000005e1f"), MDNS_SELF },
                { "nothing", TXT(""), MDNS_BROKEN },
                { "no cluster", TXT(P N), MDNS_BROKEN },
                { "no protocol", TXT(C N), MDNS_BROKEN },
                { "no node", TXT(P C), MDNS_BROKEN },
                { "a key alone", TXT(P C "\004node"), MDNS_BROKEN },
                { "no value", TXT(P C "\005node="), MDNS_BROKEN },
                { "node 0", TXT(P C "\025node=0000000000000000"), MDNS_BROKEN },
                { "short id", TXT(P C "\007node=a1"), MDNS_BROKEN },
                { "long id", TXT(P C "\026node=00000000000000a10"), MDNS_BROKEN },
                { "no hex", TXT(P C "\025node=00000000000000g1"), MDNS_BROKEN },
                { "a NUL inside", TXT(P C "\025node=000000000\0000000a1"), MDNS_BROKEN },
                { "a path", TXT(P C "\025node=../../../../etc/p"), MDNS_BROKEN },
                { "a length past the end", TXT(P C N "\012x"), MDNS_BROKEN },
                { "a first that lies before a good one", TXT(P C "\006node=x" N), MDNS_BROKEN },
                { "spaces", TXT(P "\031cluster= 00000000000000c1" N), MDNS_BROKEN },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct mdns_claim claim = { (const uint8_t *)cases[i].txt, cases[i].len, LAN,
                                            7373 };
                uint64_t node = 7;
                enum mdns_verdict v = mdns_judge(&claim, CLUSTER, SELF, &node);

                if (v != cases[i].want || node != (v == MDNS_PEER ? 0xa1 : 7))
                        fail_msg("%s: %d", cases[i].why, (int)v);
        }
}

static void too_long(void **state) {
        uint8_t txt[MDNS_TXT_BYTES + 1] = { 0 };
        struct mdns_claim claim = { txt, sizeof(txt), LAN, 7373 };
        uint64_t node;

        (void)state;
        /* empty strings in front, a good record behind */
        memcpy(txt + sizeof(txt) - sizeof(P C N) + 1, P C N, sizeof(P C N) - 1);
        assert_int_equal(mdns_judge(&claim, CLUSTER, SELF, &node), MDNS_BROKEN);
        claim.txt++;
        claim.txt_len--;
        assert_int_equal(mdns_judge(&claim, CLUSTER, SELF, &node), MDNS_PEER);
}

static void places(void **state) {
        static const struct {
                uint32_t address;
                uint16_t port;
                enum mdns_verdict want;
        } cases[] = {
                { LAN, 1, MDNS_PEER },
                { LAN, 0, MDNS_BROKEN },
                { 0, 7373, MDNS_BROKEN },
                { 0x7f000001, 7373, MDNS_BROKEN },
                { 0xe00000fb, 7373, MDNS_BROKEN },
                { 0xffffffff, 7373, MDNS_BROKEN },
                { 0x0a3e0102, 7373, MDNS_BROKEN },
                { 0x0a3f0102, 7373, MDNS_PEER },
                { 0xa9fe0102, 7373, MDNS_PEER }, /* link-local: boards on a bare cable */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct mdns_claim claim = { (const uint8_t *)P C N, sizeof(P C N) - 1,
                                            cases[i].address, cases[i].port };
                uint64_t node;

                assert_int_equal(mdns_judge(&claim, CLUSTER, SELF, &node), cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(verdicts),
                cmocka_unit_test(too_long),
                cmocka_unit_test(places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

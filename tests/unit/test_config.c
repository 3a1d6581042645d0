#include "io/config.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static int read_text(const char *text, struct config *c, struct fail *f) {
        FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
        int r;

        assert_non_null(stream);
        config_init(c);
        r = config_read_stream(c, stream, "bramble.conf", f);
        (void)fclose(stream);
        return r;
}

static void good(void **state) {
        struct fail f = { 0 };
        struct config c;

        (void)state;
        assert_int_equal(read_text("\xef\xbb\xbf# a comment\r\n[bramble]\r\nexpect = 4\r\n"
                                   "alert_webhook = https://hooks.example/a?b={{.c}}&d=1\n"
                                   "settle = 500ms\r\npeers = 10.0.0.1, 10.0.0.2\r\n"
                                   "[functions]\nmemory = 32Mi ; half\n"
                                   "insecure_registries = nas:5000, 10.0.0.9\n"
                                   "keep_free = 2G\n[gateway]\nport=80\n",
                                   &c, &f),
                         0);
        assert_int_equal(c.expect, 4);
        assert_int_equal(c.settle_usec, 500000);
        assert_string_equal(c.alert_webhook, "https://hooks.example/a?b={{.c}}&d=1");
        assert_int_equal(c.n_peers, 2);
        assert_string_equal(c.peers[1], "10.0.0.2");
        assert_int_equal(c.default_memory_bytes, 32 << 20);
        assert_int_equal(c.n_insecure, 2);
        assert_string_equal(c.insecure[0], "nas:5000");
        assert_string_equal(c.insecure[1], "10.0.0.9");
        assert_true(c.keep_free_bytes == UINT64_C(2000000000));
        assert_string_equal(c.registry_logins, "/etc/bramble/registry.json");
        assert_int_equal(c.gateway_port, 80);
        assert_int_equal(c.port, 7373);
}

static void bad(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "[bramble]\nexpcet = 4\n",
                  "bramble.conf:2: unknown key 'expcet' in section [bramble]" },
                { "[brumble]\nexpect = 4\n",
                  "bramble.conf:2: unknown key 'expect' in section [brumble]" },
                { "[bramble]\n\nport = 70000\n",
                  "bramble.conf:3: port: '70000' is no port (1 to 65535)" },
                /* it may be the key to a channel: it is not repeated */
                { "[bramble]\nalert_webhook = hooks.example/SECRET\n",
                  "bramble.conf:2: alert_webhook: is no URL that begins with https:// or http://" },
                { "[bramble]\nalert_webhook = http://x/SECRET Y\n",
                  "bramble.conf:2: alert_webhook: holds a character that is not allowed in a URL" },
                { "[bramble]\nport = -1\n", "bramble.conf:2: port: '-1' is no port (1 to 65535)" },
                { "[bramble]\nexpect\n", "bramble.conf:2: neither [section] nor key = value" },
                { "[bramble]\npeers = 10.0.0.1, m2\n",
                  "bramble.conf:2: peers: 'm2' is no IP address" },
                { "[bramble]\nsettle = 8h\n",
                  "bramble.conf:2: settle: '8h' is no duration (like 8s or 500ms)" },
                { "[paths]\nstate = here\n", "bramble.conf:2: state: 'here' is no absolute path" },
                { "[functions]\ninsecure_registries = http://nas\n",
                  "bramble.conf:2: insecure_registries: 'http://nas' is no host: write it without "
                  "http:// and without a path" },
                { "[functions]\ninsecure_registries = a b c d e f g h i\n",
                  "bramble.conf:2: insecure_registries: has more than 8 registries" },
                { "[functions]\nmemory = -5Mi\n",
                  "bramble.conf:2: memory: '-5Mi' is no amount of memory (like 64Mi)" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fail f = { 0 };
                struct config c;

                assert_true(read_text(cases[i].in, &c, &f) < 0);
                assert_string_equal(f.text, cases[i].want);
        }
}

static void queue(void **state) {
        struct fail f = { 0 };
        struct config c;

        (void)state;
        config_init(&c);
        assert_string_equal(c.queue, "sqlite");
        assert_int_equal(c.queue_workers, 4);
        assert_int_equal(c.queue_body_bytes, 1 << 20);
        assert_int_equal(read_text("[gateway]\nqueue = tls://m1:4222?creds=/k&replicas=3\n"
                                   "queue_workers = 8\nqueue_calls = 500\nqueue_size = 32Mi\n"
                                   "queue_body = 64Ki\n",
                                   &c, &f),
                         0);
        assert_string_equal(c.queue, "tls://m1:4222?creds=/k&replicas=3");
        assert_int_equal(c.queue_workers, 8);
        assert_int_equal(c.queue_calls, 500);
        assert_int_equal(c.queue_bytes, 32 << 20);
        assert_int_equal(c.queue_body_bytes, 64 << 10);
        assert_true(read_text("[gateway]\nqueue_workers = 0\n", &c, &f) < 0);
        assert_string_equal(f.text, "bramble.conf:2: queue_workers: '0' is no number from 1 to 64");
        assert_true(read_text("[gateway]\nqueue_calls = many\n", &c, NULL) < 0);
        assert_true(read_text("[gateway]\nqueue_body = 9Mi\n", &c, NULL) < 0);
}

static void too_long(void **state) {
        struct fail f = { 0 };
        char text[2048];
        struct config c;

        (void)state;
        memset(text, 'x', sizeof(text));
        memcpy(text, "[bramble]\ninterface = ", 22);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(read_text(text, &c, &f), -ENAMETOOLONG);
        assert_true(str_starts(f.text, "bramble.conf:2: the line is longer than"));
}

/* systemd/bramble.conf with every "#key = value" made a setting: it is also what bramble.conf(5) is
 * made of. */
static void read_shown(char *text, size_t size) {
        FILE *file = fopen("systemd/bramble.conf", "re");
        size_t n;

        assert_non_null(file);
        n = fread(text, 1, size - 1, file);
        assert_true(n < size - 1);
        (void)fclose(file);
        text[n] = '\0';
        for (char *at = strstr(text, "\n#"); at; at = strstr(at + 1, "\n#"))
                if (at[2] >= 'a' && at[2] <= 'z')
                        memmove(at + 1, at + 2, strlen(at + 2) + 1);
}

static void is_shown(void *text, const char *section, const char *name) {
        char head[64], key[64];
        const char *from, *to, *at;

        (void)snprintf(head, sizeof(head), "\n[%s]\n", section);
        (void)snprintf(key, sizeof(key), "\n%s = ", name);
        from = strstr(text, head);
        to = from ? strstr(from + 1, "\n[") : NULL;
        at = from ? strstr(from, key) : NULL;
        if (!at || (to && at > to))
                fail_msg("systemd/bramble.conf does not show %s in [%s]", name, section);
}

static void the_file_shows_every_key(void **state) {
        struct fail f = { 0 };
        char text[16384];
        struct config c;

        (void)state;
        read_shown(text, sizeof(text));
        if (read_text(text, &c, &f) != 0) /* no unknown key, and each example is right */
                fail_msg("%s", fail_text(&f));
        config_each_key(is_shown, text);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad),
                                            cmocka_unit_test(queue), cmocka_unit_test(too_long),
                                            cmocka_unit_test(the_file_shows_every_key) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "io/led.h"

#include "root_fixture.h"

#include <uv.h>

static uv_loop_t loop;
static char saved[sizeof(root_path) + 16];

static void put_led(const char *name, const char *trigger, const char *brightness) {
        char path[96];

        (void)snprintf(path, sizeof(path), "sys/class/leds/%s/trigger", name);
        root_put(path, trigger, 0644);
        (void)snprintf(path, sizeof(path), "sys/class/leds/%s/brightness", name);
        root_put(path, brightness, 0644);
        (void)snprintf(path, sizeof(path), "sys/class/leds/%s/max_brightness", name);
        root_put(path, "255\n", 0644);
}

static int make(void **state) {
        if (root_make(state) < 0 || uv_loop_init(&loop) < 0)
                return -1;
        (void)snprintf(saved, sizeof(saved), "%s/saved", root_path);
        return 0;
}

static int done(void **state) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(uv_loop_close(&loop), 0);
        return root_remove(state);
}

static struct led *open_led(void) {
        struct led *l = NULL;

        assert_int_equal(led_open(&loop, root, saved, &l), 0);
        return l;
}

static void begin(struct led *l, unsigned seconds) {
        struct fail f = { 0 };

        if (led_blink(l, seconds, &f) < 0)
                fail_msg("%s", f.text);
}

/* Turns of the loop until the file says so: the timer is the only thing in it. */
static void wait_for(const char *path, const char *want) {
        for (int i = 0; i < 200; i++) {
                if (strcmp(root_text(path), want) == 0)
                        return;
                (void)uv_run(&loop, UV_RUN_ONCE);
        }
        fail_msg("%s never said %s", path, want);
}

#define ACT "sys/class/leds/ACT/"

static void blinks(void **state) {
        struct led *l;

        (void)state;
        put_led("ACT", "none rc-feedback [mmc0] timer\n", "0\n");
        put_led("PWR", "none [default-on]\n", "255\n");
        l = open_led();
        assert_string_equal(led_name(l), "");
        begin(l, 60);
        assert_string_equal(led_name(l), "ACT");
        assert_string_equal(root_text(ACT "trigger"), "none");
        assert_true(root_has("saved"));
        for (int i = 0; i < 3; i++) {
                wait_for(ACT "brightness", "255\n");
                wait_for(ACT "brightness", "0\n");
        }
        begin(l, 60); /* longer: what it showed before is still known */
        begin(l, 0);
        assert_string_equal(led_name(l), "");
        assert_string_equal(root_text(ACT "trigger"), "mmc0");
        assert_false(root_has("saved"));
        assert_string_equal(root_text("sys/class/leds/PWR/trigger"), "none [default-on]\n");
        led_close(l);
}

static void ends(void **state) {
        struct led *l;

        (void)state;
        put_led("led0", "[none] mmc0\n", "255\n"); /* an older kernel's; a person had it on */
        l = open_led();
        begin(l, 1);
        assert_string_equal(led_name(l), "led0");
        while (uv_run(&loop, UV_RUN_ONCE) != 0)
                continue; /* until the timer stops by itself */
        assert_string_equal(led_name(l), "");
        assert_string_equal(root_text("sys/class/leds/led0/trigger"), "none");
        assert_string_equal(root_text("sys/class/leds/led0/brightness"), "255\n");
        led_close(l);
}

/* kill -9 in between: the next life gives it back. */
static void cut_off(void **state) {
        struct led *first, *second;

        (void)state;
        put_led("ACT", "none [heartbeat]\n", "0\n");
        first = open_led();
        begin(first, 60);
        root_put("kept", root_text("saved"), 0600);
        led_close(first);
        root_put("saved", root_text("kept"), 0600); /* as if it had not been closed */
        put_led("ACT", "none", "255\n");
        second = open_led();
        assert_string_equal(root_text(ACT "trigger"), "heartbeat");
        assert_false(root_has("saved"));
        assert_string_equal(led_name(second), "");
        led_close(second);
}

static void closed(void **state) {
        struct led *l;

        (void)state;
        put_led("ACT", "none [mmc0]\n", "0\n");
        l = open_led();
        begin(l, 60);
        led_close(l);
        assert_string_equal(root_text(ACT "trigger"), "mmc0");
        led_close(NULL);
}

static void has_none(void **state) {
        struct fail f = { 0 };
        struct led *l = open_led();

        (void)state;
        assert_int_equal(led_blink(l, 5, &f), -ENOENT);
        assert_string_equal(f.text, "this board has no LED that a program can make blink");
        assert_int_equal(led_blink(l, 0, NULL), 0);
        f = (struct fail){ 0 };
        assert_int_equal(led_blink(l, LED_SECONDS_MOST + 1, &f), -ERANGE);
        put_led("mmc0::", "none\n", "0\n"); /* somebody else's */
        assert_int_equal(led_blink(l, 5, NULL), -ENOENT);
        led_close(l);
}

/* What is kept is text from a file: it must not name other files. */
static void hostile_saved(void **state) {
        static const char *const texts[] = { "../../x none 1\n", "ACT ../x 1\n", "ACT none\n", "",
                                             "ACT [none] 1\n",   "mmc0 none 1\n" };

        (void)state;
        put_led("ACT", "none [mmc0]\n", "7\n");
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct led *l;

                root_put("saved", texts[i], 0600);
                l = open_led();
                assert_string_equal(root_text(ACT "trigger"), "none [mmc0]\n");
                assert_string_equal(root_text(ACT "brightness"), "7\n");
                assert_false(root_has("saved"));
                led_close(l);
                (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        root_put("saved", "ACT none 9\n", 0600); /* the twin */
        led_close(open_led());
        assert_string_equal(root_text(ACT "brightness"), "9\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(blinks, make, done),
                cmocka_unit_test_setup_teardown(ends, make, done),
                cmocka_unit_test_setup_teardown(cut_off, make, done),
                cmocka_unit_test_setup_teardown(closed, make, done),
                cmocka_unit_test_setup_teardown(has_none, make, done),
                cmocka_unit_test_setup_teardown(hostile_saved, make, done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

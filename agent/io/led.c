#include "io/led.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
        HALF_MS = 100,     /* on, then off: no activity of a card is as regular */
        FILE_BYTES = 4096, /* triggers: a word each; there are some dozens */
        SIZE_TRIGGER = 48,
        SIZE_LED = 16,
};

#define LEDS "sys/class/leds"

/* The green one for a card's work; older kernels call them by number.  The red one, which says that
 * there is power, where there is no other. */
static const char *const names[] = { "ACT", "led0", "PWR", "led1" };

/* What it showed before. */
struct shown {
        char name[SIZE_LED];
        char trigger[SIZE_TRIGGER];
        unsigned brightness;
};

struct led {
        uv_timer_t half;
        int root_fd;
        char *saved;
        struct shown before; /* name "": it does not blink */
        unsigned bright;     /* what on is */
        bool on;
        uint64_t end; /* uv_now(), ms */
};

/* ---- sysfs ----------------------------------------------------------------------------------- */

static int read_word(const struct led *l, const char *name, const char *file, struct buf *ret) {
        char path[sizeof(LEDS) + SIZE_LED + 32];

        (void)snprintf(path, sizeof(path), LEDS "/%s/%s", name, file);
        return file_text_read(l->root_fd, path, FILE_BYTES, ret);
}

static int write_word(const struct led *l, const char *name, const char *file, const char *text) {
        char path[sizeof(LEDS) + SIZE_LED + 32];
        auto_close int fd = -EBADF;
        ssize_t n;

        (void)snprintf(path, sizeof(path), LEDS "/%s/%s", name, file);
        fd = openat(l->root_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = write(fd, text, strlen(text));
        return n < 0 ? -errno : 0;
}

static unsigned read_number(const struct led *l, const char *name, const char *file) {
        auto_buf struct buf b = { 0 };
        unsigned value = 0;

        if (read_word(l, name, file, &b) < 0 || !b.data || sscanf(b.data, "%9u", &value) != 1)
                return 0;
        return value;
}

static bool trigger_valid(const char *s) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_.:";
        size_t len = strspn(s, allowed);

        return len > 0 && s[len] == '\0';
}

/* "none [mmc0] timer": the one in brackets; or the only one. */
static int parse_trigger(const char *text, char ret[static SIZE_TRIGGER]) {
        const char *open = strchr(text, '['), *at = open ? open + 1 : text;
        size_t len = strcspn(at, open ? "]" : " \n");

        if (len == 0 || len >= SIZE_TRIGGER)
                return -EBADMSG;
        memcpy(ret, at, len);
        ret[len] = '\0';
        return trigger_valid(ret) ? 0 : -EBADMSG;
}

static int look_at(const struct led *l, const char *name, struct shown *ret) {
        auto_buf struct buf b = { 0 };
        int r = read_word(l, name, "trigger", &b);

        if (r < 0)
                return r;
        *ret = (struct shown){ .brightness = read_number(l, name, "brightness") };
        (void)str_copy(ret->name, sizeof(ret->name), name);
        return b.len > 0 ? parse_trigger(b.data, ret->trigger) : -EBADMSG;
}

static int set_trigger(const struct led *l, const char *trigger) {
        return write_word(l, l->before.name, "trigger", trigger);
}

static int set_brightness(const struct led *l, unsigned value) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%u\n", value);
        return write_word(l, l->before.name, "brightness", text);
}

/* ---- what it showed before, beside this program ---------------------------------------------- */

static int save(const struct led *l) {
        char text[SIZE_LED + SIZE_TRIGGER + 16];
        auto_close int fd = open(l->saved, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int n = snprintf(text, sizeof(text), "%s %s %u\n", l->before.name, l->before.trigger,
                         l->before.brightness);

        if (fd < 0)
                return -errno;
        return write(fd, text, (size_t)n) == n ? 0 : -EIO;
}

static bool is_known(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (str_eq(names[i], name))
                        return true;
        return false;
}

static int load(struct led *l) {
        auto_buf struct buf b = { 0 };
        struct shown s = { 0 };
        int r = file_text_read(AT_FDCWD, l->saved, sizeof(s) + 16, &b);

        if (r < 0)
                return r;
        if (!b.data || sscanf(b.data, "%15s %47s %9u", s.name, s.trigger, &s.brightness) != 3 ||
            !is_known(s.name) || !trigger_valid(s.trigger))
                return -EBADMSG;
        l->before = s;
        return 0;
}

/* ---- blinking -------------------------------------------------------------------------------- */

static void give_back(struct led *l) {
        int r;

        (void)uv_timer_stop(&l->half);
        if (!l->before.name[0])
                return;
        r = set_trigger(l, l->before.trigger);
        /* a trigger sets the brightness itself */
        if (r == 0 && str_eq(l->before.trigger, "none"))
                r = set_brightness(l, l->before.brightness);
        if (r < 0)
                log_warning("the LED %s cannot be given back: %s", l->before.name, strerror(-r));
        l->before = (struct shown){ 0 };
        (void)unlink(l->saved);
}

static void on_half(uv_timer_t *timer) {
        struct led *l = timer->data;

        if (uv_now(timer->loop) >= l->end) {
                give_back(l);
                return;
        }
        l->on = !l->on;
        (void)set_brightness(l, l->on ? l->bright : 0);
}

/* The first that is there and can be used. */
static int choose(const struct led *l, struct shown *ret) {
        int first = -ENOENT;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                int r = look_at(l, names[i], ret);

                if (r == 0)
                        return 0;
                if (first == -ENOENT)
                        first = r;
        }
        return first;
}

static int begin(struct led *l, struct fail *f) {
        struct shown s;
        int r = choose(l, &s);

        if (r == -ENOENT)
                return fail(f, r, "this board has no LED that a program can make blink");
        if (r < 0)
                return fail(f, r, "the board's LED cannot be read: %s", strerror(-r));
        l->before = s;
        l->bright = read_number(l, s.name, "max_brightness");
        if (l->bright == 0)
                l->bright = 1;
        r = save(l);
        if (r == 0)
                r = set_trigger(l, "none");
        if (r == 0)
                return 0;
        give_back(l);
        return fail(f, r, "the LED %s cannot be made to blink: %s", s.name, strerror(-r));
}

int led_blink(struct led *l, unsigned seconds, struct fail *f) {
        int r;

        if (seconds > LED_SECONDS_MOST)
                return fail(f, -ERANGE, "an LED blinks for at most %d seconds", LED_SECONDS_MOST);
        if (seconds == 0) {
                give_back(l);
                return 0;
        }
        r = l->before.name[0] ? 0 : begin(l, f);
        if (r < 0)
                return r;
        uv_update_time(l->half.loop);
        l->end = uv_now(l->half.loop) + (uint64_t)seconds * 1000;
        return uv_timer_start(&l->half, on_half, 0, HALF_MS);
}

const char *led_name(const struct led *l) {
        return l->before.name;
}

/* ---- life ------------------------------------------------------------------------------------ */

int led_open(uv_loop_t *loop, int root_fd, const char *saved, struct led **ret) {
        struct led *l = calloc(1, sizeof(*l));

        if (!l || !(l->saved = strdup(saved))) {
                free(l);
                return -ENOMEM;
        }
        l->root_fd = root_fd;
        (void)uv_timer_init(loop, &l->half);
        l->half.data = l;
        if (load(l) == 0)
                give_back(l);
        else
                (void)unlink(l->saved);
        *ret = l;
        return 0;
}

static void on_closed(uv_handle_t *handle) {
        struct led *l = handle->data;

        free(l->saved);
        free(l);
}

void led_close(struct led *l) {
        if (!l)
                return;
        give_back(l);
        uv_close((uv_handle_t *)&l->half, on_closed);
}

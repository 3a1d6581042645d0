/* ask - connecting and waiting: a verb asks one thing after the other. */
#include "crictl/crictl.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int crictl_fail(const char *format, ...) {
        va_list args;

        fprintf(stderr, "crictl: ");
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
        return CRICTL_FAILED;
}

const char *crictl_safe(const char *text) {
        static char buffers[8][512];
        static unsigned next;
        char *dst = buffers[next++ % 8];

        return str_printable(dst, sizeof(buffers[0]), text, strlen(text));
}

const char *crictl_age(int64_t created_at_ns) {
        static char text[24];
        int64_t seconds = (int64_t)time(NULL) - created_at_ns / 1000000000;
        char duration[16];

        (void)snprintf(text, sizeof(text), "%s ago",
                       str_duration(duration, seconds > 0 ? (uint64_t)seconds : 0));
        return text;
}

int crictl_print_json(cJSON *o) {
        char *text = cJSON_Print(o);

        cJSON_Delete(o);
        if (!text)
                return crictl_fail("out of memory");
        printf("%s\n", text);
        free(text);
        return CRICTL_DONE;
}

void crictl_end(struct crictl *c, int result, const char *why) {
        if (!c->waiting)
                return;
        c->waiting = false;
        c->result = result;
        (void)snprintf(c->why, sizeof(c->why), "%s",
                       why[0] || result == 0 ? why : strerror(-result));
}

void crictl_on_done(void *arg, int result, const char *why) {
        crictl_end(arg, result, why);
}

int crictl_wait(struct crictl *c, int begun, const char *what, const char *name) {
        c->waiting = begun == 0;
        c->result = begun;
        (void)snprintf(c->why, sizeof(c->why), "%s", begun < 0 ? strerror(-begun) : "");
        while (c->waiting)
                (void)uv_run(&c->loop, UV_RUN_ONCE);
        if (c->result == 0)
                return CRICTL_DONE;
        if (name)
                return crictl_fail("cannot %s '%s': %s", what, crictl_safe(name),
                                   crictl_safe(c->why));
        return crictl_fail("cannot %s: %s", what, crictl_safe(c->why));
}

/* The first word about the connection; a runtime that is still starting gets its time. */
static void on_state(void *arg, bool up, int error, const char *why) {
        if (up || error != -EAGAIN)
                crictl_end(arg, error, why);
}

static void on_timeout(uv_timer_t *timer) {
        struct crictl *c = timer->data;
        char why[64];

        (void)snprintf(why, sizeof(why), "no answer within %u ms", c->o->timeout_ms);
        crictl_end(c, -ETIMEDOUT, why);
}

void crictl_be_patient(struct crictl *c) {
        (void)uv_timer_stop(&c->timeout);
}

int crictl_connect(struct crictl *c, const char *endpoint) {
        struct fail f = { 0 };
        int r = uv_loop_init(&c->loop);

        if (r < 0)
                return crictl_fail("cannot begin: %s", uv_strerror(r));
        (void)uv_timer_init(&c->loop, &c->timeout); /* cannot fail */
        c->timeout.data = c;
        (void)uv_timer_start(&c->timeout, on_timeout, c->o->timeout_ms, 0);
        r = cri_open(&c->loop, endpoint, on_state, c, &c->cri, &f);
        if (r < 0) {
                (void)crictl_fail("%s", crictl_safe(fail_text(&f)));
                return r == -EINVAL || r == -ENAMETOOLONG ? CRICTL_MISUSED : CRICTL_FAILED;
        }
        r = crictl_wait(c, 0, "reach the container runtime", NULL);
        if (!c->o->timeout_given)
                crictl_be_patient(c);
        return r;
}

void crictl_disconnect(struct crictl *c) {
        c->waiting = false;
        cri_close(c->cri);
        if (c->timeout.data)
                uv_close((uv_handle_t *)&c->timeout, NULL);
        (void)uv_run(&c->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&c->loop);
}

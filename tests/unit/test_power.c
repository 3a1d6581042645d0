/* What a board does with a person's wish to switch it off, and with the leader's order:
 * api_shutdown and power, on a fake logind, a fake clock and fake neighbours. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/coordinator.h"
#include "daemon/kube_snapshots.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/power_private.h"
#include "daemon/runner.h"
#include "io/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

/* ---- what they stand on ---- */

static struct {
        uint64_t clock_usec;
        uv_timer_cb tick;
        uv_timer_t *timer;
        unsigned offs;
        logind_cb off;
        void *off_arg;
        cJSON *reply;
        char error[200];
        uint64_t leader;
} fake;

uint64_t uv_hrtime(void) {
        return fake.clock_usec * 1000;
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer) {
        (void)loop;
        fake.timer = timer;
        return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat) {
        (void)timer, (void)timeout, (void)repeat;
        fake.tick = cb;
        return 0;
}

int uv_timer_stop(uv_timer_t *timer) {
        (void)timer;
        fake.tick = NULL;
        return 0;
}

int uv_is_active(const uv_handle_t *handle) {
        (void)handle;
        return fake.tick != NULL;
}

void uv_close(uv_handle_t *handle, uv_close_cb cb) {
        cb(handle);
}

int logind_open(uv_loop_t *loop, logind_stopping_cb stopping, void *arg, struct logind **ret) {
        static char logind;

        (void)loop, (void)stopping, (void)arg;
        *ret = (struct logind *)(void *)&logind;
        return 0;
}

int logind_off(struct logind *l, bool reboot, logind_cb done, void *arg) {
        (void)l, (void)reboot;
        fake.offs++;
        fake.off = done;
        fake.off_arg = arg;
        return 0;
}

void logind_ready(struct logind *l) {
        (void)l;
}

/* Nobody leads. */
void api_run_on_leader(struct agent *a, const cJSON *request, api_reply_cb done, void *arg) {
        (void)a, (void)request;
        done(arg, -ENOTCONN, "nobody leads this bramble right now", NULL);
}

void api_ask_peer(struct agent *a, uint64_t node, const cJSON *request, api_reply_cb done,
                  void *arg) {
        (void)a, (void)node, (void)request;
        done(arg, -EHOSTUNREACH, "", NULL);
}

void request_reply(struct request *q, cJSON *result) {
        (void)q;
        cJSON_Delete(fake.reply);
        fake.reply = result;
}

void request_fail(struct request *q, int code, const char *format, ...) {
        va_list args;

        (void)q, (void)code;
        va_start(args, format);
        (void)vsnprintf(fake.error, sizeof(fake.error), format, args);
        va_end(args);
}

void request_fail_errno(struct request *q, int error, const char *why) {
        (void)error;
        request_fail(q, 0, "%s", why);
}

struct request *request_ref(struct request *q) {
        return q;
}

void request_unref(struct request *q) {
        (void)q;
}

uint64_t link_node(const struct link *l) {
        (void)l;
        return fake.leader;
}

uint64_t membership_leader(const struct agent *a) {
        (void)a;
        return fake.leader;
}

bool membership_leads(const struct agent *a) {
        (void)a;
        return false;
}

struct consensus *membership_consensus(const struct agent *a) {
        (void)a;
        return NULL;
}

enum voter_role consensus_role(const struct consensus *c, uint64_t node) {
        (void)c, (void)node;
        return VOTER_VOTES;
}

int consensus_submit(struct consensus *c, const struct charter_command *cmd, consensus_done_cb done,
                     void *arg) {
        (void)c, (void)cmd, (void)done, (void)arg;
        return -ENOTCONN;
}

struct link *peers_link(const struct agent *a, uint64_t node) {
        (void)a, (void)node;
        return NULL;
}

void coordinator_each(const struct agent *a,
                      void (*each)(void *arg, const struct coordinator_board *b), void *arg) {
        (void)a, (void)each, (void)arg;
}

void kube_snapshots_now(struct agent *a) {
        (void)a;
}

void runner_freeze(struct agent *a, usec_t hurry) {
        (void)a, (void)hurry;
}

void runner_thaw(struct agent *a) {
        (void)a;
}

unsigned runner_left(const struct agent *a) {
        (void)a;
        return 0;
}

void power_clear(struct power *p, uint64_t id, bool returning) {
        (void)p, (void)id, (void)returning;
}

void power_lead_look(struct power *p, usec_t now) {
        (void)p, (void)now;
}

void power_changed(struct power *p, const struct power_view *v) {
        p->view = *v;
}

void power_view_check(struct power *p, usec_t now) {
        (void)p, (void)now;
}

void power_view_going(struct power *p) {
        (void)p;
}

void power_view_over(struct power *p) {
        (void)p;
}

void power_watch(struct request *q) {
        (void)q;
}

/* ---- one board, w1 ---- */

struct bed {
        struct agent agent;
        char dir[32];
};

static void begin(struct bed *b) {
        char path[64];
        struct fail f = { 0 };

        memset(&fake, 0, sizeof(fake));
        fake.clock_usec = 1000 * USEC_PER_SEC;
        *b = (struct bed){ .dir = "/tmp/test-power-XXXXXX", .agent = { .name = "w1" } };
        assert_non_null(mkdtemp(b->dir));
        (void)str_copy(b->agent.config.run_dir, sizeof(b->agent.config.run_dir), b->dir);
        assert_int_equal(power_open(&b->agent, &f), 0);
        (void)snprintf(path, sizeof(path), "%s/boot", b->dir);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(b->dir), 0);
}

static void end(struct bed *b) {
        cJSON_Delete(fake.reply);
        free(b->agent.power);
}

static void ask(struct bed *b, void (*verb)(struct request *q), const char *json) {
        struct request q = { .agent = &b->agent, .args = cJSON_Parse(json) };

        assert_non_null(q.args);
        verb(&q);
        cJSON_Delete(q.args);
}

static void pass(usec_t usec) {
        for (usec_t end = fake.clock_usec + usec; fake.clock_usec < end;) {
                fake.clock_usec += 200 * USEC_PER_MSEC;
                if (fake.tick)
                        fake.tick(fake.timer);
        }
}

static void refuse(const char *why) {
        logind_cb off = fake.off;

        assert_non_null(off);
        fake.off = NULL;
        off(fake.off_arg, -EACCES, why);
}

static void asking_for_the_order_switches_nothing_off(void **state) {
        struct bed b;

        (void)state;
        begin(&b);
        ask(&b, verb_shutdown, "{\"verb\":\"shutdown\",\"only\":\"w1\",\"dry_run\":true}");
        pass(USEC_PER_SEC);
        assert_int_equal(fake.offs, 0);
        assert_non_null(strstr(fake.error, "nobody leads"));
        ask(&b, verb_shutdown, "{\"verb\":\"shutdown\",\"only\":\"w2\"}"); /* not this board */
        pass(USEC_PER_SEC);
        assert_int_equal(fake.offs, 0);
        ask(&b, verb_shutdown, "{\"verb\":\"shutdown\",\"only\":\"w1\",\"dry_run\":false}");
        pass(USEC_PER_SEC);
        assert_int_equal(fake.offs, 1); /* that needs nobody */
        end(&b);
}

/* Who wants a board off that restarts just now must not find it up again later. */
static void the_contrary_of_what_is_under_way_is_refused(void **state) {
        struct charter_member m = { .node = 2, .name = "w2" };
        struct bed b;

        (void)state;
        begin(&b);
        b.agent.charter.members = &m;
        b.agent.charter.n_members = 1;
        b.agent.charter.shutdown = (struct charter_shutdown){ .id = 9, .only = 2, .reboot = true };
        ask(&b, verb_shutdown_begin, "{\"only\":\"w2\",\"reboot\":true}");
        assert_string_equal(json_text(fake.reply, "id", ""), "0000000000000009"); /* the same */
        ask(&b, verb_shutdown_begin, "{\"only\":\"w2\"}");
        assert_string_equal(fake.error, "w2 is being restarted: switch it off when it is back");
        b.agent.charter.shutdown.reboot = false;
        ask(&b, verb_shutdown_begin, "{\"only\":\"w2\",\"reboot\":true}");
        assert_non_null(strstr(fake.error, "w2 is being switched off, and does not start again"));
        b.agent.charter.shutdown.only = 0;
        ask(&b, verb_shutdown_begin, "{\"reboot\":true}");
        assert_non_null(strstr(fake.error, "the boards are being switched off"));
        /* so does the board that leads it, when nobody leads any more */
        b.agent.power->lead.active = true;
        b.agent.power->lead.plan = (struct shutdown_plan){ .reboot = true };
        ask(&b, verb_shutdown, "{\"reboot\":false}");
        assert_string_equal(fake.error,
                            "the boards are being restarted: switch them off when they are back");
        b.agent.power->lead.active = false;
        end(&b);
}

#define ORDER "{\"verb\":\"power\",\"id\":\"9\",\"held\":true,\"order\":true,\"timeout_s\":90}"

static void a_board_that_cannot_go_off_says_why(void **state) {
        struct bed b;

        (void)state;
        begin(&b);
        ask(&b, verb_power, ORDER);
        assert_true(json_bool(fake.reply, "going"));
        pass(400 * USEC_PER_MSEC);
        assert_int_equal(fake.offs, 1);
        refuse("no permission");
        for (unsigned i = 0; i < 8; i++) { /* as the leader does: twice a second */
                pass(500 * USEC_PER_MSEC);
                ask(&b, verb_power, ORDER);
                assert_false(json_bool(fake.reply, "going"));
                assert_string_equal(json_text(fake.reply, "why", ""), "no permission");
        }
        assert_int_equal(fake.offs, 1);
        pass(2 * USEC_PER_SEC);
        ask(&b, verb_power, ORDER); /* and tries again */
        assert_true(json_bool(fake.reply, "going"));
        pass(400 * USEC_PER_MSEC);
        assert_int_equal(fake.offs, 2);
        end(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(asking_for_the_order_switches_nothing_off),
                cmocka_unit_test(the_contrary_of_what_is_under_way_is_refused),
                cmocka_unit_test(a_board_that_cannot_go_off_says_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

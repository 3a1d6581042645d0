#include "gateway/deadline.h"
#include "gateway/slots.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

struct bed {
        uv_loop_t loop;
        struct deadlines ds;
        unsigned n_expired;
};

struct mine {
        struct deadline deadline;
        struct bed *bed;
        unsigned nth; /* in which place it expired, 0: it did not */
        struct mine *also_clears;
};

static void on_expired(struct deadline *d) {
        struct mine *me = container_of(d, struct mine, deadline);

        me->nth = ++me->bed->n_expired;
        if (me->also_clears)
                deadline_clear(&me->also_clears->deadline);
}

static void set_up(struct bed *b) {
        *b = (struct bed){ 0 };
        assert_int_equal(uv_loop_init(&b->loop), 0);
        deadlines_init(&b->ds, &b->loop);
        for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
                b->ds.after_ms[kind] = 10 * 1000;
        b->ds.after_ms[DEADLINE_CALL] = 30;
}

static void tear_down(struct bed *b) {
        deadlines_close(&b->ds);
        (void)uv_run(&b->loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&b->loop), 0);
}

static void make(struct bed *b, struct mine *m) {
        *m = (struct mine){ .bed = b };
        deadline_init(&m->deadline, on_expired);
}

/* Of a kind and of a queue, set anew, cleared, and by one another. */
static void expire(void **state) {
        struct deadline_queue own;
        struct mine m[6];
        struct bed b;

        (void)state;
        set_up(&b);
        deadline_queue_init(&own);
        for (size_t i = 0; i < 6; i++)
                make(&b, &m[i]);
        deadline_set(&b.ds, &m[0].deadline, DEADLINE_AGENT); /* far away */
        deadline_set(&b.ds, &m[1].deadline, DEADLINE_CALL);
        deadline_set(&b.ds, &m[2].deadline, DEADLINE_CALL);
        deadline_set_in(&b.ds, &m[3].deadline, &own, 60);
        deadline_set_in(&b.ds, &m[4].deadline, &own, 60);
        deadline_clear(&m[2].deadline);
        m[3].also_clears = &m[0];
        while (!m[4].nth)
                (void)uv_run(&b.loop, UV_RUN_ONCE);
        assert_int_equal(m[1].nth, 1);
        assert_int_equal(m[3].nth, 2);
        assert_int_equal(m[4].nth, 3);
        assert_int_equal(b.n_expired, 3);
        assert_false(deadline_is_set(&m[0].deadline));
        assert_false(deadline_is_set(&m[3].deadline));
        list_remove(&own.link);
        tear_down(&b);
}

/* A queue whose duration becomes shorter does not make the new ones wait for the old ones. */
static void a_shorter_duration(void **state) {
        struct deadline_queue own;
        struct mine old[2], new[2];
        struct bed b;

        (void)state;
        set_up(&b);
        deadline_queue_init(&own);
        for (size_t i = 0; i < 2; i++) {
                make(&b, &old[i]);
                make(&b, &new[i]);
        }
        deadline_set_in(&b.ds, &old[0].deadline, &own, 20 * 1000);
        deadline_set_in(&b.ds, &old[1].deadline, &own, 20 * 1000);
        deadline_set_in(&b.ds, &new[0].deadline, &own, 20);
        deadline_set_in(&b.ds, &new[1].deadline, &own, 20);
        while (!new[1].nth)
                (void)uv_run(&b.loop, UV_RUN_ONCE);
        assert_int_equal(new[0].nth, 1);
        assert_int_equal(new[1].nth, 2);
        assert_int_equal(b.n_expired, 2);
        assert_true(deadline_is_set(&old[0].deadline));
        for (size_t i = 0; i < 2; i++)
                deadline_clear(&old[i].deadline);
        list_remove(&own.link);
        tear_down(&b);
}

/* ---- slots -------------------------------------------------------------------------------------
 */

struct waiting {
        struct function_waiter waiter;
        struct slots *slots;
        struct function *fn;
        unsigned woken;
};

static unsigned depth, deepest;

/* Takes the place and gives it back at once, as a call that fails does. */
static void on_woken(struct function_waiter *w) {
        struct waiting *me = container_of(w, struct waiting, waiter);

        if (++depth > deepest)
                deepest = depth;
        me->woken++;
        slots_freed(me->slots, me->fn);
        depth--;
}

static void a_line_is_no_recursion(void **state) {
        enum { N = 200 };
        static struct waiting w[N];
        struct functions fs = { 0 };
        struct slots slots;
        struct function *fn;
        uv_loop_t loop;
        cJSON *list = cJSON_Parse(
                "[{\"name\":\"f\",\"namespace\":\"x\",\"replicas\":1,\"spec\":{\"labels\":"
                "{\"com.bramble.concurrency\":\"1\"}},\"instances\":[{\"id\":1,\"ready\":true,"
                "\"address\":\"10.0.0.1\",\"port\":80}]}]");

        (void)state;
        assert_int_equal(uv_loop_init(&loop), 0);
        slots_init(&slots, &loop);
        assert_int_equal(functions_update(&fs, list), 0);
        cJSON_Delete(list);
        fn = functions_find(&fs, "f", "x");
        slots_freed(&slots, fn); /* nobody waits */
        assert_true(list_empty(&slots.freed));
        for (size_t i = 0; i < N; i++) {
                w[i] = (struct waiting){ .waiter.woken = on_woken, .slots = &slots, .fn = fn };
                assert_int_equal(function_wait(fn, &w[i].waiter, false), 0);
        }
        slots_freed(&slots, fn);
        slots_freed(&slots, fn);
        assert_int_equal(w[0].woken, 0); /* not inside of the call that freed it */
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        for (size_t i = 0; i < N; i++)
                assert_int_equal(w[i].woken, 1);
        assert_int_equal(deepest, 1);
        assert_int_equal(fn->n_waiting, 0);

        /* closing gives up what is still to be done */
        assert_int_equal(function_wait(fn, &w[0].waiter, false), 0);
        slots_freed(&slots, fn);
        slots_close(&slots);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(w[0].woken, 1);
        functions_done(&fs); /* now it is gone */
        assert_int_equal(w[0].woken, 2);
        assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expire),
                cmocka_unit_test(a_shorter_duration),
                cmocka_unit_test(a_line_is_no_recursion),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

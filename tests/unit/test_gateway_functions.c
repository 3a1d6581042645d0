#include "gateway/functions.h"
#include "gateway/gateway.h"
#include "gateway/load.h"
#include "gateway/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void update(struct functions *fs, const char *text, int wrong) {
        cJSON *list = cJSON_Parse(text);

        assert_non_null(list);
        assert_int_equal(functions_update(fs, list), wrong);
        cJSON_Delete(list);
}

#define HEAD                                                                               \
        "{\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"image\":\"x:1\",\"created\":" \
        "1700000000,"
#define ONE "{\"id\":7,\"local\":true,\"ready\":true,\"address\":\"10.62.3.5\",\"port\":8080}"
#define TWO "{\"id\":8,\"local\":false,\"ready\":false,\"address\":\"fd00::5\",\"port\":8081}"

static void follows_the_state(void **state) {
        struct functions fs = { 0 };
        struct function *fn;
        struct replica *kept;
        char text[64];

        (void)state;
        update(&fs,
               "[" HEAD "\"replicas\":2,\"available\":1,\"invocations\":17,\"instances\":[" ONE
               "," TWO "]}]",
               0);
        fn = functions_find(&fs, "hello", "openfaas-fn");
        assert_non_null(fn);
        assert_int_equal(fn->replicas, 2);
        assert_int_equal(fn->n_replicas, 2);
        assert_true(fn->replica[0]->ready && fn->replica[0]->local);
        assert_int_equal(ntohs(fn->replica[0]->address.v4.sin_port), 8080);
        assert_false(fn->replica[1]->ready || fn->replica[1]->local);
        assert_string_equal(
                inet_ntop(AF_INET6, &fn->replica[1]->address.v6.sin6_addr, text, sizeof(text)),
                "fd00::5");
        assert_null(functions_find(&fs, "hello", "dev"));

        /* a replica that stays keeps its connections and counts; one that goes is marked */
        kept = replica_ref(fn->replica[0]);
        kept->in_flight = 3;
        update(&fs, "[" HEAD "\"replicas\":1,\"instances\":[" ONE "]}]", 0);
        assert_ptr_equal(functions_find(&fs, "hello", "openfaas-fn"), fn);
        assert_int_equal(fn->n_replicas, 1);
        assert_ptr_equal(fn->replica[0], kept);
        assert_int_equal(kept->in_flight, 3);
        assert_false(kept->gone);
        update(&fs, "[]", 0);
        assert_int_equal(fs.n, 0);
        assert_true(kept->gone);
        replica_unref(kept);
        functions_done(&fs);
}

static void leaves_out_what_is_wrong(void **state) {
        struct functions fs = { 0 };
        struct function *fn;

        (void)state;
        update(&fs,
               "[{\"name\":\"a/b\",\"namespace\":\"x\"},{\"name\":\"..\",\"namespace\":\"x\"},7,"
               "{\"name\":\"ok\",\"namespace\":\"x\",\"instances\":["
               "{\"id\":1,\"address\":\"not an address\",\"port\":80,\"ready\":true},"
               "{\"id\":2,\"address\":\"10.0.0.1\",\"port\":0},"
               "{\"id\":3,\"address\":\"10.0.0.1\",\"port\":65536},"
               "{\"id\":-1,\"address\":\"10.0.0.1\",\"port\":80},\"x\",null]},"
               "{\"name\":\"odd\",\"namespace\":\"x\",\"instances\":7,\"spec\":[]}]",
               3);
        assert_int_equal(fs.n, 2);
        fn = functions_find(&fs, "ok", "x");
        assert_non_null(fn);
        assert_int_equal(fn->n_replicas, 0);
        functions_done(&fs);
}

static void keeps_within_limits(void **state) {
        struct functions fs = { 0 };
        cJSON *list = cJSON_CreateArray();
        char name[16];

        (void)state;
        for (unsigned i = 0; i < LIMIT_FUNCTIONS + 10; i++) {
                cJSON *o = cJSON_CreateObject(), *instances;

                (void)snprintf(name, sizeof(name), "f%u", i);
                (void)cJSON_AddStringToObject(o, "name", name);
                (void)cJSON_AddStringToObject(o, "namespace", "x");
                instances = cJSON_AddArrayToObject(o, "instances");
                for (unsigned k = 0; i == 5 && k < LIMIT_REPLICAS + 10; k++) {
                        cJSON *r = cJSON_CreateObject();

                        (void)cJSON_AddNumberToObject(r, "id", k);
                        (void)cJSON_AddStringToObject(r, "address", "10.0.0.1");
                        (void)cJSON_AddNumberToObject(r, "port", 80);
                        (void)cJSON_AddItemToArray(instances, r);
                }
                (void)cJSON_AddItemToArray(list, o);
        }
        assert_int_equal(functions_update(&fs, list), 10);
        assert_int_equal(fs.n, LIMIT_FUNCTIONS);
        assert_int_equal(functions_find(&fs, "f5", "x")->n_replicas, LIMIT_REPLICAS);
        cJSON_Delete(list);
        functions_done(&fs);
}

struct waiting {
        struct function_waiter waiter;
        unsigned woken;
        bool again; /* waits once more when it is woken */
        struct function *fn;
};

static void on_woken(struct function_waiter *w) {
        struct waiting *me = container_of(w, struct waiting, waiter);

        me->woken++;
        if (me->again)
                assert_int_equal(function_wait(me->fn, w, false), 0);
}

/* Takes the first place there is. */
static void on_placed(struct function_waiter *w) {
        struct waiting *me = container_of(w, struct waiting, waiter);

        me->woken++;
        for (size_t i = 0; i < me->fn->n_replicas; i++) {
                if (!me->fn->replica[i]->ready || me->fn->replica[i]->in_flight > 0)
                        continue;
                me->fn->replica[i]->in_flight++;
                return;
        }
}

static void wakes_who_waits(void **state) {
        struct functions fs = { 0 };
        struct waiting one = { .waiter.woken = on_woken },
                       two = { .waiter.woken = on_woken, .again = true };
        struct function *fn;

        (void)state;
        update(&fs, "[" HEAD "\"replicas\":1,\"instances\":[" TWO "]}]", 0);
        fn = one.fn = two.fn = function_ref(functions_find(&fs, "hello", "openfaas-fn"));
        assert_false(function_has_ready(fn));
        assert_int_equal(function_wait(fn, &one.waiter, false), 0);
        assert_int_equal(function_wait(fn, &two.waiter, false), 0);
        update(&fs, "[" HEAD "\"replicas\":1,\"instances\":[" TWO "]}]", 0);
        assert_int_equal(one.woken + two.woken, 0);
        update(&fs, "[" HEAD "\"replicas\":1,\"instances\":[" ONE "]}]", 0);
        assert_true(function_has_ready(fn));
        assert_int_equal(one.woken, 1);
        assert_int_equal(two.woken, 1);
        assert_int_equal(fn->n_waiting, 1);
        two.again = false;
        update(&fs, "[]", 0);
        assert_true(fn->gone);
        assert_int_equal(two.woken, 2);
        assert_int_equal(fn->n_waiting, 0);
        function_unref(fn);
        functions_done(&fs);
}

#define LIMITED(spec)                                                   \
        "[" HEAD "\"replicas\":2,\"spec\":" spec ",\"instances\":[" ONE \
        ",{\"id\":8,\"local\":false,"                                   \
        "\"ready\":true,\"address\":\"10.62.3.6\",\"port\":8080}]}]"

static void reads_the_limits(void **state) {
        static const struct {
                const char *in;
                struct call_limits want;
                uint64_t timeout_ms; /* where 10 s are usual */
        } cases[] = {
                { LIMITED("{}"), { 0, 256, 0 }, 0 },
                { LIMITED("{\"labels\":{\"com.bramble.concurrency\":\"4\",\"x\":\"y\"}}"),
                  { 4, 256, 0 },
                  0 },
                { LIMITED("{\"annotations\":{\"com.bramble.concurrency\":\"1\",\"com.bramble."
                          "queue\":"
                          "\"0\",\"com.bramble.timeout\":\"2s\"}}"),
                  { 1, 0, 2 },
                  2000 },
                { LIMITED("{\"annotations\":{\"com.bramble.queue\":\"x\"},\"labels\":[1],"
                          "\"envVars\":"
                          "{\"exec_timeout\":\"x\"}}"),
                  { 0, 256, 0 },
                  0 },
                { LIMITED("{\"envVars\":{\"exec_timeout\":\"1m\"}}"), { 0, 256, 0 }, 65000 },
                { LIMITED("{\"envVars\":{\"exec_timeout\":\"3s\"}}"), { 0, 256, 0 }, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct functions fs = { 0 };
                const struct function *fn;

                update(&fs, cases[i].in, 0);
                fn = functions_find(&fs, "hello", "openfaas-fn");
                assert_memory_equal(&fn->limits, &cases[i].want, sizeof(fn->limits));
                assert_int_equal(function_timeout_ms(fn, 10000), cases[i].timeout_ms);
                functions_done(&fs);
        }
}

/* Those who wait are woken in their order and no more of them than there are places. */
static void wakes_in_order(void **state) {
        struct waiting w[5];
        struct functions fs = { 0 };
        struct function *fn;

        (void)state;
        update(&fs,
               LIMITED("{\"labels\":{\"com.bramble.concurrency\":\"1\",\"com.bramble.queue\":\"3\"}"
                       "}"),
               0);
        fn = function_ref(functions_find(&fs, "hello", "openfaas-fn"));
        fn->replica[0]->in_flight = fn->replica[1]->in_flight = 1;
        assert_false(function_has_room(fn));
        for (size_t i = 0; i < 5; i++)
                w[i] = (struct waiting){ .waiter.woken = on_placed, .fn = fn };
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(function_wait(fn, &w[i].waiter, false), 0);
        assert_int_equal(function_wait(fn, &w[3].waiter, false), -ENOSPC);
        assert_int_equal(function_wait(fn, &w[4].waiter, true), 0); /* has been under way */
        function_wake(fn);
        assert_int_equal(fn->n_waiting, 4);
        fn->replica[1]->in_flight = 0;
        function_wake(fn);
        assert_int_equal(w[4].woken, 1);
        assert_int_equal(fn->n_waiting, 3);
        fn->replica[0]->in_flight = 0;
        function_wake(fn);
        assert_true(w[0].woken && !w[1].woken && !w[2].woken);
        /* a place at a replica that just failed is none while another one is only full */
        fn->replica[0]->in_flight = 0;
        fn->replica[0]->suspect = true;
        function_wake(fn);
        assert_false(w[1].woken);
        fn->replica[1]->ready = false;
        function_wake(fn);
        assert_true(w[1].woken && !w[2].woken);
        update(&fs, "[]", 0);
        assert_true(w[2].woken);
        function_unref(fn);
        /* a line of none is one for turns: a function that is not ready is waited for */
        update(&fs, LIMITED("{\"labels\":{\"com.bramble.queue\":\"0\"}}"), 0);
        fn = functions_find(&fs, "hello", "openfaas-fn");
        assert_int_equal(function_queue(fn), 0);
        fn->replica[0]->ready = fn->replica[1]->ready = false;
        assert_int_equal(function_queue(fn), CALL_LIMITS_QUEUE_DEFAULT);
        functions_done(&fs);
}

static void counts_never_go_back(void **state) {
        struct functions fs = { 0 };
        struct function *fn;

        (void)state;
        update(&fs, "[" HEAD "\"replicas\":1,\"invocations\":10}]", 0);
        fn = functions_find(&fs, "hello", "openfaas-fn");
        function_count_call(fn);
        function_count_call(fn);
        assert_int_equal(function_invocations(fn), 12);
        fn->sent = fn->unsent; /* told */
        fn->unsent = 0;
        assert_int_equal(function_invocations(fn), 12);
        update(&fs, "[" HEAD "\"replicas\":1,\"invocations\":10}]", 0); /* one from before */
        assert_int_equal(function_invocations(fn), 12);
        function_count_call(fn);
        assert_int_equal(function_invocations(fn), 13);
        fn->sent = 0;
        update(&fs, "[" HEAD "\"replicas\":1,\"invocations\":12}]", 0);
        assert_int_equal(function_invocations(fn), 13);
        fn->unsent = 0;
        update(&fs, "[" HEAD "\"replicas\":1,\"invocations\":20}]", 0); /* other boards' calls */
        assert_int_equal(function_invocations(fn), 20);
        /* a new function of that name begins at its own count */
        update(&fs,
               "[{\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"created\":1700000001,"
               "\"invocations\":0}]",
               0);
        assert_int_equal(function_invocations(fn), 0);
        functions_done(&fs);
}

static void status(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { HEAD "\"replicas\":3,\"available\":2,\"invocations\":17,\"spec\":{"
                       "\"service\":\"hello\",\"image\":\"x:1\",\"namespace\":\"ignored\","
                       "\"envProcess\":\"cat\",\"envVars\":{\"A\":\"\"},\"constraints\":[\"a\"],"
                       "\"secrets\":[],\"labels\":{\"faas_function\":\"other\",\"l\":\"1\"},"
                       "\"annotations\":{\"a\":\"b\"},\"limits\":{\"memory\":\"5Mi\",\"cpu\":\"\"},"
                       "\"requests\":{},\"readOnlyRootFilesystem\":true,\"registryAuth\":\"s\"}}",
                  "{\"name\":\"hello\",\"image\":\"x:1\",\"namespace\":\"openfaas-fn\","
                  "\"envProcess\":\"cat\",\"envVars\":{\"A\":\"\"},\"constraints\":[\"a\"],"
                  "\"annotations\":{\"a\":\"b\"},\"limits\":{\"memory\":\"5Mi\",\"cpu\":\"\"},"
                  "\"readOnlyRootFilesystem\":true,\"labels\":{\"l\":\"1\","
                  "\"faas_function\":\"hello\"},\"invocationCount\":17,\"replicas\":3,"
                  "\"availableReplicas\":2,\"createdAt\":\"2023-11-14T22:13:20Z\"}" },
                /* nothing but what a state must have */
                { "{\"name\":\"hello\",\"namespace\":\"dev\",\"image\":\"y\"}",
                  "{\"name\":\"hello\",\"image\":\"y\",\"namespace\":\"dev\","
                  "\"labels\":{\"faas_function\":\"hello\"},\"replicas\":0,"
                  "\"availableReplicas\":0}" },
                /* just scaled to zero: the last replica still answers */
                { "{\"name\":\"hello\",\"namespace\":\"dev\",\"image\":\"y\",\"replicas\":0,"
                  "\"available\":1,\"spec\":{\"labels\":null,\"limits\":null}}",
                  "{\"name\":\"hello\",\"image\":\"y\",\"namespace\":\"dev\","
                  "\"labels\":{\"faas_function\":\"hello\"},\"replicas\":0,"
                  "\"availableReplicas\":0}" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct functions fs = { 0 };
                char list[2048], *got;
                cJSON *o;

                (void)snprintf(list, sizeof(list), "[%s]", cases[i].in);
                update(&fs, list, 0);
                o = status_json(fs.items[0]);
                got = cJSON_PrintUnformatted(o);
                assert_string_equal(got, cases[i].want);
                free(got);
                cJSON_Delete(o);
                functions_done(&fs);
        }
}

struct told {
        struct function_waiter w;
        struct function *fn;
        unsigned woken;
        bool stuck;
};

static void on_told(struct function_waiter *w) {
        struct told *t = container_of(w, struct told, w);

        t->woken++;
        t->stuck = t->fn->stuck;
}

static void fails_who_waits_in_vain(void **state) {
        struct functions fs = { 0 };
        struct told t = { .w.woken = on_told };

        (void)state;
        list_init(&t.w.link);
        update(&fs, "[" HEAD "\"replicas\":0,\"instances\":[]}]", 0);
        t.fn = functions_find(&fs, "hello", "openfaas-fn");
        assert_true(function_sleeps(t.fn));
        assert_int_equal(function_wait(t.fn, &t.w, false), 0);
        update(&fs, "[" HEAD "\"replicas\":1,\"instances\":[]}]", 0);
        assert_false(function_sleeps(t.fn));
        assert_int_equal(t.woken, 0); /* one is on its way */
        update(&fs, "[" HEAD "\"replicas\":1,\"stuck\":true,\"reason\":\"no\",\"instances\":[]}]",
               0);
        assert_int_equal(t.woken, 1);
        assert_true(t.stuck);
        update(&fs, "[" HEAD "\"replicas\":0,\"instances\":[]}]", 0);
        assert_false(t.fn->stuck);
        assert_int_equal(function_wait(t.fn, &t.w, false), 0);
        function_fail_waiting(t.fn, "nobody leads\n");
        assert_int_equal(t.woken, 2);
        assert_true(t.stuck);
        assert_false(t.fn->stuck); /* the next caller may be luckier */
        assert_string_equal(t.fn->reason, "nobody leads?");
        functions_done(&fs);
}

static void tells_the_load(void **state) {
        static struct gateway g;
        struct function *fn;
        char *text;
        cJSON *o;

        (void)state;
        update(&g.functions, "[" HEAD "\"replicas\":2,\"instances\":[" ONE "," TWO "]}]", 0);
        fn = functions_find(&g.functions, "hello", "openfaas-fn");
        assert_null(load_collect(&g, 500)); /* nobody calls */
        function_count_call(fn);
        function_count_call(fn);
        fn->replica[0]->in_flight = 1;
        fn->replica[1]->in_flight = 2;
        o = load_collect(&g, 500);
        text = cJSON_PrintUnformatted(o);
        assert_string_equal(text, "{\"verb\":\"calls\",\"ms\":500,\"calls\":[{\"name\":\"hello\","
                                  "\"namespace\":\"openfaas-fn\",\"count\":2,\"in_flight\":3,"
                                  "\"waiting\":0}]}");
        free(text);
        cJSON_Delete(o);
        assert_true(load_under_way(&g));
        load_settle(&g, false); /* it did not arrive: counted again */
        assert_int_equal(fn->unsent, 2);
        fn->replica[0]->in_flight = fn->replica[1]->in_flight = 0;
        cJSON_Delete(load_collect(&g, 500));
        load_settle(&g, true);
        o = load_collect(&g, 500); /* that it is over is told once */
        assert_non_null(o);
        cJSON_Delete(o);
        load_settle(&g, true);
        assert_null(load_collect(&g, 500));
        functions_done(&g.functions);
}

static void call_ids(void **state) {
        struct call_ids ids = { 0 };
        char seen[100][CALL_ID_SIZE];

        (void)state;
        for (unsigned i = 0; i < 100; i++) {
                assert_int_equal(call_id_make(&ids, seen[i]), 0);
                assert_int_equal(strlen(seen[i]), 36);
                assert_int_equal(strspn(seen[i], "0123456789abcdef-"), 36);
                assert_true(seen[i][8] == '-' && seen[i][13] == '-' && seen[i][18] == '-' &&
                            seen[i][23] == '-');
                assert_int_equal(seen[i][14], '4');
                assert_non_null(strchr("89ab", seen[i][19]));
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(seen[i], seen[k]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(follows_the_state),
                cmocka_unit_test(leaves_out_what_is_wrong),
                cmocka_unit_test(keeps_within_limits),
                cmocka_unit_test(wakes_who_waits),
                cmocka_unit_test(reads_the_limits),
                cmocka_unit_test(wakes_in_order),
                cmocka_unit_test(counts_never_go_back),
                cmocka_unit_test(status),
                cmocka_unit_test(fails_who_waits_in_vain),
                cmocka_unit_test(tells_the_load),
                cmocka_unit_test(call_ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/events.h"

#include "base/scope.h"
#include "core/alarms.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A bramble of three boards with one function; each test changes a copy. */
struct scene {
        struct world w;
        struct world_member members[4];
        struct world_function functions[2];
        struct world_instance instances[6];
        struct world_alarm alarms[2];
};

static void point(struct scene *s) {
        s->w.members = s->members;
        s->w.functions = s->functions;
        s->w.instances = s->instances;
        s->w.alarms = s->alarms;
}

static struct scene *scene(struct scene *s) {
        *s = (struct scene){
                .w = { .term = 3,
                       .bramble = 7,
                       .leader = 1,
                       .master = 1,
                       .n_members = 3,
                       .n_functions = 1,
                       .n_instances = 2 },
                .members = { { .node = 1, .name = "m1", .subnet = 1, .up = true },
                             { .node = 2, .name = "w1", .subnet = 2, .up = true },
                             { .node = 3, .name = "w2", .subnet = 3, .up = true },
                             { .node = 4, .name = "w3", .subnet = 4, .up = false } },
                .functions = { { .name = "hello",
                                 .namespace = "openfaas-fn",
                                 .image = "hello:1",
                                 .replicas = 2,
                                 .generation = 1 },
                               { .name = "page",
                                 .namespace = "dev",
                                 .image = "page:1",
                                 .replicas = 1,
                                 .generation = 2 } },
                .instances = { { .id = 1, .function = 0, .generation = 1, .node = 1 },
                               { .id = 2, .function = 0, .generation = 1, .node = 2 } },
        };
        point(s);
        return s;
}

static struct scene *copy(struct scene *to, const struct scene *from) {
        *to = *from;
        point(to);
        return to;
}

static struct events events; /* 100 KB */

static void begin(void) {
        memset(&events, 0, sizeof(events));
}

static unsigned step(const struct scene *before, const struct scene *now) {
        return events_step(&events, &before->w, &now->w, (struct event_time){ 1000000, 5000 });
}

/* The n-th newest. */
static const struct event *newest(unsigned n) {
        return events_at(&events, events.n - 1 - n);
}

static void nothing_happens(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->functions[0].invocations = 99;
        assert_int_equal(step(&a, &b), 0);
        assert_int_equal(events_last(&events), 0);
        assert_int_equal(events_since(&events, 0), 0);
}

static void a_first_picture(void **state) {
        struct scene none = { 0 }, a;

        (void)state;
        begin();
        assert_int_equal(step(&none, scene(&a)), 1);
        assert_string_equal(newest(0)->text, "m1 leads the bramble (election 3)");
        assert_int_equal(newest(0)->id, 3u << 20);
        assert_int_equal(newest(0)->unix_ms, 5000);
}

static void failover(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->members[0].up = false;
        b.w.leader = 2;
        b.w.term = 4;
        assert_int_equal(step(&a, &b), 2);
        assert_string_equal(newest(1)->text, "m1 does not answer any more");
        assert_int_equal(newest(1)->kind, EVENT_LOST);
        assert_int_equal(newest(1)->severity, SEVERITY_WARNING);
        assert_string_equal(newest(1)->board, "m1");
        assert_string_equal(newest(0)->text,
                            "w1 leads the bramble now, in place of m1 (election 4)");
        /* it comes back: once */
        copy(&a, &b)->members[0].up = true;
        assert_int_equal(step(&b, &a), 1);
        assert_string_equal(newest(0)->text, "m1 is back");
        assert_int_equal(step(&b, &a), 0);
}

static void the_same_leads_again(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->w.term = 9;
        assert_int_equal(step(&a, &b), 1);
        assert_string_equal(newest(0)->text, "m1 leads the bramble (election 9)");
}

static void a_new_member(void **state) {
        struct scene a, b, c;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->w.n_members = 4; /* down until its first report */
        assert_int_equal(step(&a, &b), 1);
        assert_int_equal(newest(0)->kind, EVENT_JOINED);
        assert_string_equal(newest(0)->text, "w3 has joined the bramble");
        copy(&c, &b)->members[3].up = true;
        assert_int_equal(step(&b, &c), 0); /* that is no return */
        assert_int_equal(step(&c, &b), 1); /* this is a loss */
        assert_int_equal(newest(0)->kind, EVENT_LOST);
        assert_int_equal(step(&b, &c), 1); /* and this a return */
        assert_int_equal(newest(0)->kind, EVENT_BACK);
        assert_int_equal(step(&c, &a), 1);
        assert_int_equal(newest(0)->kind, EVENT_LEFT);
}

static void names_and_the_master(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a);
        strcpy(b.members[2].name, "attic");
        b.w.master = 2;
        assert_int_equal(step(&a, &b), 2);
        assert_string_equal(newest(1)->text, "w2 is called attic now");
        assert_string_equal(newest(0)->text, "w1 is the master now, in place of m1");
        copy(&a, &b)->w.master = 3;
        a.members[1].up = false;
        assert_int_equal(step(&b, &a), 2);
        assert_string_equal(newest(0)->text, "attic is the master now, as w1 does not answer");
}

static void functions_come_and_go(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->w.n_functions = 2;
        assert_int_equal(step(&a, &b), 1);
        assert_string_equal(newest(0)->text, "page.dev was deployed, from page:1");
        assert_string_equal(newest(0)->function, "page.dev");
        copy(&a, &b)->functions[0].generation = 3;
        a.functions[1].replicas = 4;
        assert_int_equal(step(&b, &a), 2);
        assert_string_equal(newest(1)->text, "hello was updated, from hello:1");
        assert_string_equal(newest(0)->text, "page.dev was scaled from 1 to 4 replicas");
        copy(&b, &a)->w.n_functions = 1;
        assert_int_equal(step(&a, &b), 1);
        assert_string_equal(newest(0)->text, "page.dev was removed");
}

static void replicas_move(void **state) {
        struct scene a, b, c;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->members[1].up = false;
        assert_int_equal(step(&a, &b), 1);
        /* the new one is placed before the old one is dropped */
        copy(&c, &b)->instances[2] =
                (struct world_instance){ .id = 3, .function = 0, .generation = 1, .node = 3 };
        c.w.n_instances = 3;
        assert_int_equal(step(&b, &c), 0);
        copy(&b, &c)->instances[1] = b.instances[2];
        b.w.n_instances = 2;
        assert_int_equal(step(&c, &b), 1);
        assert_string_equal(newest(0)->text, "hello moved from w1 to w2, as w1 does not answer");
        assert_string_equal(newest(0)->board, "w2");
        assert_string_equal(newest(0)->function, "hello");
        assert_int_equal(newest(0)->kind, EVENT_MOVED);
}

/* Scaling down on a board that is away, and on one that is there, moves nothing. */
static void fewer_replicas_are_no_move(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->w.n_instances = 1;
        assert_int_equal(step(&a, &b), 0);
        b.members[1].up = false;
        assert_int_equal(step(&a, &b), 1); /* the loss alone */
}

static void alerts(void **state) {
        struct scene a, b, c;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->alarms[0] = (struct world_alarm){
                .node = 2, .kind = ALARM_HOT, .severity = SEVERITY_WARNING, .text = "too hot"
        };
        b.w.n_alarms = 1;
        assert_int_equal(step(&a, &b), 1);
        assert_string_equal(newest(0)->text, "w1: too hot");
        assert_int_equal(newest(0)->alarm, ALARM_HOT);
        assert_int_equal(newest(0)->severity, SEVERITY_WARNING);
        copy(&c, &b)->alarms[0].age_sec = 50;
        assert_int_equal(step(&b, &c), 0);
        c.alarms[0].severity = SEVERITY_ERROR;
        assert_int_equal(step(&b, &c), 1); /* it gets worse */
        assert_int_equal(step(&c, &b), 0); /* a little better is no news */
        c.alarms[0].severity = SEVERITY_INFO;
        assert_int_equal(step(&b, &c), 1);
        assert_int_equal(newest(0)->kind, EVENT_ALERT_OVER);
        assert_string_equal(newest(0)->text, "w1: hot is over");
        assert_int_equal(step(&c, &a), 0); /* what was only worth knowing ends in silence */
        assert_int_equal(step(&b, &a), 1);
}

static void kubernetes(void **state) {
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a)->w.kube = (struct world_kube){ .epoch = 1, .n_planes = 1, .planes = { 1 } };
        assert_int_equal(step(&a, &b), 1);
        assert_string_equal(newest(0)->text, "a Kubernetes control plane is made on m1");
        copy(&a, &b)->w.kube.founded = true;
        strcpy(a.w.kube.version, "v1.20.2");
        assert_int_equal(step(&b, &a), 1);
        assert_string_equal(newest(0)->text,
                            "the Kubernetes cluster v1.20.2 answers; its control plane is on m1");
        copy(&b, &a)->w.kube.off = true;
        assert_int_equal(step(&a, &b), 1);
}

/* However much happens at once, it does not push everything else out. */
static void many_at_once(void **state) {
        static struct world_function many[LIMIT_FUNCTIONS];
        struct scene a, b;

        (void)state;
        begin();
        scene(&a);
        copy(&b, &a);
        for (unsigned i = 0; i < LIMIT_FUNCTIONS; i++) {
                many[i] = (struct world_function){ .namespace = "openfaas-fn", .generation = 1 };
                (void)snprintf(many[i].name, sizeof(many[i].name), "f%u", i);
        }
        b.w.functions = many;
        b.w.n_functions = LIMIT_FUNCTIONS;
        b.w.n_instances = 0;
        assert_int_equal(step(&a, &b), EVENTS_STEP);
        assert_int_equal(events.n, EVENTS_STEP);
        assert_string_equal(newest(0)->text, "and 210 more changes at once");
}

static void ids_and_since(void **state) {
        struct event e = { .kind = EVENT_SHUTDOWN, .severity = SEVERITY_INFO, .text = "x" };
        const struct event_time at = { 1, 2 };
        uint64_t last = 0;

        (void)state;
        begin();
        for (unsigned i = 0; i < LIMIT_EVENTS + 50; i++) {
                const struct event *made = events_add(&events, 2, at, &e);

                assert_true(made->id > last);
                last = made->id;
        }
        assert_int_equal(events.n, LIMIT_EVENTS);
        assert_int_equal(events_last(&events), last);
        assert_int_equal(events_since(&events, 0), 0);
        assert_int_equal(events_since(&events, last), LIMIT_EVENTS);
        assert_int_equal(events_since(&events, last - 10), LIMIT_EVENTS - 10);
        assert_int_equal(events_add(&events, 3, at, &e)->id, 3u << 20);
        assert_int_equal(events_add(&events, 1, at, &e)->id, (3u << 20) + 1);
}

static void merging(void **state) {
        struct event e = { .text = "x" };
        static const uint64_t ids[] = { 10, 30, 20, 20, 5, 40 }, want[] = { 5, 10, 20, 30, 40 };

        (void)state;
        begin();
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                e.id = ids[i];
                assert_int_equal(events_merge(&events, &e), i != 3);
        }
        assert_int_equal(events.n, ARRAY_SIZE(want));
        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                assert_int_equal(events_at(&events, (uint32_t)i)->id, want[i]);
        for (e.id = 100; events.n < LIMIT_EVENTS; e.id++)
                assert_true(events_merge(&events, &e));
        e.id = 1; /* older than all of a full log */
        assert_false(events_merge(&events, &e));
        e.id = 50; /* in between: the oldest goes */
        assert_true(events_merge(&events, &e));
        assert_int_equal(events.n, LIMIT_EVENTS);
        assert_int_equal(events_at(&events, 0)->id, 10);
}

static void words(void **state) {
        (void)state;
        for (unsigned k = 0; k < EVENT_KINDS; k++)
                assert_int_equal(event_kind_of(event_kind_text((enum event_kind)k)), k);
        for (unsigned k = 0; k < ALARM_KINDS; k++)
                assert_int_equal(event_alarm_of(alarm_name((enum alarm_kind)k)), k);
        assert_int_equal(event_kind_of("nonsense"), EVENT_KINDS);
        assert_int_equal(event_alarm_of(""), ALARM_KINDS);
        assert_int_equal(event_severity_of("error"), SEVERITY_ERROR);
        assert_int_equal(event_severity_of("none"), SEVERITY_NONE);
        assert_int_equal(event_severity_of("?"), SEVERITY_NONE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_happens),
                cmocka_unit_test(a_first_picture),
                cmocka_unit_test(failover),
                cmocka_unit_test(the_same_leads_again),
                cmocka_unit_test(a_new_member),
                cmocka_unit_test(names_and_the_master),
                cmocka_unit_test(functions_come_and_go),
                cmocka_unit_test(replicas_move),
                cmocka_unit_test(fewer_replicas_are_no_move),
                cmocka_unit_test(alerts),
                cmocka_unit_test(kubernetes),
                cmocka_unit_test(many_at_once),
                cmocka_unit_test(ids_and_since),
                cmocka_unit_test(merging),
                cmocka_unit_test(words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

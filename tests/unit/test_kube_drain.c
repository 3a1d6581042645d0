/* kube_drain against an API server that is made of this test: what it is asked, in which order, and
 * what is told to the leader. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_private.h"
#include "io/kube_pod.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define POD(name, more) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"default\"" more "}}"
#define MOVES           ",\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"controller\":true}]"
#define MIRROR          ",\"annotations\":{\"kubernetes.io/config.mirror\":\"h\"}"
#define LIST(pods)      "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" pods "]}"
#define PAGE(word, pods) \
        "{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"" word "\"},\"items\":[" pods "]}"
#define EMPTY      LIST(POD("etcd-w1", MIRROR) "," POD("alone", ""))
#define PODS_OF_W1 "GET /api/v1/pods?limit=64&fieldSelector=spec.nodeName%3Dw1"

enum { ASKS = 16 };

/* ---- the fake server, and what else kube_drain stands on ---- */

static struct {
        unsigned n; /* unanswered */
        char what[ASKS][200];
        char body[ASKS][400];
        kube_api_cb done[ASKS];
        void *arg[ASKS];
        bool busy, primary;
        unsigned again, reports;
} fake;

int kube_api_request(struct kube_api *a, const struct kube_api_ask *ask, kube_api_cb done,
                     void *arg, struct kube_api_request **ret) {
        unsigned i = fake.n;

        (void)a;
        (void)ret;
        if (fake.busy)
                return -EBUSY;
        assert_true(i < ASKS);
        (void)snprintf(fake.what[i], sizeof(fake.what[i]), "%s %s", ask->method, ask->path);
        (void)snprintf(fake.body[i], sizeof(fake.body[i]), "%.*s", (int)ask->len,
                       ask->body ? (const char *)ask->body : "");
        fake.done[i] = done;
        fake.arg[i] = arg;
        fake.n++;
        return 0;
}

bool kube_primary(const struct kube *k) {
        (void)k;
        return fake.primary;
}

void kube_nodes_again(struct kube *k) {
        (void)k;
        fake.again++;
}

void agent_report_soon(struct agent *a) {
        (void)a;
        fake.reports++;
}

/* Answers the oldest request. */
static void answer(int result, unsigned status, const char *body) {
        kube_api_cb done = fake.done[0];
        void *arg = fake.arg[0];

        assert_true(fake.n > 0);
        fake.n--;
        memmove(fake.what, fake.what[1], sizeof(fake.what[0]) * fake.n);
        memmove(fake.body, fake.body[1], sizeof(fake.body[0]) * fake.n);
        memmove(fake.done, &fake.done[1], sizeof(fake.done[0]) * fake.n);
        memmove(fake.arg, &fake.arg[1], sizeof(fake.arg[0]) * fake.n);
        done(arg, result, result < 0 ? "no" : "", status, body, strlen(body));
}

/* ---- the bed ---- */

static struct world_member members[] = {
        { .node = 1, .name = "m1", .up = true, .kube = true },
        { .node = 2, .name = "w1", .up = true, .kube = true },
        { .node = 3, .name = "w2", .up = true, .kube = true },
};
static struct agent agent;
static struct kube kube;

static int make(void **state) {
        (void)state;
        memset(&fake, 0, sizeof(fake));
        fake.primary = true;
        agent = (struct agent){ .world = { .n_members = 3, .members = members } };
        (void)str_copy(agent.world.kube.version, sizeof(agent.world.kube.version), "v1.20.2");
        kube = (struct kube){ .agent = &agent, .admin = (struct kube_api *)&fake };
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                members[i].cordoned = false;
        members[1].cordoned = true;
        return kube_drain_open(&kube);
}

static int done(void **state) {
        (void)state;
        free(kube.drain);
        return 0;
}

/* Whatever it waits for is due. */
static void look(void) {
        kube_drain_look(&kube, agent_now() + USEC_PER_MIN);
}

static unsigned cleared(void) {
        uint64_t nodes[LIMIT_CLEARED];
        unsigned n = kube_drain_cleared(&kube, nodes);

        if (n > 0)
                assert_int_equal(nodes[0], 2);
        return n;
}

static void assert_asked(const char *what) {
        assert_int_equal(fake.n, 1);
        assert_string_equal(fake.what[0], what);
}

/* ---- tests ---- */

static void moves_pods(void **state) {
        (void)state;
        look();
        assert_asked("PATCH /api/v1/nodes/w1"); /* first nothing new comes */
        assert_string_equal(fake.body[0],
                            "{\"metadata\":{\"labels\":{\"bramble.io/cordoned\":\"true\"}},"
                            "\"spec\":{\"unschedulable\":true}}");
        look();
        assert_int_equal(fake.n, 1); /* one thing at a time */
        answer(0, 200, "{}");
        assert_asked(PODS_OF_W1);
        answer(0, 200,
               LIST(POD("a", MOVES) "," POD("b", MOVES ",\"deletionTimestamp\":\"t\"") "," POD(
                       "c",
                       MOVES) "," POD("etcd-w1",
                                      MIRROR) "," POD("alone",
                                                      "") "," POD("d",
                                                                  MOVES) "," POD("e",
                                                                                 MOVES) "," POD("f",
                                                                                                MOVES)));
        assert_int_equal(fake.n, 4); /* no more at a time */
        assert_string_equal(fake.what[0], "POST /api/v1/namespaces/default/pods/a/eviction");
        assert_string_equal(fake.what[1], "POST /api/v1/namespaces/default/pods/c/eviction");
        assert_non_null(strstr(fake.body[0], "policy/v1beta1"));
        answer(0, 201, "{}");
        answer(0, 429, "{}"); /* a budget says: later */
        answer(0, 404, "{}");
        assert_int_equal(cleared(), 0);
        answer(-ETIMEDOUT, 0, "");
        assert_int_equal(cleared(), 0);
        kube_drain_look(&kube, agent_now()); /* not at once again */
        assert_int_equal(fake.n, 0);
        look();
        answer(0, 200, "{}");
        answer(0, 200, LIST(POD("c", MOVES ",\"deletionTimestamp\":\"t\"")));
        assert_int_equal(fake.n, 0);
        assert_int_equal(cleared(), 0); /* it ends still */
        look();
        answer(0, 200, "{}");
        fake.reports = 0;
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
        assert_true(fake.reports > 0);
}

static void stays_so(void **state) {
        (void)state;
        look();
        answer(0, 200, "{}");
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
        /* a person lets it take pods again: no */
        look();
        assert_asked("PATCH /api/v1/nodes/w1");
        answer(0, 200, "{}");
        answer(0, 200, LIST(POD("a", MOVES)));
        answer(0, 201, "{}");
        assert_int_equal(cleared(), 0);
}

static void not_yet(void **state) {
        (void)state;
        look();
        answer(0, 404, "{}"); /* it joins just now */
        assert_int_equal(fake.n, 0);
        assert_int_equal(cleared(), 0);
        look();
        answer(0, 200, "{}");
        answer(0, 200, "{\"kind\":\"Status\"}");
        assert_int_equal(cleared(), 0);
        look();
        answer(0, 200, "{}");
        answer(0, 200, PAGE("x", ""));
        assert_int_equal(cleared(), 0);          /* nobody knows what comes behind */
        answer(0, 410, "{\"kind\":\"Status\"}"); /* and the word is too old now */
        assert_int_equal(cleared(), 0);
        look();
        answer(-ECANCELED, 0, "");
        look();
        answer(0, 200, "{}");
        answer(-ECANCELED, 0, "");
        fake.busy = true;
        look();
        assert_int_equal(fake.n, 0);
        fake.busy = false;
        look();
        answer(0, 200, "{}");
        answer(0, 200, LIST(POD("a", MOVES)));
        answer(-ECANCELED, 0, "");
        look(); /* and nothing hangs after all of that */
        answer(0, 200, "{}");
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
}

/* What is to move may be behind a page of what stays. */
static void page_after_page(void **state) {
        (void)state;
        look();
        answer(0, 200, "{}");
        assert_asked(PODS_OF_W1);
        answer(0, 200, PAGE("w-2", POD("etcd-w1", MIRROR)));
        assert_asked(PODS_OF_W1 "&continue=w-2");
        answer(0, 200, PAGE("w-3", POD("a", MOVES) "," POD("b", MOVES)));
        assert_int_equal(fake.n, 2);
        answer(0, 201, "{}");
        answer(0, 429, "{}");
        assert_asked(PODS_OF_W1 "&continue=w-3"); /* two more may go in this round */
        answer(0, 200, PAGE("w-4", POD("c", MOVES) "," POD("d", MOVES) "," POD("e", MOVES)));
        assert_int_equal(fake.n, 2);
        answer(0, 201, "{}");
        answer(0, 201, "{}");
        assert_int_equal(fake.n, 0);
        assert_int_equal(cleared(), 0);
        /* the next round begins at the front */
        look();
        answer(0, 200, "{}");
        assert_asked(PODS_OF_W1);
        answer(0, 200, PAGE("w-2", POD("etcd-w1", MIRROR)));
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
}

static void no_page_without_end(void **state) {
        unsigned n = 0;

        (void)state;
        look();
        answer(0, 200, "{}");
        for (; fake.n > 0; n++)
                answer(0, 200, PAGE("again", POD("etcd-w1", MIRROR)));
        assert_int_equal(n, KUBE_PODS_PAGES);
        assert_int_equal(cleared(), 0);
        /* an eviction that is called off asks for nothing more */
        look();
        answer(0, 200, "{}");
        answer(0, 200, PAGE("w-2", POD("a", MOVES)));
        answer(-ECANCELED, 0, "");
        assert_int_equal(fake.n, 0);
}

static void given_back(void **state) {
        unsigned again;

        (void)state;
        look();
        answer(0, 200, "{}");
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
        again = fake.again;
        members[1].cordoned = false;
        look();
        assert_int_equal(cleared(), 0);
        assert_int_equal(fake.again, again + 1); /* kube_nodes makes it take pods */
        assert_int_equal(fake.n, 0);
        /* taken away while an answer is under way */
        members[1].cordoned = true;
        look();
        answer(0, 200, "{}");
        members[1].cordoned = false;
        look();
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 0);
}

static void only_the_first_plane(void **state) {
        (void)state;
        look();
        answer(0, 200, "{}");
        answer(0, 200, EMPTY);
        assert_int_equal(cleared(), 1);
        fake.primary = false;
        look();
        assert_int_equal(cleared(), 0);
        assert_int_equal(fake.n, 0);
        fake.primary = true;
        members[1].kube = false; /* it is no node (any more) */
        look();
        assert_int_equal(fake.n, 0);
        members[1].kube = true;
        look();
        assert_asked("PATCH /api/v1/nodes/w1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(moves_pods, make, done),
                cmocka_unit_test_setup_teardown(stays_so, make, done),
                cmocka_unit_test_setup_teardown(not_yet, make, done),
                cmocka_unit_test_setup_teardown(page_after_page, make, done),
                cmocka_unit_test_setup_teardown(no_page_without_end, make, done),
                cmocka_unit_test_setup_teardown(given_back, make, done),
                cmocka_unit_test_setup_teardown(only_the_first_plane, make, done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

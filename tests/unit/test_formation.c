#include "core/formation.h"

#include "base/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* Transcripts: a board (node 5, strength 50 unless said otherwise) lives through lines of time in
 * milliseconds, event and the actions that must follow. */
struct line {
        unsigned ms;
        struct formation_event ev;
        const char *want; /* "tell found join:7@70 fold@70 clash@70" */
        enum formation_state state;
};

#define PEER(...)                                                     \
        {                                                             \
                .type = FORMATION_EVENT_PEER, .view = { __VA_ARGS__ } \
        }
#define SELF(...)                                                     \
        {                                                             \
                .type = FORMATION_EVENT_SELF, .view = { __VA_ARGS__ } \
        }
#define LOST(n) \
        { .type = FORMATION_EVENT_PEER_LOST, .node = (n) }
#define DONE(b) \
        { .type = FORMATION_EVENT_FOUNDED, .bramble = (b) }
#define REFUSED \
        { .type = FORMATION_EVENT_REFUSED }
#define TICK \
        { .type = FORMATION_EVENT_TICK }
#define LOOKING  FORMATION_LOOKING
#define FOUNDING FORMATION_FOUNDING
#define JOINING  FORMATION_JOINING
#define MEMBER   FORMATION_MEMBER

static const char *action_text(const struct formation_actions *a) {
        static char text[256];
        size_t n = 0;

        text[0] = '\0';
        for (uint32_t i = 0; i < a->n; i++) {
                const struct formation_action *x = &a->items[i];
                static const char *const names[] = { "tell", "found", "join", "fold", "clash" };

                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
                                      names[x->type]);
                if (x->type == FORMATION_ACTION_JOIN)
                        n += (size_t)snprintf(text + n, sizeof(text) - n, ":%llu",
                                              (unsigned long long)x->node);
                if (x->bramble)
                        n += (size_t)snprintf(text + n, sizeof(text) - n, "@%llu",
                                              (unsigned long long)x->bramble);
        }
        return text;
}

/* Plays the lines; ticks in between are fed at each deadline, and must do nothing. */
static void play(struct formation *f, const struct line *lines, size_t n) {
        static const struct formation_event tick = TICK;
        struct formation_actions a;

        for (size_t i = 0; i < n; i++) {
                usec_t at = lines[i].ms * USEC_PER_MSEC;

                while (f->deadline < at) {
                        usec_t before = f->deadline;

                        formation_step(f, before, &tick, &a);
                        if (a.n)
                                fail_msg("line %zu: '%s' at %llu ms, too early", i, action_text(&a),
                                         (unsigned long long)(before / USEC_PER_MSEC));
                        assert_true(f->deadline > before);
                }
                formation_step(f, at, &lines[i].ev, &a);
                if (strcmp(action_text(&a), lines[i].want) != 0)
                        fail_msg("line %zu (%u ms): got '%s', want '%s'", i, lines[i].ms,
                                 action_text(&a), lines[i].want);
                if (f->state != lines[i].state)
                        fail_msg("line %zu (%u ms): state %d, want %d", i, lines[i].ms, f->state,
                                 lines[i].state);
        }
}

static void story(uint32_t expect, uint64_t bramble, const struct line *lines, size_t n) {
        const struct formation_config config = { expect, 10 * USEC_PER_SEC, 3 * USEC_PER_SEC };
        struct formation f;

        formation_init(&f, &config, 5, 50, bramble, 0);
        play(&f, lines, n);
}

#define STORY(expect, bramble, ...)                                  \
        do {                                                         \
                static const struct line lines_[] = { __VA_ARGS__ }; \
                                                                     \
                story(expect, bramble, lines_, ARRAY_SIZE(lines_));  \
        } while (0)

static void expected_boards_found_at_once(void **state) {
        (void)state;
        STORY(3, 0, { 10, PEER(.node = 6, .strength = 40, .choice = 6), "", LOOKING },
              { 20, PEER(.node = 6, .strength = 40, .choice = 5), "", LOOKING },
              { 30, PEER(.node = 7, .strength = 30, .choice = 7), "", LOOKING },
              /* the last agreement: the very same event founds, long before two seconds */
              { 40, PEER(.node = 7, .strength = 30, .choice = 5), "found", FOUNDING },
              { 90, DONE(99), "tell", MEMBER },
              { 95, SELF(.leader = 5, .members = 1, .mergeable = true), "tell", MEMBER },
              { 95, SELF(.leader = 5, .members = 1, .mergeable = true), "", MEMBER });
        /* the weaker board leaves it to the stronger, equal strength to the lower id */
        STORY(2, 0, { 10, PEER(.node = 6, .strength = 60, .choice = 6), "tell", LOOKING },
              { 30000, TICK, "", LOOKING }, { 30001, LOST(6), "tell", LOOKING },
              { 30002, PEER(.node = 4, .strength = 50), "tell", LOOKING },
              { 30003, PEER(.node = 3, .strength = 50), "tell", LOOKING });
        STORY(2, 0, { 10, PEER(.node = 6, .strength = 50, .choice = 5), "found", FOUNDING });
}

static void nobody_founds_against_a_peer(void **state) {
        (void)state;
        /* enough agree, but one that is seen does not */
        STORY(2, 0, { 10, PEER(.node = 7, .strength = 30, .choice = 8), "", LOOKING },
              { 20, PEER(.node = 6, .strength = 40, .choice = 5), "", LOOKING },
              { 60000, TICK, "", LOOKING },
              /* it saw a bramble, and chooses nobody */
              { 60001, PEER(.node = 7, .strength = 30), "", LOOKING }, { 90000, TICK, "", LOOKING },
              { 90001, LOST(7), "found", FOUNDING });
}

static void silence(void **state) {
        (void)state;
        /* the view was still for the settle time */
        STORY(0, 0, { 9999, TICK, "", LOOKING }, { 10000, TICK, "found", FOUNDING });
        STORY(4, 0, { 9000, PEER(.node = 6, .strength = 40, .choice = 5), "", LOOKING },
              { 18999, TICK, "", LOOKING }, { 19000, TICK, "found", FOUNDING });
        /* one that expects itself alone founds after two seconds */
        STORY(1, 0, { 1999, TICK, "", LOOKING }, { 2000, TICK, "found", FOUNDING });
        STORY(1, 0, { 1990, PEER(.node = 6, .strength = 40, .choice = 6), "", LOOKING },
              { 2500, PEER(.node = 6, .strength = 40, .choice = 5), "found", FOUNDING });
        /* no two seconds, no founding, however short the settle time is */
        {
                const struct formation_config config = { 0, 0, 0 };
                static const struct line lines[] = { { 1999, TICK, "", LOOKING },
                                                     { 2000, TICK, "found", FOUNDING } };
                struct formation f;

                formation_init(&f, &config, 5, 50, 0, 0);
                play(&f, lines, 2);
        }
}

static void restless_view(void **state) {
        const struct formation_config config = { 0, 10 * USEC_PER_SEC, 3 * USEC_PER_SEC };
        const struct formation_event come = PEER(.node = 6, .strength = 40, .choice = 5);
        const struct formation_event go = LOST(6), tick = TICK;
        struct formation_actions a;
        struct formation f;
        usec_t now = 0;

        (void)state;
        formation_init(&f, &config, 5, 50, 0, 0);
        for (unsigned i = 0; now < 100 * USEC_PER_SEC; i++) { /* comes and goes every 3 s */
                now += USEC_PER_SEC;
                formation_step(&f, now, i % 6 == 0 ? &come : i % 6 == 3 ? &go : &tick, &a);
                if (now < 100 * USEC_PER_SEC)
                        assert_int_equal(a.n, 0);
        }
        for (; f.state == LOOKING && now < 110 * USEC_PER_SEC; now += USEC_PER_SEC)
                formation_step(&f, now, &tick, &a);
        assert_int_equal(f.state, FOUNDING);
}

static void stopped_process(void **state) {
        const struct formation_config config = { 0, 10 * USEC_PER_SEC, 3 * USEC_PER_SEC };
        const struct formation_event tick = TICK;
        struct formation_actions a;
        struct formation f;

        (void)state;
        formation_init(&f, &config, 5, 50, 0, 0);
        /* an hour passes in which nobody fed the tick: that was no stillness */
        formation_step(&f, USEC_PER_HOUR, &tick, &a);
        assert_int_equal(a.n, 0);
        formation_step(&f, USEC_PER_HOUR + USEC_PER_SEC, &tick, &a);
        assert_int_equal(a.n, 0);
        for (usec_t s = 2; s < 10; s++)
                formation_step(&f, USEC_PER_HOUR + s * USEC_PER_SEC, &tick, &a);
        assert_int_equal(a.n, 0);
        formation_step(&f, USEC_PER_HOUR + 10 * USEC_PER_SEC, &tick, &a);
        assert_string_equal(action_text(&a), "found");
}

static void failed_founding(void **state) {
        (void)state;
        STORY(2, 0, { 10, PEER(.node = 6, .strength = 40, .choice = 5), "found", FOUNDING },
              { 20, PEER(.node = 6, .strength = 41, .choice = 5), "", FOUNDING },
              { 30, REFUSED, "", LOOKING }, { 3029, TICK, "", LOOKING },
              { 3030, TICK, "found", FOUNDING });
}

static void joins(void **state) {
        (void)state;
        /* asks the leader that the member names, again when nobody answers, and is taken in */
        STORY(2, 0,
              { 10, PEER(.node = 6, .bramble = 70, .leader = 7, .members = 2), "tell join:7@70",
                JOINING },
              { 3009, TICK, "", JOINING }, { 3010, TICK, "join:7@70", JOINING },
              { 3020, DONE(70), "tell", MEMBER }, { 99000, TICK, "", MEMBER });
        /* no leader known: the member itself; then its leader, at once */
        STORY(2, 0, { 10, PEER(.node = 6, .bramble = 70, .members = 2), "tell join:6@70", JOINING },
              { 20, PEER(.node = 6, .bramble = 70, .members = 2, .leader = 8), "join:8@70",
                JOINING });
        /* refused: not before the retry time */
        STORY(2, 0, { 10, PEER(.node = 6, .bramble = 70), "tell join:6@70", JOINING },
              { 20, REFUSED, "", JOINING }, { 3019, TICK, "", JOINING },
              { 3020, TICK, "join:6@70", JOINING });
        /* enough fresh boards agree, but there is a bramble */
        STORY(2, 0, { 10, PEER(.node = 6, .bramble = 70), "tell join:6@70", JOINING },
              { 11, PEER(.node = 7, .strength = 1, .choice = 5), "", JOINING });
        /* an answer that comes after the bramble was lost from sight still counts */
        STORY(2, 0, { 10, PEER(.node = 6, .bramble = 70), "tell join:6@70", JOINING },
              { 20, LOST(6), "tell", LOOKING }, { 30, DONE(70), "tell", MEMBER });
}

static void loses_whom_it_asked(void **state) {
        (void)state;
        /* asks another member of it, at once */
        STORY(0, 0,
              { 10, PEER(.node = 6, .bramble = 70, .leader = 6, .members = 2), "tell join:6@70",
                JOINING },
              { 20, PEER(.node = 8, .bramble = 70, .leader = 6, .members = 2), "", JOINING },
              { 30, LOST(6), "join:6@70", JOINING },
              { 40, PEER(.node = 8, .bramble = 70, .leader = 8, .members = 2), "join:8@70",
                JOINING });
        /* nobody is left: looks again, and the stillness begins anew */
        STORY(0, 0, { 9000, PEER(.node = 6, .bramble = 70), "tell join:6@70", JOINING },
              { 12000, TICK, "join:6@70", JOINING }, { 13000, LOST(6), "tell", LOOKING },
              { 22999, TICK, "", LOOKING }, { 23000, TICK, "found", FOUNDING });
}

static void picks_a_bramble(void **state) {
        static const struct {
                struct formation_view a, b;
                const char *want;
        } cases[] = {
                { { .node = 6, .bramble = 70, .members = 9 },
                  { .node = 7, .bramble = 80, .members = 1, .work = true },
                  "join:7@80" },
                { { .node = 6, .bramble = 70, .members = 2 },
                  { .node = 7, .bramble = 80, .members = 3 },
                  "join:7@80" },
                { { .node = 6, .bramble = 80, .members = 3 },
                  { .node = 7, .bramble = 70, .members = 3 },
                  "join:7@70" },
                { { .node = 6, .bramble = 70, .leader = 6, .members = 3 },
                  { .node = 7, .bramble = 70, .leader = 7, .members = 3, .mergeable = true },
                  "join:7@70" },
                { { .node = 6, .bramble = 70, .members = 3 },
                  { .node = 7, .bramble = 70, .leader = 8, .members = 3 },
                  "join:8@70" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct formation_config config = { 0, 10 * USEC_PER_SEC, USEC_PER_SEC };
                struct formation_event ev = { .type = FORMATION_EVENT_PEER };
                struct formation_actions a;
                struct formation f;

                formation_init(&f, &config, 5, 50, 0, 0);
                ev.view = cases[i].a;
                formation_step(&f, 1, &ev, &a);
                ev.view = cases[i].b;
                formation_step(&f, 2, &ev, &a);
                assert_string_equal(action_text(&a), cases[i].want);
        }
}

static void folds(void **state) {
        static const struct {
                struct formation_view own, other; /* own bramble is 50 */
                const char *want;
        } cases[] = {
                /* no work on either side: fewer members go, then the higher id */
                { { .members = 2, .mergeable = true },
                  { .bramble = 60, .members = 3, .mergeable = true },
                  "fold@60" },
                { { .members = 3, .mergeable = true },
                  { .bramble = 60, .members = 2, .mergeable = true },
                  "" },
                { { .members = 2, .mergeable = true },
                  { .bramble = 60, .members = 2, .mergeable = true },
                  "" },
                { { .members = 2, .mergeable = true },
                  { .bramble = 40, .members = 2, .mergeable = true },
                  "fold@40" },
                /* the one with work stays, whatever its size */
                { { .members = 9, .mergeable = true },
                  { .bramble = 60, .members = 1, .work = true, .mergeable = true },
                  "fold@60" },
                { { .members = 1, .work = true, .mergeable = true },
                  { .bramble = 40, .members = 9, .mergeable = true },
                  "" },
                /* both: a person decides */
                { { .members = 1, .work = true, .mergeable = true },
                  { .bramble = 40, .members = 9, .work = true },
                  "clash@40" },
                /* only leaders with a majority decide, and only about such */
                { { .members = 2 }, { .bramble = 60, .members = 3, .mergeable = true }, "" },
                { { .members = 2, .mergeable = true }, { .bramble = 60, .members = 3 }, "" },
                { { .members = 2, .mergeable = true },
                  { .bramble = 50, .members = 3, .mergeable = true },
                  "" },
                /* left behind by a bramble that dissolved while this board was away */
                { { .members = 2 }, { .bramble = 60, .folded = 50 }, "fold@60" },
                { { .members = 2 }, { .folded = 50 }, "fold" },
                { { .members = 2, .mergeable = true }, { .folded = 50 }, "" },
                { { .members = 2, .work = true }, { .bramble = 60, .folded = 50 }, "" },
                { { .members = 2, .leader = 9 }, { .bramble = 60, .folded = 50 }, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct formation_config config = { 4, 10 * USEC_PER_SEC, USEC_PER_SEC };
                struct formation_event ev = { .type = FORMATION_EVENT_SELF };
                struct formation_actions a;
                struct formation f;

                formation_init(&f, &config, 5, 50, 50, 0);
                assert_int_equal(f.state, MEMBER);
                ev.view = cases[i].own;
                formation_step(&f, 1, &ev, &a);
                ev = (struct formation_event){ .type = FORMATION_EVENT_PEER,
                                               .view = cases[i].other };
                ev.view.node = 6;
                formation_step(&f, 2 * USEC_PER_SEC, &ev, &a);
                if (strcmp(action_text(&a), cases[i].want) != 0)
                        fail_msg("case %zu: got '%s', want '%s'", i, action_text(&a),
                                 cases[i].want);
        }
}

static void folds_again_and_complains_once(void **state) {
        (void)state;
        STORY(0, 50, { 0, SELF(.members = 1, .leader = 5, .mergeable = true), "tell", MEMBER },
              { 10, PEER(.node = 6, .bramble = 60, .members = 3, .mergeable = true), "fold@60",
                MEMBER },
              { 11, PEER(.node = 6, .bramble = 60, .members = 4, .mergeable = true), "", MEMBER },
              { 3009, TICK, "", MEMBER }, { 3010, TICK, "fold@60", MEMBER },
              { 3020, LOST(6), "", MEMBER },
              { 3030, SELF(.members = 1, .leader = 5, .work = true, .mergeable = true), "tell",
                MEMBER },
              { 3040, PEER(.node = 6, .bramble = 60, .work = true), "clash@60", MEMBER },
              { 3041, PEER(.node = 7, .bramble = 70, .work = true), "clash@70", MEMBER },
              { 3042, PEER(.node = 6, .bramble = 60, .work = true), "", MEMBER });
}

/* Nobody leads it, and the others have left: not at once, for a new member hears of its leader
 * only after it has become one. */
static void left_behind(void **state) {
        (void)state;
        STORY(0, 50, { 10, PEER(.node = 6, .bramble = 60, .folded = 50), "", MEMBER },
              { 3000, TICK, "fold@60", MEMBER });
        STORY(0, 0, { 10, PEER(.node = 6, .bramble = 60, .leader = 6), "tell join:6@60", JOINING },
              { 20, DONE(60), "tell", MEMBER },
              { 30, PEER(.node = 7, .bramble = 70, .folded = 60), "", MEMBER },
              { 40, SELF(.leader = 6, .members = 2), "tell", MEMBER }, { 99000, TICK, "", MEMBER },
              { 99001, SELF(.members = 2), "tell", MEMBER }, { 102000, TICK, "", MEMBER },
              { 102001, TICK, "fold@70", MEMBER });
}

static void odd_views(void **state) {
        const struct formation_config config = { 2, 10 * USEC_PER_SEC, USEC_PER_SEC };
        struct formation_event ev = { .type = FORMATION_EVENT_PEER };
        struct formation_actions a;
        struct formation f;

        (void)state;
        formation_init(&f, &config, 5, 50, 0, 0);
        formation_step(&f, 1, &ev, &a); /* node 0 */
        ev.view = (struct formation_view){ .node = 5, .bramble = 7 };
        formation_step(&f, 2, &ev, &a); /* ourselves */
        assert_int_equal(f.n_peers, 0);
        for (uint64_t node = 1000; node < 1200; node++) { /* more than there may be */
                ev.view = (struct formation_view){ .node = node, .choice = node };
                formation_step(&f, 3, &ev, &a);
        }
        assert_int_equal(f.n_peers, LIMIT_BOARDS);
        ev = (struct formation_event)LOST(7777);
        formation_step(&f, 4, &ev, &a);
        assert_int_equal(f.n_peers, LIMIT_BOARDS);
        ev = (struct formation_event)DONE(0);
        formation_step(&f, 5, &ev, &a);
        assert_int_equal(f.state, LOOKING);
}

static void leaves(void **state) {
        const struct formation_config config = { 0, 10 * USEC_PER_SEC, USEC_PER_SEC };
        struct formation_event ev = PEER(.node = 6, .bramble = 60, .members = 3, .leader = 6);
        struct formation_actions a;
        struct formation f;

        (void)state;
        formation_init(&f, &config, 5, 50, 50, 0);
        formation_step(&f, 1, &ev, &a);
        formation_leave(&f, 2);
        /* it still knows its peers, and asks at once to be taken in */
        formation_step(&f, 3, &(struct formation_event)TICK, &a);
        assert_string_equal(action_text(&a), "join:6@60");
        assert_int_equal(f.self.folded, 50);
        formation_step(&f, 4, &(struct formation_event)DONE(60), &a);
        formation_leave(&f, 5);
        assert_int_equal(f.self.folded, 60);
        /* a member of the first one was away: it is told what it needs to hear */
        ev = (struct formation_event)PEER(.node = 7, .bramble = 50, .members = 2);
        formation_step(&f, 6, &ev, &a);
        assert_string_equal(action_text(&a), "tell join:6@60");
        assert_int_equal(f.self.folded, 50);
        /* back in one of them: that one is not given up any more */
        formation_step(&f, 7, &(struct formation_event)DONE(50), &a);
        assert_int_equal(f.self.folded, 60);
        assert_int_equal(f.n_left, 1);
        for (uint64_t b = 100; b < 120; b++)
                formation_set_folded(&f, b);
        assert_int_equal(f.n_left, FORMATION_LEFT);
        assert_int_equal(f.left[FORMATION_LEFT - 1], 119);
}

static void words(void **state) {
        const struct formation_config four = { 4, 1, 1 }, any = { 0, 1, 1 };
        struct formation f;
        char text[64];

        (void)state;
        formation_init(&f, &four, 5, 50, 0, 0);
        assert_string_equal(formation_text(&f, text, sizeof(text)), "looking for boards (1 of 4)");
        formation_init(&f, &any, 5, 50, 0, 0);
        assert_string_equal(formation_text(&f, text, sizeof(text)), "looking for boards (0 seen)");
        formation_init(&f, &any, 5, 50, 9, 0);
        assert_string_equal(formation_text(&f, text, sizeof(text)), "member");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expected_boards_found_at_once),
                cmocka_unit_test(nobody_founds_against_a_peer),
                cmocka_unit_test(silence),
                cmocka_unit_test(restless_view),
                cmocka_unit_test(stopped_process),
                cmocka_unit_test(failed_founding),
                cmocka_unit_test(joins),
                cmocka_unit_test(loses_whom_it_asked),
                cmocka_unit_test(picks_a_bramble),
                cmocka_unit_test(folds),
                cmocka_unit_test(folds_again_and_complains_once),
                cmocka_unit_test(left_behind),
                cmocka_unit_test(odd_views),
                cmocka_unit_test(leaves),
                cmocka_unit_test(words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct sessions *new_sessions(void) {
        struct sessions *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        return s;
}

/* Random bytes of the n-th session. */
static const uint8_t *bytes(unsigned n) {
        static uint8_t random[2 * SESSION_RANDOM];

        memset(random, 0, sizeof(random));
        memcpy(random, &n, sizeof(n));
        random[SESSION_RANDOM] = (uint8_t)(n + 1);
        return random;
}

static void begins_and_ends(void **state) {
        struct sessions *s = new_sessions();
        struct session *one = session_begin(s, 1, bytes(1)), *two = session_begin(s, 2, bytes(2));
        char token[SESSION_TOKEN], other[SESSION_TOKEN];

        (void)state;
        assert_ptr_not_equal(one, two);
        assert_int_equal(strlen(one->token), SESSION_TOKEN - 1);
        assert_string_not_equal(one->token, two->token);
        assert_string_not_equal(one->token, one->csrf);
        memcpy(token, one->token, sizeof(token));
        memcpy(other, two->token, sizeof(other));
        assert_ptr_equal(session_find(s, 3, token), one);
        assert_ptr_equal(session_find(s, 3, other), two);
        assert_null(session_find(s, 3, ""));
        assert_null(session_find(s, 3, "0"));
        token[5] ^= 1;
        assert_null(session_find(s, 3, token));
        token[5] ^= 1;
        session_end(one);
        assert_null(session_find(s, 3, token));
        assert_ptr_equal(session_find(s, 3, other), two);
        sessions_clear(s);
        assert_null(session_find(s, 3, other));
        free(s);
}

static void expires(void **state) {
        struct sessions *s = new_sessions();
        struct session *one = session_begin(s, 0, bytes(1));
        char token[SESSION_TOKEN];
        usec_t now = 0;

        (void)state;
        memcpy(token, one->token, sizeof(token));
        /* use keeps it */
        for (now = 0; now + SESSION_IDLE_USEC / 2 < SESSION_WHOLE_USEC;
             now += SESSION_IDLE_USEC / 2)
                assert_ptr_equal(session_find(s, now, token), one);
        /* but not for ever */
        assert_null(session_find(s, SESSION_WHOLE_USEC, token));
        one = session_begin(s, now, bytes(2));
        memcpy(token, one->token, sizeof(token));
        assert_ptr_equal(session_find(s, now + SESSION_IDLE_USEC - 1, token), one);
        assert_null(session_find(s, now + 2 * SESSION_IDLE_USEC - 1, token));
        free(s);
}

static void makes_room(void **state) {
        struct sessions *s = new_sessions();
        char tokens[SESSION_MOST + 1][SESSION_TOKEN];

        (void)state;
        for (unsigned i = 0; i < SESSION_MOST; i++)
                memcpy(tokens[i], session_begin(s, i + 1, bytes(i))->token, SESSION_TOKEN);
        assert_non_null(
                session_find(s, 1000, tokens[0])); /* 1 is the one that was unused longest */
        memcpy(tokens[SESSION_MOST], session_begin(s, 1001, bytes(SESSION_MOST))->token,
               SESSION_TOKEN);
        for (unsigned i = 0; i <= SESSION_MOST; i++)
                assert_int_equal(session_find(s, 1002, tokens[i]) != NULL, i != 1);
        free(s);
}

static void csrf(void **state) {
        struct sessions *s = new_sessions();
        struct session *one = session_begin(s, 0, bytes(1));
        struct http_text right = { one->csrf, strlen(one->csrf) }, shorter = right,
                         none = { "", 0 };
        struct http_text token = { one->token, strlen(one->token) };

        (void)state;
        shorter.len--;
        assert_true(session_csrf_fits(one, &right));
        assert_false(session_csrf_fits(one, &shorter));
        assert_false(session_csrf_fits(one, &none));
        assert_false(session_csrf_fits(one, &token));
        assert_false(session_csrf_fits(one, NULL));
        free(s);
}

static void once(void **state) {
        struct sessions *s = new_sessions();
        struct session *one = session_begin(s, 0, bytes(1)), *two = session_begin(s, 0, bytes(2));
        char id[32];

        (void)state;
        assert_int_equal(session_take_once(s, one, 0, "abcdefgh"), 0);
        assert_int_equal(session_take_once(s, one, 0, "abcdefgh"), -EEXIST);
        assert_int_equal(session_take_once(s, one, 0, "abcdefgH"), 0);
        assert_int_equal(session_take_once(s, two, 0, "abcdefgh"), 0); /* another session's */
        assert_int_equal(session_take_once(s, one, 0, "short"), -EINVAL);
        assert_int_equal(session_take_once(s, one, 0, "with blank"), -EINVAL);
        assert_int_equal(session_take_once(s, one, 0, ""), -EINVAL);
        assert_int_equal(session_take_once(s, one, 0,
                                           "0123456789012345678901234567890123456789012345678901234"
                                           "5678901234"),
                         -EINVAL);
        for (unsigned i = 2; i < SESSION_ONCE; i++) {
                (void)snprintf(id, sizeof(id), "number-%u", i);
                assert_int_equal(session_take_once(s, one, 1, id), 0);
        }
        /* full of what might still be repeated */
        assert_int_equal(session_take_once(s, one, SESSION_REPLAY_USEC - 1, "one-more-"), -EBUSY);
        assert_int_equal(session_take_once(s, one, SESSION_REPLAY_USEC, "one-more-"), 0);
        assert_int_equal(session_take_once(s, one, SESSION_REPLAY_USEC, "number-7"), -EEXIST);
        /* a session that ended leaves none behind */
        session_end(one);
        one = session_begin(s, SESSION_REPLAY_USEC, bytes(3));
        assert_int_equal(session_take_once(s, one, SESSION_REPLAY_USEC, "number-7"), 0);
        free(s);
}

static void compares(void **state) {
        (void)state;
        assert_true(session_same("secret", 6, "secret"));
        assert_false(session_same("secret", 5, "secret"));
        assert_false(session_same("secrets", 7, "secret"));
        assert_false(session_same("Secret", 6, "secret"));
        assert_false(session_same("", 0, "secret"));
        assert_false(session_same("secret\0x", 8, "secret"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(begins_and_ends),
                cmocka_unit_test(expires),
                cmocka_unit_test(makes_room),
                cmocka_unit_test(csrf),
                cmocka_unit_test(once),
                cmocka_unit_test(compares),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

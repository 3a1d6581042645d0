/* charter_fixture - commands in short, and small charters, for the tests of core/charter. */
#ifndef BRAMBLE_TESTS_CHARTER_FIXTURE_H
#define BRAMBLE_TESTS_CHARTER_FIXTURE_H

#include "base/buf.h"
#include "base/scope.h"
#include "core/charter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Builds a command: cmd(CHARTER_MASTER_SET, .node = 2). */
#define cmd(op_, ...) (&(struct charter_command){ .op = (op_), __VA_ARGS__ })
#define FN(n)         .name = n, .namespace = "openfaas-fn"
#define SET(n, ...)                                                                        \
        cmd(CHARTER_FUNCTION_SET, FN(n), .image = "figlet:1", .spec = "{}", .spec_len = 2, \
            __VA_ARGS__)
#define SECRET(n, text, ...) SEALED(n, text, 5, __VA_ARGS__)
#define SEALED(n, text, key, ...)                                         \
        cmd(CHARTER_SECRET_SET, FN(n), .sealed = (const uint8_t *)(text), \
            .sealed_len = sizeof(text) - 1, .secrets_key = (key), __VA_ARGS__)
#define SPACE(n, ...) cmd(CHARTER_NAMESPACE_SET, .name = n, __VA_ARGS__)
#define OFF(id_, ...) \
        cmd(CHARTER_SHUTDOWN_SET, .shutdown = { .id = (id_), .timeout_sec = 90, __VA_ARGS__ })
#define ADD(n)                 cmd(CHARTER_MEMBER_ADD, .board = { .node = (n), .id = "3B+" })
#define KUBE(op_, epoch_, ...) cmd(op_, .kube_epoch = (epoch_), __VA_ARGS__)

static inline void found(struct charter *c) {
        assert_int_equal(charter_apply(c, cmd(CHARTER_FOUND, .bramble = 7, .cluster = "home",
                                              .user = "admin", .password = "secret",
                                              .board = { .node = 1, .id = "3B+" })),
                         0);
}

/* m1 and w1 w2 (nodes 1, 2, 3), function "f" with two replicas on nodes 1 and 2. */
static inline void prepare(struct charter *c) {
        found(c);
        assert_int_equal(charter_apply(c, ADD(2)), 0);
        assert_int_equal(charter_apply(c, ADD(3)), 0);
        assert_int_equal(charter_apply(c, SET("f", .replicas = 2, .memory_bytes = 64 << 20,
                                              .created_unix = 99)),
                         0);
        for (uint64_t node = 1; node <= 2; node++)
                assert_int_equal(
                        charter_apply(c, cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = node)), 0);
        assert_int_equal(charter_apply(c, cmd(CHARTER_IMAGE_SET, .image = "figlet:1",
                                              .digest = DIGEST, .size_bytes = 5)),
                         0);
}

enum { TAIL_BYTES = 8 + 8 + 4 + 4 + 8 }; /* no secrets, no namespaces, no shutdown */

/* Where the cordon of a member is in a snapshot: what is another byte where it is cordoned. */
static inline size_t cordon_at(const struct charter *c, const struct buf *b, uint32_t member) {
        auto_buf struct buf with = { 0 };
        size_t at = 0;

        c->members[member].cordoned = true;
        assert_int_equal(charter_encode(c, &with), 0);
        c->members[member].cordoned = false;
        assert_int_equal(with.len, b->len);
        while (at < b->len && b->data[at] == with.data[at])
                at++;
        assert_true(at < b->len);
        return at;
}

/* Members had none before version 4. */
static inline void without_cordons(const struct charter *c, struct buf *b) {
        for (uint32_t i = c->n_members; i-- > 0;) {
                auto_buf struct buf whole = { 0 };
                size_t at;

                assert_int_equal(charter_encode(c, &whole), 0);
                at = cordon_at(c, &whole, i);
                memmove(b->data + at, b->data + at + 1, b->len - at - 1);
                b->len--;
        }
}

#endif

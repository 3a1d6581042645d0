#include "io/consensus_internal.h"

#include "base/buf.h"
#include "base/wire.h"

#include <errno.h>
#include <string.h>

enum { WORD = 8 };

/* u32 length, 'len' bytes, zeros up to a whole word. */
static int frame_words(const void *data, size_t len, struct raft_buffer *ret) {
        size_t all = (sizeof(uint32_t) + len + WORD - 1) / WORD * WORD;
        uint8_t *base = raft_calloc(1, all);

        if (!base)
                return -ENOMEM;
        base[0] = (uint8_t)(len >> 24);
        base[1] = (uint8_t)(len >> 16);
        base[2] = (uint8_t)(len >> 8);
        base[3] = (uint8_t)len;
        if (len)
                memcpy(base + sizeof(uint32_t), data, len);
        *ret = (struct raft_buffer){ .base = base, .len = all };
        return 0;
}

int consensus_entry(const struct charter_command *cmd, struct raft_buffer *ret) {
        auto_buf struct buf out = { .limit = LIMIT_COMMAND_BYTES };
        int r = cmd ? charter_command_encode(cmd, &out) : 0;

        return r < 0 ? r : frame_words(out.data, out.len, ret);
}

/* What is wrong in an entry is equally wrong on every board, so it is skipped on every board. */
static int apply_entry(struct charter *charter, const struct raft_buffer *buf) {
        struct wire_in w = wire_in(buf->base, buf->len);
        struct charter_command cmd;
        const void *data;
        size_t len;

        data = wire_get_bytes(&w, LIMIT_COMMAND_BYTES, &len);
        if (!wire_good(&w) || w.len >= WORD)
                return -EBADMSG;
        if (len == 0)
                return 0;
        if (charter_command_decode(data, len, &cmd) < 0)
                return -EBADMSG;
        return charter_apply(charter, &cmd);
}

static int on_apply(struct raft_fsm *fsm, const struct raft_buffer *buf, void **result) {
        struct consensus *c = fsm->data;
        uint64_t version = c->charter->version;
        int r = apply_entry(c->charter, buf);

        /* libraft stops here and comes back to this entry; skipping it would make this board's
         * charter differ from the others' for ever */
        if (r == -ENOMEM)
                return RAFT_NOMEM;
        if (c->charter->version != version)
                c->applied = true;
        c->entry_bytes += buf->len;
        if (c->entry_bytes > SNAPSHOT_BYTES)
                raft_set_snapshot_threshold(&c->raft, SNAPSHOT_TRAILING);
        *result = (void *)(intptr_t)r;
        return 0;
}

static int on_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[], unsigned *n_bufs) {
        struct consensus *c = fsm->data;
        auto_buf struct buf out = { .limit = LIMIT_CHARTER_BYTES };
        struct raft_buffer *one;

        if (charter_encode(c->charter, &out) < 0)
                return RAFT_NOMEM;
        one = raft_malloc(sizeof(*one));
        if (!one)
                return RAFT_NOMEM;
        if (frame_words(out.data, out.len, one) < 0) {
                raft_free(one);
                return RAFT_NOMEM;
        }
        *bufs = one;
        *n_bufs = 1;
        c->entry_bytes = 0;
        raft_set_snapshot_threshold(&c->raft, SNAPSHOT_ENTRIES);
        return 0;
}

static int on_restore(struct raft_fsm *fsm, struct raft_buffer *buf) {
        struct consensus *c = fsm->data;
        struct wire_in w = wire_in(buf->base, buf->len);
        struct charter charter = { 0 };
        const void *data;
        size_t len;
        int r;

        data = wire_get_bytes(&w, LIMIT_CHARTER_BYTES, &len);
        r = wire_good(&w) ? charter_decode(data, len, &charter) : -EBADMSG;
        if (r < 0)
                return r == -ENOMEM            ? RAFT_NOMEM
                       : r == -EPROTONOSUPPORT ? RAFT_INVALID
                                               : RAFT_CORRUPT;
        raft_free(buf->base);
        charter_done(c->charter);
        *c->charter = charter;
        c->applied = true;
        return 0;
}

void consensus_state_init(struct consensus *c) {
        c->fsm = (struct raft_fsm){
                .version = 1, /* libraft frees what on_snapshot() made */
                .data = c,
                .apply = on_apply,
                .snapshot = on_snapshot,
                .restore = on_restore,
        };
}

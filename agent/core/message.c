#include "core/message.h"

#include "base/wire.h"

#include <errno.h>

static void put_view(struct wire_out *w, const struct formation_view *v) {
        wire_put_u64(w, v->node);
        wire_put_u64(w, v->strength);
        wire_put_u64(w, v->choice);
        wire_put_u64(w, v->bramble);
        wire_put_u64(w, v->leader);
        wire_put_u64(w, v->folded);
        wire_put_u32(w, v->members);
        wire_put_u8(w, (uint8_t)((v->work ? 1 : 0) | (v->mergeable ? 2 : 0)));
}

static void get_view(struct wire_in *w, struct formation_view *v) {
        uint8_t bits;

        *v = (struct formation_view){ .node = wire_get_u64(w) };
        v->strength = wire_get_u64(w);
        v->choice = wire_get_u64(w);
        v->bramble = wire_get_u64(w);
        v->leader = wire_get_u64(w);
        v->folded = wire_get_u64(w);
        v->members = wire_get_count(w, LIMIT_BOARDS);
        bits = wire_get_u8(w);
        if (v->node == 0 || bits > 3)
                w->bad = true;
        v->work = bits & 1;
        v->mergeable = bits & 2;
}

int message_hello_encode(const struct message_hello *m, struct buf *out) {
        struct wire_out w = { .buf = out };

        wire_put_u16(&w, m->protocol);
        wire_put_u8(&w, (uint8_t)m->purpose);
        wire_put_u64(&w, m->boot);
        wire_put_u16(&w, m->port);
        wire_put_text(&w, m->name);
        put_view(&w, &m->view);
        return wire_end(&w);
}

int message_hello_decode(const void *data, size_t len, struct message_hello *ret) {
        struct wire_in w = wire_in(data, len);
        uint8_t purpose;

        *ret = (struct message_hello){ .protocol = wire_get_u16(&w) };
        if (wire_good(&w) && ret->protocol != MESSAGE_PROTOCOL)
                return -EPROTONOSUPPORT;
        purpose = wire_get_u8(&w);
        ret->boot = wire_get_u64(&w);
        ret->port = wire_get_u16(&w);
        wire_get_text(&w, ret->name, sizeof(ret->name));
        get_view(&w, &ret->view);
        if (!wire_complete(&w) || purpose < PURPOSE_CONTROL || purpose >= PURPOSE_MAX)
                return -EBADMSG;
        ret->purpose = (enum message_purpose)purpose;
        return 0;
}

int message_view_encode(const struct formation_view *v, struct buf *out) {
        struct wire_out w = { .buf = out };

        put_view(&w, v);
        return wire_end(&w);
}

int message_view_decode(const void *data, size_t len, struct formation_view *ret) {
        struct wire_in w = wire_in(data, len);

        get_view(&w, ret);
        return wire_complete(&w) ? 0 : -EBADMSG;
}

int message_join_encode(const struct board *b, struct buf *out) {
        struct wire_out w = { .buf = out };

        board_put(&w, b);
        return wire_end(&w);
}

int message_join_decode(const void *data, size_t len, struct board *ret) {
        struct wire_in w = wire_in(data, len);

        board_get(&w, ret);
        return wire_complete(&w) && ret->node != 0 ? 0 : -EBADMSG;
}

int message_joined_encode(const struct message_joined *m, struct buf *out) {
        struct wire_out w = { .buf = out };

        wire_put_u32(&w, (uint32_t)m->result);
        wire_put_u64(&w, m->bramble);
        wire_put_u64(&w, m->leader);
        wire_put_u16(&w, m->subnet);
        wire_put_text(&w, m->name);
        return wire_end(&w);
}

int message_joined_decode(const void *data, size_t len, struct message_joined *ret) {
        struct wire_in w = wire_in(data, len);

        *ret = (struct message_joined){ .result = (int32_t)wire_get_u32(&w) };
        ret->bramble = wire_get_u64(&w);
        ret->leader = wire_get_u64(&w);
        ret->subnet = wire_get_u16(&w);
        wire_get_text(&w, ret->name, sizeof(ret->name));
        if (!wire_complete(&w) || ret->result > 0)
                return -EBADMSG;
        if (ret->result == 0 && (ret->bramble == 0 || ret->subnet < 1 || ret->subnet > 250))
                return -EBADMSG;
        return 0;
}

#include "core/charter_shutdown.h"

#include "base/wire.h"
#include "core/charter.h"

#include <errno.h>

bool charter_frozen(const struct charter *c) {
        return c->shutdown.id != 0 && c->shutdown.only == 0 && !c->shutdown.returning;
}

bool charter_awaits(const struct charter *c, uint64_t node) {
        for (uint32_t i = 0; c->shutdown.returning && i < c->shutdown.n; i++)
                if (c->shutdown.boards[i].node == node)
                        return true;
        return false;
}

uint64_t charter_shutdown_boot(const struct charter_shutdown *s, uint64_t node) {
        for (uint32_t i = 0; i < s->n; i++)
                if (s->boards[i].node == node)
                        return s->boards[i].boot;
        return 0;
}

enum shutdown_wish charter_shutdown_wish(const struct charter_shutdown *now, uint64_t only,
                                         bool reboot) {
        if (now->id == 0 || now->returning || (now->only && now->only != only))
                return SHUTDOWN_WISH_NEW;
        return now->reboot == reboot ? SHUTDOWN_WISH_SAME : SHUTDOWN_WISH_CONTRARY;
}

int charter_shutdown_refuses(const struct charter *c, const struct charter_command *cmd) {
        /* what decides where things run; a board that comes back is taken in, and what a person
         * stores is stored */
        static const enum charter_op refused[] = {
                CHARTER_MEMBER_REMOVE,  CHARTER_MASTER_SET,      CHARTER_FUNCTION_SET,
                CHARTER_FUNCTION_SCALE, CHARTER_FUNCTION_REMOVE, CHARTER_INSTANCE_PLACE,
                CHARTER_INSTANCE_DROP,  CHARTER_KUBE_MOVE,       CHARTER_KUBE_PLANE_ADD,
                CHARTER_KUBE_OFF,       CHARTER_FUNCTION_FOLLOW, CHARTER_KUBE_PLANE_REMOVE,
                CHARTER_MEMBER_CORDON,  CHARTER_MEMBER_RENAME,
        };

        if (!charter_frozen(c))
                return 0;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                if (refused[i] == cmd->op)
                        return -ESHUTDOWN;
        return 0;
}

static int set(struct charter *c, const struct charter_shutdown *s) {
        const struct charter_shutdown *now = &c->shutdown;

        if (s->id == 0 || s->returning || !charter_shutdown_valid(s))
                return -EINVAL;
        if (s->only && !charter_member(c, s->only))
                return -ENOENT;
        if (now->id && now->only == 0 && !now->returning)
                return -EALREADY;
        if (now->id && !now->returning && s->only)
                return s->only == now->only ? -EALREADY : -EBUSY;
        c->shutdown = *s;
        return 0;
}

int charter_shutdown_apply(struct charter *c, const struct charter_command *cmd) {
        if (cmd->op == CHARTER_SHUTDOWN_SET)
                return set(c, &cmd->shutdown);
        if (c->shutdown.id == 0 || c->shutdown.id != cmd->shutdown.id)
                return -ENOENT;
        if (cmd->shutdown.returning && (c->shutdown.only || c->shutdown.returning))
                return -EINVAL;
        if (cmd->shutdown.returning)
                c->shutdown.returning = true;
        else
                c->shutdown = (struct charter_shutdown){ 0 };
        return 0;
}

void charter_shutdown_forget(struct charter *c, uint64_t node) {
        if (c->shutdown.id && c->shutdown.only == node)
                c->shutdown = (struct charter_shutdown){ 0 };
}

void charter_shutdown_put(struct wire_out *w, const struct charter_shutdown *s) {
        wire_put_u64(w, s->id);
        if (s->id == 0)
                return;
        wire_put_u8(w, s->reboot);
        wire_put_u8(w, s->returning);
        wire_put_u64(w, s->only);
        wire_put_u32(w, s->timeout_sec);
        wire_put_u32(w, s->n);
        for (uint32_t i = 0; i < s->n && i < LIMIT_BOARDS; i++) {
                wire_put_u64(w, s->boards[i].node);
                wire_put_u64(w, s->boards[i].boot);
        }
}

void charter_shutdown_get(struct wire_in *w, struct charter_shutdown *s) {
        *s = (struct charter_shutdown){ .id = wire_get_u64(w) };
        if (s->id == 0)
                return;
        s->reboot = wire_get_bool(w);
        s->returning = wire_get_bool(w);
        s->only = wire_get_u64(w);
        s->timeout_sec = wire_get_u32(w);
        s->n = wire_get_count(w, LIMIT_BOARDS);
        for (uint32_t i = 0; i < s->n; i++) {
                s->boards[i].node = wire_get_u64(w);
                s->boards[i].boot = wire_get_u64(w);
        }
}

bool charter_shutdown_valid(const struct charter_shutdown *s) {
        if (s->id == 0)
                return s->n == 0 && s->only == 0 && !s->reboot && !s->returning &&
                       s->timeout_sec == 0;
        if (s->timeout_sec < SHUTDOWN_TIMEOUT_LEAST || s->timeout_sec > SHUTDOWN_TIMEOUT_MOST ||
            s->n == 0 || s->n > LIMIT_BOARDS)
                return false;
        for (uint32_t i = 0; i < s->n; i++) {
                if (s->boards[i].node == 0)
                        return false;
                for (uint32_t j = 0; j < i; j++)
                        if (s->boards[j].node == s->boards[i].node)
                                return false;
        }
        return s->only == 0 || (s->n == 1 && s->boards[0].node == s->only && !s->returning);
}

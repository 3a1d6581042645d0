#include "core/formation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* While looking, the caller is heard from this often; a longer gap means that it was stopped. */
#define LOOKING_TICK_USEC USEC_PER_SEC
#define STOPPED_USEC      (2 * USEC_PER_SEC)
/* A view that never keeps still is good enough after so many settle times. */
enum { RESTLESS = 10 };

static void act(struct formation_actions *a, enum formation_action_type type, uint64_t node,
                uint64_t bramble) {
        assert(a->n < FORMATION_ACTIONS);
        a->items[a->n++] =
                (struct formation_action){ .type = type, .node = node, .bramble = bramble };
}

static struct formation_view *find_peer(struct formation *f, uint64_t node) {
        for (uint32_t i = 0; i < f->n_peers; i++)
                if (f->peers[i].node == node)
                        return &f->peers[i];
        return NULL;
}

/* Has anything changed on which the founding depends? */
static bool same_vote(const struct formation_view *a, const struct formation_view *b) {
        return a->strength == b->strength && a->choice == b->choice && a->bramble == b->bramble;
}

static void view_changed(struct formation *f, usec_t now) {
        if (f->state != FORMATION_MEMBER)
                f->changed = now;
}

static void forget_left(struct formation *f, uint64_t bramble) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < f->n_left; i++)
                if (f->left[i] != bramble)
                        f->left[n++] = f->left[i];
        f->n_left = n;
}

/* The view has room for one of the brambles that this board gave up: one to which a peer still
 * belongs, else the last.  True where that changes the view. */
static bool remind(struct formation *f) {
        uint64_t before = f->self.folded;

        f->self.folded = f->n_left ? f->left[f->n_left - 1] : 0;
        for (uint32_t i = 0; i < f->n_peers; i++)
                for (uint32_t k = 0; k < f->n_left; k++)
                        if (f->left[k] == f->peers[i].bramble)
                                f->self.folded = f->left[k];
        return f->self.folded != before;
}

static void peer_set(struct formation *f, usec_t now, const struct formation_view *v) {
        struct formation_view *p;

        if (v->node == 0 || v->node == f->self.node)
                return;
        p = find_peer(f, v->node);
        if (!p) {
                if (f->n_peers == LIMIT_BOARDS)
                        return;
                p = &f->peers[f->n_peers++];
                view_changed(f, now);
        } else if (!same_vote(p, v)) {
                view_changed(f, now);
        }
        *p = *v;
}

static void peer_drop(struct formation *f, usec_t now, uint64_t node) {
        struct formation_view *p = find_peer(f, node);

        if (!p)
                return;
        *p = f->peers[--f->n_peers];
        view_changed(f, now);
        if (node == f->asked) { /* whoever is asked next is asked at once */
                f->asked = 0;
                f->retry = now;
        }
}

static bool stronger(const struct formation_view *a, const struct formation_view *b) {
        return a->strength != b->strength ? a->strength > b->strength : a->node < b->node;
}

static uint64_t strongest(const struct formation *f) {
        const struct formation_view *best = &f->self;

        for (uint32_t i = 0; i < f->n_peers; i++)
                if (f->peers[i].bramble == 0 && stronger(&f->peers[i], best))
                        best = &f->peers[i];
        return best->node;
}

/* Which of two members of brambles is the better one to ask. */
static bool better_host(const struct formation_view *a, const struct formation_view *b) {
        if (a->work != b->work)
                return a->work;
        if (a->members != b->members)
                return a->members > b->members;
        if (a->bramble != b->bramble)
                return a->bramble < b->bramble;
        if (a->mergeable != b->mergeable)
                return a->mergeable;
        if ((a->leader != 0) != (b->leader != 0))
                return a->leader != 0;
        return a->node < b->node;
}

static const struct formation_view *best_host(const struct formation *f) {
        const struct formation_view *best = NULL;

        for (uint32_t i = 0; i < f->n_peers; i++)
                if (f->peers[i].bramble != 0 && (!best || better_host(&f->peers[i], best)))
                        best = &f->peers[i];
        return best;
}

/* Boards that let this one found, itself included; 0 where somebody does not. */
static uint32_t agreeing(const struct formation *f) {
        if (f->self.choice != f->self.node)
                return 0;
        for (uint32_t i = 0; i < f->n_peers; i++)
                if (f->peers[i].bramble != 0 || f->peers[i].choice != f->self.node)
                        return 0;
        return f->n_peers + 1;
}

/* When this board may found if nothing changes any more; USEC_NEVER while somebody disagrees. */
static usec_t founding_time(const struct formation *f) {
        uint32_t n = agreeing(f);
        usec_t at, restless, alone = usec_add(f->started, FORMATION_SILENCE_USEC);

        if (n == 0)
                return USEC_NEVER;
        if (f->config.expect >= 2 && n >= f->config.expect)
                return f->retry;
        if (f->config.expect == 1) {
                at = alone;
        } else {
                at = usec_add(f->changed, f->config.settle_usec);
                restless = usec_add(f->started, RESTLESS * f->config.settle_usec);
                if (restless < usec_add(f->changed, FORMATION_SILENCE_USEC))
                        restless = usec_add(f->changed, FORMATION_SILENCE_USEC);
                at = at < restless ? at : restless;
                at = at > alone ? at : alone;
        }
        return at > f->retry ? at : f->retry;
}

static void choose(struct formation *f, usec_t now, uint64_t choice, bool *ret_changed) {
        if (f->self.choice == choice)
                return;
        f->self.choice = choice;
        f->changed = now;
        *ret_changed = true;
}

static void ask(struct formation *f, usec_t now, const struct formation_view *host,
                struct formation_actions *ret) {
        uint64_t node = host->leader ? host->leader : host->node;

        if (f->state == FORMATION_JOINING && f->asked == node && now < f->retry)
                return;
        if (f->asked == 0 && now < f->retry) /* just refused: not at once again */
                return;
        f->asked = node;
        f->retry = usec_add(now, f->config.join_retry_usec);
        act(ret, FORMATION_ACTION_JOIN, node, host->bramble);
}

/* A fresh board: whom to choose, whom to ask, whether to found. */
static void step_fresh(struct formation *f, usec_t now, bool changed,
                       struct formation_actions *ret) {
        const struct formation_view *host = best_host(f);

        choose(f, now, host ? 0 : strongest(f), &changed);
        if (changed)
                act(ret, FORMATION_ACTION_TELL, 0, 0);
        if (host) {
                ask(f, now, host, ret);
                f->state = FORMATION_JOINING;
                f->deadline = f->retry;
                return;
        }
        if (f->state == FORMATION_JOINING) {
                f->state = FORMATION_LOOKING;
                f->started = f->changed = now;
                f->asked = 0;
                f->retry = now;
        }
        if (founding_time(f) <= now) {
                f->state = FORMATION_FOUNDING;
                f->deadline = USEC_NEVER;
                act(ret, FORMATION_ACTION_FOUND, 0, 0);
                return;
        }
        f->deadline = founding_time(f);
        if (f->deadline > usec_add(now, LOOKING_TICK_USEC))
                f->deadline = usec_add(now, LOOKING_TICK_USEC);
}

static void complain(struct formation *f, uint64_t bramble, struct formation_actions *ret) {
        for (uint32_t i = 0; i < f->n_clashes; i++)
                if (f->clashes[i] == bramble)
                        return;
        if (f->n_clashes == FORMATION_CLASHES || ret->n == FORMATION_ACTIONS)
                return;
        f->clashes[f->n_clashes++] = bramble;
        act(ret, FORMATION_ACTION_CLASH, 0, bramble);
}

/* Two leaders that hold majorities have met and at most one bramble has work: is it ours that
 * goes?  Both sides ask the same question and get opposite answers. */
static bool goes(const struct formation_view *own, const struct formation_view *other) {
        if (own->work != other->work)
                return !own->work;
        if (own->members != other->members)
                return own->members < other->members;
        return own->bramble > other->bramble;
}

/* Was this member away while its bramble dissolved?  Nobody has led it for a while (a new member,
 * too, has not heard of its leader at first), and a peer says so. */
static bool left_behind(const struct formation *f, usec_t now, const struct formation_view *p) {
        return p->folded == f->self.bramble && f->self.leader == 0 && !f->self.mergeable &&
               !f->self.work && now >= usec_add(f->changed, f->config.join_retry_usec);
}

/* The bramble into which ours should dissolve now. */
static const struct formation_view *fold_into(struct formation *f, usec_t now,
                                              struct formation_actions *ret) {
        for (uint32_t i = 0; i < f->n_peers; i++) {
                const struct formation_view *p = &f->peers[i];

                if (p->bramble == f->self.bramble)
                        continue;
                if (left_behind(f, now, p))
                        return p;
                if (p->bramble == 0 || !f->self.mergeable)
                        continue;
                if (f->self.work && p->work)
                        complain(f, p->bramble, ret);
                else if (p->mergeable && goes(&f->self, p))
                        return p;
        }
        return NULL;
}

/* When a member that nobody leads looks whether it was left behind. */
static usec_t lonely_until(const struct formation *f, usec_t now) {
        usec_t at = usec_add(f->changed, f->config.join_retry_usec);

        return f->self.leader == 0 && at > now ? at : USEC_NEVER;
}

static void step_member(struct formation *f, usec_t now, bool changed,
                        struct formation_actions *ret) {
        const struct formation_view *into;

        f->deadline = USEC_NEVER;
        if (changed)
                act(ret, FORMATION_ACTION_TELL, 0, 0);
        into = fold_into(f, now, ret);
        if (!into) {
                f->retry = now;
                f->deadline = lonely_until(f, now);
                return;
        }
        if (now >= f->retry && ret->n < FORMATION_ACTIONS) {
                f->retry = usec_add(now, f->config.join_retry_usec);
                act(ret, FORMATION_ACTION_FOLD, into->node, into->bramble);
        }
        f->deadline = f->retry;
}

/* Own facts of a member; true where a peer would see a difference. */
static bool self_set(struct formation *f, usec_t now, const struct formation_view *v) {
        struct formation_view *s = &f->self;

        if (f->state != FORMATION_MEMBER || (s->leader == v->leader && s->members == v->members &&
                                             s->work == v->work && s->mergeable == v->mergeable))
                return false;
        if (s->leader != v->leader)
                f->changed = now;
        s->leader = v->leader;
        s->members = v->members;
        s->work = v->work;
        s->mergeable = v->mergeable;
        return true;
}

static bool founded(struct formation *f, usec_t now, uint64_t bramble) {
        if (bramble == 0 || (f->state == FORMATION_MEMBER && f->self.bramble == bramble))
                return false;
        f->state = FORMATION_MEMBER;
        f->self = (struct formation_view){ .node = f->self.node,
                                           .strength = f->self.strength,
                                           .bramble = bramble,
                                           .folded = f->self.folded };
        f->changed = now;
        forget_left(f, bramble); /* it may have come back */
        f->asked = 0;
        f->retry = now;
        return true;
}

static void refused(struct formation *f, usec_t now) {
        if (f->state == FORMATION_MEMBER)
                return;
        if (f->state == FORMATION_FOUNDING) {
                f->state = FORMATION_LOOKING;
                f->started = f->changed = now;
        }
        f->asked = 0;
        f->retry = usec_add(now, f->config.join_retry_usec);
}

/* Feeds the event into the state; true where the own view changed. */
static bool take(struct formation *f, usec_t now, const struct formation_event *ev) {
        switch (ev->type) {
        case FORMATION_EVENT_PEER:
                peer_set(f, now, &ev->view);
                return false;
        case FORMATION_EVENT_PEER_LOST:
                peer_drop(f, now, ev->node);
                return false;
        case FORMATION_EVENT_FOUNDED:
                return founded(f, now, ev->bramble);
        case FORMATION_EVENT_REFUSED:
                refused(f, now);
                return false;
        case FORMATION_EVENT_SELF:
                return self_set(f, now, &ev->view);
        case FORMATION_EVENT_TICK:
                return false;
        }
        return false;
}

void formation_init(struct formation *f, const struct formation_config *config, uint64_t node,
                    uint64_t strength, uint64_t bramble, usec_t now) {
        assert(node != 0);
        memset(f, 0, sizeof(*f));
        f->config = *config;
        f->state = bramble ? FORMATION_MEMBER : FORMATION_LOOKING;
        f->self.node = node;
        f->self.strength = strength;
        f->self.bramble = bramble;
        f->self.choice = bramble ? 0 : node;
        f->started = f->changed = f->retry = now;
        f->deadline = bramble ? lonely_until(f, now) : usec_add(now, LOOKING_TICK_USEC);
}

void formation_set_folded(struct formation *f, uint64_t bramble) {
        if (bramble == 0)
                return;
        forget_left(f, bramble);
        if (f->n_left == FORMATION_LEFT)
                forget_left(f, f->left[0]);
        f->left[f->n_left++] = bramble;
        f->self.folded = bramble;
}

void formation_leave(struct formation *f, usec_t now) {
        uint64_t bramble = f->self.bramble;

        if (f->state != FORMATION_MEMBER)
                return;
        f->state = FORMATION_LOOKING;
        f->self = (struct formation_view){ .node = f->self.node, .strength = f->self.strength };
        f->started = f->changed = f->retry = now;
        f->deadline = usec_add(now, LOOKING_TICK_USEC);
        f->asked = 0;
        f->n_clashes = 0;
        formation_set_folded(f, bramble);
}

void formation_step(struct formation *f, usec_t now, const struct formation_event *ev,
                    struct formation_actions *ret) {
        bool changed;

        memset(ret, 0, sizeof(*ret));
        if (f->state == FORMATION_LOOKING && now > usec_add(f->deadline, STOPPED_USEC))
                f->started = f->changed = now;
        changed = take(f, now, ev);
        changed |= remind(f);
        switch (f->state) {
        case FORMATION_LOOKING:
        case FORMATION_JOINING:
                step_fresh(f, now, changed, ret);
                break;
        case FORMATION_FOUNDING:
                f->deadline = USEC_NEVER;
                break;
        case FORMATION_MEMBER:
                step_member(f, now, changed, ret);
                break;
        case FORMATION_STATE_MAX:
                break;
        }
}

char *formation_text(const struct formation *f, char *dst, size_t size) {
        switch (f->state) {
        case FORMATION_LOOKING:
                if (f->config.expect > 1)
                        (void)snprintf(dst, size, "looking for boards (%u of %u)", f->n_peers + 1,
                                       f->config.expect);
                else
                        (void)snprintf(dst, size, "looking for boards (%u seen)", f->n_peers);
                break;
        case FORMATION_FOUNDING:
                (void)snprintf(dst, size, "founding");
                break;
        case FORMATION_JOINING:
                (void)snprintf(dst, size, "joining");
                break;
        case FORMATION_MEMBER:
                (void)snprintf(dst, size, "member");
                break;
        case FORMATION_STATE_MAX:
                (void)snprintf(dst, size, "?");
                break;
        }
        return dst;
}

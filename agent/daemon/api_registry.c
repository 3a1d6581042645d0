/* api_registry - logins of image registries: kept on every board, as any of them may pull. */
#include "base/str.h"
#include "core/registry.h"
#include "daemon/api.h"
#include "daemon/registry.h"
#include "io/json.h"
#include "io/log.h"
#include "io/registry_login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_SEC = 10 };

struct spread {
        struct request *q;
        cJSON *request; /* a secret */
        uint32_t at;    /* of the world's members */
        uint64_t node;  /* that is asked */
        cJSON *kept, *missed;
};

static void ask_next(struct spread *s);

static const char *name_of(const struct agent *a, uint64_t node) {
        const struct world_member *m = world_member(&a->world, node);

        return m ? m->name : "?";
}

static void answered(void *arg, int result, const char *why, const cJSON *reply) {
        struct spread *s = arg;
        bool kept = result == 0 && reply && !json_text(reply, "error", NULL);

        (void)why;
        (void)cJSON_AddItemToArray(kept ? s->kept : s->missed,
                                   cJSON_CreateString(name_of(s->q->agent, s->node)));
        ask_next(s);
}

/* One board after the other; those that are off have to be told later. */
static void ask_next(struct spread *s) {
        struct agent *a = s->q->agent;
        cJSON *o;

        while (s->at < a->world.n_members) {
                const struct world_member *m = &a->world.members[s->at++];

                s->node = m->node;
                if (m->node == a->board.node)
                        continue;
                if (m->up && api_ask_board(a, m->node, s->request, ASK_SEC, answered, s, NULL) == 0)
                        return;
                (void)cJSON_AddItemToArray(s->missed, cJSON_CreateString(m->name));
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddItemToObject(o, "boards", s->kept);
        (void)cJSON_AddItemToObject(o, "missed", s->missed);
        request_reply(s->q, o);
        json_wipe(s->request);
        cJSON_Delete(s->request);
        request_unref(s->q);
        free(s);
}

/* Writes down, or (without a user) takes out. */
static int keep(struct agent *a, const cJSON *args, struct fail *f) {
        const char *host = json_text(args, "host", ""), *user = json_text(args, "user", NULL);
        char name[SIZE_IMAGE];
        struct registry_reference r;

        /* a host is what a name may begin with */
        if (strlen(host) + 8 > sizeof(name))
                return fail(f, -EINVAL, "'%.80s' is no registry", host);
        (void)stpcpy(stpcpy(name, host), "/x/x:1");
        if (registry_reference(name, &r) < 0 || !str_eq(r.host, host))
                return fail(f, -EINVAL, "'%.80s' is no registry", host);
        if (!user)
                return registry_login_remove(a->config.registry_logins, host, f);
        log_info("a login for registry %s is kept", host);
        return registry_login_put(a->config.registry_logins, host, user,
                                  json_text(args, "password", ""), f);
}

static void keep_and_spread(struct request *q) {
        struct agent *a = q->agent;
        struct fail f = { 0 };
        struct spread *s;
        int r = keep(a, q->args, &f);

        if (r < 0 && r != -ENOENT) {
                request_fail_errno(q, r, fail_text(&f));
                return;
        }
        s = calloc(1, sizeof(*s));
        if (!s) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        s->q = request_ref(q);
        s->kept = cJSON_CreateArray();
        s->missed = cJSON_CreateArray();
        s->request = cJSON_Duplicate(q->args, true);
        (void)cJSON_ReplaceItemInObjectCaseSensitive(s->request, "verb",
                                                     cJSON_CreateString("registry-keep"));
        if (r == 0)
                (void)cJSON_AddItemToArray(s->kept, cJSON_CreateString(a->name));
        ask_next(s);
}

void verb_registry_login(struct request *q) {
        if (!json_text(q->args, "user", NULL) || !json_text(q->args, "password", NULL)) {
                request_fail(q, 400, "a login needs a user and a password");
                return;
        }
        keep_and_spread(q);
}

void verb_registry_logout(struct request *q) {
        cJSON_DeleteItemFromObjectCaseSensitive(q->args, "user");
        keep_and_spread(q);
}

void verb_registry_keep(struct request *q) {
        struct fail f = { 0 };
        int r = keep(q->agent, q->args, &f);

        if (r < 0)
                request_fail_errno(q, r, fail_text(&f));
        else
                request_reply(q, cJSON_CreateObject());
}

static void add_login(void *arg, const char *host, const char *user) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "host", host);
        (void)cJSON_AddStringToObject(o, "user", user);
        (void)cJSON_AddItemToArray(arg, o);
}

void verb_registry_logins(struct request *q) {
        cJSON *o = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(o, "logins");
        struct fail f = { 0 };
        int r = registry_login_each(q->agent->config.registry_logins, add_login, array, &f);

        if (r == 0) {
                request_reply(q, o);
                return;
        }
        cJSON_Delete(o);
        request_fail_errno(q, r, fail_text(&f));
}

/* ---- a board that was off when the login was made, or is new, asks the others ---- */

struct borrow {
        struct agent *agent;
        uint32_t at; /* of the world's members */
        char host[SIZE_IMAGE];
};

static void borrow_next(struct borrow *b);

static void given(void *arg, int result, const char *why, const cJSON *reply) {
        struct borrow *b = arg;
        struct fail f = { 0 };

        (void)why;
        if (result < 0 || !reply || !json_text(reply, "user", NULL)) {
                borrow_next(b);
                return;
        }
        if (registry_login_put(b->agent->config.registry_logins, b->host,
                               json_text(reply, "user", ""), json_text(reply, "password", ""),
                               &f) < 0)
                log_warning("a login for registry %s cannot be kept: %s", b->host, fail_text(&f));
        else
                log_info("another board had a login for registry %s", b->host);
        free(b); /* the next try of the pull uses it */
}

static void borrow_next(struct borrow *b) {
        struct agent *a = b->agent;

        while (b->at < a->world.n_members) {
                const struct world_member *m = &a->world.members[b->at++];
                cJSON *request;
                int r;

                if (!m->up || m->node == a->board.node)
                        continue;
                request = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(request, "verb", "registry-give");
                (void)cJSON_AddStringToObject(request, "host", b->host);
                r = api_ask_board(a, m->node, request, ASK_SEC, given, b, NULL);
                cJSON_Delete(request);
                if (r == 0)
                        return;
        }
        free(b);
}

void registry_borrow(struct agent *a, const char *image) {
        struct registry_login login;
        struct borrow *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return;
        b->agent = a;
        (void)registry_host(image, b->host, sizeof(b->host));
        r = registry_login_find(a->config.registry_logins, b->host, &login, NULL);
        explicit_bzero(&login, sizeof(login));
        if (r == -ENOENT)
                borrow_next(b);
        else
                free(b);
}

void verb_registry_give(struct request *q) {
        struct agent *a = q->agent;
        uint64_t node = q->link ? link_node(q->link) : 0;
        struct registry_login login;
        cJSON *o;
        int r;

        if (!node || (!charter_member(&a->charter, node) && !world_member(&a->world, node))) {
                request_fail(q, 403, "only a member of this bramble may have a login");
                return;
        }
        r = registry_login_find(a->config.registry_logins, json_text(q->args, "host", ""), &login,
                                NULL);
        o = cJSON_CreateObject();
        if (r == 0 && login.user[0]) {
                (void)cJSON_AddStringToObject(o, "user", login.user);
                (void)cJSON_AddStringToObject(o, "password", login.password);
        }
        explicit_bzero(&login, sizeof(login));
        request_reply(q, o);
}

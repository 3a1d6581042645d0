#include "daemon/secret_key.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/wire.h"
#include "core/base64.h"
#include "daemon/api.h"
#include "daemon/membership.h"
#include "io/json.h"
#include "io/log.h"
#include "io/secret_box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
        FILE_FORMAT = 1,
        FILE_BYTES = 1 + 8 + 4 + SIZE_KUBE_KEY,
        LOOK_MS = 1000,
        ASK_SEC = 10,
        ALONE_SEC = 5, /* the others ask every second: who has not come by then does not come */
};

struct secret_keeper {
        struct agent *agent;
        uv_timer_t timer;
        uint64_t bramble; /* whose key it is; 0: none is here */
        uint8_t key[SIZE_KUBE_KEY];
        bool asking;
        uint32_t turn;      /* which member is asked next */
        usec_t alone_until; /* made here, and nobody has had it yet; 0: somebody has */
        struct held_requests held;
};

/* ---- on the card ----------------------------------------------------------------------------- */

static void path_of(const struct agent *a, const char *end, char ret[static SIZE_PATH + 32]) {
        (void)snprintf(ret, SIZE_PATH + 32, "%s/secrets.key%s", a->config.state_dir, end);
}

static void read_key(struct secret_keeper *k) {
        uint8_t data[FILE_BYTES];
        char path[SIZE_PATH + 32];
        auto_close int fd = -EBADF;
        struct wire_in w;
        const void *key;
        uint64_t bramble;
        size_t len;
        ssize_t n;

        path_of(k->agent, "", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, data, sizeof(data));
        w = wire_in(data, n < 0 ? 0 : (size_t)n);
        if (wire_get_u8(&w) != FILE_FORMAT)
                return; /* none yet, or damaged: another member has it */
        bramble = wire_get_u64(&w);
        key = wire_get_bytes(&w, SIZE_KUBE_KEY, &len);
        if (wire_complete(&w) && len == SIZE_KUBE_KEY) {
                memcpy(k->key, key, SIZE_KUBE_KEY);
                k->bramble = bramble;
        }
        explicit_bzero(data, sizeof(data));
}

static int write_file(const char *path, const void *data, size_t len) {
        auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        if (write(fd, data, len) != (ssize_t)len)
                return errno ? -errno : -ENOSPC;
        return fsync(fd) < 0 ? -errno : 0;
}

/* Before it is used: what is sealed with a key that a reboot forgets is lost. */
static int write_key(const struct agent *a, uint64_t bramble,
                     const uint8_t key[static SIZE_KUBE_KEY]) {
        char path[SIZE_PATH + 32], new[SIZE_PATH + 32];
        auto_secret struct buf b = { .limit = FILE_BYTES };
        struct wire_out w = { .buf = &b };
        auto_close int dir = -EBADF;
        int r;

        wire_put_u8(&w, FILE_FORMAT);
        wire_put_u64(&w, bramble);
        wire_put_bytes(&w, key, SIZE_KUBE_KEY);
        path_of(a, "", path);
        path_of(a, ".new", new);
        r = wire_end(&w);
        if (r == 0)
                r = write_file(new, b.data, b.len);
        if (r == 0 && rename(new, path) < 0)
                r = -errno;
        if (r < 0) {
                if (log_once("secret-key"))
                        log_error("the key of this bramble's secrets cannot be written to %s: %s; "
                                  "trying again",
                                  path, strerror(-r));
                return r;
        }
        log_again("secret-key");
        dir = open(a->config.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0)
                (void)fsync(dir);
        return 0;
}

static void take(struct secret_keeper *k, const uint8_t key[static SIZE_KUBE_KEY]) {
        if (write_key(k->agent, k->agent->bramble, key) < 0)
                return;
        memcpy(k->key, key, SIZE_KUBE_KEY);
        k->bramble = k->agent->bramble;
}

/* ---- which one is right ------------------------------------------------------------------------
 */

/* Nothing that this board knows speaks against it: only voters have the charter. */
static bool fits(const struct agent *a, const uint8_t key[static SIZE_KUBE_KEY]) {
        return a->charter.n_secrets == 0 || a->charter.secrets_key == secret_key_id(key);
}

static bool has(const struct secret_keeper *k) {
        const struct agent *a = k->agent;

        return a->bramble && k->bramble == a->bramble && fits(a, k->key);
}

static void on_key(void *arg, int result, const char *why, const cJSON *reply) {
        struct secret_keeper *k = arg;
        struct agent *a = k->agent;
        const char *text = json_text(reply, "key", "");
        auto_secret struct buf key = { .limit = SIZE_KUBE_KEY };

        (void)why;
        k->asking = false;
        if (result == 0 && !has(k) && a->bramble && base64_decode(text, strlen(text), &key) == 0 &&
            key.len == SIZE_KUBE_KEY && fits(a, (const uint8_t *)key.data))
                take(k, (const uint8_t *)key.data);
}

/* The leader first, then one member after the other: it may be the leader who lacks it. */
static uint64_t whom(struct secret_keeper *k) {
        const struct world *w = &k->agent->world;
        uint64_t leader = membership_leader(k->agent), self = k->agent->board.node;
        uint32_t turn = k->turn++ % (w->n_members + 1);

        if (turn == w->n_members)
                return leader != self ? leader : 0;
        if (w->members[turn].node == self || !w->members[turn].up)
                return 0;
        return w->members[turn].node;
}

static void ask(struct secret_keeper *k) {
        auto_json cJSON *request = cJSON_CreateObject();
        uint64_t node = k->turn == 0 ? membership_leader(k->agent) : whom(k);

        if (k->turn == 0)
                k->turn = 1;
        if (node == 0 || node == k->agent->board.node)
                return;
        (void)cJSON_AddStringToObject(request, "verb", "secret-key");
        k->asking = api_ask_board(k->agent, node, request, ASK_SEC, on_key, k, NULL) == 0;
}

/* The first leader makes it: where there is no secret yet any key is right. */
static void make(struct secret_keeper *k) {
        uint8_t key[SIZE_KUBE_KEY];

        if (getrandom(key, sizeof(key), 0) == sizeof(key)) {
                take(k, key);
                k->alone_until = usec_add(agent_now(), ALONE_SEC * USEC_PER_SEC);
        }
        explicit_bzero(key, sizeof(key));
}

static void look(struct secret_keeper *k) {
        struct agent *a = k->agent;

        if (!a->bramble || has(k))
                return;
        if (membership_leads(a) && a->charter.n_secrets == 0)
                make(k);
        else if (!k->asking)
                ask(k);
}

static bool others_are_up(const struct agent *a) {
        for (uint32_t i = 0; i < a->world.n_members; i++)
                if (a->world.members[i].up && a->world.members[i].node != a->board.node)
                        return true;
        return false;
}

bool secret_key_later(struct agent *a, struct request *q) {
        struct secret_keeper *k = a->secret_keeper;

        return agent_now() < k->alone_until && others_are_up(a) && request_hold(&k->held, q);
}

static void on_timer(uv_timer_t *timer) {
        struct secret_keeper *k = timer->data;

        look(k);
        requests_run(&k->held);
}

const uint8_t *secret_key(struct agent *a) {
        struct secret_keeper *k = a->secret_keeper;

        look(k);
        return has(k) ? k->key : NULL;
}

/* A member that lacks the key asks. */
void verb_secret_key(struct request *q) {
        struct agent *a = q->agent;
        uint64_t node = q->link ? link_node(q->link) : 0;
        auto_secret struct buf text = { 0 };
        const uint8_t *key = secret_key(a);
        cJSON *o;

        if (!node || (!charter_member(&a->charter, node) && !world_member(&a->world, node))) {
                request_fail(q, 403, "only a member of this bramble may have the key");
                return;
        }
        if (!key || base64_encode(key, SIZE_KUBE_KEY, &text) < 0) {
                request_fail(q, 404, "this board does not have the key either");
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "key", text.data);
        request_reply(q, o);
        a->secret_keeper->alone_until = 0;
}

int secret_key_open(struct agent *a) {
        struct secret_keeper *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return -ENOMEM;
        k->agent = a;
        a->secret_keeper = k;
        read_key(k);
        r = uv_timer_init(a->loop, &k->timer);
        if (r < 0)
                return r;
        k->timer.data = k;
        return uv_timer_start(&k->timer, on_timer, LOOK_MS, LOOK_MS);
}

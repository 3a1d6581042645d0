#include "gateway/functions.h"

#include "base/str.h"
#include "core/balance.h"
#include "core/names.h"
#include "gateway/gateway.h"
#include "gateway/upstream.h"
#include "io/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The watchdog's own time-out comes first, with a little time for its answer. */
enum { FUNCTION_GRACE_MS = 5000 };

struct replica *replica_ref(struct replica *r) {
        r->refs++;
        return r;
}

void replica_unref(struct replica *r) {
        if (--r->refs == 0)
                free(r);
}

struct function *function_ref(struct function *fn) {
        fn->refs++;
        return fn;
}

void function_unref(struct function *fn) {
        if (--fn->refs > 0)
                return;
        cJSON_Delete(fn->spec);
        call_counts_done(&fn->counts);
        list_remove(&fn->silence.link);
        free(fn);
}

bool function_has_ready(const struct function *fn) {
        for (size_t i = 0; i < fn->n_replicas; i++)
                if (fn->replica[i]->ready)
                        return true;
        return false;
}

bool function_sleeps(const struct function *fn) {
        return fn->replicas == 0 && !fn->gone && !function_has_ready(fn);
}

uint32_t function_in_flight(const struct function *fn) {
        uint32_t n = 0;

        for (size_t i = 0; i < fn->n_replicas; i++)
                n += fn->replica[i]->in_flight;
        return n;
}

bool function_has_room(const struct function *fn) {
        struct balance_replica load[LIMIT_REPLICAS];

        function_load(fn, load);
        return balance_choose(load, fn->n_replicas, 0) < BALANCE_FULL;
}

void function_load(const struct function *fn, struct balance_replica ret[static LIMIT_REPLICAS]) {
        for (size_t i = 0; i < fn->n_replicas; i++) {
                const struct replica *r = fn->replica[i];

                ret[i] = (struct balance_replica){
                        .in_flight = r->in_flight,
                        .ready = r->ready,
                        .local = r->local,
                        .suspect = r->suspect,
                        .most = fn->limits.concurrency,
                };
        }
}

uint64_t function_timeout_ms(const struct function *fn, uint64_t usual_ms) {
        uint64_t exec_ms = (uint64_t)fn->exec_timeout_s * 1000;

        if (fn->limits.timeout_s)
                return (uint64_t)fn->limits.timeout_s * 1000;
        /* its watchdog ends a call that takes too long, and says so: not before that */
        return exec_ms && exec_ms + FUNCTION_GRACE_MS > usual_ms ? exec_ms + FUNCTION_GRACE_MS : 0;
}

uint64_t function_invocations(const struct function *fn) {
        uint64_t known = fn->invocations + fn->unsent;

        return known > fn->shown ? known : fn->shown;
}

bool function_is_trusted(const struct function *fn) {
        const cJSON *notes = cJSON_GetObjectItemCaseSensitive(fn->spec, "annotations");

        return str_eq(json_text(notes, "com.bramble.page", ""), "trusted");
}

void function_count_call(struct function *fn) {
        fn->shown = function_invocations(fn) + 1;
        fn->unsent++;
}

uint32_t function_queue(const struct function *fn) {
        uint32_t most = fn->limits.queue;

        return most < CALL_LIMITS_QUEUE_DEFAULT && !function_has_ready(fn)
                       ? CALL_LIMITS_QUEUE_DEFAULT
                       : most;
}

int function_wait(struct function *fn, struct function_waiter *w, bool first) {
        if (first)
                list_append(fn->waiting.next, &w->link); /* before the first */
        else if (fn->n_waiting >= function_queue(fn))
                return -ENOSPC;
        else
                list_append(&fn->waiting, &w->link);
        fn->n_waiting++;
        return 0;
}

void function_wait_end(struct function *fn, struct function_waiter *w) {
        list_remove(&w->link);
        fn->n_waiting--;
}

void function_wake(struct function *fn) {
        /* those who find nothing and wait again are not asked twice */
        unsigned n = fn->n_waiting;

        (void)function_ref(fn);
        while (n-- > 0 && !list_empty(&fn->waiting) &&
               (fn->gone || fn->stuck || function_has_room(fn))) {
                struct function_waiter *w =
                        container_of(fn->waiting.next, struct function_waiter, link);

                function_wait_end(fn, w);
                w->woken(w);
        }
        function_unref(fn);
}

void function_fail_waiting(struct function *fn, const char *why) {
        bool stuck = fn->stuck;

        (void)str_printable(fn->reason, sizeof(fn->reason), why, strlen(why));
        fn->stuck = true;
        function_wake(fn);
        fn->stuck = stuck;
}

static int compare(const struct function *fn, const char *name, const char *namespace) {
        int order = strcmp(fn->name, name);

        return order ? order : strcmp(fn->namespace, namespace);
}

/* Where the function is, or where it would have to go. */
static size_t position(const struct functions *fs, const char *name, const char *namespace,
                       bool *ret_found) {
        size_t low = 0, high = fs->n;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = compare(fs->items[middle], name, namespace);

                if (order == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}

struct function *functions_find(const struct functions *fs, const char *name,
                                const char *namespace) {
        bool found;
        size_t at = position(fs, name, namespace, &found);

        return found ? fs->items[at] : NULL;
}

/* ---- replicas ---------------------------------------------------------------------------- */

static void replica_drop(struct replica *r) {
        r->gone = true;
        r->ready = false;
        r->fn = NULL;
        deadline_clear(&r->suspicion);
        upstream_drop_idle(r);
        replica_unref(r);
}

static int parse_address(const cJSON *o, struct replica *r) {
        const char *text = json_text(o, "address", "");
        uint64_t port;

        if (json_number(o, "port", 65535, &port) < 0 || port == 0)
                return -EINVAL;
        if (inet_pton(AF_INET, text, &r->address.v4.sin_addr) == 1) {
                r->address.v4.sin_family = AF_INET;
                r->address.v4.sin_port = htons((uint16_t)port);
        } else if (inet_pton(AF_INET6, text, &r->address.v6.sin6_addr) == 1) {
                r->address.v6.sin6_family = AF_INET6;
                r->address.v6.sin6_port = htons((uint16_t)port);
        } else {
                return -EINVAL;
        }
        return 0;
}

/* The one of that id and address among those that are known; taken out of the array. */
static struct replica *take_known(struct replica **known, size_t n, const struct replica *like) {
        for (size_t i = 0; i < n; i++)
                if (known[i] && known[i]->id == like->id &&
                    memcmp(&known[i]->address, &like->address, sizeof(like->address)) == 0)
                        return take_ptr(known[i]);
        return NULL;
}

static void on_trusted(struct deadline *d) {
        struct replica *r = container_of(d, struct replica, suspicion);

        r->suspect = false;
        function_wake(r->fn);
}

void replica_suspect(struct deadlines *ds, struct replica *r) {
        if (r->gone)
                return;
        r->suspect = true;
        deadline_set(ds, &r->suspicion, DEADLINE_SUSPECT);
}

static int replica_parse(struct function *fn, const cJSON *o, struct replica **known,
                         size_t n_known, struct replica **ret) {
        struct replica like = { .refs = 1 }, *r;
        uint64_t id;

        if (json_number(o, "id", UINT32_MAX, &id) < 0 || parse_address(o, &like) < 0)
                return -EINVAL;
        like.id = (uint32_t)id;
        r = take_known(known, n_known, &like);
        if (!r) {
                r = malloc(sizeof(*r));
                if (!r)
                        return -ENOMEM;
                *r = like;
                list_init(&r->idle);
                deadline_init(&r->suspicion, on_trusted);
                r->fn = fn;
        }
        r->local = json_bool(o, "local");
        r->ready = json_bool(o, "ready");
        if (!r->ready) /* it may be about to be paused: nobody is to be connected to it */
                upstream_drop_idle(r);
        *ret = r;
        return 0;
}

static void update_replicas(struct function *fn, const cJSON *instances) {
        struct replica *known[LIMIT_REPLICAS];
        size_t n_known = fn->n_replicas;
        const cJSON *o;

        memcpy(known, fn->replica, n_known * sizeof(known[0]));
        fn->n_replicas = 0;
        cJSON_ArrayForEach(o, instances) {
                if (fn->n_replicas == LIMIT_REPLICAS)
                        break;
                if (replica_parse(fn, o, known, n_known, &fn->replica[fn->n_replicas]) == 0)
                        fn->n_replicas++;
        }
        for (size_t i = 0; i < n_known; i++)
                if (known[i])
                        replica_drop(known[i]);
}

/* ---- functions ----------------------------------------------------------------------------- */

static struct function *function_new(const char *name, const char *namespace) {
        struct function *fn = calloc(1, sizeof(*fn));

        if (!fn)
                return NULL;
        fn->refs = 1;
        (void)str_copy(fn->name, sizeof(fn->name), name);
        (void)str_copy(fn->namespace, sizeof(fn->namespace), namespace);
        call_limits_init(&fn->limits);
        list_init(&fn->waiting);
        list_init(&fn->freed);
        deadline_queue_init(&fn->silence);
        return fn;
}

/* The table's own reference ends; calls under way keep theirs. */
static void function_drop(struct function *fn) {
        fn->gone = true;
        update_replicas(fn, NULL);
        function_wake(fn);
        function_unref(fn);
}

static uint64_t number(const cJSON *o, const char *key, uint64_t max) {
        uint64_t v;

        return json_number(o, key, max, &v) == 0 ? v : 0;
}

/* The agent has checked them: what is wrong nevertheless says nothing. */
static void take_limits(struct call_limits *l, const cJSON *texts) {
        struct fail f = { 0 };
        const cJSON *v;

        cJSON_ArrayForEach(v, texts) {
                if (cJSON_IsString(v) && v->string)
                        (void)call_limits_take(l, v->string, v->valuestring, &f);
        }
}

static void fill_limits(struct function *fn) {
        const cJSON *env = cJSON_GetObjectItemCaseSensitive(fn->spec, "envVars");

        call_limits_init(&fn->limits);
        take_limits(&fn->limits, cJSON_GetObjectItemCaseSensitive(fn->spec, "labels"));
        take_limits(&fn->limits, cJSON_GetObjectItemCaseSensitive(fn->spec, "annotations"));
        if (call_limits_seconds(json_text(env, "exec_timeout", ""), CALL_LIMITS_TIMEOUT_MAX,
                                &fn->exec_timeout_s) < 0)
                fn->exec_timeout_s = 0;
}

static void fill(struct function *fn, cJSON *o) {
        cJSON *spec = cJSON_DetachItemFromObjectCaseSensitive(o, "spec");
        int64_t created = (int64_t)number(o, "created", INT64_MAX);

        if (str_copy(fn->image, sizeof(fn->image), json_text(o, "image", "")) < 0 ||
            str_copy(fn->reason, sizeof(fn->reason), json_text(o, "reason", "")) < 0)
                fn->reason[0] = '\0';
        fn->stuck = json_bool(o, "stuck");
        fn->waking = fn->asking;
        fn->replicas = (uint32_t)number(o, "replicas", LIMIT_REPLICAS);
        fn->available = (uint32_t)number(o, "available", LIMIT_REPLICAS);
        /* while our counts travel, states with older ones may still come: they count for less than
         * what was shown, unless the function is a new one of that name */
        fn->shown = fn->created == created ? function_invocations(fn) : 0;
        fn->created = created;
        fn->invocations = number(o, "invocations", UINT64_MAX);
        cJSON_Delete(fn->spec);
        fn->spec = spec;
        fill_limits(fn);
        update_replicas(fn, cJSON_GetObjectItemCaseSensitive(o, "instances"));
}

static int update_one(struct functions *fs, cJSON *o, struct function **ret) {
        const char *name = json_text(o, "name", ""), *namespace = json_text(o, "namespace", "");
        bool found;
        size_t at;

        if (!names_valid(name) || !names_valid(namespace))
                return -EINVAL;
        at = position(fs, name, namespace, &found);
        if (!found) {
                struct function *fn;

                if (fs->n == LIMIT_FUNCTIONS)
                        return -ENOSPC;
                fn = function_new(name, namespace);
                if (!fn)
                        return -ENOMEM;
                memmove(fs->items + at + 1, fs->items + at, (fs->n - at) * sizeof(fs->items[0]));
                fs->items[at] = fn;
                fs->n++;
        }
        fill(fs->items[at], o);
        *ret = fs->items[at];
        return 0;
}

static bool is_listed(const struct function *fn, struct function *const *listed, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (listed[i] == fn)
                        return true;
        return false;
}

/* First those that are gone, so that their places are free for new ones. */
static void drop_absent(struct functions *fs, const cJSON *list) {
        struct function *listed[LIMIT_FUNCTIONS], *absent[LIMIT_FUNCTIONS];
        size_t n_listed = 0, n_absent = 0, kept = 0;
        const cJSON *o;

        cJSON_ArrayForEach(o, list) {
                struct function *fn =
                        functions_find(fs, json_text(o, "name", ""), json_text(o, "namespace", ""));

                if (fn && n_listed < LIMIT_FUNCTIONS && !is_listed(fn, listed, n_listed))
                        listed[n_listed++] = fn;
        }
        for (size_t i = 0; i < fs->n; i++) {
                if (is_listed(fs->items[i], listed, n_listed))
                        fs->items[kept++] = fs->items[i];
                else
                        absent[n_absent++] = fs->items[i];
        }
        /* dropping wakes callers, who may look into the table: it is whole by then */
        fs->n = kept;
        for (size_t i = 0; i < n_absent; i++)
                function_drop(absent[i]);
}

int functions_update(struct functions *fs, cJSON *list) {
        int wrong = 0;
        cJSON *o;

        drop_absent(fs, list);
        cJSON_ArrayForEach(o, list) {
                struct function *fn;
                int r = update_one(fs, o, &fn);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        wrong++;
                else
                        function_wake(fn);
        }
        return wrong;
}

void functions_take_counts(struct functions *fs, const cJSON *list) {
        const cJSON *o;

        cJSON_ArrayForEach(o, list) {
                struct function *fn =
                        functions_find(fs, json_text(o, "name", ""), json_text(o, "namespace", ""));

                if (!fn)
                        continue;
                fn->shown = function_invocations(fn); /* as in fill() */
                fn->invocations = number(o, "invocations", UINT64_MAX);
        }
}

void functions_done(struct functions *fs) {
        drop_absent(fs, NULL);
}

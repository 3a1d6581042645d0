#include "daemon/runner.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/backoff.h"
#include "daemon/api.h"
#include "daemon/images.h"
#include "daemon/kube.h"
#include "daemon/runner_private.h"
#include "io/file_log.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAKE_ROOM_USEC (5 * USEC_PER_SEC)

enum { LOOK_MS = 500, QUIET_MS = 50, STOP_GRACE_MS = 10000, FUNCTION_PORT = 8080 };

/* ---- the table
 * --------------------------------------------------------------------------------------- */

struct item *runner_item(const struct runner *r, uint32_t id) {
        for (uint32_t i = 0; i < r->n; i++)
                if (r->items[i]->id == id)
                        return r->items[i];
        return NULL;
}

static struct item *item_by_container(const struct runner *r, const char *container) {
        for (uint32_t i = 0; i < r->n; i++)
                if (str_eq(r->items[i]->container, container))
                        return r->items[i];
        return NULL;
}

static bool host_taken(const struct runner *r, unsigned host) {
        for (uint32_t i = 0; i < r->n; i++)
                if (r->items[i]->host == host)
                        return true;
        return false;
}

/* Addresses go round, so that a new container does not get one that peers still know. 0: none. */
static unsigned host_next(struct runner *r) {
        for (unsigned tries = 0; tries < HOSTS; tries++) {
                r->last_host = r->last_host >= HOST_LAST ? HOST_FIRST : r->last_host + 1;
                if (!host_taken(r, r->last_host))
                        return r->last_host;
        }
        return 0;
}

struct item *runner_item_new(struct runner *r, uint32_t id) {
        struct item *item;

        if (r->n == LIMIT_BOARD_INSTANCES)
                return NULL;
        item = calloc(1, sizeof(*item));
        if (!item)
                return NULL;
        item->runner = r;
        item->id = id;
        (void)snprintf(item->container, sizeof(item->container), "fn-%08" PRIx32 "-%" PRIu32,
                       (uint32_t)r->agent->bramble, id);
        r->items[r->n++] = item;
        return item;
}

static void item_free(struct item *item) {
        struct runner *r = item->runner;

        for (uint32_t i = 0; i < r->n; i++) {
                if (r->items[i] != item)
                        continue;
                r->items[i] = r->items[--r->n];
                break;
        }
        probe_stop(item);
        runner_secrets_gone(item);
        spec_done(&item->spec);
        free(item);
}

void runner_set_state(struct item *item, enum instance_state state, const char *reason) {
        if (item->state == state && str_eq(item->reason, reason))
                return;
        item->state = state;
        (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
        agent_report_soon(item->runner->agent);
}

/* ---- from wanted to running
 * ------------------------------------------------------------------------- */

void runner_pending(struct item *item, const char *why) {
        runner_set_state(item, INSTANCE_PENDING, why);
}

static void detach(struct item *item) {
        struct agent *a = item->runner->agent;
        struct fail f = { 0 };

        if (!item->attached)
                return;
        if (fnet_detach(a->fnet, item->container, &f) < 0)
                log_warning("cannot remove the network of %s: %s", item->container, fail_text(&f));
        item->attached = false;
        item->host = 0;
}

/* What was known of a process that is gone. */
static void forget_life(struct item *item) {
        item->paused = item->has_cgroup = false;
        item->quiet_since = item->measured = 0;
        item->millicores = 0;
        item->used_bytes = 0;
}

static void failed(struct item *item, const char *why) {
        usec_t now = agent_now(), wait = backoff_ended(&item->backoff, now);
        char reason[SIZE_REASON];

        probe_stop(item);
        detach(item);
        forget_life(item);
        item->busy = false;
        item->retry = usec_add(now, wait);
        (void)snprintf(reason, sizeof(reason), "%.100s; next try in %" PRIu64 " s", why,
                       (uint64_t)(wait / USEC_PER_SEC));
        log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", item->function,
                  "%s (replica %" PRIu32 "): %s", item->function, item->id, reason);
        runner_set_state(item, INSTANCE_BACKOFF, reason);
}

static void on_cleaned(void *arg, int result, const char *why) {
        struct start *s = arg;
        struct item *item = runner_item(s->runner, s->id);
        struct agent *a = s->runner->agent;

        (void)why; /* where containerd went away the timer tries again */
        free(s);
        if (!item)
                return; /* cannot be: items are freed only when nothing is under way */
        item->busy = false;
        if (result < 0)
                return;
        item->leftover = false;
        runner_look(a);
}

/* It ran and ended, or never came up: what is left of it goes, the next life starts clean. */
static void clean_up(struct item *item) {
        struct runner *r = item->runner;
        struct start *s;

        item->leftover = true;
        if (item->busy || !r->available)
                return; /* advance() does it */
        s = calloc(1, sizeof(*s));
        if (!s)
                return;
        *s = (struct start){ r, item->id };
        item->busy = true;
        if (container_stop(r->agent->containers, item->container, 0, on_cleaned, s) < 0) {
                free(s);
                item->busy = false;
        }
}

/* The leader tells everybody; this board's own gateway need not wait for that. */
static void tell_gateway(const struct item *item) {
        struct agent *a = item->runner->agent;

        for (uint32_t i = 0; i < a->world.n_instances; i++) {
                struct world_instance *in = &a->world.instances[i];

                if (in->id != item->id || in->node != a->board.node)
                        continue;
                in->state = item->state;
                in->address = item->host ? fnet_address(a->subnet, item->host) : 0;
                in->port = FUNCTION_PORT;
                api_world_changed(a);
                return;
        }
}

void runner_ready(struct item *item) {
        log_info("%s (replica %" PRIu32 ") answers after %" PRIu64 ".%" PRIu64 " ms",
                 item->function, item->id, (agent_now() - item->started) / USEC_PER_MSEC,
                 (agent_now() - item->started) % USEC_PER_MSEC / 100);
        runner_set_state(item, INSTANCE_READY, "");
        tell_gateway(item);
}

void runner_ready_again(struct item *item) {
        runner_set_state(item, INSTANCE_READY, "");
        tell_gateway(item);
}

void runner_never_ready(struct item *item) {
        item->running = false; /* its end is our doing: no news */
        failed(item, "it runs, but does not listen on port 8080");
        clean_up(item);
}

static void on_started(void *arg, int result, const char *why) {
        struct start *start = arg;
        struct item *item = runner_item(start->runner, start->id);

        free(start);
        if (!item)
                return; /* cannot be: items are freed only when nothing is under way */
        item->busy = false;
        if (item->unwanted) {
                runner_look(item->runner->agent);
        } else if (result < 0) {
                failed(item, why[0] ? why : strerror(-result));
        } else {
                backoff_started(&item->backoff, agent_now());
                item->running = true;
                probe_start(item);
        }
}

static int attach(struct item *item, char path[static 96]) {
        struct agent *a = item->runner->agent;
        struct fail f = { 0 };
        int r;

        item->host = (uint8_t)host_next(item->runner);
        if (item->host == 0) {
                failed(item, "this board has no free address for it");
                return -EADDRNOTAVAIL;
        }
        r = fnet_attach(a->fnet, item->container, item->host, path, &f);
        if (r == -EEXIST) { /* left over from a life that was cut off */
                (void)fnet_detach(a->fnet, item->container, NULL);
                f = (struct fail){ 0 };
                r = fnet_attach(a->fnet, item->container, item->host, path, &f);
        }
        if (r < 0) {
                item->host = 0;
                failed(item, fail_text(&f));
                return r;
        }
        item->attached = true;
        return 0;
}

static void start(struct item *item) {
        struct agent *a = item->runner->agent;
        char id[16], host[8], generation[16], netns[96], group[2 * SIZE_NAME], hostname[64];
        char board[SIZE_NAME + 16];
        const char *env[SPEC_ENV + 2] = { board }; /* what is deployed goes over it */
        char secrets[SIZE_PATH + 64];
        const char *labels[] = { "bramble.instance",
                                 id,
                                 "bramble.function",
                                 item->function,
                                 "bramble.namespace",
                                 item->namespace,
                                 "bramble.host",
                                 host,
                                 "bramble.generation",
                                 generation,
                                 NULL };
        struct container_spec spec = {
                .id = item->container,
                .group = group,
                .image = item->spec.image,
                .netns = netns,
                .hostname = hostname,
                .watchdog = a->config.watchdog,
                .process = item->spec.process,
                .secrets = runner_secrets_folder(item, secrets, sizeof(secrets)),
                .env = env,
                .labels = labels,
                .memory_bytes = item->spec.memory_limit_bytes ? item->spec.memory_limit_bytes
                                                              : item->memory_bytes,
                .cpu_millicores = item->spec.cpu_limit_millicores,
                .read_only_root = item->spec.read_only_root,
        };
        struct start *s;
        int r;

        item->started = agent_now();
        if (attach(item, netns) < 0)
                return;
        (void)snprintf(board, sizeof(board), "BRAMBLE_NODE=%s", a->name);
        memcpy(env + 1, item->spec.env, sizeof(item->spec.env));
        (void)snprintf(id, sizeof(id), "%" PRIu32, item->id);
        (void)snprintf(host, sizeof(host), "%u", item->host);
        (void)snprintf(generation, sizeof(generation), "%" PRIu32, item->generation);
        (void)snprintf(group, sizeof(group), "%s.%s", item->function, item->namespace);
        /* replicas can be told apart: hello-7; a host name has at most 63 characters */
        (void)snprintf(hostname, sizeof(hostname), "%.52s-%" PRIu32, item->function, item->id);
        s = calloc(1, sizeof(*s));
        if (!s)
                return;
        *s = (struct start){ item->runner, item->id };
        item->busy = true;
        runner_set_state(item, INSTANCE_STARTING, "");
        r = container_start(a->containers, &spec, on_started, s);
        if (r < 0) {
                free(s);
                failed(item, r == -ENOTCONN ? "containerd does not answer" : strerror(-r));
        }
}

/* One that is on its way out still has its memory: the next one waits for that where both do not
 * fit, but not for a call that lasts. */
static bool has_room(const struct item *item, usec_t now) {
        const struct runner *r = item->runner;
        uint64_t all = 0;
        bool leaving = false;

        for (uint32_t i = 0; i < r->n; i++) {
                const struct item *other = r->items[i];

                if (other == item || !(other->running || other->busy))
                        continue;
                all += other->memory_bytes;
                leaving = leaving ||
                          (other->unwanted && (!other->quiet_since ||
                                               usec_sub(now, other->quiet_since) < MAKE_ROOM_USEC));
        }
        return !leaving || all + item->memory_bytes <= kube_function_bytes(r->agent);
}

/* The next step of one wanted replica. */
static void advance(struct item *item, usec_t now) {
        struct agent *a = item->runner->agent;
        const struct world_image *image;

        if (item->busy || item->running || !item->runner->available)
                return;
        if (item->leftover) {
                clean_up(item);
                return;
        }
        if (item->state == INSTANCE_BACKOFF && now < item->retry)
                return;
        image = world_image(&a->world, item->spec.image);
        if (!image) {
                runner_set_state(item, INSTANCE_PENDING, ""); /* the leader says why */
                return;
        }
        if (!images_have(a, image->name, image->digest)) {
                char reason[SIZE_REASON];

                images_want(a, image);
                images_reason(a, image, reason);
                runner_set_state(
                        item, images_failing(a, image->name) ? INSTANCE_BACKOFF : INSTANCE_FETCHING,
                        reason);
                return;
        }
        if (!has_room(item, now)) {
                runner_set_state(item, INSTANCE_PENDING, "");
                return; /* until the one before it has ended */
        }
        if (runner_secrets_ready(item))
                start(item);
}

/* ---- from running to gone
 * ----------------------------------------------------------------------------- */

static void on_stopped(void *arg, int result, const char *why) {
        struct start *s = arg;
        struct item *item = runner_item(s->runner, s->id);
        struct agent *a = s->runner->agent;

        free(s);
        if (!item)
                return;
        item->busy = false;
        if (result < 0) {
                log_warning("cannot stop %s: %s, trying again", item->container, why);
                return; /* the timer looks again */
        }
        detach(item);
        item_free(item);
        agent_report_soon(a);
        runner_look(a);
}

static void stop(struct item *item, unsigned grace_ms) {
        struct runner *r = item->runner;
        struct start *s;

        if (item->busy || !r->available)
                return;
        probe_stop(item);
        s = calloc(1, sizeof(*s));
        if (!s)
                return;
        *s = (struct start){ r, item->id };
        runner_unpause(item);
        item->busy = true;
        item->running = false;
        runner_set_state(item, INSTANCE_STOPPING, "");
        if (container_stop(r->agent->containers, item->container, grace_ms, on_stopped, s) < 0) {
                free(s);
                item->busy = false;
        }
}

void runner_sweep(struct item *item) {
        stop(item, 0);
}

/* Its place is gone: gateways stop calling it, what they have under way there ends, and then it
 * does. */
static void retire(struct item *item, usec_t now) {
        if (item->running && (item->state == INSTANCE_READY || item->quiet_since)) {
                if (item->state == INSTANCE_READY)
                        runner_set_state(item, INSTANCE_STOPPING, "");
                if (!runner_is_quiet(item, now) && !runner_hurries(item->runner, now)) {
                        runner_look_later(item->runner);
                        return;
                }
        }
        stop(item, STOP_GRACE_MS);
}

static void look_at_running(struct item *item, usec_t now) {
        if (item->known)
                (void)runner_secrets_ready(item); /* or has a new value soon */
        runner_rest(item, now);
}

/* ---- what the world wants
 * ------------------------------------------------------------------------------ */

static void want(struct runner *r, const struct world_function *f,
                 const struct world_instance *in) {
        struct item *item = runner_item(r, in->id);
        struct fail why = { 0 };

        if (!item) {
                item = runner_item_new(r, in->id);
                if (!item)
                        return;
        }
        /* an id that was foretold, and given to another one: what has it ends first */
        if (item->function[0] &&
            (!str_eq(item->function, f->name) || !str_eq(item->namespace, f->namespace) ||
             item->generation != in->generation))
                return;
        item->unwanted = false;
        item->rests = f->replicas == 0;
        if (item->known)
                return;
        (void)str_copy(item->function, sizeof(item->function), f->name);
        (void)str_copy(item->namespace, sizeof(item->namespace), f->namespace);
        item->generation = in->generation;
        item->memory_bytes = f->memory_bytes;
        if (in->generation != f->generation)
                return; /* an old one that was adopted: it runs on until its heir answers */
        item->known = true;
        if (spec_parse(f->spec, f->spec_len, &item->spec, &why) < 0)
                runner_set_state(item, INSTANCE_FAILED, fail_text(&why));
}

void runner_look(struct agent *a) {
        struct runner *r = a->runner;
        usec_t now = agent_now();

        if (!r || !r->adopted || (a->bramble && !a->world.bramble && !r->frozen))
                return; /* nobody has said yet what should run: what runs goes on */
        for (uint32_t i = 0; i < r->n; i++)
                r->items[i]->unwanted = true;
        for (uint32_t i = 0; i < a->world.n_instances && !r->frozen; i++) {
                const struct world_instance *in = &a->world.instances[i];

                if (in->node == a->board.node)
                        want(r, &a->world.functions[in->function], in);
        }
        for (uint32_t i = r->n; i-- > 0;) { /* downwards: stop and advance may take items away */
                if (i >= r->n)
                        continue;
                if (r->items[i]->unwanted)
                        retire(r->items[i], now);
                else if (r->items[i]->running)
                        look_at_running(r->items[i], now);
                else if (r->items[i]->known && r->items[i]->state != INSTANCE_FAILED)
                        advance(r->items[i], now);
        }
        images_keep(a); /* what runs comes first */
}

uint32_t runner_report(const struct agent *a, struct report_instance *ret) {
        const struct runner *r = a->runner;
        uint32_t n = 0;

        for (; r && n < r->n; n++) {
                const struct item *item = r->items[n];

                memset(&ret[n], 0, sizeof(ret[n])); /* compared as bytes */
                ret[n].id = item->id;
                ret[n].state = item->state;
                ret[n].restarts = item->backoff.failures;
                if (item->host) {
                        ret[n].address = fnet_address(a->subnet, item->host);
                        ret[n].port = FUNCTION_PORT;
                }
                (void)str_copy(ret[n].reason, sizeof(ret[n].reason), item->reason);
        }
        return n;
}

/* ---- containerd's side
 * ----------------------------------------------------------------------------------- */

void runner_exited(struct agent *a, const char *id, uint32_t status, bool oom) {
        struct item *item = item_by_container(a->runner, id);
        char why[64];

        if (!item || !item->running)
                return;
        item->running = false;
        if (item->unwanted || item->state == INSTANCE_STOPPING)
                return;
        if (oom)
                (void)snprintf(why, sizeof(why), "it needed more memory than its limit");
        else if (status == RUNNER_STATUS_UNKNOWN)
                (void)snprintf(why, sizeof(why), "its process ended while containerd was away");
        else
                (void)snprintf(why, sizeof(why), "its process ended with status %" PRIu32, status);
        failed(item, why);
        clean_up(item);
}

static void write_file(const struct item *item, const char *text, size_t len) {
        char dir[SIZE_PATH + 8];
        struct timespec now;
        uint64_t usec;
        int r;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        usec = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
        (void)snprintf(dir, sizeof(dir), "%s/log", item->runner->agent->config.run_dir);
        r = file_log_write(dir, item->function, item->namespace, item->id, usec, text, len);
        if (r < 0 && log_once("file-log"))
                log_warning("what functions write is lost: cannot write below %s: %s", dir,
                            strerror(-r));
}

void runner_output(struct agent *a, const char *id, const char *stream, const char *text,
                   size_t len) {
        const struct item *item = item_by_container(a->runner, id);

        if (!item)
                return;
        if (log_has_journal())
                log_function(item->function, item->namespace, item->id, stream, text,
                             (unsigned)len);
        else
                write_file(item, text, len);
}

static void on_timer(uv_timer_t *timer) {
        struct agent *a = timer->data;

        if (a->runner->available && !a->runner->adopted)
                runner_adopt(a->runner); /* the first answer was an error */
        runner_look(a);
}

static void on_quiet(uv_timer_t *timer) {
        runner_look(timer->data);
}

void runner_look_later(struct runner *r) {
        if (!uv_is_active((uv_handle_t *)&r->quiet))
                (void)uv_timer_start(&r->quiet, on_quiet, QUIET_MS, 0);
}

static void on_soon(uv_async_t *soon) {
        runner_look(soon->data);
}

void runner_look_soon(struct runner *r) {
        (void)uv_async_send(&r->soon);
}

void runner_available(struct agent *a, bool yes) {
        a->runner->available = yes;
        agent_problem(a, PROBLEM_CONTAINERD, !yes);
        if (yes)
                runner_adopt(a->runner);
}

int runner_open(struct agent *a, struct fail *f) {
        struct runner *r = calloc(1, sizeof(*r));
        int error;

        (void)f;
        if (!r)
                return -ENOMEM;
        r->agent = a;
        r->last_host = HOST_FIRST - 1;
        a->runner = r;
        r->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* kept as long as the process */
        if (r->root < 0)
                return -errno;
        if ((error = uv_timer_init(a->loop, &r->timer)) < 0 ||
            (error = uv_timer_init(a->loop, &r->quiet)) < 0 ||
            (error = uv_async_init(a->loop, &r->soon, on_soon)) < 0)
                return error;
        r->timer.data = r->quiet.data = r->soon.data = a;
        return uv_timer_start(&r->timer, on_timer, LOOK_MS, LOOK_MS);
}

/* runner_secrets - the secrets of this board's replicas: had from the leader before a container
 * starts, and anew when one was changed; a value is in memory only on its way into its file. */
#include "base/buf.h"
#include "base/str.h"
#include "core/base64.h"
#include "daemon/api.h"
#include "daemon/runner_private.h"
#include "io/json.h"
#include "io/log.h"
#include "io/secret_box.h"
#include "io/secret_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_SEC = 2 };

/* One question to the leader.  Its item may be gone when the answer comes. */
struct fetch {
        struct runner *runner;
        uint32_t id, generation; /* of the item: an id that was foretold may be given away */
        size_t at;               /* which of the item's secrets */
        uint64_t version;        /* of all secrets, when the first was asked for */
};

static void dir_of(const struct agent *a, char ret[static SIZE_PATH + 16]) {
        (void)snprintf(ret, SIZE_PATH + 16, "%s/secrets", a->config.run_dir);
}

const char *runner_secrets_folder(const struct item *item, char *dst, size_t size) {
        dst[0] = '\0';
        if (item->spec.n_secrets > 0)
                (void)snprintf(dst, size, "%s/secrets/%s", item->runner->agent->config.run_dir,
                               item->container);
        return dst;
}

static void ask(struct fetch *q, struct item *item);

/* What was asked for cannot be had: said once for one that waits, tried again for all. */
static void give_up(struct fetch *q, struct item *item, const char *why) {
        item->secrets_busy = false;
        item->secrets_retry = usec_add(agent_now(), RETRY_SEC * USEC_PER_SEC);
        free(q);
        if (!item->running)
                runner_pending(item, why);
        else if (log_once("secrets"))
                log_warning("a changed secret of %s does not reach it: %s; trying again",
                            item->function, why);
}

/* The value into its file. */
static int take(const struct item *item, const char *name, const cJSON *reply, struct fail *f) {
        const char *text = json_text(reply, "value", NULL);
        auto_secret struct buf value = { 0 };
        char dir[SIZE_PATH + 16];
        int r = text ? base64_decode(text, strlen(text), &value) : -EBADMSG;

        if (r < 0)
                return fail(f, r, "the leader's answer makes no sense");
        dir_of(item->runner->agent, dir);
        return secret_files_put(dir, item->container, name, value.data ? value.data : "", value.len,
                                f);
}

static void on_value(void *arg, int result, const char *why, const cJSON *reply) {
        struct fetch *q = arg;
        struct item *item = runner_item(q->runner, q->id);
        const char *error = json_text(reply, "error", NULL);
        struct fail f = { 0 };

        if (!item || item->generation != q->generation || !item->secrets_busy ||
            q->at >= item->spec.n_secrets) {
                free(q);
                return;
        }
        if (result < 0)
                (void)fail(&f, result, "%s", why[0] ? why : strerror(-result));
        else if (error)
                (void)fail(&f, -EIO, "%s", error);
        else
                (void)take(item, item->spec.secrets[q->at], reply, &f);
        if (f.error < 0) {
                give_up(q, item, fail_text(&f));
                return;
        }
        if (++q->at < item->spec.n_secrets) {
                ask(q, item);
                return;
        }
        item->secrets_busy = false;
        item->secrets_version = q->version;
        log_again("secrets");
        free(q);
        runner_look_soon(item->runner);
}

static void ask(struct fetch *q, struct item *item) {
        auto_json cJSON *request = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(request, "verb", "secret-get");
        (void)cJSON_AddStringToObject(request, "namespace", item->namespace);
        (void)cJSON_AddStringToObject(request, "name", item->spec.secrets[q->at]);
        api_run_on_leader(item->runner->agent, request, on_value, q);
}

static void begin(struct item *item) {
        struct agent *a = item->runner->agent;
        struct fetch *q = calloc(1, sizeof(*q));
        char dir[SIZE_PATH + 16];
        struct fail f = { 0 };

        if (!q)
                return;
        dir_of(a, dir);
        item->secrets_busy = true;
        *q = (struct fetch){ .runner = item->runner,
                             .id = item->id,
                             .generation = item->generation,
                             .version = a->world.secrets_version };
        if (secret_files_make(dir, item->container, &f) < 0)
                give_up(q, item, fail_text(&f));
        else
                ask(q, item);
}

bool runner_secrets_ready(struct item *item) {
        const struct agent *a = item->runner->agent;

        if (item->spec.n_secrets == 0)
                return true;
        if (item->secrets_busy || agent_now() < item->secrets_retry)
                return false;
        if (item->secrets_version && item->secrets_version == a->world.secrets_version)
                return true;
        begin(item);
        return false;
}

void runner_secrets_gone(struct item *item) {
        char dir[SIZE_PATH + 16];

        dir_of(item->runner->agent, dir);
        secret_files_remove(dir, item->container);
}

static bool keep(void *arg, const char *container) {
        const struct runner *r = arg;

        for (uint32_t i = 0; i < r->n; i++)
                if (str_eq(r->items[i]->container, container))
                        return true;
        return false;
}

void runner_secrets_sweep(struct runner *r) {
        char dir[SIZE_PATH + 16];

        dir_of(r->agent, dir);
        secret_files_sweep(dir, keep, r);
}

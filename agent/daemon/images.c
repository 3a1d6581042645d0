#include "daemon/images.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/keeper.h"
#include "daemon/api.h"
#include "daemon/peers.h"
#include "daemon/registry.h"
#include "daemon/runner.h"
#include "daemon/sweep.h"
#include "io/json.h"
#include "io/log.h"
#include "io/trim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After a fetch that failed: doubles from the one to the other. */
#define RETRY_FIRST_USEC (5 * USEC_PER_SEC)
#define RETRY_MOST_USEC  (80 * USEC_PER_SEC)
#define SILENT_USEC      (30 * USEC_PER_SEC) /* a holder that sends nothing for so long is left */

enum {
        FAILURES = 16,       /* images that cannot be had, each with its own patience */
        TRIM_MS = 15 * 1000, /* after the newest image came: what that took is given back */
};

/* One image on its way; one at a time, because an SD card and 100 Mbit/s gain nothing from two. */
struct fetch {
        struct agent *agent;
        struct image_fetch *engine;
        struct link *link;     /* to the holder that is asked for a blob */
        struct puller *puller; /* NULL: the registry was not needed so far */
        bool pulling;          /* the blob comes from the registry */
        bool refused;          /* the registry does not give this image to us */
        char why[SIZE_REASON]; /* what the registry said last */
        usec_t heard;          /* newest sign of the holder */
        bool paused;           /* it waits for our card */
        unsigned next_holder;
        unsigned n_lacking; /* peers that do not have the blob */
        bool lacked;        /* some peer did not have some blob */
        char name[SIZE_IMAGE];
        char digest[SIZE_DIGEST];
        char blob[SIZE_DIGEST]; /* wanted now */
        uint64_t blob_bytes;    /* 0: not known */
};

struct failure {
        char name[SIZE_IMAGE]; /* "": none */
        char reason[SIZE_REASON];
        usec_t retry; /* not before */
        usec_t pause;
};

struct images {
        struct agent *agent;
        bool listing, again;
        uv_timer_t trim;
        uint32_t n;
        struct images_item items[LIMIT_IMAGES];
        uint32_t n_new;
        struct images_item fresh[LIMIT_IMAGES]; /* being listed */
        struct fetch *fetch;                    /* NULL: none */
        struct failure failures[FAILURES];
};

static struct failure *failure_find(struct images *m, const char *name) {
        for (size_t i = 0; i < FAILURES; i++)
                if (str_eq(m->failures[i].name, name))
                        return &m->failures[i];
        return NULL;
}

/* May it be fetched now?  One that is new waits for a place where all are taken by images that are
 * not due. */
static bool is_due(struct images *m, const char *name, usec_t now) {
        const struct failure *f = failure_find(m, name);

        if (f)
                return now >= f->retry;
        for (size_t i = 0; i < FAILURES; i++)
                if (now >= m->failures[i].retry)
                        return true;
        return false;
}

bool images_have(const struct agent *a, const char *name, const char *digest) {
        const struct images *m = a->images;

        for (uint32_t i = 0; i < m->n; i++)
                if (str_eq(m->items[i].name, name) && str_eq(m->items[i].digest, digest))
                        return true;
        return false;
}

static void progress_text(const struct fetch *f, char dst[static SIZE_REASON]) {
        uint64_t here = 0, all = 0;

        if (f->engine)
                image_fetch_progress(f->engine, &here, &all);
        if (all == 0)
                (void)snprintf(dst, SIZE_REASON, "fetching image");
        else if (here >= all)
                (void)snprintf(dst, SIZE_REASON, "unpacking image");
        else if (all < 2000000)
                (void)snprintf(dst, SIZE_REASON, "fetching image %u of %u KB",
                               (unsigned)(here / 1000), (unsigned)(all / 1000));
        else
                (void)snprintf(dst, SIZE_REASON, "fetching image %u of %u MB",
                               (unsigned)(here / 1000000), (unsigned)(all / 1000000));
}

void images_reason(const struct agent *a, const struct world_image *image,
                   char dst[static SIZE_REASON]) {
        const struct images *m = a->images;
        const struct failure *failure = failure_find(a->images, image->name);
        const struct world_member *other;
        uint64_t puller;

        dst[0] = '\0';
        if (m->fetch && str_eq(m->fetch->name, image->name)) {
                progress_text(m->fetch, dst);
                return;
        }
        if (failure) {
                (void)str_copy(dst, SIZE_REASON, failure->reason);
                return;
        }
        puller = keeper_puller(&a->world, image, a->board.node);
        if (image->n_holders > 0 || puller == a->board.node)
                return;
        other = world_member(&a->world, puller);
        if (other)
                (void)snprintf(dst, SIZE_REASON, "%s pulls its image", other->name);
        else
                (void)snprintf(dst, SIZE_REASON, "no board that is on has its image");
}

bool images_failing(const struct agent *a, const char *name) {
        const struct images *m = a->images;
        const struct failure *failure = failure_find(a->images, name);

        return failure && failure->pause > RETRY_FIRST_USEC &&
               !(m->fetch && str_eq(m->fetch->name, name));
}

uint32_t images_report(const struct agent *a, struct report_image *ret) {
        const struct images *m = a->images;

        memset(ret, 0, m->n * sizeof(*ret)); /* compared as bytes */
        for (uint32_t i = 0; i < m->n; i++) {
                (void)str_copy(ret[i].name, sizeof(ret[i].name), m->items[i].name);
                (void)str_copy(ret[i].digest, sizeof(ret[i].digest), m->items[i].digest);
        }
        return m->n;
}

uint32_t images_all(const struct agent *a, const struct images_item **ret) {
        *ret = a->images->items;
        return a->images->n;
}

bool images_named(const struct agent *a, const char *name) {
        for (uint32_t i = 0; i < a->images->n; i++)
                if (str_eq(a->images->items[i].name, name))
                        return true;
        return false;
}

bool images_busy(const struct agent *a) {
        return a->images->fetch || a->images->listing;
}

/* ---- what is here
 * ---------------------------------------------------------------------------------- */

static void on_image(void *arg, const struct image_imported *image) {
        struct agent *a = arg;
        struct images *m = a->images;
        struct images_item *slot = &m->fresh[m->n_new];

        if (m->n_new == LIMIT_IMAGES)
                return;
        *slot = (struct images_item){ .size_bytes = image->size_bytes,
                                      .since_unix = image->since_unix };
        if (str_copy(slot->name, sizeof(slot->name), image->name) == 0 &&
            str_copy(slot->digest, sizeof(slot->digest), image->digest) == 0)
                m->n_new++;
}

static void on_size_told(void *arg, int result, const char *why, const cJSON *reply) {
        (void)arg;
        (void)result; /* whoever lists its images next tells it again */
        (void)why;
        (void)reply;
}

/* Nobody knows how large an image is that a registry named, until a board has it. */
static void tell_sizes(struct agent *a) {
        struct images *m = a->images;

        for (uint32_t i = 0; i < m->n; i++) {
                const struct world_image *image = world_image(&a->world, m->items[i].name);
                auto_json cJSON *o = NULL;

                if (!image || image->size_bytes > 0 || !str_eq(image->digest, m->items[i].digest))
                        continue;
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "verb", "image");
                (void)cJSON_AddStringToObject(o, "name", image->name);
                (void)cJSON_AddStringToObject(o, "digest", image->digest);
                (void)cJSON_AddNumberToObject(o, "size", (double)m->items[i].size_bytes);
                (void)cJSON_AddBoolToObject(o, "only_size", true);
                api_run_on_leader(a, o, on_size_told, NULL);
        }
}

static void on_trim(uv_timer_t *timer) {
        const struct images *m = timer->data;

        if (!m->fetch)
                trim_program();
}

static void on_listed(void *arg, int result, const char *why) {
        struct agent *a = arg;
        struct images *m = a->images;

        m->listing = false;
        if (result == 0) {
                m->n = m->n_new;
                memcpy(m->items, m->fresh, m->n * sizeof(m->items[0]));
                tell_sizes(a);
                (void)uv_timer_start(&m->trim, on_trim, TRIM_MS, 0);
        } else {
                log_warning("cannot list images: %s", why);
        }
        if (m->again) {
                m->again = false;
                images_refresh(a);
                return;
        }
        runner_look(a);
        agent_report_soon(a);
}

void images_refresh(struct agent *a) {
        struct images *m = a->images;

        if (m->listing) {
                m->again = true;
                return;
        }
        m->n_new = 0;
        m->listing = a->containers && images_list(a->containers, on_image, on_listed, a) == 0;
}

/* ---- fetching
 * --------------------------------------------------------------------------------------- */

static void blob_end(struct fetch *f, int result) {
        f->link = NULL;
        f->blob[0] = '\0';
        if (result < 0)
                f->next_holder++; /* who answered well is asked again */
        if (f->engine)
                image_fetch_blob_end(f->engine, result);
}

static void lacking(struct fetch *f);

static void holder_open(struct link *l, void *arg) {
        struct fetch *f = arg;
        auto_buf struct buf b = { 0 };

        if (peers_hello(f->agent, l, PURPOSE_API) < 0 ||
            buf_printf(&b, "{\"verb\":\"blob\",\"digest\":\"%s\"}", f->blob) < 0 ||
            link_send(l, FRAME_REQUEST, 1, b.data, b.len) < 0)
                link_close(l);
}

static void engine_drained(void *arg) {
        struct fetch *f = link_arg(arg);

        f->paused = false;
        f->heard = agent_now();
        link_resume(arg);
}

static void holder_frame(struct link *l, void *arg, const struct frame *frame) {
        struct fetch *f = arg;
        int r;

        f->heard = agent_now();
        switch ((int)frame->type) {
        case FRAME_HELLO:
                return;
        case FRAME_DATA:
                r = image_fetch_data(f->engine, frame->body, frame->len, engine_drained, l);
                f->paused = r == -EAGAIN;
                if (r == -EAGAIN)
                        link_pause(l);
                else if (r < 0)
                        link_close(l); /* the engine has said why */
                return;
        case FRAME_REPLY: {
                auto_json cJSON *reply = NULL;
                int result = json_parse_object((const char *)frame->body, frame->len, &reply, NULL);

                peers_discard(l);
                f->link = NULL;
                if (result == 0 && json_text(reply, "error", NULL))
                        lacking(f);
                else
                        blob_end(f, result);
                return;
        }
        default:
                link_close(l);
        }
}

static void holder_closed(struct link *l, void *arg, int error, const char *why) {
        struct fetch *f = arg;

        (void)l;
        log_debug("the board that %s comes from is gone: %s", f->name, why);
        blob_end(f, error < 0 ? error : -ECONNRESET);
}

static const struct link_ops holder_ops = { .open = holder_open,
                                            .frame = holder_frame,
                                            .closed = holder_closed };

/* The next board in turn that has the image. */
static int dial_holder(struct fetch *f) {
        const struct world_image *image = world_image(&f->agent->world, f->name);

        for (uint32_t i = 0; image && i < image->n_holders; i++) {
                uint64_t node = image->holders[f->next_holder % image->n_holders];

                if (node == f->agent->board.node ||
                    peers_dial(f->agent, node, &holder_ops, f, &f->link) < 0) {
                        f->next_holder++;
                        continue;
                }
                f->heard = agent_now();
                f->paused = false;
                return 0;
        }
        f->link = NULL;
        return -EHOSTUNREACH;
}

/* ---- from the registry ---- */

static void puller_drained(void *arg) {
        struct fetch *f = arg;

        f->paused = false;
        f->heard = agent_now();
        if (f->puller)
                puller_resume(f->puller);
}

static void on_pulled_data(void *arg, const void *data, size_t len) {
        struct fetch *f = arg;
        int r;

        if (!f->pulling || !f->engine)
                return;
        f->heard = agent_now();
        r = image_fetch_data(f->engine, data, len, puller_drained, f);
        f->paused = r == -EAGAIN;
        if (f->paused)
                puller_pause(f->puller);
}

static void on_pulled(void *arg, int result, const char *why, const cJSON *reply) {
        struct fetch *f = arg;

        (void)reply;
        if (!f->pulling)
                return;
        f->pulling = false;
        f->refused = result == -ENOENT || result == -EACCES;
        if (result == -EACCES)
                registry_borrow(f->agent, f->name);
        if (result < 0)
                (void)snprintf(f->why, sizeof(f->why), "%.*s", SIZE_REASON - 1, why);
        if (result == -EPIPE) {
                puller_free(f->puller);
                f->puller = NULL;
        }
        blob_end(f, result);
}

static int pull_blob(struct fetch *f) {
        static const struct puller_ops ops = { .data = on_pulled_data, .done = on_pulled };
        struct fail why = { 0 };
        cJSON *request;
        int r = 0;

        if (!f->puller)
                r = registry_start(f->agent, &ops, f, &f->puller, &why);
        if (r == 0) {
                request = registry_request(f->agent, "blob", f->name, &why);
                if (!request)
                        r = why.error ? why.error : -EIO;
                (void)cJSON_AddStringToObject(request, "digest", f->blob);
                (void)cJSON_AddNumberToObject(request, "size", (double)f->blob_bytes);
                (void)cJSON_AddBoolToObject(request, "manifest",
                                            f->engine && image_fetch_is_manifest(f->engine));
                if (r == 0)
                        r = puller_ask(f->puller, request);
                registry_request_done(request);
        }
        if (r < 0) {
                (void)snprintf(f->why, sizeof(f->why), "%.*s", SIZE_REASON - 1,
                               why.text[0] ? why.text : strerror(-r));
                return r;
        }
        f->pulling = true;
        f->paused = false;
        f->heard = agent_now();
        return 0;
}

/* Every holder was asked for this blob: a board of another kind has other ones. */
static bool peers_lack(const struct fetch *f) {
        const struct world_image *image = world_image(&f->agent->world, f->name);

        return !image || f->n_lacking >= image->n_holders;
}

/* Peers first: a layer crosses the line to the Internet once. */
static void ask_somebody(struct fetch *f) {
        int r = -EHOSTUNREACH;

        if (!peers_lack(f))
                r = dial_holder(f);
        if (r < 0 && f->refused) /* it will not say anything else in a moment */
                r = -ENOENT;
        else if (r < 0)
                r = pull_blob(f);
        if (r < 0)
                blob_end(f, r);
}

static void on_want(void *arg, const char *digest, uint64_t size_bytes) {
        struct fetch *f = arg;

        (void)str_copy(f->blob, sizeof(f->blob), digest);
        f->blob_bytes = size_bytes;
        f->n_lacking = 0;
        ask_somebody(f);
}

/* This peer does not have it; the next one may. */
static void lacking(struct fetch *f) {
        f->n_lacking++;
        f->lacked = true;
        f->next_holder++;
        ask_somebody(f);
}

/* In the place of the failure that is over soonest where the table is full. */
static void remember_failure(struct images *m, const char *name, const char *why) {
        struct failure *f = failure_find(m, name);
        char key[SIZE_IMAGE + 8];

        if (!f) {
                f = &m->failures[0];
                for (size_t i = 1; i < FAILURES; i++)
                        if (m->failures[i].retry < f->retry)
                                f = &m->failures[i];
                (void)str_copy(f->name, sizeof(f->name), name);
                f->pause = RETRY_FIRST_USEC / 2;
        }
        f->pause = f->pause * 2 > RETRY_MOST_USEC ? RETRY_MOST_USEC : f->pause * 2;
        f->retry = usec_add(agent_now(), f->pause);
        (void)snprintf(f->reason, sizeof(f->reason), "%.*s", SIZE_REASON - 1, why);
        (void)snprintf(key, sizeof(key), "fetch-%s", name);
        if (log_once(key))
                log_warning("%s: %s; trying again, more and more slowly", name, why);
}

static void forget_failure(struct images *m, const char *name) {
        struct failure *f = failure_find(m, name);
        char key[SIZE_IMAGE + 8];

        if (f)
                *f = (struct failure){ 0 };
        (void)snprintf(key, sizeof(key), "fetch-%s", name);
        log_again(key);
}

/* Why in the end: peers failed, or the registry did. */
static void fetch_failed(struct fetch *f, const char *why) {
        const struct world_image *image = world_image(&f->agent->world, f->name);
        bool held = image && image->n_holders > 0;
        char text[2 * SIZE_REASON];

        if (!f->why[0] || (held && !f->lacked))
                (void)snprintf(text, sizeof(text), "cannot get its image: %s", why);
        else if (!held && image && image->size_bytes > 0) /* it was here before */
                (void)snprintf(text, sizeof(text), "no board that is on has its image; %s", f->why);
        else
                (void)snprintf(text, sizeof(text), "cannot pull its image: %s", f->why);
        remember_failure(f->agent->images, f->name, text);
}

static void on_fetched(void *arg, int result, const char *why) {
        struct fetch *f = arg;
        struct agent *a = f->agent;
        struct images *m = a->images;

        if (f->link)
                peers_discard(f->link);
        puller_free(f->puller);
        m->fetch = NULL;
        if (result < 0) {
                fetch_failed(f, why);
                if (result == -ENOSPC)
                        sweep_need_room(a);
        } else {
                forget_failure(m, f->name);
                log_info("image %s has arrived", f->name);
        }
        free(f);
        images_refresh(a);
}

/* A holder that holds the line and sends nothing. */
static void check_silence(struct fetch *f) {
        if (!f->link || f->paused || agent_now() - f->heard < SILENT_USEC)
                return;
        peers_discard(f->link);
        blob_end(f, -ETIMEDOUT);
}

void images_want(struct agent *a, const struct world_image *image) {
        struct images *m = a->images;
        struct fetch *f;

        if (m->fetch)
                check_silence(m->fetch);
        if (image->n_holders == 0 &&
            keeper_puller(&a->world, image, a->board.node) != a->board.node)
                return; /* it comes from there */
        if (m->fetch || !a->containers || !is_due(m, image->name, agent_now()))
                return;
        f = calloc(1, sizeof(*f));
        if (!f)
                return;
        f->agent = a;
        (void)str_copy(f->name, sizeof(f->name), image->name);
        (void)str_copy(f->digest, sizeof(f->digest), image->digest);
        m->fetch = f;
        if (image_fetch(a->containers, f->name, f->digest, on_want, on_fetched, f, &f->engine) <
            0) {
                m->fetch = NULL;
                free(f);
        }
}

void images_keep(struct agent *a) {
        for (uint32_t i = 0; i < a->world.n_images; i++) {
                const struct world_image *image = &a->world.images[i];

                if ((keeper_next(&a->world, image) == a->board.node ||
                     keeper_puller(&a->world, image, a->board.node) == a->board.node) &&
                    !images_have(a, image->name, image->digest))
                        images_want(a, image);
        }
}

int images_open(struct agent *a) {
        a->images = calloc(1, sizeof(*a->images));
        if (!a->images)
                return -ENOMEM;
        a->images->agent = a;
        a->images->trim.data = a->images;
        return uv_timer_init(a->loop, &a->images->trim);
}

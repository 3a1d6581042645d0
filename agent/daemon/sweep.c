#include "daemon/sweep.h"

#include "base/str.h"
#include "core/image_sweep.h"
#include "daemon/api.h"
#include "daemon/images.h"
#include "daemon/reporter.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 10 * 1000 };

/* An image of the world, as this board saw it last. */
struct seen {
        char name[SIZE_IMAGE];
        usec_t used; /* when a function last named it; 0: never since the agent runs */
};

struct sweep {
        struct agent *agent;
        uv_timer_t timer;
        bool busy;              /* containerd removes one, or the leader is asked to forget it */
        bool pressed;           /* an image did not fit: one more goes, whatever is free */
        char asked[SIZE_IMAGE]; /* a copy that the leader is asked about */
        struct image_spared spared; /* on the leader: what boards drop right now */
        uint64_t bramble;
        uint32_t n;
        struct seen seen[LIMIT_IMAGES];
};

static struct seen *find(struct sweep *s, const char *name) {
        for (uint32_t i = 0; i < s->n; i++)
                if (str_eq(s->seen[i].name, name))
                        return &s->seen[i];
        return NULL;
}

static bool named(const struct agent *a, const char *name) {
        for (uint32_t i = 0; i < a->world.n_functions; i++)
                if (str_eq(a->world.functions[i].image, name))
                        return true;
        return false;
}

/* ---- taking one away ---- */

static void on_removed(void *arg, int result, const char *why) {
        struct sweep *s = arg;

        s->busy = false;
        if (result < 0 && result != -ENOENT)
                log_warning("an image cannot be removed: %s", why);
        images_refresh(s->agent);
}

static void drop(struct sweep *s, const char *name, const char *why) {
        struct agent *a = s->agent;

        if (!a->containers || image_remove(a->containers, name, on_removed, s) < 0)
                return;
        s->busy = true;
        log_info("image %s is removed from this board: %s", name, why);
}

/* ---- a copy: the leader sees to it that not all boards drop theirs at one moment ---- */

void verb_image_spare(struct request *q) {
        struct agent *a = q->agent;
        const struct world_image *image = world_image(&a->world, json_text(q->args, "name", ""));
        uint64_t node = q->link ? link_node(q->link) : a->board.node;

        if (image && str_eq(image->digest, json_text(q->args, "digest", "")) &&
            image_spare(&a->sweep->spared, image, node, agent_now()))
                request_reply(q, cJSON_CreateObject());
        else
                request_fail(q, 409, "this copy is needed");
}

static void on_spared(void *arg, int result, const char *why, const cJSON *reply) {
        struct sweep *s = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : NULL;

        s->busy = false;
        if (result < 0 || error)
                log_debug("image %s stays: %s", s->asked, error ? error : why);
        else if (!named(s->agent, s->asked))
                drop(s, s->asked, "the card fills, and no function uses it");
}

static void ask(struct sweep *s, const struct images_item *image) {
        cJSON *o = cJSON_CreateObject();

        (void)str_copy(s->asked, sizeof(s->asked), image->name);
        (void)cJSON_AddStringToObject(o, "verb", "image-spare");
        (void)cJSON_AddStringToObject(o, "name", image->name);
        (void)cJSON_AddStringToObject(o, "digest", image->digest);
        s->busy = true;
        api_run_on_leader(s->agent, o, on_spared, s);
        cJSON_Delete(o);
}

static void on_forgotten(void *arg, int result, const char *why, const cJSON *reply) {
        struct sweep *s = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : NULL;

        s->busy = false; /* the world that lacks it comes by itself */
        if (result < 0 || error)
                log_debug("an image is not forgotten: %s", error ? error : why);
}

static void forget(struct sweep *s, const char *name, const char *digest) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", "image-remove");
        (void)cJSON_AddStringToObject(o, "name", name);
        (void)cJSON_AddStringToObject(o, "digest", digest);
        s->busy = true;
        log_notice("the card fills: the bramble forgets image %s, which no function uses", name);
        api_run_on_leader(s->agent, o, on_forgotten, s);
        cJSON_Delete(o);
}

/* ---- when the card fills ---- */

static bool is_short(const struct sweep *s) {
        const struct sensors *now = reporter_sensors(s->agent);
        uint64_t limit = s->agent->config.keep_free_bytes;

        if (limit == 0)
                limit = image_sweep_limit(now->disk_bytes);
        return s->pressed || (now->disk_bytes > 0 && now->disk_free_bytes < limit);
}

static struct image_sweep_item item_of(struct sweep *s, const struct images_item *image,
                                       int64_t now_unix) {
        struct agent *a = s->agent;
        const struct world_image *w = world_image(&a->world, image->name);
        const struct seen *seen = find(s, image->name);
        struct image_sweep_item item = { .used = named(a, image->name),
                                         .known = w && str_eq(w->digest, image->digest) };

        if (image->since_unix > 0 && now_unix > image->since_unix)
                item.idle_sec = (uint64_t)(now_unix - image->since_unix);
        if (seen && seen->used && (agent_now() - seen->used) / USEC_PER_SEC < item.idle_sec)
                item.idle_sec = (agent_now() - seen->used) / USEC_PER_SEC;
        for (uint32_t i = 0; item.known && i < w->n_holders; i++)
                item.others += w->holders[i] != a->board.node;
        return item;
}

static void look(struct sweep *s) {
        struct agent *a = s->agent;
        struct image_sweep_item items[LIMIT_IMAGES];
        const struct images_item *images;
        uint32_t n = images_all(a, &images);
        size_t at;

        if (s->busy || !a->world.bramble || images_busy(a) || !is_short(s))
                return;
        for (uint32_t i = 0; i < n; i++)
                items[i] = item_of(s, &images[i], (int64_t)time(NULL));
        switch (image_sweep(items, n, &at)) {
        case IMAGE_SWEEP_NOTHING:
                break;
        case IMAGE_SWEEP_DROP:
                if (items[at].known)
                        ask(s, &images[at]);
                else
                        drop(s, images[at].name, "the card fills, and no function uses it");
                break;
        case IMAGE_SWEEP_FORGET:
                forget(s, images[at].name, images[at].digest);
                break;
        }
        s->pressed = false;
}

static void on_timer(uv_timer_t *timer) {
        look(timer->data);
}

void sweep_need_room(struct agent *a) {
        a->sweep->pressed = true;
        look(a->sweep);
}

/* ---- what the bramble forgets ---- */

void sweep_world_changed(struct agent *a) {
        struct sweep *s = a->sweep;
        const struct world *w = &a->world;
        struct seen *fresh;
        uint32_t n = 0;

        fresh = calloc(LIMIT_IMAGES, sizeof(*fresh));
        if (!fresh)
                return;
        for (uint32_t i = 0; i < w->n_images && n < LIMIT_IMAGES; i++) {
                const struct seen *old = find(s, w->images[i].name);

                fresh[n] = (struct seen){ .used = old ? old->used : 0 };
                if (named(a, w->images[i].name))
                        fresh[n].used = agent_now();
                (void)str_copy(fresh[n++].name, SIZE_IMAGE, w->images[i].name);
        }
        /* Of another bramble, or for a board that is on its way out, it says nothing about ours. */
        for (uint32_t i = 0; s->bramble && s->bramble == w->bramble && !w->fold && i < s->n; i++)
                if (!world_image(w, s->seen[i].name) && images_named(a, s->seen[i].name))
                        drop(s, s->seen[i].name, "the bramble has forgotten it");
        s->bramble = w->bramble;
        s->n = n;
        memcpy(s->seen, fresh, sizeof(s->seen));
        free(fresh);
}

int sweep_open(struct agent *a) {
        struct sweep *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->agent = a;
        a->sweep = s;
        r = uv_timer_init(a->loop, &s->timer);
        if (r < 0)
                return r;
        s->timer.data = s;
        return uv_timer_start(&s->timer, on_timer, LOOK_MS, LOOK_MS);
}

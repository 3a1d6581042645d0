#include "io/image_resolve.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { DEPTH_MAX = 3, ITEMS_MAX = 4 * IMAGE_MANIFESTS };

#define NO_PARENT SIZE_MAX

struct item {
        struct image_member member;
        uint32_t depth;
        size_t parent; /* the index that it is a member of; NO_PARENT none */
        bool found;    /* a manifest that this board can run */
        unsigned rank;
        char config[SIZE_DIGEST];
};

struct image_resolver {
        struct image_caller *k;
        image_resolved_cb done;
        void *arg;
        size_t at; /* the item that is looked at */
        size_t n;
        struct item *items;
        struct image_manifest manifest;
        struct image_index index;
        struct image_config config;
        /* Why there is no choice, the most telling reason last. */
        char other[40];            /* another machine's platform */
        char missing[SIZE_DIGEST]; /* not in the store */
        struct fail bad;           /* not understood */
};

const char *image_machine(void) {
        static struct utsname name;

        if (!name.machine[0] && uname(&name) < 0)
                return "";
        return name.machine;
}

const char *image_platform_here(void) {
        static const struct {
                const char *machine, *wide, *narrow;
        } table[] = {
                { "x86_64", "linux/amd64", "linux/amd64" },
                { "aarch64", "linux/arm64", "linux/arm/v7" },
                { "armv8l", "linux/arm/v7", "linux/arm/v7" },
                { "armv7l", "linux/arm/v7", "linux/arm/v7" },
                { "armv6l", "linux/arm/v6", "linux/arm/v6" },
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (str_eq(image_machine(), table[i].machine))
                        return sizeof(void *) == 8 ? table[i].wide : table[i].narrow;
        return "linux/unknown";
}

unsigned image_rank(const struct image_platform *p) {
        return image_platform_rank(image_machine(), 8 * sizeof(void *), p);
}

void image_resolver_free(struct image_resolver *r) {
        if (!r)
                return;
        free(r->items);
        free(r);
}

static int add(struct image_resolver *r, const struct image_member *m, const char *name,
               uint32_t depth, size_t parent) {
        struct item *items;

        if (r->n == ITEMS_MAX)
                return -EMSGSIZE;
        items = realloc(r->items, (r->n + 1) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->items = items;
        items[r->n] = (struct item){ .member = *m, .depth = depth, .parent = parent };
        if (name)
                (void)str_copy(items[r->n].member.name, SIZE_IMAGE, name);
        r->n++;
        return 0;
}

static void finish(struct image_resolver *r, int result, const char *why,
                   const struct image_choice *choices, size_t n) {
        image_resolved_cb done = r->done;
        char text[sizeof(r->bad.text)];
        void *arg = r->arg;

        (void)snprintf(text, sizeof(text), "%s", why);
        image_resolver_free(r);
        done(arg, result, text, choices, n);
}

/* Why 'name' has no manifest for this board. */
static void finish_without(struct image_resolver *r, const char *name) {
        struct fail f = { 0 };
        const char *what = name[0] ? name : "the image";

        if (r->bad.error)
                (void)fail(&f, r->bad.error, "%s", r->bad.text);
        else if (r->missing[0])
                (void)fail(&f, -ENOENT, "%.120s is not whole: %s is missing", what, r->missing);
        else if (r->other[0])
                (void)fail(&f, -ENOEXEC, "%.120s is for %s; this board is %s", what, r->other,
                           image_machine());
        else
                (void)fail(&f, -ENOENT, "%.120s holds no container image", what);
        finish(r, f.error, f.text, NULL, 0);
}

/* Build tools put papers (where it comes from, what is in it) beside an image, for a platform that
 * is called "unknown". */
static bool is_paper(const struct image_platform *p) {
        return str_eq(p->os, "unknown");
}

/* An index of one image and its papers says no more than the image. */
static bool is_for_several(const struct image_resolver *r, size_t index) {
        unsigned n = 0;

        for (size_t i = 0; i < r->n; i++)
                n += r->items[i].parent == index && !is_paper(&r->items[i].member.platform);
        return n > 1;
}

static void choose(struct image_resolver *r) {
        auto_free struct image_choice *choices = calloc(r->n ? r->n : 1, sizeof(*choices));
        size_t n = 0, c;

        if (!choices) {
                finish(r, -ENOMEM, "no memory", NULL, 0);
                return;
        }
        for (size_t i = 0; i < r->n; i++) {
                const struct item *item = &r->items[i];

                if (is_paper(&item->member.platform))
                        continue;
                for (c = 0; c < n && !str_eq(choices[c].name, item->member.name); c++)
                        ;
                if (c == n)
                        (void)str_copy(choices[n++].name, SIZE_IMAGE, item->member.name);
                if (!item->found || item->rank <= choices[c].rank)
                        continue;
                choices[c].rank = item->rank;
                (void)str_copy(choices[c].digest, SIZE_DIGEST, item->member.blob.digest);
                (void)str_copy(choices[c].config, SIZE_DIGEST, item->config);
                choices[c].index[0] = '\0';
                if (item->depth == 1 && is_for_several(r, item->parent))
                        (void)str_copy(choices[c].index, SIZE_DIGEST,
                                       r->items[item->parent].member.blob.digest);
        }
        if (n == 0) {
                finish_without(r, "");
                return;
        }
        for (c = 0; c < n; c++) {
                if (choices[c].rank == 0) {
                        finish_without(r, choices[c].name);
                        return;
                }
        }
        finish(r, 0, "", choices, n);
}

static void next(struct image_resolver *r);

static void other_platform(struct image_resolver *r, const struct image_platform *p) {
        if (is_paper(p))
                return;
        (void)snprintf(r->other, sizeof(r->other), "%.12s/%.12s%s%.10s", p->os, p->architecture,
                       p->variant[0] ? "/" : "", p->variant);
}

static void skip(struct image_resolver *r) {
        r->at++;
        next(r);
}

static void bad(struct image_resolver *r, const struct fail *f, const char *what) {
        r->bad.error = 0;
        (void)fail(&r->bad, f->error, "%s of the image %s", what, fail_text(f));
        skip(r);
}

/* True: the blob is there and readable; else it was dealt with. */
static bool have(struct image_resolver *r, int result, const char *why, const char *digest) {
        if (result == 0)
                return true;
        if (result == -ENOENT) {
                (void)str_copy(r->missing, sizeof(r->missing), digest);
                skip(r);
        } else {
                finish(r, result, why, NULL, 0);
        }
        return false;
}

static void got_config(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_resolver *r = arg;
        struct item *item = &r->items[r->at];
        struct fail f = { 0 };

        if (!have(r, result, why, item->config))
                return;
        result = image_json_config(data, len, &r->config, &f);
        if (result < 0) {
                f.error = result;
                bad(r, &f, "the configuration");
                return;
        }
        item->rank = image_rank(&r->config.platform);
        item->found = item->rank > 0;
        if (!item->found)
                other_platform(r, &r->config.platform);
        skip(r);
}

static int add_members(struct image_resolver *r, const void *data, size_t len, struct fail *f) {
        const struct item *parent = &r->items[r->at];
        size_t at = r->at;
        char name[SIZE_IMAGE];
        int result = image_json_index(data, len, &r->index, f);

        if (result == 0 && parent->depth == DEPTH_MAX)
                return fail(f, -EMSGSIZE, "is nested too deeply");
        (void)str_copy(name, sizeof(name), parent->member.name);
        for (uint32_t i = 0, depth = parent->depth + 1; result == 0 && i < r->index.n; i++)
                result = add(r, &r->index.items[i], name, depth, at);
        if (result == -EMSGSIZE)
                return fail(f, result, "lists more than %d manifests", ITEMS_MAX);
        return result;
}

static void got_document(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_resolver *r = arg;
        struct item *item = &r->items[r->at];
        struct fail f = { 0 };
        enum image_kind kind;

        if (!have(r, result, why, item->member.blob.digest))
                return;
        result = image_json_kind(data, len, &kind, &f);
        if (result == 0)
                result = kind == IMAGE_INDEX ? add_members(r, data, len, &f)
                                             : image_json_manifest(data, len, &r->manifest, &f);
        if (result < 0) {
                f.error = result;
                bad(r, &f, "the manifest");
                return;
        }
        if (kind == IMAGE_INDEX) {
                /* An index is no candidate itself; its name lives on in its members. */
                r->items[r->at].found = false;
                skip(r);
                return;
        }
        (void)str_copy(item->config, sizeof(item->config), r->manifest.config.digest);
        image_call_read(r->k, item->config, got_config, r);
}

static void next(struct image_resolver *r) {
        while (r->at < r->n) {
                const struct image_member *m = &r->items[r->at].member;

                if (!m->platform.os[0] || image_rank(&m->platform) > 0) {
                        image_call_read(r->k, m->blob.digest, got_document, r);
                        return;
                }
                other_platform(r, &m->platform);
                r->at++;
        }
        choose(r);
}

static void first(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_resolver *r = arg;

        (void)result;
        (void)why;
        (void)reply;
        next(r);
}

struct image_resolver *image_resolve(struct image_caller *k, const struct image_member *members,
                                     size_t n, image_resolved_cb done, void *arg) {
        struct image_resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return NULL;
        r->k = k;
        r->done = done;
        r->arg = arg;
        for (size_t i = 0; i < n; i++) {
                if (add(r, &members[i], NULL, 0, NO_PARENT) < 0) {
                        image_resolver_free(r);
                        return NULL;
                }
        }
        /* From the loop, so that 'done' never comes from within this function. */
        image_call_later(k, 0, first, r);
        return r;
}

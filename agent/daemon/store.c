#include "daemon/store.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/images.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_BYTES = 64 * 1024, PIECE_BYTES = 16 * 1024 };

/* ---- the list ------------------------------------------------------------------------------ */

static int open_file(const struct agent *a, const char *name) {
        char path[SIZE_PATH + 32];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", a->config.functions_dir, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int store_list(const struct agent *a, cJSON **ret, struct fail *f) {
        auto_close int fd = open_file(a, "functions.json");
        auto_free char *text = malloc(LIST_BYTES);
        size_t len = 0;
        ssize_t n = 1;

        if (fd < 0)
                return fail(f, fd, "this board has no functions of its own in %s: %s",
                            a->config.functions_dir, strerror(-fd));
        while (text && n > 0 && len < LIST_BYTES) {
                n = read(fd, text + len, LIST_BYTES - len);
                len += n > 0 ? (size_t)n : 0;
        }
        if (!text || n < 0)
                return fail(f, text ? -errno : -ENOMEM, "the list of functions cannot be read: %s",
                            text ? strerror(errno) : "no memory");
        return json_parse_object(text, len, ret, f);
}

bool store_has(const struct agent *a, const char *image) {
        auto_json cJSON *list = NULL;
        const cJSON *function, *one;
        struct fail f = { 0 };

        if (store_list(a, &list, &f) < 0)
                return false;
        cJSON_ArrayForEach(function, cJSON_GetObjectItemCaseSensitive(list, "functions")) {
                cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(function, "images")) {
                        if (cJSON_IsString(one) && str_eq(one->valuestring, image))
                                return true;
                }
        }
        return false;
}

void verb_store(struct request *q) {
        cJSON *list = NULL;
        struct fail f = { 0 };
        int r = store_list(q->agent, &list, &f);

        if (r < 0)
                request_fail(q, r == -ENOENT ? 404 : 500, "%s", fail_text(&f));
        else
                request_reply(q, list);
}

/* ---- images -------------------------------------------------------------------------------- */

struct import {
        struct agent *agent;
        struct image_import *engine;
        int fd;
        char image[SIZE_IMAGE];
        store_cb done;
        void *arg;
};

static void finish(struct import *i, int result, const char *why,
                   const struct image_imported *imported) {
        store_cb done = i->done;
        void *arg = i->arg;

        if (i->fd >= 0)
                (void)close(i->fd);
        free(i);
        done(arg, result, why, imported);
}

static void on_imported(void *arg, int result, const char *why, const struct image_imported *images,
                        size_t n) {
        struct import *i = arg;

        if (result < 0) {
                finish(i, result, why, NULL);
                return;
        }
        images_refresh(i->agent);
        for (size_t k = 0; k < n; k++) {
                if (!str_eq(images[k].name, i->image))
                        continue;
                finish(i, 0, "", &images[k]);
                return;
        }
        finish(i, -ENOENT, "the image is on the list of the store, but not in its archive", NULL);
}

/* As much as containerd takes now; on_drained() goes on. */
static void pump(void *arg) {
        struct import *i = arg;
        char piece[PIECE_BYTES];
        int r = 0;

        while (r == 0) {
                ssize_t n = read(i->fd, piece, sizeof(piece));

                if (n < 0) {
                        image_import_abort(i->engine);
                        finish(i, -errno, "the archive of the store cannot be read", NULL);
                        return;
                }
                if (n == 0) {
                        image_import_end(i->engine);
                        return;
                }
                r = image_import_write(i->engine, piece, (size_t)n);
        }
}

void store_import(struct agent *a, const char *image, store_cb done, void *arg) {
        struct import *i = calloc(1, sizeof(*i));
        int r;

        if (!i) {
                done(arg, -ENOMEM, "no memory", NULL);
                return;
        }
        *i = (struct import){ .agent = a, .done = done, .arg = arg };
        (void)str_copy(i->image, sizeof(i->image), image);
        i->fd = open_file(a, "functions.tar");
        r = i->fd < 0 ? i->fd
            : a->containers
                    ? image_import_begin(a->containers, NULL, pump, on_imported, i, &i->engine)
                    : -ENOTCONN;
        if (r == 0) {
                pump(i);
                return;
        }
        finish(i, r,
               r == -ENOTCONN ? "containerd does not answer on this board"
                              : "the archive of the store cannot be read",
               NULL);
}

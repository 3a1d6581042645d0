#include "io/image_room.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#define RESERVE_BYTES (UINT64_C(64) << 20) /* as PROBLEM_DISK_FULL */

static void found(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__PluginsResponse *plugins = (const Ctr__PluginsResponse *)reply;
        struct image_caller *k = arg;
        struct image_state *s = k->c->images;

        (void)why;
        for (size_t i = 0; result == 0 && i < plugins->n_plugins; i++) {
                const Ctr__Plugin *plugin = plugins->plugins[i];

                for (size_t e = 0; e < plugin->n_exports; e++)
                        if (str_eq(plugin->exports[e]->key, "root"))
                                (void)str_copy(s->root, sizeof(s->root), plugin->exports[e]->value);
        }
        k->next(k->next_arg, 0, "", NULL);
}

void image_room_find(struct image_caller *k, grpc_reply_cb done, void *arg) {
        static char filter[] = "type==io.containerd.content.v1", *filters[] = { filter };
        Ctr__PluginsRequest request = CTR__PLUGINS_REQUEST__INIT;

        request.n_filters = 1;
        request.filters = filters;
        k->next = done;
        k->next_arg = arg;
        if (k->c->images->root[0])
                image_call_later(k, 0, done, arg);
        else
                image_call(k, &ctr_plugins, &request.base, found, k);
}

int image_room_check(const struct image_caller *k, uint64_t bytes, struct fail *f) {
        const char *root = k->c->images->root;
        uint64_t free_bytes, reserve;
        char need[16], have[16];
        struct statvfs disk;

        if (!root[0] || statvfs(root, &disk) < 0)
                return 0; /* containerd will say what is wrong */
        if (disk.f_flag & ST_RDONLY)
                return fail(f, -EROFS, "containerd's disk is read-only");
        free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        reserve = (uint64_t)disk.f_blocks * disk.f_frsize / 20;
        if (reserve > RESERVE_BYTES)
                reserve = RESERVE_BYTES;
        if (free_bytes >= reserve && free_bytes - reserve >= bytes)
                return 0;
        free_bytes = free_bytes > reserve ? free_bytes - reserve : 0;
        return fail(f, -ENOSPC, "there is no room: the image needs %s more, %s are left",
                    str_size(need, bytes), str_size(have, free_bytes));
}

static void look(uv_timer_t *timer) {
        struct image_caller *k = timer->data;
        struct fail f = { 0 };
        int r = image_room_check(k, 0, &f);

        if (r == 0)
                return;
        image_room_unwatch(k);
        grpc_cancel(take_ptr(k->call));
        k->reply(k->reply_arg, r, "there is no room: unpacked, the image is larger than the disk",
                 NULL);
}

void image_room_watch(struct image_caller *k) {
        /* A call that could not be made has the timer, and will use it at once. */
        if (!k->call)
                return;
        k->timer->data = k;
        (void)uv_timer_start(k->timer, look, ROOM_LOOK_MS, ROOM_LOOK_MS);
}

void image_room_unwatch(struct image_caller *k) {
        (void)uv_timer_stop(k->timer);
}

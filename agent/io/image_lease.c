#include "io/image_call.h"

#include "base/str.h"
#include "io/image_room.h"
#include "io/image_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEASE_PREFIX "bramble-images-"

static bool held(const struct image_state *s, const char *id) {
        struct image_caller *k, *next;

        list_each(k, next, &s->leases, link) {
                if (str_eq(k->lease, id))
                        return true;
        }
        return false;
}

static void create(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_caller *k = arg;
        Ctr__LeaseCreateRequest request = CTR__LEASE_CREATE_REQUEST__INIT;
        struct image_state *s = k->c->images;

        (void)result;
        (void)why;
        (void)reply;
        (void)snprintf(k->lease, sizeof(k->lease), LEASE_PREFIX "%" PRIx64 "-%" PRIu64, s->seed,
                       s->n_leases++);
        k->headers[0] = (struct grpc_header){ "containerd-lease", k->lease };
        list_append(&s->leases, &k->link);
        request.id = k->lease;
        image_call(k, &ctr_leases_create, &request.base, k->begun, k->begun_arg);
}

/* An agent that was killed leaves its lease, and with it what it had begun. */
static void sweep(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__LeaseListResponse *list = (const Ctr__LeaseListResponse *)reply;
        struct image_caller *k = arg;

        if (result < 0) {
                k->begun(k->begun_arg, result, why, NULL);
                return;
        }
        k->c->images->swept = true;
        for (size_t i = 0; i < list->n_leases; i++) {
                const char *id = list->leases[i]->id;

                if (str_starts(id, LEASE_PREFIX) && !held(k->c->images, id))
                        image_lease_drop(k->c, id);
        }
        image_room_find(k, create, k);
}

void image_lease_begin(struct image_caller *k, grpc_reply_cb done, void *arg) {
        Ctr__LeaseListRequest request = CTR__LEASE_LIST_REQUEST__INIT;

        k->begun = done;
        k->begun_arg = arg;
        if (k->c->images->swept)
                image_room_find(k, create, k);
        else
                image_call(k, &ctr_leases_list, &request.base, sweep, k);
}

static void ended(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_caller *k = arg;

        if (result < 0 && result != -ENOENT)
                k->c->images->swept = false;
        list_remove(&k->link);
        k->lease[0] = '\0';
        k->next(k->next_arg, result, why, reply);
}

static void give_back(struct image_caller *k) {
        Ctr__LeaseDeleteRequest request = CTR__LEASE_DELETE_REQUEST__INIT;

        /* Also while the connection is being closed: then 'k->c' is gone before 'done' comes. */
        if (!grpc_up(k->c->grpc)) {
                k->c->images->swept = false;
                list_remove(&k->link);
                k->lease[0] = '\0';
                image_call_later(k, -ENOTCONN, k->next, k->next_arg);
                return;
        }
        request.id = k->lease;
        request.sync = true;
        image_call(k, &ctr_leases_delete, &request.base, ended, k);
}

void image_lease_end(struct image_caller *k, grpc_reply_cb done, void *arg) {
        k->next = done;
        k->next_arg = arg;
        if (!k->lease[0]) {
                image_call_later(k, 0, done, arg);
                return;
        }
        image_writers_wait(k, give_back);
}

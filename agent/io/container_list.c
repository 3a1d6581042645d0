#include "base/scope.h"
#include "base/str.h"
#include "io/container_internal.h"
#include "io/container_output.h"

#include <errno.h>
#include <string.h>

/* What containerd knows: its containers, and (asked at the same time) their tasks. */
struct listing {
        struct containers *c;
        void (*each)(void *arg, const struct container_found *f);
        container_cb done;
        void *arg;
        unsigned waiting;
        ProtobufCMessage *containers; /* Ctr__ContainerListResponse */
        ProtobufCMessage *tasks;      /* Ctr__TaskListResponse */
        int result;
        char why[320];
};

/* Our own copy of a reply. */
static ProtobufCMessage *copy_message(const ProtobufCMessage *m) {
        auto_free uint8_t *packed = malloc(protobuf_c_message_get_packed_size(m) + 1);

        if (!packed)
                return NULL;
        return protobuf_c_message_unpack(m->descriptor, NULL, protobuf_c_message_pack(m, packed),
                                         packed);
}

static const Ctr__Process *find_task(const struct listing *l, const char *id) {
        const Ctr__TaskListResponse *tasks = (const Ctr__TaskListResponse *)l->tasks;

        for (size_t i = 0; i < tasks->n_tasks; i++) {
                if (str_eq(tasks->tasks[i]->id, id) || str_eq(tasks->tasks[i]->container_id, id))
                        return tasks->tasks[i];
        }
        return NULL;
}

static enum container_status status_of(const Ctr__Process *task) {
        if (!task || task->status == CTR__TASK_STATUS__TASK_STOPPED)
                return CONTAINER_STOPPED;
        return task->status == CTR__TASK_STATUS__TASK_CREATED ? CONTAINER_CREATED
                                                              : CONTAINER_RUNNING;
}

/* From now on its exit and its output are told. */
static void adopt(struct containers *c, const char *id, enum container_status status,
                  uint32_t pid) {
        struct container *k = container_find(c, id);

        if (k || status != CONTAINER_RUNNING)
                return;
        k = container_know(c, id);
        if (!k)
                return;
        k->running = true;
        k->pid = pid;
        k->since = c->epoch;
        (void)container_output_open(k); /* without its FIFOs it runs on, silently */
}

static int tell(struct listing *l, const Ctr__Container *container) {
        const Ctr__Process *task = find_task(l, container->id);
        const struct container *k = container_find(l->c, container->id);
        auto_free const char **labels = calloc(2 * container->n_labels + 1, sizeof(*labels));
        struct container_found found = {
                .id = container->id,
                .status = status_of(task),
                .pid = task ? task->pid : 0,
                .n_labels = (uint32_t)container->n_labels,
        };

        if (!labels)
                return -ENOMEM;
        if (k && k->starting)
                return 0; /* its caller is about to hear of it */
        if (k)            /* the two answers may be older than what we know */
                found.status = k->running ? CONTAINER_RUNNING : CONTAINER_STOPPED;
        for (size_t i = 0; i < container->n_labels; i++) {
                labels[2 * i] = container->labels[i]->key;
                labels[2 * i + 1] = container->labels[i]->value;
        }
        found.labels = labels;
        adopt(l->c, container->id, found.status, found.pid);
        l->each(l->arg, &found);
        return 0;
}

static void finish(struct listing *l) {
        const Ctr__ContainerListResponse *list = (const Ctr__ContainerListResponse *)l->containers;
        int r = l->result;

        for (size_t i = 0; r == 0 && i < list->n_containers; i++)
                r = tell(l, list->containers[i]);
        l->done(l->arg, r, r == l->result ? l->why : strerror(-r));
        protobuf_c_message_free_unpacked(l->containers, NULL);
        protobuf_c_message_free_unpacked(l->tasks, NULL);
        free(l);
}

static void take(struct listing *l, ProtobufCMessage **slot, int result, const char *why,
                 const ProtobufCMessage *reply) {
        if (result == 0 && !(*slot = copy_message(reply))) {
                result = -ENOMEM;
                why = "out of memory";
        }
        if (result < 0 && l->result == 0) {
                l->result = result;
                (void)str_copy_n(l->why, sizeof(l->why), why, strnlen(why, sizeof(l->why) - 1));
        }
        if (--l->waiting == 0)
                finish(l);
}

static void on_containers(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct listing *l = arg;

        take(l, &l->containers, result, why, reply);
}

static void on_tasks(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct listing *l = arg;

        take(l, &l->tasks, result, why, reply);
}

int containers_list(struct containers *c, void (*each)(void *arg, const struct container_found *f),
                    container_cb done, void *arg) {
        Ctr__ContainerListRequest containers = CTR__CONTAINER_LIST_REQUEST__INIT;
        Ctr__TaskListRequest tasks = CTR__TASK_LIST_REQUEST__INIT;
        struct listing *l;
        int r;

        if (!c->available)
                return -ENOTCONN;
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->c = c;
        l->each = each;
        l->done = done;
        l->arg = arg;
        l->waiting = 1;
        r = grpc_unary(c->grpc, &ctr_containers_list, NULL, &containers.base, on_containers, l,
                       NULL);
        if (r < 0) {
                free(l);
                return r;
        }
        r = grpc_unary(c->grpc, &ctr_tasks_list, NULL, &tasks.base, on_tasks, l, NULL);
        if (r < 0) /* the answer of the first ends it */
                l->result = r;
        else
                l->waiting++;
        return 0;
}

#include "base/str.h"
#include "io/container_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
        BEGIN_AGAIN_MS = 2000,
        /* An exit between the first reconciliation and the moment when containerd really listens
         * for us would be missed: look once more. */
        RECONCILE_AGAIN_MS = 2000,
        OOM_MS = 100, /* the shim tells of OOM and of the exit in no fixed order */
        STATUS_KILLED = 128 + SIGKILL,
        STATUS_UNKNOWN = 255,
};

/* ---- exits ---- */

void container_tell(struct container *k) {
        struct containers *c = k->c;

        if (!k->exited || k->told || k->starting || k->tell_at_ms > uv_now(c->loop))
                return;
        k->told = true;
        if (!c->closing)
                c->ops.exited(c->arg, k->id, k->exit_status, k->oom);
}

void container_exit(struct container *k, uint32_t status) {
        struct containers *c = k->c;

        if (k->exited)
                return;
        k->exited = true;
        k->running = false;
        k->exit_status = status;
        if (status == STATUS_KILLED && !k->oom && !container_stopping(c, k->id))
                k->tell_at_ms = uv_now(c->loop) + OOM_MS;
        container_tell(k);
        containers_arm_timer(c);
}

/* ---- events ---- */

static void on_exit_event(struct containers *c, const Ctr__Any *event) {
        Ctr__TaskExit *e = ctr__task_exit__unpack(NULL, event->value.len, event->value.data);
        struct container *k;

        if (!e)
                return;
        /* an exec in the container has an id of its own */
        if (str_eq(e->id, e->container_id)) {
                k = container_find(c, e->container_id);
                if (k)
                        container_exit(k, e->exit_status);
                container_stop_exited(c, e->container_id);
        }
        ctr__task_exit__free_unpacked(e, NULL);
}

static void on_oom_event(struct containers *c, const Ctr__Any *event) {
        Ctr__TaskOOM *e = ctr__task_oom__unpack(NULL, event->value.len, event->value.data);
        struct container *k = e ? container_find(c, e->container_id) : NULL;

        if (k) {
                k->oom = true;
                k->tell_at_ms = 0;
                container_tell(k);
        }
        if (e)
                ctr__task_oom__free_unpacked(e, NULL);
}

static void on_event(void *arg, const ProtobufCMessage *message) {
        const Ctr__Envelope *e = (const Ctr__Envelope *)message;
        struct containers *c = arg;

        if (!e->event || !str_eq(e->namespace_, CTR_NAMESPACE))
                return;
        if (str_eq(e->topic, "/tasks/exit"))
                on_exit_event(c, e->event);
        else if (str_eq(e->topic, "/tasks/oom"))
                on_oom_event(c, e->event);
}

static void begin_again(struct containers *c) {
        if (c->closing || !grpc_up(c->grpc))
                return; /* a new connection begins anyway */
        c->begin_at_ms = uv_now(c->loop) + BEGIN_AGAIN_MS;
        containers_arm_timer(c);
}

static void on_events_end(void *arg, int result, const char *why) {
        struct containers *c = arg;

        (void)result;
        (void)why;
        c->events = NULL;
        begin_again(c);
}

static int subscribe(struct containers *c) {
        static const struct grpc_stream_ops ops = { .message = on_event, .done = on_events_end };
        Ctr__SubscribeRequest request = CTR__SUBSCRIBE_REQUEST__INIT;
        char *filters[] = {
                (char[]){ "namespace==" CTR_NAMESPACE ",topic==\"/tasks/exit\"" },
                (char[]){ "namespace==" CTR_NAMESPACE ",topic==\"/tasks/oom\"" },
        };
        int r;

        if (c->events)
                return 0;
        r = grpc_stream(c->grpc, &ctr_events_subscribe, NULL, &ops, c, &c->events);
        if (r < 0)
                return r;
        request.n_filters = 2;
        request.filters = filters;
        r = grpc_send(c->events, &request.base);
        if (r < 0) {
                grpc_cancel(c->events);
                c->events = NULL;
                return r;
        }
        grpc_send_end(c->events);
        return 0;
}

/* ---- reconciliation: what events did not tell ---- */

static const Ctr__Process *find_task(const Ctr__TaskListResponse *list, const char *id) {
        for (size_t i = 0; i < list->n_tasks; i++) {
                /* versions differ in which of the two they fill */
                if (str_eq(list->tasks[i]->id, id) || str_eq(list->tasks[i]->container_id, id))
                        return list->tasks[i];
        }
        return NULL;
}

static void on_tasks(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__TaskListResponse *list = (const Ctr__TaskListResponse *)reply;
        struct containers *c = arg;
        struct container *k, *next;

        if (result < 0) {
                if (!c->available && grpc_up(c->grpc))
                        containers_set_available(c, false, why);
                begin_again(c);
                return;
        }
        list_each(k, next, &c->known, link) {
                const Ctr__Process *task = find_task(list, k->id);

                /* one that began after the question is not in the answer */
                if (!k->running || k->since == c->epoch)
                        continue;
                if (!task)
                        container_exit(k, STATUS_UNKNOWN);
                else if (task->status == CTR__TASK_STATUS__TASK_STOPPED)
                        container_exit(k, task->exit_status);
                if (k->exited)
                        container_stop_exited(c, k->id);
        }
        if (!c->available) {
                containers_set_available(c, true, "");
                container_stop_trash(c);
        }
}

void container_reconcile(struct containers *c) {
        Ctr__TaskListRequest request = CTR__TASK_LIST_REQUEST__INIT;

        c->epoch++;
        if (grpc_unary(c->grpc, &ctr_tasks_list, NULL, &request.base, on_tasks, c, NULL) < 0)
                begin_again(c);
}

/* ---- the way to 'available' ---- */

static void on_namespace(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct containers *c = arg;

        (void)reply;
        if (result < 0 && result != -EEXIST) {
                if (grpc_up(c->grpc))
                        containers_set_available(c, false, why);
                begin_again(c);
                return;
        }
        if (subscribe(c) < 0) {
                begin_again(c);
                return;
        }
        container_reconcile(c);
        c->reconcile_at_ms = uv_now(c->loop) + RECONCILE_AGAIN_MS;
        containers_arm_timer(c);
}

void container_events_begin(struct containers *c) {
        Ctr__NamespaceCreateRequest request = CTR__NAMESPACE_CREATE_REQUEST__INIT;
        Ctr__Namespace namespace = CTR__NAMESPACE__INIT;
        char name[] = CTR_NAMESPACE;

        namespace.name = name;
        request.namespace_ = &namespace;
        if (grpc_unary(c->grpc, &ctr_namespaces_create, NULL, &request.base, on_namespace, c,
                       NULL) < 0)
                begin_again(c);
}

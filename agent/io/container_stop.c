#include "base/scope.h"
#include "base/str.h"
#include "io/container_internal.h"
#include "io/container_output.h"
#include "io/oci_spec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { KILL_MS = 10000 }; /* a process in uninterruptible sleep may outlive SIGKILL for a while */

/* The way of a container out of the world. */
enum phase {
        PHASE_START, /* not begun */
        PHASE_TERM,  /* signal sent, or on its way */
        PHASE_KILL,
        PHASE_TASK,
        PHASE_CONTAINER,
        PHASE_SNAPSHOT,
};

struct stop {
        struct list link; /* containers.stops */
        struct containers *c;
        char *id;
        unsigned parts; /* CLEAN_... */
        unsigned grace_ms;
        container_cb done; /* NULL: nobody waits */
        void *arg;
        enum phase phase;
        uv_timer_t timer; /* of the two phases that wait for an exit */
        bool calling;     /* a call is out */
        bool exited;
        bool ours; /* a clean-up: nobody would try again */
        bool held; /* until a start that was given up is over */
};

/* What is to be removed once containerd is back. */
struct trash {
        struct list link;
        unsigned parts;
        char id[];
};

static void enter(struct stop *s, enum phase phase);

static void on_timer_closed(uv_handle_t *handle) {
        struct stop *s = handle->data;

        free(s->id);
        free(s);
}

static void keep_trash(struct containers *c, const char *id, unsigned parts) {
        struct trash *t = malloc(sizeof(*t) + strlen(id) + 1);

        if (!t)
                return;
        t->parts = parts;
        (void)strcpy(t->id, id);
        list_append(&c->trash, &t->link);
}

static void finish(struct stop *s, int result, const char *why) {
        struct containers *c = s->c;
        bool away = result == -ENOTCONN || result == -ECONNRESET || result == -ETIMEDOUT;
        char id[OCI_ID_SIZE];

        list_remove(&s->link);
        if (result == 0 && s->parts & CLEAN_FILES)
                container_files_remove(c, s->id);
        if (away && s->ours && !c->closing)
                keep_trash(c, s->id, s->parts);
        uv_close((uv_handle_t *)&s->timer, on_timer_closed);
        (void)snprintf(id, sizeof(id), "%s", s->id);
        if (s->done)
                s->done(s->arg, result, result == 0 ? "" : why);
        if (!container_stopping(c, id))
                container_start_resume(c, id);
}

/* ---- the phases ---- */

static int call(struct stop *s, const struct grpc_method *method, const ProtobufCMessage *request,
                grpc_reply_cb reply) {
        int r = grpc_unary(s->c->grpc, method, NULL, request, reply, s, NULL);

        s->calling = r == 0;
        return r;
}

static void on_removed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct stop *s = arg;

        (void)reply;
        s->calling = false;
        if (result < 0 && result != -ENOENT) {
                finish(s, result, why);
                return;
        }
        switch (s->phase) {
        case PHASE_TASK:
                /* the shim has copied all output by now */
                container_forget(container_find(s->c, s->id));
                enter(s, PHASE_CONTAINER);
                break;
        case PHASE_CONTAINER:
                enter(s, PHASE_SNAPSHOT);
                break;
        case PHASE_START:
        case PHASE_TERM:
        case PHASE_KILL:
        case PHASE_SNAPSHOT:
                finish(s, 0, "");
                break;
        }
}

static int remove_task(struct stop *s) {
        Ctr__TaskDeleteRequest request = CTR__TASK_DELETE_REQUEST__INIT;

        request.container_id = s->id;
        return call(s, &ctr_tasks_delete, &request.base, on_removed);
}

static int remove_container(struct stop *s) {
        Ctr__ContainerDeleteRequest request = CTR__CONTAINER_DELETE_REQUEST__INIT;

        request.id = s->id;
        return call(s, &ctr_containers_delete, &request.base, on_removed);
}

static int remove_snapshot(struct stop *s) {
        Ctr__SnapshotKeyRequest request = CTR__SNAPSHOT_KEY_REQUEST__INIT;

        request.snapshotter = (char[]){ CTR_SNAPSHOTTER };
        request.key = s->id;
        return call(s, &ctr_snapshots_remove, &request.base, on_removed);
}

static void on_waited(uv_timer_t *timer) {
        struct stop *s = timer->data;

        enter(s, s->phase == PHASE_TERM ? PHASE_KILL : PHASE_TASK);
}

/* The signal is delivered; the exit event moves on, or the timer. */
static void on_killed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct stop *s = arg;

        (void)why;
        (void)reply;
        s->calling = false;
        /* no such task, one that ended before, or a shim that is dead: removing it tells more */
        if (result < 0 || s->exited)
                enter(s, PHASE_TASK);
        else
                (void)uv_timer_start(&s->timer, on_waited,
                                     s->phase == PHASE_TERM ? s->grace_ms : KILL_MS, 0);
}

static int send_signal(struct stop *s) {
        Ctr__TaskKillRequest request = CTR__TASK_KILL_REQUEST__INIT;

        request.container_id = s->id;
        request.signal = s->phase == PHASE_TERM ? SIGTERM : SIGKILL;
        return call(s, &ctr_tasks_kill, &request.base, on_killed);
}

static void enter(struct stop *s, enum phase phase) {
        int r = 0;

        (void)uv_timer_stop(&s->timer);
        if (phase == PHASE_TERM && !(s->parts & CLEAN_TASK))
                phase = PHASE_CONTAINER;
        if (phase == PHASE_TERM && s->grace_ms == 0)
                phase = PHASE_KILL;
        if (phase == PHASE_CONTAINER && !(s->parts & CLEAN_CONTAINER))
                phase = PHASE_SNAPSHOT;
        s->phase = phase;
        switch (phase) {
        case PHASE_START:
                return;
        case PHASE_TERM:
        case PHASE_KILL:
                r = send_signal(s);
                break;
        case PHASE_TASK:
                r = remove_task(s);
                break;
        case PHASE_CONTAINER:
                r = remove_container(s);
                break;
        case PHASE_SNAPSHOT:
                if (s->parts & CLEAN_SNAPSHOT)
                        r = remove_snapshot(s);
                else
                        finish(s, 0, "");
                break;
        }
        if (r < 0)
                finish(s, r, r == -ENOTCONN ? "containerd does not answer" : strerror(-r));
}

/* ---- what others see ---- */

void container_stop_exited(struct containers *c, const char *id) {
        struct stop *s, *next;

        list_each(s, next, &c->stops, link) {
                if (!str_eq(s->id, id) || (s->phase != PHASE_TERM && s->phase != PHASE_KILL))
                        continue;
                s->exited = true;
                if (!s->calling)
                        enter(s, PHASE_TASK);
        }
}

bool container_stopping(struct containers *c, const char *id) {
        struct stop *s, *next;

        list_each(s, next, &c->stops, link) {
                if (str_eq(s->id, id) && !s->held)
                        return true;
        }
        return false;
}

static int new_stop(struct containers *c, const char *id, unsigned parts, unsigned grace_ms,
                    container_cb done, void *arg, struct stop **ret) {
        struct stop *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->id = strdup(id);
        if (!s->id) {
                free(s);
                return -ENOMEM;
        }
        s->c = c;
        s->parts = parts;
        s->grace_ms = grace_ms;
        s->done = done;
        s->arg = arg;
        (void)uv_timer_init(c->loop, &s->timer); /* cannot fail */
        s->timer.data = s;
        list_append(&c->stops, &s->link);
        *ret = s;
        return 0;
}

static void on_begin(uv_timer_t *timer) {
        struct stop *s = timer->data;

        enter(s, s->exited ? PHASE_TASK : PHASE_TERM);
}

/* From the loop: 'done' must not come before the caller knows that it will. */
static void begin(struct stop *s) {
        (void)uv_timer_start(&s->timer, on_begin, 0, 0);
}

int container_stop(struct containers *c, const char *id, unsigned grace_ms, container_cb done,
                   void *arg) {
        struct container *k = container_find(c, id);
        struct stop *s;
        int r;

        if (!oci_id_valid(id))
                return -EINVAL;
        if (!c->available)
                return -ENOTCONN;
        r = new_stop(c, id, CLEAN_ALL, grace_ms, done, arg, &s);
        if (r < 0)
                return r;
        s->held = container_start_cancel(c, id);
        s->exited = k && k->exited;
        if (!s->held)
                begin(s);
        return 0;
}

void container_stop_resume(struct containers *c, const char *id) {
        struct stop *s, *next;

        list_each(s, next, &c->stops, link) {
                if (!s->held || !str_eq(s->id, id))
                        continue;
                s->held = false;
                begin(s);
        }
}

int container_clean(struct containers *c, const char *id, unsigned parts, container_cb done,
                    void *arg) {
        struct stop *s;
        int r;

        if (!grpc_up(c->grpc)) {
                if (!c->closing)
                        keep_trash(c, id, parts);
                return -ENOTCONN;
        }
        r = new_stop(c, id, parts, 0, done, arg, &s);
        if (r < 0)
                return r;
        s->ours = true;
        begin(s);
        return 0;
}

void container_stop_trash(struct containers *c) {
        struct list mine;
        struct trash *t, *next;

        list_init(&mine);
        list_each(t, next, &c->trash, link) {
                list_remove(&t->link);
                list_append(&mine, &t->link);
        }
        list_each(t, next, &mine, link) {
                (void)container_clean(c, t->id, t->parts, NULL, NULL);
                list_remove(&t->link);
                free(t);
        }
}

void container_stop_end_all(struct containers *c) {
        struct trash *t, *next_trash;
        struct stop *s, *next;

        list_each(s, next, &c->stops, link) finish(s, -ECANCELED, "the agent stops");
        list_each(t, next_trash, &c->trash, link) {
                list_remove(&t->link);
                free(t);
        }
}

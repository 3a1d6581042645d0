/* kube_join - a board asks a control plane to be let into the cluster, and a control plane answers.
 * What is said goes over mutual TLS: the token and, to another control plane, the keys. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/kube_private.h"
#include "daemon/kube_snapshots.h"
#include "io/file_text.h"
#include "io/json.h"
#include "io/kube_node.h"
#include "io/kube_token.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_SEC = 60 };
#define API_USEC (20 * USEC_PER_SEC)

/* ---- the asking side ------------------------------------------------------------------------- */

/* Certificates begin now by the clock of who makes them: ours must not be far from it. */
static bool clock_agrees(struct kube_job *j, const cJSON *reply) {
        const cJSON *wall = cJSON_GetObjectItemCaseSensitive(reply, "wall_sec");
        int64_t behind =
                cJSON_IsNumber(wall) ? (int64_t)wall->valuedouble - (int64_t)time(NULL) : 0;
        char text[16];

        if (behind <= KUBE_CLOCK_SKEW_SEC && behind >= -KUBE_CLOCK_SKEW_SEC)
                return true;
        kube_job_fail(j, "waiting for clock: it is %s %s the control plane's",
                      str_duration(text, (uint64_t)(behind > 0 ? behind : -behind)),
                      behind > 0 ? "behind" : "ahead of");
        return false;
}

static void on_answer(void *arg, int result, const char *why, const cJSON *reply) {
        struct kube_job *j = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : why;

        j->ask = NULL;
        if (result < 0 || error) {
                kube_job_fail(j, "the control plane: %s", error);
                return;
        }
        if (!clock_agrees(j, reply))
                return;
        if (str_copy(j->token, sizeof(j->token), json_text(reply, "token", "")) < 0 ||
            str_copy(j->ca_hash, sizeof(j->ca_hash), json_text(reply, "ca_hash", "")) < 0 ||
            !j->token[0] || !j->ca_hash[0]) {
                kube_job_fail(j, "the control plane's answer makes no sense");
                return;
        }
        j->pki = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(reply, "pki"), true);
        kube_job_next(j);
}

int kube_step_ask(struct kube_job *j) {
        struct agent *a = j->k->agent;
        const struct world_kube *w = &a->world.kube;
        auto_json cJSON *o = cJSON_CreateObject();
        int r = -EHOSTUNREACH;

        (void)cJSON_AddStringToObject(o, "verb", "kube-join");
        (void)cJSON_AddStringToObject(o, "name", a->name);
        (void)cJSON_AddBoolToObject(o, "plane", j->plane);
        for (uint32_t i = 0; i < w->n_planes && r < 0; i++) {
                const struct world_member *m = world_member(&a->world, w->planes[i]);

                if (m && m->up && m->api && m->node != a->board.node)
                        r = api_ask_board(a, m->node, o, ANSWER_SEC, on_answer, j, &j->ask);
        }
        return r < 0 ? kube_job_no(j, "no control plane can be asked") : KUBE_STEP_WAIT;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void on_left(void *arg, int result, const char *why, const cJSON *reply) {
        struct kube_job *j = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : why;

        j->ask = NULL;
        if (result < 0 || error)
                kube_job_fail(j, "the other control planes do not let it go: %s", error);
        else
                kube_job_next(j);
}

/* One control plane of several: etcd must not count on a member that will be gone. */
int kube_step_leave(struct kube_job *j) {
        struct agent *a = j->k->agent;
        const struct world_kube *w = &a->world.kube;
        const struct kube_marker *m = &j->k->seen.marker;
        auto_json cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", "kube-leave");
        (void)cJSON_AddStringToObject(o, "name", m->name);
        if (m->role != KUBE_ROLE_PLANE || m->epoch != w->epoch || m->bramble != a->bramble)
                return KUBE_STEP_NEXT; /* of another cluster: that one knows nothing of it */
        for (uint32_t i = 0; i < w->n_planes; i++) {
                const struct world_member *plane = world_member(&a->world, w->planes[i]);

                if (plane && plane->up && plane->api && plane->node != a->board.node &&
                    api_ask_board(a, plane->node, o, ANSWER_SEC, on_left, j, &j->ask) == 0)
                        return KUBE_STEP_WAIT;
        }
        return KUBE_STEP_NEXT; /* nobody is left whom it could harm */
}

/* ---- the answering side ---------------------------------------------------------------------- */

struct invitation {
        struct request *q;
        struct kube *k;
        char token[SIZE_KUBE_TOKEN]; /* a secret */
        bool plane;
};

static void invitation_free(struct invitation *i) {
        request_unref(i->q);
        explicit_bzero(i->token, sizeof(i->token));
        free(i);
}

static cJSON *pki_json(struct kube *k) {
        cJSON *o = cJSON_CreateObject();

        for (size_t n = 0; kube_pki_files[n]; n++) {
                auto_buf struct buf text = { 0 };
                char path[64];

                (void)snprintf(path, sizeof(path), "etc/kubernetes/pki/%s", kube_pki_files[n]);
                if (file_text_read(k->root_fd, path, 64 * 1024, &text) == 0 && text.data)
                        (void)cJSON_AddStringToObject(o, kube_pki_files[n], text.data);
                if (text.data)
                        explicit_bzero(text.data, text.len);
        }
        return o;
}

static void on_token(void *arg, int result, const char *why, unsigned status, const char *body,
                     size_t len) {
        struct invitation *i = arg;
        cJSON *o;

        (void)body;
        (void)len;
        if (result < 0 || status != 201) {
                request_fail(i->q, 503, "no token could be made: %s",
                             result < 0 ? why : "the API server refused it");
                invitation_free(i);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "token", i->token);
        (void)cJSON_AddStringToObject(o, "ca_hash", i->k->seen.files.ca_hash);
        (void)cJSON_AddNumberToObject(o, "wall_sec", (double)time(NULL));
        if (i->plane)
                (void)cJSON_AddItemToObject(o, "pki", pki_json(i->k));
        request_reply(i->q, o);
        invitation_free(i);
}

static void make_token(struct invitation *i) {
        struct kube_api_ask ask = { .method = "POST",
                                    .path = KUBE_SECRETS_PATH,
                                    .type = "application/json",
                                    .timeout_usec = API_USEC };
        char *body = NULL;
        int r = kube_token_make(i->token);

        if (r == 0)
                r = kube_token_secret(i->token, (int64_t)time(NULL) + KUBE_TOKEN_SEC, &body,
                                      &ask.len);
        if (r == 0) {
                ask.body = body;
                r = i->k->admin ? kube_api_request(i->k->admin, &ask, on_token, i, NULL)
                                : -ENOTCONN;
                explicit_bzero(body, ask.len);
        }
        free(body);
        if (r < 0) {
                request_fail_errno(i->q, r, "this board's API server cannot be asked");
                invitation_free(i);
        }
}

static void on_deleted(void *arg, int result, const char *why, unsigned status, const char *body,
                       size_t len) {
        struct invitation *i = arg;

        (void)body;
        (void)len;
        if (result == 0 && (status < 300 || status == 404)) {
                make_token(i);
                return;
        }
        request_fail(i->q, 503, "an old node of that name could not be removed: %s",
                     result < 0 ? why : "the API server refused it");
        invitation_free(i);
}

static void delete_node(struct invitation *i) {
        char path[SIZE_KUBE_PATH];
        struct kube_api_ask ask = { .method = "DELETE", .path = path, .timeout_usec = API_USEC };

        if (i->k->admin && kube_node_path(json_text(i->q->args, "name", ""), path) == 0 &&
            kube_api_request(i->k->admin, &ask, on_deleted, i, NULL) == 0)
                return;
        request_fail(i->q, 503, "the API server of %s is too busy: try again", i->k->agent->name);
        invitation_free(i);
}

/* Whose pod of etcd's is none of the planes': it is being taken out (kube_nodes). */
static bool is_leftover(const struct invitation *i, const char *node) {
        const struct agent *a = i->k->agent;

        for (uint32_t n = 0; n < a->world.kube.n_planes; n++) {
                const struct world_member *m = world_member(&a->world, a->world.kube.planes[n]);

                if (m && str_eq(m->name, node))
                        return false;
        }
        return true;
}

static void on_etcd_pods(void *arg, int result, const char *why, unsigned status, const char *body,
                         size_t len) {
        struct invitation *i = arg;
        auto_json cJSON *o = NULL;
        const cJSON *pod;

        if (result < 0 || status != 200 || json_parse_object(body, len, &o, NULL) < 0) {
                request_fail(i->q, 503, "the members of etcd could not be listed: %s", why);
                invitation_free(i);
                return;
        }
        cJSON_ArrayForEach(pod, cJSON_GetObjectItemCaseSensitive(o, "items")) {
                const cJSON *spec = cJSON_GetObjectItemCaseSensitive(pod, "spec");
                const char *node = json_text(spec, "nodeName", "");

                if (str_eq(node, json_text(i->q->args, "name", "")))
                        kube_nodes_forget_etcd(i->k, node); /* of its earlier life */
                if (!is_leftover(i, node))
                        continue;
                kube_nodes_again(i->k);
                request_fail(i->q, 503, "%.63s is still being taken out of etcd", node);
                invitation_free(i);
                return;
        }
        delete_node(i);
}

/* kubeadm adds no member while one that it knows of does not answer. */
static void look_for_leftovers(struct invitation *i) {
        struct kube_api_ask ask = { .method = "GET",
                                    .path = "/api/v1/namespaces/kube-system/pods?labelSelector="
                                            "component%3Detcd",
                                    .timeout_usec = API_USEC };

        if (i->k->admin && kube_api_request(i->k->admin, &ask, on_etcd_pods, i, NULL) == 0)
                return;
        request_fail(i->q, 503, "the API server is too busy: try again");
        invitation_free(i);
}

static void on_member_gone(void *arg, const char *error) {
        struct invitation *i = arg;

        if (!error[0]) {
                look_for_leftovers(i);
                return;
        }
        request_fail(i->q, 503, "its old member of etcd could not be removed: %s", error);
        invitation_free(i);
}

/* A board that asks to join has nothing of a node: a Node of its name is of an earlier life (a
 * card that was flashed again), and kubeadm refuses a name that is still Ready; the same goes for a
 * member of etcd. */
void verb_kube_join(struct request *q) {
        struct agent *a = q->agent;
        struct kube *k = a->kube;
        uint64_t node = q->link ? link_node(q->link) : 0;
        const struct world_member *m = world_member(&a->world, node);
        const char *name = json_text(q->args, "name", "");
        struct invitation *i;

        if (!m || !str_eq(m->name, name)) {
                request_fail(q, 403, "only a board of this bramble may join, under its own name");
                return;
        }
        if (!k->admin || k->seen.api != KUBE_HEALTH_GOOD) {
                request_fail(q, 503, "the API server of %s does not answer yet", a->name);
                return;
        }
        i = calloc(1, sizeof(*i));
        if (!i) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        i->q = request_ref(q);
        i->k = k;
        i->plane = json_bool(q->args, "plane") && world_kube_carries(&a->world.kube, node);
        log_info("kubernetes: %s is let into the cluster%s", name,
                 i->plane ? " as a control plane" : "");
        if (!i->plane)
                delete_node(i);
        else if (kube_snapshots_remove_member(a, name, on_member_gone, i) < 0)
                on_member_gone(i, "try again");
}

static void on_let_go(void *arg, const char *error) {
        struct request *q = arg;

        if (error[0])
                request_fail(q, 503, "%s", error);
        else
                request_reply(q, cJSON_CreateObject());
        request_unref(q);
}

/* Another control plane is going to be reset. */
void verb_kube_leave(struct request *q) {
        const struct world_member *m =
                world_member(&q->agent->world, q->link ? link_node(q->link) : 0);
        int r;

        if (!m || !q->agent->kube->admin) {
                request_fail(q, 403, "only a board of this bramble may leave its control plane");
                return;
        }
        r = kube_snapshots_remove_member(q->agent, m->name, on_let_go, request_ref(q));
        if (r < 0)
                on_let_go(q, "try again");
}

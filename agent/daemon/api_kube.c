/* api_kube - what a person asks about the Kubernetes cluster: a kubeconfig, taking it off. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/kube_private.h"
#include "daemon/status_json.h"
#include "io/json.h"
#include "io/kubeconfig.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESET_ASK_SEC = 30 };

/* ---- kubeconfig ------------------------------------------------------------------------------ */

static const char *plane_name(const struct agent *a) {
        const struct world_kube *w = &a->world.kube;

        for (uint32_t i = 0; i < w->n_planes; i++) {
                const struct world_member *m = world_member(&a->world, w->planes[i]);

                if (m && m->up && m->api)
                        return m->name;
        }
        return NULL;
}

/* Its keys never leave the board that has them for another board, only for the person who asks
 * there: a workstation with an admin certificate, or a shell on that board. */
void verb_kubeconfig(struct request *q) {
        struct agent *a = q->agent;
        struct kube *k = a->kube;
        const char *plane = plane_name(a);
        char *text = NULL, *mine = NULL, url[48], address[16];
        struct fail f = { 0 };
        cJSON *o;
        size_t len;
        int r;

        if (!kube_files_have(&k->seen.files, KUBE_HAS_ADMIN_CONF)) {
                if (plane)
                        request_fail(q, 409,
                                     "%s carries the control plane: agentctl --host %s.local "
                                     "kubeconfig, or ask there",
                                     plane, plane);
                else
                        request_fail(q, 404,
                                     "this bramble has no Kubernetes cluster that answers: "
                                     "agentctl status says why");
                return;
        }
        (void)snprintf(url, sizeof(url), "https://%s:%d", status_ipv4(address, a->lan.address),
                       KUBE_API_PORT);
        r = kubeconfig_read_text(k->root_fd, "/etc/kubernetes/admin.conf", &text, &len, &f);
        if (r == 0)
                r = kubeconfig_rewrite(text, len, url, NULL, &mine, &f);
        kubeconfig_wipe(text);
        if (r < 0) {
                request_fail_errno(q, r, fail_text(&f));
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "kubeconfig", mine);
        kubeconfig_wipe(mine);
        request_reply(q, o);
}

/* ---- reset ----------------------------------------------------------------------------------- */

/* The file that keeps Kubernetes off this board over a reboot. */
static int set_off(struct agent *a, bool off) {
        char path[SIZE_PATH + 16];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/kube/off", a->config.state_dir);
        if (!off)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        (void)close(fd);
        return 0;
}

static void reset_here(struct request *q) {
        struct agent *a = q->agent;
        struct kube *k = a->kube;
        const struct world_kube *w = &a->world.kube;
        bool rejoin = json_bool(q->args, "rejoin");
        int r;

        if (k->seen.marker.epoch == 0 && k->seen.files.has & KUBE_NODE_FILES) {
                request_fail(q, 409,
                             "what is on %s was set up by hand and is left alone: kubeadm reset",
                             a->name);
                return;
        }
        /* right after a start nobody has said yet how many there are */
        if (k->seen.marker.epoch > 0 && k->seen.marker.role == KUBE_ROLE_PLANE && !w->off &&
            (!k->told || w->n_planes <= 1)) {
                request_fail(q, 409,
                             "%s carries the only control plane, and the cluster would end: "
                             "agentctl promote another board first, or agentctl reset --all",
                             a->name);
                return;
        }
        r = set_off(a, !rejoin);
        if (r < 0) {
                request_fail_errno(q, r, "");
                return;
        }
        log_notice("kubernetes: a person takes it off this board%s",
                   rejoin ? ", to join anew" : "");
        k->reset_once = rejoin && k->seen.marker.epoch > 0;
        kube_facts_again(k);
        request_reply(q, cJSON_CreateObject());
}

/* Another board passes on what a person asked it. */
void verb_kube_reset(struct request *q) {
        reset_here(q);
}

static void on_answer(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;

        if (result < 0)
                request_fail_errno(q, result, why);
        else
                request_reply(q, cJSON_Duplicate(reply, true));
        request_unref(q);
}

static void everywhere(struct request *q) {
        auto_json cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", "kube-off");
        (void)cJSON_AddBoolToObject(o, "off", !json_bool(q->args, "rejoin"));
        api_run_on_leader(q->agent, o, on_answer, request_ref(q));
}

void verb_reset(struct request *q) {
        struct agent *a = q->agent;
        const char *board = json_text(q->args, "board", "");
        const struct world_member *m;
        auto_json cJSON *o = NULL;
        int r;

        if (json_bool(q->args, "all")) {
                everywhere(q);
                return;
        }
        if (!board[0] || str_eq(board, a->name)) {
                reset_here(q);
                return;
        }
        m = world_member_by_name(&a->world, board);
        if (!m) {
                request_fail(q, 404, "no board is called '%.63s': agentctl status", board);
                return;
        }
        o = cJSON_Duplicate(q->args, true);
        (void)cJSON_ReplaceItemInObjectCaseSensitive(o, "verb", cJSON_CreateString("kube-reset"));
        r = api_ask_board(a, m->node, o, RESET_ASK_SEC, on_answer, request_ref(q), NULL);
        if (r < 0)
                on_answer(q, r, "that board cannot be reached", NULL);
}

/* kube_job - runs an action of kube_plan: a table of steps, one after the other. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_private.h"
#include "daemon/api.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kube_step *const tables[KUBE_ACTION_MAX] = {
        [KUBE_DO_ADOPT] = kube_adopt_steps,         [KUBE_DO_INIT] = kube_init_steps,
        [KUBE_DO_REBUILD] = kube_rebuild_steps,     [KUBE_DO_TELL] = kube_tell_steps,
        [KUBE_DO_JOIN] = kube_join_steps,           [KUBE_DO_JOIN_PLANE] = kube_join_plane_steps,
        [KUBE_DO_FOLLOW] = kube_follow_steps,       [KUBE_DO_RESET] = kube_reset_steps,
        [KUBE_DO_START_KUBELET] = kube_start_steps, [KUBE_DO_RESTART_KUBELET] = kube_restart_steps,
        [KUBE_DO_STOP_KUBELET] = kube_stop_steps,   [KUBE_DO_RENEW] = kube_renew_steps,
};

static const char *const secret_files[] = { "kubeadm.yaml", "kubeadm-images.yaml" };

void kube_job_clean(const struct agent *a) {
        for (size_t i = 0; i < ARRAY_SIZE(secret_files); i++) {
                char path[SIZE_PATH + 48];

                (void)snprintf(path, sizeof(path), "%s/%s", a->config.run_dir, secret_files[i]);
                (void)unlink(path);
        }
}

/* Gone with the next turn of the loop; nothing of it calls back any more. */
static void over(struct kube_job *j) {
        struct kube *k = j->k;
        char why[SIZE_REASON];

        (void)str_copy(why, sizeof(why), j->why);
        k->job = NULL;
        process_free(j->process);
        api_ask_cancel(j->ask);
        kube_job_clean(k->agent);
        free(j->pods);
        cJSON_Delete(j->pki);
        explicit_bzero(j->token, sizeof(j->token));
        free(j);
        kube_job_over(k, why);
}

static void advance(struct kube_job *j) {
        int r = KUBE_STEP_NEXT;

        while (r == KUBE_STEP_NEXT && j->steps->run) {
                const struct kube_step *step = j->steps++;

                j->forgive = false;
                if (step->progress) {
                        kube_plan_progress(&j->k->plan, step->progress);
                        agent_report_soon(j->k->agent);
                }
                r = step->run(j);
        }
        if (r != KUBE_STEP_WAIT)
                over(j);
}

void kube_job_next(struct kube_job *j) {
        advance(j);
}

__attribute__((format(printf, 2, 0))) static void no(struct kube_job *j, const char *format,
                                                     va_list args) {
        (void)vsnprintf(j->why, sizeof(j->why), format, args);
        if (!j->why[0])
                (void)str_copy(j->why, sizeof(j->why), "no reason given");
}

int kube_job_no(struct kube_job *j, const char *format, ...) {
        va_list args;

        va_start(args, format);
        no(j, format, args);
        va_end(args);
        return -ECANCELED;
}

void kube_job_fail(struct kube_job *j, const char *format, ...) {
        va_list args;

        va_start(args, format);
        no(j, format, args);
        va_end(args);
        over(j);
}

void kube_job_start(struct kube *k, enum kube_action action) {
        struct kube_job *j = calloc(1, sizeof(*j));

        if (!j) {
                kube_job_over(k, "no memory");
                return;
        }
        j->k = k;
        j->action = action;
        j->steps = tables[action];
        j->plane =
                action == KUBE_DO_INIT || action == KUBE_DO_REBUILD || action == KUBE_DO_JOIN_PLANE;
        k->job = j;
        log_info("kubernetes: %s", kube_action_text(action));
        advance(j);
}

/* ---- programs -------------------------------------------------------------------------------- */

static void on_end(void *arg, const struct process_end *end) {
        struct kube_job *j = arg;

        process_free(take_ptr(j->process));
        if (j->forgive && !end->timed_out)
                kube_job_next(j);
        else if (end->timed_out)
                kube_job_fail(j, "%s took too long and was ended", j->program);
        else if (end->signal)
                kube_job_fail(j, "%s was killed by signal %d", j->program, end->signal);
        else if (end->status != 0)
                kube_job_fail(j, "%s", j->output.last[0] ? j->output.last : "exit status not 0");
        else
                kube_job_next(j);
}

/* Whatever is run: its last line is the reason where it fails. */
static void on_line(void *arg, bool errors, const char *text, size_t len) {
        struct kube_job *j = arg;
        char shown[KUBEADM_LINE];

        (void)errors;
        (void)kubeadm_output_line(&j->output, text, len, shown);
        if (shown[0])
                log_debug("kubernetes: %s", shown);
}

static int start(struct kube_job *j, const char *const *argv, unsigned timeout_sec,
                 process_line_cb line, process_end_cb end) {
        static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/"
                                           "usr/local/bin:/usr/lib/bramble",
                                           "LANG=C.UTF-8", "HOME=/root", NULL };
        struct process_config config = { .argv = argv,
                                         .env = env,
                                         .timeout_ms = timeout_sec * 1000 };
        struct fail f = { 0 };

        const char *slash = strrchr(argv[0], '/');

        (void)snprintf(j->program, sizeof(j->program), "%s", slash ? slash + 1 : argv[0]);
        memset(&j->output, 0, sizeof(j->output));
        if (process_start(j->k->agent->loop, &config, line, end, j, &j->process, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        return KUBE_STEP_WAIT;
}

int kube_job_run(struct kube_job *j, const char *const *argv, unsigned timeout_sec,
                 process_line_cb line) {
        return start(j, argv, timeout_sec, line ? line : on_line, on_end);
}

static void on_kubeadm_line(void *arg, bool errors, const char *text, size_t len) {
        struct kube_job *j = arg;
        char shown[KUBEADM_LINE];

        (void)errors;
        if (kubeadm_output_line(&j->output, text, len, shown) && j->output.progress) {
                kube_plan_progress(&j->k->plan, j->output.progress);
                agent_report_soon(j->k->agent);
        }
        if (shown[0])
                log_info("kubeadm: %s", shown);
}

static void on_kubeadm_end(void *arg, const struct process_end *end) {
        struct kube_job *j = arg;
        char reason[SIZE_REASON];

        process_free(take_ptr(j->process));
        if (j->forgive) {
                if (end->status != 0)
                        log_notice("kubernetes: kubeadm reset: %s; going on",
                                   kubeadm_output_reason(&j->output, reason));
                kube_job_next(j);
        } else if (end->timed_out)
                kube_job_fail(j, "kubeadm took too long and was ended");
        else if (end->signal)
                kube_job_fail(j, "kubeadm was killed by signal %d", end->signal);
        else if (end->status != 0)
                kube_job_fail(j, "%s", kubeadm_output_reason(&j->output, reason));
        else
                kube_job_next(j);
}

int kube_job_kubeadm(struct kube_job *j, const struct kubeadm_call *call, unsigned timeout_sec) {
        struct kubeadm_arguments arguments;
        struct fail f = { 0 };

        if (kubeadm_arguments(call, &arguments, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        return start(j, arguments.argv, timeout_sec, on_kubeadm_line, on_kubeadm_end);
}

/* ---- files ----------------------------------------------------------------------------------- */

const char *kube_job_path(struct kube_job *j, const char *name) {
        static char paths[4][SIZE_PATH + 48];
        static unsigned next;
        char *path = paths[++next % ARRAY_SIZE(paths)];

        (void)snprintf(path, sizeof(paths[0]), "%s/%s", j->k->agent->config.run_dir, name);
        return path;
}

int kube_job_file(struct kube_job *j, const char *name, const struct buf *content) {
        const char *path = kube_job_path(j, name);
        auto_close int fd = -EBADF;

        (void)unlink(path);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || write(fd, content->data, content->len) != (ssize_t)content->len)
                return kube_job_no(j, "cannot write %s: %s", path, strerror(errno));
        return 0;
}

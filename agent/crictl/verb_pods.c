/* verb_pods - pods and their containers: list, stop, remove. */
#include "crictl/crictl.h"

#include "base/scope.h"

#include <regex.h>
#include <stdio.h>

#define POD_ROW       "%-14s %-14s %-9s %-40s %-20s %s\n"
#define CONTAINER_ROW "%-14s %-40s %-14s %-9s %-30s %-8s %s\n"

/* As much of an id as people need. */
static const char *brief(const char *id) {
        char text[14];

        (void)snprintf(text, sizeof(text), "%.13s", id);
        return crictl_safe(text);
}

static void on_pods(void *arg, int result, const char *why, const struct cri_pod *pods, size_t n) {
        struct crictl *c = arg;

        if (result == 0 && !c->o->quiet)
                printf(POD_ROW, "POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT");
        for (size_t i = 0; i < n; i++) {
                const struct cri_pod *p = &pods[i];
                char attempt[12];

                (void)snprintf(attempt, sizeof(attempt), "%u", (unsigned)p->attempt);
                if (c->o->quiet)
                        printf("%s\n", crictl_safe(p->id));
                else
                        printf(POD_ROW, brief(p->id), crictl_age(p->created_at_ns),
                               p->ready ? "Ready" : "NotReady", crictl_safe(p->name),
                               crictl_safe(p->namespace), attempt);
        }
        crictl_end(c, result, why);
}

int verb_pods(struct crictl *c, char **names) {
        (void)names;
        return crictl_wait(c, cri_pods(c->cri, NULL, on_pods, c), "list the pods", NULL);
}

static int stop(struct crictl *c, const char *id) {
        return crictl_wait(c, cri_pod_stop(c->cri, id, crictl_on_done, c), "stop pod", id);
}

int verb_stopp(struct crictl *c, char **names) {
        int status = CRICTL_DONE;

        for (; *names; names++) {
                if (stop(c, *names) == CRICTL_DONE)
                        printf("Stopped sandbox %s\n", crictl_safe(*names));
                else
                        status = CRICTL_FAILED;
        }
        return status;
}

static void on_running(void *arg, int result, const char *why, const struct cri_pod *pods,
                       size_t n) {
        struct crictl *c = arg;

        c->found = false;
        for (size_t i = 0; i < n; i++)
                c->found = c->found || pods[i].ready;
        crictl_end(c, result, why);
}

/* The runtime itself would remove a pod that runs without a word. */
static int may_remove(struct crictl *c, const char *id) {
        if (crictl_wait(c, cri_pods(c->cri, id, on_running, c), "look for pod", id) != CRICTL_DONE)
                return CRICTL_FAILED;
        if (c->found)
                return crictl_fail("pod '%s' runs: stop it first, or use -f", crictl_safe(id));
        return CRICTL_DONE;
}

static int remove_pod(struct crictl *c, const char *id) {
        int status = c->o->force ? stop(c, id) : may_remove(c, id);

        if (status == CRICTL_DONE)
                status = crictl_wait(c, cri_pod_remove(c->cri, id, crictl_on_done, c), "remove pod",
                                     id);
        return status;
}

int verb_rmp(struct crictl *c, char **names) {
        int status = CRICTL_DONE;

        for (; *names; names++) {
                if (remove_pod(c, *names) == CRICTL_DONE)
                        printf("Removed sandbox %s\n", crictl_safe(*names));
                else
                        status = CRICTL_FAILED;
        }
        return status;
}

/* ---- containers ---- */

struct ps {
        struct crictl *c;
        regex_t name;
};

static bool wanted(const struct ps *ps, const struct cri_container *k) {
        return (ps->c->o->all || k->state == CRI_CONTAINER_RUNNING) &&
               (!ps->c->o->name || regexec(&ps->name, k->name, 0, NULL, 0) == 0);
}

static void print_container(const struct cri_container *k) {
        static const char *const states[] = { "Created", "Running", "Exited", "Unknown" };
        char attempt[12];

        (void)snprintf(attempt, sizeof(attempt), "%u", (unsigned)k->attempt);
        printf(CONTAINER_ROW, brief(k->id), crictl_safe(k->image), crictl_age(k->created_at_ns),
               states[k->state], crictl_safe(k->name), attempt, brief(k->pod_id));
}

static void on_containers(void *arg, int result, const char *why,
                          const struct cri_container *containers, size_t n) {
        const struct ps *ps = arg;
        struct crictl *c = ps->c;

        if (result == 0 && !c->o->quiet)
                printf(CONTAINER_ROW, "CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT",
                       "POD ID");
        for (size_t i = 0; i < n; i++) {
                if (!wanted(ps, &containers[i]))
                        continue;
                if (c->o->quiet)
                        printf("%s\n", crictl_safe(containers[i].id));
                else
                        print_container(&containers[i]);
        }
        crictl_end(c, result, why);
}

int verb_ps(struct crictl *c, char **names) {
        struct ps ps = { .c = c };
        int status;

        (void)names;
        if (c->o->name && regcomp(&ps.name, c->o->name, REG_EXTENDED | REG_NOSUB) != 0) {
                (void)crictl_fail("'%s' is no regular expression", crictl_safe(c->o->name));
                return CRICTL_MISUSED;
        }
        status = crictl_wait(c, cri_containers(c->cri, c->o->pod, on_containers, &ps),
                             "list the containers", NULL);
        if (c->o->name)
                regfree(&ps.name);
        return status;
}

/* kube_images - steps that see to the images of Kubernetes: which ones, are they here, pull them.
 */
#include "base/buf.h"
#include "base/str.h"
#include "daemon/kube_private.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { QUICK_SEC = 60 };

static void on_image_line(void *arg, bool errors, const char *text, size_t len) {
        struct kube_job *j = arg;

        (void)len;
        if (!errors && j->n_images < KUBE_IMAGES_MAX && strchr(text, ':') && !strchr(text, ' ') &&
            str_copy(j->images[j->n_images], SIZE_IMAGE, text) == 0)
                j->n_images++;
}

int kube_step_list_images(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_settings settings;
        auto_buf struct buf text = { .limit = KUBEADM_CONFIG_BYTES };
        struct kubeadm_call call = { .verb = KUBEADM_IMAGES,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .config = kube_job_path(j, "kubeadm-images.yaml") };
        struct kubeadm_arguments arguments;
        struct fail f = { 0 };
        int r;

        kube_settings(j, &settings);
        if (kubeadm_config_init(&settings, &text, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        r = kube_job_file(j, "kubeadm-images.yaml", &text);
        if (r < 0)
                return r;
        j->n_images = j->image = 0;
        j->missing[0] = '\0';
        if (kubeadm_arguments(&call, &arguments, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        return kube_job_run(j, arguments.argv, QUICK_SEC, on_image_line);
}

/* The cluster can wait for its DNS: that is a pod like others, and the kubelet pulls its image. */
static bool is_coredns(const char *image) {
        return strstr(image, "/coredns:") != NULL;
}

static void look_for_image(struct kube_job *j);

static void on_pulled(void *arg, int result, const char *why, const char *id) {
        struct kube_job *j = arg;
        const char *image = j->images[j->image];
        size_t n = strlen(j->missing);

        (void)id;
        if (result < 0) {
                log_warning("kubernetes: image %s cannot be pulled: %s", image, why);
                (void)snprintf(j->missing + n, sizeof(j->missing) - n, "%s%s", n ? ", " : "",
                               image);
        }
        j->image++;
        look_for_image(j);
}

static void on_image(void *arg, int result, const char *why, const struct cri_image *image) {
        struct kube_job *j = arg;

        if (result < 0) {
                kube_job_fail(j, "containerd: %s", why);
                return;
        }
        if (image || is_coredns(j->images[j->image])) {
                j->image++;
                look_for_image(j);
                return;
        }
        kube_plan_progress(&j->k->plan, "pulling images");
        if (cri_pull(j->k->cri, j->images[j->image], on_pulled, j) < 0)
                on_pulled(j, -ENOTCONN, "containerd does not answer", "");
}

static void look_for_image(struct kube_job *j) {
        if (j->image == j->n_images) {
                if (j->missing[0])
                        kube_job_fail(j, "images are missing and cannot be pulled: %s", j->missing);
                else
                        kube_job_next(j);
                return;
        }
        if (cri_image_status(j->k->cri, j->images[j->image], on_image, j) < 0)
                kube_job_fail(j, "containerd does not answer");
}

int kube_step_pull_images(struct kube_job *j) {
        if (j->n_images == 0)
                return kube_job_no(j, "kubeadm names no images");
        if (cri_image_status(j->k->cri, j->images[0], on_image, j) < 0)
                return kube_job_no(j, "containerd does not answer");
        return KUBE_STEP_WAIT;
}

/* containerd makes every pod from an image of its own choice.  Where that one is not on the card
 * but kubeadm's own pause image is, it gets the other name too. */
int kube_step_sandbox(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        const char *argv[] = { "/usr/bin/ctr",
                               "--address",
                               j->k->agent->config.containerd,
                               "-n",
                               "k8s.io",
                               "images",
                               "tag",
                               "--force",
                               NULL,
                               s->runtime.sandbox_image,
                               NULL };

        if (s->sandbox || !s->runtime.sandbox_image[0])
                return KUBE_STEP_NEXT;
        for (unsigned i = 0; i < j->n_images && !argv[8]; i++)
                if (strstr(j->images[i], "/pause:"))
                        argv[8] = j->images[i];
        if (!argv[8] || str_eq(argv[8], s->runtime.sandbox_image))
                return KUBE_STEP_NEXT;
        log_info("kubernetes: %s serves as %s", argv[8], s->runtime.sandbox_image);
        return kube_job_run(j, argv, QUICK_SEC, NULL);
}

/* kubeadm's arguments, which changed their spelling over the years. */
#include "core/kubeadm_private.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void add(struct kubeadm_arguments *a, const char *word) {
        assert(a->n < KUBEADM_ARGUMENTS);
        a->argv[a->n++] = word;
        a->argv[a->n] = NULL;
}

static void add_words(struct kubeadm_arguments *a, const char *const *words) {
        while (*words)
                add(a, *words++);
}

static int add_config(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        int r = kubeadm_check_path("the path of its configuration", c->config, f);

        if (r < 0)
                return r;
        add(a, "--config");
        add(a, c->config);
        return 0;
}

/* "Mem,Swap": letters, digits, '-', '_', '.' and '/' only. */
static int add_list(struct kubeadm_arguments *a, const char *flag, char dst[static 512],
                    const char *const *list, size_t n, struct fail *f) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
        size_t at = (size_t)snprintf(dst, 512, "%s=", flag);

        if (n > KUBEADM_IGNORED)
                return fail(f, -EINVAL, "kubeadm: %s has more than %d words", flag,
                            KUBEADM_IGNORED);
        for (size_t i = 0; i < n; i++) {
                size_t len = strlen(list[i]);

                if (len == 0 || list[i][strspn(list[i], letters)] != '\0')
                        return fail(f, -EINVAL, "kubeadm: a word of %s is not valid", flag);
                if (at + len + 2 > 512)
                        return fail(f, -ENAMETOOLONG, "kubeadm: %s is too long", flag);
                at += (size_t)snprintf(dst + at, 512 - at, "%s%s", i ? "," : "", list[i]);
        }
        if (n > 0)
                add(a, dst);
        return 0;
}

static int add_ignored(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        return add_list(a, "--ignore-preflight-errors", a->ignore, c->ignore, c->n_ignore, f);
}

/* 1.19 to 1.21 know no other way; later it is in the configuration. */
static int add_patches(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        int r;

        if (!c->patches || !kube_version_from(c->version, 1, 19) ||
            kube_version_from(c->version, 1, 22))
                return 0;
        r = kubeadm_check_path("the folder of patches", c->patches, f);
        if (r < 0)
                return r;
        (void)snprintf(a->patches, sizeof(a->patches), "--experimental-patches=%s", c->patches);
        add(a, a->patches);
        return 0;
}

static int add_run(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        int r = add_config(a, c, f);

        if (r == 0)
                r = add_ignored(a, c, f);
        if (r == 0)
                r = add_list(a, "--skip-phases", a->skip, c->skip, c->n_skip, f);
        return r < 0 ? r : add_patches(a, c, f);
}

static int add_init(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        int r;

        add(a, "init");
        r = add_run(a, c, f);
        add(a, "--skip-token-print");
        add(a, "--skip-certificate-key-print");
        if (c->upload_certs)
                add(a, "--upload-certs");
        return r;
}

static int add_join(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        add(a, "join");
        return add_run(a, c, f);
}

static int add_reset(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        int r = c->cri_socket ? kubeadm_check_socket(c->cri_socket, f) : 0;

        if (r < 0)
                return r;
        add(a, "reset");
        add(a, "--force");
        if (c->cri_socket) {
                add(a, "--cri-socket");
                add(a, c->cri_socket);
        }
        return add_ignored(a, c, f);
}

/* Before 1.20 these were below "alpha". */
static void add_certs(struct kubeadm_arguments *a, const struct kubeadm_call *c) {
        if (!kube_version_from(c->version, 1, 20))
                add(a, "alpha");
        add(a, "certs");
}

static int add_phase(struct kubeadm_arguments *a, const struct kubeadm_call *c,
                     const char *const *words, struct fail *f) {
        add(a, "init");
        add(a, "phase");
        add_words(a, words);
        return add_config(a, c, f);
}

static int add_verb(struct kubeadm_arguments *a, const struct kubeadm_call *c, struct fail *f) {
        switch (c->verb) {
        case KUBEADM_VERSION:
                add_words(a, (const char *const[]){ "version", "-o", "json", NULL });
                return 0;
        case KUBEADM_INIT:
                return add_init(a, c, f);
        case KUBEADM_JOIN:
                return add_join(a, c, f);
        case KUBEADM_RESET:
                return add_reset(a, c, f);
        case KUBEADM_RENEW:
                add_certs(a, c);
                add_words(a, (const char *const[]){ "renew", "all", NULL });
                return c->config ? add_config(a, c, f) : 0;
        case KUBEADM_EXPIRY:
                add_certs(a, c);
                add(a, "check-expiration");
                return c->config ? add_config(a, c, f) : 0;
        case KUBEADM_IMAGES:
                add_words(a, (const char *const[]){ "config", "images", "list", NULL });
                return add_config(a, c, f);
        case KUBEADM_MAKE_CA:
                return add_phase(a, c, (const char *const[]){ "certs", "ca", NULL }, f);
        case KUBEADM_MAKE_CERTS:
                return add_phase(a, c, (const char *const[]){ "certs", "all", NULL }, f);
        case KUBEADM_MAKE_KUBECONFIG:
                return add_phase(a, c, (const char *const[]){ "kubeconfig", "all", NULL }, f);
        case KUBEADM_ADD_TOKEN:
                return add_phase(
                        a, c,
                        (const char *const[]){ "bootstrap-token", "--skip-token-print", NULL }, f);
        case KUBEADM_UPLOAD_CERTS:
                return add_phase(a, c,
                                 (const char *const[]){ "upload-certs", "--upload-certs",
                                                        "--skip-certificate-key-print", NULL },
                                 f);
        }
        return -EINVAL;
}

int kubeadm_arguments(const struct kubeadm_call *call, struct kubeadm_arguments *ret,
                      struct fail *f) {
        enum kubeadm_api api;
        int r = 0;

        memset(ret, 0, sizeof(*ret));
        /* what it is is found out by asking it */
        if (call->verb != KUBEADM_VERSION)
                r = kubeadm_api(call->version, &api, f);
        if (r == 0)
                r = kubeadm_check_path("the program", call->program, f);
        if (r < 0)
                return r;
        add(ret, call->program);
        return add_verb(ret, call, f);
}

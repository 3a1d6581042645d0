#include "core/kube_etcd.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/names.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PKI "/etc/kubernetes/pki/etcd"

/* ---- words --------------------------------------------------------------------------------- */

struct words {
        struct kube_etcd_arguments *a;
        size_t used; /* of a->text */
        int error;
};

static void word(struct words *w, const char *text) {
        assert(w->a->n + 1 < KUBE_ETCD_ARGS);
        w->a->argv[w->a->n++] = text;
        w->a->argv[w->a->n] = NULL;
}

static void words_of(struct words *w, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                word(w, list[i]);
}

__attribute__((format(printf, 2, 3))) static void wordf(struct words *w, const char *format, ...) {
        char *at = w->a->text + w->used;
        size_t room = sizeof(w->a->text) - w->used;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(at, room, format, args);
        va_end(args);
        if (n < 0 || (size_t)n >= room) {
                w->error = -EMSGSIZE;
                return;
        }
        w->used += (size_t)n + 1;
        word(w, at);
}

/* ---- what may be a word -------------------------------------------------------------------- */

static bool path_valid(const char *s) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";

        return s && s[0] == '/' && s[strspn(s, letters)] == '\0' && !strstr(s, "..");
}

static bool address_valid(const char *s) {
        return s && s[0] && s[strspn(s, "0123456789.")] == '\0' && strlen(s) <= 15;
}

static bool id_valid(const char *s) {
        return s && names_valid(s) && strlen(s) < SIZE_KUBE_ETCD_ID;
}

static int check(const struct kube_etcd_call *c, struct fail *f) {
        bool runs = c->verb != KUBE_ETCD_KILL && c->verb != KUBE_ETCD_DELETE;
        bool files = c->verb == KUBE_ETCD_SAVE || c->verb == KUBE_ETCD_RESTORE;
        bool restores = c->verb == KUBE_ETCD_RESTORE;

        if (!path_valid(c->ctr) || !path_valid(c->containerd) || !id_valid(c->id) ||
            (files && !path_valid(c->folder)) || (restores && !path_valid(c->data)))
                return fail(f, -EINVAL, "a path for ctr has letters that it may not have");
        if (runs && (!c->image || !names_image_valid(c->image)))
                return fail(f, -EINVAL, "it is not known which image etcd runs from");
        if (restores && (!c->name || !names_valid(c->name)))
                return fail(f, -EINVAL, "this node has no name");
        if (restores && !address_valid(c->address))
                return fail(f, -EINVAL, "this node has no address");
        return 0;
}

/* ---- command lines ------------------------------------------------------------------------- */

/* "3.4.13-0", "v3.6.4": at least major.minor? */
static bool at_least(const char *tag, unsigned major, unsigned minor) {
        unsigned have[2] = { 0, 0 };

        if (*tag == 'v')
                tag++;
        for (size_t i = 0; i < 2; i++) {
                if (*tag < '0' || *tag > '9')
                        return false;
                while (*tag >= '0' && *tag <= '9' && have[i] < 1000)
                        have[i] = have[i] * 10 + (unsigned)(*tag++ - '0');
                if (i == 0 && *tag++ != '.')
                        return false;
        }
        return have[0] > major || (have[0] == major && have[1] >= minor);
}

bool kube_etcd_has_utl(const char *image) {
        const char *slash = strrchr(image, '/');
        const char *tag = strchr(slash ? slash : image, ':');

        return tag && at_least(tag + 1, 3, 6);
}

static void mount(struct words *w, const char *from, const char *to, bool read_only) {
        word(w, "--mount");
        wordf(w, "type=bind,src=%s,dst=%s,options=rbind:%s", from, to, read_only ? "ro" : "rw");
}

/* "ctr run --rm ... IMAGE ID": what follows takes the place of the image's own program. */
static void run(struct words *w, const struct kube_etcd_call *c) {
        static const char *const words[] = { "run", "--rm", "--net-host", "--env",
                                             "ETCDCTL_API=3" /* what 3.3 does not do by itself */ };

        words_of(w, words, ARRAY_SIZE(words));
        if (c->verb != KUBE_ETCD_RESTORE)
                mount(w, PKI, PKI, true);
        if (c->verb == KUBE_ETCD_SAVE || c->verb == KUBE_ETCD_RESTORE)
                mount(w, c->folder, "/bramble", c->verb == KUBE_ETCD_RESTORE);
        if (c->verb == KUBE_ETCD_RESTORE)
                mount(w, c->data, "/bramble-data", false);
        word(w, c->image);
        word(w, c->id);
}

/* A healthcheck-client is what kubeadm's own probes have been. */
static void client(struct words *w) {
        static const char *const words[] = { "etcdctl",
                                             "--endpoints=https://127.0.0.1:2379",
                                             "--dial-timeout=10s",
                                             "--cacert=" PKI "/ca.crt",
                                             "--cert=" PKI "/healthcheck-client.crt",
                                             "--key=" PKI "/healthcheck-client.key" };

        words_of(w, words, ARRAY_SIZE(words));
}

static void restore(struct words *w, const struct kube_etcd_call *c) {
        bool utl = kube_etcd_has_utl(c->image);

        word(w, utl ? "etcdutl" : "etcdctl");
        word(w, "snapshot");
        word(w, "restore");
        word(w, "/bramble/" KUBE_ETCD_SNAPSHOT);
        wordf(w, "--name=%s", c->name);
        wordf(w, "--initial-cluster=%s=https://%s:2380", c->name, c->address);
        wordf(w, "--initial-cluster-token=bramble-%" PRIu32, c->epoch);
        wordf(w, "--initial-advertise-peer-urls=https://%s:2380", c->address);
        word(w, "--data-dir=/bramble-data/" KUBE_ETCD_RESTORED);
        if (!utl)
                return;
        /* whoever watches has seen later revisions: this makes them ask anew */
        word(w, "--bump-revision=1000000000");
        word(w, "--mark-compacted");
}

static void command(struct words *w, const struct kube_etcd_call *c) {
        switch (c->verb) {
        case KUBE_ETCD_SAVE:
                run(w, c);
                client(w);
                word(w, "snapshot");
                word(w, "save");
                word(w, "/bramble/" KUBE_ETCD_SNAPSHOT);
                return;
        case KUBE_ETCD_RESTORE:
                run(w, c);
                restore(w, c);
                return;
        case KUBE_ETCD_MEMBERS:
        case KUBE_ETCD_REMOVE:
                run(w, c);
                client(w);
                word(w, "--command-timeout=30s");
                word(w, "member");
                word(w, c->verb == KUBE_ETCD_MEMBERS ? "list" : "remove");
                if (c->verb == KUBE_ETCD_REMOVE)
                        wordf(w, "%" PRIx64, c->member);
                return;
        case KUBE_ETCD_KILL:
                word(w, "tasks");
                word(w, "delete");
                word(w, "--force");
                word(w, c->id);
                return;
        case KUBE_ETCD_DELETE:
                word(w, "containers");
                word(w, "delete");
                word(w, c->id);
                return;
        }
}

int kube_etcd_arguments(const struct kube_etcd_call *c, struct kube_etcd_arguments *ret,
                        struct fail *f) {
        struct words w = { .a = ret };
        int r = check(c, f);

        if (r < 0)
                return r;
        ret->n = 0;
        word(&w, c->ctr);
        word(&w, "--address");
        word(&w, c->containerd);
        word(&w, "--namespace");
        word(&w, "k8s.io"); /* where the kubelet's images are */
        command(&w, c);
        return w.error < 0 ? fail(f, w.error, "a command line for ctr is too long") : 0;
}

/* ---- what it prints ------------------------------------------------------------------------ */

/* The next field into 'dst'; false where there is none or it is too long. */
static bool field(const char **at, const char *end, char *dst, size_t size) {
        const char *from = *at, *comma;
        size_t n;

        if (!from)
                return false;
        comma = memchr(from, ',', (size_t)(end - from));
        n = (size_t)((comma ? comma : end) - from);
        *at = comma && end - comma > 1 && comma[1] == ' ' ? comma + 2 : NULL;
        return str_copy_n(dst, size, from, n) == 0;
}

int kube_etcd_member_line(const char *line, size_t len, struct kube_etcd_member *ret) {
        struct kube_etcd_member m = { 0 };
        const char *end = line + len;
        char id[17], state[16];

        if (!field(&line, end, id, sizeof(id)) || str_from_hex64(id, &m.id) < 0 || m.id == 0 ||
            !field(&line, end, state, sizeof(state)) ||
            !field(&line, end, m.name, sizeof(m.name)) || !line)
                return -EBADMSG;
        if (!str_eq(state, "started") && !str_eq(state, "unstarted"))
                return -EBADMSG;
        if (m.name[0] && !names_valid(m.name))
                return -EBADMSG;
        m.started = str_eq(state, "started");
        *ret = m;
        return 0;
}

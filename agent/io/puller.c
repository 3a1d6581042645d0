#include "io/puller.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"
#include "io/link.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { NOBODY = 65534, STREAM = 1 };

struct puller {
        uv_process_t child;
        const struct puller_ops *ops;
        void *arg;
        struct link *link; /* NULL: it has ended */
        bool asking;
        bool running; /* its exit was not seen yet */
        bool freed;   /* by its owner */
        char why[SIZE_REASON];
};

static void on_child_closed(uv_handle_t *h) {
        free(h->data);
}

/* The memory goes when nothing can come any more. */
static void maybe_close(struct puller *p) {
        if (p->freed && !p->running && !p->link)
                uv_close((uv_handle_t *)&p->child, on_child_closed);
}

static void on_ended(uv_process_t *child, int64_t status, int signal) {
        struct puller *p = child->data;

        (void)status;
        (void)signal;
        p->running = false;
        maybe_close(p);
}

static void answer(struct puller *p, int result, const char *why, const cJSON *reply) {
        p->asking = false;
        p->ops->done(p->arg, result, why, reply);
}

/* {"error", "code", "errno"} or a result. */
static void take_reply(struct puller *p, const struct frame *frame) {
        auto_json cJSON *o = NULL;
        const cJSON *number;
        const char *error;
        int result = -EIO;

        if (!p->asking)
                return;
        if (json_parse_object((const char *)frame->body, frame->len, &o, NULL) < 0) {
                answer(p, -EBADMSG, "bramble-pull's answer makes no sense", NULL);
                return;
        }
        error = json_text(o, "error", NULL);
        number = cJSON_GetObjectItemCaseSensitive(o, "errno");
        if (cJSON_IsNumber(number) && number->valueint < 0)
                result = number->valueint;
        if (error)
                answer(p, result, error, o);
        else
                answer(p, 0, "", o);
}

static void on_frame(struct link *l, void *arg, const struct frame *frame) {
        struct puller *p = arg;

        (void)l;
        if (p->freed)
                return;
        if (frame->type == FRAME_DATA && p->asking)
                p->ops->data(p->arg, frame->body, frame->len);
        else if (frame->type == FRAME_REPLY)
                take_reply(p, frame);
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct puller *p = arg;

        (void)l;
        (void)error;
        (void)why;
        p->link = NULL;
        if (p->freed)
                maybe_close(p);
        else if (p->asking)
                answer(p, -EPIPE, "bramble-pull has ended", NULL);
}

static const struct link_ops link_ops = { .frame = on_frame, .closed = on_closed };

static int spawn(uv_loop_t *loop, struct puller *p, const char *program, const char *user, int fd) {
        static char *const env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL };
        uv_stdio_container_t stdio[3] = {
                { .flags = UV_INHERIT_FD, .data.fd = fd },
                { .flags = UV_IGNORE },
                { .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
        };
        char *args[] = { (char *)program, NULL };
        uv_process_options_t options = {
                .exit_cb = on_ended,
                .file = program,
                .args = args,
                .env = (char **)env,
                .cwd = "/",
                .stdio_count = 3,
                .stdio = stdio,
        };

        if (geteuid() == 0) {
                const struct passwd *pw = getpwnam(user);

                options.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID;
                options.uid = pw && pw->pw_uid ? pw->pw_uid : NOBODY;
                options.gid = pw && pw->pw_gid ? pw->pw_gid : NOBODY;
        }
        return uv_spawn(loop, &p->child, &options);
}

int puller_start(uv_loop_t *loop, const char *program, const char *user,
                 const struct puller_ops *ops, void *arg, struct puller **ret, struct fail *f) {
        auto_close int theirs = -EBADF;
        struct puller *p;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return fail(f, -errno, "cannot make a socket: %s", strerror(errno));
        theirs = pair[1]; /* blocking, as its only work is to wait */
        p = calloc(1, sizeof(*p));
        if (!p || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
                (void)close(pair[0]);
                free(p);
                return fail(f, -ENOMEM, "no memory");
        }
        p->ops = ops;
        p->arg = arg;
        r = spawn(loop, p, program, user, theirs);
        p->child.data = p;
        p->running = r == 0;
        if (r == 0)
                r = link_adopt(loop, pair[0], &link_ops, p, &p->link);
        else
                (void)close(pair[0]);
        if (r < 0) {
                p->link = NULL;
                puller_free(p);
                return fail(f, r, "cannot run %.120s: %s", program, uv_strerror(r));
        }
        *ret = p;
        return 0;
}

int puller_ask(struct puller *p, const cJSON *request) {
        auto_free char *text = NULL;

        if (p->asking)
                return -EBUSY;
        text = cJSON_PrintUnformatted(request);
        if (!text)
                return -ENOMEM;
        if (!p->link)
                return -EPIPE;
        p->asking = true;
        /* a link that dies of it says so by 'closed' */
        (void)link_send(p->link, FRAME_REQUEST, STREAM, text, strlen(text));
        explicit_bzero(text, strlen(text));
        return 0;
}

void puller_pause(struct puller *p) {
        if (p->link)
                link_pause(p->link);
}

void puller_resume(struct puller *p) {
        if (p->link)
                link_resume(p->link);
}

void puller_free(struct puller *p) {
        if (!p)
                return;
        p->freed = true;
        if (p->running)
                (void)uv_process_kill(&p->child, SIGKILL);
        if (p->link) {
                link_resume(p->link); /* or its end would go unnoticed */
                link_close(p->link);
        }
        maybe_close(p);
}

int puller_pid(const struct puller *p) {
        return p->child.pid;
}

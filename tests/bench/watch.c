/* watch - asks the agents of the lab's boards the same question again and again, over their own
 * unix sockets, until the answer is the one that is waited for; then prints when that was: the wall
 * clock and the monotonic clock of this machine, which is also the boards', in microseconds.
 *
 *     watch formed UP VOTERS BOARD...  all name one master (and UP boards are up, VOTERS vote)
 *     watch scale FUNCTION BOARD       a change of the charter was accepted: scaling to 0
 *     watch silent BOARD               it names no leader any more
 *
 * BOARD is a slot's folder in the lab's state.  Boards may be off, or be powered on meanwhile. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"
#include "core/frame.h"
#include "io/json.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { BOARDS_MAX = 96, PATIENCE_SEC = 120 };

/* A board's last answer; all empty where there was none. */
struct answer {
        bool came;
        char master[64], leader[64], error[256];
        uint64_t up, voters_up;
};

struct board {
        const char *dir;
        int fd;
        bool asked;
        usec_t next; /* not asked before that */
        struct buf in;
        struct answer answer;
};

struct watch {
        struct board boards[BOARDS_MAX];
        size_t n;
        char request[256];
        usec_t pause; /* between an answer and the next question */
        bool (*over)(const struct watch *w);
        uint64_t up, voters;
};

static usec_t clock_usec(clockid_t id) {
        struct timespec t;

        (void)clock_gettime(id, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / NSEC_PER_USEC;
}

/* ---- what is waited for ------------------------------------------------------------------------
 */

static bool formed(const struct watch *w) {
        const struct answer *first = &w->boards[0].answer;

        for (size_t i = 0; i < w->n; i++) {
                const struct answer *a = &w->boards[i].answer;

                if (!a->came || !a->master[0] || !str_eq(a->master, first->master) ||
                    !str_eq(a->leader, first->leader))
                        return false;
                if ((w->up && a->up != w->up) || (w->voters && a->voters_up != w->voters))
                        return false;
        }
        return true;
}

static bool accepted(const struct watch *w) {
        return w->boards[0].answer.came && !w->boards[0].answer.error[0];
}

static bool silent(const struct watch *w) {
        return w->boards[0].answer.came && !w->boards[0].answer.leader[0];
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static void drop(struct board *b, usec_t now, usec_t pause) {
        if (b->fd >= 0)
                (void)close(b->fd);
        b->fd = -EBADF;
        b->asked = false;
        b->answer = (struct answer){ 0 };
        b->next = now + pause;
        buf_done(&b->in);
}

/* The socket of the agent on the board that is powered on now, if any. */
static int dial(const struct board *b) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        char path[512], pid[32] = "";
        auto_close int fd = -EBADF;
        FILE *f;
        bool known;

        (void)snprintf(path, sizeof(path), "%s/init.pid", b->dir);
        f = fopen(path, "re");
        if (!f)
                return -errno;
        known = fgets(pid, sizeof(pid), f) != NULL;
        (void)fclose(f);
        pid[strcspn(pid, "\n")] = '\0';
        if (!known || !pid[0])
                return -ENOENT;
        (void)snprintf(name.sun_path, sizeof(name.sun_path), "/proc/%s/root/run/bramble/agent.sock",
                       pid);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
                return -errno;
        return take_fd(&fd);
}

static void ask(struct watch *w, struct board *b, usec_t now) {
        size_t len = strlen(w->request);
        uint8_t frame[FRAME_HEADER + sizeof(w->request)];

        if (b->fd < 0)
                b->fd = dial(b);
        frame_header(frame, FRAME_REQUEST, 1, len);
        memcpy(frame + FRAME_HEADER, w->request, len);
        if (b->fd < 0 ||
            send(b->fd, frame, FRAME_HEADER + len, MSG_NOSIGNAL) != (ssize_t)(FRAME_HEADER + len))
                drop(b, now, w->pause);
        else
                b->asked = true;
}

static void take(struct board *b, const struct frame *f) {
        auto_json cJSON *o = cJSON_ParseWithLength((const char *)f->body, f->len);
        const cJSON *node;
        struct answer *a = &b->answer;

        *a = (struct answer){ .came = o != NULL };
        (void)str_copy(a->master, sizeof(a->master), json_text(o, "master", ""));
        (void)str_copy(a->leader, sizeof(a->leader), json_text(o, "leader", ""));
        (void)snprintf(a->error, sizeof(a->error), "%s", json_text(o, "error", ""));
        (void)json_number(o, "voters_up", BOARDS_MAX, &a->voters_up);
        cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(o, "nodes")) a->up +=
                str_eq(json_text(node, "state", ""), "up");
}

static void hear(struct watch *w, struct board *b) {
        usec_t now;
        struct frame f;
        ssize_t n;
        long used;

        if (buf_reserve(&b->in, 64 * 1024) < 0)
                abort();
        n = recv(b->fd, b->in.data + b->in.len, 64 * 1024, 0);
        now = clock_usec(CLOCK_MONOTONIC);
        if (n <= 0) {
                drop(b, now, w->pause);
                return;
        }
        b->in.len += (size_t)n;
        while ((used = frame_parse(b->in.data, b->in.len, &f)) > 0) {
                if (f.type == FRAME_REPLY) {
                        take(b, &f);
                        b->asked = false;
                        b->next = now + w->pause;
                }
                buf_consume(&b->in, (size_t)used);
        }
        if (used < 0)
                drop(b, now, w->pause);
}

/* Asks whoever's turn it is, then waits for answers, at most until the next turn. */
static void turn(struct watch *w) {
        struct pollfd p[BOARDS_MAX];
        usec_t now = clock_usec(CLOCK_MONOTONIC), next = now + USEC_PER_SEC;

        for (size_t i = 0; i < w->n; i++) {
                struct board *b = &w->boards[i];

                if (!b->asked && b->next <= now)
                        ask(w, b, now);
                if (!b->asked && b->next < next)
                        next = b->next;
                p[i] = (struct pollfd){ .fd = b->fd, .events = POLLIN };
        }
        if (poll(p, w->n, (int)((next - now) / USEC_PER_MSEC) + 1) <= 0)
                return;
        for (size_t i = 0; i < w->n; i++)
                if (w->boards[i].fd >= 0 && p[i].revents)
                        hear(w, &w->boards[i]);
}

static int run(struct watch *w) {
        usec_t end = clock_usec(CLOCK_MONOTONIC) + PATIENCE_SEC * USEC_PER_SEC;

        while (!w->over(w)) {
                if (clock_usec(CLOCK_MONOTONIC) < end) {
                        turn(w);
                        continue;
                }
                fprintf(stderr, "watch: not within %d s\n", PATIENCE_SEC);
                for (size_t i = 0; i < w->n; i++) {
                        const struct answer *a = &w->boards[i].answer;

                        fprintf(stderr, "  %s: %s master '%s', leader '%s', %u up, %u vote; %s\n",
                                w->boards[i].dir, a->came ? "says" : "says nothing;", a->master,
                                a->leader, (unsigned)a->up, (unsigned)a->voters_up, a->error);
                }
                return 1;
        }
        printf("%llu %llu\n", (unsigned long long)clock_usec(CLOCK_REALTIME),
               (unsigned long long)clock_usec(CLOCK_MONOTONIC));
        return 0;
}

static int usage(void) {
        fprintf(stderr, "usage: watch formed UP VOTERS BOARD... | scale FUNCTION BOARD | "
                        "silent BOARD\n");
        return 2;
}

int main(int argc, char **argv) {
        static struct watch w;
        int first = 2;

        (void)snprintf(w.request, sizeof(w.request), "{\"verb\":\"status\"}");
        if (argc > 4 && str_eq(argv[1], "formed")) {
                w.over = formed;
                w.up = strtoull(argv[2], NULL, 10);
                w.voters = strtoull(argv[3], NULL, 10);
                first = 4;
        } else if (argc == 4 && str_eq(argv[1], "scale")) {
                w.over = accepted;
                (void)snprintf(w.request, sizeof(w.request),
                               "{\"verb\":\"scale\",\"name\":\"%s\",\"replicas\":0}", argv[2]);
                first = 3;
        } else if (argc == 3 && str_eq(argv[1], "silent")) {
                w.over = silent;
        } else {
                return usage();
        }
        w.n = (size_t)(argc - first);
        if (w.n > BOARDS_MAX)
                return usage();
        for (size_t i = 0; i < w.n; i++)
                w.boards[i] = (struct board){ .dir = argv[(size_t)first + i], .fd = -EBADF };
        /* Often enough to see it in time, not so often that asking becomes the load. */
        w.pause = (w.n > 8 ? 200 : 10) * USEC_PER_MSEC;
        return run(&w);
}

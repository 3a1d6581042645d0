/* process - one child for one call. */
#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* NAME=VALUE lines of one call, behind the watchdog's own; all freed together. */
struct environment {
        size_t n, own;
        char **items;
};

static int add(struct environment *e, const char *name, const char *value, size_t len) {
        char *line = malloc(strlen(name) + len + 2);

        if (!line)
                return -ENOMEM;
        (void)sprintf(line, "%s=", name);
        memcpy(line + strlen(name) + 1, value, len);
        line[strlen(name) + 1 + len] = '\0';
        e->items[e->n++] = line;
        return 0;
}

static int add_text(struct environment *e, const char *name, const struct http_text *t) {
        return t && t->len ? add(e, name, t->at, t->len) : 0;
}

/* "x-forwarded-for" becomes Http_X_Forwarded_For. */
static int add_header(struct environment *e, const struct http_header *h) {
        char name[128] = "Http_";
        bool up = true;

        if (h->name.len > sizeof(name) - 6)
                return 0;
        for (size_t i = 0; i < h->name.len; i++) {
                char c = h->name.at[i];

                name[5 + i] = c == '-' ? '_' : (char)(up ? toupper(c) : tolower(c));
                up = c == '-';
        }
        name[5 + h->name.len] = '\0';
        return add(e, name, h->value.at, h->value.len);
}

static int add_call(struct environment *e, const struct http_head *head, uint64_t length) {
        static const struct http_text chunked = { "chunked", 7 };
        char text[24];
        int r = 0;

        for (size_t i = 0; i < head->n_headers && r == 0; i++)
                r = add_header(e, &head->headers[i]);
        if (r == 0)
                r = add_text(e, "Http_Method", &head->method);
        if (r == 0)
                r = add_text(e, "Http_Path", &head->path);
        if (r == 0)
                r = add_text(e, "Http_Query", &head->query);
        if (r == 0)
                r = add_text(e, "Http_Host", http_header(head, "Host"));
        if (r == 0 && head->body == HTTP_BODY_CHUNKED)
                r = add_text(e, "Http_Transfer_Encoding", &chunked);
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)length);
        if (r == 0 && head->body == HTTP_BODY_LENGTH)
                r = add(e, "Http_Content_Length", text, strlen(text));
        if (r == 0 && head->body == HTTP_BODY_LENGTH)
                r = add(e, "Http_ContentLength", text, strlen(text));
        return r;
}

static void environment_done(struct environment *e) {
        for (size_t i = e->own; i < e->n; i++)
                free(e->items[i]);
        free(e->items);
}

static int environment_make(struct environment *e, const struct options *o,
                            const struct http_head *head, uint64_t length) {
        while (environ[e->own])
                e->own++;
        e->items = calloc(e->own + HTTP_HEADERS + 8, sizeof(*e->items));
        if (!e->items)
                return -ENOMEM;
        memcpy(e->items, environ, e->own * sizeof(*e->items));
        e->n = e->own;
        return o->cgi_headers ? add_call(e, head, length) : 0;
}

/* Pipes are made for the child first (blocking, as programs expect); only our ends are not. */
static int pipes(int in[2], int out[2]) {
        if (pipe2(in, O_CLOEXEC) < 0)
                return -errno;
        if (pipe2(out, O_CLOEXEC) < 0) {
                int error = -errno;

                (void)close(in[0]);
                (void)close(in[1]);
                return error;
        }
        (void)fcntl(in[1], F_SETFL, O_NONBLOCK);
        (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
        (void)fcntl(in[1], F_SETPIPE_SZ,
                    1 << 20); /* fewer turns for large bodies; may be refused */
        (void)fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
        return 0;
}

static int spawn(const struct options *o, int in, int out, char **env, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        (void)posix_spawnattr_init(&attributes);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                            POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setpgroup(&attributes, 0);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        (void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (o->combine_output)
                (void)posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
        r = posix_spawnp(ret, o->args[0], &actions, &attributes, o->args, env);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
}

int process_start(const struct options *o, const struct http_head *head, uint64_t length,
                  struct child *ret) {
        struct environment e = { 0 };
        int in[2], out[2], r;

        r = environment_make(&e, o, head, length);
        if (r == 0)
                r = pipes(in, out);
        if (r == 0) {
                r = spawn(o, in[0], out[1], e.items, &ret->pid);
                (void)close(in[0]);
                (void)close(out[1]);
                ret->in = in[1];
                ret->out = out[0];
                if (r < 0) {
                        (void)close(in[1]);
                        (void)close(out[0]);
                }
        }
        environment_done(&e);
        return r;
}

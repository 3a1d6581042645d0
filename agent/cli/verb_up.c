/* verb_up - a stack of functions: builds what can be built here, pushes what the bramble lacks,
 * deploys, waits until it answers. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "cli/push.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "core/expand.h"
#include "core/image_name.h"
#include "io/file_text.h"
#include "io/json.h"
#include "io/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUILD_ARGS = 64, PLATFORMS = 4 };

struct up {
        const struct cli *cli;
        const char *file;
        char dir[PATH_MAX]; /* of the file: what it names is there */
        bool build, expand, wait;
        const char *filter;
        struct stack stack;
        cJSON *images; /* of the bramble */
        size_t n_platforms;
        char platforms[PLATFORMS][16]; /* of its boards */
        const char *builder;           /* docker or podman; NULL: neither is here */
};

/* ---- reading ---- */

static int read_beside(void *arg, const char *path, struct buf *out) {
        const struct up *u = arg;
        char whole[PATH_MAX];

        if (path[0] == '/')
                (void)str_copy(whole, sizeof(whole), path);
        else if (snprintf(whole, sizeof(whole), "%s/%s", u->dir, path) >= (int)sizeof(whole))
                return -ENAMETOOLONG;
        return file_text_read(AT_FDCWD, whole, STACK_BYTES, out);
}

static const char *variable(void *arg, const char *name) {
        (void)arg;
        return getenv(name);
}

/* "line 7: ..." as "stack.yml:7: ...", where editors find it. */
static int fail_in_file(const struct up *u, const char *text) {
        if (str_starts(text, "line "))
                return cli_fail(u->cli, "%s:%s", u->file, cli_safe(text + 5));
        return cli_fail(u->cli, "%s: %s", u->file, cli_safe(text));
}

static int read_stack(struct up *u) {
        auto_buf struct buf raw = { 0 }, text = { .limit = STACK_BYTES };
        struct fail f = { 0 };
        char *slash;
        int r;

        if (!u->file)
                u->file = access("stack.yml", R_OK) < 0 && access("stack.yaml", R_OK) == 0
                                  ? "stack.yaml"
                                  : "stack.yml";
        (void)snprintf(u->dir, sizeof(u->dir), "%s", u->file);
        slash = strrchr(u->dir, '/');
        if (slash)
                *slash = '\0';
        else
                (void)str_copy(u->dir, sizeof(u->dir), ".");
        r = file_text_read(AT_FDCWD, u->file, STACK_BYTES, &raw);
        if (r < 0)
                return cli_fail(u->cli, "cannot read %s: %s; -f FILE names another stack", u->file,
                                strerror(-r));
        if (u->expand)
                r = expand(str_or(raw.data, ""), raw.len, variable, NULL, &text, &f);
        else
                r = buf_add(&text, raw.data, raw.len);
        if (r == 0)
                r = stack_parse(str_or(text.data, ""), text.len, read_beside, u, &u->stack, &f);
        for (size_t i = 0; i < u->stack.n_warnings; i++)
                fprintf(stderr, "%s:%s\n", u->file, cli_safe(u->stack.warnings[i] + 5));
        return r < 0 ? fail_in_file(u, f.text[0] ? f.text : strerror(-r)) : CLI_DONE;
}

/* ---- the bramble ---- */

static void add_platform(struct up *u, const char *platform) {
        for (size_t i = 0; i < u->n_platforms; i++)
                if (str_eq(u->platforms[i], platform))
                        return;
        if (u->n_platforms < PLATFORMS)
                (void)str_copy(u->platforms[u->n_platforms++], sizeof(u->platforms[0]), platform);
}

/* The board that answers says what it is; of other Pis the word size tells. */
static int learn_bramble(struct up *u) {
        const cJSON *node, *machine;
        cJSON *o;
        int r = cli_ask(u->cli, cli_request("images"), NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        u->images = cJSON_DetachItemFromObjectCaseSensitive(o, "images");
        cJSON_ArrayForEach(machine, cJSON_GetObjectItemCaseSensitive(o, "machines")) {
                if (cJSON_IsString(machine))
                        add_platform(u, machine->valuestring);
        }
        cJSON_Delete(o);
        if (u->n_platforms == 0 || str_eq(u->platforms[0], "linux/amd64"))
                return CLI_DONE;
        r = cli_ask(u->cli, cli_request("status"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(o, "nodes")) {
                const cJSON *board = cJSON_GetObjectItemCaseSensitive(node, "board");
                uint64_t bits = 0;

                if (json_number(board, "bits_user", 64, &bits) == 0)
                        add_platform(u, bits == 64 ? "linux/arm64" : "linux/arm/v7");
        }
        cJSON_Delete(o);
        return CLI_DONE;
}

static bool in_bramble(const struct up *u, const char *image) {
        char full[SIZE_IMAGE];
        const cJSON *i;

        if (image_name_normalise(image, full) < 0)
                return false;
        cJSON_ArrayForEach(i, u->images) {
                if (str_eq(json_text(i, "name", ""), full))
                        return true;
        }
        return false;
}

/* ---- building ---- */

static const char *find_builder(void) {
        const char *const docker[] = { "docker", "version", NULL };
        const char *const podman[] = { "podman", "version", NULL };

        return source_probe(docker, false) == 0   ? "docker"
               : source_probe(podman, false) == 0 ? "podman"
                                                  : NULL;
}

/* The folder of a function, where there is a Dockerfile in it.  NULL, and '*r' says whether that is
 * an error. */
static const char *build_folder(const struct up *u, const struct stack_function *fn,
                                char dir[static PATH_MAX], int *r) {
        static const char *const names[] = { "Dockerfile", "Containerfile" };
        const char *name = str_or(fn->build, "");
        char file[PATH_MAX + 16];

        *r = CLI_DONE;
        if (!fn->build)
                return NULL;
        if (str_starts(name, "./"))
                name += 2;
        if (snprintf(dir, PATH_MAX, "%s%s%s", name[0] == '/' ? "" : u->dir,
                     name[0] == '/' ? "" : "/", name) >= PATH_MAX)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
                if (access(file, R_OK) == 0)
                        return dir;
        }
        if (fn->must_build)
                *r = cli_fail(
                        u->cli,
                        "%s:%u: %s: there is no Dockerfile in %s: write one, or name an image",
                        u->file, fn->line, fn->name, cli_safe(fn->build));
        else if (!cJSON_GetObjectItemCaseSensitive(fn->spec, "image"))
                *r = cli_fail(u->cli,
                              "%s:%u: %s: there is no Dockerfile in %s; faas-cli's templates are "
                              "not built here: faas-cli build -f %s",
                              u->file, fn->line, fn->name, cli_safe(fn->build), u->file);
        return NULL;
}

/* The arguments of a build: 'first', build arguments, the folder. */
struct command {
        const char *argv[2 * BUILD_ARGS + 16];
        size_t n, n_args;
        char *args[BUILD_ARGS];
};

static void command_begin(struct command *c, const char *const *first) {
        *c = (struct command){ 0 };
        while (first[c->n]) {
                c->argv[c->n] = first[c->n];
                c->n++;
        }
}

static void command_finish(struct command *c, const struct stack_function *fn, const char *dir) {
        const cJSON *a;

        cJSON_ArrayForEach(a, fn->build_args) {
                if (c->n_args == BUILD_ARGS ||
                    asprintf(&c->args[c->n_args], "%s=%s", a->string, a->valuestring) < 0)
                        break;
                c->argv[c->n++] = "--build-arg";
                c->argv[c->n++] = c->args[c->n_args++];
        }
        c->argv[c->n++] = dir;
}

static void command_done(struct command *c) {
        for (size_t i = 0; i < c->n_args; i++)
                free(c->args[i]);
}

static int build_failed(const struct up *u, const struct stack_function *fn, int status) {
        return cli_fail(u->cli,
                        "%s:%u: %s: %s build failed with status %d: its own words are above",
                        u->file, fn->line, fn->name, u->builder, status);
}

/* What a push needs: an image of this computer, or, for several kinds of boards, an archive. */
static int send_source(const struct up *u, const struct stack_function *fn, const char *image,
                       struct source *source) {
        uint64_t skipped = 0;
        cJSON *reply;
        int r;

        fprintf(stderr, "%s: pushing %s from %s\n", fn->name, cli_safe(image), source_what(source));
        r = push_source(u->cli, source, image, &reply);
        if (r != CLI_DONE)
                return r;
        (void)json_number(reply, "skipped", UINT64_MAX, &skipped);
        if (!u->cli->json)
                push_print(reply, skipped);
        cJSON_Delete(reply);
        return CLI_DONE;
}

static int push(const struct up *u, const struct stack_function *fn, const char *image) {
        struct source *source = NULL;
        struct fail f = { 0 };

        if (source_open_image(image, &source, &f) < 0)
                return cli_fail(u->cli, "%s:%u: %s: %s", u->file, fn->line, fn->name,
                                fail_text(&f));
        return send_source(u, fn, image, source);
}

static int build_for_one(const struct up *u, const struct stack_function *fn, const char *image,
                         const char *platform, const char *dir) {
        const char *const first[] = {
                u->builder, "build", "--platform", platform, "-t", image, NULL
        };
        struct command c;
        int r;

        command_begin(&c, first);
        command_finish(&c, fn, dir);
        r = source_run(c.argv);
        command_done(&c);
        return r == 0 ? push(u, fn, image) : build_failed(u, fn, r);
}

static int docker_for_several(const struct up *u, const struct stack_function *fn,
                              const char *image, const char *platforms, const char *dir) {
        const char *const first[] = { "docker",  "buildx",   "build",           "--platform",
                                      platforms, "--output", "type=oci,dest=-", NULL };
        struct source *source = NULL;
        struct fail f = { 0 };
        struct command c;
        int r;

        command_begin(&c, first);
        command_finish(&c, fn, dir);
        r = source_open_program(c.argv, &source, &f);
        command_done(&c);
        return r < 0 ? cli_fail(u->cli, "%s", fail_text(&f)) : send_source(u, fn, image, source);
}

static int podman_for_several(const struct up *u, const struct stack_function *fn,
                              const char *image, const char *platforms, const char *dir) {
        char folder[] = "/tmp/agentctl-XXXXXX", file[64], to[256];
        const char *const forget[] = { "podman", "manifest", "rm", image, NULL };
        const char *const first[] = { "podman",     "build", "--platform", platforms,
                                      "--manifest", image,   NULL };
        const char *const export[] = {
                "podman", "manifest", "push", "-q", "--all", image, to, NULL
        };
        struct source *source = NULL;
        struct fail f = { 0 };
        struct command c;
        int r;

        if (!mkdtemp(folder))
                return cli_fail(u->cli, "cannot make a folder in /tmp: %s; is it full?",
                                strerror(errno));
        (void)snprintf(file, sizeof(file), "%s/image.tar", folder);
        (void)snprintf(to, sizeof(to), "oci-archive:%s", file);
        (void)source_probe(forget, false); /* of an earlier run: it would grow */
        command_begin(&c, first);
        command_finish(&c, fn, dir);
        r = source_run(c.argv);
        command_done(&c);
        if (r == 0)
                r = source_run(export);
        if (r != 0)
                r = build_failed(u, fn, r);
        else if (source_open_path(file, &source, &f) < 0)
                r = cli_fail(u->cli, "%s", fail_text(&f));
        else
                r = send_source(u, fn, image, source);
        (void)unlink(file);
        (void)rmdir(folder);
        return r;
}

/* Boards of several kinds need an image that is for all of them. */
static int build_and_push(const struct up *u, const struct stack_function *fn, const char *image,
                          const char *dir) {
        char platforms[PLATFORMS * 16] = "";
        size_t len = 0;

        if (!u->builder)
                return cli_fail(u->cli,
                                "%s:%u: %s: building needs docker or podman on this computer; "
                                "--no-build takes images as they are",
                                u->file, fn->line, fn->name);
        for (size_t i = 0; i < u->n_platforms; i++)
                len += (size_t)snprintf(platforms + len, sizeof(platforms) - len, "%s%s",
                                        len ? "," : "", u->platforms[i]);
        fprintf(stderr, "%s: building %s for %s from %s\n", fn->name, cli_safe(image), platforms,
                cli_safe(dir));
        if (u->n_platforms <= 1)
                return build_for_one(u, fn, image, platforms, dir);
        return str_eq(u->builder, "docker") ? docker_for_several(u, fn, image, platforms, dir)
                                            : podman_for_several(u, fn, image, platforms, dir);
}

/* ---- one function ---- */

static int deploy(const struct up *u, const struct stack_function *fn, const char *image,
                  uint64_t *ret_generation) {
        cJSON *request = cli_request("deploy"), *spec = cJSON_Duplicate(fn->spec, true), *reply;
        int r;

        cJSON_DeleteItemFromObjectCaseSensitive(spec, "image");
        (void)cJSON_AddStringToObject(spec, "image", image);
        (void)cJSON_AddItemToObject(request, "spec", spec);
        r = cli_ask(u->cli, request, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return cli_fail(u->cli, "%s:%u: %s is not deployed", u->file, fn->line, fn->name);
        *ret_generation = cli_generation(reply);
        cJSON_Delete(reply);
        return CLI_DONE;
}

static int bring_up(const struct up *u, const struct stack_function *fn, uint64_t *ret_generation) {
        char dir[PATH_MAX], own[SIZE_NAME + 8];
        const char *image = json_text(fn->spec, "image", ""), *folder;
        int r = CLI_DONE;

        folder = u->build ? build_folder(u, fn, dir, &r) : NULL;
        if (r != CLI_DONE)
                return r;
        if (!image[0]) {
                (void)snprintf(own, sizeof(own), "%s:latest", fn->name);
                image = own;
        }
        /* a handler that cannot be built here may have its image somewhere else */
        if (folder && !u->builder && !fn->must_build && image != own)
                folder = NULL;
        if (folder)
                r = build_and_push(u, fn, image, folder);
        else if (!in_bramble(u, image) && source_has_image(image))
                r = push(u, fn, image);
        if (r == CLI_DONE)
                r = deploy(u, fn, image, ret_generation);
        if (r == CLI_DONE)
                fprintf(stderr, "%s: deployed\n", fn->name);
        return r;
}

static bool wanted(const struct up *u, const struct stack_function *fn) {
        return !u->filter || fnmatch(u->filter, fn->name, 0) == 0;
}

static void url_of(const struct up *u, const struct stack_function *fn, char *dst, size_t size) {
        const char *namespace = json_text(fn->spec, "namespace", "");
        char gateway[512];

        (void)snprintf(dst, size, "%s/function/%s%s%s",
                       cli_gateway(u->cli, gateway, sizeof(gateway)), fn->name,
                       namespace[0] ? "." : "", namespace);
}

static int report(const struct up *u, const bool *deployed, const bool *ready) {
        static const char *const titles[] = { "FUNCTION", "STATE", "URL", NULL };
        cJSON *array = u->cli->json ? cJSON_CreateArray() : NULL;
        struct table *t = u->cli->json ? NULL : table_new(titles);
        char url[1024];

        for (size_t i = 0; i < u->stack.n; i++) {
                const struct stack_function *fn = &u->stack.functions[i];
                const char *state = !deployed[i] ? "failed"
                                    : ready[i]   ? "ready"
                                    : u->wait    ? "not ready"
                                                 : "deployed";
                cJSON *o;

                if (!wanted(u, fn))
                        continue;
                url_of(u, fn, url, sizeof(url));
                if (t) {
                        table_row(t);
                        table_cell(t, TABLE_PLAIN, "%s", cli_safe(fn->name));
                        table_cell(t,
                                   !deployed[i] ? TABLE_BAD
                                   : ready[i]   ? TABLE_GOOD
                                                : TABLE_PLAIN,
                                   "%s", state);
                        table_cell(t, TABLE_PLAIN, "%s", cli_safe(url));
                        continue;
                }
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "name", fn->name);
                (void)cJSON_AddStringToObject(o, "state", state);
                (void)cJSON_AddStringToObject(o, "url", url);
                (void)cJSON_AddItemToArray(array, o);
        }
        if (t)
                table_print(t);
        else
                (void)cli_print_json(array);
        return CLI_DONE;
}

static int up_all(struct up *u) {
        bool deployed[STACK_FUNCTIONS] = { false }, ready[STACK_FUNCTIONS] = { false };
        uint64_t generations[STACK_FUNCTIONS] = { 0 };
        int r = read_stack(u), result = CLI_DONE;
        size_t n = 0;

        for (size_t i = 0; r == CLI_DONE && i < u->stack.n; i++)
                n += wanted(u, &u->stack.functions[i]);
        if (r == CLI_DONE && n == 0)
                r = cli_fail(u->cli,
                             "no function in %s fits '%s': its names are below functions:", u->file,
                             cli_safe(u->filter));
        if (r == CLI_DONE)
                r = learn_bramble(u);
        if (u->build)
                u->builder = find_builder();
        /* one that fails keeps nobody else from going up */
        for (size_t i = 0; r == CLI_DONE && i < u->stack.n; i++) {
                const struct stack_function *fn = &u->stack.functions[i];

                deployed[i] = wanted(u, fn) && bring_up(u, fn, &generations[i]) == CLI_DONE;
                if (wanted(u, fn) && !deployed[i])
                        result = CLI_FAILED;
        }
        if (r != CLI_DONE)
                return r;
        for (size_t i = 0; i < u->stack.n; i++) {
                const struct stack_function *fn = &u->stack.functions[i];
                const char *namespace = json_text(fn->spec, "namespace", "openfaas-fn");

                if (!deployed[i] || !u->wait)
                        continue;
                ready[i] = cli_wait_ready(u->cli, fn->name, namespace, generations[i], false) ==
                           CLI_DONE;
                if (!ready[i])
                        result = CLI_FAILED;
        }
        (void)report(u, deployed, ready);
        return result;
}

int verb_up(const struct cli *c, int argc, char **argv) {
        enum { OPT_FILTER = 256, OPT_NO_BUILD, OPT_NO_EXPAND, OPT_NO_WAIT };
        static const struct option options[] = { { "yaml", required_argument, NULL, 'f' },
                                                 { "file", required_argument, NULL, 'f' },
                                                 { "filter", required_argument, NULL, OPT_FILTER },
                                                 { "no-build", no_argument, NULL, OPT_NO_BUILD },
                                                 { "no-expand", no_argument, NULL, OPT_NO_EXPAND },
                                                 { "no-wait", no_argument, NULL, OPT_NO_WAIT },
                                                 { 0 } };
        struct up u = { .cli = c, .build = true, .expand = true, .wait = true };
        int o, r;

        while ((o = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
                if (o == 'f')
                        u.file = optarg;
                else if (o == OPT_FILTER)
                        u.filter = optarg;
                else if (o == OPT_NO_BUILD)
                        u.build = false;
                else if (o == OPT_NO_EXPAND)
                        u.expand = false;
                else if (o == OPT_NO_WAIT)
                        u.wait = false;
                else
                        return cli_misused(c, argv[0], "this option is not known");
        }
        if (optind < argc && !u.file)
                u.file = argv[optind++];
        if (optind < argc)
                return cli_misused(c, argv[0], "up takes one STACK.yml");
        r = up_all(&u);
        stack_done(&u.stack);
        cJSON_Delete(u.images);
        return r;
}

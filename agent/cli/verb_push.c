/* verb_push - an image from this computer into the bramble: no registry, and only what is new. */
#include "base/str.h"
#include "cli/progress.h"
#include "cli/push.h"
#include "cli/verbs.h"
#include "core/image_name.h"
#include "io/json.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload {
        const struct cli *cli;
        struct source *source;
        struct progress progress;
};

/* One question for each larger blob; who cannot be asked gets it. */
static bool have(void *arg, const char *digest) {
        struct upload *u = arg;
        cJSON *request = cli_request("blobs"), *reply = NULL, *digests;
        bool missing = true;

        digests = cJSON_AddArrayToObject(request, "digests");
        (void)cJSON_AddItemToArray(digests, cJSON_CreateString(digest));
        if (cli_ask(u->cli, request, NULL, NULL, &reply) == CLI_DONE && reply)
                missing =
                        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply, "missing")) > 0;
        cJSON_Delete(reply);
        return !missing;
}

static ssize_t read_some(void *arg, char *data, size_t size) {
        struct upload *u = arg;

        return source_read(u->source, data, size, have, u);
}

/* What was there already counts as done: the bar is about the whole image. */
static void on_progress(void *arg, size_t sent) {
        struct upload *u = arg;

        progress_to(&u->progress, sent + source_skipped(u->source));
}

int push_source(const struct cli *c, struct source *source, const char *name, cJSON **ret) {
        struct upload u = { .cli = c, .source = source };
        cJSON *request = cli_request("import"), *reply = NULL;
        struct fail f = { 0 };
        uint64_t skipped;
        char what[128];
        int r;

        (void)snprintf(what, sizeof(what), "sending %.80s", name ? name : source_what(source));
        progress_begin(&u.progress, what, source_size(source));
        if (name)
                (void)cJSON_AddStringToObject(request, "name", name);
        r = cli_upload_from(c, request, read_some, on_progress, &u, &reply);
        progress_end(&u.progress);
        skipped = source_skipped(source);
        /* a tool that failed is why the agent saw no whole archive */
        if (source_close(source, &f) < 0 && r == CLI_DONE)
                r = cli_fail(c, "%s", fail_text(&f));
        else if (f.error)
                (void)cli_fail(c, "%s", fail_text(&f));
        if (r == CLI_DONE && ret) {
                (void)cJSON_AddNumberToObject(reply, "skipped", (double)skipped);
                *ret = reply;
                return r;
        }
        cJSON_Delete(reply);
        return r;
}

void push_print(const cJSON *reply, uint64_t skipped) {
        const cJSON *image;
        char size[16], there[16];

        cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(reply, "images")) {
                uint64_t bytes = 0;

                (void)json_number(image, "size", UINT64_MAX, &bytes);
                printf("%s is in the bramble (%s", cli_safe(json_text(image, "name", "?")),
                       str_size(size, bytes));
                if (skipped)
                        printf(", %s of it were there", str_size(there, skipped));
                printf(")\n");
        }
}

/* A folder that happens to be called as an image is, is not meant. */
static bool is_path(const char *text) {
        char index[4096];
        struct stat st;

        if (str_eq(text, "-") || text[0] == '/' || text[0] == '.')
                return true;
        if (stat(text, &st) < 0)
                return false;
        (void)snprintf(index, sizeof(index), "%s/index.json", text);
        return !S_ISDIR(st.st_mode) || access(index, R_OK) == 0;
}

int verb_push(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "name", required_argument, NULL, 'n' }, { 0 } };
        const char *name = NULL;
        struct source *source = NULL;
        struct fail f = { 0 };
        uint64_t skipped = 0;
        cJSON *reply;
        int o, r;

        while ((o = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
                if (o != 'n')
                        return cli_misused(c, argv[0], "this option is not known");
                name = optarg;
        }
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "push takes one IMAGE");
        if (is_path(argv[optind])) {
                r = source_open_path(argv[optind], &source, &f);
        } else {
                r = source_open_image(argv[optind], &source, &f);
                name = name ? name : argv[optind];
        }
        if (r < 0)
                return cli_fail(c, "%s", fail_text(&f));
        r = push_source(c, source, name, &reply);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        (void)json_number(reply, "skipped", UINT64_MAX, &skipped);
        push_print(reply, skipped);
        cJSON_Delete(reply);
        return CLI_DONE;
}

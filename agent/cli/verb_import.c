/* verb_import - brings an image into the bramble, with progress. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_progress(void *arg, size_t sent) {
        struct progress *p = arg;

        progress_to(p, sent);
        if (p->whole && sent >= p->whole && p->open)
                progress_step(p, "all is sent: the bramble unpacks it");
}

static int print_images(const cJSON *o) {
        const cJSON *image;
        char size[16];

        cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(o, "images")) {
                uint64_t bytes = 0;

                (void)json_number(image, "size", UINT64_MAX, &bytes);
                printf("%s is in the bramble (%s)\n", cli_safe(json_text(image, "name", "?")),
                       str_size(size, bytes));
        }
        return CLI_DONE;
}

int verb_import(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "name", required_argument, NULL, 'n' }, { 0 } };
        const char *name = NULL, *file;
        char what[128];
        struct progress p;
        uint64_t whole = 0;
        cJSON *request, *reply;
        auto_close int fd = -1;
        struct stat st;
        int o, r;

        while ((o = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
                if (o != 'n')
                        return cli_misused(c, argv[0], "this option is not known");
                name = optarg;
        }
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "import takes one file");
        file = cli_safe(argv[optind]);
        fd = str_eq(argv[optind], "-") ? dup(STDIN_FILENO)
                                       : open(argv[optind], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return cli_fail(c, "cannot open %s: %s%s", file, strerror(errno),
                                errno == ENOENT ? " (push takes images of docker and podman)" : "");
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                whole = (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode))
                return cli_fail(c, "%s is a folder: %s push takes one in OCI layout", file,
                                c->program);
        request = cli_request("import");
        if (name)
                (void)cJSON_AddStringToObject(request, "name", name);
        (void)snprintf(what, sizeof(what), "sending %.90s",
                       str_eq(argv[optind], "-") ? "standard input" : file);
        progress_begin(&p, what, whole);
        r = cli_upload(c, request, fd, on_progress, &p, &reply);
        progress_end(&p);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        r = print_images(reply);
        cJSON_Delete(reply);
        return r;
}

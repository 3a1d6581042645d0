/* verb_images - the images of the bramble, and taking one away. */
#include "base/str.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>

/* "w1 w2" of an array of texts; "-" for none. */
static const char *join(const cJSON *array, char dst[static TABLE_CELL]) {
        const cJSON *v;
        size_t len = 0;

        (void)str_copy(dst, TABLE_CELL, "-");
        cJSON_ArrayForEach(v, array) {
                int n = snprintf(dst + len, TABLE_CELL - len, "%s%s", len ? " " : "",
                                 cli_safe(cJSON_IsString(v) ? v->valuestring : "?"));

                if (n < 0 || (size_t)n >= TABLE_CELL - len)
                        break;
                len += (size_t)n;
        }
        return dst;
}

static void image_row(struct table *t, const cJSON *image) {
        char size[16], text[TABLE_CELL];
        uint64_t bytes = 0;

        (void)json_number(image, "size", UINT64_MAX, &bytes);
        table_row(t);
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(image, "name", "?")));
        table_cell(t, TABLE_PLAIN, "%s", bytes ? str_size(size, bytes) : "-");
        table_cell(t, TABLE_PLAIN, "%s",
                   join(cJSON_GetObjectItemCaseSensitive(image, "boards"), text));
        table_cell(t, TABLE_PLAIN, "%s",
                   join(cJSON_GetObjectItemCaseSensitive(image, "functions"), text));
        table_cell(t, TABLE_PLAIN, "%.12s", cli_safe(json_text(image, "digest", "sha256:?") + 7));
}

int verb_images(const struct cli *c, int argc, char **argv) {
        static const char *const titles[] = { "IMAGE", "SIZE", "ON", "USED BY", "DIGEST", NULL };
        cJSON *o, *images, *image;
        struct table *t;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("images"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        images = cJSON_DetachItemFromObjectCaseSensitive(o, "images");
        cJSON_Delete(o);
        if (c->json)
                return cli_print_json(images);
        if (cJSON_GetArraySize(images) == 0)
                printf("no images yet: agentctl push IMAGE, or deploy one from a registry\n");
        t = cJSON_GetArraySize(images) > 0 ? table_new(titles) : NULL;
        cJSON_ArrayForEach(image, images) {
                image_row(t, image);
        }
        if (t)
                table_print(t);
        cJSON_Delete(images);
        return CLI_DONE;
}

int verb_image(const struct cli *c, int argc, char **argv) {
        cJSON *o;
        int r;

        (void)argc;
        if (!str_eq(argv[1], "remove"))
                return cli_misused(c, argv[0], "image knows only: image remove NAME");
        o = cli_request("image-remove");
        (void)cJSON_AddStringToObject(o, "name", argv[2]);
        r = cli_ask(c, o, NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        cJSON_Delete(o);
        printf("%s is removed from the bramble\n", cli_safe(argv[2]));
        return CLI_DONE;
}

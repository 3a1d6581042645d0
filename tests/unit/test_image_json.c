#include "io/image_json.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define HEX     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST  "sha256:" HEX
#define BLOB    "{\"mediaType\":\"m\",\"digest\":\"" DIGEST "\",\"size\":7}"
#define MEMBERS "{\"manifests\":["

static void index_of(void **state) {
        static const struct {
                const char *in;
                int result;
                uint32_t n;
                const char *name;
        } cases[] = {
                { MEMBERS "]}", 0, 0, "" },
                { MEMBERS BLOB "]}", 0, 1, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":0,\"annotations\":"
                          "{\"io.containerd.image.name\":\"docker.io/a/b:1\"}}]}",
                  0, 1, "docker.io/a/b:1" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":0,\"annotations\":"
                          "{\"org.opencontainers.image.ref.name\":\"hello:2\"}}]}",
                  0, 1, "docker.io/library/hello:2" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":0,\"annotations\":"
                          "{\"org.opencontainers.image.ref.name\":\"latest\"}}]}",
                  0, 1, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":0,\"annotations\":"
                          "{\"io.containerd.image.name\":\"../../x\"}}]}",
                  0, 1, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":0,\"annotations\":[]}]}", 0, 1, "" },
                { MEMBERS "{\"digest\":\"sha256:12\",\"size\":0}]}", -EBADMSG, 0, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":-1}]}", -EBADMSG, 0, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":1e300}]}", -EBADMSG, 0, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":\"7\"}]}", -EBADMSG, 0, "" },
                { MEMBERS "{\"digest\":\"" DIGEST "\"}]}", -EBADMSG, 0, "" },
                { MEMBERS "7]}", -EBADMSG, 0, "" },
                { MEMBERS, -EBADMSG, 0, "" },
                { "{}", -EBADMSG, 0, "" },
                { "{\"manifests\":{}}", -EBADMSG, 0, "" },
                { "[]", -EBADMSG, 0, "" },
                { "", -EBADMSG, 0, "" },
        };
        auto_free struct image_index *index = calloc(1, sizeof(*index));

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };

                index->items[0].name[0] = '\0';
                assert_int_equal(image_json_index(cases[i].in, strlen(cases[i].in), index, &f),
                                 cases[i].result);
                assert_int_equal(f.error, cases[i].result);
                if (cases[i].result == 0) {
                        assert_int_equal(index->n, cases[i].n);
                        assert_string_equal(index->items[0].name, cases[i].name);
                }
        }
}

static void platforms(void **state) {
        static const char in[] = MEMBERS "{\"digest\":\"" DIGEST "\",\"size\":1,\"platform\":"
                                         "{\"os\":\"linux\",\"architecture\":\"arm\","
                                         "\"variant\":\"v7\"}}]}";
        auto_free struct image_index *index = calloc(1, sizeof(*index));

        (void)state;
        assert_int_equal(image_json_index(in, sizeof(in) - 1, index, NULL), 0);
        assert_string_equal(index->items[0].platform.os, "linux");
        assert_string_equal(index->items[0].platform.architecture, "arm");
        assert_string_equal(index->items[0].platform.variant, "v7");
        assert_string_equal(index->items[0].blob.media_type, "");
}

static void kinds(void **state) {
        enum image_kind kind = IMAGE_INDEX;

        (void)state;
        assert_int_equal(image_json_kind("{\"layers\":[]}", 13, &kind, NULL), 0);
        assert_int_equal(kind, IMAGE_MANIFEST);
        assert_int_equal(image_json_kind(MEMBERS "]}", strlen(MEMBERS "]}"), &kind, NULL), 0);
        assert_int_equal(kind, IMAGE_INDEX);
        assert_int_equal(image_json_kind("{\"fsLayers\":[]}", 15, &kind, NULL), -EBADMSG);
}

/* What we write we can read. */
static void manifest(void **state) {
        auto_free struct image_manifest *m = calloc(2, sizeof(*m));
        auto_buf struct buf text = { 0 };

        (void)state;
        m[0].n_layers = IMAGE_LAYERS;
        m[0].config = (struct image_blob){ "c", DIGEST, 17 };
        for (uint32_t i = 0; i < IMAGE_LAYERS; i++)
                m[0].layers[i] = (struct image_blob){ "l", DIGEST, UINT64_C(5000000000) + i };
        assert_int_equal(image_json_write_manifest(&m[0], &text), 0);
        assert_int_equal(image_json_manifest(text.data, text.len, &m[1], NULL), 0);
        assert_string_equal(m[1].media_type,
                            "application/vnd.docker.distribution.manifest.v2+json");
        assert_int_equal(m[1].n_layers, IMAGE_LAYERS);
        assert_memory_equal(&m[1].config, &m[0].config, sizeof(m->config));
        assert_memory_equal(m[1].layers, m[0].layers, sizeof(m->layers));

        static const struct {
                const char *in;
                int result;
        } cases[] = {
                { "{\"config\":" BLOB ",\"layers\":[]}", 0 },
                { "{\"config\":" BLOB ",\"layers\":[" BLOB "," BLOB "]}", 0 },
                { "{\"config\":" BLOB ",\"layers\":[{}]}", -EBADMSG },
                { "{\"config\":" BLOB "}", -EBADMSG },
                { "{\"layers\":[]}", -EBADMSG },
                { "null", -EBADMSG },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(image_json_manifest(cases[i].in, strlen(cases[i].in), &m[1], NULL),
                                 cases[i].result);
        assert_string_equal(m[1].media_type, "application/vnd.oci.image.manifest.v1+json");
}

static void config(void **state) {
        static const struct {
                const char *in;
                int result;
        } cases[] = {
                { "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
                  "\"diff_ids\":[\"" DIGEST "\"]}}",
                  0 },
                { "{\"rootfs\":{\"diff_ids\":[\"" DIGEST "\",7]}}", -EBADMSG },
                { "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", -EBADMSG },
                { "{\"rootfs\":{\"diff_ids\":null}}", -EBADMSG },
                { "{\"rootfs\":[]}", -EBADMSG },
                { "{}", -EBADMSG },
        };
        auto_free struct image_config *c = calloc(1, sizeof(*c));

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(image_json_config(cases[i].in, strlen(cases[i].in), c, NULL),
                                 cases[i].result);
        assert_int_equal(image_json_config(cases[0].in, strlen(cases[0].in), c, NULL), 0);
        assert_int_equal(c->n_layers, 1);
        assert_string_equal(c->diff_ids[0], DIGEST);
        assert_string_equal(c->platform.architecture, "amd64");
}

static void archive(void **state) {
        static const struct {
                const char *in;
                int result;
        } cases[] = {
                { "[{\"Config\":\"./" HEX ".json\",\"RepoTags\":[\"hello:1\",\"functions/x\"],"
                  "\"Layers\":[\"a/layer.tar\",\"b/layer.tar\"]}]",
                  0 },
                { "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":[]}]", 0 },
                { "[]", 0 },
                { "[{\"Config\":\"../c\",\"Layers\":[]}]", -EBADMSG },
                { "[{\"Config\":\"c\",\"Layers\":[\"/etc/passwd\"]}]", -EBADMSG },
                { "[{\"Config\":\"c\",\"Layers\":[7]}]", -EBADMSG },
                { "[{\"Config\":\"c\"}]", -EBADMSG },
                { "[{\"Layers\":[]}]", -EBADMSG },
                { "[{\"Config\":\"c\",\"Layers\":[],\"RepoTags\":[\"A B\"]}]", -EBADMSG },
                { "[7]", -EBADMSG },
                { "{}", -EBADMSG },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_free struct image_archive *a = calloc(1, sizeof(*a));

                assert_int_equal(image_json_archive(cases[i].in, strlen(cases[i].in), a, NULL),
                                 cases[i].result);
                if (i == 0) {
                        assert_int_equal(a->n, 1);
                        assert_string_equal(a->items[0].config, HEX ".json");
                        assert_int_equal(a->items[0].n_tags, 2);
                        assert_string_equal(a->items[0].tags[1], "docker.io/functions/x:latest");
                        assert_int_equal(a->items[0].n_layers, 2);
                        assert_string_equal(a->items[0].layers[1], "b/layer.tar");
                }
                image_archive_done(a);
        }
}

/* 'n' times 'unit' between 'head' and 'tail'. */
static void repeat(struct buf *b, const char *head, const char *unit, size_t n, const char *tail) {
        b->len = 0;
        assert_int_equal(buf_add_text(b, head), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(buf_printf(b, "%s%s", i && *unit != '[' ? "," : "", unit), 0);
        assert_int_equal(buf_add_text(b, tail), 0);
}

static void too_much(void **state) {
        auto_free struct image_manifest *m = calloc(1, sizeof(*m));
        auto_free struct image_index *index = calloc(1, sizeof(*index));
        auto_buf struct buf b = { 0 };

        (void)state;
        repeat(&b, MEMBERS, BLOB, IMAGE_MANIFESTS, "]}");
        assert_int_equal(image_json_index(b.data, b.len, index, NULL), 0);
        repeat(&b, MEMBERS, BLOB, IMAGE_MANIFESTS + 1, "]}");
        assert_int_equal(image_json_index(b.data, b.len, index, NULL), -EMSGSIZE);
        repeat(&b, "{\"config\":" BLOB ",\"layers\":[", BLOB, IMAGE_LAYERS + 1, "]}");
        assert_int_equal(image_json_manifest(b.data, b.len, m, NULL), -EMSGSIZE);
        repeat(&b, "", "[", 100000, "");
        assert_int_equal(image_json_manifest(b.data, b.len, m, NULL), -EMSGSIZE);
        repeat(&b, "[", "0", 100000, "]");
        assert_int_equal(image_json_manifest(b.data, b.len, m, NULL), -EMSGSIZE);
        repeat(&b, "\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20000, "\"");
        assert_true(b.len > IMAGE_JSON_BYTES);
        assert_int_equal(image_json_manifest(b.data, b.len, m, NULL), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(index_of), cmocka_unit_test(platforms), cmocka_unit_test(kinds),
                cmocka_unit_test(manifest), cmocka_unit_test(config),    cmocka_unit_test(archive),
                cmocka_unit_test(too_much),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

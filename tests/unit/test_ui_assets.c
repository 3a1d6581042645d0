#include "gateway/ui_assets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static char dir[] = "/tmp/test_ui_assets.XXXXXX";

static void put(const char *name, const char *data, size_t len) {
        char path[256];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
}

static const struct ui_asset *find(const struct ui_assets *a, const char *name) {
        return ui_assets_find(a, &(struct http_text){ name, strlen(name) });
}

static void reads(void **state) {
        static struct ui_assets a;
        static char script[4000], large[UI_ASSETS_BYTES + 1], path[256], other[256];
        const struct ui_asset *asset;
        struct buf b = { 0 };

        (void)state;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(ui_assets_read(&a, dir), -ENOENT);
        (void)snprintf(path, sizeof(path), "%s/assets", dir);
        assert_int_equal(mkdir(path, 0755), 0);
        memset(script, 'x', sizeof(script));
        put("index.html", "<p>index", 8);
        put("assets/app-1.js", script, sizeof(script));
        put("assets/app-1.js.gz", "no gzip", 7); /* a wrong twin is made anew */
        put("assets/dot.png", "\x89PNG", 4);
        put("assets/secret.conf", "x", 1);
        put("assets/.hidden.js", "x", 1);
        put("assets/large.js", large, sizeof(large));
        (void)snprintf(path, sizeof(path), "%s/assets/link.js", dir);
        assert_int_equal(symlink("/etc/hostname", path), 0);
        assert_int_equal(ui_assets_read(&a, dir), 0);
        assert_int_equal(a.n, 3);
        asset = find(&a, "app-1.js");
        assert_non_null(asset);
        assert_string_equal(asset->type, "text/javascript; charset=utf-8");
        assert_in_range(asset->packed.len, 10, 200);
        assert_int_equal(ui_asset_unpack(asset, &b), 0);
        assert_int_equal(b.len, sizeof(script));
        assert_memory_equal(b.data, script, sizeof(script));
        buf_done(&b);
        assert_int_equal(ui_asset_unpack(find(&a, "dot.png"), &b), 0);
        assert_memory_equal(b.data, "\x89PNG", 4);
        assert_int_equal(find(&a, "dot.png")->packed.len, 0);
        assert_string_not_equal(find(&a, "")->etag, asset->etag);
        assert_null(find(&a, "secret.conf"));
        assert_null(find(&a, "large.js"));
        assert_null(find(&a, "link.js"));
        assert_null(find(&a, ".hidden.js"));
        assert_null(find(&a, "../index.html"));
        assert_null(find(&a, "app-1.js.gz"));
        buf_done(&b);
        ui_assets_done(&a);
        assert_null(find(&a, ""));
        (void)snprintf(other, sizeof(other), "rm -rf '%s'", dir);
        assert_int_equal(system(other), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(reads) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

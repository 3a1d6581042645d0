#include "gateway/ui_assets.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { LEAST_PACKED = 256, GZIP_BITS = 15 + 16 };

/* What a page is made of; anything else in the folder is not served. */
static const struct {
        const char *ending, *type;
        bool text; /* worth packing */
} types[] = {
        { ".html", "text/html; charset=utf-8", true },
        { ".js", "text/javascript; charset=utf-8", true },
        { ".css", "text/css; charset=utf-8", true },
        { ".svg", "image/svg+xml", true },
        { ".json", "application/json", true },
        { ".map", "application/json", true },
        { ".webmanifest", "application/manifest+json", true },
        { ".txt", "text/plain; charset=utf-8", true },
        { ".png", "image/png", false },
        { ".ico", "image/x-icon", true },
        { ".woff2", "font/woff2", false },
};

static int read_file(int dir, const char *name, struct buf *out) {
        auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat at;

        if (fd < 0 || fstat(fd, &at) < 0)
                return -errno;
        if (!S_ISREG(at.st_mode))
                return -EINVAL;
        if (at.st_size > UI_ASSETS_BYTES)
                return -EFBIG;
        for (;;) {
                int r = buf_reserve(out, (size_t)at.st_size - out->len + 1);
                ssize_t n;

                if (r < 0)
                        return r;
                n = read(fd, out->data + out->len, (size_t)at.st_size - out->len + 1);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                out->len += (size_t)n;
                if (out->len > (size_t)at.st_size)
                        return -EFBIG; /* it grows as we read */
        }
}

static int pack(const struct buf *plain, struct buf *out) {
        z_stream z = { 0 };
        size_t most;
        int r;

        if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_BITS, 9, Z_DEFAULT_STRATEGY) !=
            Z_OK)
                return -ENOMEM;
        most = deflateBound(&z, plain->len);
        r = buf_reserve(out, most);
        if (r == 0) {
                z.next_in = (Bytef *)plain->data;
                z.avail_in = (uInt)plain->len;
                z.next_out = (Bytef *)out->data;
                z.avail_out = (uInt)most;
                r = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
                out->len = r == 0 ? z.total_out : 0;
        }
        (void)deflateEnd(&z);
        return r;
}

static int unpack(const struct buf *packed, size_t size, struct buf *out) {
        z_stream z = { 0 };
        int r = buf_reserve(out, size);

        if (r < 0)
                return r;
        if (inflateInit2(&z, GZIP_BITS) != Z_OK)
                return -ENOMEM;
        z.next_in = (Bytef *)packed->data;
        z.avail_in = (uInt)packed->len;
        z.next_out = (Bytef *)out->data;
        z.avail_out = (uInt)size;
        r = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == size ? 0 : -EBADMSG;
        (void)inflateEnd(&z);
        if (r == 0)
                out->len = size;
        return r;
}

int ui_asset_unpack(const struct ui_asset *asset, struct buf *out) {
        return asset->packed.len > 0 ? unpack(&asset->packed, asset->size, out)
                                     : buf_add(out, asset->plain.data, asset->plain.len);
}

/* FNV-1a: says that it is another file, not whose. */
static void tag(const struct buf *b, char ret[static UI_ETAG]) {
        uint64_t h = 14695981039346656037u;
        char hex[17];

        for (size_t i = 0; i < b->len; i++)
                h = (h ^ (uint8_t)b->data[i]) * 1099511628211u;
        str_hex64(h, hex);
        (void)snprintf(ret, UI_ETAG, "\"%s\"", hex);
}

/* The twin that the build has packed: taken where it holds the same. */
static int take_twin(int dir, const char *name, const struct buf *plain, struct buf *out) {
        auto_buf struct buf same = { 0 };
        char twin[UI_ASSET_NAME + 4];
        int r;

        (void)snprintf(twin, sizeof(twin), "%s.gz", name);
        r = read_file(dir, twin, out);
        if (r == 0)
                r = unpack(out, plain->len, &same);
        if (r == 0 && memcmp(same.data, plain->data, plain->len) != 0)
                r = -EBADMSG;
        if (r < 0)
                buf_done(out);
        return r;
}

/* Kept for as long as the gateway runs: no more memory than bytes. */
static void keep_little(struct buf *b) {
        char *data = realloc(b->data, b->len + 1);

        if (!data)
                return;
        b->data = data;
        b->capacity = b->len + 1;
}

static int read_asset(struct ui_assets *a, int dir, const char *file, const char *name,
                      size_t type) {
        struct ui_asset *asset = &a->items[a->n];
        auto_buf struct buf plain = { .limit = UI_ASSETS_BYTES };
        int r;

        if (a->n == UI_ASSETS || str_copy(asset->name, sizeof(asset->name), name) < 0)
                return -E2BIG;
        r = read_file(dir, file, &plain);
        if (r == 0 && a->bytes + plain.len > UI_ASSETS_BYTES)
                r = -EFBIG;
        if (r < 0)
                return r;
        asset->type = types[type].type;
        asset->size = plain.len;
        tag(&plain, asset->etag);
        if (types[type].text && plain.len >= LEAST_PACKED &&
            (take_twin(dir, file, &plain, &asset->packed) == 0 ||
             pack(&plain, &asset->packed) == 0) &&
            asset->packed.len < plain.len) {
                keep_little(&asset->packed);
                a->n++;
                a->bytes += asset->size;
                return 0;
        }
        buf_done(&asset->packed);
        asset->plain = plain;
        plain = (struct buf){ 0 };
        keep_little(&asset->plain);
        a->n++;
        a->bytes += asset->size;
        return 0;
}

static size_t type_of(const char *name) {
        size_t i = 0;

        while (i < ARRAY_SIZE(types) && !str_ends(name, types[i].ending))
                i++;
        return i;
}

static void read_folder(struct ui_assets *a, int dir) {
        DIR *d = fdopendir(dir);
        struct dirent *entry;

        if (!d) {
                (void)close(dir);
                return;
        }
        while ((entry = readdir(d))) {
                size_t type = type_of(entry->d_name);
                int r;

                if (entry->d_name[0] == '.' || type == ARRAY_SIZE(types))
                        continue;
                r = read_asset(a, dirfd(d), entry->d_name, entry->d_name, type);
                if (r < 0)
                        log_warning("the page's file assets/%.60s is not served: %s", entry->d_name,
                                    strerror(-r));
        }
        (void)closedir(d);
}

int ui_assets_read(struct ui_assets *a, const char *dir) {
        auto_close int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int folder, r;

        if (root < 0)
                return -errno;
        r = read_asset(a, root, "index.html", "", 0);
        if (r < 0)
                return r;
        folder = openat(root, "assets", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (folder >= 0)
                read_folder(a, folder);
        return 0;
}

void ui_assets_done(struct ui_assets *a) {
        for (size_t i = 0; i < a->n; i++) {
                buf_done(&a->items[i].packed);
                buf_done(&a->items[i].plain);
        }
        a->n = a->bytes = 0;
}

const struct ui_asset *ui_assets_find(const struct ui_assets *a, const struct http_text *name) {
        for (size_t i = 0; i < a->n; i++)
                if (http_text_is(name, a->items[i].name))
                        return &a->items[i];
        return NULL;
}

#include "io/image_archive.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int image_archive_init(struct image_archive_reader *a, struct image_caller *k,
                       const struct archive_ops *ops, void *arg) {
        *a = (struct image_archive_reader){ .k = k, .ops = ops, .arg = arg };
        a->index.limit = a->manifest.limit = IMAGE_JSON_BYTES;
        a->in.limit = ARCHIVE_QUEUE_MAX;
        a->sum = EVP_MD_CTX_new();
        a->tar = malloc(sizeof(*a->tar));
        if (!a->tar || !a->sum) {
                image_archive_reader_done(a);
                return -ENOMEM;
        }
        tar_init(a->tar);
        return 0;
}

static void file_done(struct archive_file *f) {
        free(f->path);
        free(f->link);
        *f = (struct archive_file){ 0 };
}

void image_archive_reader_done(struct image_archive_reader *a) {
        image_writer_free(take_ptr(a->writer));
        for (uint32_t i = 0; i < a->n_files; i++)
                file_done(&a->files[i]);
        file_done(&a->file);
        free(take_ptr(a->files));
        free(take_ptr(a->tar));
        EVP_MD_CTX_free(take_ptr(a->sum));
        buf_done(&a->in);
        buf_done(&a->index);
        buf_done(&a->manifest);
        a->n_files = 0;
}

static int over(struct image_archive_reader *a, int result, const char *why) {
        a->error = result;
        if (a->over || !a->started)
                return result;
        a->over = true;
        image_writer_free(take_ptr(a->writer));
        buf_done(&a->in);
        a->ops->done(a->arg, result, why);
        return result;
}

const struct archive_file *image_archive_find(const struct image_archive_reader *a,
                                              const char *path) {
        /* Links to links are rare, and a circle of them is hostile. */
        for (unsigned hops = 0; hops < 4; hops++) {
                const struct archive_file *found = NULL;

                for (uint32_t i = 0; i < a->n_files && !found; i++)
                        if (str_eq(a->files[i].path, path))
                                found = &a->files[i];
                if (!found || !found->link)
                        return found;
                path = found->link;
        }
        return NULL;
}

/* --- one member --- */

static int remember(struct image_archive_reader *a) {
        struct archive_file *files = realloc(a->files, (a->n_files + 1) * sizeof(*files));

        if (!files)
                return over(a, -ENOMEM, "no memory");
        a->files = files;
        a->files[a->n_files++] = a->file;
        a->file = (struct archive_file){ 0 };
        a->sink = SINK_NONE;
        return 0;
}

static void pump(struct image_archive_reader *a);

static void blob_ready(void *arg, bool exists) {
        struct image_archive_reader *a = arg;

        a->blocked = false;
        if (exists)
                image_writer_free(take_ptr(a->writer));
        pump(a);
}

static void blob_drained(void *arg) {
        struct image_archive_reader *a = arg;

        a->blocked = false;
        pump(a);
}

static void blob_done(void *arg, int result, const char *why) {
        struct image_archive_reader *a = arg;
        char text[320];

        image_writer_free(take_ptr(a->writer));
        if (result == -EBADMSG) {
                (void)snprintf(text, sizeof(text), "the archive is damaged: %s: %s", a->file.path,
                               why);
                (void)over(a, result, text);
        } else if (result < 0) {
                (void)over(a, result, why);
        } else if (remember(a) == 0) {
                a->blocked = false;
                pump(a);
        }
}

static int begin_blob(struct image_archive_reader *a, const struct tar_entry *e) {
        static const struct image_writer_ops ops = { .ready = blob_ready,
                                                     .drained = blob_drained,
                                                     .done = blob_done };
        bool named = str_starts(e->path, "blobs/sha256/");

        a->file = (struct archive_file){ .path = strdup(e->path), .size = e->size };
        a->n_magic = 0;
        if (named)
                (void)snprintf(a->file.digest, SIZE_DIGEST, "sha256:%.64s", e->path + 13);
        else if (!EVP_DigestInit_ex(a->sum, EVP_sha256(), NULL))
                return over(a, -ENOMEM, "no memory");
        a->writer = image_writer_new(a->k, named ? a->file.digest : NULL, e->size, &ops, a);
        if (!a->file.path || !a->writer)
                return over(a, -ENOMEM, "no memory");
        a->sink = SINK_BLOB;
        a->blocked = true;
        return 0;
}

static int begin_document(struct image_archive_reader *a, const struct tar_entry *e,
                          struct buf *document) {
        char text[160];

        if (document->data || e->size > IMAGE_JSON_BYTES) {
                (void)snprintf(text, sizeof(text), "the archive's %.80s is %s", e->path,
                               document->data ? "there twice" : "larger than any real one");
                return over(a, -EBADMSG, text);
        }
        a->document = document;
        a->sink = SINK_DOCUMENT;
        if (buf_add(document, "", 0) < 0)
                return over(a, -ENOMEM, "no memory");
        return 0;
}

static int begin_link(struct image_archive_reader *a, const struct tar_entry *e) {
        char target[SIZE_TAR_PATH];

        if (tar_resolve(e, target) < 0)
                return 0; /* leads nowhere: whoever asks for it will not find it */
        a->file = (struct archive_file){ .path = strdup(e->path), .link = strdup(target) };
        if (!a->file.path || !a->file.link)
                return over(a, -ENOMEM, "no memory");
        return remember(a);
}

/* What an image's archive is made of; nothing else gets as far as the card. */
static bool is_blob(const char *path) {
        if (str_starts(path, "blobs/"))
                return str_starts(path, "blobs/sha256/") && image_digest_hex(path + 13, '\0');
        return str_ends(path, ".json") || str_ends(path, ".tar") || str_ends(path, ".tar.gz") ||
               str_ends(path, ".tgz") || str_starts(path, "sha256:");
}

static int begin_member(struct image_archive_reader *a, const struct tar_entry *e) {
        a->sink = SINK_NONE;
        if (++a->n_members > ARCHIVE_FILES)
                return over(a, -EMSGSIZE, "the archive holds more files than any image");
        if (e->size > ARCHIVE_BYTES)
                return over(a, -EMSGSIZE, "the archive is larger than any image");
        if (e->kind == TAR_SYMLINK || e->kind == TAR_HARDLINK)
                return begin_link(a, e);
        if (e->kind != TAR_FILE)
                return 0;
        if (str_eq(e->path, "index.json"))
                return begin_document(a, e, &a->index);
        if (str_eq(e->path, "manifest.json"))
                return begin_document(a, e, &a->manifest);
        return is_blob(e->path) ? begin_blob(a, e) : 0;
}

static int member_data(struct image_archive_reader *a, const void *data, size_t len) {
        const uint8_t *p = data;
        int r = 0;

        if (a->sink == SINK_DOCUMENT)
                return buf_add(a->document, data, len) < 0 ? over(a, -ENOMEM, "no memory") : 0;
        if (a->sink != SINK_BLOB)
                return 0;
        for (size_t i = 0; i < len && a->n_magic < sizeof(a->file.magic); i++)
                a->file.magic[a->n_magic++] = p[i];
        if (!a->file.digest[0] && !EVP_DigestUpdate(a->sum, data, len))
                return over(a, -ENOMEM, "no memory");
        if (a->writer)
                r = image_writer_write(a->writer, data, len);
        /* After an error of the writer its 'done' follows, and tells more. */
        a->blocked = r < 0;
        return 0;
}

static int member_done(struct image_archive_reader *a) {
        unsigned char sum[32];

        if (a->sink != SINK_BLOB)
                return 0;
        if (!a->file.digest[0]) {
                if (!EVP_DigestFinal_ex(a->sum, sum, NULL))
                        return over(a, -ENOMEM, "no memory");
                image_digest_text(sum, a->file.digest);
        }
        if (!a->writer)
                return remember(a);
        a->blocked = true;
        image_writer_commit(a->writer);
        return 0;
}

/* --- the archive --- */

static const char *compression(const uint8_t *magic) {
        if (memcmp(magic, "\x1f\x8b", 2) == 0)
                return "gzip";
        if (memcmp(magic,
                   "\xfd"
                   "7zXZ",
                   5) == 0)
                return "xz";
        if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
                return "zstd";
        return memcmp(magic, "BZh", 3) == 0 ? "bzip2" : NULL;
}

static int tar_failed(struct image_archive_reader *a, int error) {
        const char *packed = compression(a->tar->block);
        char text[160];

        if (error == -ENAMETOOLONG)
                return over(a, -EBADMSG,
                            "the archive holds a path that is longer than in any image");
        if (error == -EINVAL)
                return over(a, -EBADMSG, "the archive holds a path that leads out of it");
        if (error == -ENOTSUP)
                return over(a, -EBADMSG, "the archive holds sparse files, which no image does");
        if (a->tar->seen)
                return over(a, -EBADMSG, "the archive is damaged");
        if (!packed)
                return over(a, -EBADMSG, "it holds no image: it is no tar archive");
        (void)snprintf(text, sizeof(text), "it is compressed with %s; unpack it first", packed);
        return over(a, -EBADMSG, text);
}

/* Takes what can be taken now; returns how many bytes. */
static size_t process(struct image_archive_reader *a, const void *data, size_t len) {
        const void *view = NULL, *at = data;
        size_t left = len, n = 0;
        int r = 0;

        while (r == 0 && !a->blocked && !a->over) {
                int event = tar_next(a->tar, &at, &left, &view, &n);

                if (event == TAR_MORE)
                        break;
                if (event == TAR_ENTRY)
                        r = begin_member(a, tar_entry(a->tar));
                else if (event == TAR_DATA)
                        r = member_data(a, view, n);
                else if (event == TAR_DONE)
                        r = member_done(a);
                else if (event < 0)
                        r = tar_failed(a, event);
        }
        return len - left;
}

/* May free 'a': its last act is a callback. */
static void pump(struct image_archive_reader *a) {
        if (a->over || !a->started || a->blocked)
                return;
        buf_consume(&a->in, process(a, a->in.data, a->in.len));
        if (a->over || a->blocked)
                return;
        if (a->ended) {
                if (tar_complete(a->tar))
                        (void)over(a, 0, "");
                else
                        (void)over(a, -EBADMSG,
                                   a->bytes ? "the archive is cut off" : "the archive is empty");
        } else if (a->owes_drained) {
                a->owes_drained = false;
                a->ops->drained(a->arg);
        }
}

void image_archive_start(struct image_archive_reader *a) {
        a->started = true;
        if (a->error < 0)
                (void)over(a, a->error, "more data came than was asked for");
        else
                pump(a);
}

int image_archive_write(struct image_archive_reader *a, const void *data, size_t len) {
        size_t used = 0;

        if (a->error < 0)
                return a->error;
        a->bytes += len;
        if (a->bytes > ARCHIVE_BYTES)
                return over(a, -EMSGSIZE, "the archive is larger than any image");
        if (a->started && !a->blocked && a->in.len == 0)
                used = process(a, data, len);
        if (a->over)
                return a->error;
        if (buf_add(&a->in, (const uint8_t *)data + used, len - used) < 0)
                return over(a, -ENOBUFS, "more data came than was asked for");
        a->owes_drained = a->in.len >= ARCHIVE_QUEUE_HIGH;
        return a->owes_drained ? -EAGAIN : 0;
}

void image_archive_end(struct image_archive_reader *a) {
        a->ended = true;
        pump(a);
}

/* Images on two real containerds (tests/live/image-bed): what goes in, what comes out, and that
 * nothing is left of what failed. */
#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/image_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

static uv_loop_t loop;
static uv_timer_t patience;
static struct containers a, b, small; /* as containers_open() makes them, as far as images go */
static const char *bed;
static bool waiting;
static const char *waits_for;

/* --- waiting --- */

static void too_late(uv_timer_t *t) {
        (void)t;
        fprintf(stderr, "waited too long for %s\n", waits_for);
        abort();
}

/* Runs the loop until somebody calls go(). */
static void wait_for(const char *what) {
        waits_for = what;
        waiting = true;
        assert_int_equal(uv_timer_start(&patience, too_late, PATIENCE_MS, 0), 0);
        while (waiting)
                (void)uv_run(&loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&patience);
}

static void go(void) {
        waiting = false;
}

static void on_state(void *arg, bool up, int error, const char *why) {
        (void)arg;
        (void)error;
        (void)why;
        if (up)
                go();
}

static void connect_to(struct containers *c, const char *name) {
        static const struct grpc_header headers[] = { { "containerd-namespace", CTR_NAMESPACE },
                                                      { NULL, NULL } };
        char socket[256];
        struct grpc_config config = { .socket = socket, .headers = headers };

        (void)snprintf(socket, sizeof(socket), "%s/%s/sock", bed, name);
        c->loop = &loop;
        assert_int_equal(grpc_open(&loop, &config, on_state, c, &c->grpc), 0);
        wait_for(name);
}

/* --- what containerd's own tool says --- */

/* The output of a shell command; "" for none. */
static const char *shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *shell(const char *format, ...) {
        static char out[65536];
        char command[1024];
        va_list args;
        size_t n;
        FILE *f;

        va_start(args, format);
        (void)vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        f = popen(command, "r");
        assert_non_null(f);
        n = fread(out, 1, sizeof(out) - 1, f);
        out[n] = '\0';
        (void)pclose(f);
        return out;
}

static const char *ctr(const char *which, const char *command) {
        return shell("timeout 60 ctr -a %s/%s/sock -n openfaas-fn %s", bed, which, command);
}

/* What an image says.  ctr now and then loses the output of a container whose input has ended
 * before it starts: its input is a pipe that nobody closes before ctr ends.  And it may wait for
 * ever for the other end of an output that a short container has closed already (it hangs in open()
 * of a fifo): it is only the onlooker here, so it gets a limit and another look. */
static const char *ctr_run(const char *which, const char *image_and_name) {
        const char *name = strrchr(image_and_name, ' ') + 1, *out = "";

        for (int look = 0; look < 3 && !*out; look++) {
                out = shell("fifo=$(mktemp -u); mkfifo $fifo; exec 5<>$fifo; rm $fifo; "
                            "timeout -k 1 20 ctr -a %s/%s/sock -n openfaas-fn run --rm %s <&5",
                            bed, which, image_and_name);
                if (*out)
                        break;
                fprintf(stderr, "ctr run said nothing\n");
                (void)shell(
                        "ctr=\"timeout 20 ctr -a %s/%s/sock -n openfaas-fn\"; $ctr tasks rm -f %s; "
                        "$ctr containers rm %s; $ctr snapshots rm %s",
                        bed, which, name, name, name);
                out = "";
        }
        return out;
}

static void assert_empty(const char *which) {
        assert_string_equal(ctr(which, "leases ls -q"), "");
        assert_string_equal(ctr(which, "images ls -q"), "");
        assert_string_equal(ctr(which, "content ls -q"), "");
        assert_string_equal(ctr(which, "content active | tail -n +2"), "");
        assert_string_equal(ctr(which, "snapshots ls | tail -n +2"), "");
        assert_string_equal(shell("ls %s/%s/root/*.content/ingest", bed, which), "");
}

/* --- importing --- */

struct import {
        struct image_import *i;
        int fd;
        size_t piece;
        unsigned paused;
        int result;
        char why[320];
        size_t n;
        char names[4][SIZE_IMAGE];
        char digests[4][SIZE_DIGEST];
        uint64_t sizes[4];
};

static void imported(void *arg, int result, const char *why, const struct image_imported *images,
                     size_t n) {
        struct import *t = arg;

        t->i = NULL;
        t->result = result;
        (void)snprintf(t->why, sizeof(t->why), "%s", why);
        t->n = n;
        for (size_t i = 0; i < n && i < 4; i++) {
                (void)str_copy(t->names[i], SIZE_IMAGE, images[i].name);
                (void)str_copy(t->digests[i], SIZE_DIGEST, images[i].digest);
                t->sizes[i] = images[i].size_bytes;
        }
        go();
}

static void feed(void *arg) {
        struct import *t = arg;
        char data[256 * 1024];

        for (;;) {
                ssize_t n = read(t->fd, data, t->piece);
                int r;

                assert_true(n >= 0);
                if (n == 0) {
                        image_import_end(t->i);
                        return;
                }
                r = image_import_write(t->i, data, (size_t)n);
                if (r == -EAGAIN)
                        t->paused++;
                if (r < 0)
                        return; /* 'drained' or 'done' follows */
        }
}

static struct import import(struct containers *c, const char *file, const char *name,
                            size_t piece) {
        struct import t = { .piece = piece };
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/images/%s", bed, file);
        t.fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(t.fd >= 0);
        assert_int_equal(image_import_begin(c, name, feed, imported, &t, &t.i), 0);
        feed(&t);
        wait_for(file);
        (void)close(t.fd);
        return t;
}

static void simple_done(void *arg, int result, const char *why) {
        (void)why;
        *(int *)arg = result;
        go();
}

static void remove_image(struct containers *c, const char *name) {
        int result = 1;

        assert_int_equal(image_remove(c, name, simple_done, &result), 0);
        wait_for("an image to be removed");
        assert_int_equal(result, 0);
}

/* --- tests --- */

static void good(void **state) {
        static const struct {
                const char *file, *name;
                size_t n;
                const char *names[3];
        } cases[] = {
                { "oci.tar", NULL, 1, { "docker.io/library/hello:latest" } },
                { "oci.tar", "other/name:7", 1, { "docker.io/other/name:7" } },
                { "last.tar", NULL, 1, { "docker.io/library/hello:latest" } },
                { "today.tar", NULL, 1, { "docker.io/library/today:1" } },
                { "tagged.tar", NULL, 1, { "docker.io/library/today:1" } },
                { "unnamed.tar", "given", 1, { "docker.io/library/given:latest" } },
                { "archive.tar",
                  NULL,
                  2,
                  { "docker.io/library/archive:1", "docker.io/functions/archive:2" } },
                { "archive.tar", "one", 1, { "docker.io/library/one:latest" } },
                { "two.tar",
                  NULL,
                  2,
                  { "docker.io/library/first:1", "docker.io/library/second:1" } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct import t = import(&a, cases[i].file, cases[i].name, i % 2 ? 65536 : 10000);

                if (t.result != 0)
                        fail_msg("%s: %s", cases[i].file, t.why);
                assert_int_equal(t.n, cases[i].n);
                assert_string_equal(ctr("a", "leases ls -q"), "");
                assert_string_equal(ctr("a", "content active | tail -n +2"), "");
                for (size_t n = 0; n < t.n; n++) {
                        char command[400];

                        assert_string_equal(t.names[n], cases[i].names[n]);
                        assert_true(image_digest_valid(t.digests[n]));
                        assert_true(t.sizes[n] > 300000);
                        /* It runs, from what we unpacked: ctr's own "images check" agrees. */
                        (void)snprintf(command, sizeof(command),
                                       "images check name==%s | grep -c 'complete.*true'",
                                       t.names[n]);
                        assert_string_equal(ctr("a", command), "1\n");
                        (void)snprintf(command, sizeof(command), "%s t%zu%zu", t.names[n], i, n);
                        assert_string_equal(ctr_run("a", command), "hello from an image\n");
                }
                for (size_t n = 0; n < t.n; n++)
                        remove_image(&a, t.names[n]);
                assert_empty("a");
        }
}

/* What we import is what ctr exports again. */
static void round_trip(void **state) {
        struct import t = import(&a, "archive.tar", "round:1", 65536), again;

        (void)state;
        assert_int_equal(t.result, 0);
        (void)shell("ctr -a %s/a/sock -n openfaas-fn images export %s/images/trip.tar %s", bed, bed,
                    t.names[0]);
        remove_image(&a, "round:1");
        again = import(&a, "trip.tar", NULL, 65536);
        assert_string_equal(again.why, "");
        assert_string_equal(again.names[0], t.names[0]);
        assert_string_equal(again.digests[0], t.digests[0]);
        remove_image(&a, "round:1");
        assert_empty("a");
}

static void bad(void **state) {
        static const struct {
                const char *file, *name;
                int result;
                const char *why; /* the sentence holds this */
        } cases[] = {
                { "text.tar", NULL, -EBADMSG, "cut off" },
                { "random.tar", NULL, -EBADMSG, "it holds no image: it is no tar archive" },
                { "empty.tar", NULL, -EBADMSG, "the archive is empty" },
                { "oci.tar.gz", NULL, -EBADMSG, "compressed with gzip; unpack it first" },
                { "cut.tar", NULL, -EBADMSG, "the archive is cut off" },
                { "escape.tar", NULL, -EBADMSG, "a path that leads out of it" },
                { "nothing.tar", NULL, -EBADMSG,
                  "it holds no image: neither index.json nor manifest.json was found" },
                { "no-json.tar", NULL, -EBADMSG, "its index.json is no JSON" },
                { "no-members.tar", NULL, -EBADMSG, "its index is empty" },
                { "lacks.tar", NULL, -ENOENT, "is missing" },
                { "forged.tar", NULL, -EBADMSG, "do not fit their digest" },
                { "other.tar", NULL, -ENOEXEC, "is for linux/s390x; this board is" },
                { "other-config.tar", NULL, -ENOEXEC, "is for linux/s390x; this board is" },
                { "wrong-diff.tar", NULL, -EBADMSG, "does not hold what the image says" },
                { "noise.tar", NULL, -EIO, "layer 1 cannot be unpacked" },
                { "few-layers.tar", NULL, -EBADMSG, "has 1 layers, its configuration 2" },
                { "archive-lacks.tar", NULL, -ENOENT, "l2/layer.tar is missing" },
                { "unnamed.tar", NULL, -EINVAL, "give it a name" },
                { "two.tar", "one", -EINVAL, "several images" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct import t = import(&a, cases[i].file, cases[i].name, 65536);

                if (t.result != cases[i].result || !strstr(t.why, cases[i].why))
                        fail_msg("%s: %d %s", cases[i].file, t.result, t.why);
                assert_int_equal(t.n, 0);
                assert_empty("a");
        }
}

/* A failed import takes nothing away from what was there. */
static void failure_keeps(void **state) {
        struct import t = import(&a, "oci.tar", NULL, 65536);

        (void)state;
        assert_int_equal(t.result, 0);
        assert_int_equal(import(&a, "wrong-diff.tar", "hello", 65536).result, -EBADMSG);
        assert_string_equal(ctr_run("a", "docker.io/library/hello:latest k"),
                            "hello from an image\n");
        remove_image(&a, "hello");
        assert_empty("a");
}

static void no_name(void **state) {
        struct image_import *i = NULL;

        (void)state;
        assert_int_equal(image_import_begin(&a, "../x", feed, imported, NULL, &i), -EINVAL);
        assert_null(i);
}

/* Given up at any point, nothing is left, and a lease that a dead agent left is swept up. */
static void aborted(void **state) {
        char data[200000];
        char path[256];
        struct import t = { .piece = sizeof(data) };
        ssize_t n;
        int fd;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/images/oci.tar", bed);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = read(fd, data, sizeof(data));
        (void)close(fd);
        assert_true(n > 0);
        for (int turns = 0; turns < 12; turns++) {
                assert_int_equal(image_import_begin(&a, NULL, feed, imported, &t, &t.i), 0);
                (void)image_import_write(t.i, data, (size_t)n);
                for (int k = 0; k < turns; k++)
                        (void)uv_run(&loop, UV_RUN_ONCE);
                image_import_abort(t.i);
        }
        (void)ctr("a", "leases create --id bramble-images-dead-1");
        (void)ctr("a", "leases create --id somebody-else");
        a.images->swept = false;
        assert_int_equal(import(&a, "nothing.tar", NULL, 65536).result, -EBADMSG);
        assert_string_equal(ctr("a", "leases ls -q"), "somebody-else\n");
        (void)ctr("a", "leases delete --sync somebody-else");
        assert_empty("a");
}

/* Two imports of the same image at once. */
static void together(void **state) {
        struct import t[2] = { { .piece = 30000 }, { .piece = 65536 } };
        char path[256];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/images/oci.tar", bed);
        for (size_t i = 0; i < 2; i++) {
                t[i].fd = open(path, O_RDONLY | O_CLOEXEC);
                assert_int_equal(
                        image_import_begin(&a, i ? "x:1" : "x:2", feed, imported, &t[i], &t[i].i),
                        0);
                feed(&t[i]);
        }
        wait_for("one import");
        if (t[0].i || t[1].i)
                wait_for("the other import");
        for (size_t i = 0; i < 2; i++) {
                assert_string_equal(t[i].why, "");
                assert_int_equal(t[i].result, 0);
                (void)close(t[i].fd);
        }
        assert_string_equal(ctr_run("a", "docker.io/library/x:1 x"), "hello from an image\n");
        remove_image(&a, "x:1");
        assert_string_equal(ctr_run("a", "docker.io/library/x:2 x"), "hello from an image\n");
        remove_image(&a, "x:2");
        assert_empty("a");
}

/* --- lists --- */

static char list_text[1024];

static void list_each_image(void *arg, const struct image_imported *image) {
        size_t n = strlen(list_text);

        assert_ptr_equal(arg, list_text);
        assert_true(image_digest_valid(image->digest));
        assert_true(image->size_bytes > 0);
        (void)snprintf(list_text + n, sizeof(list_text) - n, "%s ", image->name);
}

struct listed {
        int result;
};

static void listed(void *arg, int result, const char *why) {
        (void)arg;
        (void)why;
        assert_int_equal(result, 0);
        go();
}

static const char *list(struct containers *c) {
        list_text[0] = '\0';
        assert_int_equal(images_list(c, list_each_image, listed, list_text), 0);
        wait_for("the list of images");
        return list_text;
}

static void lists(void **state) {
        (void)state;
        assert_string_equal(list(&a), "");
        assert_int_equal(import(&a, "two.tar", NULL, 65536).result, 0);
        assert_string_equal(list(&a), "docker.io/library/first:1 docker.io/library/second:1 ");
        assert_string_equal(list(&a), "docker.io/library/first:1 docker.io/library/second:1 ");
        remove_image(&a, "first:1");
        assert_string_equal(list(&a), "docker.io/library/second:1 ");
        remove_image(&a, "second:1");
        /* Brought by another tool, with an index as its target; then not unpacked. */
        (void)shell("ctr -a %s/a/sock -n openfaas-fn images import %s/images/today.tar", bed, bed);
        assert_string_equal(list(&a), "docker.io/library/today:1 ");
        remove_image(&a, "today:1");
        (void)shell("ctr -a %s/a/sock -n openfaas-fn images import --no-unpack %s/images/oci.tar",
                    bed, bed);
        assert_string_equal(list(&a), "");
        remove_image(&a, "hello");
        assert_empty("a");

        int result = 0;
        assert_int_equal(image_remove(&a, "hello", simple_done, &result), 0);
        wait_for("an image that is not there");
        assert_int_equal(result, -ENOENT);
        assert_int_equal(image_remove(&a, "..", simple_done, &result), -EINVAL);
}

/* --- from one containerd to the other --- */

enum lie { HONEST, ONE_BYTE, TOO_MUCH, TOO_SHORT, GONE, ALWAYS_WRONG };

struct transfer {
        struct image_fetch *fetch;
        struct image_read *read;
        enum lie lie; /* told once a blob, ALWAYS_WRONG each time */
        char lied_about[SIZE_DIGEST];
        bool lying, refused;
        unsigned wanted, paused;
        uint64_t bytes;
        int result;
        char why[320];
};

static void fetched(void *arg, int result, const char *why) {
        struct transfer *t = arg;

        t->fetch = NULL;
        t->result = result;
        (void)snprintf(t->why, sizeof(t->why), "%s", why);
        if (t->read)
                image_read_cancel(take_ptr(t->read));
        go();
}

static void resume_reading(void *arg) {
        struct transfer *t = arg;

        if (t->read)
                image_read_resume(t->read);
}

static int hand_over(struct transfer *t, const void *data, size_t len) {
        int r = image_fetch_data(t->fetch, data, len, resume_reading, t);

        t->bytes += len;
        if (r == -EAGAIN) {
                t->paused++;
                image_read_pause(t->read);
                return 0;
        }
        return r;
}

static bool chunk(void *arg, const void *data, size_t len) {
        struct transfer *t = arg;
        char copy[64 * 1024];

        if (len == 0)
                return true;
        assert_true(len <= sizeof(copy));
        memcpy(copy, data, len);
        if (t->lying && (t->lie == ONE_BYTE || t->lie == ALWAYS_WRONG))
                copy[len / 2] ^= 1;
        if (t->lying && t->lie == TOO_SHORT)
                len--;
        if (t->lying && t->lie == TOO_MUCH && hand_over(t, copy, len) < 0) {
                t->refused = true;
                return false;
        }
        if (hand_over(t, copy, len) < 0) {
                t->refused = true;
                return false;
        }
        return true;
}

static void was_read(void *arg, int result, const char *why) {
        struct transfer *t = arg;

        (void)why;
        t->read = NULL;
        image_fetch_blob_end(t->fetch, t->lying && t->lie == GONE ? -ECONNRESET : result);
}

static void want(void *arg, const char *digest, uint64_t size) {
        struct transfer *t = arg;

        (void)size;
        t->wanted++;
        t->lying = t->lie == ALWAYS_WRONG || (t->lie && !str_eq(t->lied_about, digest));
        (void)str_copy(t->lied_about, SIZE_DIGEST, digest);
        assert_int_equal(image_read(&a, digest, chunk, was_read, t, &t->read), 0);
}

static struct transfer transfer(const char *name, const char *digest, enum lie lie) {
        struct transfer t = { .lie = lie };

        assert_int_equal(image_fetch(&b, name, digest, want, fetched, &t, &t.fetch), 0);
        wait_for("an image from a peer");
        return t;
}

static void fetches(void **state) {
        static const enum lie lies[] = { HONEST, ONE_BYTE, TOO_MUCH, TOO_SHORT, GONE };
        struct import i = import(&a, "archive.tar", "peer:1", 65536);

        (void)state;
        assert_int_equal(i.result, 0);
        for (size_t n = 0; n < ARRAY_SIZE(lies); n++) {
                struct transfer t = transfer("peer:1", i.digests[0], lies[n]);

                assert_string_equal(t.why, "");
                assert_int_equal(t.result, 0);
                /* manifest, configuration, two layers (the third is the second again) */
                assert_int_equal(t.wanted, lies[n] ? 8 : 4);
                assert_string_equal(ctr("b", "leases ls -q"), "");
                assert_string_equal(ctr_run("b", "docker.io/library/peer:1 f"),
                                    "hello from an image\n");
                assert_string_equal(list(&b), "docker.io/library/peer:1 ");
                /* Here already: nobody is asked. */
                t = transfer("peer:2", i.digests[0], HONEST);
                assert_int_equal(t.result, 0);
                assert_int_equal(t.wanted, 0);
                remove_image(&b, "peer:1");
                remove_image(&b, "peer:2");
                assert_empty("b");
        }
        remove_image(&a, "peer:1");
        assert_empty("a");
}

/* An index stays whole where it came in, so that boards of all kinds can fetch their part of it. */
static void several_kinds(void **state) {
        struct import i = import(&a, "many.tar", NULL, 65536);
        struct transfer t;
        char digest[SIZE_DIGEST], command[256];

        (void)state;
        assert_string_equal(i.why, "");
        assert_string_equal(i.names[0], "docker.io/library/many:1");
        (void)snprintf(
                digest, sizeof(digest), "sha256:%.64s",
                shell("tar -xOf %s/images/many.tar ./index.json | sed 's/.*\"digest\":\"sha256:"
                      "\\([0-9a-f]*\\).*/\\1/'",
                      bed));
        assert_string_equal(i.digests[0], digest);
        /* the index, and two of each: manifest, configuration, layer */
        assert_string_equal(ctr("a", "content ls -q | wc -l"), "7\n");
        assert_string_equal(list(&a), "docker.io/library/many:1 ");
        assert_string_equal(ctr_run("a", "docker.io/library/many:1 f"), "hello from an image\n");
        t = transfer("many:1", i.digests[0], HONEST);
        assert_string_equal(t.why, "");
        assert_int_equal(t.wanted, 4);
        assert_string_equal(ctr("b", "content ls -q | wc -l"), "4\n");
        assert_string_equal(list(&b), "docker.io/library/many:1 ");
        (void)snprintf(command, sizeof(command), "images ls | grep -c %s", digest);
        assert_string_equal(ctr("b", command), "1\n");
        assert_string_equal(ctr_run("b", "docker.io/library/many:1 f"), "hello from an image\n");
        remove_image(&a, "many:1");
        remove_image(&b, "many:1");
        assert_empty("a");
        assert_empty("b");
}

static void fetch_fails(void **state) {
        struct import i = import(&a, "oci.tar", NULL, 65536);
        struct transfer t;
        struct image_fetch *f = NULL;

        (void)state;
        t = transfer("peer", i.digests[0], ALWAYS_WRONG);
        assert_int_equal(t.result, -EIO);
        assert_non_null(strstr(t.why, "could not be fetched in 4 attempts"));
        assert_int_equal(t.wanted, 4);
        assert_empty("b");
        /* a blob that no peer has */
        t = transfer("peer",
                     "sha256:00000000000000000000000000000000"
                     "00000000000000000000000000000000",
                     HONEST);
        assert_int_equal(t.result, -EIO);
        assert_empty("b");
        /* a digest that is no manifest's */
        (void)snprintf(t.why, sizeof(t.why), "%s",
                       ctr("a", "content ls | awk '$2 ~ /MB/ { printf \"%s\", $1 }'"));
        t = transfer("peer", t.why, HONEST);
        assert_true(t.result < 0);
        assert_empty("b");
        assert_int_equal(image_fetch(&b, "peer", "sha256:12", want, fetched, &t, &f), -EINVAL);
        assert_int_equal(image_fetch(&b, "..", i.digests[0], want, fetched, &t, &f), -EINVAL);
        remove_image(&a, "hello");
        assert_empty("a");
}

/* Given up at any point. */
static void fetch_aborted(void **state) {
        struct import i = import(&a, "oci.tar", NULL, 65536);

        (void)state;
        for (int turns = 0; turns < 40; turns += 3) {
                struct transfer t = { 0 };

                assert_int_equal(image_fetch(&b, "peer", i.digests[0], want, fetched, &t, &t.fetch),
                                 0);
                for (int k = 0; k < turns && t.fetch; k++)
                        (void)uv_run(&loop, UV_RUN_ONCE);
                if (t.fetch)
                        image_fetch_abort(t.fetch);
                if (t.read)
                        image_read_cancel(t.read);
        }
        /* the last word: what was given up is collected */
        (void)transfer("peer",
                       "sha256:00000000000000000000000000000000"
                       "00000000000000000000000000000000",
                       HONEST);
        if (*list(&b))
                remove_image(&b, "peer");
        assert_empty("b");
        remove_image(&a, "hello");
        assert_empty("a");
}

static void read_fails(void **state) {
        struct image_read *r;
        struct transfer t = { 0 };

        (void)state;
        assert_int_equal(image_read(&a, "sha256:12", chunk, simple_done, &t.result, &r), -EINVAL);
        assert_int_equal(image_read(&a,
                                    "sha256:00000000000000000000000000000000"
                                    "00000000000000000000000000000000",
                                    chunk, simple_done, &t.result, &r),
                         0);
        wait_for("a blob that is not there");
        assert_int_equal(t.result, -ENOENT);
}

/* --- containerd goes away --- */

static void ends_with_connection(void **state) {
        struct import t = { .piece = 65536 };
        struct image_import *none;
        char path[256];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/images/oci.tar", bed);
        t.fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(image_import_begin(&b, NULL, feed, imported, &t, &t.i), 0);
        feed(&t);
        while (t.i && t.paused < 2)
                (void)uv_run(&loop, UV_RUN_ONCE);
        assert_non_null(t.i);
        grpc_close(b.grpc);
        image_state_free(take_ptr(b.images));
        wait_for("the end of an import");
        assert_true(t.result < 0);
        assert_true(t.why[0] != '\0');
        (void)close(t.fd);
        connect_to(&b, "b");
        assert_int_equal(import(&b, "nothing.tar", NULL, 65536).result, -EBADMSG);
        assert_empty("b");
        grpc_close(b.grpc);
        assert_int_equal(image_import_begin(&b, NULL, feed, imported, &t, &none), -ENOTCONN);
        image_state_free(take_ptr(b.images));
}

static void resize_disk(const char *size) {
        assert_string_equal(shell("mount -o remount,size=%s %s/c/root && echo ok", size, bed),
                            "ok\n");
}

/* The image does not fit, then its layers do not; then there is room. */
static void full_disk(void **state) {
        struct import t = import(&small, "oci.tar", NULL, 65536);

        (void)state;
        assert_int_equal(t.result, -ENOSPC);
        assert_non_null(strstr(t.why, "there is no room: the image needs 3 MB more"));
        assert_empty("c");
        resize_disk("6m");
        t = import(&small, "oci.tar", NULL, 65536);
        assert_int_equal(t.result, -ENOSPC);
        assert_empty("c");
        resize_disk("64m");
        t = import(&small, "oci.tar", NULL, 65536);
        assert_string_equal(t.why, "");
        remove_image(&small, "hello");
        assert_empty("c");
}

static int set_up(void **state) {
        (void)state;
        bed = getenv("BED");
        if (!bed)
                return -1;
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(uv_timer_init(&loop, &patience), 0);
        connect_to(&a, "a");
        connect_to(&b, "b");
        connect_to(&small, "c");
        return 0;
}

static int tear_down(void **state) {
        (void)state;
        grpc_close(a.grpc);
        grpc_close(small.grpc);
        image_state_free(a.images);
        image_state_free(small.images);
        uv_close((uv_handle_t *)&patience, NULL);
        while (uv_run(&loop, UV_RUN_ONCE))
                ;
        return uv_loop_close(&loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good),
                cmocka_unit_test(round_trip),
                cmocka_unit_test(bad),
                cmocka_unit_test(failure_keeps),
                cmocka_unit_test(no_name),
                cmocka_unit_test(aborted),
                cmocka_unit_test(together),
                cmocka_unit_test(lists),
                cmocka_unit_test(fetches),
                cmocka_unit_test(several_kinds),
                cmocka_unit_test(fetch_fails),
                cmocka_unit_test(fetch_aborted),
                cmocka_unit_test(read_fails),
                cmocka_unit_test(full_disk),
                cmocka_unit_test(ends_with_connection),
        };

        if (!getenv("BED")) {
                fprintf(stderr, "usage: tests/live/image-bed %s\n", program_invocation_name);
                return 77;
        }
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

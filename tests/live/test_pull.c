/* bramble-pull and io/puller against real registries (tests/live/pull-bed). */
#include "io/puller.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

static uv_loop_t loop;
static uv_timer_t patience;
static const char *bed;
static const char *program;

static struct {
        bool done;
        int result;
        char why[320];
        char digest[SIZE_DIGEST];
        uint64_t bytes;
        EVP_MD_CTX *sum;
        uint64_t cut_at; /* runs 'cut' once when so many bytes have come */
        void (*cut)(void);
        unsigned pauses;
        struct puller *puller;
} seen;

static void too_late(uv_timer_t *t) {
        (void)t;
        fprintf(stderr, "waited too long\n");
        abort();
}

static const char *text_of(const char *name) {
        static char buffers[4][512];
        static unsigned next;
        char path[256], *text = buffers[next++ % 4];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", bed, name);
        f = fopen(path, "r");
        assert_non_null(f);
        assert_non_null(fgets(text, 512, f));
        (void)fclose(f);
        text[strcspn(text, "\n")] = '\0';
        return text;
}

static void resume(uv_timer_t *t) {
        puller_resume(t->data);
        uv_close((uv_handle_t *)t, (uv_close_cb)free);
}

static void on_data(void *arg, const void *data, size_t len) {
        uv_timer_t *t;

        (void)arg;
        seen.bytes += len;
        assert_true(EVP_DigestUpdate(seen.sum, data, len));
        if (seen.cut && seen.bytes >= seen.cut_at) {
                void (*cut)(void) = take_ptr(seen.cut);

                cut();
        }
        if (seen.pauses > 0 && seen.pauses-- % 8 == 0) { /* a card that is slow now and then */
                puller_pause(seen.puller);
                t = malloc(sizeof(*t));
                assert_non_null(t);
                assert_int_equal(uv_timer_init(&loop, t), 0);
                t->data = seen.puller;
                assert_int_equal(uv_timer_start(t, resume, 20, 0), 0);
        }
}

static void on_done(void *arg, int result, const char *why, const cJSON *reply) {
        (void)arg;
        seen.done = true;
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
        if (result == 0)
                (void)str_copy(seen.digest, SIZE_DIGEST, json_text(reply, "digest", ""));
}

static const struct puller_ops ops = { .data = on_data, .done = on_done };

static int setup(void **state) {
        struct fail f = { 0 };

        (void)state;
        if (puller_start(&loop, program, "bramble-pull", &ops, NULL, &seen.puller, &f) < 0)
                fail_msg("%s", fail_text(&f));
        return 0;
}

static int teardown(void **state) {
        (void)state;
        puller_free(seen.puller);
        while (uv_run(&loop, UV_RUN_NOWAIT) > 1) /* but for the patience */
                ;
        return 0;
}

/* One request with these pairs of texts; "plain" and "manifest" are truths, "size" a number. */
static void ask(const char *verb, ...) {
        cJSON *o = cJSON_CreateObject();
        const char *key, *value;
        va_list args;

        (void)cJSON_AddStringToObject(o, "verb", verb);
        va_start(args, verb);
        while ((key = va_arg(args, const char *)) != NULL) {
                value = va_arg(args, const char *);
                if (str_eq(key, "plain") || str_eq(key, "manifest"))
                        (void)cJSON_AddTrueToObject(o, key);
                else if (str_eq(key, "size"))
                        (void)cJSON_AddNumberToObject(o, key, strtod(value, NULL));
                else
                        (void)cJSON_AddStringToObject(o, key, value);
        }
        va_end(args);
        seen.done = false;
        seen.bytes = 0;
        seen.digest[0] = '\0';
        assert_true(EVP_DigestInit_ex(seen.sum, EVP_sha256(), NULL));
        assert_int_equal(puller_ask(seen.puller, o), 0);
        cJSON_Delete(o);
        assert_int_equal(uv_timer_start(&patience, too_late, PATIENCE_MS, 0), 0);
        while (!seen.done)
                (void)uv_run(&loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&patience);
}

static void assert_good(void) {
        if (seen.result != 0)
                fail_msg("%d: %s", seen.result, seen.why);
}

static void assert_bad(int result, const char *says) {
        if (seen.result != result || !strstr(seen.why, says))
                fail_msg("wanted %d: ... %s; got %d: %s", result, says, seen.result, seen.why);
}

static void assert_sum(const char *digest) {
        unsigned char sum[32];
        char text[SIZE_DIGEST];

        assert_true(EVP_DigestFinal_ex(seen.sum, sum, NULL));
        image_digest_text(sum, text);
        assert_string_equal(text, digest);
}

/* ---- tests ---- */

static void anonymous(void **state) {
        (void)state;
        ask("resolve", "image", "127.0.0.1:5001/library/hello:1", "plain", "", NULL);
        assert_good();
        assert_string_equal(seen.digest, text_of("hello.manifest"));
        ask("blob", "image", "127.0.0.1:5001/library/hello:1", "plain", "", "digest",
            text_of("hello.manifest"), "size", "0", "manifest", "", NULL);
        assert_good();
        assert_sum(text_of("hello.manifest"));
        seen.pauses = 40;
        ask("blob", "image", "127.0.0.1:5001/library/hello:1", "plain", "", "digest",
            text_of("hello.layer"), "size", text_of("hello.size"), NULL);
        assert_good();
        assert_sum(text_of("hello.layer"));
}

static void several_machines(void **state) {
        (void)state;
        ask("resolve", "image", "127.0.0.1:5001/library/many:1", "plain", "", NULL);
        assert_good();
        assert_string_equal(seen.digest, text_of("many.index"));
        ask("blob", "image", "127.0.0.1:5001/library/many:1", "plain", "", "digest",
            text_of("many.index"), "size", "0", "manifest", "", NULL);
        assert_good();
        assert_sum(text_of("many.index"));
}

static void what_is_not_there(void **state) {
        char digest[SIZE_DIGEST];

        (void)state;
        ask("resolve", "image", "127.0.0.1:5001/library/hello:2", "plain", "", NULL);
        assert_bad(-ENOENT, "127.0.0.1:5001 says 404: no such image");
        ask("resolve", "image", "127.0.0.1:5001/nobody/hello:1", "plain", "", NULL);
        assert_bad(-ENOENT, "404");
        (void)snprintf(digest, sizeof(digest), "sha256:%064d", 1);
        ask("blob", "image", "127.0.0.1:5001/library/hello:1", "plain", "", "digest", digest,
            "size", "10", NULL);
        assert_bad(-ENOENT, "404");
        ask("resolve", "image", "127.0.0.1:5999/library/hello:1", "plain", "", NULL);
        assert_bad(-EIO, "127.0.0.1:5999");
        ask("resolve", "image", "no.such.host.invalid/library/hello:1", NULL);
        assert_bad(-EHOSTUNREACH, "cannot be found");
        /* and the next one is unharmed */
        anonymous(state);
}

static void password(void **state) {
        static const char image[] = "127.0.0.1:5002/library/hello:1";

        (void)state;
        ask("resolve", "image", image, "plain", "", NULL);
        assert_bad(-EACCES, "says 401");
        ask("resolve", "image", image, "plain", "", "user", "ann", "password", "wrong", NULL);
        assert_bad(-EACCES, "says 401");
        ask("resolve", "image", image, "plain", "", "user", "ann", "password", "se:cret", NULL);
        assert_good();
        assert_string_equal(seen.digest, text_of("hello.manifest"));
        ask("blob", "image", image, "plain", "", "user", "ann", "password", "se:cret", "digest",
            text_of("hello.layer"), "size", text_of("hello.size"), NULL);
        assert_good();
        assert_sum(text_of("hello.layer"));
        /* who had the right password before does not lend it to others */
        ask("resolve", "image", image, "plain", "", NULL);
        assert_bad(-EACCES, "says 401");
}

static void certificate(void **state) {
        char ca[256];

        (void)state;
        (void)snprintf(ca, sizeof(ca), "%s/ca.crt", bed);
        ask("resolve", "image", "localhost:5003/library/hello:1", NULL);
        assert_bad(-EKEYREJECTED, "is not trusted");
        ask("resolve", "image", "localhost:5003/library/hello:1", "ca", ca, NULL);
        assert_good();
        assert_string_equal(seen.digest, text_of("hello.manifest"));
        ask("resolve", "image", "localhost:5001/library/hello:1", NULL);
        assert_bad(-EPROTO, "insecure_registries");
}

static void token(void **state) {
        static const char image[] = "127.0.0.1:5004/library/hello:1";

        (void)state;
        ask("resolve", "image", image, "plain", "", NULL);
        assert_good();
        assert_string_equal(seen.digest, text_of("hello.manifest"));
        ask("resolve", "image", image, "plain", "", "user", "ann", "password", "se:cret", NULL);
        assert_good();
        ask("resolve", "image", image, "plain", "", "user", "ann", "password", "wrong", NULL);
        assert_bad(-EACCES, "wrong user or password");
}

static void run_front(const char *what) {
        char command[300];

        (void)snprintf(command, sizeof(command), "%s/front %s", bed, what);
        assert_int_equal(system(command), 0);
}

static void restart_front(uv_timer_t *t) {
        run_front("start");
        uv_close((uv_handle_t *)t, (uv_close_cb)free);
}

static void cut_front(void) {
        uv_timer_t *t = malloc(sizeof(*t));

        run_front("kill");
        assert_non_null(t);
        assert_int_equal(uv_timer_init(&loop, t), 0);
        assert_int_equal(uv_timer_start(t, restart_front, 2500, 0), 0);
}

/* The registry goes away in the middle, for some seconds: it goes on where it was. */
static void a_cut(void **state) {
        char command[300];

        (void)state;
        seen.cut_at = 1000000;
        seen.cut = cut_front;
        ask("blob", "image", "127.0.0.1:5005/library/hello:1", "plain", "", "digest",
            text_of("hello.layer"), "size", text_of("hello.size"), NULL);
        assert_good();
        assert_sum(text_of("hello.layer"));
        assert_null(seen.cut);
        (void)snprintf(command, sizeof(command), "grep -q '\" 206 ' %s/front.access", bed);
        assert_int_equal(system(command), 0);
}

static void lies(void **state) {
        (void)state;
        ask("resolve", "image", "127.0.0.1:5006/x:1", "plain", "", NULL);
        assert_good(); /* any document has a digest; what is in it the agent looks at */
        ask("blob", "image", "127.0.0.1:5006/x:1", "plain", "", "digest", text_of("hello.layer"),
            "size", "5", NULL);
        assert_bad(-EBADMSG, "more bytes");
        assert_true(seen.bytes <= 5);
        ask("blob", "image", "127.0.0.1:5006/x:1", "plain", "", "digest", text_of("hello.layer"),
            "size", "14", NULL);
        assert_good(); /* the right length: containerd looks at the digest */
        assert_int_equal(seen.bytes, 14);
}

static void nonsense(void **state) {
        (void)state;
        ask("resolve", "image", "no whole name", NULL);
        assert_bad(-EINVAL, "makes no sense");
        ask("sing", "image", "127.0.0.1:5001/library/hello:1", NULL);
        assert_bad(-EINVAL, "makes no sense");
        ask("blob", "image", "127.0.0.1:5001/library/hello:1", "digest", "../x", "size", "1", NULL);
        assert_bad(-EINVAL, "makes no sense");
}

static void owns_nothing(void **state) {
        char command[400];

        (void)state;
        ask("resolve", "image", "127.0.0.1:5001/library/hello:1", "plain", "", NULL);
        assert_good();
        (void)snprintf(command, sizeof(command),
                       "awk '/^Uid:/ && $2 > 0 && $3 > 0 { u = 1 } /^Cap(Prm|Eff|Inh|Amb):/ && "
                       "$2 !~ /^0+$/ { c = 1 } /^NoNewPrivs:/ && $2 == 1 { n = 1 } "
                       "/^Groups:/ && NF == 1 { g = 1 } END { exit !(u && !c && n && g) }' "
                       "/proc/%d/status",
                       puller_pid(seen.puller));
        assert_int_equal(system(command), 0);
        (void)snprintf(command, sizeof(command), "! grep -a se:cret /proc/%d/cmdline",
                       puller_pid(seen.puller));
        assert_int_equal(system(command), 0);
}

static void ends(void **state) {
        cJSON *o = cJSON_CreateObject();

        (void)state;
        (void)kill(puller_pid(seen.puller), SIGKILL);
        ask("resolve", "image", "127.0.0.1:5001/library/hello:1", "plain", "", NULL);
        assert_bad(-EPIPE, "has ended");
        assert_int_equal(puller_ask(seen.puller, o), -EPIPE);
        cJSON_Delete(o);
}

int main(int argc, char **argv) {
        static char path[512];
        const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
                TEST(anonymous),
                TEST(several_machines),
                TEST(what_is_not_there),
                TEST(password),
                TEST(certificate),
                TEST(token),
                TEST(a_cut),
                TEST(lies),
                TEST(nonsense),
                TEST(owns_nothing),
                TEST(ends),
        };

        (void)argc;
        bed = getenv("BED");
        if (!bed) {
                fprintf(stderr, "run it by tests/live/run pull\n");
                return 2;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(path, sizeof(path), "%.*s../bramble-pull",
                       (int)(strrchr(argv[0], '/') + 1 - argv[0]), argv[0]);
        program = realpath(path, NULL);
        seen.sum = EVP_MD_CTX_new();
        if (!program || !seen.sum || uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &patience) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}

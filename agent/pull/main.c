/* bramble-pull - started by the agent for the time of one pull: requests come in and bytes go out
 * on its standard input, a socket, in the agents' own frames (core/frame.h).
 *
 *         {"verb":"resolve", REGISTRY}                  -> {"digest","size"}
 *         {"verb":"blob", "digest", "size", "manifest"} -> DATA ..., {}
 *         {"verb":"notify", "url", "body", "ca"}        -> {}: tells a webhook
 *
 * REGISTRY is image (normalised), plain, ca, user, password, identity.  An error is {"error",
 * "code"}: the registry's status, or 0 where it did not answer. */
#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"
#include "core/frame.h"
#include "core/image_name.h"
#include "io/json.h"
#include "pull/pull.h"

#include <errno.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
        BLOB_TRIES = 5, /* without one byte of progress */
        PAUSE_MAX_SEC = 30,
        PIECE = 64 * 1024,
};

static struct registry registry; /* the one that was asked last: it has the token */
static uint32_t stream;          /* of the request that is answered */
static bool reached;             /* the registry has answered before */

/* ---- frames ---- */

static bool send_all(const void *data, size_t len) {
        const char *p = data;

        while (len > 0) {
                ssize_t n = send(STDIN_FILENO, p, len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                p += n;
                len -= (size_t)n;
        }
        return true;
}

static bool send_frame(enum frame_type type, const void *body, size_t len) {
        uint8_t header[FRAME_HEADER];

        frame_header(header, type, stream, len);
        return send_all(header, sizeof(header)) && send_all(body, len);
}

static void reply(cJSON *o) {
        auto_free char *text = cJSON_PrintUnformatted(o);

        cJSON_Delete(o);
        if (!text || !send_frame(FRAME_REPLY, text, strlen(text)))
                exit(EXIT_FAILURE); /* nobody is there any more */
}

static void reply_failed(const struct answer *a, const struct fail *f) {
        cJSON *o = cJSON_CreateObject();
        char text[sizeof(f->text)];

        (void)str_printable(text, sizeof(text), fail_text(f), strlen(fail_text(f)));
        (void)cJSON_AddStringToObject(o, "error", text);
        (void)cJSON_AddNumberToObject(o, "code", (double)a->status);
        (void)cJSON_AddNumberToObject(o, "errno", f->error);
        reply(o);
}

/* ---- the registry ---- */

static void use_registry(const cJSON *o, struct fail *f) {
        struct registry r = { .plain = json_bool(o, "plain") };
        struct registry *last = &registry;

        if (registry_reference(json_text(o, "image", ""), &r.image) < 0 ||
            str_copy(r.ca, sizeof(r.ca), json_text(o, "ca", "")) < 0 ||
            str_copy(r.user, sizeof(r.user), json_text(o, "user", "")) < 0 ||
            str_copy(r.password, sizeof(r.password), json_text(o, "password", "")) < 0 ||
            str_copy(r.identity, sizeof(r.identity), json_text(o, "identity", "")) < 0) {
                (void)fail(f, -EINVAL, "the agent's request makes no sense");
                return;
        }
        if (str_eq(last->image.host, r.image.host) &&
            str_eq(last->image.repository, r.image.repository) && str_eq(last->user, r.user) &&
            str_eq(last->password, r.password) && str_eq(last->identity, r.identity)) {
                r.basic = last->basic;
                memcpy(r.token, last->token, sizeof(r.token));
        }
        *last = r;
}

static int digest_of(const struct buf *b, char ret[static SIZE_DIGEST]) {
        unsigned char sum[32];

        if (!EVP_Digest(b->data, b->len, sum, NULL, EVP_sha256(), NULL))
                return -ENOMEM;
        image_digest_text(sum, ret);
        return 0;
}

/* Which bytes a tag means now: their digest is counted here, not believed. */
static void resolve(void) {
        struct answer a = { .body.limit = PULL_DOCUMENT_BYTES };
        const char *reference = registry.image.reference;
        char path[PULL_URL], digest[SIZE_DIGEST];
        struct fail f = { 0 };
        cJSON *o;

        (void)snprintf(path, sizeof(path), "manifests/%s", reference);
        if (http_ask(&registry, path, &a) < 0 || a.status != 200) {
                if (a.error == CURLE_WRITE_ERROR)
                        (void)fail(&f, -EMSGSIZE, "%.100s sends a manifest that is larger than any",
                                   registry.image.host);
                (void)http_failed(&registry, &a, &f);
        } else if (a.body.len == 0 || digest_of(&a.body, digest) < 0 ||
                   (image_digest_valid(reference) && !str_eq(reference, digest))) {
                (void)fail(&f, -EBADMSG, "%.100s sends other bytes than were asked for",
                           registry.image.host);
        }
        if (f.error) {
                reply_failed(&a, &f);
        } else {
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "digest", digest);
                (void)cJSON_AddNumberToObject(o, "size", (double)a.body.len);
                reply(o);
        }
        answer_reset(&a);
}

struct blob {
        uint64_t size; /* 0: not known */
        uint64_t most;
        uint64_t sent;
        uint64_t skip; /* bytes of this answer that went out before */
        bool fresh;    /* the answer's first bytes are still to come */
        struct answer *answer;
        bool gone; /* the agent does not want it any more */
        bool wrong;
};

static bool on_bytes(void *arg, const void *data, size_t len) {
        struct blob *b = arg;
        const char *p = data;

        /* A server that knows no ranges begins at the beginning. */
        if (b->fresh)
                b->skip = b->answer->status == 200 ? b->sent : 0;
        b->fresh = false;
        if (b->skip >= len) {
                b->skip -= len;
                return true;
        }
        p += b->skip;
        len -= (size_t)b->skip;
        b->skip = 0;
        if (len > b->most - b->sent) {
                b->wrong = true;
                return false;
        }
        b->sent += len;
        while (len > 0) {
                size_t n = len < PIECE ? len : PIECE;

                if (!send_frame(FRAME_DATA, p, n)) {
                        b->gone = true;
                        return false;
                }
                p += n;
                len -= n;
        }
        return true;
}

/* Is it worth another try, and after how long?  A registry that never answered may be a wrong name:
 * the agent has more patience for that. */
static bool passing(const struct answer *a, unsigned tries, unsigned *ret_sec) {
        unsigned sec = 1u << (tries < 4 ? tries : 4);

        if (a->retry_after_sec)
                sec = a->retry_after_sec;
        *ret_sec = sec < PAUSE_MAX_SEC ? sec : PAUSE_MAX_SEC;
        if (a->status == 429 || a->status >= 500)
                return true;
        return reached && a->error != CURLE_OK && a->error != CURLE_PEER_FAILED_VERIFICATION &&
               a->error != CURLE_SSL_CONNECT_ERROR && a->error != CURLE_UNSUPPORTED_PROTOCOL;
}

/* An interrupted transfer goes on where it was cut. */
static void fetch(const char *path, struct blob *b, struct fail *f, struct answer *a) {
        for (unsigned tries = 0;;) {
                uint64_t before = b->sent;
                unsigned sec;

                b->fresh = true;
                a->from = b->sent;
                if (http_ask(&registry, path, a) == 0 && (a->status == 200 || a->status == 206) &&
                    (!b->size || b->sent == b->size)) {
                        reached = true;
                        return;
                }
                reached = reached || a->status > 0;
                if (b->gone)
                        exit(EXIT_FAILURE);
                if (b->wrong) {
                        (void)fail(f, -EBADMSG, "%.100s sends more bytes than it said",
                                   registry.image.host);
                        return;
                }
                tries = b->sent > before ? 0 : tries + 1;
                if (a->error == CURLE_OK && a->status < 300)
                        (void)str_copy(a->why, sizeof(a->why), "it sends fewer bytes than it said"),
                                a->error = CURLE_PARTIAL_FILE;
                if (tries == BLOB_TRIES || !passing(a, tries, &sec)) {
                        (void)http_failed(&registry, a, f);
                        return;
                }
                (void)nanosleep(&(struct timespec){ .tv_sec = sec }, NULL);
        }
}

static void blob(const cJSON *o) {
        bool manifest = json_bool(o, "manifest");
        const char *digest = json_text(o, "digest", "");
        struct answer a = { .sink = on_bytes };
        struct blob b = { .answer = &a };
        struct fail f = { 0 };
        char path[PULL_URL];

        a.arg = &b;
        if (!image_digest_valid(digest) || json_number(o, "size", UINT64_MAX, &b.size) < 0) {
                (void)fail(&f, -EINVAL, "the agent's request makes no sense");
        } else {
                b.most = b.size ? b.size : PULL_DOCUMENT_BYTES;
                (void)snprintf(path, sizeof(path), "%s/%s", manifest ? "manifests" : "blobs",
                               digest);
                fetch(path, &b, &f, &a);
        }
        if (f.error)
                reply_failed(&a, &f);
        else
                reply(cJSON_CreateObject());
        answer_reset(&a);
}

static void tell_webhook(const cJSON *request) {
        struct fail f = { 0 };
        bool final = false;
        cJSON *o;

        if (notify(request, &final, &f) == 0) {
                reply(cJSON_CreateObject());
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "error", fail_text(&f));
        (void)cJSON_AddNumberToObject(o, "errno", f.error);
        (void)cJSON_AddBoolToObject(o, "final", final);
        reply(o);
}

/* ---- requests ---- */

static void on_request(const struct frame *f) {
        struct fail why = { 0 };
        struct answer none = { 0 };
        auto_json cJSON *o = NULL;
        const char *verb;

        stream = f->stream;
        if (json_parse_object((const char *)f->body, f->len, &o, &why) == 0) {
                verb = json_text(o, "verb", "");
                if (str_eq(verb, "notify")) {
                        tell_webhook(o);
                        return;
                }
                use_registry(o, &why);
                if (!why.error && str_eq(verb, "resolve")) {
                        resolve();
                        return;
                }
                if (!why.error && str_eq(verb, "blob")) {
                        blob(o);
                        return;
                }
                (void)fail(&why, -EINVAL, "the agent's request makes no sense");
        }
        reply_failed(&none, &why);
}

static void serve(void) {
        auto_buf struct buf in = { .limit = 2 * LIMIT_FRAME_BYTES };

        for (;;) {
                struct frame f;
                char chunk[PIECE];
                long used = frame_parse(in.data, in.len, &f);
                ssize_t n;

                if (used < 0)
                        return;
                if (used > 0) {
                        if (f.type == FRAME_REQUEST)
                                on_request(&f);
                        buf_consume(&in, (size_t)used);
                        continue;
                }
                n = recv(STDIN_FILENO, chunk, sizeof(chunk), 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0 || buf_add(&in, chunk, (size_t)n) < 0)
                        return;
        }
}

/* Whoever takes this process over has a socket, and nothing else. */
static int lock_up(void) {
        static const struct {
                int resource;
                rlim_t most;
        } limits[] = { { RLIMIT_CORE, 0 }, { RLIMIT_FSIZE, 0 }, { RLIMIT_NOFILE, 64 } };

        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                struct rlimit l = { limits[i].most, limits[i].most };

                if (setrlimit(limits[i].resource, &l) < 0)
                        return -errno;
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

int main(int argc, char **argv) {
        int type = 0;
        socklen_t len = sizeof(type);

        if (argc > 1 && str_eq(argv[1], "--version")) {
                printf("bramble-pull %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                return EXIT_SUCCESS;
        }
        if (argc > 1 || getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
                fprintf(stderr, "bramble-pull is started by bramble-agent, with a socket as its "
                                "standard input\n");
                return 2;
        }
        if (lock_up() < 0)
                return EXIT_FAILURE;
        serve();
        return EXIT_SUCCESS;
}

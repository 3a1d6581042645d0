#include "io/kube_api.h"

#include "base/buf.h"
#include "pki_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The server is a process of its own for each certificate, and one for each connection: what it
 * does is told by the path.  All of it ends with the process group. */

enum {
        WATCHDOG_MS = 30000,
        PATIENCE_MS = 10000,
        IMPATIENCE_MS = 60,
        LARGE = 5 * 1024 * 1024,
        FILE_BYTES = 16 * 1024
};

/* ---- certificates -------------------------------------------------------------------------- */

struct cert {
        const char *name, *cn, *san;
        const char *issuer; /* NULL: an authority, signed by itself */
        long from, to;      /* seconds from now; both 0: an hour each way */
        bool rsa;           /* 2048 bits, as kubeadm makes them */
};

static void make_cert(const struct cert *c) {
        EVP_PKEY *key = must(c->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
        X509 *x = must(X509_new()), *issuer = c->issuer ? load_cert(at("%s.crt", c->issuer)) : x;
        EVP_PKEY *issuer_key = c->issuer ? load_key(at("%s.key", c->issuer)) : key;
        FILE *out;

        add_name(X509_get_subject_name(x), "CN", c->cn);
        assert_true(X509_set_version(x, X509_VERSION_3) &&
                    ASN1_INTEGER_set(X509_get_serialNumber(x), 7));
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), c->from ? c->from : -3600));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), c->to ? c->to : 3600));
        assert_true(X509_set_issuer_name(x, X509_get_subject_name(issuer)) &&
                    X509_set_pubkey(x, key));
        add_ext(x, NID_basic_constraints, c->issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
        if (c->issuer)
                add_ext(x, NID_ext_key_usage, "clientAuth,serverAuth");
        if (c->san)
                add_ext(x, NID_subject_alt_name, c->san);
        assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
        out = must(fopen(at("%s.crt", c->name), "we"));
        assert_true(PEM_write_X509(out, x));
        (void)fclose(out);
        out = must(fopen(at("%s.key", c->name), "we"));
        assert_true(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
        (void)fclose(out);
        if (c->issuer) {
                X509_free(issuer);
                EVP_PKEY_free(issuer_key);
        }
        X509_free(x);
        EVP_PKEY_free(key);
}

/* Both authorities have the name that kubeadm gives to all. */
static const struct cert certs[] = {
        { .name = "ca", .cn = "kubernetes", .rsa = true },
        { .name = "server",
          .cn = "kube-apiserver",
          .issuer = "ca",
          .rsa = true,
          .san = "DNS:m1.local,DNS:kubernetes,IP:127.0.0.1,IP:10.96.0.1" },
        { .name = "old",
          .cn = "kube-apiserver",
          .issuer = "ca",
          .san = "DNS:m1.local",
          .from = -7200,
          .to = -3600 },
        { .name = "early",
          .cn = "kube-apiserver",
          .issuer = "ca",
          .san = "DNS:m1.local",
          .from = 3600,
          .to = 7200 },
        { .name = "cn-only", .cn = "m1.local", .issuer = "ca" },
        { .name = "admin", .cn = "kubernetes-admin", .issuer = "ca", .rsa = true },
        { .name = "ca2", .cn = "kubernetes" },
        { .name = "twin", .cn = "kube-apiserver", .issuer = "ca2", .san = "DNS:m1.local" },
        { .name = "ca3", .cn = "somebody" },
        { .name = "stranger", .cn = "kube-apiserver", .issuer = "ca3", .san = "DNS:m1.local" },
};

static int setup(void **state) {
        if (fixture_begin(state) < 0)
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
                make_cert(&certs[i]);
        return 0;
}

static char *slurp(const char *path) {
        FILE *in = must(fopen(path, "re"));
        char *text = must(calloc(1, FILE_BYTES));

        assert_true(fread(text, 1, FILE_BYTES - 1, in) > 0);
        (void)fclose(in);
        return text;
}

/* ---- the server ---------------------------------------------------------------------------- */

struct peer {
        SSL_CTX *ctx;
        int fd; /* listens */
        uint16_t port;
        pid_t pid;
};

static void say(SSL *ssl, const void *data, size_t len) {
        for (size_t n = 0; n < len;) {
                int r = SSL_write(ssl, (const char *)data + n, (int)(len - n));

                if (r <= 0)
                        _exit(0);
                n += (size_t)r;
        }
}

static void say_text(SSL *ssl, const char *text) {
        say(ssl, text, strlen(text));
}

/* Until the client is gone. */
static void wait_for_end(SSL *ssl) {
        char junk[256];

        while (SSL_read(ssl, junk, sizeof(junk)) > 0)
                ;
}

/* Chunks of odd sizes, each in pieces. */
static void say_chunked(SSL *ssl, const char *data, size_t len) {
        say_text(ssl, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0, n = 1; at < len; at += n, n = n * 2 + 1) {
                char size[24];

                if (n > 20000)
                        n = 20000;
                if (n > len - at)
                        n = len - at;
                (void)snprintf(size, sizeof(size), "%zx\r\n", n);
                say_text(ssl, size);
                say(ssl, data + at, n);
                say_text(ssl, "\r\n");
        }
        say_text(ssl, "0\r\n\r\n");
}

static void say_large(SSL *ssl, const char *head, size_t len) {
        static const char zeros[16 * 1024];

        say_text(ssl, head);
        for (; len > 0; len -= len < sizeof(zeros) ? len : sizeof(zeros))
                say(ssl, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

static void say_who(SSL *ssl) {
        X509 *x = SSL_get1_peer_certificate(ssl);
        char cn[64] = "nobody", out[160];

        if (x)
                (void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn,
                                                sizeof(cn));
        (void)snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(cn), cn);
        say_text(ssl, out);
}

/* Head and body of a request; false: the client said nothing. */
static bool hear(SSL *ssl, struct buf *b) {
        const char *end = NULL, *length;
        size_t want = 0;

        while (!end || b->len < want) {
                char data[16384];
                int n = SSL_read(ssl, data, sizeof(data));

                if (n <= 0 || buf_add(b, data, (size_t)n) < 0)
                        return false;
                end = strstr(b->data, "\r\n\r\n");
                if (!end)
                        continue;
                length = strstr(b->data, "Content-Length: ");
                want = (size_t)(end + 4 - b->data) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
        return true;
}

/* True: the connection ends without TLS's own end. */
static bool answer(SSL *ssl, const char *path, const struct buf *request) {
        static const struct {
                const char *path, *say;
                bool cut;
        } plain[] = {
                { "/good ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false },
                { "/empty ", "HTTP/1.1 204 No Content\r\n\r\n", false },
                { "/404 ", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", false },
                { "/continue ",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                  false },
                { "/close ", "HTTP/1.1 200 OK\r\n\r\nto the end", false },
                { "/close-cut ", "HTTP/1.1 200 OK\r\n\r\nto the e", true },
                { "/half ", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly", false },
                { "/half-cut ", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly", true },
                { "/half-head ", "HTTP/1.1 200 OK\r\nContent-", false },
                { "/nothing ", "", false },
                { "/garbage ", "SSH-2.0-OpenSSH_9.2\r\n\r\n", false },
                { "/bad-chunk ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
                  false },
                { "/two-lengths ",
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
                if (!str_starts(path, plain[i].path))
                        continue;
                say_text(ssl, plain[i].say);
                return plain[i].cut;
        }
        if (str_starts(path, "/chunked "))
                say_chunked(ssl, request->data, request->len);
        else if (str_starts(path, "/large "))
                say_large(ssl, "HTTP/1.1 200 OK\r\n\r\n", LARGE);
        else if (str_starts(path, "/who "))
                say_who(ssl);
        else
                wait_for_end(ssl);
        return false;
}

static void serve_one(const struct peer *p, int fd) {
        SSL *ssl = SSL_new(p->ctx);
        struct buf request = { 0 };
        const char *path;

        (void)SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) != 1 || !hear(ssl, &request))
                return;
        path = strchr(request.data, ' ');
        if (path && !answer(ssl, path + 1, &request)) {
                (void)SSL_shutdown(ssl);
                wait_for_end(ssl);
        }
}

static void serve(const struct peer *p) {
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGCHLD, SIG_IGN);
        for (;;) {
                int fd = accept(p->fd, NULL, NULL);

                if (fd >= 0 && fork() == 0) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        serve_one(p, fd);
                        _exit(0);
                }
                (void)close(fd);
        }
}

static uint16_t listen_on(int *ret_fd, int backlog) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(a);

        *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(*ret_fd >= 0);
        assert_int_equal(bind(*ret_fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(*ret_fd, backlog), 0);
        assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&a, &len), 0);
        return ntohs(a.sin_port);
}

/* With 'client' the server wants a certificate of the cluster. */
static void begin_peer(struct peer *p, const char *cert, int version, bool client) {
        p->ctx = attacker(cert, true);
        if (version)
                assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, version), 1);
        assert_int_equal(SSL_CTX_load_verify_locations(p->ctx, at("ca.crt"), NULL), 1);
        SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER | (client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
        p->port = listen_on(&p->fd, 64);
        p->pid = fork();
        assert_true(p->pid >= 0);
        if (p->pid == 0) {
                (void)setpgid(0, 0);
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
                serve(p);
        }
        (void)setpgid(p->pid, p->pid); /* whoever comes first */
        (void)close(p->fd);
        SSL_CTX_free(p->ctx);
}

static void end_peer(const struct peer *p) {
        assert_int_equal(kill(-p->pid, SIGKILL), 0);
        assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
}

/* ---- the client ---------------------------------------------------------------------------- */

static uv_loop_t loop;
static uv_timer_t watchdog;

struct answer {
        unsigned calls;
        int result;
        char why[320];
        unsigned status;
        char body[256]; /* cut */
        size_t len;
        size_t streamed;
        unsigned chunks;
        struct kube_api *then_free;           /* in the callback */
        struct kube_api_request *then_cancel; /* in the chunk callback */
        bool inside;                          /* of kube_api_request() */
};

static void on_watchdog(uv_timer_t *timer) {
        (void)timer;
        fail_msg("nothing happened for %d ms", WATCHDOG_MS);
}

static void begin(void) {
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(uv_timer_init(&loop, &watchdog), 0);
        assert_int_equal(uv_timer_start(&watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
        uv_unref((uv_handle_t *)&watchdog);
}

/* Runs until all handles but the watchdog are gone. */
static void run(void) {
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
}

static void finish(void) {
        run();
        uv_close((uv_handle_t *)&watchdog, NULL);
        run();
        assert_int_equal(uv_loop_close(&loop), 0);
}

static struct kube_api *api_for(uint16_t port, const char *name, const char *cert) {
        auto_free char *ca = slurp(at("ca.crt"));
        auto_free char *crt = cert ? slurp(at("%s.crt", cert)) : NULL;
        auto_free char *key = cert ? slurp(at("%s.key", cert)) : NULL;
        struct kube_api_server s = { "127.0.0.1", port, name, ca, crt, key };
        struct kube_api *a = NULL;
        struct fail f = { 0 };

        if (kube_api_new(&loop, &s, &a, &f) < 0)
                fail_msg("%s", f.text);
        return a;
}

static void on_done(void *arg, int result, const char *why, unsigned status, const char *body,
                    size_t len) {
        struct answer *a = arg;

        assert_false(a->inside);
        assert_non_null(body);
        assert_int_equal(strlen(why) == 0, result == 0);
        a->calls++;
        a->result = result;
        a->status = status;
        a->len = len;
        (void)snprintf(a->why, sizeof(a->why), "%s", why);
        (void)snprintf(a->body, sizeof(a->body), "%s", body);
        kube_api_free(take_ptr(a->then_free));
}

static void on_chunk(void *arg, unsigned status, const char *data, size_t len) {
        struct answer *a = arg;

        assert_int_equal(a->calls, 0);
        assert_int_equal(status, 200);
        assert_non_null(data);
        a->streamed += len;
        a->chunks++;
        if (a->then_cancel)
                kube_api_cancel(take_ptr(a->then_cancel));
}

static struct kube_api_request *ask(struct kube_api *a, const struct kube_api_ask *what,
                                    struct answer *answer) {
        struct kube_api_request *q = NULL;

        answer->inside = true;
        assert_int_equal(kube_api_request(a, what, on_done, answer, &q), 0);
        answer->inside = false;
        assert_non_null(q);
        return q;
}

static struct kube_api_request *get(struct kube_api *a, const char *path, unsigned timeout_ms,
                                    struct answer *answer) {
        const struct kube_api_ask what = { .method = "GET",
                                           .path = path,
                                           .timeout_usec = timeout_ms * USEC_PER_MSEC };

        return ask(a, &what, answer);
}

/* 'why' with %u is told the port. */
static void ended(const struct answer *a, int result, const char *why, uint16_t port) {
        char want[320] = "", *number;

        if (why) {
                (void)snprintf(want, sizeof(want), "%s", why);
                number = strstr(want, "PORT");
                if (number)
                        (void)snprintf(number, sizeof(want) - (size_t)(number - want), "%u%s", port,
                                       strstr(why, "PORT") + 4);
        }
        assert_int_equal(a->calls, 1);
        if (a->result != result || !strstr(a->why, want))
                fail_msg("%d '%s', not %d '%s'", a->result, a->why, result, want);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void answers(void **state) {
        static const struct {
                const char *path;
                int result;
                const char *why;
                unsigned status;
                const char *body;
        } cases[] = {
                { "/good", 0, "", 200, "hello" },
                { "/empty", 0, "", 204, "" },
                { "/404", 0, "", 404, "{}" },
                { "/continue", 0, "", 200, "ok" },
                { "/close", 0, "", 200, "to the end" },
                { "/chunked", 0, "", 200, "GET /chunked HTTP/1.1\r\nHost: m1.local:" },
                { "/who", 0, "", 200, "nobody" },
                { "/close-cut", -ECONNRESET, "127.0.0.1:PORT: the connection ended inside the ans",
                  0, "" },
                { "/half", -ECONNRESET, "127.0.0.1:PORT: the connection ended inside the ans", 0,
                  "" },
                { "/half-cut", -ECONNRESET, "127.0.0.1:PORT: the connection ended inside the ans",
                  0, "" },
                { "/half-head", -ECONNRESET, "127.0.0.1:PORT: the connection ended before the ans",
                  0, "" },
                { "/nothing", -ECONNRESET, "127.0.0.1:PORT: the connection ended before the answ",
                  0, "" },
                { "/garbage", -EPROTO, "what answers on 127.0.0.1:PORT speaks no HTTP", 0, "" },
                { "/two-lengths", -EPROTO, "what answers on 127.0.0.1:PORT speaks no HTTP", 0, "" },
                { "/bad-chunk", -EPROTO, "127.0.0.1:PORT: its answer is not well-formed", 0, "" },
                { "/large", -EMSGSIZE, "127.0.0.1:PORT: its answer is larger than 4 MB", 0, "" },
        };
        static const int versions[] = { 0, TLS1_2_VERSION };

        (void)state;
        for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
                struct peer p;

                begin_peer(&p, "server", versions[v], false);
                for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                        struct answer a = { 0 };
                        struct kube_api *api;

                        begin();
                        api = api_for(p.port, "m1.local", NULL);
                        (void)get(api, cases[i].path, PATIENCE_MS, &a);
                        run();
                        ended(&a, cases[i].result, cases[i].why, p.port);
                        assert_int_equal(a.status, cases[i].status);
                        if (!str_starts(a.body, cases[i].body))
                                fail_msg("%s: '%s'", cases[i].path, a.body);
                        kube_api_free(api);
                        finish();
                }
                end_peer(&p);
        }
}

static void sends_a_body(void **state) {
        static char body[KUBE_API_SEND_BYTES + 1];
        struct answer a = { 0 }, b = { 0 };
        struct kube_api_ask what = { .method = "PATCH",
                                     .path = "/chunked",
                                     .type = "application/merge-patch+json",
                                     .body = body,
                                     .len = sizeof(body) - 1,
                                     .timeout_usec = PATIENCE_MS * USEC_PER_MSEC };
        struct kube_api *api;
        struct peer p;

        (void)state;
        memset(body, 'x', sizeof(body));
        begin_peer(&p, "server", 0, false);
        begin();
        api = api_for(p.port, "kubernetes", NULL);
        (void)ask(api, &what, &a);
        what.len++;
        assert_int_equal(kube_api_request(api, &what, on_done, &b, NULL), -EMSGSIZE);
        run();
        ended(&a, 0, "", p.port);
        assert_true(a.len > sizeof(body) - 1);
        assert_true(str_starts(a.body, "PATCH /chunked HTTP/1.1\r\nHost: kubernetes:"));
        assert_non_null(strstr(a.body, "\r\nConnection: close\r\n"
                                       "Content-Type: application/merge-patch+json\r\n"
                                       "Content-Length: 1048576\r\n\r\nxxx"));
        assert_int_equal(b.calls, 0);
        kube_api_free(api);
        finish();
        end_peer(&p);
}

static void streams(void **state) {
        struct answer a = { 0 }, b = { 0 };
        const struct kube_api_ask what = { .method = "GET",
                                           .path = "/large",
                                           .timeout_usec = PATIENCE_MS * USEC_PER_MSEC,
                                           .chunk = on_chunk };
        struct kube_api *api;
        struct peer p;

        (void)state;
        begin_peer(&p, "server", 0, false);
        begin();
        api = api_for(p.port, "m1.local", NULL);
        (void)ask(api, &what, &a);
        b.then_cancel = ask(api, &what, &b);
        run();
        ended(&a, 0, "", p.port);
        assert_int_equal(a.streamed, LARGE);
        assert_int_equal(a.len, 0);
        assert_true(a.chunks > 1);
        ended(&b, -ECANCELED, "cancelled", p.port);
        assert_int_equal(b.chunks, 1);
        kube_api_free(api);
        finish();
        end_peer(&p);
}

/* ---- who answers --------------------------------------------------------------------------- */

static void verifies(void **state) {
        static const struct {
                const char *cert, *name;
                int result;
                const char *why;
        } cases[] = {
                { "server", "127.0.0.1", 0, "" },
                { "server", "10.96.0.1", 0, "" },
                { "server", "M1.local", 0, "" },
                { "server", "m2.local", -EKEYREJECTED,
                  "127.0.0.1:PORT: its certificate is not for the name m2.local" },
                { "server", "10.0.0.9", -EKEYREJECTED,
                  "127.0.0.1:PORT: its certificate is not for the name 10.0.0.9" },
                { "cn-only", "m1.local", -EKEYREJECTED,
                  "127.0.0.1:PORT: its certificate is not for the name m1.local" },
                { "stranger", "m1.local", -EKEYREJECTED,
                  "a stranger answers on 127.0.0.1:PORT: its certificate is not from this "
                  "cluster's CA" },
                { "twin", "m1.local", -EKEYREJECTED, "a stranger answers on 127.0.0.1:PORT" },
                { "old", "m1.local", -EKEYEXPIRED, "127.0.0.1:PORT: its certificate has expired" },
                { "early", "m1.local", -EKEYEXPIRED,
                  "127.0.0.1:PORT: its certificate is not yet valid" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct answer a = { 0 };
                struct kube_api *api;
                struct peer p;

                begin_peer(&p, cases[i].cert, 0, false);
                begin();
                api = api_for(p.port, cases[i].name, NULL);
                (void)get(api, "/good", PATIENCE_MS, &a);
                run();
                ended(&a, cases[i].result, cases[i].why, p.port);
                kube_api_free(api);
                finish();
                end_peer(&p);
        }
}

static void shows_who_asks(void **state) {
        static const struct {
                int version, result;
                const char *why;
        } cases[] = {
                { 0, -EKEYREJECTED, "127.0.0.1:PORT refused our certificate" },
                /* there OpenSSL's server does not say why */
                { TLS1_2_VERSION, -EPROTO,
                  "no TLS 1.2 or 1.3 with what answers on 127.0.0.1:PORT" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct answer a = { 0 }, b = { 0 };
                struct kube_api *admin, *nobody;
                struct peer p;

                begin_peer(&p, "server", cases[i].version, true);
                begin();
                admin = api_for(p.port, "m1.local", "admin");
                nobody = api_for(p.port, "m1.local", NULL);
                (void)get(admin, "/who", PATIENCE_MS, &a);
                (void)get(nobody, "/who", PATIENCE_MS, &b);
                run();
                ended(&a, 0, "", p.port);
                assert_string_equal(a.body, "kubernetes-admin");
                ended(&b, cases[i].result, cases[i].why, p.port);
                kube_api_free(admin);
                kube_api_free(nobody);
                finish();
                end_peer(&p);
        }
}

static void no_tls(void **state) {
        static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
        struct answer a = { 0 };
        struct kube_api *api;
        uint16_t port;
        int fd, peer;
        pid_t pid;

        (void)state;
        port = listen_on(&fd, 4);
        pid = fork();
        if (pid == 0) {
                char junk[64];

                peer = accept(fd, NULL, NULL);
                (void)!write(peer, text, strlen(text));
                while (read(peer, junk, sizeof(junk)) > 0)
                        ;
                _exit(0);
        }
        (void)close(fd);
        begin();
        api = api_for(port, "m1.local", NULL);
        (void)get(api, "/good", PATIENCE_MS, &a);
        run();
        ended(&a, -EPROTO, "no TLS 1.2 or 1.3 with what answers on 127.0.0.1:PORT: ", port);
        kube_api_free(api);
        finish();
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void old_tls(void **state) {
        struct answer a = { 0 };
        struct kube_api *api;
        struct peer p;

        (void)state;
        begin_peer(&p, "server", TLS1_1_VERSION, false);
        begin();
        api = api_for(p.port, "m1.local", NULL);
        (void)get(api, "/good", PATIENCE_MS, &a);
        run();
        ended(&a, -EPROTO, "no TLS 1.2 or 1.3 with what answers on 127.0.0.1:PORT: ", p.port);
        kube_api_free(api);
        finish();
        end_peer(&p);
}

/* ---- nobody answers ------------------------------------------------------------------------ */

static void refused(void **state) {
        struct answer a = { 0 };
        struct kube_api *api;
        uint16_t port;
        int fd;

        (void)state;
        port = listen_on(&fd, 1);
        (void)close(fd);
        begin();
        api = api_for(port, "m1.local", NULL);
        (void)get(api, "/good", PATIENCE_MS, &a);
        run();
        ended(&a, -ECONNREFUSED, "nothing listens on 127.0.0.1:PORT", port);
        kube_api_free(api);
        finish();
}

static void never_connects(void **state) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct answer a = { 0 };
        struct kube_api *api;
        int fd, fill[4];

        (void)state;
        to.sin_port = htons(listen_on(&fd, 0)); /* room for one that nobody accepts */
        for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
                fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(fill[i], (struct sockaddr *)&to, sizeof(to));
        }
        begin();
        api = api_for(ntohs(to.sin_port), "m1.local", NULL);
        (void)get(api, "/good", IMPATIENCE_MS, &a);
        run();
        ended(&a, -ETIMEDOUT, "127.0.0.1:PORT does not answer", ntohs(to.sin_port));
        kube_api_free(api);
        finish();
        for (size_t i = 0; i < ARRAY_SIZE(fill); i++)
                (void)close(fill[i]);
        (void)close(fd);
}

static void never_speaks(void **state) {
        struct answer a = { 0 };
        struct kube_api *api;
        uint16_t port;
        int fd;

        (void)state;
        port = listen_on(&fd, 4); /* the kernel accepts, and that is all */
        begin();
        api = api_for(port, "m1.local", NULL);
        (void)get(api, "/good", IMPATIENCE_MS, &a);
        run();
        ended(&a, -ETIMEDOUT, "127.0.0.1:PORT takes connections but does not speak TLS", port);
        kube_api_free(api);
        finish();
        (void)close(fd);
}

static void never_answers(void **state) {
        struct answer a = { 0 };
        struct kube_api *api;
        struct peer p;

        (void)state;
        begin_peer(&p, "server", 0, false);
        begin();
        api = api_for(p.port, "m1.local", NULL);
        (void)get(api, "/never", 1000, &a); /* time for a handshake, emulated too */
        run();
        ended(&a, -ETIMEDOUT, "127.0.0.1:PORT did not answer the request in time", p.port);
        kube_api_free(api);
        finish();
        end_peer(&p);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void frees_with_requests(void **state) {
        struct answer a[KUBE_API_REQUESTS + 1] = { 0 };
        struct kube_api *api;
        uint16_t port;
        int fd;

        (void)state;
        port = listen_on(&fd, 64);
        begin();
        api = api_for(port, "m1.local", "admin");
        for (size_t i = 0; i < KUBE_API_REQUESTS; i++)
                (void)get(api, "/good", PATIENCE_MS, &a[i]);
        assert_int_equal(kube_api_request(api,
                                          &(struct kube_api_ask){
                                                  .method = "GET", .path = "/", .timeout_usec = 1 },
                                          on_done, &a[KUBE_API_REQUESTS], NULL),
                         -EBUSY);
        (void)uv_run(&loop, UV_RUN_ONCE); /* some are connected */
        a[0].then_free = api;             /* inside of the callback that the next line brings */
        kube_api_free(api);
        for (size_t i = 0; i < KUBE_API_REQUESTS; i++)
                ended(&a[i], -ECANCELED, "cancelled", port);
        assert_int_equal(a[KUBE_API_REQUESTS].calls, 0);
        kube_api_free(NULL);
        finish();
        (void)close(fd);
}

static void frees_inside_a_callback(void **state) {
        struct answer a = { 0 }, b = { 0 };
        struct kube_api *api;
        struct peer p;

        (void)state;
        begin_peer(&p, "server", 0, false);
        begin();
        api = api_for(p.port, "m1.local", NULL);
        (void)get(api, "/never", PATIENCE_MS, &b);
        a.then_free = api;
        (void)get(api, "/good", PATIENCE_MS, &a);
        finish();
        ended(&a, 0, "", p.port);
        ended(&b, -ECANCELED, "cancelled", p.port);
        end_peer(&p);
}

static void refuses(void **state) {
        static const struct kube_api_ask asks[] = {
                { .method = "", .path = "/" },
                { .method = "G T", .path = "/" },
                { .method = "GET", .path = "" },
                { .method = "GET", .path = "x" },
                { .method = "GET", .path = "/a b" },
                { .method = "GET", .path = "/a\r\nX: y" },
                { .method = "GET", .path = "/\xc3\xa4" },
                { .method = "PUT", .path = "/", .type = "a\r\nb" },
        };
        auto_free char *ca = slurp(at("ca.crt"));
        auto_free char *cert = slurp(at("admin.crt"));
        auto_free char *key = slurp(at("twin.key"));
        const struct {
                struct kube_api_server server;
                int error;
                const char *want;
        } servers[] = {
                { { "m1.local", 6443, "m1", "x", NULL, NULL }, -EINVAL, "'m1.local' port 6443" },
                { { "10.0.0.1", 0, "m1", "x", NULL, NULL }, -EINVAL, "'10.0.0.1' port 0" },
                { { "10.0.0.1", 6443, "", "x", NULL, NULL }, -EINVAL, "'' is no name" },
                { { "10.0.0.1", 6443, "m1", "x", NULL, NULL }, -EBADMSG, "CA holds no certifi" },
                { { "10.0.0.1", 6443, "m1", ca, "x", "x" },
                  -EBADMSG,
                  "the client certificate is none" },
                { { "10.0.0.1", 6443, "m1", ca, cert, "x" }, -EBADMSG, "the client key is none" },
                { { "10.0.0.1", 6443, "m1", ca, cert, key },
                  -EKEYREJECTED,
                  "the client key is not the key" },
        };
        struct kube_api *api;

        (void)state;
        begin();
        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                struct fail f = { 0 };
                int r = kube_api_new(&loop, &servers[i].server, &api, &f);

                if (r != servers[i].error || !strstr(f.text, servers[i].want))
                        fail_msg("case %zu: %d '%s'", i, r, f.text);
        }
        api = api_for(1, "m1.local", NULL);
        for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
                struct kube_api_ask what = asks[i];
                struct answer a = { 0 };

                what.timeout_usec = USEC_PER_SEC;
                assert_int_equal(kube_api_request(api, &what, on_done, &a, NULL), -EINVAL);
        }
        kube_api_free(api);
        finish();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers),
                cmocka_unit_test(sends_a_body),
                cmocka_unit_test(streams),
                cmocka_unit_test(verifies),
                cmocka_unit_test(shows_who_asks),
                cmocka_unit_test(no_tls),
                cmocka_unit_test(old_tls),
                cmocka_unit_test(refused),
                cmocka_unit_test(never_connects),
                cmocka_unit_test(never_speaks),
                cmocka_unit_test(never_answers),
                cmocka_unit_test(frees_with_requests),
                cmocka_unit_test(frees_inside_a_callback),
                cmocka_unit_test(refuses),
        };

        return cmocka_run_group_tests(tests, setup, fixture_end);
}

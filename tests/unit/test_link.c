#include "io/link.h"

#include "io/log.h"
#include "pki_fixture.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A sanitizer has an allocator of its own: mallinfo2() knows nothing. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Every test runs a loop of its own until nothing is open any more; a watchdog ends it first where
 * something hangs. */

enum { WATCHDOG_MS = 20000, HANDSHAKE_MS = 4000 };

static const uint64_t NODE1 = 0x00000000a1b2c3d4, NODE2 = 0x10000000deadbeef;
static struct pki board1, board2, admin, stranger;

static uv_loop_t loop;
static uv_timer_t watchdog;

/* What happened at one end, and what that end does. */
struct end {
        struct link *link; /* NULL once closed */
        unsigned opened, frames, drains, closed;
        int error;
        char why[SIZE_REASON];
        size_t bytes;      /* of bodies */
        uint32_t stream;   /* of the last frame */
        char last[64];     /* body of the last frame, cut */
        bool ordered;      /* streams came as 0, 1, 2, ... */
        unsigned close_at; /* after so many frames */
        unsigned pause_at;
        unsigned echo;
        size_t stream_bytes; /* still to be sent under back-pressure */
        uint32_t next_stream;
        size_t peak; /* of link_queued() */
};

struct rig {
        struct link_server *server;
        struct end served[24];
        unsigned n_served;
        struct end proto; /* copied for every accepted link */
        unsigned reject;  /* accepted links that are closed at once */
};

static void on_watchdog(uv_timer_t *timer) {
        (void)timer;
        fail_msg("nothing happened for %d ms", WATCHDOG_MS);
}

static void begin(struct rig *rig) {
        *rig = (struct rig){ 0 };
        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(uv_timer_init(&loop, &watchdog), 0);
        assert_int_equal(uv_timer_start(&watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
        uv_unref((uv_handle_t *)&watchdog);
}

/* Runs until all handles but the watchdog are gone. */
static void finish(void) {
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        uv_close((uv_handle_t *)&watchdog, NULL);
        assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&loop), 0);
}

static void run_until(const unsigned *what, unsigned n) {
        while (*what < n)
                assert_true(uv_run(&loop, UV_RUN_ONCE) != 0 || *what >= n);
}

/* ---- what an end does ---------------------------------------------------------------------- */

static void pump(struct end *e) {
        static const char chunk[16 * 1024];

        while (e->stream_bytes > 0 && link_queued(e->link) < LINK_QUEUE_HIGH) {
                size_t n = e->stream_bytes < sizeof(chunk) ? e->stream_bytes : sizeof(chunk);

                assert_int_equal(link_send(e->link, FRAME_DATA, e->next_stream++, chunk, n), 0);
                e->stream_bytes -= n;
                if (link_queued(e->link) > e->peak)
                        e->peak = link_queued(e->link);
        }
        if (e->stream_bytes == 0 && e->next_stream > 0) {
                e->next_stream = 0;
                assert_int_equal(link_send(e->link, FRAME_END, 9, NULL, 0), 0);
        }
}

static void on_open(struct link *l, void *arg) {
        struct end *e = arg;

        assert_ptr_equal(e->link, l);
        e->opened++;
        if (e->stream_bytes)
                pump(e);
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        struct end *e = arg;

        assert_ptr_equal(e->link, l);
        assert_int_equal(e->closed, 0);
        e->ordered =
                (e->frames == 0 || e->ordered) && (f->type != FRAME_DATA || f->stream == e->frames);
        e->frames++;
        e->bytes += f->len;
        e->stream = f->stream;
        (void)snprintf(e->last, sizeof(e->last), "%.*s", (int)f->len, (const char *)f->body);
        if (e->echo > 0) {
                e->echo--;
                assert_int_equal(link_send(l, f->type, f->stream, f->body, f->len), 0);
        }
        if (e->close_at == e->frames)
                link_close(l);
        if (e->pause_at && e->frames % e->pause_at == 0)
                link_pause(l);
}

static void on_drained(struct link *l, void *arg) {
        struct end *e = arg;

        assert_true(link_queued(l) < LINK_QUEUE_LOW);
        e->drains++;
        pump(e);
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct end *e = arg;

        assert_ptr_equal(e->link, l);
        assert_true(error <= 0);
        assert_true(why[0] != '\0');
        assert_int_equal(link_send(l, FRAME_DATA, 0, "x", 1), -ENOTCONN);
        link_close(l); /* harmless */
        e->closed++;
        e->error = error;
        (void)snprintf(e->why, sizeof(e->why), "%s", why);
        e->link = NULL;
}

static const struct link_ops end_ops = {
        .open = on_open,
        .frame = on_frame,
        .drained = on_drained,
        .closed = on_closed,
};

static void on_accept(struct link *l, void *arg) {
        struct rig *rig = arg;
        struct end *e;

        if (rig->reject > 0) {
                rig->reject--;
                return;
        }
        assert_true(rig->n_served < ARRAY_SIZE(rig->served));
        e = &rig->served[rig->n_served++];
        *e = rig->proto;
        e->link = l;
        assert_false(link_dialed(l));
        link_set_ops(l, &end_ops, e);
        if (e->stream_bytes)
                pump(e);
}

static void serve(struct rig *rig, const struct pki *pki, unsigned most) {
        struct fail f = { 0 };

        if (link_listen_tls(&loop, pki, 0, most, on_accept, rig, &rig->server, &f) < 0)
                fail_msg("%s", f.text);
        assert_true(link_server_port(rig->server) > 0);
}

static void dial(struct rig *rig, struct end *e, const struct pki *pki, const char *address,
                 uint64_t expect) {
        assert_int_equal(link_dial_tls(&loop, pki, address, link_server_port(rig->server), expect,
                                       HANDSHAKE_MS, &end_ops, e, &e->link),
                         0);
        assert_true(link_dialed(e->link));
        assert_ptr_equal(link_arg(e->link), e);
}

/* ---- honest peers -------------------------------------------------------------------------- */

static void talks(struct rig *rig, const struct pki *pki, const char *address) {
        struct end c = { .close_at = 1 };

        begin(rig);
        rig->proto.echo = 1;
        serve(rig, &board1, 8);
        dial(rig, &c, pki, address, NODE1);
        /* taken before the link is open */
        assert_int_equal(link_send(c.link, FRAME_REQUEST, 5, "hello", 5), 0);
        run_until(&c.opened, 1);
        assert_int_equal(link_kind(c.link), LINK_BOARD);
        assert_true(link_node(c.link) == NODE1);
        assert_string_equal(link_address(c.link), address);
        assert_string_equal(link_local_address(c.link), address);
        run_until(&rig->n_served, 1);
        assert_string_equal(link_address(rig->served[0].link), address);
        assert_int_equal(link_kind(rig->served[0].link), pki == &admin ? LINK_ADMIN : LINK_BOARD);
        assert_true(link_node(rig->served[0].link) == pki->self.node);
        link_server_close(rig->server);
        finish();
        assert_int_equal(c.frames, 1);
        assert_string_equal(c.last, "hello");
        assert_int_equal(c.stream, 5);
        assert_int_equal(c.closed, 1);
        assert_int_equal(c.error, 0);
        assert_int_equal(rig->served[0].frames, 1);
        assert_int_equal(rig->served[0].closed, 1);
        assert_int_equal(rig->served[0].error, 0);
}

static void boards_talk(void **state) {
        struct rig rig;

        (void)state;
        talks(&rig, &board2, "127.0.0.1");
}

static void admins_talk(void **state) {
        struct rig rig;

        (void)state;
        talks(&rig, &admin, "127.0.0.1");
}

static bool have_ipv6(void) {
        auto_close int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const struct sockaddr_in6 a = { .sin6_family = AF_INET6,
                                        .sin6_addr = IN6ADDR_LOOPBACK_INIT };

        return fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

static void boards_talk_ipv6(void **state) {
        struct rig rig;

        (void)state;
        if (!have_ipv6())
                skip();
        talks(&rig, &board2, "::1");
}

/* Sizes around every border, each way, in order; many of them in one turn of the loop. */
static void sizes(void **state) {
        static const size_t lens[] = { 0,     1,      100,    16384 - 9, 16384, 16385,
                                       65536, 200000, 250000, 3,         32767, 32768 };
        struct end c = { .close_at = ARRAY_SIZE(lens) };
        struct rig rig;
        size_t total = 0;
        char *data = calloc(1, FRAME_BODY_MAX + 1);

        (void)state;
        begin(&rig);
        rig.proto.echo = UINT32_MAX;
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        for (uint32_t i = 0; i < ARRAY_SIZE(lens); i++) {
                assert_int_equal(link_send(c.link, FRAME_DATA, i, data, lens[i]), 0);
                total += lens[i];
        }
        assert_int_equal(link_send(c.link, FRAME_DATA, 1, data, FRAME_BODY_MAX + 1), -EMSGSIZE);
        run_until(&c.closed, 1);
        link_server_close(rig.server);
        finish();
        free(data);
        assert_int_equal(c.error, 0);
        assert_int_equal(c.frames, ARRAY_SIZE(lens));
        assert_true(c.ordered && rig.served[0].ordered);
        assert_int_equal(c.bytes, total);
        assert_int_equal(rig.served[0].bytes, total);
}

static void longest_frame(void **state) {
        struct end c = { .close_at = 1 };
        char *data = calloc(1, FRAME_BODY_MAX);
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.echo = 1;
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        assert_int_equal(link_send(c.link, FRAME_DATA, 0, data, FRAME_BODY_MAX), 0);
        run_until(&c.closed, 1);
        link_server_close(rig.server);
        finish();
        free(data);
        assert_int_equal(c.bytes, FRAME_BODY_MAX);
}

/* What is queued before a close arrives, all of it, and the close is orderly for both. */
static void close_flushes(void **state) {
        static const char chunk[60000];
        struct end c = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        run_until(&c.opened, 1);
        run_until(&rig.n_served, 1);
        for (uint32_t i = 0; i < 60; i++)
                assert_int_equal(link_send(c.link, FRAME_DATA, i, chunk, sizeof(chunk)), 0);
        link_close(c.link);
        link_close(c.link);
        assert_int_equal(link_send(c.link, FRAME_DATA, 60, chunk, 1), -ENOTCONN);
        assert_int_equal(c.closed, 0); /* never from within */
        link_server_close(rig.server);
        run_until(&c.closed, 1);
        finish();
        assert_int_equal(c.error, 0);
        assert_int_equal(rig.served[0].frames, 60);
        assert_true(rig.served[0].ordered);
        assert_int_equal(rig.served[0].error, 0);
}

/* ---- back-pressure ------------------------------------------------------------------------- */

static void on_slow(uv_timer_t *timer) {
        struct end *e = timer->data;

        if (e->link)
                link_resume(e->link);
        else
                uv_close((uv_handle_t *)timer, NULL);
}

/* A reader that stops after every 64 frames holds the sender back: what waits stays bounded, and
 * every byte arrives in order. */
static void back_pressure(struct rig *rig, struct end *c) {
        const size_t total = 24 * 1024 * 1024;
        struct end *s = &rig->served[0];
        uv_timer_t slow;

        run_until(&rig->n_served, 1);
        assert_int_equal(uv_timer_init(&loop, &slow), 0);
        slow.data = s;
        assert_int_equal(uv_timer_start(&slow, on_slow, 1, 1), 0);
        run_until(&s->closed, 1);
        link_server_close(rig->server);
        finish();
        assert_int_equal(s->bytes, total);
        assert_int_equal(s->frames, total / (16 * 1024) + 1);
        assert_true(s->ordered);
        assert_true(c->drains > 2);
        assert_true(c->peak >= LINK_QUEUE_HIGH && c->peak < LINK_QUEUE_HIGH + 32 * 1024);
        assert_int_equal(c->error, 0);
        assert_int_equal(s->error, 0);
}

static void back_pressure_tls(void **state) {
        struct end c = { .stream_bytes = 24 * 1024 * 1024 };
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.pause_at = 64;
        rig.proto.close_at = 24 * 64 + 1;
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        back_pressure(&rig, &c);
}

static void back_pressure_unix(void **state) {
        struct end c = { .stream_bytes = 24 * 1024 * 1024 };
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.pause_at = 64;
        rig.proto.close_at = 24 * 64 + 1;
        assert_int_equal(link_listen_unix(&loop, at("slow.sock"), 0600, NULL, 8, on_accept, &rig,
                                          &rig.server, NULL),
                         0);
        assert_int_equal(link_dial_unix(&loop, at("slow.sock"), &end_ops, &c, &c.link), 0);
        back_pressure(&rig, &c);
}

/* Frames that came before the peer's end wait for the resume, and all arrive. */
static void paused_past_the_end(void **state) {
        struct end c = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.pause_at = 1;
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        for (uint32_t i = 0; i < 5; i++)
                assert_int_equal(link_send(c.link, FRAME_DATA, i, "x", 1), 0);
        run_until(&rig.n_served, 1);
        run_until(&rig.served[0].frames, 1);
        link_close(c.link);
        /* nobody answers the close of a paused link: the lingering end gives up */
        run_until(&c.closed, 1);
        assert_int_equal(c.error, 0);
        for (unsigned i = 1; i < 5; i++) {
                assert_int_equal(rig.served[0].frames, i);
                link_resume(rig.served[0].link);
                run_until(&rig.served[0].frames, i + 1);
        }
        assert_int_equal(rig.served[0].closed, 0);
        link_resume(rig.served[0].link);
        run_until(&rig.served[0].closed, 1);
        link_server_close(rig.server);
        finish();
        assert_true(rig.served[0].ordered);
        assert_int_equal(rig.served[0].error, 0);
}

/* A sender that does not wait is cut off at LINK_QUEUE_MAX. */
static void queue_overflow(void **state) {
        static const char chunk[60000];
        struct end c = { 0 };
        struct rig rig;
        int r = 0;

        (void)state;
        begin(&rig);
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        run_until(&c.opened, 1);
        for (unsigned i = 0; r == 0; i++) {
                assert_true(i < LINK_QUEUE_MAX / sizeof(chunk) + 1);
                r = link_send(c.link, FRAME_DATA, i, chunk, sizeof(chunk));
        }
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(link_send(c.link, FRAME_DATA, 0, chunk, 1), -ENOTCONN);
        run_until(&c.closed, 1);
        assert_int_equal(c.error, -ENOBUFS);
        link_server_close(rig.server);
        finish();
}

static int connect_tcp(uint16_t port) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_in a;
        int r;

        assert_true(fd >= 0);
        assert_int_equal(uv_ip4_addr("127.0.0.1", port, &a), 0);
        r = connect(fd, (const struct sockaddr *)&a, sizeof(a));
        assert_true(r == 0 || errno == EINPROGRESS);
        return fd;
}

/* ---- who is refused ------------------------------------------------------------------------ */

static void refused(const struct pki *server, const struct pki *client, uint64_t expect, int want) {
        struct end c = { 0 };
        struct rig rig;

        begin(&rig);
        serve(&rig, server, 8);
        dial(&rig, &c, client, "127.0.0.1", expect);
        (void)link_send(c.link, FRAME_HELLO, 0, "secret", 6);
        run_until(&c.closed, 1);
        link_server_close(rig.server);
        finish();
        assert_int_equal(c.error, want);
        if (rig.n_served > 0) { /* expect_node: the server had no objection, and heard nothing */
                assert_int_equal(rig.served[0].frames, 0);
                assert_int_equal(rig.served[0].closed, 1);
        }
}

static void other_authority(void **state) {
        (void)state;
        refused(&stranger, &board1, 0, -EKEYREJECTED);
        refused(&board1, &stranger, 0, -EKEYREJECTED);
}

static void other_node(void **state) {
        (void)state;
        refused(&board1, &board2, NODE2, -EKEYREJECTED);
}

/* An admin's certificate serves nobody. */
static void admin_as_board(void **state) {
        (void)state;
        refused(&admin, &board2, 0, -EKEYREJECTED);
}

/* A peer without our checks and with this certificate (NULL: none). */
static void forged_client(const char *name) {
        struct pki forged = { .client = attacker(name, false) };
        struct rig rig;
        SSL *ssl = must(SSL_new(forged.client));
        auto_close int fd = -EBADF;

        begin(&rig);
        serve(&rig, &board1, 8);
        fd = connect_tcp(link_server_port(rig.server));
        assert_int_equal(SSL_set_fd(ssl, fd), 1);
        SSL_set_connect_state(ssl);
        for (;;) {
                char byte;
                int n = SSL_read(ssl, &byte, 1);

                assert_true(n <= 0);
                if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
                        break; /* the server's alert */
                (void)uv_run(&loop, UV_RUN_NOWAIT);
        }
        link_server_close(rig.server);
        finish();
        assert_int_equal(rig.n_served, 0);
        SSL_free(ssl);
        SSL_CTX_free(forged.client);
}

static void forged_admin(void **state) {
        const struct forgery spec = { .cn = "x", .ou = "admin", .issuer = "class/enrol" };

        (void)state;
        forge("fake-admin", &spec);
        forged_client("fake-admin");
}

static void no_certificate(void **state) {
        (void)state;
        forged_client(NULL);
}

/* ---- raw clients --------------------------------------------------------------------------- */

struct raw {
        uv_tcp_t tcp;
        uv_connect_t connect;
        uv_write_t write;
        const void *data;
        size_t len;
        bool end; /* shut down after writing */
        uv_shutdown_t shutdown;
        unsigned closed;
};

static void raw_gone(uv_handle_t *handle) {
        struct raw *raw = handle->data;

        raw->closed++;
}

static void raw_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
        static char junk[4096];

        (void)handle;
        (void)size;
        *buf = uv_buf_init(junk, sizeof(junk));
}

static void raw_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        (void)buf;
        if (n < 0)
                uv_close((uv_handle_t *)stream, raw_gone);
}

static void raw_connected(uv_connect_t *request, int status) {
        struct raw *raw = request->data;
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)raw->data, (unsigned)raw->len);

        assert_int_equal(status, 0);
        assert_int_equal(uv_read_start((uv_stream_t *)&raw->tcp, raw_alloc, raw_read), 0);
        if (raw->len > 0)
                assert_int_equal(uv_write(&raw->write, (uv_stream_t *)&raw->tcp, &buf, 1, NULL), 0);
        if (raw->end)
                assert_int_equal(uv_shutdown(&raw->shutdown, (uv_stream_t *)&raw->tcp, NULL), 0);
}

static void raw_dial(struct raw *raw, uint16_t port) {
        struct sockaddr_in a;

        assert_int_equal(uv_ip4_addr("127.0.0.1", port, &a), 0);
        assert_int_equal(uv_tcp_init(&loop, &raw->tcp), 0);
        raw->tcp.data = raw;
        raw->connect.data = raw;
        assert_int_equal(uv_tcp_connect(&raw->connect, &raw->tcp, (const struct sockaddr *)&a,
                                        raw_connected),
                         0);
}

static void garbage(void **state) {
        static const struct {
                const char *data;
                size_t len;
                bool end;
        } cases[] = {
                { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, false },
                { "\0\0\0\5\1\0\0\0\7", 9, true },
                { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, true }, /* half a hello */
                { "\x16\x03\x01\xff\xff", 5, false },
                { "", 0, true },
        };
        struct raw raws[ARRAY_SIZE(cases)] = { 0 };
        struct end c = { .close_at = 1 };
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.echo = 1;
        serve(&rig, &board1, 8);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                raws[i].data = cases[i].data;
                raws[i].len = cases[i].len;
                raws[i].end = cases[i].end;
                raw_dial(&raws[i], link_server_port(rig.server));
        }
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                run_until(&raws[i].closed, 1);
        assert_int_equal(rig.n_served, 0);
        /* the twin: an honest board is still served */
        dial(&rig, &c, &board2, "127.0.0.1", NODE1);
        assert_int_equal(link_send(c.link, FRAME_REQUEST, 1, "x", 1), 0);
        run_until(&c.closed, 1);
        assert_int_equal(c.frames, 1);
        link_server_close(rig.server);
        finish();
}

/* Silent strangers hold 16 places for a second, not for ever: an honest board gets in. */
static void silent_strangers(void **state) {
        struct raw raws[20] = { 0 };
        struct end c = { 0 };
        struct rig rig;
        unsigned dropped = 0;

        (void)state;
        begin(&rig);
        serve(&rig, &board1, 64);
        for (size_t i = 0; i < ARRAY_SIZE(raws); i++)
                raw_dial(&raws[i], link_server_port(rig.server));
        dial(&rig, &c, &board2, "127.0.0.1", NODE1);
        run_until(&c.opened, 1);
        for (size_t i = 0; i < ARRAY_SIZE(raws); i++)
                dropped += raws[i].closed;
        assert_true(dropped < 16); /* no more than had to be */
        link_close(c.link);
        run_until(&c.closed, 1);
        link_server_close(rig.server); /* ends the unfinished ones */
        for (size_t i = 0; i < ARRAY_SIZE(raws); i++)
                run_until(&raws[i].closed, 1);
        finish();
}

static void too_many(void **state) {
        struct end ends[4] = { 0 }, late = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        serve(&rig, &board1, ARRAY_SIZE(ends));
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                dial(&rig, &ends[i], &board2, "127.0.0.1", 0);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                run_until(&ends[i].opened, 1);
        run_until(&rig.n_served, ARRAY_SIZE(ends));
        dial(&rig, &late, &board2, "127.0.0.1", 0);
        run_until(&late.closed, 1);
        assert_int_equal(late.error, -ECONNRESET);
        link_close(ends[0].link);
        run_until(&ends[0].closed, 1);
        run_until(&rig.served[0].closed, 1);
        dial(&rig, &late, &board2, "127.0.0.1", 0);
        run_until(&late.opened, 1);
        link_close(late.link);
        for (size_t i = 1; i < ARRAY_SIZE(ends); i++)
                link_close(ends[i].link);
        link_server_close(rig.server);
        finish();
}

static void accept_once(struct link *l, void *arg) {
        struct rig *rig = arg;

        on_accept(l, arg);
        link_server_close(rig->server);
}

static void server_closed_by_accept(void **state) {
        struct end ends[3] = { 0 };
        struct rig rig;
        unsigned opened = 0;

        (void)state;
        begin(&rig);
        assert_int_equal(link_listen_unix(&loop, at("once.sock"), 0600, NULL, 8, accept_once, &rig,
                                          &rig.server, NULL),
                         0);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                assert_int_equal(
                        link_dial_unix(&loop, at("once.sock"), &end_ops, &ends[i], &ends[i].link),
                        0);
        run_until(&rig.n_served, 1);
        link_close(rig.served[0].link);
        finish();
        assert_int_equal(rig.n_served, 1);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                assert_int_equal(ends[i].closed, 1);
                opened += ends[i].opened;
        }
        assert_true(opened >= 1);
}

/* ---- bad frames over TLS ------------------------------------------------------------------- */

/* A verified board that sends these bytes as its stream, then closes where 'end'. */
static void bad_bytes(const void *data, size_t len, bool end, int want) {
        SSL *ssl = must(SSL_new(board2.client));
        auto_close int fd = -EBADF;
        struct rig rig;

        begin(&rig);
        serve(&rig, &board1, 8);
        fd = connect_tcp(link_server_port(rig.server));
        assert_int_equal(SSL_set_fd(ssl, fd), 1);
        SSL_set_connect_state(ssl);
        while (SSL_do_handshake(ssl) != 1)
                (void)uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(SSL_write(ssl, data, (int)len), len);
        if (end)
                assert_int_equal(SSL_shutdown(ssl), 0);
        run_until(&rig.n_served, 1);
        run_until(&rig.served[0].closed, 1);
        link_server_close(rig.server);
        finish();
        assert_int_equal(rig.served[0].error, want);
        SSL_free(ssl);
}

static void bad_frames(void **state) {
        static const char good[] = "\0\0\0\5\1\0\0\0\7";

        (void)state;
        bad_bytes(good, 9, true, 0); /* the twin */
        bad_bytes("\xff\xff\xff\xff\1", 5, false, -EMSGSIZE);
        bad_bytes("\0\0\0\4", 4, false, -EBADMSG);
        bad_bytes("\0\0\0\5\xee", 5, false, -EBADMSG);
        bad_bytes("\0\0\0\5\1\0\0\0\7\0\0\0\x20\1\0", 15, true, -ECONNRESET);
        bad_bytes("\0", 1, true, -ECONNRESET);
}

/* ---- dialling ------------------------------------------------------------------------------ */

static void bad_dials(void **state) {
        static const char *const addresses[] = { "",      "m1.local", "256.1.1.1",
                                                 "1.2.3", "[::1]",    "1.2.3.4:5" };
        struct link *l;
        struct end c = { 0 };
        struct rig rig;
        uint16_t port;

        (void)state;
        begin(&rig);
        for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
                assert_int_equal(
                        link_dial_tls(&loop, &board1, addresses[i], 1, 0, 1000, &end_ops, NULL, &l),
                        -EINVAL);
        /* a port that was just closed */
        serve(&rig, &board1, 8);
        port = link_server_port(rig.server);
        link_server_close(rig.server);
        assert_int_equal(
                link_dial_tls(&loop, &board2, "127.0.0.1", port, 0, 1000, &end_ops, &c, &c.link),
                0);
        assert_int_equal(c.closed, 0);
        finish();
        assert_int_equal(c.closed, 1);
        assert_int_equal(c.error, -ECONNREFUSED);
        assert_int_equal(c.opened, 0);
}

/* Somebody accepts and says nothing. */
static void dial_timeout(void **state) {
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(a);
        struct end c = { 0 };
        struct rig rig;
        uint64_t started;

        (void)state;
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        begin(&rig);
        started = uv_now(&loop);
        assert_int_equal(link_dial_tls(&loop, &board2, "127.0.0.1", ntohs(a.sin_port), 0, 100,
                                       &end_ops, &c, &c.link),
                         0);
        run_until(&c.closed, 1);
        assert_true(uv_now(&loop) - started >= 100);
        finish();
        assert_int_equal(c.error, -ETIMEDOUT);
        assert_string_equal(c.why, "no handshake within 100 ms");
}

static void closed_while_dialling(void **state) {
        struct end c = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        serve(&rig, &board1, 8);
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        link_close(c.link);
        assert_int_equal(c.closed, 0);
        run_until(&c.closed, 1);
        assert_int_equal(c.error, 0);
        /* nobody took it: closed by the server */
        rig.reject = 1;
        c = (struct end){ 0 };
        dial(&rig, &c, &board2, "127.0.0.1", 0);
        run_until(&c.closed, 1);
        assert_int_equal(c.error, 0);
        link_server_close(rig.server);
        finish();
}

/* ---- a link changes hands ------------------------------------------------------------------ */

static struct end heir;

static void hand_over(struct link *l, void *arg, const struct frame *f) {
        struct end *e = arg;

        (void)f;
        e->frames++;
        heir = (struct end){ .link = l };
        link_set_ops(l, &end_ops, &heir);
}

static void changes_hands(void **state) {
        static const struct link_ops first = { .open = on_open,
                                               .frame = hand_over,
                                               .closed = on_closed };
        struct end c = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        rig.proto.echo = 3;
        serve(&rig, &board1, 8);
        assert_int_equal(link_dial_tls(&loop, &board2, "127.0.0.1", link_server_port(rig.server), 0,
                                       HANDSHAKE_MS, &first, &c, &c.link),
                         0);
        for (uint32_t i = 0; i < 3; i++)
                assert_int_equal(link_send(c.link, FRAME_RAFT, i, "x", 1), 0);
        run_until(&heir.frames, 2);
        assert_int_equal(c.frames, 1);
        /* nobody listens: it ends without a word */
        link_set_ops(heir.link, NULL, NULL);
        link_close(heir.link);
        run_until(&rig.served[0].closed, 1);
        link_server_close(rig.server);
        finish();
        assert_int_equal(c.closed + heir.closed, 0);
}

/* ---- unix sockets -------------------------------------------------------------------------- */

static void unix_sockets(void **state) {
        const char *path = at("agent.sock");
        struct end c = { .close_at = 1 };
        struct link_server *second;
        struct rig rig;
        struct stat st;

        (void)state;
        begin(&rig);
        rig.proto.echo = 1;
        assert_int_equal(link_listen_unix(&loop, path, 0660, "no-such-group", 8, on_accept, &rig,
                                          &rig.server, NULL),
                         0);
        assert_int_equal(link_server_port(rig.server), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        /* somebody listens there: not taken away from him */
        assert_int_equal(
                link_listen_unix(&loop, path, 0660, NULL, 8, on_accept, &rig, &second, NULL),
                -EADDRINUSE);
        assert_int_equal(link_dial_unix(&loop, path, &end_ops, &c, &c.link), 0);
        assert_int_equal(link_send(c.link, FRAME_REQUEST, 3, "status", 6), 0);
        run_until(&c.opened, 1);
        assert_int_equal(link_kind(c.link), LINK_LOCAL);
        assert_string_equal(link_address(c.link), "");
        run_until(&c.closed, 1);
        assert_string_equal(c.last, "status");
        assert_true(rig.n_served >= 1);
        run_until(&rig.served[rig.n_served - 1].closed, 1);
        assert_int_equal(rig.served[rig.n_served - 1].error, 0);
        link_server_close(rig.server);
        finish();
        assert_false(exists(path));
}

static void unix_peer(void **state) {
        struct end c = { 0 };
        struct rig rig;

        (void)state;
        begin(&rig);
        assert_int_equal(link_listen_unix(&loop, at("peer.sock"), 0600, NULL, 8, on_accept, &rig,
                                          &rig.server, NULL),
                         0);
        assert_int_equal(link_dial_unix(&loop, at("peer.sock"), &end_ops, &c, &c.link), 0);
        run_until(&rig.n_served, 1);
        assert_int_equal(link_uid(rig.served[0].link), getuid());
        assert_int_equal(link_node(rig.served[0].link), 0);
        link_close(rig.served[0].link);
        run_until(&c.closed, 1);
        assert_int_equal(c.error, 0);
        link_server_close(rig.server);
        finish();
}

static void unix_paths(void **state) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        struct fail f = { 0 };
        struct end c = { 0 };
        char path[200];
        struct rig rig;
        int fd;

        (void)state;
        begin(&rig);
        /* left by a process that died */
        (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", at("stale.sock"));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        (void)close(fd);
        assert_int_equal(link_dial_unix(&loop, a.sun_path, &end_ops, &c, &c.link), 0);
        run_until(&c.closed, 1);
        assert_int_equal(c.error, -ECONNREFUSED);
        assert_int_equal(link_listen_unix(&loop, a.sun_path, 0600, NULL, 8, on_accept, &rig,
                                          &rig.server, &f),
                         0);
        link_server_close(rig.server);
        /* a file in its place */
        put_file(at("file.sock"), "x", 1);
        assert_int_equal(link_listen_unix(&loop, at("file.sock"), 0600, NULL, 8, on_accept, &rig,
                                          &rig.server, &f),
                         -EEXIST);
        assert_true(exists(at("file.sock")));
        (void)snprintf(path, sizeof(path), "/tmp/%0150d", 1);
        f = (struct fail){ 0 };
        assert_int_equal(
                link_listen_unix(&loop, path, 0600, NULL, 8, on_accept, &rig, &rig.server, &f),
                -ENAMETOOLONG);
        assert_int_equal(link_dial_unix(&loop, path, &end_ops, &c, &c.link), -ENAMETOOLONG);
        c = (struct end){ 0 };
        assert_int_equal(link_dial_unix(&loop, at("absent.sock"), &end_ops, &c, &c.link), 0);
        finish();
        assert_int_equal(c.error, -ENOENT);
}

/* Garbage and half a frame on the CLI's socket. */
static void unix_garbage(void **state) {
        static const struct {
                const char *data;
                size_t len;
                int want;
        } cases[] = {
                { "\0\0\0\5\1\0\0\0\7", 9, 0 },
                { "", 0, 0 },
                { "\0\0\0\5\1\0", 6, -ECONNRESET },
                { "GET / HTTP/1.1\r\n\r\n", 18, -EMSGSIZE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct sockaddr_un a = { .sun_family = AF_UNIX };
                struct rig rig;
                int fd;

                begin(&rig);
                (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", at("garbage.sock"));
                assert_int_equal(link_listen_unix(&loop, a.sun_path, 0600, NULL, 8, on_accept, &rig,
                                                  &rig.server, NULL),
                                 0);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
                assert_int_equal(write(fd, cases[i].data, cases[i].len), cases[i].len);
                assert_int_equal(shutdown(fd, SHUT_WR), 0);
                run_until(&rig.n_served, 1);
                run_until(&rig.served[0].closed, 1);
                assert_int_equal(rig.served[0].error, cases[i].want);
                (void)close(fd);
                link_server_close(rig.server);
                finish();
        }
}

/* ---- what an idle link costs --------------------------------------------------------------- */

static void idle_memory(void **state) {
#if SANITIZED
        (void)state;
        skip();
#else
        struct end ends[16] = { 0 };
        struct rig rig;
        size_t before, each;

        (void)state;
        begin(&rig);
        rig.proto.echo = 1;
        serve(&rig, &board1, 64);
        before = mallinfo2().uordblks;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                dial(&rig, &ends[i], &board2, "127.0.0.1", 0);
                assert_int_equal(link_send(ends[i].link, FRAME_HELLO, 0, "hello", 5), 0);
                run_until(&ends[i].frames, 1);
        }
        each = (mallinfo2().uordblks - before) / ARRAY_SIZE(ends) / 2;
        print_message("one end of an idle link: %zu bytes\n", each);
        assert_true(each < 32 * 1024);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                link_close(ends[i].link);
        link_server_close(rig.server);
        finish();
#endif
}

static int setup(void **state) {
        if (fixture_begin(state) < 0)
                return -1;
        log_open("test_link", LOG_LEVEL_ERROR); /* refusals are expected */
        make_cluster("class");
        make_cluster("lab");
        make_board("class", "b1", NODE1);
        make_board("class", "b2", NODE2);
        make_board("lab", "b3", NODE2);
        load_board("b1", &board1);
        load_board("b2", &board2);
        load_board("b3", &stranger);
        load_admin("class", &admin);
        return 0;
}

static int teardown(void **state) {
        pki_done(&board1);
        pki_done(&board2);
        pki_done(&stranger);
        pki_done(&admin);
        return fixture_end(state);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(boards_talk),
                cmocka_unit_test(admins_talk),
                cmocka_unit_test(boards_talk_ipv6),
                cmocka_unit_test(sizes),
                cmocka_unit_test(longest_frame),
                cmocka_unit_test(close_flushes),
                cmocka_unit_test(back_pressure_tls),
                cmocka_unit_test(back_pressure_unix),
                cmocka_unit_test(paused_past_the_end),
                cmocka_unit_test(queue_overflow),
                cmocka_unit_test(server_closed_by_accept),
                cmocka_unit_test(other_authority),
                cmocka_unit_test(other_node),
                cmocka_unit_test(admin_as_board),
                cmocka_unit_test(forged_admin),
                cmocka_unit_test(no_certificate),
                cmocka_unit_test(garbage),
                cmocka_unit_test(silent_strangers),
                cmocka_unit_test(too_many),
                cmocka_unit_test(bad_frames),
                cmocka_unit_test(bad_dials),
                cmocka_unit_test(dial_timeout),
                cmocka_unit_test(closed_while_dialling),
                cmocka_unit_test(changes_hands),
                cmocka_unit_test(unix_sockets),
                cmocka_unit_test(unix_peer),
                cmocka_unit_test(unix_paths),
                cmocka_unit_test(unix_garbage),
                cmocka_unit_test(idle_memory),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

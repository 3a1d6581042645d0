#include "io/pki.h"

#include "pki_fixture.h"

#include <openssl/err.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static const uint64_t NODE = 0x00000000a1b2c3d4, OTHER = 0x10000000deadbeef;

/* ---- a handshake in memory ----------------------------------------------------------------- */

static void wire_up(SSL *a, SSL *b) {
        BIO *ab = must(BIO_new(BIO_s_mem())), *ba = must(BIO_new(BIO_s_mem()));

        BIO_set_mem_eof_return(ab, -1);
        BIO_set_mem_eof_return(ba, -1);
        assert_int_equal(BIO_up_ref(ab), 1);
        assert_int_equal(BIO_up_ref(ba), 1);
        SSL_set_bio(a, ba, ab);
        SSL_set_bio(b, ab, ba);
}

/* Whether the server takes the client and the client takes the server; their opinions in ret_. */
static bool shake(SSL_CTX *server, SSL_CTX *client, struct pki_identity *ret_client,
                  struct pki_identity *ret_server) {
        SSL *s = must(SSL_new(server)), *c = must(SSL_new(client));
        int rs = 0, rc = 0;
        bool good;

        wire_up(s, c);
        SSL_set_accept_state(s);
        SSL_set_connect_state(c);
        for (int turn = 0; turn < 6; turn++) {
                if (rc != 1)
                        rc = SSL_do_handshake(c);
                if (rs != 1)
                        rs = SSL_do_handshake(s);
                ERR_clear_error();
        }
        good = rs == 1 && rc == 1;
        if (good && ret_client && pki_peer(s, ret_client, NULL) < 0)
                good = false;
        if (good && ret_server && pki_peer(c, ret_server, NULL) < 0)
                good = false;
        SSL_free(s);
        SSL_free(c);
        return good;
}

/* ---- a cluster's folder -------------------------------------------------------------------- */

static void cluster_files(void **state) {
        static const struct {
                const char *name;
                mode_t mode;
        } files[] = {
                { "ca.key", 0600 },    { "ca.crt", 0644 },    { "enrol.key", 0600 },
                { "enrol.crt", 0644 }, { "admin.key", 0600 }, { "admin.crt", 0644 },
        };
        struct fail f = { 0 };
        struct stat st;

        (void)state;
        (void)umask(022);
        make_cluster("class");
        assert_int_equal(stat(at("class"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                assert_int_equal(stat(at("class/%s", files[i].name), &st), 0);
                assert_int_equal(st.st_mode & 07777, files[i].mode);
        }
        assert_int_equal(pki_init_cluster(at("class"), "class", &f), -ENOTEMPTY);
        assert_non_null(strstr(f.text, "not empty"));
        assert_int_equal(mkdir(at("empty"), 0755), 0);
        assert_int_equal(pki_init_cluster(at("empty"), "class", NULL), 0);
        assert_int_equal(pki_init_cluster(at("no/such"), "class", NULL), -ENOENT);
}

static void cluster_names(void **state) {
        static const struct {
                const char *name;
                int want;
        } cases[] = {
                { "a", 0 },
                { "room-12", 0 },
                { "a23456789012345678901234567890123456789012345678901234567890123", 0 },
                { "a234567890123456789012345678901234567890123456789012345678901234", -EINVAL },
                { "", -EINVAL },
                { "-a", -EINVAL },
                { "a-", -EINVAL },
                { "A", -EINVAL },
                { "a.b", -EINVAL },
                { "../x", -EINVAL },
                { "a b", -EINVAL },
                { "a\n", -EINVAL },
                { "\xc3\xa4", -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(pki_init_cluster(at("n%zu", i), cases[i].name, NULL),
                                 cases[i].want);
                assert_int_equal(exists(at("n%zu", i)), cases[i].want == 0);
        }
}

/* ---- enrolment ----------------------------------------------------------------------------- */

static int enrol(const char *card, uint64_t node, struct fail *f) {
        *f = (struct fail){ 0 };
        return pki_enrol(at("%s", card), at("%s-state", card), node, f);
}

static void enrols(void **state) {
        struct pki_identity id;
        struct pki board, admin;
        struct fail f;
        struct stat st;

        (void)state;
        make_card("class", "card1");
        assert_int_equal(enrol("card1", NODE, &f), 0);
        assert_string_equal(f.text, "");
        assert_false(exists(at("card1/enrol.key")));
        assert_int_equal(stat(at("card1-state"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(stat(at("card1-state/board.key"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(enrol("card1", NODE, &f), -EALREADY);

        load_board("card1", &board);
        assert_int_equal(board.self.role, PKI_BOARD);
        assert_true(board.self.node == NODE);
        assert_string_equal(board.self.cluster, "class");
        load_admin("class", &admin);
        assert_int_equal(admin.self.role, PKI_ADMIN);
        assert_true(admin.self.cluster_id == board.self.cluster_id && board.self.cluster_id != 0);

        assert_true(shake(board.server, admin.client, &id, NULL));
        assert_int_equal(id.role, PKI_ADMIN);
        assert_true(shake(board.server, board.client, &id, NULL));
        assert_true(id.role == PKI_BOARD && id.node == NODE);
        assert_string_equal(id.cluster, "class");
        pki_done(&board);
        pki_done(&admin);
        pki_done(&admin); /* twice is harmless */
}

/* What a power cut can leave at each step of an enrolment, and what the next start makes of it. */
static void power_cuts(void **state) {
        static const char zeros[300];
        struct fail f;
        struct pki p;

        (void)state;
        make_board("class", "donor", OTHER);

        /* while board.key was being written */
        make_card("class", "cut1");
        assert_int_equal(mkdir(at("cut1-state"), 0700), 0);
        put_file(at("cut1-state/.board.key.new"), "half", 4);
        assert_int_equal(enrol("cut1", NODE, &f), 0);
        assert_false(exists(at("cut1-state/.board.key.new")));

        /* between board.key and board.crt */
        make_card("class", "cut2");
        assert_int_equal(mkdir(at("cut2-state"), 0700), 0);
        copy_file(at("donor-state/board.key"), at("cut2-state/board.key"));
        put_file(at("cut2-state/.board.crt.new"), "half", 4);
        assert_int_equal(enrol("cut2", NODE, &f), 0);

        /* between the two of an enrolment that replaces an earlier one of this node */
        make_board("class", "cut3", NODE);
        copy_file(at("class/enrol.key"), at("cut3/enrol.key"));
        copy_file(at("donor-state/board.key"), at("cut3-state/board.key"));
        assert_int_equal(enrol("cut3", NODE, &f), 0);

        /* before enrol.key was removed; while it was written over */
        make_board("class", "cut4", NODE);
        copy_file(at("class/enrol.key"), at("cut4/enrol.key"));
        assert_int_equal(enrol("cut4", NODE, &f), -EALREADY);
        assert_false(exists(at("cut4/enrol.key")));
        put_file(at("cut4/enrol.key"), zeros, sizeof(zeros));
        assert_int_equal(enrol("cut4", NODE, &f), -EALREADY);
        assert_false(exists(at("cut4/enrol.key")));

        for (int i = 1; i <= 4; i++) {
                char card[16];

                (void)snprintf(card, sizeof(card), "cut%d", i);
                assert_false(exists(at("%s/enrol.key", card)));
                load_board(card, &p);
                assert_true(p.self.node == NODE);
                pki_done(&p);
        }
}

static void clones(void **state) {
        struct fail f;
        struct pki p;

        (void)state;
        make_board("class", "orig", NODE);
        assert_int_equal(enrol("orig", OTHER, &f), -EKEYREJECTED);
        assert_non_null(strstr(f.text, "00000000a1b2c3d4"));
        assert_non_null(strstr(f.text, "10000000deadbeef"));
        assert_non_null(strstr(f.text, "no enrol.key"));
        assert_int_equal(enrol("orig", NODE, &f), -EALREADY);

        copy_file(at("class/enrol.key"), at("orig/enrol.key"));
        assert_int_equal(enrol("orig", OTHER, &f), 0);
        load_board("orig", &p);
        assert_true(p.self.node == OTHER);
        pki_done(&p);
}

static void other_clusters(void **state) {
        struct fail f;
        struct pki p;

        (void)state;
        make_cluster("lab");
        make_board("class", "moved", NODE);
        copy_file(at("lab/ca.crt"), at("moved/ca.crt"));
        assert_int_equal(enrol("moved", NODE, &f), -EKEYREJECTED);
        copy_file(at("lab/enrol.key"), at("moved/enrol.key"));
        /* enrol.crt is still the old cluster's */
        assert_int_equal(enrol("moved", NODE, &f), -EKEYREJECTED);
        assert_true(exists(at("moved/enrol.key")));
        copy_file(at("lab/enrol.crt"), at("moved/enrol.crt"));
        assert_int_equal(enrol("moved", NODE, &f), 0);
        load_board("moved", &p);
        assert_string_equal(p.self.cluster, "lab");
        pki_done(&p);
}

static void bad_cards(void **state) {
        static const char zeros[300];
        struct fail f;

        (void)state;
        assert_int_equal(mkdir(at("bare"), 0700), 0);
        assert_int_equal(enrol("bare", NODE, &f), -ENOKEY);
        assert_non_null(strstr(f.text, "no cluster"));
        assert_int_equal(enrol("absent", NODE, &f), -ENOKEY);

        put_file(at("bare/ca.crt"), "garbage", 7);
        assert_int_equal(enrol("bare", NODE, &f), -EBADMSG);
        copy_file(at("class/ca.crt"), at("bare/ca.crt"));
        assert_int_equal(enrol("bare", NODE, &f), -ENOKEY);
        assert_non_null(strstr(f.text, "enrol.key"));
        put_file(at("bare/enrol.key"), zeros, sizeof(zeros));
        assert_int_equal(enrol("bare", NODE, &f), -EBADMSG);
        copy_file(at("class/admin.key"), at("bare/enrol.key"));
        copy_file(at("class/enrol.crt"), at("bare/enrol.crt"));
        assert_int_equal(enrol("bare", NODE, &f), -EKEYREJECTED);
        assert_non_null(strstr(f.text, "not the key"));
        assert_true(exists(at("bare/enrol.key")));

        /* a damaged certificate: made anew where that is possible */
        make_board("class", "hurt", NODE);
        put_file(at("hurt-state/board.crt"), "", 0);
        assert_int_equal(enrol("hurt", NODE, &f), -EBADMSG);
        copy_file(at("class/enrol.key"), at("hurt/enrol.key"));
        assert_int_equal(enrol("hurt", NODE, &f), 0);
        /* a board.key that is gone: the same */
        assert_int_equal(unlink(at("hurt-state/board.key")), 0);
        assert_int_equal(enrol("hurt", NODE, &f), -ENOKEY);
        /* the disk fails (a folder in the file's place): nothing is replaced */
        assert_int_equal(mkdir(at("hurt-state/board.key"), 0700), 0);
        copy_file(at("class/enrol.key"), at("hurt/enrol.key"));
        assert_int_equal(enrol("hurt", NODE, &f), -EISDIR);
        assert_true(exists(at("hurt/enrol.key")));
}

/* In a child: exit status 0 good, 1 bad, 2 not possible here. */
static int read_only_child(void) {
        struct fail f;

        if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return 2;
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(at("rocard"), at("rocard"), NULL, MS_BIND, NULL) < 0 ||
            mount(NULL, at("rocard"), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
                return 2;
        for (int start = 0; start < 2; start++) /* enrols; finds itself enrolled */
                if (enrol("rocard", NODE, &f) != 1 || f.error != -EROFS ||
                    !strstr(f.text, "enrol.key"))
                        return 1;
        return 0;
}

static void read_only_card(void **state) {
        struct pki p;
        int status;
        pid_t pid;

        (void)state;
        make_card("class", "rocard");
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(read_only_child());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 2)
                skip(); /* no right to mount */
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_true(exists(at("rocard/enrol.key")));
        load_board("rocard", &p);
        pki_done(&p);
}

/* ---- who is believed ----------------------------------------------------------------------- */

static void forgeries(void **state) {
        static const struct {
                const char *name;
                struct forgery spec;
                bool good;
        } cases[] = {
                /* the twin that shows that a forged one of the right shape passes */
                { "f-board", { "00000000a1b2c3d4", "board", NULL, "class/enrol", NULL }, true },
                { "f-root", { "00000000a1b2c3d4", "board", NULL, "class/ca", NULL }, true },
                { "f-boss", { "x", "admin", NULL, "class/ca", NULL }, true },
                /* an enrolment key is on every card: no admins */
                { "f-admin", { "x", "admin", NULL, "class/enrol", NULL }, false },
                { "f-both", { "00000000a1b2c3d4", "board", "admin", "class/enrol", NULL }, false },
                { "f-both2", { "00000000a1b2c3d4", "admin", "board", "class/enrol", NULL }, false },
                { "f-none", { "00000000a1b2c3d4", NULL, NULL, "class/enrol", NULL }, false },
                { "f-unit", { "00000000a1b2c3d4", "Board", NULL, "class/enrol", NULL }, false },
                { "f-zero", { "0000000000000000", "board", NULL, "class/enrol", NULL }, false },
                { "f-upper", { "00000000A1B2C3D4", "board", NULL, "class/enrol", NULL }, false },
                { "f-short", { "a1b2c3d4", "board", NULL, "class/enrol", NULL }, false },
                { "f-text", { "w1", "board", NULL, "class/enrol", NULL }, false },
                { "f-ca",
                  { "00000000a1b2c3d4", "board", NULL, "class/enrol", "critical,CA:TRUE" },
                  false },
                { "f-leaf",
                  { "00000000a1b2c3d4", "board", NULL, "honest-state/board", NULL },
                  false },
                { "f-lab", { "00000000a1b2c3d4", "board", NULL, "lab2/enrol", NULL }, false },
        };
        struct pki board;

        (void)state;
        make_cluster("lab2");
        make_board("class", "honest", OTHER);
        load_board("honest", &board);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SSL_CTX *client, *server;
                struct pki_identity id;
                struct pki p;
                int r;

                forge(cases[i].name, &cases[i].spec);
                client = attacker(cases[i].name, false);
                server = attacker(cases[i].name, true);
                if (shake(board.server, client, &id, NULL) != cases[i].good ||
                    shake(server, board.client, NULL, &id) != cases[i].good)
                        fail_msg("%s", cases[i].name);
                r = pki_load(at("class/ca.crt"), at("%s.crt", cases[i].name),
                             at("%s.key", cases[i].name), &p, NULL);
                assert_int_equal(r, cases[i].good ? 0 : -EKEYREJECTED);
                if (r == 0)
                        pki_done(&p);
                SSL_CTX_free(client);
                SSL_CTX_free(server);
        }
        pki_done(&board);
}

static void strangers(void **state) {
        static const char *const names[] = { "class/enrol", "class/ca" };
        struct pki board, stranger;
        SSL_CTX *ctx;

        (void)state;
        make_cluster("lab3");
        make_board("class", "b1", NODE);
        make_board("lab3", "b2", OTHER);
        load_board("b1", &board);
        load_board("b2", &stranger);
        assert_true(shake(board.server, board.client, NULL, NULL));
        assert_false(shake(board.server, stranger.client, NULL, NULL));
        assert_false(shake(stranger.server, board.client, NULL, NULL));
        pki_done(&stranger);
        load_admin("lab3", &stranger);
        assert_false(shake(board.server, stranger.client, NULL, NULL));
        pki_done(&stranger);

        ctx = attacker(NULL, false);
        assert_false(shake(board.server, ctx, NULL, NULL));
        SSL_CTX_free(ctx);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                ctx = attacker(names[i], false);
                assert_false(shake(board.server, ctx, NULL, NULL));
                SSL_CTX_free(ctx);
        }
        /* an honest certificate, but not our version of TLS */
        ctx = attacker("b1-state/board", false);
        assert_true(shake(board.server, ctx, NULL, NULL));
        assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
        assert_false(shake(board.server, ctx, NULL, NULL));
        SSL_CTX_free(ctx);
        pki_done(&board);
}

/* A gateway's certificate serves its names to anybody, and is no board's and no person's. */
static void gateways(void **state) {
        static const char *const names[] = { "m1.local", "bramble.local", "192.168.1.4",
                                             "fd00::4" };
        static const struct {
                const char *name;
                int want;
        } wrong[] = {
                { "", -EINVAL },
                { "m1.local,DNS:evil", -EINVAL },
                { "a b", -EINVAL },
                { "-a", -EINVAL },
                { "a..b", -EINVAL },
                { "m_1", -EINVAL },
                { "192.168.1.4:1", -EINVAL },
        };
        struct pki_identity id;
        struct pki board, p;
        X509_STORE *trusted;
        SSL_CTX *client, *server;
        struct fail f = { 0 };
        struct stat st;
        X509 *leaf;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(pki_make_gateway(at("class"), &wrong[i].name, 1, &f),
                                 wrong[i].want);
        assert_int_equal(pki_make_gateway(at("class"), names, 0, NULL), -EINVAL);
        assert_int_equal(pki_make_gateway(at("b1"), names, 1, NULL), -ENOENT);
        for (int again = 0; again < 2; again++)
                assert_int_equal(pki_make_gateway(at("class"), names, ARRAY_SIZE(names), NULL), 0);
        assert_int_equal(stat(at("class/gateway.key"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        client = attacker(NULL, false);
        server = attacker("class/gateway", true);
        trusted = SSL_CTX_get_cert_store(client);
        assert_int_equal(X509_STORE_load_file(trusted, at("class/ca.crt")), 1);
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
        assert_true(shake(server, client, NULL, NULL));
        leaf = SSL_CTX_get0_certificate(server);
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(X509_check_host(leaf, names[i], 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(leaf, "m2.local", 0, 0, NULL), 0);
        assert_int_equal(X509_check_ip_asc(leaf, "192.168.1.4", 0), 1);
        assert_int_equal(X509_check_ip_asc(leaf, "fd00::4", 0), 1);
        SSL_CTX_free(client);

        load_board("b1", &board);
        assert_false(shake(server, board.client, NULL, &id));
        SSL_CTX_free(server);
        client = attacker("class/gateway", false);
        assert_false(shake(board.server, client, &id, NULL));
        SSL_CTX_free(client);
        assert_int_equal(pki_load(at("class/ca.crt"), at("class/gateway.crt"),
                                  at("class/gateway.key"), &p, NULL),
                         -EKEYREJECTED);
        pki_done(&board);
}

static void loads(void **state) {
        static const struct {
                const char *ca, *cert, *key;
                int want;
        } cases[] = {
                { "class/ca.crt", "class/admin.crt", "class/admin.key", 0 },
                { "class/none.crt", "class/admin.crt", "class/admin.key", -ENOENT },
                { "class/ca.crt", "class/admin.crt", "class/ca.key", -EKEYREJECTED },
                { "class/ca.crt", "class/admin.crt", "class/admin.crt", -EBADMSG },
                { "class/ca.crt", "class/admin.key", "class/admin.key", -EBADMSG },
                { "class/ca.crt", "class/enrol.crt", "class/enrol.key", -EKEYREJECTED },
                { "lab/ca.crt", "class/admin.crt", "class/admin.key", -EKEYREJECTED },
                { "class/ca.crt", "big", "class/admin.key", -EBADMSG },
                { "class/ca.crt", "class", "class/admin.key", -EISDIR },
        };
        static const char big[65 * 1024];

        (void)state;
        put_file(at("big"), big, sizeof(big));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };
                struct pki p = { 0 };

                assert_int_equal(pki_load(at("%s", cases[i].ca), at("%s", cases[i].cert),
                                          at("%s", cases[i].key), &p, &f),
                                 cases[i].want);
                assert_int_equal(f.text[0] != '\0', cases[i].want != 0);
                pki_done(&p);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cluster_files), cmocka_unit_test(cluster_names),
                cmocka_unit_test(enrols),        cmocka_unit_test(power_cuts),
                cmocka_unit_test(clones),        cmocka_unit_test(other_clusters),
                cmocka_unit_test(bad_cards),     cmocka_unit_test(read_only_card),
                cmocka_unit_test(forgeries),     cmocka_unit_test(strangers),
                cmocka_unit_test(gateways),      cmocka_unit_test(loads),
        };

        return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}

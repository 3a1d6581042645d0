/* seeds write|check CORPUS - the seeds of the binary formats, made by their encoders: 'write' puts
 * them into the folders of CORPUS, 'check' says which of those there are not what would be written.
 * Beside each valid one stand some that are wrong in one place, so that a new format leaves none of
 * them wrong for no more than its number. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/wire.h"
#include "core/board.h"
#include "core/charter.h"
#include "core/counts.h"
#include "core/frame.h"
#include "core/message.h"
#include "core/report.h"
#include "core/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *corpus;
static bool write_them;
static unsigned stale;

static void must(int r) {
        if (r < 0) {
                fprintf(stderr, "seeds: %s\n", strerror(-r));
                exit(1);
        }
}

/* The file's bytes are exactly these. */
static bool is_there(const char *path, const struct buf *b) {
        FILE *f = fopen(path, "re");
        auto_free char *is = malloc(b->len + 1);
        bool same;

        if (!f || !is) {
                if (f)
                        (void)fclose(f);
                return false;
        }
        same = fread(is, 1, b->len + 1, f) == b->len && memcmp(is, b->data, b->len) == 0;
        (void)fclose(f);
        return same;
}

static void seed(const char *target, const char *name, const struct buf *b) {
        char path[1024];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
        if (!write_them) {
                if (!is_there(path, b)) {
                        printf("%s is not what is written today: make corpus\n", path);
                        stale++;
                }
                return;
        }
        f = fopen(path, "we");
        if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f) != 0) {
                perror(path);
                exit(1);
        }
}

/* Where the two differ first: the field in which what was encoded does. */
static size_t difference(const struct buf *a, const struct buf *b) {
        size_t at = 0;

        while (at < a->len && at < b->len && a->data[at] == b->data[at])
                at++;
        return at;
}

static void seed_with_byte(const char *target, const char *name, struct buf *b, size_t at,
                           uint8_t byte) {
        char was = b->data[at];

        b->data[at] = (char)byte;
        seed(target, name, b);
        b->data[at] = was;
}

static void seed_cut(const char *target, struct buf *b) {
        size_t len = b->len;

        b->len = len * 4 / 5;
        seed(target, "cut", b);
        b->len = len;
}

/* ---- the world ---------------------------------------------------------------------------------
 */

static void put_world(const char *name, const struct world *w) {
        auto_buf struct buf b = { 0 };

        must(world_encode(w, &b));
        seed("world", name, &b);
}

static void worlds(void) {
        static char spec[] = "{\"service\":\"hello\"}", no_spec[] = "";
        static struct world_member members[] = {
                { .node = 1, .name = "m1", .subnet = 1, .address = 0x0a000001, .up = true },
                { .node = 2, .name = "w1", .subnet = 2, .address = 0x0a000002, .kube = true },
                { .node = 3, .name = "w2", .subnet = 250, .up = true, .api = true },
        };
        static struct world_function functions[] = {
                { .name = "hello",
                  .namespace = "openfaas-fn",
                  .image = "docker.io/bramble/hello:latest",
                  .replicas = 2,
                  .available = 1,
                  .generation = 3,
                  .memory_bytes = 64 << 20,
                  .created_unix = 1764522000,
                  .invocations = 12345,
                  .spec = spec,
                  .spec_len = sizeof(spec) - 1 },
                { .name = "web", .namespace = "dev", .spec = no_spec },
        };
        static struct world_instance instances[] = {
                { .id = 7,
                  .function = 0,
                  .generation = 3,
                  .node = 2,
                  .state = INSTANCE_READY,
                  .address = 0x0a3e0102,
                  .port = 8080 },
                { .id = 9, .function = 1, .node = 3, .state = INSTANCE_FROZEN },
        };
        static uint64_t holders[] = { 1, 3 };
        static struct world_image images[] = {
                { .name = "docker.io/bramble/hello:latest",
                  .digest = DIGEST,
                  .size_bytes = 1234567,
                  .n_holders = 2,
                  .holders = holders },
        };
        static struct world_alarm alarms[] = {
                { 1, ALARM_HOT, SEVERITY_WARNING, 12, "too hot: 82 C" },
                { 2, ALARM_LOST, SEVERITY_ERROR, 90, "gone" },
        };
        static struct world_member many[LIMIT_BOARDS];
        struct world empty = { .term = 1, .version = 1, .bramble = 7, .cluster = "home" }, w;
        const struct world full = { .term = 3,
                                    .version = 4,
                                    .bramble = 7,
                                    .leader = 1,
                                    .master = 1,
                                    .fold = 5,
                                    .cluster = "home",
                                    .user = "admin",
                                    .password = "secret",
                                    .kube = { .epoch = 2,
                                              .founded = true,
                                              .made = 1,
                                              .n_planes = 1,
                                              .planes = { 1 },
                                              .version = "v1.20.2",
                                              .ca_hash = DIGEST,
                                              .note = "waiting" },
                                    .secrets_version = 6,
                                    .last_event = 77,
                                    .n_members = 3,
                                    .members = members,
                                    .n_functions = 2,
                                    .functions = functions,
                                    .n_instances = 2,
                                    .instances = instances,
                                    .n_images = 1,
                                    .images = images,
                                    .n_alarms = 2,
                                    .alarms = alarms };
        auto_buf struct buf b = { 0 }, c = { 0 };

        put_world("empty", &empty);
        put_world("full", &full);
        must(world_encode(&full, &b));
        seed_cut("world", &b);
        seed_with_byte("world", "version", &b, 0, 1);

        w = full;
        w.kube.n_planes = 3;
        w.kube.planes[1] = 2;
        w.kube.planes[2] = 3;
        put_world("planes", &w);
        w = full;
        w.kube.adopted = true;
        put_world("adopted", &w);
        w.kube.ca_hash[8] = '/';
        put_world("ca-hash", &w);
        w = empty;
        w.kube.epoch = 3;
        w.kube.off = true;
        put_world("off", &w);

        for (uint32_t i = 0; i < LIMIT_BOARDS; i++) {
                many[i] = (struct world_member){ .node = i + 1, .subnet = (uint16_t)(i + 1) };
                (void)snprintf(many[i].name, SIZE_NAME, "w%u", i);
        }
        w = empty;
        w.n_members = LIMIT_BOARDS;
        w.members = many;
        put_world("many", &w);
        w.n_members = 2;
        w.members = members;
        members[1].cordoned = true;
        put_world("cordoned", &w);
        b.len = 0;
        must(world_encode(&w, &b));
        members[1].cordoned = false;
        must(world_encode(&w, &c));
        seed_with_byte("world", "cordoned-bool", &b, difference(&b, &c), 2);

        functions[0].stuck = true;
        (void)snprintf(functions[0].reason, SIZE_REASON, "no board has room");
        put_world("stuck", &full);
        instances[0].function = 2;
        put_world("dangling", &full);
        instances[0].function = 0;

        w = empty;
        w.last_event = 77;
        w.n_members = 2;
        w.members = members;
        w.n_alarms = 2;
        w.alarms = alarms;
        put_world("alarms", &w);
        alarms[0].kind = ALARM_KINDS;
        put_world("alarms-kind", &w);
        alarms[0].kind = ALARM_HOT;
        alarms[0].text[0] = '\033';
        put_world("alarms-escape", &w);
        alarms[0].text[0] = 't';
        b.len = c.len = 0;
        must(world_encode(&w, &b));
        w.n_alarms = 1;
        must(world_encode(&w, &c));
        seed_with_byte("world", "alarms-many", &b, difference(&b, &c) - 2, 0xff);
}

/* ---- reports -----------------------------------------------------------------------------------
 */

static void fill_report(struct report *r) {
        *r = (struct report){
                .board = { .id = "3B+",
                           .model = "Raspberry Pi 3 Model B Plus Rev 1.3",
                           .node = 0xc0ffee,
                           .cores = 4,
                           .clock_mhz = 1400,
                           .bits_kernel = 64,
                           .bits_user = 32,
                           .ram_bytes = 1 << 30,
                           .kubernetes_max = "1.26" },
                .sensors = { .cpu_permille = 123,
                             .n_cores = 4,
                             .core_permille = { 0, 1, 500, 1000 },
                             .temperature_mc = -5000,
                             .power = POWER_KNOWN | POWER_WAS_THROTTLED,
                             .net_name = "eth0",
                             .net_mbps = 300,
                             .problems = PROBLEM_MEMORY,
                             .card_errors = 5 },
                .address = "10.0.0.7",
                .n_instances = 2,
                .instances = { { .id = 16, .state = INSTANCE_READY, .port = 8080 },
                               { .id = 17,
                                 .state = INSTANCE_BACKOFF,
                                 .restarts = 3,
                                 .reason = "exit 1" } },
                .n_images = 1,
                .images = { { "docker.io/library/hello:latest", DIGEST } },
                .n_calls = 1,
                .calls = { { "hello", "openfaas-fn", 1234567890123, 12500, 3, 4 } },
                .kube = { .phase = KUBE_READY,
                          .version = "v1.20.2",
                          .epoch = 3,
                          .capable = true,
                          .api = true,
                          .snapshot = UINT64_C(3) << 32 | 17 },
                .n_usage = 1,
                .usage = { { 17, 250, 5 << 20 } },
                .unix_ms = 1764522000123,
                .n_alarms = 2,
                .alarms = { { ALARM_HOT, SEVERITY_WARNING, 12, "too hot" },
                            { ALARM_CERTIFICATE, SEVERITY_ERROR, 3, "it ends" } },
        };
}

static void put_report(const char *name, const struct report *r) {
        auto_buf struct buf b = { 0 };

        must(report_encode(r, &b));
        seed("report", name, &b);
}

/* A report whose count of something is more than there may be. */
static void put_count(const char *name, const struct report *one, const struct report *two) {
        auto_buf struct buf b = { 0 }, c = { 0 };

        must(report_encode(one, &b));
        must(report_encode(two, &c));
        seed_with_byte("report", name, &b, difference(&b, &c) - 2, 0x7f);
}

static void wrong_reports(struct report *r, struct report *other) {
        r->instances[0].state = INSTANCE_STATE_MAX;
        put_report("bad-state", r);
        fill_report(r);
        r->instances[1].reason[0] = '\033';
        put_report("escape", r);
        fill_report(r);
        r->kube.phase = KUBE_PHASE_MAX;
        put_report("kube-phase", r);
        fill_report(r);
        r->kube.text[0] = '\033';
        put_report("kube-escape", r);
        fill_report(r);
        r->sensors.cpu_permille = 1001;
        put_report("permille", r);
        fill_report(r);
        r->alarms[0].text[0] = '\033';
        put_report("alarms-escape", r);
        fill_report(r);
        r->alarms[0].severity = SEVERITY_NONE;
        put_report("alarms-none", r);
        fill_report(r);
        r->alarms[1].kind = ALARM_UNDER_VOLTAGE;
        put_report("alarms-order", r);
        r->alarms[1].kind = ALARM_HOT;
        put_report("alarms-twice", r);
        r->alarms[1].kind = ALARM_LOST;
        put_report("alarms-leaders", r);

        fill_report(r);
        fill_report(other);
        other->n_images = 2;
        put_count("too-many", r, other);
        fill_report(other);
        other->sensors.n_cores = 3;
        put_count("cores", r, other);
        fill_report(other);
        other->n_alarms = 1;
        put_count("alarms-many", r, other);
        fill_report(other);
        other->kube.n_cleared = 1;
        put_count("cleared-many", r, other);
}

static void reports(void) {
        struct report *r = malloc(sizeof(*r)), *other = malloc(sizeof(*other));
        auto_buf struct buf b = { 0 }, c = { 0 };

        if (!r || !other)
                must(-ENOMEM);
        memset(r, 0, sizeof(*r));
        put_report("plain", r);
        fill_report(r);
        put_report("full", r);
        must(report_encode(r, &b));
        seed_cut("report", &b);
        seed_with_byte("report", "version", &b, 0, 1);
        r->kube.api = false;
        must(report_encode(r, &c));
        seed_with_byte("report", "kube-bool", &b, difference(&b, &c), 2);

        fill_report(r);
        r->n_alarms = ALARM_BOARD_KINDS;
        for (uint32_t i = 0; i < ALARM_BOARD_KINDS; i++)
                r->alarms[i] = (struct report_alarm){ (enum alarm_kind)i, SEVERITY_INFO, i, "x" };
        put_report("alarms", r);
        fill_report(r);
        memset(r->alarms[0].text, 'x', SIZE_REASON - 1);
        memset(r->kube.text, 'x', SIZE_REASON - 1);
        put_report("longest", r);
        fill_report(r);
        r->kube.n_cleared = LIMIT_CLEARED;
        r->kube.cleared[1] = UINT64_MAX;
        put_report("cleared", r);
        fill_report(r);
        r->n_instances = LIMIT_BOARD_INSTANCES;
        r->n_usage = LIMIT_BOARD_INSTANCES;
        put_report("load", r);
        fill_report(r);
        wrong_reports(r, other);
        free(r);
        free(other);
}

/* ---- the charter -------------------------------------------------------------------------------
 */

#define CMD(op_, ...) \
        { .op = (op_), __VA_ARGS__ }
#define FN .name = "hello", .namespace = "openfaas-fn"

/* In an order in which all of them are applied. */
static const struct {
        const char *name;
        struct charter_command cmd;
} commands[] = {
        { "found", CMD(CHARTER_FOUND, .bramble = 7, .cluster = "home", .user = "admin",
                       .password = "secret", .board = { .node = 1, .id = "3B+" }) },
        { "member-add", CMD(CHARTER_MEMBER_ADD, .board = { .node = 2, .id = "3B+" }) },
        { "member-add-2", CMD(CHARTER_MEMBER_ADD, .board = { .node = 3, .id = "2B" }) },
        { "member-add-3", CMD(CHARTER_MEMBER_ADD, .board = { .node = 4, .id = "2B" }) },
        { "member-remove", CMD(CHARTER_MEMBER_REMOVE, .node = 4) },
        { "master-set", CMD(CHARTER_MASTER_SET, .node = 2) },
        { "member-rename", CMD(CHARTER_MEMBER_RENAME, .node = 3, .name = "kitchen") },
        { "member-cordon", CMD(CHARTER_MEMBER_CORDON, .node = 3, .cordoned = true) },
        { "namespace-set", CMD(CHARTER_NAMESPACE_SET, .name = "dev", .spec = "{}", .spec_len = 2) },
        { "image-set", CMD(CHARTER_IMAGE_SET, .image = "docker.io/bramble/hello:latest",
                           .digest = DIGEST, .size_bytes = 5) },
        { "function-set",
          CMD(CHARTER_FUNCTION_SET, FN, .image = "docker.io/bramble/hello:latest", .spec = "{}",
              .spec_len = 2, .replicas = 2, .memory_bytes = 64 << 20, .created_unix = 1764522000) },
        { "scale", CMD(CHARTER_FUNCTION_SCALE, FN, .replicas = 3) },
        { "follow", CMD(CHARTER_FUNCTION_FOLLOW, FN, .replicas = 2, .replicas_from = 3) },
        { "place", CMD(CHARTER_INSTANCE_PLACE, FN, .node = 1) },
        { "place-2", CMD(CHARTER_INSTANCE_PLACE, FN, .node = 2) },
        { "instance-drop", CMD(CHARTER_INSTANCE_DROP, .instance = 1) },
        { "secret-set",
          CMD(CHARTER_SECRET_SET, .name = "key", .namespace = "dev",
              .sealed = (const uint8_t *)"sealed", .sealed_len = 6, .secrets_key = 5) },
        { "kube-move", CMD(CHARTER_KUBE_MOVE, .node = 2, .kube_key = { 7 }) },
        { "kube-founded",
          CMD(CHARTER_KUBE_FOUNDED, .kube_epoch = 1, .version = "v1.20.2", .digest = DIGEST) },
        { "kube-plane-add", CMD(CHARTER_KUBE_PLANE_ADD, .kube_epoch = 1, .node = 1) },
        /* all of this is in the snapshot "today", and what follows is not */
        { "kube-plane-remove", CMD(CHARTER_KUBE_PLANE_REMOVE, .kube_epoch = 1, .node = 1) },
        { "kube-off", CMD(CHARTER_KUBE_OFF, .kube_epoch = 1, .kube_off = true) },
        { "secret-remove", CMD(CHARTER_SECRET_REMOVE, .name = "key", .namespace = "dev") },
        { "namespace-remove", CMD(CHARTER_NAMESPACE_REMOVE, .name = "dev") },
        { "function-remove", CMD(CHARTER_FUNCTION_REMOVE, FN) },
        { "image-remove", CMD(CHARTER_IMAGE_REMOVE, .image = "docker.io/bramble/hello:latest") },
        { "shutdown-set",
          CMD(CHARTER_SHUTDOWN_SET, .shutdown = { .id = 9,
                                                  .timeout_sec = 90,
                                                  .n = 2,
                                                  .boards = { { 1, 11 }, { 2, 12 } } }) },
        { "shutdown-clear", CMD(CHARTER_SHUTDOWN_CLEAR, .shutdown = { .id = 9 }) },
};

static void snapshot(const char *name, const struct charter *c) {
        auto_buf struct buf b = { 0 };

        must(charter_encode(c, &b));
        seed("charter_snapshot", name, &b);
}

/* Every kind of command, by what the log has of it, and what the charter is after it. */
static void charters(void) {
        bool seen[CHARTER_OP_MAX] = { false };
        struct charter c = { 0 };

        snapshot("today-empty", &c);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                auto_buf struct buf b = { 0 };
                char name[64];

                must(charter_command_encode(&commands[i].cmd, &b));
                (void)snprintf(name, sizeof(name), "today-%s", commands[i].name);
                seed("charter_command", name, &b);
                must(charter_apply(&c, &commands[i].cmd));
                seen[commands[i].cmd.op] = true;
                if (commands[i].cmd.op == CHARTER_KUBE_PLANE_ADD) {
                        auto_buf struct buf whole = { 0 };

                        snapshot("today", &c);
                        must(charter_encode(&c, &whole));
                        whole.len -= 3;
                        seed("charter_snapshot", "today-cut", &whole);
                }
                if (commands[i].cmd.op == CHARTER_SHUTDOWN_SET)
                        snapshot("today-shutdown", &c);
        }
        for (int op = CHARTER_FOUND; op < CHARTER_OP_MAX; op++)
                if (!seen[op]) {
                        fprintf(stderr, "seeds: no seed of charter command %d\n", op);
                        exit(1);
                }
        charter_done(&c);
}

/* ---- smaller ones ------------------------------------------------------------------------------
 */

static void put_counts(const char *name, uint32_t n, uint64_t first) {
        struct counts c = { .term = 3, .version = 4, .n = n, .calls = { first } };
        auto_buf struct buf b = { 0 };

        must(counts_encode(&c, &b));
        seed("counts", name, &b);
        if (n == 2) {
                seed_cut("counts", &b);
                seed_with_byte("counts", "format", &b, 0, 2);
                must(buf_add(&b, "x", 1));
                seed("counts", "longer", &b);
        }
}

/* Its first byte says which message it is. */
static void messages(void) {
        const struct formation_view view = { .node = 7,
                                             .strength = 1000,
                                             .bramble = 5,
                                             .leader = 1,
                                             .members = 3,
                                             .work = true,
                                             .folded = 9 };
        const struct message_hello hello = { .protocol = MESSAGE_PROTOCOL,
                                             .purpose = PURPOSE_CONTROL,
                                             .boot = 123,
                                             .port = 7373,
                                             .name = "m1",
                                             .view = view };
        const struct message_joined joined = { .bramble = 5, .subnet = 3, .name = "w2" };
        const struct message_joined refused = { .result = -ENOSPC, .leader = 1 };
        const struct board board = { .node = 7, .id = "3B+", .cores = 4, .ram_bytes = 1 << 30 };
        auto_buf struct buf b = { 0 };

        must(buf_add(&b, "\0", 1));
        must(message_hello_encode(&hello, &b));
        seed("message", "hello", &b);
        seed_cut("message", &b);
        b.len = 0;
        must(buf_add(&b, "\1", 1));
        must(message_view_encode(&view, &b));
        seed("message", "view", &b);
        b.len = 0;
        must(buf_add(&b, "\2", 1));
        must(message_join_encode(&board, &b));
        seed("message", "join", &b);
        b.len = 0;
        must(buf_add(&b, "\3", 1));
        must(message_joined_encode(&joined, &b));
        seed("message", "joined", &b);
        b.len = 1;
        must(message_joined_encode(&refused, &b));
        seed("message", "refused", &b);
}

static void boards_and_frames(void) {
        struct board board = { .node = 7, .id = "3B+", .model = "Raspberry Pi 3", .cores = 4 };
        auto_buf struct buf b = { 0 }, f = { 0 };
        struct wire_out w = { .buf = &b };

        board_put(&w, &board);
        must(wire_end(&w));
        seed("board", "on-the-wire", &b);
        for (int type = FRAME_HELLO; type < FRAME_TYPE_MAX; type++) {
                uint8_t head[FRAME_HEADER];

                frame_header(head, (enum frame_type)type, (uint32_t)type, 2);
                must(buf_add(&f, head, sizeof(head)));
                must(buf_add(&f, "{}", 2));
        }
        seed("frame", "each", &f);
        seed_with_byte("frame", "unknown_type", &f, 4, FRAME_TYPE_MAX);
        f.len--;
        seed("frame", "truncated", &f);
}

int main(int argc, char **argv) {
        if (argc != 3 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "check") != 0)) {
                fprintf(stderr, "usage: %s write|check CORPUS\n", argv[0]);
                return 2;
        }
        write_them = argv[1][0] == 'w';
        corpus = argv[2];
        worlds();
        reports();
        charters();
        put_counts("none", 0, 0);
        put_counts("two", 2, 99);
        put_counts("many", LIMIT_FUNCTIONS, UINT64_MAX);
        messages();
        boards_and_frames();
        return stale > 0;
}

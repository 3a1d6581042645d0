#include "io/config.h"

#include "base/scope.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

struct config_key {
        const char *section, *name;
        int (*parse)(const char *text, void *field, size_t size, struct fail *f);
        size_t offset, size;
};

static int parse_text(const char *text, void *field, size_t size, struct fail *f) {
        if (str_copy(field, size, text) < 0)
                return fail(f, -ENAMETOOLONG, "is longer than %zu characters", size - 1);
        return 0;
}

static int parse_path(const char *text, void *field, size_t size, struct fail *f) {
        if (text[0] != '/')
                return fail(f, -EINVAL, "'%.40s' is no absolute path", text);
        return parse_text(text, field, size, f);
}

static int parse_port(const char *text, void *field, size_t size, struct fail *f) {
        uint64_t port;

        (void)size;
        if (str_to_u64(text, 65535, &port) < 0 || port == 0)
                return fail(f, -ERANGE, "'%.20s' is no port (1 to 65535)", text);
        *(uint16_t *)field = (uint16_t)port;
        return 0;
}

static int parse_expect(const char *text, void *field, size_t size, struct fail *f) {
        uint64_t n;

        (void)size;
        if (str_to_u64(text, LIMIT_BOARDS, &n) < 0)
                return fail(f, -ERANGE, "'%.20s' is no number of boards (0 to %d)", text,
                            LIMIT_BOARDS);
        *(uint32_t *)field = (uint32_t)n;
        return 0;
}

/* "500ms", "8s", "2min"; a bare number is seconds. */
static int parse_duration(const char *text, void *field, size_t size, struct fail *f) {
        static const struct {
                const char *suffix;
                usec_t unit;
        } units[] = { { "ms", USEC_PER_MSEC },
                      { "s", USEC_PER_SEC },
                      { "min", USEC_PER_MIN },
                      { "", USEC_PER_SEC } };
        size_t n = strspn(text, "0123456789");
        char digits[12];
        uint64_t value;

        (void)size;
        if (str_copy_n(digits, sizeof(digits), text, n) < 0 ||
            str_to_u64(digits, 1000000, &value) < 0)
                return fail(f, -EINVAL, "'%.20s' is no duration (like 8s or 500ms)", text);
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (!str_eq(text + n, units[i].suffix))
                        continue;
                *(usec_t *)field = value * units[i].unit;
                return 0;
        }
        return fail(f, -EINVAL, "'%.20s' is no duration (like 8s or 500ms)", text);
}

static int parse_bytes(const char *text, void *field, size_t size, struct fail *f) {
        (void)size;
        if (str_to_bytes(text, field) < 0)
                return fail(f, -EINVAL, "'%.20s' is no amount of memory (like 64Mi)", text);
        return 0;
}

static int parse_address(const char *text, void *field, size_t size, struct fail *f) {
        unsigned char bytes[16];

        if (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
                return fail(f, -EINVAL, "'%.48s' is no IP address", text);
        return parse_text(text, field, size, f);
}

/* Addresses between commas or blanks; offset points at n_peers, peers is looked up from there. */
static int parse_peers(const char *text, void *field, size_t size, struct fail *f) {
        struct config *c = container_of(field, struct config, n_peers);
        char list[CONFIG_PEERS * SIZE_ADDRESS], *save = NULL;

        (void)size;
        if (str_copy(list, sizeof(list), text) < 0)
                return fail(f, -ENAMETOOLONG, "is longer than %zu characters", sizeof(list) - 1);
        c->n_peers = 0;
        for (char *p = strtok_r(list, ", \t", &save); p; p = strtok_r(NULL, ", \t", &save)) {
                int r;

                if (c->n_peers == CONFIG_PEERS)
                        return fail(f, -E2BIG, "has more than %d addresses", CONFIG_PEERS);
                r = parse_address(p, c->peers[c->n_peers], SIZE_ADDRESS, f);
                if (r < 0)
                        return r;
                c->n_peers++;
        }
        return 0;
}

/* Hosts, with or without a port, between commas or blanks. */
static int parse_registries(const char *text, void *field, size_t size, struct fail *f) {
        struct config *c = container_of(field, struct config, n_insecure);
        char list[CONFIG_REGISTRIES * SIZE_REGISTRY], *save = NULL;

        (void)size;
        if (str_copy(list, sizeof(list), text) < 0)
                return fail(f, -ENAMETOOLONG, "is longer than %zu characters", sizeof(list) - 1);
        c->n_insecure = 0;
        for (char *p = strtok_r(list, ", \t", &save); p; p = strtok_r(NULL, ", \t", &save)) {
                if (strchr(p, '/'))
                        return fail(f, -EINVAL,
                                    "'%.60s' is no host: write it without http:// and "
                                    "without a path",
                                    p);
                if (c->n_insecure == CONFIG_REGISTRIES)
                        return fail(f, -E2BIG, "has more than %d registries", CONFIG_REGISTRIES);
                if (str_copy(c->insecure[c->n_insecure], SIZE_REGISTRY, p) < 0)
                        return fail(f, -ENAMETOOLONG, "'%.60s' is too long for a host", p);
                c->n_insecure++;
        }
        return 0;
}

static int parse_kubernetes(const char *text, void *field, size_t size, struct fail *f) {
        (void)size;
        if (!str_eq(text, "auto") && !str_eq(text, "off"))
                return fail(f, -EINVAL, "'%.20s' is neither auto nor off", text);
        *(bool *)field = str_eq(text, "auto");
        return 0;
}

/* etcd's quorum: one, or three of which one may be lost. */
static int parse_planes(const char *text, void *field, size_t size, struct fail *f) {
        (void)size;
        if (!str_eq(text, "1") && !str_eq(text, "3"))
                return fail(f, -EINVAL, "'%.20s' is neither 1 nor 3", text);
        *(uint32_t *)field = str_eq(text, "3") ? 3 : 1;
        return 0;
}

static int parse_workers(const char *text, void *field, size_t size, struct fail *f) {
        uint64_t n;

        (void)size;
        if (str_to_u64(text, 64, &n) < 0 || n == 0)
                return fail(f, -ERANGE, "'%.20s' is no number from 1 to 64", text);
        *(uint32_t *)field = (uint32_t)n;
        return 0;
}

static int parse_calls(const char *text, void *field, size_t size, struct fail *f) {
        uint64_t n;

        (void)size;
        if (str_to_u64(text, 1000000, &n) < 0 || n == 0)
                return fail(f, -ERANGE, "'%.20s' is no number from 1 to 1000000", text);
        *(uint32_t *)field = (uint32_t)n;
        return 0;
}

/* Its request has to fit into memory, and a message of NATS is at most 1 MB. */
static int parse_call_bytes(const char *text, void *field, size_t size, struct fail *f) {
        uint64_t n;

        (void)size;
        if (str_to_bytes(text, &n) < 0 || n > (8 << 20))
                return fail(f, -EINVAL, "'%.20s' is no size up to 8Mi (like 1Mi)", text);
        *(uint64_t *)field = n;
        return 0;
}

static int parse_log_level(const char *text, void *field, size_t size, struct fail *f) {
        if (!str_eq(text, "error") && !str_eq(text, "warning") && !str_eq(text, "notice") &&
            !str_eq(text, "info") && !str_eq(text, "debug"))
                return fail(f, -EINVAL, "'%.20s' is none of error, warning, notice, info, debug",
                            text);
        return parse_text(text, field, size, f);
}

/* Its path is often the key to a channel: it is never repeated, not in an error either. */
static int parse_webhook(const char *text, void *field, size_t size, struct fail *f) {
        if (!str_starts(text, "https://") && !str_starts(text, "http://"))
                return fail(f, -EINVAL, "is no URL that begins with https:// or http://");
        for (const char *s = text; *s; s++)
                if (*s <= 0x20 || *s > 0x7e)
                        return fail(f, -EINVAL, "holds a character that is not allowed in a URL");
        return parse_text(text, field, size, f);
}

#define KEY(section, name, parse, field)                              \
        {                                                             \
                section, name, parse, offsetof(struct config, field), \
                        sizeof(((struct config *)NULL)->field)        \
        }

static const struct config_key keys[] = {
        KEY("bramble", "expect", parse_expect, expect),
        KEY("bramble", "settle", parse_duration, settle_usec),
        KEY("bramble", "port", parse_port, port),
        KEY("bramble", "interface", parse_text, interface),
        KEY("bramble", "peers", parse_peers, n_peers),
        KEY("bramble", "log", parse_log_level, log_level),
        KEY("bramble", "alert_webhook", parse_webhook, alert_webhook),
        KEY("bramble", "kubernetes", parse_kubernetes, kubernetes),
        KEY("bramble", "control_planes", parse_planes, control_planes),
        KEY("bramble", "master_lost_after", parse_duration, master_lost_after_usec),
        KEY("paths", "pki", parse_path, pki_dir),
        KEY("paths", "state", parse_path, state_dir),
        KEY("paths", "run", parse_path, run_dir),
        KEY("paths", "boards", parse_path, boards_dir),
        KEY("paths", "watchdog", parse_path, watchdog),
        KEY("paths", "pull", parse_path, pull),
        KEY("paths", "registry_logins", parse_path, registry_logins),
        KEY("paths", "registry_ca", parse_path, registry_ca),
        KEY("functions", "insecure_registries", parse_registries, n_insecure),
        KEY("functions", "keep_free", parse_bytes, keep_free_bytes),
        KEY("paths", "functions", parse_path, functions_dir),
        KEY("paths", "ui", parse_path, ui_dir),
        KEY("functions", "containerd", parse_path, containerd),
        KEY("functions", "runtime", parse_path, runtime),
        KEY("functions", "memory", parse_bytes, default_memory_bytes),
        KEY("gateway", "address", parse_address, gateway_address),
        KEY("gateway", "port", parse_port, gateway_port),
        KEY("gateway", "tls_port", parse_port, gateway_tls_port),
        KEY("gateway", "tls_certificate", parse_path, gateway_tls_certificate),
        KEY("gateway", "tls_key", parse_path, gateway_tls_key),
        KEY("gateway", "queue", parse_text, queue),
        KEY("gateway", "queue_workers", parse_workers, queue_workers),
        KEY("gateway", "queue_calls", parse_calls, queue_calls),
        KEY("gateway", "queue_size", parse_bytes, queue_bytes),
        KEY("gateway", "queue_body", parse_call_bytes, queue_body_bytes),
};

void config_each_key(void (*each)(void *arg, const char *section, const char *name), void *arg) {
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                each(arg, keys[i].section, keys[i].name);
}

void config_init(struct config *c) {
        *c = (struct config){
                .settle_usec = 8 * USEC_PER_SEC,
                .kubernetes = true,
                .control_planes = 1,
                .master_lost_after_usec = 10 * USEC_PER_MIN,
                .port = 7373,
                .log_level = "info",
                .pki_dir = "/etc/bramble/pki",
                .state_dir = "/var/lib/bramble",
                .run_dir = "/run/bramble",
                .boards_dir = "/usr/share/bramble/boards",
                .watchdog = "/usr/lib/bramble/fwatchdog",
                .pull = "/usr/lib/bramble/bramble-pull",
                .registry_logins = "/etc/bramble/registry.json",
                .registry_ca = "/etc/bramble/registry-ca.crt",
                .functions_dir = "/usr/share/bramble/functions",
                .ui_dir = "/usr/share/bramble/ui",
                .containerd = "/run/containerd/containerd.sock",
                .default_memory_bytes = 64 << 20,
                .gateway_address = "0.0.0.0",
                .gateway_port = 8080,
                .gateway_tls_certificate = "/etc/bramble/gateway.crt",
                .gateway_tls_key = "/etc/bramble/gateway.key",
                .queue = "sqlite",
                .queue_workers = 4,
                .queue_calls = 10000,
                .queue_bytes = 64 << 20,
                .queue_body_bytes = 1 << 20,
        };
}

struct reading {
        struct config *config;
        const char *name;
        FILE *stream;
        int line;
        int result;
        struct fail *fail;
};

static int on_key(void *arg, const char *section, const char *name, const char *value) {
        struct reading *r = arg;
        struct fail why = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                char *field = (char *)r->config + keys[i].offset;

                if (!str_eq(section, keys[i].section) || !str_eq(name, keys[i].name))
                        continue;
                r->result = keys[i].parse(value, field, keys[i].size, &why);
                if (r->result < 0)
                        (void)fail(r->fail, r->result, "%s:%d: %s: %s", r->name, r->line, name,
                                   fail_text(&why));
                return r->result >= 0;
        }
        r->result = fail(r->fail, -EINVAL, "%s:%d: unknown key '%.40s' in section [%.40s]", r->name,
                         r->line, name, section);
        return 0;
}

/* inih's reader: counts lines and refuses what would be cut silently. */
static char *next_line(char *line, int size, void *stream) {
        struct reading *r = stream;
        size_t len;

        if (r->result < 0 || !fgets(line, size, r->stream))
                return NULL;
        r->line++;
        len = strlen(line);
        if (len + 1 == (size_t)size && line[len - 1] != '\n') {
                r->result = fail(r->fail, -ENAMETOOLONG, "%s:%d: the line is longer than %d bytes",
                                 r->name, r->line, size - 2);
                return NULL;
        }
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
                line[--len] = '\0';
        return line;
}

int config_read_stream(struct config *c, FILE *stream, const char *name, struct fail *f) {
        struct reading r = { .config = c, .name = name, .stream = stream, .fail = f };
        int bad = ini_parse_stream(next_line, &r, on_key, &r);

        if (r.result < 0)
                return r.result;
        if (bad)
                return fail(f, -EINVAL, "%s:%d: neither [section] nor key = value", name,
                            bad > 0 ? bad : r.line);
        return 0;
}

int config_read(struct config *c, const char *path, struct fail *f) {
        FILE *stream = fopen(path, "re");
        int r;

        if (!stream) {
                int error = -errno;

                return fail(f, error, "cannot read %s: %s", path, strerror(-error));
        }
        r = config_read_stream(c, stream, path, f);
        (void)fclose(stream);
        return r;
}

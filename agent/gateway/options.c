#include "gateway/options.h"

#include "base/str.h"
#include "gateway/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_VARIABLE "BRAMBLE_GATEWAY_LISTEN"

/* ADDR:PORT, [ADDR]:PORT, :PORT or PORT. */
static int parse_endpoint(const char *text, char *ret_address, uint16_t *ret_port, struct fail *f) {
        const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
        const char *from = text, *to = colon ? colon : text;
        uint64_t n;

        if (str_to_u64(port, 65535, &n) < 0)
                return fail(f, -EINVAL, "'%.60s' is no ADDRESS:PORT", text);
        if (to - from >= 2 && *from == '[' && to[-1] == ']') {
                from++;
                to--;
        }
        if (to > from && str_copy_n(ret_address, SIZE_ADDRESS, from, (size_t)(to - from)) < 0)
                return fail(f, -EINVAL, "'%.60s' is no ADDRESS:PORT", text);
        *ret_port = (uint16_t)n;
        return 0;
}

static int parse_listen(struct options *o, const char *text, struct fail *f) {
        return parse_endpoint(text, o->address, &o->port, f);
}

static int parse_tls_listen(struct options *o, const char *text, struct fail *f) {
        o->tls = true;
        return parse_endpoint(text, o->tls_address, &o->tls_port, f);
}

static int parse_path(char *ret, const char *text, struct fail *f) {
        return str_copy(ret, SIZE_PATH, text) < 0
                       ? fail(f, -EINVAL, "a path of at most %d characters is wanted",
                              SIZE_PATH - 1)
                       : 0;
}

static int parse_tls_certificate(struct options *o, const char *text, struct fail *f) {
        return parse_path(o->tls_certificate, text, f);
}

static int parse_tls_key(struct options *o, const char *text, struct fail *f) {
        return parse_path(o->tls_key, text, f);
}

static int parse_agent(struct options *o, const char *text, struct fail *f) {
        return parse_path(o->agent, text, f);
}

static int parse_ui(struct options *o, const char *text, struct fail *f) {
        return parse_path(o->ui, text, f);
}

static int parse_config(struct options *o, const char *text, struct fail *f) {
        return parse_path(o->config, text, f);
}

static int parse_number(const char *text, uint64_t least, uint64_t most, unsigned *ret,
                        struct fail *f) {
        uint64_t n;

        if (str_to_u64(text, most, &n) < 0 || n < least)
                return fail(f, -EINVAL, "'%.20s' is no number from %llu to %llu", text,
                            (unsigned long long)least, (unsigned long long)most);
        *ret = (unsigned)n;
        return 0;
}

static int parse_connections(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, GATEWAY_CLIENTS_MAX, &o->connections, f);
}

static int parse_timeout(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 86400, &o->timeout_s, f);
}

static int parse_head_timeout(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 3600, &o->head_timeout_s, f);
}

static int parse_idle_timeout(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 86400, &o->idle_timeout_s, f);
}

static int parse_wait(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 3600, &o->wait_s, f);
}

/* What stands in a command line is seen by everybody on the board. */
static int parse_queue(struct options *o, const char *text, struct fail *f) {
        int r = async_queue_parse(text, &o->async.queue, f);

        if (r == 0 && o->async.queue.has_credentials)
                return fail(f, -EINVAL,
                            "credentials belong into the configuration file, or into a file that "
                            "creds= names");
        return r;
}

static int parse_queue_workers(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, GATEWAY_ASYNC_RUNNING, &o->async.workers, f);
}

static int parse_queue_calls(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 1000000, &o->async.calls, f);
}

static int parse_queue_wait(struct options *o, const char *text, struct fail *f) {
        return parse_number(text, 1, 3600, &o->queue_wait_s, f);
}

static const struct option {
        const char *name, *argument;
        int (*parse)(struct options *o, const char *text, struct fail *f);
        const char *help;
} table[] = {
        { "--listen", "ADDR:PORT", parse_listen,
          "where clients come (default 0.0.0.0:8080; also " LISTEN_VARIABLE ")" },
        { "--tls-listen", "ADDR:PORT", parse_tls_listen,
          "where clients come with TLS (default: nowhere)" },
        { "--tls-certificate", "FILE", parse_tls_certificate,
          "with its chain (default /etc/bramble/gateway.crt)" },
        { "--tls-key", "FILE", parse_tls_key, "default /etc/bramble/gateway.key" },
        { "--agent", "PATH", parse_agent,
          "the agent's socket (default /run/bramble/gateway.sock)" },
        { "--ui", "FOLDER", parse_ui, "the dashboard's page (default /usr/share/bramble/ui)" },
        { "--config", "FILE", parse_config, "default /etc/bramble/bramble.conf" },
        { "--connections", "N", parse_connections, "clients at a time (default 1024)" },
        { "--timeout", "SECONDS", parse_timeout, "a silent function is given up (default 300)" },
        { "--wait", "SECONDS", parse_wait, "a call waits for a ready replica (default 8)" },
        { "--queue-wait", "SECONDS", parse_queue_wait,
          "a call waits for a replica that is not full (default 60)" },
        { "--head-timeout", "SECONDS", parse_head_timeout,
          "the head of a request must be there (default 10)" },
        { "--idle-timeout", "SECONDS", parse_idle_timeout,
          "an unused connection is closed (default 75)" },
        { "--queue", "WHERE", parse_queue, "asynchronous calls: sqlite, /a/file or nats://..." },
        { "--queue-workers", "N", parse_queue_workers,
          "calls of one queue that are made at a time (default 4)" },
        { "--queue-calls", "N", parse_queue_calls, "most that wait (default 10000)" },
};

static int show_help(void) {
        printf("usage: bramble-gateway [OPTION VALUE]...\n"
               "Serves the function API of a bramble on this board.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                char left[40];

                (void)snprintf(left, sizeof(left), "%s %s", table[i].name, table[i].argument);
                printf("  %-24s %s\n", left, table[i].help);
        }
        printf("  %-24s %s\n  %-24s %s\n", "--help", "this text", "--version", "the version");
        return 1;
}

static void set_defaults(struct options *o) {
        *o = (struct options){
                .config = "/etc/bramble/bramble.conf",
                .address = "0.0.0.0",
                .port = 8080,
                .agent = "/run/bramble/gateway.sock",
                .connections = GATEWAY_CLIENTS,
                .timeout_s = 300,
                .wait_s = 8,
                .queue_wait_s = 60,
                .head_timeout_s = 10,
                .idle_timeout_s = 75,
                .log_level = LOG_LEVEL_INFO,
        };
}

static int read_config(struct options *o, bool must_exist, struct fail *f) {
        struct config c;
        int r;

        config_init(&c);
        r = config_read(&c, o->config, f);
        if (r == -ENOENT && !must_exist) {
                f->error = 0;
                f->text[0] = '\0';
        } else if (r < 0) {
                return r;
        }
        (void)str_copy(o->address, sizeof(o->address), c.gateway_address);
        o->port = c.gateway_port;
        o->log_level = log_level_of(c.log_level);
        o->tls = c.gateway_tls_port > 0;
        o->tls_port = c.gateway_tls_port;
        (void)str_copy(o->tls_certificate, sizeof(o->tls_certificate), c.gateway_tls_certificate);
        (void)str_copy(o->tls_key, sizeof(o->tls_key), c.gateway_tls_key);
        (void)str_copy(o->ui, sizeof(o->ui), c.ui_dir);
        o->async.workers = c.queue_workers;
        o->async.calls = c.queue_calls;
        o->async.bytes = c.queue_bytes;
        o->async.body_bytes = c.queue_body_bytes;
        r = async_queue_parse(c.queue, &o->async.queue, f);
        if (r < 0)
                return fail(f, r, "the queue in %s is wrong", o->config);
        if (snprintf(o->agent, sizeof(o->agent), "%s/gateway.sock", c.run_dir) >=
            (int)sizeof(o->agent))
                return fail(f, -EINVAL, "the path of the run folder is too long");
        return 0;
}

static const struct option *find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (str_eq(table[i].name, name))
                        return &table[i];
        return NULL;
}

/* Options come in pairs; 'only' (may be NULL) is the one to look at. */
static int parse_pairs(struct options *o, int argc, char **argv, const char *only, bool *ret_seen,
                       struct fail *f) {
        for (int i = 1; i < argc; i += 2) {
                const struct option *option = find(argv[i]);

                if (!option)
                        return fail(f, -EINVAL, "there is no option '%.40s', see --help", argv[i]);
                if (i + 1 >= argc)
                        return fail(f, -EINVAL, "%s wants a value: %s", argv[i], option->argument);
                if (only && !str_eq(only, option->name))
                        continue;
                *ret_seen = true;
                if (option->parse(o, argv[i + 1], f) < 0)
                        return fail(f, -EINVAL, "%s is wrong", argv[i]);
        }
        return 0;
}

static int parse_all(struct options *o, int argc, char **argv, struct fail *f) {
        const char *listen = getenv(LISTEN_VARIABLE);
        bool has_config = false, any = false;
        int r;

        set_defaults(o);
        r = parse_pairs(o, argc, argv, "--config", &has_config, f);
        if (r == 0)
                r = read_config(o, has_config, f);
        if (r == 0 && listen && listen[0])
                r = parse_listen(o, listen, f);
        return r < 0 ? r : parse_pairs(o, argc, argv, NULL, &any, f);
}

int options_parse(struct options *o, int argc, char **argv) {
        struct fail f = { 0 };

        for (int i = 1; i < argc; i++) {
                if (str_eq(argv[i], "--help"))
                        return show_help();
                if (str_eq(argv[i], "--version")) {
                        printf("bramble-gateway %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                        return 1;
                }
        }
        if (parse_all(o, argc, argv, &f) == 0)
                return 0;
        fprintf(stderr, "bramble-gateway: %s\n", fail_text(&f));
        return -1;
}

void options_deadlines(const struct options *o, struct deadlines *ds) {
        static const uint64_t fixed_ms[DEADLINE_KINDS] = {
                [DEADLINE_CLIENT_BODY] = 60000,
                [DEADLINE_CLIENT_WRITE] = 120000,
                [DEADLINE_CLIENT_LINGER] = 2000,
                /* who comes meanwhile waits at the kept listener; unused connections are common */
                [DEADLINE_CLIENT_FIRST] = 1000,
                [DEADLINE_CONNECT] = 1500, /* the LAN, or nobody: another replica may do */
                /* below the 5 s after which the common servers close a kept connection */
                [DEADLINE_POOL_IDLE] = 4000,
                [DEADLINE_SUSPECT] = 1000,
                [DEADLINE_AGENT] = 15000,
                [DEADLINE_AGENT_SOON] = 2000, /* Prometheus gives up after 10 s as it comes */
                [DEADLINE_ASYNC] = 3600 * 1000,
        };

        memcpy(ds->after_ms, fixed_ms, sizeof(fixed_ms));
        ds->after_ms[DEADLINE_CLIENT_HEAD] = (uint64_t)o->head_timeout_s * 1000;
        ds->after_ms[DEADLINE_CLIENT_IDLE] = (uint64_t)o->idle_timeout_s * 1000;
        ds->after_ms[DEADLINE_CALL] = (uint64_t)o->timeout_s * 1000;
        ds->after_ms[DEADLINE_REPLICA] = (uint64_t)o->wait_s * 1000;
        ds->after_ms[DEADLINE_QUEUE] = (uint64_t)o->queue_wait_s * 1000;
}

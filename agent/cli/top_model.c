#include "cli/top_model.h"

#include "base/str.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>

static void text(char *dst, size_t size, const cJSON *o, const char *key) {
        (void)snprintf(dst, size, "%s", json_text(o, key, ""));
}
#define TEXT(dst, o, key) text(dst, sizeof(dst), o, key)

/* A number within bounds; 'none' where it is no number. */
static double number(const cJSON *o, const char *key, double low, double high, double none) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        if (!cJSON_IsNumber(v) || v->valuedouble != v->valuedouble)
                return none;
        return v->valuedouble < low ? low : v->valuedouble > high ? high : v->valuedouble;
}

static uint64_t whole(const cJSON *o, const char *key) {
        return (uint64_t)number(o, key, 0, 1e18, 0);
}

/* Tenths, or TOP_NONE. */
static int tenths(const cJSON *o, const char *key, double high) {
        if (!cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(o, key)))
                return TOP_NONE;
        return (int)(number(o, key, 0, high, 0) * 10);
}

static int used(uint64_t total, uint64_t left) {
        if (total == 0)
                return TOP_NONE;
        return (int)((double)(total > left ? total - left : 0) * 1000 / (double)total);
}

static void take_sensors(struct top_board *b, const cJSON *o) {
        const cJSON *memory = cJSON_GetObjectItemCaseSensitive(o, "memory");
        const cJSON *disk = cJSON_GetObjectItemCaseSensitive(o, "disk");
        const cJSON *power = cJSON_GetObjectItemCaseSensitive(o, "power");
        const cJSON *network = cJSON_GetObjectItemCaseSensitive(o, "network");
        uint64_t left = whole(memory, "available_bytes");

        b->cpu = tenths(o, "cpu_percent", 100); /* of a percent: thousandths */
        b->ram_total = whole(memory, "total_bytes");
        b->ram_used = b->ram_total > left ? b->ram_total - left : 0;
        b->ram = used(b->ram_total, left);
        b->disk = used(whole(disk, "total_bytes"), whole(disk, "free_bytes"));
        b->temperature = tenths(o, "temperature_c", 999);
        TEXT(b->power, power, "words");
        b->power_bad = json_bool(power, "under_voltage") || json_bool(power, "throttled");
        b->net = whole(network, "rx_bytes_per_second") + whole(network, "tx_bytes_per_second");
        b->mbps = (unsigned)number(network, "mbps", 0, 1e6, 0);
        b->uptime = whole(o, "uptime_seconds");
        b->functions = (unsigned)number(o, "functions", 0, 1e6, 0);
        TEXT(b->problems, o, "problems");
}

static void take_board(struct top_board *b, const cJSON *o) {
        const cJSON *board = cJSON_GetObjectItemCaseSensitive(o, "board");

        memset(b, 0, sizeof(*b));
        TEXT(b->name, o, "name");
        TEXT(b->id, o, "id");
        TEXT(b->role, o, "role");
        TEXT(b->state, o, "state");
        TEXT(b->address, o, "address");
        TEXT(b->model, board, "model");
        TEXT(b->board, board, "id");
        TEXT(b->kubernetes, cJSON_GetObjectItemCaseSensitive(o, "kubernetes"), "state");
        b->up = str_eq(b->state, "up");
        b->leader = json_bool(o, "leader");
        b->cordoned = json_bool(o, "cordoned");
        b->drained = json_bool(o, "drained");
        b->cores = (unsigned)number(board, "cores", 0, 1024, 0);
        b->clock_mhz = (unsigned)number(board, "clock_mhz", 0, 1e6, 0);
        b->soft = (int)number(board, "soft_temp_c", 0, 200, 0);
        b->throttle = (int)number(board, "throttle_c", 0, 200, 0);
        b->hard = (int)number(board, "hard_c", 0, 200, 0);
        take_sensors(b, o);
        if (!b->up) /* its last word is not how it is now */
                b->cpu = b->ram = b->temperature = TOP_NONE;
}

/* "w1 w2 w2", ended by dots where it is longer. */
static void take_where(struct top_function *f, const cJSON *o) {
        size_t len = 0;
        const cJSON *p;

        cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(o, "placements")) {
                const char *node = json_text(p, "node", "");
                size_t n = strlen(node);

                if (len + n + 6 > sizeof(f->where)) {
                        memcpy(f->where + len, " ...", 5);
                        return;
                }
                len += (size_t)snprintf(f->where + len, sizeof(f->where) - len, "%s%s",
                                        len ? " " : "", node[0] ? node : "?");
        }
}

static void take_function(struct top_function *f, const cJSON *o) {
        memset(f, 0, sizeof(*f));
        TEXT(f->name, o, "name");
        TEXT(f->namespace, o, "namespace");
        TEXT(f->image, o, "image");
        TEXT(f->reason, o, "reason");
        f->wanted = (unsigned)number(o, "replicas", 0, 1e6, 0);
        f->ready = (unsigned)number(o, "available_replicas", 0, 1e6, 0);
        f->calls = whole(o, "invocations");
        f->rate = tenths(o, "calls_per_s", 1e8);
        take_where(f, o);
}

/* What the same function had before: calls a second are the difference. */
static void take_rate(struct top_function *f, const struct top_function *before, unsigned n,
                      usec_t elapsed) {
        for (unsigned i = 0; i < n && f->rate == TOP_NONE && elapsed > 0; i++)
                if (str_eq(before[i].name, f->name) && str_eq(before[i].namespace, f->namespace) &&
                    f->calls >= before[i].calls)
                        f->rate = (int)((double)(f->calls - before[i].calls) * 10 * USEC_PER_SEC /
                                        (double)elapsed);
}

static enum top_severity severity(const cJSON *o) {
        const char *word = json_text(o, "severity", "info");

        return str_eq(word, "error") ? TOP_ERROR : str_eq(word, "warning") ? TOP_WARNING : TOP_INFO;
}

static void take_event(struct top_event *e, usec_t now, const cJSON *o, const char *age) {
        memset(e, 0, sizeof(*e));
        e->id = whole(o, "id");
        e->severity = severity(o);
        TEXT(e->kind, o, "kind");
        TEXT(e->board, o, "board");
        TEXT(e->function, o, "function");
        TEXT(e->text, o, "text");
        e->at = usec_sub(now, (usec_t)number(o, age, 0, 1e15, 0) * USEC_PER_MSEC);
}

static void take_functions(struct top_model *m, usec_t now, const cJSON *list) {
        struct top_function *before = m->n_functions ? cJSON_malloc(sizeof(m->functions)) : NULL;
        unsigned n = before ? m->n_functions : 0;
        const cJSON *o;

        if (before)
                memcpy(before, m->functions, n * sizeof(*before));
        m->n_functions = 0;
        cJSON_ArrayForEach(o, list) {
                struct top_function *f = &m->functions[m->n_functions];

                if (m->n_functions == TOP_FUNCTIONS || !cJSON_IsObject(o))
                        break;
                take_function(f, o);
                if (m->good_at)
                        take_rate(f, before, n, usec_sub(now, m->good_at));
                m->n_functions++;
        }
        cJSON_free(before);
}

void top_model_status(struct top_model *m, usec_t now, const cJSON *status) {
        const cJSON *o;

        TEXT(m->cluster, status, "cluster");
        TEXT(m->master, status, "master");
        TEXT(m->leader, status, "leader");
        TEXT(m->note, status, "note");
        m->voters = (unsigned)number(status, "voters", 0, 1000, 0);
        m->voters_up = (int)number(status, "voters_up", 0, 1000, TOP_NONE);
        m->n_boards = m->up = m->n_alerts = 0;
        cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(status, "nodes")) {
                if (m->n_boards == TOP_BOARDS || !cJSON_IsObject(o))
                        break;
                take_board(&m->boards[m->n_boards], o);
                m->up += m->boards[m->n_boards++].up;
        }
        take_functions(m, now, cJSON_GetObjectItemCaseSensitive(status, "functions"));
        cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(status, "alerts")) {
                if (m->n_alerts == TOP_ALERTS || !cJSON_IsObject(o))
                        break;
                take_event(&m->alerts[m->n_alerts], now, o, "since_ms");
                TEXT(m->alerts[m->n_alerts].kind, o, "name");
                m->n_alerts++;
        }
        m->good_at = now ? now : 1;
        m->link = TOP_THERE;
}

void top_model_event(struct top_model *m, usec_t now, const cJSON *event) {
        struct top_event e;

        if (!cJSON_IsObject(event))
                return;
        take_event(&e, now, event, "age_ms");
        for (unsigned i = 0; i < m->n_events; i++)
                if (m->events[i].id == e.id)
                        return;
        if (m->n_events == TOP_EVENTS)
                memmove(m->events, m->events + 1, sizeof(m->events[0]) * --m->n_events);
        m->events[m->n_events++] = e;
}

void top_model_lost(struct top_model *m, const char *why) {
        m->link = TOP_LOST;
        (void)snprintf(m->why, sizeof(m->why), "%s", why);
}

uint64_t top_model_since(const struct top_model *m) {
        return m->n_events ? m->events[m->n_events - 1].id : 0;
}

#include "core/report.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { REPORT_VERSION = 4 };

static void put_sensors(struct wire_out *w, const struct sensors *s) {
        wire_put_u16(w, s->cpu_permille);
        wire_put_u32(w, s->n_cores);
        for (unsigned i = 0; i < s->n_cores && i < LIMIT_CORES; i++)
                wire_put_u16(w, s->core_permille[i]);
        wire_put_u64(w, s->ram_bytes);
        wire_put_u64(w, s->ram_available_bytes);
        wire_put_u32(w, (uint32_t)s->temperature_mc);
        wire_put_u32(w, s->power);
        wire_put_u64(w, s->disk_bytes);
        wire_put_u64(w, s->disk_free_bytes);
        wire_put_u64(w, s->disk_written_bytes);
        wire_put_text(w, s->net_name);
        wire_put_u32(w, s->net_mbps);
        wire_put_u64(w, s->net_rx_bytes_per_sec);
        wire_put_u64(w, s->net_tx_bytes_per_sec);
        wire_put_u64(w, s->uptime_sec);
        wire_put_u32(w, s->problems);
        wire_put_u64(w, s->card_errors);
}

/* Text that a person will see in a terminal. */
static void get_printable(struct wire_in *w, char *dst, size_t size) {
        wire_get_text(w, dst, size);
        for (const char *s = dst; *s; s++)
                if (*s < 0x20 || *s > 0x7e)
                        w->bad = true;
}

static uint16_t get_permille(struct wire_in *w) {
        uint16_t v = wire_get_u16(w);

        if (v > 1000)
                w->bad = true;
        return v;
}

static void get_sensors(struct wire_in *w, struct sensors *s) {
        s->cpu_permille = get_permille(w);
        s->n_cores = (uint16_t)wire_get_count(w, LIMIT_CORES);
        for (unsigned i = 0; i < s->n_cores; i++)
                s->core_permille[i] = get_permille(w);
        s->ram_bytes = wire_get_u64(w);
        s->ram_available_bytes = wire_get_u64(w);
        s->temperature_mc = (int32_t)wire_get_u32(w);
        s->power = wire_get_u32(w);
        s->disk_bytes = wire_get_u64(w);
        s->disk_free_bytes = wire_get_u64(w);
        s->disk_written_bytes = wire_get_u64(w);
        get_printable(w, s->net_name, sizeof(s->net_name));
        s->net_mbps = wire_get_u32(w);
        s->net_rx_bytes_per_sec = wire_get_u64(w);
        s->net_tx_bytes_per_sec = wire_get_u64(w);
        s->uptime_sec = wire_get_u64(w);
        s->problems = wire_get_u32(w);
        s->card_errors = wire_get_u64(w);
}

static void put_instances(struct wire_out *w, const struct report *r) {
        wire_put_u32(w, r->n_instances);
        for (uint32_t i = 0; i < r->n_instances; i++) {
                const struct report_instance *x = &r->instances[i];

                wire_put_u32(w, x->id);
                wire_put_u8(w, (uint8_t)x->state);
                wire_put_u32(w, x->address);
                wire_put_u16(w, x->port);
                wire_put_u16(w, x->restarts);
                wire_put_text(w, x->reason);
        }
}

static void get_instances(struct wire_in *w, struct report *r) {
        r->n_instances = wire_get_count(w, LIMIT_BOARD_INSTANCES);
        for (uint32_t i = 0; i < r->n_instances && wire_good(w); i++) {
                struct report_instance *x = &r->instances[i];
                uint8_t state;

                x->id = wire_get_u32(w);
                state = wire_get_u8(w);
                if (state >= INSTANCE_STATE_MAX)
                        w->bad = true;
                x->state = (enum instance_state)(state < INSTANCE_STATE_MAX ? state : 0);
                x->address = wire_get_u32(w);
                x->port = wire_get_u16(w);
                x->restarts = wire_get_u16(w);
                get_printable(w, x->reason, sizeof(x->reason));
        }
}

static void get_images(struct wire_in *w, struct report *r) {
        r->n_images = wire_get_count(w, LIMIT_IMAGES);
        for (uint32_t i = 0; i < r->n_images && wire_good(w); i++) {
                get_printable(w, r->images[i].name, sizeof(r->images[i].name));
                get_printable(w, r->images[i].digest, sizeof(r->images[i].digest));
        }
}

static void get_calls(struct wire_in *w, struct report *r) {
        r->n_calls = wire_get_count(w, LIMIT_FUNCTIONS);
        for (uint32_t i = 0; i < r->n_calls && wire_good(w); i++) {
                struct report_calls *x = &r->calls[i];

                get_printable(w, x->function, sizeof(x->function));
                get_printable(w, x->namespace, sizeof(x->namespace));
                x->invocations = wire_get_u64(w);
                x->rate_milli = wire_get_u32(w);
                x->in_flight = wire_get_u32(w);
                x->waiting = wire_get_u32(w);
        }
}

static void put_kube(struct wire_out *w, const struct report_kube *k) {
        wire_put_u8(w, (uint8_t)k->phase);
        wire_put_text(w, k->text);
        wire_put_text(w, k->version);
        wire_put_u32(w, k->epoch);
        wire_put_u8(w, k->capable);
        wire_put_u8(w, k->foreign);
        wire_put_u8(w, k->api);
        wire_put_u8(w, k->work);
        wire_put_u64(w, k->snapshot);
        wire_put_u32(w, k->n_cleared);
        for (uint32_t i = 0; i < k->n_cleared; i++)
                wire_put_u64(w, k->cleared[i]);
}

static void get_kube(struct wire_in *w, struct report_kube *k) {
        uint8_t phase = wire_get_u8(w);

        if (phase >= KUBE_PHASE_MAX)
                w->bad = true;
        k->phase = (enum kube_phase)(phase < KUBE_PHASE_MAX ? phase : 0);
        get_printable(w, k->text, sizeof(k->text));
        get_printable(w, k->version, sizeof(k->version));
        k->epoch = wire_get_u32(w);
        k->capable = wire_get_bool(w);
        k->foreign = wire_get_bool(w);
        k->api = wire_get_bool(w);
        k->work = wire_get_bool(w);
        k->snapshot = wire_get_u64(w);
        memset(k->cleared, 0, sizeof(k->cleared));
        k->n_cleared = wire_get_count(w, LIMIT_CLEARED);
        for (uint32_t i = 0; i < k->n_cleared; i++)
                k->cleared[i] = wire_get_u64(w);
}

static void put_usage(struct wire_out *w, const struct report *r) {
        wire_put_u32(w, r->n_usage);
        for (uint32_t i = 0; i < r->n_usage; i++) {
                wire_put_u32(w, r->usage[i].id);
                wire_put_u32(w, r->usage[i].millicores);
                wire_put_u64(w, r->usage[i].memory_bytes);
        }
}

static void get_usage(struct wire_in *w, struct report *r) {
        r->n_usage = wire_get_count(w, LIMIT_BOARD_INSTANCES);
        for (uint32_t i = 0; i < r->n_usage && wire_good(w); i++) {
                r->usage[i].id = wire_get_u32(w);
                r->usage[i].millicores = wire_get_u32(w);
                r->usage[i].memory_bytes = wire_get_u64(w);
        }
}

void report_alarm_put(struct wire_out *w, enum severity severity, uint32_t age_sec,
                      const char *text) {
        wire_put_u8(w, (uint8_t)severity);
        wire_put_u32(w, age_sec);
        wire_put_text(w, text);
}

void report_alarm_get(struct wire_in *w, enum severity *severity, uint32_t *age_sec,
                      char text[static SIZE_REASON]) {
        uint8_t level = wire_get_u8(w);

        if (level == SEVERITY_NONE || level >= SEVERITY_MAX)
                w->bad = true;
        *severity = (enum severity)(w->bad ? SEVERITY_INFO : level);
        *age_sec = wire_get_u32(w);
        get_printable(w, text, SIZE_REASON);
}

static void put_alarms(struct wire_out *w, const struct report *r) {
        wire_put_u64(w, r->unix_ms);
        wire_put_u32(w, r->n_alarms);
        for (uint32_t i = 0; i < r->n_alarms; i++) {
                wire_put_u8(w, (uint8_t)r->alarms[i].kind);
                report_alarm_put(w, r->alarms[i].severity, r->alarms[i].age_sec, r->alarms[i].text);
        }
}

/* Each kind at most once: they come in order. */
static void get_alarms(struct wire_in *w, struct report *r) {
        uint8_t least = 0;

        r->unix_ms = wire_get_u64(w);
        r->n_alarms = wire_get_count(w, ALARM_BOARD_KINDS);
        for (uint32_t i = 0; i < r->n_alarms && wire_good(w); i++) {
                struct report_alarm *x = &r->alarms[i];
                uint8_t kind = wire_get_u8(w);

                if (kind < least || kind >= ALARM_BOARD_KINDS)
                        w->bad = true;
                x->kind = (enum alarm_kind)(w->bad ? 0 : kind);
                least = (uint8_t)(kind + 1);
                report_alarm_get(w, &x->severity, &x->age_sec, x->text);
        }
}

int report_encode(const struct report *r, struct buf *out) {
        struct wire_out w = { .buf = out };

        if (r->sensors.n_cores > LIMIT_CORES || r->n_instances > LIMIT_BOARD_INSTANCES ||
            r->n_images > LIMIT_IMAGES || r->n_calls > LIMIT_FUNCTIONS ||
            r->n_usage > LIMIT_BOARD_INSTANCES || r->n_alarms > ALARM_BOARD_KINDS ||
            r->kube.n_cleared > LIMIT_CLEARED)
                return -EMSGSIZE;
        wire_put_u8(&w, REPORT_VERSION);
        board_put(&w, &r->board);
        put_sensors(&w, &r->sensors);
        wire_put_text(&w, r->address);
        put_instances(&w, r);
        wire_put_u32(&w, r->n_images);
        for (uint32_t i = 0; i < r->n_images; i++) {
                wire_put_text(&w, r->images[i].name);
                wire_put_text(&w, r->images[i].digest);
        }
        wire_put_u32(&w, r->n_calls);
        for (uint32_t i = 0; i < r->n_calls; i++) {
                wire_put_text(&w, r->calls[i].function);
                wire_put_text(&w, r->calls[i].namespace);
                wire_put_u64(&w, r->calls[i].invocations);
                wire_put_u32(&w, r->calls[i].rate_milli);
                wire_put_u32(&w, r->calls[i].in_flight);
                wire_put_u32(&w, r->calls[i].waiting);
        }
        put_kube(&w, &r->kube);
        put_usage(&w, r);
        put_alarms(&w, r);
        return wire_end(&w);
}

int report_decode(const void *data, size_t len, struct report *ret) {
        struct wire_in w = wire_in(data, len);

        if (wire_get_u8(&w) != REPORT_VERSION)
                return -EBADMSG;
        /* the three arrays are 100 KB; what is not counted is not read */
        board_get(&w, &ret->board);
        memset(&ret->sensors, 0, sizeof(ret->sensors));
        get_sensors(&w, &ret->sensors);
        get_printable(&w, ret->address, sizeof(ret->address));
        get_instances(&w, ret);
        get_images(&w, ret);
        get_calls(&w, ret);
        get_kube(&w, &ret->kube);
        get_usage(&w, ret);
        get_alarms(&w, ret);
        return wire_complete(&w) ? 0 : -EBADMSG;
}

static void add_word(char *dst, size_t size, const char *separator, const char *word) {
        size_t n = strlen(dst);

        (void)snprintf(dst + n, size - n, "%s%s", n ? separator : "", word);
}

char *report_power_text(char *dst, size_t size, uint32_t power) {
        static const struct {
                uint32_t now, was;
                const char *word, *word_was;
        } faults[] = {
                { POWER_UNDER_VOLTAGE, POWER_WAS_UNDER_VOLTAGE, "under-voltage now",
                  "under-voltage since boot" },
                { POWER_THROTTLED, POWER_WAS_THROTTLED, "throttled now", "throttled since boot" },
                { POWER_CAPPED, POWER_WAS_CAPPED, "clock capped now", "clock capped since boot" },
        };

        if (size == 0)
                return dst;
        dst[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
                if (power & faults[i].now)
                        add_word(dst, size, ", ", faults[i].word);
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
                if ((power & faults[i].was) && !(power & faults[i].now))
                        add_word(dst, size, ", ", faults[i].word_was);
        if (!(power & POWER_KNOWN))
                (void)snprintf(dst, size, "unknown");
        else if (!dst[0])
                (void)snprintf(dst, size, "%s", power & POWER_SOFT_LIMIT ? "ok, soft limit" : "ok");
        return dst;
}

char *report_problem_text(char *dst, size_t size, uint32_t problems) {
        static const struct {
                uint32_t bit;
                const char *words;
        } texts[] = {
                { PROBLEM_DISK_READ_ONLY, "card is read-only" },
                { PROBLEM_DISK_FULL, "card is nearly full" },
                { PROBLEM_NOT_SAVED, "own state could not be saved" },
                { PROBLEM_CONTAINERD, "containerd does not answer" },
                { PROBLEM_MEMORY, "memory is nearly full" },
                { PROBLEM_HOST_NAME, "could not take its host name" },
                { PROBLEM_NETWORK, "function network could not be set up" },
        };

        if (size == 0)
                return dst;
        dst[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (problems & texts[i].bit)
                        add_word(dst, size, "; ", texts[i].words);
        return dst;
}

const char *instance_state_text(enum instance_state s) {
        switch (s) {
        case INSTANCE_PENDING:
                return "pending";
        case INSTANCE_FETCHING:
                return "fetching image";
        case INSTANCE_STARTING:
                return "starting";
        case INSTANCE_READY:
                return "ready";
        case INSTANCE_BACKOFF:
                return "waiting to restart";
        case INSTANCE_FAILED:
                return "failed";
        case INSTANCE_STOPPING:
                return "stopping";
        case INSTANCE_FROZEN:
                return "frozen";
        case INSTANCE_STATE_MAX:
                break;
        }
        return "?";
}

const char *severity_text(enum severity severity) {
        static const char *const texts[SEVERITY_MAX] = { "none", "info", "warning", "error" };

        return (unsigned)severity < SEVERITY_MAX ? texts[severity] : "?";
}

const char *kube_phase_text(enum kube_phase phase) {
        static const char *const texts[KUBE_PHASE_MAX] = {
                [KUBE_OFF] = "off",
                [KUBE_ABSENT] = "not installed",
                [KUBE_UNABLE] = "functions only",
                [KUBE_FOREIGN] = "set up by hand",
                [KUBE_WAITING] = "waiting",
                [KUBE_INITIALISING] = "initialising",
                [KUBE_JOINING] = "joining",
                [KUBE_STARTING] = "starting",
                [KUBE_READY] = "ready",
                [KUBE_REPAIRING] = "repairing",
                [KUBE_RESETTING] = "resetting",
                [KUBE_FENCED] = "fenced",
                [KUBE_FAILED] = "failed",
        };

        return (unsigned)phase < KUBE_PHASE_MAX ? texts[phase] : "?";
}

#include "core/board.h"

#include "base/str.h"
#include "base/wire.h"

#include <string.h>

#define MB ((uint64_t)1 << 20)

/* Revision codes, new style: NOQuuuWuFMMMCCCCPPPPTTTTTTTTRRRR.  The bits above 23 (over-voltage,
 * OTP, warranty) are never looked at. */
static bool revision_new_style(uint32_t revision) {
        return revision >> 23 & 1;
}

static unsigned revision_soc(uint32_t revision) {
        return revision >> 12 & 0xf;
}

static unsigned revision_type(uint32_t revision) {
        return revision >> 4 & 0xff;
}

static unsigned revision_number(uint32_t revision) {
        return revision & 0xf;
}

uint32_t board_revision_ram_mb(uint32_t revision) {
        unsigned code = revision >> 20 & 7;

        return revision_new_style(revision) && code <= 6 ? 256u << code : 0;
}

static bool revision_fits(const struct board_profile *p, uint32_t revision) {
        return p->type != 0 && revision_new_style(revision) && revision_type(revision) == p->type &&
               revision_soc(revision) == p->soc_p && revision_number(revision) <= p->rev_max;
}

/* Is 'name' (or, with 'prefix', something that begins with it) in the NUL-separated list? */
static bool compatible_has(const struct board_facts *facts, const char *name, bool prefix) {
        const char *at = facts->compatible, *end;
        size_t len = strlen(name);

        if (!at || len == 0)
                return false;
        end = at + facts->compatible_len;
        while (at < end) {
                size_t n = strnlen(at, (size_t)(end - at));

                if ((prefix ? n >= len : n == len) && memcmp(at, name, len) == 0)
                        return true;
                at += n;
                if (at < end)
                        at++;
        }
        return false;
}

static const struct board_profile *find_profile(const struct board_profile *profiles, size_t n,
                                                const struct board_facts *facts) {
        const struct board_profile *named = NULL, *revised = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct board_profile *p = &profiles[i];

                if (!facts->compatible) {
                        if (str_eq(p->id, "PC"))
                                return p;
                        continue;
                }
                if (!named && compatible_has(facts, p->compatible[0], false))
                        named = p;
                if (!revised && revision_fits(p, facts->revision))
                        revised = p;
        }
        if (named)
                return revised && revised->type == named->type ? revised : named;
        return compatible_has(facts, "raspberrypi,", true) ? revised : NULL;
}

uint64_t board_function_bytes(uint64_t ram_bytes, bool pc) {
        static const struct {
                uint32_t ram_mb, function_mb;
        } boards[] = { { 880, 512 }, { 640, 320 }, { 384, 192 } };
        uint64_t half = ram_bytes / 2;

        if (pc)
                return half < 4096 * MB ? half : 4096 * MB;
        if (ram_bytes >= 1800 * MB)
                return ram_bytes - 768 * MB;
        for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++)
                if (ram_bytes >= boards[i].ram_mb * MB)
                        return boards[i].function_mb * MB;
        return ram_bytes / 4;
}

static uint8_t narrower(uint8_t found, uint8_t most) {
        return most != 0 && found > most ? most : found;
}

static void copy_cut(char *dst, size_t size, const char *src) {
        (void)str_printable(dst, size, src, strnlen(src, size));
}

/* What only the profile knows. */
static void take_profile(struct board *b, const struct board_profile *p) {
        copy_cut(b->id, sizeof(b->id), p->id);
        if (p->cores)
                b->cores = p->cores;
        if (p->clock_mhz)
                b->clock_mhz = p->clock_mhz;
        b->bits_kernel = narrower(b->bits_kernel, p->bits);
        b->bits_user = narrower(b->bits_user, p->bits);
        b->eth_mbps = p->eth_mbps;
        b->soft_temp_c = p->soft_temp_c;
        b->throttle_c = p->throttle_c;
        b->hard_c = p->hard_c;
        b->idle_mw = p->idle_mw;
        b->max_mw = p->max_mw;
        b->under_voltage_sensor = p->under_voltage_sensor;
        copy_cut(b->kubernetes_max, sizeof(b->kubernetes_max), p->kubernetes_max);
}

static uint64_t real_ram(const struct board_facts *facts, const struct board_profile *p) {
        uint64_t most = board_revision_ram_mb(facts->revision) * MB;

        if (most == 0 && p)
                most = p->ram_max_mb * MB;
        return most != 0 && facts->ram_bytes > most ? most : facts->ram_bytes;
}

bool board_identify(const struct board_profile *profiles, size_t n_profiles,
                    const struct board_facts *facts, struct board *ret) {
        const struct board_profile *p = find_profile(profiles, n_profiles, facts);
        bool pc = !facts->compatible;

        *ret = (struct board){
                .id = "unknown",
                .node = facts->serial,
                .cores = facts->cores,
                .clock_mhz = facts->clock_mhz > UINT16_MAX ? 0 : (uint16_t)facts->clock_mhz,
                .bits_kernel = facts->bits_kernel,
                .bits_user = facts->bits_user,
        };
        if (p)
                take_profile(ret, p);
        if (facts->model && facts->model[0])
                copy_cut(ret->model, sizeof(ret->model), facts->model);
        else
                copy_cut(ret->model, sizeof(ret->model), p ? p->name : "unknown board");
        ret->ram_bytes = real_ram(facts, pc ? NULL : p);
        ret->function_bytes = board_function_bytes(ret->ram_bytes, pc);
        /* no official Kubernetes for 32-bit Arm since 1.27 */
        if (!pc && !ret->kubernetes_max[0] && (ret->bits_kernel == 32 || ret->bits_user == 32))
                (void)str_copy(ret->kubernetes_max, sizeof(ret->kubernetes_max), "1.26");
        return p != NULL;
}

/* The size that it was sold with, as a power of two: a 1 GB board shows 0.88 to 1 GB. */
static unsigned ram_class(uint64_t ram_bytes) {
        uint64_t most = ram_bytes - ram_bytes / 32; /* a little above the line is still below it */
        unsigned log = 0;

        while (log < 24 && (MB << log) < most)
                log++;
        return log;
}

/* Bits 63-56 RAM, 55 64-bit kernel, 54 64-bit userland, 53-22 MHz x cores, 21-0 Mbit/s. */
uint64_t board_strength(const struct board *b) {
        uint64_t speed = (uint64_t)b->clock_mhz * b->cores;
        uint64_t eth = b->eth_mbps < (1u << 22) ? b->eth_mbps : (1u << 22) - 1;

        return (uint64_t)ram_class(b->ram_bytes) << 56 | (uint64_t)(b->bits_kernel == 64) << 55 |
               (uint64_t)(b->bits_user == 64) << 54 | speed << 22 | eth;
}

void board_put(struct wire_out *w, const struct board *b) {
        wire_put_text(w, b->id);
        wire_put_text(w, b->model);
        wire_put_u64(w, b->node);
        wire_put_u16(w, b->cores);
        wire_put_u16(w, b->clock_mhz);
        wire_put_u8(w, b->bits_kernel);
        wire_put_u8(w, b->bits_user);
        wire_put_u64(w, b->ram_bytes);
        wire_put_u64(w, b->function_bytes);
        wire_put_u32(w, b->eth_mbps);
        wire_put_u16(w, (uint16_t)b->soft_temp_c);
        wire_put_u16(w, (uint16_t)b->throttle_c);
        wire_put_u16(w, (uint16_t)b->hard_c);
        wire_put_u16(w, b->idle_mw);
        wire_put_u16(w, b->max_mw);
        wire_put_u8(w, b->under_voltage_sensor);
        wire_put_text(w, b->kubernetes_max);
}

static void get_printable(struct wire_in *w, char *dst, size_t size) {
        wire_get_text(w, dst, size);
        for (const char *s = dst; *s; s++)
                if (*s < 0x20 || *s > 0x7e)
                        w->bad = true;
}

void board_get(struct wire_in *w, struct board *ret) {
        uint8_t sensor;

        memset(ret, 0, sizeof(*ret));
        get_printable(w, ret->id, sizeof(ret->id));
        get_printable(w, ret->model, sizeof(ret->model));
        ret->node = wire_get_u64(w);
        ret->cores = wire_get_u16(w);
        ret->clock_mhz = wire_get_u16(w);
        ret->bits_kernel = wire_get_u8(w);
        ret->bits_user = wire_get_u8(w);
        ret->ram_bytes = wire_get_u64(w);
        ret->function_bytes = wire_get_u64(w);
        ret->eth_mbps = wire_get_u32(w);
        ret->soft_temp_c = (int16_t)wire_get_u16(w);
        ret->throttle_c = (int16_t)wire_get_u16(w);
        ret->hard_c = (int16_t)wire_get_u16(w);
        ret->idle_mw = wire_get_u16(w);
        ret->max_mw = wire_get_u16(w);
        sensor = wire_get_u8(w);
        if (sensor > 1)
                w->bad = true;
        ret->under_voltage_sensor = sensor == 1;
        get_printable(w, ret->kubernetes_max, sizeof(ret->kubernetes_max));
}

#include "core/alarms.h"

#include "base/scope.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How long something must look so before it is told, and before it is over; 'follows': its words
 * change once a day at most, and are kept up to date meanwhile. */
static const struct {
        const char *name;
        usec_t begins, ends;
        bool follows;
} kinds[ALARM_KINDS] = {
        /* dips are short, and each may break files: told at once */
        [ALARM_UNDER_VOLTAGE] = { "under-voltage", 0, 30 * USEC_PER_SEC },
        [ALARM_HOT] = { "hot", 10 * USEC_PER_SEC, 30 * USEC_PER_SEC },
        [ALARM_CARD_FULL] = { "card-full", 10 * USEC_PER_SEC, 30 * USEC_PER_SEC },
        [ALARM_CARD_FAILING] = { "card-failing", 0, 30 * USEC_PER_SEC },
        [ALARM_CERTIFICATE] = { "certificate-ending", 0, 0, .follows = true },
        /* a board that only starts anew is back in a minute */
        [ALARM_LOST] = { "board-lost", USEC_PER_MIN, 0 },
        [ALARM_CLOCK] = { "clock-wrong", 30 * USEC_PER_SEC, 30 * USEC_PER_SEC },
};

enum {
        /* The firmware holds a board at its limit: there it is seen a little below, too. */
        HOT_NEAR_C = 3,
        HOT_OVER_C = 8,       /* below the limit by so much: it has cooled down */
        CARD_FULL_PART = 10,  /* less than a tenth is free */
        CARD_OVER_PART = 8,   /* more than an eighth is free again */
        CARD_ERROR_PART = 20, /* what PROBLEM_DISK_FULL begins with */
        CERTIFICATE_DAYS = 14,
        CERTIFICATE_ERROR_DAYS = 3,
        DAY_SEC = 86400,
        CLOCK_OFF_MS = 30 * 1000, /* a report takes a second or two */
        CLOCK_OVER_MS = 15 * 1000,
};

/* On a large disk a tenth is no sign of anything. */
#define CARD_FULL_BYTES  (512 * UINT64_C(1000000))
#define CARD_OVER_BYTES  (640 * UINT64_C(1000000))
#define CARD_ERROR_BYTES (64 * UINT64_C(1000000))

/* How something looks now: the level that it begins with, and the level that it stays at (by limits
 * that are less strict, so never a lower one), each with its words. */
struct look {
        enum severity begins, stays;
        char text[SIZE_REASON];
        char stays_text[SIZE_REASON];
};

static void copy_text(char dst[static SIZE_REASON], const char *src) {
        (void)snprintf(dst, SIZE_REASON, "%s", src);
}

static void take(struct alarm_state *s, enum severity level, const char *text, usec_t now) {
        if (s->level == SEVERITY_NONE)
                s->since = now;
        s->level = level;
        s->rises = s->falls = false;
        copy_text(s->text, level == SEVERITY_NONE ? "" : text);
}

static void step(struct alarm_state *s, enum alarm_kind kind, const struct look *look,
                 usec_t begins, usec_t now) {
        bool rises = look->begins > s->level;
        bool falls = !rises && look->stays < s->level;

        if ((rises && !s->rises) || (falls && !s->falls))
                s->turned = now;
        s->rises = rises;
        s->falls = falls;
        if (rises && usec_sub(now, s->turned) >= begins)
                take(s, look->begins, look->text, now);
        else if (falls && usec_sub(now, s->turned) >= kinds[kind].ends)
                take(s, look->stays, look->stays_text, now);
        else if (!rises && !falls && kinds[kind].follows && look->begins == s->level)
                copy_text(s->text, look->text);
}

/* ---- what a board says of itself ------------------------------------------------------------- */

static void look_voltage(struct alarms *a, const struct alarm_facts *f, struct look *ret) {
        uint32_t power = f->sensors->power;
        bool now;

        if (!(power & POWER_KNOWN))
                return;
        now = power & POWER_UNDER_VOLTAGE;
        a->was_under_voltage = a->was_under_voltage || now || (power & POWER_WAS_UNDER_VOLTAGE);
        if (a->was_under_voltage)
                ret->begins = ret->stays = SEVERITY_INFO;
        if (now)
                ret->begins = ret->stays = SEVERITY_WARNING;
        copy_text(ret->stays_text, "had too little voltage since it was started: give it a better "
                                   "supply or a shorter, thicker cable");
        copy_text(ret->text, now ? "too little voltage now: give it a better supply or a shorter, "
                                   "thicker cable, or files on the card may break"
                                 : ret->stays_text);
}

static void look_heat(struct alarms *a, const struct alarm_facts *f, struct look *ret) {
        const struct board *b = f->board;
        int32_t mc = f->sensors->temperature_mc;

        (void)a;
        if (mc == INT32_MIN || b->throttle_c == 0)
                return;
        if (mc >= (b->throttle_c - HOT_NEAR_C) * 1000)
                ret->begins = SEVERITY_WARNING;
        if (b->hard_c && mc >= b->hard_c * 1000)
                ret->begins = SEVERITY_ERROR;
        ret->stays = mc >= (b->throttle_c - HOT_OVER_C) * 1000 ? SEVERITY_WARNING : SEVERITY_NONE;
        if (ret->stays < ret->begins)
                ret->stays = ret->begins;
        (void)snprintf(ret->text, sizeof(ret->text),
                       "too hot (%d C): a board of this kind (%.15s) slows down at %d C; give it "
                       "air or a heat sink",
                       mc / 1000, b->id, b->throttle_c);
        copy_text(ret->stays_text, ret->text);
}

static uint64_t least(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static void look_room(struct alarms *a, const struct alarm_facts *f, struct look *ret) {
        uint64_t all = f->sensors->disk_bytes, left = f->sensors->disk_free_bytes;
        char size[16];

        (void)a;
        if (all == 0)
                return;
        if (left < least(all / CARD_FULL_PART, CARD_FULL_BYTES))
                ret->begins = SEVERITY_WARNING;
        if (left < least(all / CARD_ERROR_PART, CARD_ERROR_BYTES))
                ret->begins = SEVERITY_ERROR;
        ret->stays = left < least(all / CARD_OVER_PART, CARD_OVER_BYTES) ? SEVERITY_WARNING
                                                                         : SEVERITY_NONE;
        if (ret->stays < ret->begins)
                ret->stays = ret->begins;
        (void)snprintf(ret->text, sizeof(ret->text),
                       "the card is nearly full (%s free): remove what nobody needs (agentctl "
                       "images; journalctl --vacuum-size=50M)",
                       str_size(size, left));
        copy_text(ret->stays_text, ret->text);
}

static void look_card(struct alarms *a, const struct alarm_facts *f, struct look *ret) {
        const struct sensors *s = f->sensors;

        (void)a;
        if (s->card_errors || (s->problems & PROBLEM_NOT_SAVED))
                ret->begins = ret->stays = SEVERITY_WARNING;
        if (s->problems & PROBLEM_DISK_READ_ONLY)
                ret->begins = ret->stays = SEVERITY_ERROR;
        if (s->problems & PROBLEM_DISK_READ_ONLY)
                copy_text(ret->text, "the card cannot be written any more: it is worn out or "
                                     "loose; put in a new one (agentctl flash), the board keeps "
                                     "its name");
        else if (s->card_errors)
                (void)snprintf(ret->text, sizeof(ret->text),
                               "the card has errors (ext4 counts %" PRIu64
                               "): check it with fsck, or put in a new one before it fails",
                               s->card_errors);
        else
                copy_text(ret->text, "the last write to the card failed: journalctl -u "
                                     "bramble-agent says why; a new card may be needed");
        copy_text(ret->stays_text, ret->text);
}

static void look_certificate(struct alarms *a, const struct alarm_facts *f, struct look *ret) {
        int64_t days = f->certificate_sec / DAY_SEC;

        (void)a;
        if (!f->certificate || days >= CERTIFICATE_DAYS)
                return;
        ret->begins = ret->stays =
                days < CERTIFICATE_ERROR_DAYS ? SEVERITY_ERROR : SEVERITY_WARNING;
        if (f->certificate_sec < 0)
                (void)snprintf(ret->text, sizeof(ret->text),
                               "the certificate of %.30s has ended: %.72s", f->certificate,
                               f->renew);
        else
                (void)snprintf(ret->text, sizeof(ret->text),
                               "the certificate of %.30s ends in %" PRId64 " days: %.72s",
                               f->certificate, days, f->renew);
        copy_text(ret->stays_text, ret->text);
}

void alarms_board(struct alarms *a, const struct alarm_facts *f, usec_t now) {
        static void (*const looks[ALARM_BOARD_KINDS])(
                struct alarms * a, const struct alarm_facts *f, struct look *ret) = {
                [ALARM_UNDER_VOLTAGE] = look_voltage,   [ALARM_HOT] = look_heat,
                [ALARM_CARD_FULL] = look_room,          [ALARM_CARD_FAILING] = look_card,
                [ALARM_CERTIFICATE] = look_certificate,
        };

        for (unsigned i = 0; i < ALARM_BOARD_KINDS; i++) {
                struct look look = { 0 };

                looks[i](a, f, &look);
                step(&a->of[i], (enum alarm_kind)i, &look, a->began ? kinds[i].begins : 0, now);
        }
        a->began = true;
}

uint32_t alarm_age_sec(const struct alarm_state *s, usec_t now) {
        usec_t age = s->level == SEVERITY_NONE ? 0 : usec_sub(now, s->since) / USEC_PER_SEC;

        return age < UINT32_MAX ? (uint32_t)age : UINT32_MAX;
}

uint32_t alarms_report(const struct alarms *a, usec_t now,
                       struct report_alarm ret[static ALARM_BOARD_KINDS]) {
        uint32_t n = 0;

        for (unsigned i = 0; i < ALARM_BOARD_KINDS; i++) {
                const struct alarm_state *s = &a->of[i];

                if (s->level == SEVERITY_NONE)
                        continue;
                ret[n].kind = (enum alarm_kind)i;
                ret[n].severity = s->level;
                ret[n].age_sec = alarm_age_sec(s, now);
                copy_text(ret[n++].text, s->text);
        }
        return n;
}

/* ---- what the leader says of a board -----------------------------------------------------------
 */

void alarm_lost(struct alarm_state *s, bool up, bool planned, usec_t now) {
        struct look look = { .text = "does not answer: look at its lights, its supply and its "
                                     "cable; its functions run elsewhere where there is room" };

        if (!up && !planned)
                look.begins = look.stays = SEVERITY_ERROR;
        step(s, ALARM_LOST, &look, kinds[ALARM_LOST].begins, now);
}

int64_t alarm_clock_reference(const int64_t *offsets_ms, size_t n) {
        int64_t best = offsets_ms[0];

        /* the one that has as many below as an upper median; at most LIMIT_BOARDS squared */
        for (size_t i = 0; i < n; i++) {
                size_t below = 0, same = 0;

                for (size_t j = 0; j < n; j++) {
                        below += offsets_ms[j] < offsets_ms[i];
                        same += offsets_ms[j] == offsets_ms[i];
                }
                if (below <= n / 2 && n / 2 < below + same)
                        best = offsets_ms[i];
        }
        return best;
}

void alarm_clock(struct alarm_state *s, int64_t off_ms, usec_t now) {
        uint64_t off = off_ms < 0 ? 0 - (uint64_t)off_ms : (uint64_t)off_ms;
        struct look look = { 0 };
        char words[16];

        if (off > CLOCK_OFF_MS)
                look.begins = SEVERITY_WARNING;
        if (off > CLOCK_OVER_MS)
                look.stays = SEVERITY_WARNING;
        (void)snprintf(look.text, sizeof(look.text),
                       "its clock is %s %s the others': it should reach a time server "
                       "(timedatectl timesync-status)",
                       str_duration(words, off / 1000), off_ms < 0 ? "behind" : "ahead of");
        copy_text(look.stays_text, look.text);
        step(s, ALARM_CLOCK, &look, kinds[ALARM_CLOCK].begins, now);
}

void alarm_resume(struct alarm_state *s, enum severity level, uint32_t age_sec, const char *text,
                  usec_t now) {
        take(s, level, text, now);
        s->since = usec_sub(now, age_sec * USEC_PER_SEC);
}

const char *alarm_name(enum alarm_kind kind) {
        return (unsigned)kind < ALARM_KINDS ? kinds[kind].name : "?";
}

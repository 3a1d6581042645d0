/* qr - its input as a QR code (ISO/IEC 18004), drawn with half blocks: bytes, error correction M,
 * versions 1 to 10, so at most 213 bytes. */
#include "functions.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS = 10, MOST_SIZE = 4 * VERSIONS + 17, MOST_CODEWORDS = 346, QUIET = 2, MASKS = 8 };

/* Table 9, level M: error correction codewords of a block, blocks, and of these those that have one
 * data codeword more; Table 1: all codewords; Table E.1: where the alignment patterns are. */
static const struct version {
        uint16_t codewords;
        uint8_t correction, blocks, longer;
        uint8_t align[3];
} versions[VERSIONS + 1] = {
        [1] = { 26, 10, 1, 0, { 0 } },          [2] = { 44, 16, 1, 0, { 6, 18 } },
        [3] = { 70, 26, 1, 0, { 6, 22 } },      [4] = { 100, 18, 2, 0, { 6, 26 } },
        [5] = { 134, 24, 2, 0, { 6, 30 } },     [6] = { 172, 16, 4, 0, { 6, 34 } },
        [7] = { 196, 18, 4, 0, { 6, 22, 38 } }, [8] = { 242, 22, 4, 2, { 6, 24, 42 } },
        [9] = { 292, 22, 5, 2, { 6, 26, 46 } }, [10] = { 346, 26, 5, 1, { 6, 28, 50 } },
};

struct code {
        const struct version *v;
        unsigned version;
        int size;
        bool dark[MOST_SIZE][MOST_SIZE], fixed[MOST_SIZE][MOST_SIZE]; /* [row][column] */
};

static unsigned data_codewords(const struct version *v) {
        return v->codewords - v->correction * v->blocks;
}

/* ---- bytes -------------------------------------------------------------------------------- */

struct bits {
        uint8_t bytes[MOST_CODEWORDS];
        unsigned n;
};

static void add_bits(struct bits *b, unsigned value, unsigned n) {
        while (n-- > 0) {
                b->bytes[b->n / 8] |= (uint8_t)((value >> n & 1) << (7 - b->n % 8));
                b->n++;
        }
}

static unsigned version_for(size_t len) {
        for (unsigned i = 1; i <= VERSIONS; i++)
                if (4 + (i < 10 ? 8 : 16) + 8 * len <= 8 * data_codewords(&versions[i]))
                        return i;
        return 0;
}

static void encode_bytes(struct bits *b, unsigned version, const char *text, size_t len) {
        unsigned room = 8 * data_codewords(&versions[version]);

        add_bits(b, 4, 4); /* byte mode */
        add_bits(b, (unsigned)len, version < 10 ? 8 : 16);
        for (size_t i = 0; i < len; i++)
                add_bits(b, (uint8_t)text[i], 8);
        add_bits(b, 0, room - b->n < 4 ? room - b->n : 4);
        add_bits(b, 0, (8 - b->n % 8) % 8);
        for (bool odd = false; b->n < room; odd = !odd)
                add_bits(b, odd ? 0x11 : 0xec, 8);
}

/* ---- error correction: Reed-Solomon over GF(256) with 0x11d ------------------------------- */

static uint8_t multiply(uint8_t x, uint8_t y) {
        unsigned z = 0;

        for (int i = 7; i >= 0; i--) {
                z = z << 1 ^ (z >> 7) * 0x11d;
                z ^= (y >> i & 1U) * x;
        }
        return (uint8_t)z;
}

static void correct(const uint8_t *data, unsigned n, unsigned degree, uint8_t *ret) {
        uint8_t divisor[32] = { 0 }, root = 1;

        divisor[degree - 1] = 1;
        for (unsigned i = 0; i < degree; i++) {
                for (unsigned k = 0; k < degree; k++) {
                        divisor[k] = multiply(divisor[k], root);
                        if (k + 1 < degree)
                                divisor[k] ^= divisor[k + 1];
                }
                root = multiply(root, 2);
        }
        memset(ret, 0, degree);
        for (unsigned i = 0; i < n; i++) {
                uint8_t factor = data[i] ^ ret[0];

                memmove(ret, ret + 1, degree - 1);
                ret[degree - 1] = 0;
                for (unsigned k = 0; k < degree; k++)
                        ret[k] ^= multiply(divisor[k], factor);
        }
}

/* The blocks' codewords in turn, data first. */
static void interleave(const struct version *v, const uint8_t *data, uint8_t *ret) {
        unsigned shorter = data_codewords(v) / v->blocks, n = 0, at = 0;
        unsigned first_longer = v->blocks - (unsigned)v->longer;
        uint8_t correction[8][32];
        const uint8_t *starts[8];

        for (unsigned b = 0; b < v->blocks; b++) {
                unsigned len = shorter + (b >= first_longer);

                starts[b] = data + at;
                correct(data + at, len, v->correction, correction[b]);
                at += len;
        }
        for (unsigned i = 0; i <= shorter; i++)
                for (unsigned b = 0; b < v->blocks; b++)
                        if (i < shorter || b >= first_longer)
                                ret[n++] = starts[b][i];
        for (unsigned i = 0; i < v->correction; i++)
                for (unsigned b = 0; b < v->blocks; b++)
                        ret[n++] = correction[b][i];
}

/* ---- drawing ------------------------------------------------------------------------------ */

static void set(struct code *q, int row, int column, bool dark) {
        q->dark[row][column] = dark;
        q->fixed[row][column] = true;
}

static int larger(int a, int b) {
        return abs(a) > abs(b) ? abs(a) : abs(b);
}

/* With the light border around it. */
static void draw_finder(struct code *q, int row, int column) {
        for (int y = -4; y <= 4; y++)
                for (int x = -4; x <= 4; x++) {
                        int far = larger(x, y), r = row + y, c = column + x;

                        if (r >= 0 && r < q->size && c >= 0 && c < q->size)
                                set(q, r, c, far != 2 && far != 4);
                }
}

static void draw_alignments(struct code *q) {
        const uint8_t *at = q->v->align;
        int n = 0;

        while (n < 3 && at[n])
                n++;
        for (int i = 0; i < n; i++)
                for (int k = 0; k < n; k++) {
                        if ((i == 0 && (k == 0 || k == n - 1)) || (i == n - 1 && k == 0))
                                continue; /* the finders are there */
                        for (int y = -2; y <= 2; y++)
                                for (int x = -2; x <= 2; x++)
                                        set(q, at[i] + y, at[k] + x, larger(x, y) != 1);
                }
}

static void draw_format(struct code *q, unsigned mask) {
        unsigned data = mask, rest, bits; /* level M is 00 */

        rest = data;
        for (int i = 0; i < 10; i++)
                rest = rest << 1 ^ (rest >> 9) * 0x537;
        bits = (data << 10 | rest) ^ 0x5412;
        for (int i = 0; i < 15; i++) {
                bool dark = bits >> i & 1;
                int near = i < 6 ? i : i < 8 ? i + 1 : 0;

                if (i < 8)
                        set(q, near, 8, dark);
                else
                        set(q, 8, i == 8 ? 7 : 14 - i, dark);
                if (i < 8)
                        set(q, 8, q->size - 1 - i, dark);
                else
                        set(q, q->size - 15 + i, 8, dark);
        }
        set(q, q->size - 8, 8, true);
}

static void draw_version(struct code *q) {
        unsigned rest = q->version, bits;

        if (q->version < 7)
                return;
        for (int i = 0; i < 12; i++)
                rest = rest << 1 ^ (rest >> 11) * 0x1f25;
        bits = q->version << 12 | rest;
        for (int i = 0; i < 18; i++) {
                set(q, i / 3, q->size - 11 + i % 3, bits >> i & 1);
                set(q, q->size - 11 + i % 3, i / 3, bits >> i & 1);
        }
}

static void draw_fixed(struct code *q) {
        for (int i = 0; i < q->size; i++) { /* the finders go over their ends */
                set(q, 6, i, i % 2 == 0);
                set(q, i, 6, i % 2 == 0);
        }
        draw_finder(q, 3, 3);
        draw_finder(q, 3, q->size - 4);
        draw_finder(q, q->size - 4, 3);
        draw_alignments(q);
        draw_format(q, 0);
        draw_version(q);
}

/* In columns of two, from the right, up and down in turn. */
static void draw_codewords(struct code *q, const uint8_t *codewords) {
        unsigned n = 8U * q->v->codewords, i = 0;

        for (int right = q->size - 1; right >= 1; right -= 2) {
                if (right == 6) /* that is the timing pattern */
                        right = 5;
                for (int step = 0; step < q->size; step++)
                        for (int k = 0; k < 2; k++) {
                                bool up = ((right + 1) & 2) == 0;
                                int row = up ? q->size - 1 - step : step, column = right - k;

                                if (q->fixed[row][column] || i >= n)
                                        continue;
                                q->dark[row][column] = codewords[i / 8] >> (7 - i % 8) & 1;
                                i++;
                        }
        }
}

static bool masked(unsigned mask, int y, int x) {
        switch (mask) {
        case 0:
                return (x + y) % 2 == 0;
        case 1:
                return y % 2 == 0;
        case 2:
                return x % 3 == 0;
        case 3:
                return (x + y) % 3 == 0;
        case 4:
                return (x / 3 + y / 2) % 2 == 0;
        case 5:
                return x * y % 2 + x * y % 3 == 0;
        case 6:
                return (x * y % 2 + x * y % 3) % 2 == 0;
        default:
                return ((x + y) % 2 + x * y % 3) % 2 == 0;
        }
}

static void apply_mask(struct code *q, unsigned mask) {
        for (int y = 0; y < q->size; y++)
                for (int x = 0; x < q->size; x++)
                        if (!q->fixed[y][x])
                                q->dark[y][x] ^= masked(mask, y, x);
        draw_format(q, mask);
}

/* How bad one line looks: long runs of one colour, and what looks like a finder. */
static long line_penalty(const struct code *q, int line, bool across) {
        long sum = 0;
        int run = 0;
        unsigned last = 0;

        for (int i = 0; i < q->size; i++) {
                bool dark = across ? q->dark[line][i] : q->dark[i][line];

                run = i > 0 && dark == (last & 1) ? run + 1 : 1;
                sum += run == 5 ? 3 : run > 5 ? 1 : 0;
                last = (last << 1 | dark) & 0x7ff;
                if (i >= 10 && (last == 0x5d || last == 0x5d0))
                        sum += 40;
        }
        return sum;
}

static long penalty(const struct code *q) {
        long sum = 0, dark = 0, all = (long)q->size * q->size;

        for (int i = 0; i < q->size; i++)
                sum += line_penalty(q, i, true) + line_penalty(q, i, false);
        for (int y = 0; y < q->size; y++)
                for (int x = 0; x < q->size; x++) {
                        bool d = q->dark[y][x];

                        dark += d;
                        if (y > 0 && x > 0 && d == q->dark[y - 1][x] && d == q->dark[y][x - 1] &&
                            d == q->dark[y - 1][x - 1])
                                sum += 3;
                }
        return sum + labs(dark * 20 - all * 10) / all * 10;
}

static void choose_mask(struct code *q) {
        unsigned best = 0;
        long least = -1;

        for (unsigned mask = 0; mask < MASKS; mask++) {
                long p;

                apply_mask(q, mask);
                p = penalty(q);
                if (least < 0 || p < least) {
                        least = p;
                        best = mask;
                }
                apply_mask(q, mask); /* takes it off again */
        }
        apply_mask(q, best);
}

static bool is_dark(const struct code *q, int y, int x) {
        return y >= 0 && y < q->size && x >= 0 && x < q->size && q->dark[y][x];
}

/* Two rows in one line; light is drawn, as terminals are dark. */
static void print(const struct code *q) {
        static const char *const blocks[] = { "\u2588", "\u2580", "\u2584", " " };

        for (int y = -QUIET; y < q->size + QUIET; y += 2) {
                for (int x = -QUIET; x < q->size + QUIET; x++)
                        fputs(blocks[(is_dark(q, y, x) ? 2 : 0) + (is_dark(q, y + 1, x) ? 1 : 0)],
                              stdout);
                putchar('\n');
        }
}

int qr_main(void) {
        static struct code q;
        char text[INPUT_BYTES + 1];
        size_t len = read_input(text);
        uint8_t codewords[MOST_CODEWORDS];
        struct bits bits = { 0 };

        q.version = version_for(len);
        if (q.version == 0) {
                fprintf(stderr,
                        "%zu bytes are too many for a QR code that a phone reads from a screen: at "
                        "most 213\n",
                        len);
                return 1;
        }
        q.v = &versions[q.version];
        q.size = 4 * (int)q.version + 17;
        encode_bytes(&bits, q.version, text, len);
        interleave(q.v, bits.bytes, codewords);
        draw_fixed(&q);
        draw_codewords(&q, codewords);
        choose_mask(&q);
        print(&q);
        return 0;
}

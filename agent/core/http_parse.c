#include "core/http_parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
        HTTP_CHUNK_LINE = 1024,    /* most bytes of a size line with its extensions */
        HTTP_TRAILER_BYTES = 8192, /* most bytes of all trailers of a body */
        HTTP_CHUNK_DIGITS = 15,    /* 60 bits: never overflows, more than any disk */
        HTTP_LENGTH_DIGITS = 18,   /* below 10^18: fits int64_t */
};

/* Which bytes may stand where (RFC 9110 5.6.2 token, 5.5 field-content; RFC 9112 3.2). */
enum { CLASS_TOKEN = 1, CLASS_VALUE = 2, CLASS_TARGET = 4 };

/* clang-format off */
static const uint8_t classes[256] = {
        ['\t'] = CLASS_VALUE, [' '] = CLASS_VALUE,
        ['!'] = 7, ['$' ... '\''] = 7, ['*' ... '+'] = 7, ['-' ... '.'] = 7, ['0' ... '9'] = 7,
        ['A' ... 'Z'] = 7, ['^' ... 'z'] = 7, ['|'] = 7, ['~'] = 7,
        /* '#' opens a fragment, which is never sent: in a token and a value, not in a target */
        ['#'] = CLASS_TOKEN | CLASS_VALUE,
        ['"'] = 6, ['('] = 6, [')'] = 6, [','] = 6, ['/'] = 6, [':' ... '@'] = 6, ['['] = 6,
        ['\\'] = 6, [']'] = 6, ['{'] = 6, ['}'] = 6,
        /* people type umlauts into URLs, and curl sends them as they are */
        [0x80 ... 0xff] = CLASS_VALUE | CLASS_TARGET,
};
/* clang-format on */

static bool is_class(char c, int class) {
        return classes[(uint8_t)c] & class;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static int hex_digit(char c) {
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static bool all_of(struct http_text t, int class) {
        for (size_t i = 0; i < t.len; i++)
                if (!is_class(t.at[i], class))
                        return false;
        return true;
}

static struct http_text trimmed(const char *at, const char *end) {
        while (at < end && (*at == ' ' || *at == '\t'))
                at++;
        while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        return (struct http_text){ at, (size_t)(end - at) };
}

bool http_text_is(const struct http_text *t, const char *s) {
        size_t len = strlen(s);

        return t->len == len && (len == 0 || memcmp(t->at, s, len) == 0);
}

bool http_text_is_nocase(const struct http_text *t, const char *s) {
        size_t len = strlen(s);

        return t->len == len && (len == 0 || strncasecmp(t->at, s, len) == 0);
}

const struct http_text *http_header(const struct http_head *h, const char *name) {
        for (size_t i = 0; i < h->n_headers; i++)
                if (http_text_is_nocase(&h->headers[i].name, name))
                        return &h->headers[i].value;
        return NULL;
}

static bool list_has(const struct http_text *t, const char *token, size_t len) {
        const char *at = t->at, *end = t->at + t->len;

        while (at < end) {
                const char *comma = memchr(at, ',', (size_t)(end - at));
                struct http_text item = trimmed(at, comma ? comma : end);

                if (item.len == len && strncasecmp(item.at, token, len) == 0)
                        return true;
                if (!comma)
                        return false;
                at = comma + 1;
        }
        return false;
}

bool http_list_has(const struct http_text *t, const char *token) {
        return list_has(t, token, strlen(token));
}

static bool is_always_hop_by_hop(const struct http_text *name) {
        switch (name->len) {
        case 2:
                return http_text_is_nocase(name, "te");
        case 7:
                if (http_text_is_nocase(name, "trailer") || http_text_is_nocase(name, "upgrade"))
                        return true;
                break;
        case 10:
                if (http_text_is_nocase(name, "connection") ||
                    http_text_is_nocase(name, "keep-alive"))
                        return true;
                break;
        case 17:
                if (http_text_is_nocase(name, "transfer-encoding"))
                        return true;
                break;
        default:
                break;
        }
        return name->len >= 6 && (name->at[0] | 0x20) == 'p' &&
               strncasecmp(name->at, "proxy-", 6) == 0;
}

bool http_hop_by_hop(const struct http_head *h, const struct http_text *name) {
        if (is_always_hop_by_hop(name))
                return true;
        for (size_t i = 0; i < h->n_headers; i++)
                if (h->headers[i].name.len == 10 &&
                    http_text_is_nocase(&h->headers[i].name, "connection") &&
                    list_has(&h->headers[i].value, name->at, name->len))
                        return true;
        return false;
}

/* ---- heads ------------------------------------------------------------------------------- */

/* The number of bytes up to and with the empty line; 0 while it has not come; -EBADMSG at the
 * first LF without CR before it, so that a sender who never sends a CR is answered at once. */
static long head_length(const char *data, size_t len, size_t *scanned) {
        size_t most = len < HTTP_HEAD_BYTES ? len : HTTP_HEAD_BYTES;
        size_t at = *scanned;

        while (at < most) {
                const char *lf = memchr(data + at, '\n', most - at);

                if (!lf)
                        break;
                at = (size_t)(lf - data) + 1;
                if (at < 2 || lf[-1] != '\r')
                        return -EBADMSG;
                if (at == 2)
                        return -EBADMSG; /* an empty line where the first line belongs */
                if (at >= 4 && lf[-2] == '\n') {
                        *scanned = at;
                        return (long)at;
                }
        }
        *scanned = most;
        return len >= HTTP_HEAD_BYTES ? -E2BIG : 0;
}

/* What one pass over the headers learns about framing. */
struct framing {
        unsigned hosts, lengths, codings;
        bool close, keep_alive, upgrade_token, upgrade_header;
        bool chunked;
};

static int parse_length(const struct http_text *t, uint64_t *ret) {
        uint64_t v = 0;

        if (t->len == 0 || t->len > HTTP_LENGTH_DIGITS)
                return -EBADMSG;
        for (size_t i = 0; i < t->len; i++) {
                if (!is_digit(t->at[i]))
                        return -EBADMSG;
                v = v * 10 + (uint64_t)(t->at[i] - '0');
        }
        *ret = v;
        return 0;
}

static int note_length(struct http_head *h, struct framing *fr, const struct http_text *value) {
        uint64_t v;
        int r = parse_length(value, &v);

        if (r < 0)
                return r;
        if (fr->lengths++ > 0 && v != h->length)
                return -EBADMSG;
        h->length = v;
        return 0;
}

static int note_coding(struct framing *fr, const struct http_text *value) {
        if (fr->codings++ > 0 || value->len == 0)
                return -EBADMSG;
        fr->chunked = http_text_is_nocase(value, "chunked");
        return 0;
}

/* Looks at the headers that decide how the message is framed. */
static int note_header(struct http_head *h, struct framing *fr, const struct http_header *one) {
        const struct http_text *name = &one->name, *value = &one->value;

        switch (name->len) {
        case 4:
                if (http_text_is_nocase(name, "host"))
                        fr->hosts++;
                return 0;
        case 6:
                if (http_text_is_nocase(name, "expect") &&
                    http_text_is_nocase(value, "100-continue"))
                        h->expect_continue = true;
                return 0;
        case 7:
                if (http_text_is_nocase(name, "upgrade"))
                        fr->upgrade_header = value->len > 0;
                return 0;
        case 10:
                if (http_text_is_nocase(name, "connection")) {
                        fr->close = fr->close || http_list_has(value, "close");
                        fr->keep_alive = fr->keep_alive || http_list_has(value, "keep-alive");
                        fr->upgrade_token = fr->upgrade_token || http_list_has(value, "upgrade");
                }
                return 0;
        case 14:
                return http_text_is_nocase(name, "content-length") ? note_length(h, fr, value) : 0;
        case 17:
                return http_text_is_nocase(name, "transfer-encoding") ? note_coding(fr, value) : 0;
        default:
                return 0;
        }
}

/* Takes one line: its start; *ret_end is where the CR is.  The next line starts 2 bytes later. */
static int line_end(const char *at, const char *end, const char **ret_end) {
        const char *cr = memchr(at, '\r', (size_t)(end - at));

        /* the scan saw CR before every LF; here every CR must stand before an LF */
        if (!cr || cr + 1 >= end || cr[1] != '\n')
                return -EBADMSG;
        *ret_end = cr;
        return 0;
}

static int parse_header_line(const char *at, const char *end, struct http_header *ret) {
        const char *colon = memchr(at, ':', (size_t)(end - at));

        if (!colon || colon == at)
                return -EBADMSG;
        ret->name = (struct http_text){ at, (size_t)(colon - at) };
        ret->value = trimmed(colon + 1, end);
        /* a folded line and a blank before the colon fail here: neither is of a token */
        return all_of(ret->name, CLASS_TOKEN) && all_of(ret->value, CLASS_VALUE) ? 0 : -EBADMSG;
}

static int parse_headers(const char *at, const char *end, struct http_head *h, struct framing *fr) {
        for (;;) {
                const char *line;
                struct http_header *one;
                int r = line_end(at, end, &line);

                if (r < 0)
                        return r;
                if (line == at)
                        return line + 2 == end ? 0 : -EBADMSG;
                if (h->n_headers == HTTP_HEADERS)
                        return -E2BIG;
                one = &h->headers[h->n_headers];
                r = parse_header_line(at, line, one);
                if (r < 0)
                        return r;
                h->n_headers++;
                r = note_header(h, fr, one);
                if (r < 0)
                        return r;
                at = line + 2;
        }
}

/* RFC 9112 6.1: a sender that gives both lengths, or a coding in HTTP/1.0, is trying something. */
static int check_codings(const struct http_head *h, const struct framing *fr) {
        if (fr->codings == 0)
                return 0;
        if (fr->lengths > 0 || h->minor == 0)
                return -EBADMSG;
        return fr->chunked ? 0 : -EOPNOTSUPP;
}

static void settle_keep_alive(struct http_head *h, const struct framing *fr) {
        h->keep_alive = !fr->close && (h->minor >= 1 || fr->keep_alive);
        h->upgrade = h->minor >= 1 && fr->upgrade_token && fr->upgrade_header;
        h->expect_continue = h->expect_continue && h->minor >= 1;
}

/* "HTTP/1.x", 8 bytes. */
static int parse_version(const char *at, size_t len, uint8_t *ret_minor) {
        if (len != 8 || memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) || at[6] != '.' ||
            !is_digit(at[7]))
                return -EBADMSG;
        if (at[5] != '1')
                return -EPROTONOSUPPORT;
        *ret_minor = (uint8_t)(at[7] - '0');
        return 0;
}

static int parse_request_line(const char *at, const char *end, struct http_head *h) {
        const char *target = memchr(at, ' ', (size_t)(end - at)), *version, *question;

        if (!target || target == at)
                return -EBADMSG;
        h->method = (struct http_text){ at, (size_t)(target - at) };
        target++;
        version = memchr(target, ' ', (size_t)(end - target));
        if (!version || version == target)
                return -EBADMSG;
        h->target = (struct http_text){ target, (size_t)(version - target) };
        version++;
        if (!all_of(h->method, CLASS_TOKEN) || !all_of(h->target, CLASS_TARGET))
                return -EBADMSG;
        if (*target == '/') {
                question = memchr(target, '?', h->target.len);
                h->path = (struct http_text){ target, question ? (size_t)(question - target)
                                                               : h->target.len };
                if (question)
                        h->query =
                                (struct http_text){ question + 1, h->target.len - h->path.len - 1 };
        }
        return parse_version(version, (size_t)(end - version), &h->minor);
}

static int parse_status_line(const char *at, const char *end, struct http_head *h) {
        const char *digits = at + 9;
        int r;

        if (end - at < 12 || at[8] != ' ')
                return -EBADMSG;
        r = parse_version(at, 8, &h->minor);
        if (r < 0)
                return r;
        if (!is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2]))
                return -EBADMSG;
        h->status = (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');
        if (h->status < 100 || h->status > 599)
                return -EBADMSG;
        /* "HTTP/1.1 200" without the blank is common enough and has no second reading */
        if (end - at == 12)
                return 0;
        if (at[12] != ' ')
                return -EBADMSG;
        h->reason = (struct http_text){ at + 13, (size_t)(end - at - 13) };
        return all_of(h->reason, CLASS_VALUE) ? 0 : -EBADMSG;
}

static void head_init(struct http_head *h, bool response) {
        /* not the 64 headers: those below n_headers are written before they are read */
        memset(h, 0, offsetof(struct http_head, headers));
        h->response = response;
        h->body = HTTP_BODY_NONE;
        h->length = 0;
        h->keep_alive = h->upgrade = h->expect_continue = false;
}

static int parse_head(const char *data, size_t len, struct http_head *h, struct framing *fr) {
        const char *line;
        int r = line_end(data, data + len, &line);

        if (r < 0)
                return r;
        r = h->response ? parse_status_line(data, line, h) : parse_request_line(data, line, h);
        if (r < 0)
                return r;
        r = parse_headers(line + 2, data + len, h, fr);
        if (r < 0)
                return r;
        r = check_codings(h, fr);
        if (r < 0)
                return r;
        settle_keep_alive(h, fr);
        return 0;
}

long http_parse_request(const char *data, size_t len, size_t *scanned, struct http_head *ret) {
        struct framing fr = { 0 };
        long used = head_length(data, len, scanned);
        int r;

        if (used <= 0)
                return used;
        head_init(ret, false);
        r = parse_head(data, (size_t)used, ret, &fr);
        if (r < 0)
                return r;
        /* RFC 9112 3.2: 400 for none in HTTP/1.1 and for more than one in any */
        if (fr.hosts > 1 || (fr.hosts == 0 && ret->minor >= 1))
                return -EBADMSG;
        if (fr.chunked)
                ret->body = HTTP_BODY_CHUNKED;
        else if (fr.lengths > 0)
                ret->body = HTTP_BODY_LENGTH;
        return used;
}

long http_parse_response(const char *data, size_t len, size_t *scanned, bool head_request,
                         struct http_head *ret) {
        struct framing fr = { 0 };
        long used = head_length(data, len, scanned);
        int r;

        if (used <= 0)
                return used;
        head_init(ret, true);
        r = parse_head(data, (size_t)used, ret, &fr);
        if (r < 0)
                return r;
        if (head_request || ret->status < 200 || ret->status == 204 || ret->status == 304)
                ret->body = HTTP_BODY_NONE;
        else if (fr.chunked)
                ret->body = HTTP_BODY_CHUNKED;
        else if (fr.lengths > 0)
                ret->body = HTTP_BODY_LENGTH;
        else
                ret->body = HTTP_BODY_UNTIL_CLOSE;
        if (ret->body == HTTP_BODY_UNTIL_CLOSE)
                ret->keep_alive = false;
        return used;
}

/* ---- chunked bodies ------------------------------------------------------------------------ */

enum chunk_state {
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_SIZE_LF,
        CHUNK_BYTES,
        CHUNK_BYTES_CR,
        CHUNK_BYTES_LF,
        CHUNK_TRAILER, /* at the start of a trailer line */
        CHUNK_TRAILER_NAME,
        CHUNK_TRAILER_VALUE,
        CHUNK_TRAILER_LF,
        CHUNK_END_LF,
        CHUNK_DONE,
};

static int chunk_size_byte(struct http_chunks *c, char byte) {
        int digit = hex_digit(byte);

        if (digit >= 0) {
                if (c->line++ == HTTP_CHUNK_DIGITS)
                        return -EBADMSG;
                c->left = c->left << 4 | (unsigned)digit;
                return 0;
        }
        if (c->line == 0)
                return -EBADMSG;
        if (byte == ';')
                c->state = CHUNK_EXTENSION;
        else if (byte == '\r')
                c->state = CHUNK_SIZE_LF;
        else
                return -EBADMSG;
        return 0;
}

/* A byte of free text that ends at CR. */
static int chunk_text_byte(struct http_chunks *c, char byte, uint32_t most, enum chunk_state then) {
        if (byte == '\r') {
                c->state = (uint8_t)then;
                return 0;
        }
        return is_class(byte, CLASS_VALUE) && c->line++ < most ? 0 : -EBADMSG;
}

static int chunk_trailer_byte(struct http_chunks *c, char byte) {
        if (c->state == CHUNK_TRAILER && byte == '\r') {
                c->state = CHUNK_END_LF;
                return 0;
        }
        if (c->state == CHUNK_TRAILER_NAME && byte == ':')
                c->state = CHUNK_TRAILER_VALUE;
        else if (is_class(byte, CLASS_TOKEN))
                c->state = CHUNK_TRAILER_NAME;
        else
                return -EBADMSG;
        return c->line++ < HTTP_TRAILER_BYTES ? 0 : -EBADMSG;
}

static int chunk_fixed_byte(struct http_chunks *c, char byte, char want, enum chunk_state then) {
        if (byte != want)
                return -EBADMSG;
        c->state = (uint8_t)then;
        return 0;
}

/* One byte in any state but CHUNK_BYTES and CHUNK_DONE. */
static int chunk_byte(struct http_chunks *c, char byte) {
        int r;

        switch ((enum chunk_state)c->state) {
        case CHUNK_SIZE:
                return chunk_size_byte(c, byte);
        case CHUNK_EXTENSION:
                return chunk_text_byte(c, byte, HTTP_CHUNK_LINE, CHUNK_SIZE_LF);
        case CHUNK_SIZE_LF:
                c->line = 0;
                return chunk_fixed_byte(c, byte, '\n', c->left ? CHUNK_BYTES : CHUNK_TRAILER);
        case CHUNK_BYTES_CR:
                return chunk_fixed_byte(c, byte, '\r', CHUNK_BYTES_LF);
        case CHUNK_BYTES_LF:
                r = chunk_fixed_byte(c, byte, '\n', CHUNK_SIZE);
                c->line = 0;
                c->left = 0;
                return r;
        case CHUNK_TRAILER:
        case CHUNK_TRAILER_NAME:
                return chunk_trailer_byte(c, byte);
        case CHUNK_TRAILER_VALUE:
                return chunk_text_byte(c, byte, HTTP_TRAILER_BYTES, CHUNK_TRAILER_LF);
        case CHUNK_TRAILER_LF:
                return chunk_fixed_byte(c, byte, '\n', CHUNK_TRAILER);
        case CHUNK_END_LF:
                return chunk_fixed_byte(c, byte, '\n', CHUNK_DONE);
        case CHUNK_BYTES:
        case CHUNK_DONE:
                break;
        }
        return -EBADMSG;
}

int http_chunks_step(struct http_chunks *c, const char *data, size_t len, size_t *ret_used,
                     struct http_text *ret_data) {
        size_t at = 0;

        *ret_data = (struct http_text){ data, 0 };
        while (at < len && c->state != CHUNK_DONE) {
                if (c->state == CHUNK_BYTES) {
                        size_t n = len - at < c->left ? len - at : (size_t)c->left;

                        c->left -= n;
                        if (c->left == 0)
                                c->state = CHUNK_BYTES_CR;
                        *ret_data = (struct http_text){ data + at, n };
                        *ret_used = at + n;
                        return HTTP_CHUNK_DATA;
                }
                if (chunk_byte(c, data[at]) < 0) {
                        *ret_used = at;
                        return -EBADMSG;
                }
                at++;
        }
        *ret_used = at;
        return c->state == CHUNK_DONE ? HTTP_CHUNK_END : HTTP_CHUNK_MORE;
}

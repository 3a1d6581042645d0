#include "io/kube_text.h"

#include "base/str.h"
#include "core/names.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define ENDPOINT "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint:"

/* Bytes of the text, not a copy. */
struct view {
        const char *at;
        size_t len;
};

static bool starts(struct view v, const char *prefix) {
        size_t len = strlen(prefix);

        return v.len >= len && memcmp(v.at, prefix, len) == 0;
}

static void skip(struct view *v, size_t n) {
        v->at += n;
        v->len -= n;
}

static void trim(struct view *v) {
        while (v->len > 0 && (*v->at == ' ' || *v->at == '\t'))
                skip(v, 1);
        while (v->len > 0 && strchr(" \t\r", v->at[v->len - 1]))
                v->len--;
}

static void unquote(struct view *v) {
        if (v->len < 2 || (*v->at != '"' && *v->at != '\'') || v->at[v->len - 1] != *v->at)
                return;
        skip(v, 1);
        v->len--;
}

/* Takes the next line without its indent, list marks and quotes; false at the end. */
static bool next_line(struct view *text, struct view *ret) {
        const char *end;

        if (text->len == 0)
                return false;
        end = memchr(text->at, '\n', text->len);
        *ret = (struct view){ text->at, end ? (size_t)(end - text->at) : text->len };
        skip(text, ret->len + (end ? 1 : 0));
        trim(ret);
        while (starts(*ret, "- ")) {
                skip(ret, 2);
                trim(ret);
        }
        unquote(ret);
        return true;
}

/* What stands behind the key at the line's beginning, without blanks and quotes. */
static bool value(struct view line, const char *key, struct view *ret) {
        if (!starts(line, key))
                return false;
        skip(&line, strlen(key));
        trim(&line);
        unquote(&line);
        *ret = line;
        return true;
}

/* What does not fit, or holds anything but printable ASCII, is no text. */
static void take(char *dst, size_t size, struct view v) {
        if (dst[0] || str_copy_n(dst, size, v.at, v.len) < 0)
                return;
        for (size_t i = 0; i < v.len; i++)
                if (v.at[i] < ' ' || v.at[i] > '~')
                        dst[0] = '\0';
}

static void take_address(char dst[static SIZE_ADDRESS], struct view v) {
        unsigned char bytes[16];

        if (dst[0])
                return;
        take(dst, SIZE_ADDRESS, v);
        if (inet_pton(AF_INET, dst, bytes) != 1 && inet_pton(AF_INET6, dst, bytes) != 1)
                dst[0] = '\0';
}

static void take_port(uint16_t *port, struct view v) {
        char digits[8] = "";
        uint64_t n;

        take(digits, sizeof(digits), v);
        if (*port == 0 && str_to_u64(digits, UINT16_MAX, &n) == 0)
                *port = (uint16_t)n;
}

/* "10.0.0.4:6443" or "[fd00::4]:6443" */
static void take_endpoint(struct kube_manifest *m, struct view v) {
        const char *colon = v.len ? memrchr(v.at, ':', v.len) : NULL;
        struct view address, port;

        if (!colon)
                return;
        address = (struct view){ v.at, (size_t)(colon - v.at) };
        port = (struct view){ colon + 1, v.len - address.len - 1 };
        if (address.len >= 2 && address.at[0] == '[' && address.at[address.len - 1] == ']') {
                skip(&address, 1);
                address.len--;
        }
        take_address(m->address, address);
        if (m->address[0])
                take_port(&m->port, port);
}

static void check_name(char *name, bool (*valid)(const char *s)) {
        if (name[0] && !valid(name))
                name[0] = '\0';
}

void kube_text_manifest(const char *text, size_t len, struct kube_manifest *ret) {
        struct view rest = { text, len }, line, v;

        *ret = (struct kube_manifest){ 0 };
        while (next_line(&rest, &line)) {
                if (value(line, "image:", &v))
                        take(ret->image, sizeof(ret->image), v);
                else if (value(line, "--advertise-address=", &v))
                        take_address(ret->address, v);
                else if (value(line, "--secure-port=", &v))
                        take_port(&ret->port, v);
                else if (value(line, "--name=", &v))
                        take(ret->name, sizeof(ret->name), v);
                else if (value(line, ENDPOINT, &v))
                        take_endpoint(ret, v);
        }
        check_name(ret->image, names_image_valid);
        check_name(ret->name, names_valid);
}

void kube_text_config(const char *text, size_t len, struct kube_config *ret) {
        struct view rest = { text, len }, line, v;

        *ret = (struct kube_config){ 0 };
        while (next_line(&rest, &line)) {
                if (value(line, "server:", &v))
                        take(ret->server, sizeof(ret->server), v);
                else if (value(line, "client-certificate:", &v))
                        take(ret->cert_path, sizeof(ret->cert_path), v);
                else if (value(line, "client-certificate-data:", &v) && !ret->cert_data && v.len) {
                        ret->cert_data = v.at;
                        ret->cert_data_len = v.len;
                }
        }
        if (!str_starts(ret->server, "https://"))
                ret->server[0] = '\0';
        if (ret->cert_path[0] != '/')
                ret->cert_path[0] = '\0';
}

#include "core/kube_version.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* One number at '*at', which is moved behind it. */
static int number(const char **at, uint16_t *ret) {
        unsigned value = 0;

        if (!is_digit(**at))
                return -EINVAL;
        for (; is_digit(**at); (*at)++) {
                value = value * 10 + (unsigned)(**at - '0');
                if (value > KUBE_VERSION_NUMBER)
                        return -ERANGE;
        }
        *ret = (uint16_t)value;
        return 0;
}

/* "+rpt1", "-rc.0", "-alpha.1+dirty", "+" (GKE), and white space at the end. */
static bool rest_valid(const char *s) {
        if (*s == '+' || *s == '-')
                while (is_digit(*s) || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                       *s == '.' || *s == '+' || *s == '-' || *s == '~')
                        s++;
        return s[strspn(s, " \r\n")] == '\0';
}

int kube_version_parse(const char *text, struct kube_version *ret) {
        struct kube_version v = { 0 };
        int r;

        if (strnlen(text, KUBE_VERSION_TEXT) == KUBE_VERSION_TEXT)
                return -EINVAL;
        if (str_starts(text, "Kubernetes "))
                text += strlen("Kubernetes ");
        if (*text == 'v')
                text++;
        r = number(&text, &v.major);
        if (r == 0 && *text++ != '.')
                r = -EINVAL;
        if (r == 0)
                r = number(&text, &v.minor);
        if (r == 0 && *text == '.') {
                text++;
                r = number(&text, &v.patch);
        }
        if (r < 0)
                return r;
        if (!rest_valid(text))
                return -EINVAL;
        *ret = v;
        return 0;
}

int kube_version_compare(struct kube_version a, struct kube_version b) {
        if (a.major != b.major)
                return a.major < b.major ? -1 : 1;
        if (a.minor != b.minor)
                return a.minor < b.minor ? -1 : 1;
        return a.patch == b.patch ? 0 : a.patch < b.patch ? -1 : 1;
}

bool kube_version_from(struct kube_version v, uint16_t major, uint16_t minor) {
        return v.major != major ? v.major > major : v.minor >= minor;
}

char *kube_version_text(char dst[static KUBE_VERSION_SIZE], struct kube_version v) {
        (void)snprintf(dst, KUBE_VERSION_SIZE, "v%u.%u.%u", v.major % 1000u, v.minor % 1000u,
                       v.patch % 1000u);
        return dst;
}

bool kube_skew_ok(struct kube_version api, struct kube_version kubelet) {
        int older = kube_version_from(api, 1, 28) ? 3 : 2;

        return api.major == kubelet.major && kubelet.minor <= api.minor &&
               api.minor - kubelet.minor <= older;
}

/* kube_version - reads the versions of Kubernetes' programs and says which go together.  Pure. */
#ifndef BRAMBLE_CORE_KUBE_VERSION_H
#define BRAMBLE_CORE_KUBE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

enum {
        KUBE_VERSION_TEXT = 64,    /* more characters than any version has */
        KUBE_VERSION_NUMBER = 999, /* no part is above */
        KUBE_VERSION_SIZE = 16,    /* "v999.999.999" and its NUL */
};

/* All zero: not known. */
struct kube_version {
        uint16_t major, minor, patch;
};

/* "v1.20.2", "1.26" (patch 0), "v1.20.2+rpt1", "v1.31.0-rc.0", "Kubernetes v1.20.2\n" as kubelet
 * prints it.  What stands behind the numbers is checked and dropped.  -EINVAL for anything else,
 * -ERANGE for a number above 999. */
int kube_version_parse(const char *text, struct kube_version *ret);

/* Below 0, 0 or above 0 where 'a' is older than, the same as, or newer than 'b'. */
int kube_version_compare(struct kube_version a, struct kube_version b);

/* Whether 'v' is major.minor or newer, whatever the patch. */
bool kube_version_from(struct kube_version v, uint16_t major, uint16_t minor);

/* "v1.20.2".  Returns dst. */
char *kube_version_text(char dst[static KUBE_VERSION_SIZE], struct kube_version v);

/* Whether this kubelet may serve this API server: never a newer minor, at most two minors older,
 * three from API 1.28 on (Kubernetes' version skew policy).  Patches do not matter. */
bool kube_skew_ok(struct kube_version api, struct kube_version kubelet);

#endif

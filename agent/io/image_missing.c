/* Which of some blobs are not in the store: what a push needs not send is not sent. */
#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/image_call.h"

#include <errno.h>
#include <string.h>

struct missing_job {
        struct image_caller k;
        image_missing_cb done;
        void *arg;
        size_t n, at;
        bool missing[IMAGE_MISSING_MAX];
        char digests[IMAGE_MISSING_MAX][SIZE_DIGEST];
};

static void finish(struct missing_job *j, int result, const char *why) {
        bool missing[IMAGE_MISSING_MAX];
        image_missing_cb done = j->done;
        void *arg = j->arg;
        size_t n = j->n;

        memcpy(missing, j->missing, sizeof(missing));
        image_caller_done(&j->k);
        free(j);
        done(arg, result, why, missing, result == 0 ? n : 0);
}

static void look(struct missing_job *j);

static void looked(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct missing_job *j = arg;

        (void)reply;
        if (result < 0 && result != -ENOENT) {
                finish(j, result, why);
                return;
        }
        j->missing[j->at++] = result == -ENOENT;
        look(j);
}

static void look(struct missing_job *j) {
        Ctr__ContentInfoRequest request = CTR__CONTENT_INFO_REQUEST__INIT;

        if (j->at == j->n) {
                finish(j, 0, "");
                return;
        }
        request.digest = j->digests[j->at];
        image_call(&j->k, &ctr_content_info, &request.base, looked, j);
}

static void begin(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)result;
        (void)why;
        (void)reply;
        look(arg);
}

int image_missing(struct containers *c, const char (*digests)[SIZE_DIGEST], size_t n,
                  image_missing_cb done, void *arg) {
        struct missing_job *j;
        int r;

        if (n > IMAGE_MISSING_MAX)
                return -E2BIG;
        for (size_t i = 0; i < n; i++)
                if (!image_digest_valid(digests[i]))
                        return -EINVAL;
        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        r = image_caller_init(&j->k, c);
        if (r < 0) {
                free(j);
                return r;
        }
        j->n = n;
        memcpy(j->digests, digests, n * SIZE_DIGEST);
        j->done = done;
        j->arg = arg;
        image_call_later(&j->k, 0, begin, j);
        return 0;
}

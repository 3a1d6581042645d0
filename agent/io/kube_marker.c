#include "io/kube_marker.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/names.h"
#include "io/json.h"
#include "io/sensors_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "kube.json"
#define NEW_NAME  FILE_NAME ".new"

static const char *const roles[] = { [KUBE_ROLE_WORKER] = "worker", [KUBE_ROLE_PLANE] = "plane" };

static int parse_role(const char *text, enum kube_role *ret) {
        for (size_t i = KUBE_ROLE_WORKER; i < ARRAY_SIZE(roles); i++) {
                if (!str_eq(text, roles[i]))
                        continue;
                *ret = (enum kube_role)i;
                return 0;
        }
        return -EBADMSG;
}

int kube_marker_parse(const char *text, size_t len, struct kube_marker *ret, struct fail *f) {
        struct kube_marker m = { 0 };
        auto_json cJSON *o = NULL;
        const char *name;
        uint64_t epoch;

        if (len >= KUBE_MARKER_BYTES || json_parse_object(text, len, &o, NULL) < 0)
                return fail(f, -EBADMSG, "%s is damaged", FILE_NAME);
        name = json_text(o, "name", "");
        if (str_from_hex64(json_text(o, "bramble", ""), &m.bramble) < 0 || m.bramble == 0)
                return fail(f, -EBADMSG, "%s names no bramble", FILE_NAME);
        if (json_number(o, "epoch", UINT32_MAX, &epoch) < 0)
                return fail(f, -EBADMSG, "%s names no epoch", FILE_NAME);
        if (parse_role(json_text(o, "role", NULL), &m.role) < 0)
                return fail(f, -EBADMSG, "%s names no role", FILE_NAME);
        if (!names_valid(name) || str_copy(m.name, sizeof(m.name), name) < 0)
                return fail(f, -EBADMSG, "%s names no node", FILE_NAME);
        m.epoch = (uint32_t)epoch;
        m.done = json_bool(o, "done");
        *ret = m;
        return 0;
}

static int open_dir(const char *state_dir, struct fail *f) {
        int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? fail(f, -errno, "cannot open %s: %s", state_dir, strerror(errno)) : fd;
}

int kube_marker_read(const char *state_dir, struct kube_marker *ret, struct fail *f) {
        auto_close int dir = open_dir(state_dir, f);
        char text[KUBE_MARKER_BYTES + 1];
        long n;
        int r;

        if (dir == -ENOENT)
                return 0;
        if (dir < 0)
                return dir;
        n = sensors_file_read(dir, FILE_NAME, text, sizeof(text));
        if (n == -ENOENT)
                return 0;
        if (n == -EISDIR || n == -EINVAL)
                n = -EBADMSG;
        if (n < 0)
                return fail(f, (int)n, "cannot read %s/%s: %s", state_dir, FILE_NAME,
                            strerror((int)-n));
        r = kube_marker_parse(text, (size_t)n, ret, f);
        return r < 0 ? r : 1;
}

static int write_new(int dir, const char *text, size_t len) {
        auto_close int fd = -1;

        (void)unlinkat(dir, NEW_NAME, 0); /* of a power cut */
        fd = openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        while (len > 0) {
                ssize_t n = write(fd, text, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                len -= (size_t)n;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

int kube_marker_write(const char *state_dir, const struct kube_marker *m, struct fail *f) {
        auto_close int dir = open_dir(state_dir, f);
        char text[KUBE_MARKER_BYTES], old[KUBE_MARKER_BYTES + 1], bramble[17];
        long n;
        int len, r;

        assert(m->bramble != 0 && names_valid(m->name) && m->role != KUBE_ROLE_NONE &&
               (size_t)m->role < ARRAY_SIZE(roles));
        if (dir < 0)
                return dir;
        str_hex64(m->bramble, bramble);
        len = snprintf(text, sizeof(text),
                       "{ \"bramble\": \"%s\", \"epoch\": %" PRIu32
                       ", \"name\": \"%s\", \"role\": \"%s\", \"done\": %s }\n",
                       bramble, m->epoch, m->name, roles[m->role], m->done ? "true" : "false");
        n = sensors_file_read(dir, FILE_NAME, old, sizeof(old));
        if (n == len && memcmp(old, text, (size_t)len) == 0)
                return 0; /* an SD card is not written without a reason */
        r = write_new(dir, text, (size_t)len);
        if (r == 0 && renameat(dir, NEW_NAME, dir, FILE_NAME) < 0)
                r = -errno;
        if (r < 0)
                return fail(f, r, "cannot write %s/%s: %s", state_dir, FILE_NAME, strerror(-r));
        (void)fsync(dir);
        return 0;
}

int kube_marker_remove(const char *state_dir, struct fail *f) {
        auto_close int dir = open_dir(state_dir, f);

        if (dir < 0)
                return dir == -ENOENT ? 0 : dir;
        if (unlinkat(dir, FILE_NAME, 0) < 0 && errno != ENOENT)
                return fail(f, -errno, "cannot remove %s/%s: %s", state_dir, FILE_NAME,
                            strerror(errno));
        (void)fsync(dir);
        return 0;
}

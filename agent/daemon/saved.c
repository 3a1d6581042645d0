#include "daemon/saved.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wire.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SAVED_FORMAT = 2, SAVED_BYTES = LIMIT_PEERS_FILE };

static int encode(const struct saved *s, struct buf *out) {
        struct wire_out w = { .buf = out };

        wire_put_u8(&w, SAVED_FORMAT);
        wire_put_u64(&w, s->node);
        wire_put_u64(&w, s->bramble);
        wire_put_u16(&w, s->subnet);
        wire_put_text(&w, s->name);
        wire_put_u32(&w, s->n_left);
        for (uint32_t i = 0; i < s->n_left; i++)
                wire_put_u64(&w, s->left[i]);
        wire_put_u32(&w, s->n_peers);
        for (uint32_t i = 0; i < s->n_peers; i++) {
                wire_put_u64(&w, s->peers[i].node);
                wire_put_text(&w, s->peers[i].address);
                wire_put_u16(&w, s->peers[i].port);
        }
        return wire_end(&w);
}

static int decode(const void *data, size_t len, struct saved *s) {
        struct wire_in w = wire_in(data, len);

        if (wire_get_u8(&w) != SAVED_FORMAT)
                return -EBADMSG;
        s->node = wire_get_u64(&w);
        s->bramble = wire_get_u64(&w);
        s->subnet = wire_get_u16(&w);
        wire_get_text(&w, s->name, sizeof(s->name));
        s->n_left = wire_get_count(&w, FORMATION_LEFT);
        for (uint32_t i = 0; i < s->n_left; i++)
                s->left[i] = wire_get_u64(&w);
        s->n_peers = wire_get_count(&w, LIMIT_BOARDS);
        for (uint32_t i = 0; i < s->n_peers; i++) {
                s->peers[i].node = wire_get_u64(&w);
                wire_get_text(&w, s->peers[i].address, sizeof(s->peers[i].address));
                s->peers[i].port = wire_get_u16(&w);
        }
        return wire_complete(&w) ? 0 : -EBADMSG;
}

/* The file's bytes; 0 for none.  -errno. */
static ssize_t read_file(const char *path, char *data, size_t size) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t len = 0;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        while (len < size) {
                ssize_t n = read(fd, data + len, size - len);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        return (ssize_t)len;
}

int saved_read(const char *state_dir, struct saved *ret, struct fail *f) {
        char path[256], data[SAVED_BYTES];
        ssize_t len;

        (void)snprintf(path, sizeof(path), "%s/member", state_dir);
        *ret = (struct saved){ 0 };
        len = read_file(path, data, sizeof(data));
        if (len < 0)
                return fail(f, (int)len, "cannot read %s: %s", path, strerror((int)-len));
        if (len > 0 && decode(data, (size_t)len, ret) < 0) {
                log_warning("%s is damaged, this board starts fresh", path);
                *ret = (struct saved){ 0 };
        }
        return 0;
}

static int write_all(int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

int saved_write(const char *state_dir, const struct saved *s, struct fail *f) {
        char path[256], temporary[256], old[SAVED_BYTES];
        auto_close int fd = -1, dir = -1;
        auto_buf struct buf b = { .limit = SAVED_BYTES };
        ssize_t len;
        int r;

        (void)snprintf(path, sizeof(path), "%s/member", state_dir);
        (void)snprintf(temporary, sizeof(temporary), "%s/member.new", state_dir);
        r = encode(s, &b);
        if (r < 0)
                return fail(f, r, "cannot remember the bramble: %s", strerror(-r));
        len = read_file(path, old, sizeof(old));
        if (len == (ssize_t)b.len && memcmp(old, b.data, b.len) == 0)
                return 0; /* an SD card is not written without a reason */
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : write_all(fd, b.data, b.len);
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                return fail(f, r, "cannot write %s: %s", path, strerror(-r));
        dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0)
                (void)fsync(dir);
        return 0;
}

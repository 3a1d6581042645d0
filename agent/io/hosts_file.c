#include "io/hosts_file.h"

#include "io/file_text.h"

#include <errno.h>
#include <string.h>

#define HOSTS_PATH "etc/hosts"

/* A file that is missing is an empty one. */
static int read_hosts(int root_fd, struct buf *ret, struct fail *f) {
        int r = file_text_read(root_fd, HOSTS_PATH, HOSTS_BYTES, ret);

        if (r == -EFBIG)
                return fail(f, r, "/etc/hosts is longer than %d bytes", HOSTS_BYTES);
        if (r < 0 && r != -ENOENT)
                return fail(f, r, "cannot read /etc/hosts: %s", strerror(-r));
        return 0;
}

static int write_hosts(int root_fd, const struct buf *want, struct fail *f) {
        int r = file_text_write(root_fd, HOSTS_PATH, want->data, want->len, 0644);

        return r < 0 ? fail(f, r, "cannot write /etc/hosts: %s", strerror(-r)) : r;
}

int hosts_file_set(int root_fd, const struct hosts_entry *entries, size_t n, struct fail *f) {
        auto_buf struct buf now = { 0 }, want = { 0 };
        int r = read_hosts(root_fd, &now, f);

        if (r == 0)
                r = hosts_text_set(now.data, now.len, entries, n, &want, f);
        if (r < 0 || (now.len == 0 && want.len == 0))
                return r;
        return write_hosts(root_fd, &want, f);
}

int hosts_file_name(int root_fd, const char *name, const char *old, struct fail *f) {
        auto_buf struct buf now = { 0 }, want = { 0 };
        int r = read_hosts(root_fd, &now, f);

        if (r == 0)
                r = hosts_name_set(now.data, now.len, name, old, &want, f);
        return r < 0 ? r : write_hosts(root_fd, &want, f);
}

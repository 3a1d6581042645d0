#include "watchdog/files.h"

#include "base/str.h"
#include "core/http_file.h"
#include "core/http_status.h"
#include "watchdog/connection.h"
#include "watchdog/mode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PIECES = 8, HEADERS = 512 };

int files_start(struct watchdog *d, struct fail *f) {
        const char *path = d->options.static_path;

        d->root = -1;
        if (d->options.mode != MODE_STATIC)
                return 0;
        d->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return d->root < 0 ? fail(f, -errno, "cannot open static_path '%.200s': %s", path,
                                  strerror(errno))
                           : 0;
}

/* ---- finding ------------------------------------------------------------------------------ */

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* For kernels before 5.6, and where something forbids what it does not know: part by part, and no
 * link is followed. */
static int open_parts(int root, char *path) {
        auto_close int at = -1;
        char *part = path, *slash;
        int file;

        while ((slash = strchr(part, '/')) && slash[1]) {
                int fd;

                *slash = '\0';
                fd = openat(at < 0 ? root : at, part,
                            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                if (at >= 0)
                        (void)close(at);
                at = fd;
                part = slash + 1;
        }
        file = openat(at < 0 ? root : at, *part ? part : ".", OPEN_FLAGS | O_NOFOLLOW);
        return file < 0 ? -errno : file;
}

/* Never anything that is not below the folder, whatever links there are. */
static int open_below(int root, char *path) {
        struct open_how how = { .flags = OPEN_FLAGS,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
        long fd = syscall(SYS_openat2, root, path[0] ? path : ".", &how, sizeof(how));

        if (fd >= 0)
                return (int)fd;
        return errno == ENOSYS || errno == EPERM ? open_parts(root, path) : -errno;
}

static unsigned status_of(int error) {
        switch (error) {
        case EACCES:
        case EPERM:
                return 403;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
                return 503;
        default:
                return 404;
        }
}

/* ---- answering ---------------------------------------------------------------------------- */

/* Begins an answer with a length; 'headers' are more of it. */
static bool begin(struct call *c, unsigned status, uint64_t length, const char *headers) {
        char lines[CONNECTION_LINES];
        struct buf head = { 0 };

        connection_stream_lines(c->connection, true, lines);
        if (buf_printf(&head, "HTTP/1.1 %u %s\r\n", status, http_reason(status)) < 0 ||
            (status != 304 &&
             buf_printf(&head, "Content-Length: %llu\r\n", (unsigned long long)length) < 0) ||
            buf_printf(&head, "%s%s\r\n", headers, lines) < 0) {
                buf_done(&head);
                call_fail(c, 500, "no memory for an answer");
                return false;
        }
        connection_stream_begin(c->connection, status, &head);
        return true;
}

static void end(struct call *c) {
        call_end(c);
        connection_stream_end(c->connection, true);
}

/* A sentence of ours, with 'headers'. */
static void say(struct call *c, unsigned status, const char *headers, const char *text) {
        char all[HEADERS + 128];

        (void)snprintf(all, sizeof(all),
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "X-OpenFaaS-Internal: fwatchdog\r\n%s",
                       headers);
        if (!begin(c, status, strlen(text), all))
                return;
        (void)connection_stream(c->connection, text, strlen(text));
        if (c->active)
                end(c);
}

/* "/a/b" is a folder: "./b/", which holds however this was reached. */
static void redirect(struct call *c, const struct http_head *head) {
        char line[HEADERS];
        size_t n = head->path.len;
        const char *last;

        while (n > 0 && head->path.at[n - 1] != '/')
                n--;
        last = head->path.at + n;
        n = head->path.len - n;
        if (n + head->query.len > HEADERS - 32) {
                say(c, 404, "", "there is no such file: a folder ends with '/'\n");
                return;
        }
        (void)snprintf(line, sizeof(line), "Location: ./%.*s/%s%.*s\r\n", (int)n, last,
                       head->query.at ? "?" : "", (int)head->query.len, str_or(head->query.at, ""));
        say(c, 301, line, "this is a folder: its address ends with '/'\n");
}

static void pump(struct call *c) {
        ssize_t n = 1;

        for (int i = 0; i < PIECES && n > 0 && c->file.left > 0; i++) {
                n = connection_stream_file(c->connection, c->file.fd, &c->file.at, c->file.left);
                if (n > 0)
                        c->file.left -= (uint64_t)n;
        }
        if (!c->active) /* the client is gone */
                return;
        if (n < 0)
                call_fail(c, 500, "a file became shorter while it was sent");
        else if (c->file.left == 0)
                end(c);
        else
                c->paused = true;
}

static bool not_modified(const struct http_head *head, int64_t changed) {
        const struct http_text *since = http_header(head, "If-Modified-Since");
        int64_t seen;

        return since && http_date_read(since, &seen) == 0 && changed <= seen;
}

/* A part is meant for the file that the client saw: where If-Range names another, it gets all. */
static enum http_range range_of(const struct http_head *head, const char *date, uint64_t size,
                                uint64_t *from, uint64_t *length) {
        const struct http_text *range = http_header(head, "Range");
        const struct http_text *same = http_header(head, "If-Range");

        if (same && !http_text_is(same, date))
                range = NULL;
        return http_range(range, size, from, length);
}

static void send_file(struct call *c, const struct http_head *head, const struct stat *st,
                      const char *type) {
        uint64_t size = (uint64_t)st->st_size, from = 0, length = size;
        unsigned status = 200;
        char date[HTTP_DATE], headers[HEADERS], part[80] = "";

        http_date_print(st->st_mtime, date);
        if (not_modified(head, st->st_mtime)) {
                status = 304;
        } else {
                enum http_range r = range_of(head, date, size, &from, &length);

                if (r == HTTP_RANGE_NONE) {
                        (void)snprintf(part, sizeof(part), "Content-Range: bytes */%llu\r\n",
                                       (unsigned long long)size);
                        say(c, 416, part, "the range lies behind the end of the file\n");
                        return;
                }
                if (r == HTTP_RANGE_PART) {
                        status = 206;
                        (void)snprintf(
                                part, sizeof(part), "Content-Range: bytes %llu-%llu/%llu\r\n",
                                (unsigned long long)from, (unsigned long long)(from + length - 1),
                                (unsigned long long)size);
                }
        }
        (void)snprintf(headers, sizeof(headers),
                       "Content-Type: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s",
                       str_or(c->dog->options.content_type, type), date, part);
        if (!begin(c, status, length, headers))
                return;
        c->file.at = (off_t)from;
        c->file.left = status == 304 || c->file.without_body ? 0 : length;
        if (c->file.left > 0)
                pump(c);
        else
                end(c);
}

/* Opens what the path means: a folder's index.html for the folder.  -EISDIR: a '/' is missing. */
static int open_path(struct call *c, char path[static HTTP_FILE_PATH], struct stat *ret) {
        size_t len = strlen(path);

        if (len == 0 || path[len - 1] == '/') {
                if (str_copy(path + len, HTTP_FILE_PATH - len, "index.html") < 0)
                        return -ENAMETOOLONG;
        }
        c->file.fd = open_below(c->dog->root, path);
        if (c->file.fd < 0)
                return c->file.fd;
        if (fstat(c->file.fd, ret) < 0)
                return -errno;
        if (S_ISDIR(ret->st_mode))
                return -EISDIR;
        return S_ISREG(ret->st_mode) ? 0 : -ENOENT;
}

static void files_begin(struct call *c, const struct http_head *head) {
        char path[HTTP_FILE_PATH];
        struct stat st;
        int r;

        c->file.fd = -1;
        c->file.without_body = http_text_is(&head->method, "HEAD");
        if (!c->file.without_body && !http_text_is(&head->method, "GET")) {
                say(c, 405, "Allow: GET, HEAD\r\n", "files can only be read: GET or HEAD\n");
                return;
        }
        r = http_file_path(&head->path, path);
        if (r == -EINVAL) {
                say(c, 400, "", "the path has '..' or a broken % in it\n");
                return;
        }
        if (r == 0)
                r = open_path(c, path, &st);
        if (r == -EISDIR) {
                redirect(c, head);
        } else if (r < 0) {
                unsigned status = status_of(-r);

                say(c, status, "",
                    status == 404   ? "there is no such file\n"
                    : status == 403 ? "this file may not be read\n"
                                    : "too much at once: try again\n");
        } else {
                send_file(c, head, &st, http_file_type(path));
        }
}

static size_t files_body(struct call *c, const char *data, size_t len) {
        (void)c;
        (void)data;
        return len;
}

static void files_body_end(struct call *c) {
        (void)c;
}

static void files_overdue(struct call *c) {
        call_fail(c, 408, "the file could not be sent within exec_timeout");
}

static void files_end(struct call *c) {
        if (c->file.fd >= 0)
                (void)close(c->file.fd);
        c->file.fd = -1;
}

const struct mode mode_static = { .begin = files_begin,
                                  .body = files_body,
                                  .body_end = files_body_end,
                                  .drained = pump,
                                  .overdue = files_overdue,
                                  .end = files_end };

/* The real fwatchdog in mode static. */
#include "fwatchdog_modes_bed.h"

static void put_file(const char *dir, const char *name, const char *text) {
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void static_files(void **state) {
        static const struct {
                const char *request;
                unsigned status;
                const char *body, *header, *value;
        } cases[] = {
                { GET("/"), 200, "root", "Content-Type", "text/html; charset=utf-8" },
                { GET("/a.txt?x=y"), 200, "0123456789", "Content-Type",
                  "text/plain; charset=utf-8" },
                { GET("//./a.txt"), 200, "0123456789", "Content-Length", "10" },
                { GET("/%61.txt"), 200, "0123456789", "Last-Modified",
                  "Sun, 06 Nov 1994 08:49:37 GMT" },
                { "HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n", 200, "", "Content-Length", "10" },
                { GET("/sub"), 301, NULL, "Location", "./sub/" },
                { GET("//sub?q=1"), 301, NULL, "Location", "./sub/?q=1" },
                { GET("/sub/"), 200, "below", NULL, NULL },
                { GET("/sub/link"), 200, "0123456789", NULL, NULL }, /* stays below the root */
                { GET("/empty"), 200, "", "Content-Length", "0" },
                { GET("/out"), 404, NULL, "X-OpenFaaS-Internal", "fwatchdog" },
                { GET("/absolute"), 404, NULL, NULL, NULL },
                { GET("/up/passwd"), 404, NULL, NULL, NULL },
                { GET("/fifo"), 404, NULL, NULL, NULL },
                { GET("/none"), 404, NULL, NULL, NULL },
                { GET("/a.txt/"), 404, NULL, NULL, NULL },
                { GET("/../etc/passwd"), 400, NULL, NULL, NULL },
                { GET("/%2e%2e/etc/passwd"), 400, NULL, NULL, NULL },
                { GET("/a%00.txt"), 400, NULL, NULL, NULL },
                { POST("/a.txt", "2") "ab", 405, NULL, "Allow", "GET, HEAD" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\n\r\n", 206, "234",
                  "Content-Range", "bytes 2-4/10" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=10-\r\n\r\n", 416, NULL,
                  "Content-Range", "bytes */10" },
                { "GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=2-4\r\nIf-Range: x\r\n\r\n", 200,
                  "0123456789", NULL, NULL },
                { "GET /a.txt HTTP/1.1\r\n" HOST
                  "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
                  304, "", NULL, NULL },
                { "GET /a.txt HTTP/1.1\r\n" HOST
                  "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n\r\n",
                  200, "0123456789", NULL, NULL },
        };
        static const struct timespec then[2] = { { 784111777, 0 }, { 784111777, 0 } };
        static const char *const names[] = { "index.html", "a.txt",    "empty",
                                             "fifo",       "out",      "absolute",
                                             "up",         "sub/link", "sub/index.html" };
        struct bed b;
        char set[64], path[128];
        auto_close int fd = -1;
        struct reply r = { 0 };

        (void)state;
        bed_init(&b);
        snprintf(path, sizeof(path), "%s/sub", b.dir);
        assert_int_equal(mkdir(path, 0755), 0);
        put_file(b.dir, "index.html", "root");
        put_file(b.dir, "a.txt", "0123456789");
        put_file(b.dir, "empty", "");
        put_file(b.dir, "sub/index.html", "below");
        snprintf(path, sizeof(path), "%s/a.txt", b.dir);
        assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
        snprintf(path, sizeof(path), "%s/sub/link", b.dir);
        assert_int_equal(symlink("../a.txt", path), 0);
        snprintf(path, sizeof(path), "%s/out", b.dir);
        assert_int_equal(symlink("../../etc/passwd", path), 0);
        snprintf(path, sizeof(path), "%s/absolute", b.dir);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        snprintf(path, sizeof(path), "%s/up", b.dir);
        assert_int_equal(symlink("/etc", path), 0);

        snprintf(set, sizeof(set), "static_path=%s", b.dir);
        bed_start(&b, NULL, "mode=static", set, NULL);
        fd = bed_dial(&b); /* all on one connection */
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bed_say(fd, cases[i].request);
                assert_true(bed_hear(fd, strncmp(cases[i].request, "HEAD", 4) == 0, &r));
                assert_int_equal(r.head.status, cases[i].status);
                if (cases[i].body)
                        assert_string_equal(r.body, cases[i].body);
                if (cases[i].header)
                        assert_string_equal(str_or(reply_header(&r, cases[i].header), ""),
                                            cases[i].value);
                assert_non_null(reply_header(&r, "X-Duration-Seconds"));
        }
        reply_done(&r);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", b.dir, names[i]);
                (void)unlink(path);
        }
        snprintf(path, sizeof(path), "%s/sub", b.dir);
        assert_int_equal(rmdir(path), 0);
        bed_stop(&b);
}

static void static_large(void **state) {
        struct bed b;
        char set[64], path[128];
        auto_free char *data = malloc(BIG);
        auto_reply struct reply r = { 0 };
        auto_close int client = -1;
        int fd;

        (void)state;
        bed_init(&b);
        for (size_t i = 0; i < BIG; i++)
                data[i] = (char)(i * 2654435761U >> 24);
        snprintf(path, sizeof(path), "%s/big", b.dir);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, data, BIG), BIG);
        close(fd);
        snprintf(set, sizeof(set), "static_path=%s", b.dir);
        bed_start(&b, NULL, "mode=static", set, NULL);
        client = bed_dial(&b);
        for (int i = 0; i < 2; i++) { /* the connection is whole afterwards */
                bed_say(client, GET("/big"));
                assert_true(bed_hear(client, false, &r));
                assert_int_equal(r.len, BIG);
                assert_memory_equal(r.body, data, BIG);
        }
        unlink(path);
        bed_stop(&b);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(static_files),
                cmocka_unit_test(static_large),
        };

        bed_main(argc, argv, functions, ARRAY_SIZE(functions));
        return cmocka_run_group_tests_name("fwatchdog_static", tests, NULL, NULL);
}

/* root_fixture - a folder that stands in for a board's root, with what a test needs to fill it and
 * to look into it. */
#ifndef BRAMBLE_TESTS_ROOT_FIXTURE_H
#define BRAMBLE_TESTS_ROOT_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char root_path[] = "/tmp/bramble-root-XXXXXX";
static int root = -1;

static inline int root_make(void **state) {
        (void)state;
        (void)strcpy(root_path + sizeof(root_path) - 7, "XXXXXX");
        if (!mkdtemp(root_path))
                return -1;
        root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return root < 0 ? -1 : 0;
}

static inline int root_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *at) {
        (void)st;
        (void)type;
        (void)at;
        return remove(path);
}

static inline int root_remove(void **state) {
        (void)state;
        (void)close(root);
        return nftw(root_path, root_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The whole path of something in the root; until the fourth call after this. */
static inline const char *root_in(const char *path) {
        static char full[4][512];
        static unsigned next;

        (void)snprintf(full[++next % 4], sizeof(full[0]), "%s/%s", root_path, path);
        return full[next % 4];
}

/* The folders above 'path'; where it ends with a '/', itself too. */
static inline void root_folders(const char *path) {
        char dir[512];

        (void)snprintf(dir, sizeof(dir), "%s", path);
        for (char *s = strchr(dir, '/'); s; s = strchr(s + 1, '/')) {
                *s = '\0';
                if (mkdirat(root, dir, 0755) < 0)
                        assert_int_equal(errno, EEXIST);
                *s = '/';
        }
}

/* A file with its folders. */
static inline void root_bytes(const char *path, const void *data, size_t len, mode_t mode) {
        FILE *file;
        int fd;

        root_folders(path);
        fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        assert_return_code(fd, errno);
        assert_return_code(fchmod(fd, mode), errno);
        file = fdopen(fd, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, len, file), len);
        assert_int_equal(fclose(file), 0);
}

static inline void root_put(const char *path, const char *text, mode_t mode) {
        root_bytes(path, text, strlen(text), mode);
}

/* For tables: "PATH" makes an empty file, "PATH/" a folder, "PATH!" a program, "PATH=TEXT" a file
 * with text. */
static inline void root_lay(const char *what) {
        const char *equals = strchr(what, '=');
        size_t len = equals ? (size_t)(equals - what) : strlen(what);
        char path[256];

        (void)snprintf(path, sizeof(path), "%.*s", (int)len, what);
        if (path[len - 1] == '/') {
                root_folders(path);
        } else if (path[len - 1] == '!') {
                path[len - 1] = '\0';
                root_put(path, "#!/bin/sh\n", 0755);
        } else {
                root_put(path, equals ? equals + 1 : "", 0644);
        }
}

/* What a file holds; until the next call. */
static inline const char *root_text(const char *path) {
        static char text[8192];
        int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        assert_return_code(fd, errno);
        n = read(fd, text, sizeof(text) - 1);
        assert_true(n >= 0);
        (void)close(fd);
        text[n] = '\0';
        return text;
}

static inline struct stat root_stat(const char *path) {
        struct stat st;

        assert_return_code(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), errno);
        return st;
}

static inline int root_has(const char *path) {
        return faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif

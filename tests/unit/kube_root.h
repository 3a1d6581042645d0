/* kube_root - a folder that stands in for a board's root directory. */
#ifndef BRAMBLE_TESTS_KUBE_ROOT_H
#define BRAMBLE_TESTS_KUBE_ROOT_H

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

static char root[64];
static int root_fd = -1;

static __attribute__((unused)) const char *in_root(const char *path) {
        static char full[4][512];
        static unsigned next;

        (void)snprintf(full[++next % 4], sizeof(full[0]), "%s/%s", root, path);
        return full[next % 4];
}

static __attribute__((unused)) void make_folders(const char *path) {
        char full[512];

        (void)snprintf(full, sizeof(full), "%s", in_root(path));
        for (char *p = full + strlen(root) + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                (void)mkdir(full, 0700);
                *p = '/';
        }
}

static __attribute__((unused)) void put_bytes(const char *path, const void *data, size_t len) {
        FILE *f;

        make_folders(path);
        f = fopen(in_root(path), "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
}

/* "PATH" makes an empty file, "PATH/" a folder, "PATH!" a program, "PATH=TEXT" a file with text;
 * the folders above come by themselves. */
static __attribute__((unused)) void put(const char *what) {
        const char *equals = strchr(what, '=');
        size_t len = equals ? (size_t)(equals - what) : strlen(what);
        char path[256];

        (void)snprintf(path, sizeof(path), "%.*s", (int)len, what);
        make_folders(path);
        if (path[len - 1] == '/')
                return;
        if (path[len - 1] == '!') {
                path[len - 1] = '\0';
                put_bytes(path, "#!/bin/sh\n", 10);
                assert_int_equal(chmod(in_root(path), 0755), 0);
                return;
        }
        put_bytes(path, equals ? equals + 1 : "", equals ? strlen(equals + 1) : 0);
}

static __attribute__((unused)) int root_begin(void **state) {
        (void)state;
        (void)snprintf(root, sizeof(root), "/tmp/bramble-root-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return root_fd < 0 ? -1 : 0;
}

static int root_remove(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        (void)remove(path);
        return 0;
}

static __attribute__((unused)) int root_end(void **state) {
        (void)state;
        (void)close(root_fd);
        return nftw(root, root_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif

/* registry_login - users and passwords of image registries, in a file as docker's config.json. */
#ifndef BRAMBLE_IO_REGISTRY_LOGIN_H
#define BRAMBLE_IO_REGISTRY_LOGIN_H

#include "base/fail.h"

#include <stddef.h>

enum {
        REGISTRY_LOGIN_BYTES = 256 * 1024, /* the file */
        SIZE_LOGIN_USER = 256,
        SIZE_LOGIN_SECRET = 8 * 1024,
};

struct registry_login {
        char user[SIZE_LOGIN_USER];
        char password[SIZE_LOGIN_SECRET];
        char identity[SIZE_LOGIN_SECRET]; /* docker's identitytoken, in place of the two */
};

/* The login for a registry's host ("docker.io", "m1:5000").  -ENOENT: there is none (or no file);
 * -EINVAL and a sentence for a file that makes no sense. */
int registry_login_find(const char *path, const char *host, struct registry_login *ret,
                        struct fail *f);
/* The same, of the file's text: a parser of outside bytes. */
int registry_login_parse(const char *text, size_t len, const char *host, struct registry_login *ret,
                         struct fail *f);

/* Writes one login into the file, whose other entries stay, readable for root alone. */
int registry_login_put(const char *path, const char *host, const char *user, const char *password,
                       struct fail *f);
/* -ENOENT: there is none. */
int registry_login_remove(const char *path, const char *host, struct fail *f);
/* Hosts and users. */
int registry_login_each(const char *path,
                        void (*each)(void *arg, const char *host, const char *user), void *arg,
                        struct fail *f);

#endif

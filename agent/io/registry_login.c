#include "io/registry_login.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/registry.h"
#include "io/file_text.h"
#include "io/json.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* "auth": base64 of user:password. */
static int split_auth(const char *text, struct registry_login *ret) {
        size_t len = strlen(text), padding = 0, out;
        auto_free unsigned char *plain = malloc(len + 4);
        const char *colon;
        int n, r;

        if (!plain)
                return -ENOMEM;
        if (len == 0 || len % 4 != 0 || len > 2 * SIZE_LOGIN_SECRET)
                return -EINVAL;
        while (padding < 2 && text[len - 1 - padding] == '=')
                padding++;
        n = EVP_DecodeBlock(plain, (const unsigned char *)text, (int)len);
        if (n < (int)padding)
                return -EINVAL;
        out = (size_t)n - padding;
        plain[out] = '\0';
        colon = memchr(plain, ':', out);
        if (!colon)
                return -EINVAL;
        r = str_copy_n(ret->user, sizeof(ret->user), (char *)plain,
                       (size_t)(colon - (char *)plain));
        if (r == 0)
                r = str_copy_n(ret->password, sizeof(ret->password), colon + 1,
                               out - (size_t)(colon + 1 - (char *)plain));
        explicit_bzero(plain, out);
        return r;
}

static int take_entry(const cJSON *entry, struct registry_login *ret, struct fail *f) {
        const char *auth = json_text(entry, "auth", "");
        int r = 0;

        *ret = (struct registry_login){ 0 };
        if (auth[0])
                r = split_auth(auth, ret);
        else
                r = str_copy(ret->user, sizeof(ret->user), json_text(entry, "username", ""));
        if (r == 0 && !auth[0])
                r = str_copy(ret->password, sizeof(ret->password),
                             json_text(entry, "password", ""));
        if (r == 0)
                r = str_copy(ret->identity, sizeof(ret->identity),
                             json_text(entry, "identitytoken", ""));
        if (r < 0)
                return fail(f, -EINVAL, "the login for %.80s makes no sense",
                            str_or(entry->string, "?"));
        return ret->user[0] || ret->identity[0] ? 0 : -ENOENT;
}

static const cJSON *find(const cJSON *o, const char *host) {
        const cJSON *entry, *close = NULL;

        cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(o, "auths")) {
                if (entry->string && str_eq(entry->string, host))
                        return entry;
                if (entry->string && registry_entry_is(entry->string, host))
                        close = entry;
        }
        return close;
}

int registry_login_parse(const char *text, size_t len, const char *host, struct registry_login *ret,
                         struct fail *f) {
        auto_json cJSON *o = NULL;
        const cJSON *entry;

        if (json_parse_object(text, len, &o, NULL) < 0)
                return fail(f, -EINVAL, "it is no JSON object like docker's config.json");
        entry = find(o, host);
        return cJSON_IsObject(entry) ? take_entry(entry, ret, f) : -ENOENT;
}

/* An object, empty where there is no file. */
static int read_file(const char *path, cJSON **ret, struct fail *f) {
        auto_buf struct buf b = { 0 };
        int r = file_text_read(AT_FDCWD, path, REGISTRY_LOGIN_BYTES, &b);

        if (r == -ENOENT || (r == 0 && b.len == 0)) {
                *ret = cJSON_CreateObject();
                return *ret ? 0 : -ENOMEM;
        }
        if (r < 0)
                return fail(f, r, "cannot read %.200s: %s", path, strerror(-r));
        r = json_parse_object(b.data, b.len, ret, NULL);
        explicit_bzero(b.data, b.len);
        return r < 0 ? fail(f, -EINVAL, "%.200s is no JSON object like docker's config.json", path)
                     : 0;
}

int registry_login_find(const char *path, const char *host, struct registry_login *ret,
                        struct fail *f) {
        struct fail why = { 0 };
        auto_json cJSON *o = NULL;
        const cJSON *entry;
        int r = read_file(path, &o, f);

        if (r < 0)
                return r;
        entry = find(o, host);
        r = cJSON_IsObject(entry) ? take_entry(entry, ret, &why) : -ENOENT;
        return r == -EINVAL ? fail(f, r, "%.120s: %.160s", path, fail_text(&why)) : r;
}

static int write_file(const char *path, const cJSON *o, struct fail *f) {
        auto_free char *text = cJSON_Print(o);
        int r = text ? file_text_write(AT_FDCWD, path, text, strlen(text), 0600) : -ENOMEM;

        if (text)
                explicit_bzero(text, strlen(text));
        if (r >= 0 && chmod(path, 0600) < 0) /* one that a person put there */
                r = -errno;
        return r < 0 ? fail(f, r, "cannot write %.200s: %s", path, strerror(-r)) : 0;
}

int registry_login_put(const char *path, const char *host, const char *user, const char *password,
                       struct fail *f) {
        auto_free char *plain = NULL, *text = NULL;
        auto_json cJSON *o = NULL;
        cJSON *auths, *entry;
        int len, r = read_file(path, &o, f);

        if (r < 0)
                return r;
        if (strlen(user) >= SIZE_LOGIN_USER || strlen(password) >= SIZE_LOGIN_SECRET / 2 ||
            !user[0] || strchr(user, ':'))
                return fail(f, -EINVAL, "this is no user and password");
        len = asprintf(&plain, "%s:%s", user, password);
        if (len < 0) {
                plain = NULL;
                return -ENOMEM;
        }
        text = malloc((size_t)len * 4 / 3 + 8);
        if (!text)
                return -ENOMEM;
        (void)EVP_EncodeBlock((unsigned char *)text, (unsigned char *)plain, len);
        explicit_bzero(plain, (size_t)len);
        auths = cJSON_GetObjectItemCaseSensitive(o, "auths");
        if (!cJSON_IsObject(auths)) {
                cJSON_DeleteItemFromObjectCaseSensitive(o, "auths");
                auths = cJSON_AddObjectToObject(o, "auths");
        }
        cJSON_DeleteItemFromObjectCaseSensitive(auths, host);
        entry = cJSON_AddObjectToObject(auths, host);
        if (!cJSON_AddStringToObject(entry, "auth", text))
                return -ENOMEM;
        r = write_file(path, o, f);
        explicit_bzero(text, strlen(text));
        return r;
}

int registry_login_remove(const char *path, const char *host, struct fail *f) {
        auto_json cJSON *o = NULL;
        const cJSON *entry;
        bool any = false;
        int r = read_file(path, &o, f);

        if (r < 0)
                return r;
        while ((entry = find(o, host)) != NULL) {
                cJSON_Delete(cJSON_DetachItemViaPointer(
                        cJSON_GetObjectItemCaseSensitive(o, "auths"), (cJSON *)entry));
                any = true;
        }
        return any ? write_file(path, o, f) : -ENOENT;
}

int registry_login_each(const char *path,
                        void (*each)(void *arg, const char *host, const char *user), void *arg,
                        struct fail *f) {
        auto_json cJSON *o = NULL;
        const cJSON *entry;
        int r = read_file(path, &o, f);

        if (r < 0)
                return r;
        cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(o, "auths")) {
                struct registry_login login;

                if (entry->string && take_entry(entry, &login, NULL) == 0)
                        each(arg, entry->string, login.user[0] ? login.user : "(a token)");
                explicit_bzero(&login, sizeof(login));
        }
        return 0;
}

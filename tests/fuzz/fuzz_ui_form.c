/* The login form as it is posted, and the addresses and passwords in it on their way to a page. */
#include "core/html.h"
#include "core/login_limit.h"
#include "core/route.h"
#include "core/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const keys[] = { "user", "password", "csrf" };
        struct http_text form = { (const char *)data, size };
        static struct sessions sessions;
        static struct login_limit limit;

        for (size_t i = 0; i < 3; i++) {
                char value[SIZE_PASSWORD];
                struct buf page = { 0 };

                if (route_query(&form, keys[i], value, sizeof(value)) < 0)
                        continue;
                if (strlen(value) >= sizeof(value))
                        abort();
                if (html_add(&page, value) < 0 || (page.data && strpbrk(page.data, "<>\"'\n")))
                        abort();
                buf_done(&page);
                if (session_find(&sessions, 1, value)) /* nobody is logged in */
                        abort();
                login_limit_failed(&limit, 1, value);
                (void)login_limit_wait(&limit, 1, value);
        }
        return 0;
}

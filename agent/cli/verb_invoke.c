/* verb_invoke - calls a function through the gateway, as any HTTP client would. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "cli/hint.h"
#include "cli/verbs.h"

#include <curl/curl.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_BYTES = 2048, ANSWER_BYTES = 64 * 1024 * 1024 /* with -o json, kept whole */ };

/* To standard output as it comes, or into 'arg' where it becomes JSON. */
static size_t on_body(char *data, size_t size, size_t n, void *arg) {
        struct buf *whole = arg;

        if (!whole)
                return fwrite(data, size, n, stdout);
        return buf_add(whole, data, size * n) < 0 ? 0 : size * n;
}

static int print_answer(long status, const struct buf *answer) {
        const unsigned char *data = (const unsigned char *)str_or(answer->data, "");
        auto_free char *text = malloc(answer->len * 4 / 3 + 8);
        cJSON *o = cJSON_CreateObject();

        if (text)
                memcpy(text, data, answer->len);
        if (text)
                text[answer->len] = '\0';
        (void)cJSON_AddNumberToObject(o, "status", (double)status);
        if (text && !memchr(data, '\0', answer->len) &&
            memcmp(str_utf8(text), data, answer->len) == 0) {
                (void)cJSON_AddStringToObject(o, "body", text);
        } else if (text) {
                (void)EVP_EncodeBlock((unsigned char *)text, data, (int)answer->len);
                (void)cJSON_AddStringToObject(o, "body_base64", text);
        }
        return cli_print_json(o);
}

static int read_body(struct buf *b) {
        char chunk[16 * 1024];
        ssize_t n;

        if (isatty(STDIN_FILENO))
                return 0; /* nobody types a body by accident */
        while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
                if (buf_add(b, chunk, (size_t)n) < 0)
                        return -1;
        return n < 0 ? -1 : 0;
}

/* The function's answer goes to standard output as it comes. */
static int call(const struct cli *c, const char *url, const struct buf *body) {
        auto_buf struct buf answer = { .limit = ANSWER_BYTES };
        char why[CURL_ERROR_SIZE] = "";
        long status = 0;
        CURL *curl;
        CURLcode r;

        if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK || !(curl = curl_easy_init()))
                return cli_fail(c, "no memory");
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data ? body->data : "");
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, c->json ? &answer : NULL);
        (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "agentctl/" BRAMBLE_VERSION);
        r = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_cleanup(curl);
        (void)fflush(stdout);
        if (r != CURLE_OK)
                return cli_fail(c,
                                "cannot call %s: %s\nis the gateway running?  systemctl status "
                                "bramble-gateway; another "
                                "one: --gateway URL",
                                url, why[0] ? why : curl_easy_strerror(r));
        if (c->json)
                (void)print_answer(status, &answer);
        if (status >= 400)
                return cli_fail(c, "\nthe answer's status is %ld%s%s", status,
                                hint_of_status(status) ? ": " : "",
                                str_or(hint_of_status(status), ""));
        return CLI_DONE;
}

int verb_invoke(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "data", required_argument, NULL, 'd' },
                                                 { "path", required_argument, NULL, 'p' },
                                                 { 0 } };
        char gateway[512], url[URL_BYTES];
        const char *data = NULL, *path = "";
        auto_buf struct buf body = { 0 };
        int o;

        while ((o = getopt_long(argc, argv, "d:", options, NULL)) != -1) {
                if (o == 'd')
                        data = optarg;
                else if (o == 'p')
                        path = optarg;
                else
                        return cli_misused(c, argv[0], "this option is not known");
        }
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "invoke takes one NAME");
        if (strspn(argv[optind], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-_.") != strlen(argv[optind]))
                return cli_fail(c, "'%s' is no function name: agentctl functions lists them",
                                cli_safe(argv[optind]));
        if ((data ? buf_add_text(&body, data) : read_body(&body)) < 0)
                return cli_fail(c, "cannot read standard input: --data TEXT is another way");
        (void)snprintf(url, sizeof(url), "%s/function/%s%s%s",
                       cli_gateway(c, gateway, sizeof(gateway)), argv[optind],
                       path[0] && path[0] != '/' ? "/" : "", path);
        return call(c, url, &body);
}

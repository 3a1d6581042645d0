/* notify - one POST of JSON to a URL that a person chose, for alerts.  The URL is a secret: no
 * error repeats it. */
#include "base/str.h"
#include "io/json.h"
#include "pull/pull.h"

#include <errno.h>
#include <string.h>

enum { CONNECT_SEC = 10, ALL_SEC = 30 };

/* What it answers is of no interest. */
static size_t on_body(char *data, size_t size, size_t n, void *arg) {
        (void)data;
        (void)arg;
        return size * n;
}

static CURLcode post(const char *url, const char *body, const char *ca, long *ret_status) {
        struct curl_slist *headers = NULL;
        CURL *curl = curl_easy_init();
        CURLcode r;

        if (!curl)
                return CURLE_OUT_OF_MEMORY;
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SEC);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ALL_SEC);
        (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "bramble/" BRAMBLE_VERSION);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        if (ca[0])
                (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
        r = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        return r;
}

/* Another try may go better: it does not answer now, or says so itself. */
static bool passing(CURLcode error, long status) {
        if (error != CURLE_OK)
                return error != CURLE_URL_MALFORMAT && error != CURLE_UNSUPPORTED_PROTOCOL;
        return status == 408 || status == 425 || status == 429 || status >= 500;
}

int notify(const cJSON *request, bool *ret_final, struct fail *f) {
        const char *url = json_text(request, "url", ""), *body = json_text(request, "body", "");
        CURLcode error;
        long status = 0;

        error = post(url, body, json_text(request, "ca", ""), &status);
        *ret_final = !passing(error, status);
        if (error != CURLE_OK) /* libcurl's general words: its particular ones may hold the URL */
                return fail(f, -EIO, "%s", curl_easy_strerror(error));
        if (status < 200 || status > 299)
                return fail(f, -EIO, "it answers with status %ld", status);
        return 0;
}

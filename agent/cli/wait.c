/* wait - until a function is ready. */
#include "base/str.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "core/limits.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_SEC = 120, LOOK_MS = 200, MOST_LOOKS = 30 * 60 * 1000 / LOOK_MS };

static bool find(const cJSON *functions, const char *name, const char *namespace,
                 const cJSON **ret) {
        const cJSON *f;

        cJSON_ArrayForEach(f, functions) {
                if (!str_eq(json_text(f, "name", ""), name) ||
                    !str_eq(json_text(f, "namespace", ""), namespace))
                        continue;
                *ret = f;
                return true;
        }
        return false;
}

/* What a person may want to know while it starts: bytes as a bar, other news once. */
static bool say(struct progress *bar, const cJSON *f, char last[static SIZE_REASON]) {
        const char *reason = json_text(f, "reason", ""), *state = "";
        const cJSON *p = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(f, "placements"), 0);
        uint64_t done = 0, whole = 0;
        char now[SIZE_REASON];

        if (p)
                state = json_text(p, "state", "");
        (void)snprintf(now, sizeof(now), "%.150s", reason[0] ? reason : state);
        if (!now[0] || str_eq(now, last))
                return false;
        memcpy(last, now, SIZE_REASON);
        if (!progress_parse(now, &done, &whole)) {
                progress_step(bar, now);
                return true;
        }
        if (bar->whole != whole)
                progress_begin(bar, "fetching image", whole);
        progress_to(bar, done);
        return true;
}

uint64_t cli_generation(const cJSON *reply) {
        uint64_t generation = 0;

        (void)json_number(reply, "generation", UINT32_MAX, &generation);
        return generation;
}

/* Replicas of the newest deployment that answer; and none of an older one is called any more. */
static bool is_ready(const cJSON *f, uint64_t generation) {
        const cJSON *places = cJSON_GetObjectItemCaseSensitive(f, "placements"), *p;
        uint64_t wanted = 0, available = 0, now = cli_generation(f), fresh = 0;

        (void)json_number(f, "replicas", LIMIT_REPLICAS, &wanted);
        (void)json_number(f, "available_replicas", LIMIT_INSTANCES, &available);
        if (now == 0) /* an older agent's answer */
                return available >= wanted;
        if (now < generation)
                return false; /* this board has not heard of it yet */
        cJSON_ArrayForEach(p, places) {
                if (cli_generation(p) < now)
                        return false;
                fresh += str_eq(json_text(p, "state", ""), "ready");
        }
        return fresh >= wanted;
}

int cli_wait_ready(const struct cli *c, const char *name, const char *namespace,
                   uint64_t generation, bool print) {
        const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
        char last[SIZE_REASON] = "", url[256];
        struct progress bar;

        progress_begin(&bar, "fetching image", 0);

        for (int i = 0, all = 0; i < WAIT_SEC * 1000 / LOOK_MS && all < MOST_LOOKS; i++, all++) {
                const cJSON *f = NULL;
                bool done;
                cJSON *o;

                if (cli_ask(c, cli_request("functions"), NULL, NULL, &o) != CLI_DONE) {
                        progress_end(&bar);
                        return CLI_FAILED;
                }
                if (find(cJSON_GetObjectItemCaseSensitive(o, "functions"), name, namespace, &f)) {
                        if (!is_ready(f, generation) && say(&bar, f, last))
                                i = 0; /* a large image on a slow line takes long, and goes on */
                }
                done = f && is_ready(f, generation);
                if (done)
                        progress_end(&bar);
                if (print && done && c->json) {
                        (void)cli_print_json(cJSON_Duplicate(f, true));
                        cJSON_Delete(o);
                        return CLI_DONE;
                }
                cJSON_Delete(o);
                if (done && print)
                        printf("%s is ready: %s/function/%s\n", cli_safe(name),
                               cli_gateway(c, url, sizeof(url)), cli_safe(name));
                if (done)
                        return CLI_DONE;
                (void)nanosleep(&pause, NULL);
        }
        progress_end(&bar);
        return cli_fail(c, "%s is deployed but not ready after %d s%s%s; %s logs %s may say why",
                        cli_safe(name), WAIT_SEC, last[0] ? ": " : "", cli_safe(last), c->program,
                        cli_safe(name));
}

#include "io/sensors.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/sensors_file.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { PROFILES_MAX = 64, PROFILE_BYTES = 8 * 1024 };

static void scope_json(cJSON **j) {
        cJSON_Delete(*j);
}

static void scope_dir(DIR **d) {
        if (*d)
                (void)closedir(*d);
}

/* A number, or null, or absent (both: 0), times 'factor'. */
static int get_number(const cJSON *json, const char *key, double factor, double max, uint32_t *ret,
                      struct fail *f) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, key);

        if (!v || cJSON_IsNull(v))
                return 0;
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble * factor <= max))
                return fail(f, -EINVAL, "'%s' is not a number from 0 to %.0f", key, max / factor);
        *ret = (uint32_t)(v->valuedouble * factor + 0.5);
        return 0;
}

static int get_text(const cJSON *json, const char *key, bool needed, char *dst, size_t size,
                    struct fail *f) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, key);

        if (!needed && (!v || cJSON_IsNull(v)))
                return 0;
        if (!cJSON_IsString(v) || str_copy(dst, size, v->valuestring) < 0 || !dst[0])
                return fail(f, -EINVAL, "'%s' is not a text of 1 to %zu bytes", key, size - 1);
        return 0;
}

/* Smallest and largest number of an array; absent or null: 0. */
static int get_range(const cJSON *json, const char *key, uint32_t *ret_min, uint32_t *ret_max,
                     struct fail *f) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, key), *item;

        if (!v || cJSON_IsNull(v))
                return 0;
        if (!cJSON_IsArray(v) || !v->child)
                return fail(f, -EINVAL, "'%s' is not a list of numbers", key);
        *ret_min = UINT32_MAX;
        *ret_max = 0;
        cJSON_ArrayForEach(item, v) {
                uint32_t n;

                if (!cJSON_IsNumber(item) || !(item->valuedouble >= 1) || item->valuedouble > 1e6)
                        return fail(f, -EINVAL, "'%s' is not a list of numbers", key);
                n = (uint32_t)item->valuedouble;
                *ret_min = n < *ret_min ? n : *ret_min;
                *ret_max = n > *ret_max ? n : *ret_max;
        }
        return 0;
}

static int get_compatible(const cJSON *json, struct board_profile *p, struct fail *f) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, "compatible"), *item;
        size_t n = 0;

        if (!cJSON_IsArray(v))
                return fail(f, -EINVAL, "'compatible' is not a list");
        cJSON_ArrayForEach(item, v) {
                if (!cJSON_IsString(item) || n == ARRAY_SIZE(p->compatible) ||
                    str_copy(p->compatible[n++], sizeof(p->compatible[0]), item->valuestring) < 0)
                        return fail(f, -EINVAL, "'compatible' is not a list of at most 2 texts");
        }
        return 0;
}

/* The numbers that stand alone, by key: what the largest may be, and in which unit. */
static int get_numbers(const cJSON *json, struct board_profile *p, struct fail *f) {
        uint32_t type = 0, soc = 0, rev = 15, cores = 0, clock = 0, soft = 0, throttle = 0,
                 hard = 0, idle = 0, most = 0;
        const struct {
                const char *key;
                double factor, max;
                uint32_t *ret;
        } numbers[] = {
                { "type", 1, 255, &type },
                { "soc_p", 1, 15, &soc },
                { "rev_max", 1, 15, &rev },
                { "cores", 1, LIMIT_CORES, &cores },
                { "clock_mhz", 1, 20000, &clock },
                { "eth_mbps", 1, 100000, &p->eth_mbps },
                { "soft_temp_c", 1, 150, &soft },
                { "throttle_c", 1, 150, &throttle },
                { "hard_c", 1, 150, &hard },
                { "idle_w", 1000, UINT16_MAX, &idle },
                { "max_w", 1000, UINT16_MAX, &most },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                int r = get_number(json, numbers[i].key, numbers[i].factor, numbers[i].max,
                                   numbers[i].ret, f);

                if (r < 0)
                        return r;
        }
        p->type = (uint8_t)type;
        p->soc_p = (uint8_t)soc;
        p->rev_max = (uint8_t)rev;
        p->cores = (uint16_t)cores;
        p->clock_mhz = (uint16_t)clock;
        p->soft_temp_c = (int16_t)soft;
        p->throttle_c = (int16_t)throttle;
        p->hard_c = (int16_t)hard;
        p->idle_mw = (uint16_t)idle;
        p->max_mw = (uint16_t)most;
        return 0;
}

static int parse_profile(const cJSON *json, struct board_profile *p, struct fail *f) {
        const cJSON *sensor = cJSON_GetObjectItemCaseSensitive(json, "undervoltage_sensor");
        uint32_t bits_min = 0, bits = 0;
        int r;

        if (!cJSON_IsObject(json))
                return fail(f, -EINVAL, "not a JSON object");
        if ((r = get_text(json, "id", true, p->id, sizeof(p->id), f)) < 0 ||
            (r = get_text(json, "name", true, p->name, sizeof(p->name), f)) < 0 ||
            (r = get_text(json, "k8s_official_max", false, p->kubernetes_max,
                          sizeof(p->kubernetes_max), f)) < 0 ||
            (r = get_compatible(json, p, f)) < 0 || (r = get_numbers(json, p, f)) < 0 ||
            (r = get_range(json, "ram_mb", &p->ram_mb, &p->ram_max_mb, f)) < 0 ||
            (r = get_range(json, "bits", &bits_min, &bits, f)) < 0)
                return r;
        if (bits != 32 && bits != 64)
                return fail(f, -EINVAL, "'bits' has neither 32 nor 64 as its largest");
        if (!cJSON_HasObjectItem(json, "source"))
                return fail(f, -EINVAL, "'source' is missing: say where the figures come from");
        if (sensor && !cJSON_IsBool(sensor))
                return fail(f, -EINVAL, "'undervoltage_sensor' is neither true nor false");
        p->bits = (uint8_t)bits;
        p->under_voltage_sensor = !cJSON_IsFalse(sensor);
        return 0;
}

static int load_profile(int dir_fd, const char *file, struct board_profile *ret, struct fail *f) {
        __attribute__((cleanup(scope_json))) cJSON *json = NULL;
        struct fail inner = { 0 };
        char text[PROFILE_BYTES + 2];
        long len = sensors_file_read(dir_fd, file, text, sizeof(text));
        int r;

        if (len < 0)
                return fail(f, (int)len, "board profile %.80s: %s", file, strerror((int)-len));
        if (len > PROFILE_BYTES)
                return fail(f, -EFBIG, "board profile %.80s: larger than %d bytes", file,
                            PROFILE_BYTES);
        json = cJSON_ParseWithOpts(text, NULL, true);
        if (!json)
                return fail(f, -EINVAL, "board profile %.80s: not JSON", file);
        r = parse_profile(json, ret, &inner);
        if (r < 0)
                return fail(f, r, "board profile %.80s: %s", file, fail_text(&inner));
        return 0;
}

int board_profiles_load(int dir_fd, struct board_profile **ret, size_t *ret_n, struct fail *f) {
        auto_free struct board_profile *profiles = calloc(PROFILES_MAX, sizeof(*profiles));
        __attribute__((cleanup(scope_dir))) DIR *dir = NULL;
        auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent *entry;
        size_t n = 0;
        int r;

        if (!profiles)
                return fail(f, -ENOMEM, "no memory for board profiles");
        if (fd < 0 || !(dir = fdopendir(fd)))
                return fail(f, -errno, "cannot read the folder of board profiles: %s",
                            strerror(errno));
        (void)take_fd(&fd);
        while ((errno = 0, entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || !str_ends(entry->d_name, ".json"))
                        continue;
                if (n == PROFILES_MAX)
                        return fail(f, -E2BIG, "more than %d board profiles", PROFILES_MAX);
                r = load_profile(dirfd(dir), entry->d_name, &profiles[n], f);
                if (r < 0)
                        return r;
                n++;
        }
        if (errno != 0)
                return fail(f, -errno, "cannot read the folder of board profiles: %s",
                            strerror(errno));
        *ret = take_ptr(profiles);
        *ret_n = n;
        return 0;
}

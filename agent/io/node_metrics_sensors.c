/* node_metrics_sensors - thermal zones and hardware monitors. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void node_thermal(struct node *n) {
        static const char name[] = "node_thermal_zone_temp";
        bool any = false;

        for (unsigned i = 0; i < NODE_THERMAL_ZONES; i++) {
                struct metrics_labels l = { 0 };
                char path[64], number[12], type[32];
                int64_t mc;

                (void)snprintf(path, sizeof(path), "sys/class/thermal/thermal_zone%u/temp", i);
                if (!node_number(n, path, &mc))
                        continue;
                (void)snprintf(path, sizeof(path), "sys/class/thermal/thermal_zone%u/type", i);
                if (!node_word(n, path, type, sizeof(type)))
                        type[0] = '\0';
                (void)snprintf(number, sizeof(number), "%u", i);
                metrics_text_label(&l, "type", type);
                metrics_text_label(&l, "zone", number);
                if (!any)
                        metrics_text_family(n->out, name, "gauge", "Zone temperature in Celsius");
                any = true;
                metrics_text_sample(n->out, name, &l, (double)mc / 1000);
        }
}

/* ---- hwmon ----------------------------------------------------------------------------------- */

/* What a file of a chip counts in; "" for all properties that have no line of their own. */
static const struct unit {
        const char *kind, *property, *suffix;
        double factor;
} units[] = {
        { "in", "alarm", "", 1 },
        { "in", "", "_volts", 1e-3 },
        { "temp", "alarm", "", 1 },
        { "temp", "fault", "", 1 },
        { "temp", "type", "", 1 },
        { "temp", "", "_celsius", 1e-3 },
        { "curr", "alarm", "", 1 },
        { "curr", "", "_amps", 1e-3 },
        { "fan", "input", "_rpm", 1 },
        { "fan", "min", "_rpm", 1 },
        { "fan", "max", "_rpm", 1 },
        { "fan", "target", "_rpm", 1 },
        { "fan", "", "", 1 },
        { "pwm", "", "", 1 },
        { "power", "input", "_watt", 1e-6 },
        { "power", "average", "_watt", 1e-6 },
        { "humidity", "input", "", 1e-6 },
};

struct sample {
        char name[64], chip[64], sensor[24];
        double value;
};

struct hwmon {
        unsigned n_chips, n_samples;
        struct {
                char chip[64], name[64];
        } chips[NODE_HWMON_CHIPS];
        struct sample samples[NODE_HWMON_SAMPLES];
};

/* As node_exporter makes a text fit for a name. */
static void clean(char *dst, size_t size, const char *text, size_t text_len) {
        size_t len = 0;

        for (size_t i = 0; i < text_len && len + 1 < size; i++) {
                char c = text[i];

                if (c >= 'A' && c <= 'Z')
                        c = (char)(c - 'A' + 'a');
                else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':'))
                        c = '_';
                if (len > 0 || c != '_')
                        dst[len++] = c;
        }
        while (len > 0 && dst[len - 1] == '_')
                len--;
        dst[len] = '\0';
}

/* Cuts the last component off 'path' and returns it; "" where there is none. */
static const char *cut_last(char *path) {
        char *slash = strrchr(path, '/');

        if (!slash)
                return "";
        *slash = '\0';
        return slash + 1;
}

/* The device that the chip belongs to, which stays the same however the chips are numbered:
 * ".../soc:firmware/raspberrypi-hwmon/hwmon/hwmon1" is soc:firmware_raspberrypi_hwmon. */
static bool name_by_device(const struct node *n, const char *dir, char *dst, size_t size) {
        char target[512], joined[160];
        const char *device, *bus;
        ssize_t len = readlinkat(n->root_fd, dir, target, sizeof(target) - 1);

        if (len <= 0 || (size_t)len == sizeof(target) - 1)
                return false;
        target[len] = '\0';
        (void)cut_last(target);
        if (str_ends(target, "/hwmon"))
                (void)cut_last(target);
        device = cut_last(target);
        bus = cut_last(target);
        (void)snprintf(joined, sizeof(joined), "%.64s_%.64s", bus, device);
        clean(dst, size, joined, strlen(joined));
        return dst[0] != '\0';
}

/* "in0_lcrit_alarm": kind, sensor and property.  'property' is "" where there is none. */
static bool split(const char *file, char *kind, size_t kind_size, char *sensor, size_t sensor_size,
                  const char **property) {
        size_t letters = strspn(file, "abcdefghijklmnopqrstuvwxyz");
        size_t digits = strspn(file + letters, "0123456789");

        if (letters == 0 || digits == 0)
                return false;
        *property = file + letters + digits;
        if (**property == '_')
                ++*property;
        else if (**property)
                return false;
        return str_copy_n(kind, kind_size, file, letters) == 0 &&
               str_copy_n(sensor, sensor_size, file, letters + digits) == 0;
}

static const struct unit *unit_of(const char *kind, const char *property) {
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (str_eq(units[i].kind, kind) &&
                    (units[i].property[0] == '\0' || str_eq(units[i].property, property)))
                        return &units[i];
        return NULL;
}

static void take_file(const struct node *n, struct hwmon *h, const char *chip, const char *dir,
                      const char *file) {
        struct sample *s = &h->samples[h->n_samples];
        const struct unit *unit;
        const char *property;
        char kind[16], path[128], cleaned[32];
        bool input;
        int64_t v;

        if (h->n_samples == NODE_HWMON_SAMPLES || strlen(file) > 40 ||
            !split(file, kind, sizeof(kind), s->sensor, sizeof(s->sensor), &property) ||
            str_eq(property, "label") || !(unit = unit_of(kind, property)))
                return;
        (void)snprintf(path, sizeof(path), "%.60s/%.40s", dir, file);
        if (!node_number(n, path, &v))
                return;
        input = property[0] == '\0' || str_eq(property, "input");
        clean(cleaned, sizeof(cleaned), property, strlen(property));
        (void)snprintf(s->name, sizeof(s->name), "node_hwmon_%s%s%s%s", kind, input ? "" : "_",
                       input ? "" : cleaned, unit->suffix);
        (void)str_copy(s->chip, sizeof(s->chip), chip);
        s->value = (double)v * unit->factor;
        h->n_samples++;
}

static void take_chip(const struct node *n, struct hwmon *h, unsigned number) {
        char dir[64], path[80], name[64], chip[64];
        struct dirent **files;
        bool named;
        int n_files;

        (void)snprintf(dir, sizeof(dir), "sys/class/hwmon/hwmon%u", number);
        n_files = scandirat(n->root_fd, dir, &files, NULL, alphasort);
        if (n_files < 0)
                return;
        (void)snprintf(path, sizeof(path), "%s/name", dir);
        named = node_word(n, path, name, sizeof(name));
        if (!name_by_device(n, dir, chip, sizeof(chip)))
                clean(chip, sizeof(chip), named ? name : strrchr(dir, '/') + 1,
                      strlen(named ? name : strrchr(dir, '/') + 1));
        if (named) {
                (void)str_copy(h->chips[h->n_chips].chip, sizeof(chip), chip);
                clean(h->chips[h->n_chips].name, sizeof(name), name, strlen(name));
                h->n_chips++;
        }
        for (int i = 0; i < n_files; i++) {
                take_file(n, h, chip, dir, files[i]->d_name);
                free(files[i]);
        }
        free(files);
}

static int by_name(const void *a, const void *b) {
        const struct sample *x = a, *y = b;
        int order = strcmp(x->name, y->name);

        if (order == 0)
                order = strcmp(x->chip, y->chip);
        return order ? order : strcmp(x->sensor, y->sensor);
}

static void print_hwmon(struct hwmon *h, struct buf *out) {
        if (h->n_chips > 0)
                metrics_text_family(out, "node_hwmon_chip_names", "gauge",
                                    "Annotation metric for human-readable chip names");
        for (unsigned i = 0; i < h->n_chips; i++) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "chip", h->chips[i].chip);
                metrics_text_label(&l, "chip_name", h->chips[i].name);
                metrics_text_count(out, "node_hwmon_chip_names", &l, 1);
        }
        qsort(h->samples, h->n_samples, sizeof(h->samples[0]), by_name);
        for (unsigned i = 0; i < h->n_samples; i++) {
                const struct sample *s = &h->samples[i];
                struct metrics_labels l = { 0 };

                if (i == 0 || !str_eq(s->name, s[-1].name))
                        metrics_text_family(out, s->name, "gauge", "Hardware monitor.");
                metrics_text_label(&l, "chip", s->chip);
                metrics_text_label(&l, "sensor", s->sensor);
                metrics_text_sample(out, s->name, &l, s->value);
        }
}

void node_hwmon(struct node *n) {
        auto_free struct hwmon *h = calloc(1, sizeof(*h));

        if (!h)
                return;
        for (unsigned i = 0; i < NODE_HWMON_CHIPS; i++)
                take_chip(n, h, i);
        print_hwmon(h, n->out);
}

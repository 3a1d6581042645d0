/* node_metrics_cpu - /proc/stat and the processors' clock rates. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum {
        HZ = 100,
        MODES = 8
}; /* USER_HZ: 100 on every architecture that Linux shows /proc/stat on */

static const char *const modes[MODES] = { "user",   "nice", "system",  "idle",
                                          "iowait", "irq",  "softirq", "steal" };

/* Lines of one number; those with more (intr) have their sum first. */
static const struct figure {
        const char *key, *name, *type, *help;
} figures[] = {
        { "intr", "node_intr_total", "counter", "Total number of interrupts serviced." },
        { "ctxt", "node_context_switches_total", "counter", "Total number of context switches." },
        { "btime", "node_boot_time_seconds", "gauge", "Node boot time, in unixtime." },
        { "processes", "node_forks_total", "counter", "Total number of forks." },
        { "procs_running", "node_procs_running", "gauge",
          "Number of processes in runnable state." },
        { "procs_blocked", "node_procs_blocked", "gauge",
          "Number of processes blocked waiting for I/O to complete." },
};

struct cpu {
        unsigned number;
        uint64_t jiffies[MODES];
};

struct stat_lines {
        unsigned n_cpus;
        struct cpu cpus[NODE_CPUS];
        bool has[ARRAY_SIZE(figures)];
        uint64_t values[ARRAY_SIZE(figures)];
};

static void take_cpu(struct stat_lines *s, const char *number, const char *rest) {
        struct cpu *cpu = &s->cpus[s->n_cpus];
        uint64_t n;

        if (s->n_cpus == NODE_CPUS || str_to_u64(number, 9999, &n) < 0)
                return;
        *cpu = (struct cpu){ .number = (unsigned)n };
        if (node_numbers(rest, cpu->jiffies, MODES) >= 4)
                s->n_cpus++;
}

static void take_line(struct stat_lines *s, char *line) {
        char *rest = strchr(line, ' ');

        if (!rest)
                return;
        *rest++ = '\0';
        if (str_starts(line, "cpu")) {
                take_cpu(s, line + 3, rest); /* "cpu" alone is their sum: no number, left out */
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
                if (str_eq(line, figures[i].key))
                        s->has[i] = node_numbers(rest, &s->values[i], 1) == 1;
}

static void print_times(const struct stat_lines *s, struct buf *out) {
        static const char name[] = "node_cpu_seconds_total";

        metrics_text_family(out, name, "counter", "Seconds the CPUs spent in each mode.");
        for (unsigned i = 0; i < s->n_cpus; i++) {
                for (unsigned m = 0; m < MODES; m++) {
                        struct metrics_labels l = { 0 };
                        char number[12];

                        (void)snprintf(number, sizeof(number), "%u", s->cpus[i].number);
                        metrics_text_label(&l, "cpu", number);
                        metrics_text_label(&l, "mode", modes[m]);
                        metrics_text_sample(out, name, &l, (double)s->cpus[i].jiffies[m] / HZ);
                }
        }
}

static void print_rates(const struct node *n, const struct stat_lines *s) {
        static const struct {
                const char *file, *name, *help;
        } rates[] = {
                { "scaling_cur_freq", "node_cpu_scaling_frequency_hertz",
                  "Current scaled CPU thread frequency in hertz." },
                { "scaling_max_freq", "node_cpu_scaling_frequency_max_hertz",
                  "Maximum scaled CPU thread frequency in hertz." },
                { "scaling_min_freq", "node_cpu_scaling_frequency_min_hertz",
                  "Minimum scaled CPU thread frequency in hertz." },
        };

        for (size_t r = 0; r < ARRAY_SIZE(rates); r++) {
                bool any = false;

                for (unsigned i = 0; i < s->n_cpus; i++) {
                        struct metrics_labels l = { 0 };
                        char path[96], number[12];
                        int64_t khz;

                        (void)snprintf(number, sizeof(number), "%u", s->cpus[i].number);
                        (void)snprintf(path, sizeof(path),
                                       "sys/devices/system/cpu/cpu%s/cpufreq/%s", number,
                                       rates[r].file);
                        if (!node_number(n, path, &khz))
                                continue;
                        if (!any)
                                metrics_text_family(n->out, rates[r].name, "gauge", rates[r].help);
                        any = true;
                        metrics_text_label(&l, "cpu", number);
                        metrics_text_sample(n->out, rates[r].name, &l, (double)khz * 1000);
                }
        }
}

void node_cpu(struct node *n) {
        struct stat_lines s = { 0 };
        char *text = node_read(n, "proc/stat"), *line;

        while ((line = node_line(&text)))
                take_line(&s, line);
        if (s.n_cpus > 0)
                print_times(&s, n->out);
        for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
                if (!s.has[i])
                        continue;
                metrics_text_family(n->out, figures[i].name, figures[i].type, figures[i].help);
                metrics_text_count(n->out, figures[i].name, NULL, s.values[i]);
        }
        print_rates(n, &s);
}

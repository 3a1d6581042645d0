/* node_metrics_system - load, time, kernel, open files, pressure. */
#include "io/node_metrics_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

/* "0.42": digits with a point; strtod() would ask the locale. */
static double decimal(const char **s) {
        double v = 0, unit = 1;

        *s += strspn(*s, " ");
        for (; **s >= '0' && **s <= '9'; ++*s)
                v = v * 10 + (**s - '0');
        if (**s != '.')
                return v;
        for (++*s; **s >= '0' && **s <= '9'; ++*s)
                v += (unit /= 10) * (**s - '0');
        return v;
}

static void print_load(struct node *n) {
        static const char *const names[][2] = { { "node_load1", "1m load average." },
                                                { "node_load5", "5m load average." },
                                                { "node_load15", "15m load average." } };
        const char *text = node_read(n, "proc/loadavg");

        for (size_t i = 0; text && i < ARRAY_SIZE(names); i++) {
                char shown[24];

                /* two places, as the kernel wrote them: sums of tenths are not exact */
                (void)snprintf(shown, sizeof(shown), "%.2f", decimal(&text));
                metrics_text_family(n->out, names[i][0], "gauge", names[i][1]);
                (void)buf_printf(n->out, "%s %s\n", names[i][0], shown);
        }
}

static void print_kernel(struct buf *out) {
        struct metrics_labels l = { 0 };
        struct utsname u;

        if (uname(&u) < 0)
                return;
        metrics_text_label(&l, "domainname", u.domainname);
        metrics_text_label(&l, "machine", u.machine);
        metrics_text_label(&l, "nodename", u.nodename);
        metrics_text_label(&l, "release", u.release);
        metrics_text_label(&l, "sysname", u.sysname);
        metrics_text_label(&l, "version", u.version);
        metrics_text_family(out, "node_uname_info", "gauge",
                            "Labeled system information as provided by the uname system call.");
        metrics_text_count(out, "node_uname_info", &l, 1);
}

static void print_files(struct node *n) {
        const char *text = node_read(n, "proc/sys/fs/file-nr");
        uint64_t v[3];

        if (!text || node_numbers(text, v, 3) != 3)
                return;
        metrics_text_family(n->out, "node_filefd_allocated", "gauge",
                            "File descriptor statistics: allocated.");
        metrics_text_count(n->out, "node_filefd_allocated", NULL, v[0]);
        metrics_text_family(n->out, "node_filefd_maximum", "gauge",
                            "File descriptor statistics: maximum.");
        metrics_text_count(n->out, "node_filefd_maximum", NULL, v[2]);
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345": microseconds. */
static void print_pressure(struct node *n) {
        static const struct {
                const char *path, *line, *name, *help;
        } kinds[] = {
                { "proc/pressure/cpu", "some ", "node_pressure_cpu_waiting_seconds_total",
                  "Total time in seconds that processes have waited for CPU time." },
                { "proc/pressure/io", "some ", "node_pressure_io_waiting_seconds_total",
                  "Total time in seconds that processes have waited due to IO congestion." },
                { "proc/pressure/io", "full ", "node_pressure_io_stalled_seconds_total",
                  "Total time in seconds no process could make progress due to IO congestion." },
                { "proc/pressure/memory", "some ", "node_pressure_memory_waiting_seconds_total",
                  "Total time in seconds that processes have waited for memory." },
                { "proc/pressure/memory", "full ", "node_pressure_memory_stalled_seconds_total",
                  "Total time in seconds no process could make progress due to memory "
                  "congestion." },
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                char *text = node_read(n, kinds[i].path), *line;

                while ((line = node_line(&text))) {
                        const char *total = strstr(line, "total=");
                        uint64_t usec;

                        if (!total || !str_starts(line, kinds[i].line) ||
                            node_numbers(total + 6, &usec, 1) != 1)
                                continue;
                        metrics_text_family(n->out, kinds[i].name, "counter", kinds[i].help);
                        metrics_text_sample(n->out, kinds[i].name, NULL, (double)usec / 1e6);
                }
        }
}

void node_system(struct node *n) {
        struct timespec now;

        print_load(n);
        (void)clock_gettime(CLOCK_REALTIME, &now); /* to be shown */
        metrics_text_one(n->out, "node_time_seconds", "gauge",
                         "System time in seconds since epoch (1970).",
                         (double)now.tv_sec + (double)now.tv_nsec / 1e9);
        print_kernel(n->out);
        print_files(n);
        print_pressure(n);
}

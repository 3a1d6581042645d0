#include "io/log.h"

#include "base/scope.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

enum { LINE_BYTES = 1024, ONCE_KEYS = 64, ONCE_BYTES = 96 };

static struct {
        const char *program;
        enum log_level most;
        bool journal;
        char once[ONCE_KEYS][ONCE_BYTES];
        unsigned n_once; /* the oldest key is overwritten when the table is full */
} state = { .program = "bramble", .most = LOG_LEVEL_INFO };

/* systemd tells a service which device and inode its stderr has when that is the journal. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

enum log_level log_level_of(const char *name) {
        static const struct {
                const char *name;
                enum log_level level;
        } levels[] = { { "error", LOG_LEVEL_ERROR },
                       { "warning", LOG_LEVEL_WARNING },
                       { "notice", LOG_LEVEL_NOTICE },
                       { "debug", LOG_LEVEL_DEBUG } };

        for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
                if (str_eq(levels[i].name, name))
                        return levels[i].level;
        return LOG_LEVEL_INFO;
}

void log_open(const char *program, enum log_level most) {
        state.program = program;
        state.most = most;
        state.journal = stderr_is_journal();
}

static void emit(enum log_level level, const char *field, const char *text, const char *id) {
        char priority[16], message[LINE_BYTES + 16], program[64];
        struct iovec parts[5];
        int n = 0;

        if (!state.journal) {
                fprintf(stderr, "%s: %s\n", state.program, text);
                return;
        }
        (void)snprintf(priority, sizeof(priority), "PRIORITY=%d", (int)level);
        (void)snprintf(message, sizeof(message), "MESSAGE=%s", text);
        (void)snprintf(program, sizeof(program), "SYSLOG_IDENTIFIER=%s", state.program);
        parts[n++] = (struct iovec){ priority, strlen(priority) };
        parts[n++] = (struct iovec){ message, strlen(message) };
        parts[n++] = (struct iovec){ program, strlen(program) };
        if (field)
                parts[n++] = (struct iovec){ (void *)(uintptr_t)field, strlen(field) };
        if (id)
                parts[n++] = (struct iovec){ (void *)(uintptr_t)id, strlen(id) };
        (void)sd_journal_sendv(parts, n);
}

void log_line(enum log_level level, const char *format, ...) {
        char text[LINE_BYTES];
        va_list args;

        if (level > state.most)
                return;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        emit(level, NULL, text, NULL);
}

void log_field(enum log_level level, const char *field, const char *value, const char *format,
               ...) {
        char text[LINE_BYTES], pair[256];
        va_list args;

        if (level > state.most)
                return;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)snprintf(pair, sizeof(pair), "%s=%s", field, value);
        emit(level, pair, text, NULL);
}

void log_role(const char *node_name, const char *format, ...) {
        char text[LINE_BYTES], pair[128];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)snprintf(pair, sizeof(pair), "BRAMBLE_NODE=%s", node_name);
        emit(LOG_LEVEL_NOTICE, pair, text, "MESSAGE_ID=" LOG_ID_ROLE);
}

void log_event(enum log_level level, const char *message_id, const char *node_name,
               const char *format, ...) {
        char text[LINE_BYTES], pair[128], id[64];
        va_list args;

        if (level > state.most)
                return;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)snprintf(pair, sizeof(pair), "BRAMBLE_NODE=%s", node_name);
        (void)snprintf(id, sizeof(id), "MESSAGE_ID=%s", message_id);
        emit(level, node_name[0] ? pair : NULL, text, id);
}

bool log_has_journal(void) {
        return state.journal;
}

void log_function(const char *function, const char *namespace, unsigned instance,
                  const char *stream, const char *text, unsigned len) {
        char fields[5][160], message[8 * 1024 + 16];
        struct iovec parts[7];
        int n = 0;

        if (!state.journal) {
                fprintf(stderr, "%s.%u: %.*s\n", function, instance, (int)len, text);
                return;
        }
        if (len > sizeof(message) - 16)
                len = sizeof(message) - 16;
        memcpy(message, "MESSAGE=", 8);
        memcpy(message + 8, text, len);
        (void)snprintf(fields[0], sizeof(fields[0]), "SYSLOG_IDENTIFIER=%s", function);
        (void)snprintf(fields[1], sizeof(fields[1]), "BRAMBLE_FUNCTION=%s", function);
        (void)snprintf(fields[2], sizeof(fields[2]), "BRAMBLE_NAMESPACE=%s", namespace);
        (void)snprintf(fields[3], sizeof(fields[3]), "BRAMBLE_INSTANCE=%u", instance);
        (void)snprintf(fields[4], sizeof(fields[4]), "BRAMBLE_STREAM=%s", stream);
        parts[n++] = (struct iovec){ message, 8 + (size_t)len };
        for (int i = 0; i < 5; i++)
                parts[n++] = (struct iovec){ fields[i], strlen(fields[i]) };
        parts[n++] = (struct iovec){ (void *)(uintptr_t) "PRIORITY=6", 10 };
        (void)sd_journal_sendv(parts, n);
}

static char *once_find(const char *key) {
        for (unsigned i = 0; i < ONCE_KEYS; i++)
                if (strncmp(state.once[i], key, ONCE_BYTES - 1) == 0 && state.once[i][0])
                        return state.once[i];
        return NULL;
}

bool log_once(const char *key) {
        if (once_find(key))
                return false;
        (void)snprintf(state.once[state.n_once++ % ONCE_KEYS], ONCE_BYTES, "%s", key);
        return true;
}

void log_again(const char *key) {
        char *slot = once_find(key);

        if (slot)
                slot[0] = '\0';
}

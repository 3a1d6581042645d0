/* cli - what the verbs of agentctl share: options, the connection to an agent, exit codes. */
#ifndef BRAMBLE_CLI_CLI_H
#define BRAMBLE_CLI_CLI_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

/* Options that every verb knows. */
struct cli {
        const char *program; /* as it was called */
        const char *host;    /* --host; NULL: this board */
        const char *pki;     /* --pki: folder with admin.crt, admin.key, ca.crt */
        const char *socket;  /* --socket */
        const char *gateway; /* --gateway URL; NULL: port 8080 of the host */
        bool json;           /* -o json */
};

struct cli_verb {
        const char *name;
        const char *args; /* for the usage line: "IMAGE.tar" */
        int least, most;  /* arguments behind the verb, options included; most -1: any number */
        int (*run)(const struct cli *c, int argc, char **argv); /* argv[0] is the verb */
        const char *help;    /* one line; NULL: the usage does not show the verb */
        const char *options; /* more lines for `agentctl VERB --help`, or NULL */
};

/* The table, ended by a verb without a name. */
extern const struct cli_verb cli_verbs[];

/* "agentctl: sentence" on stderr; returns CLI_FAILED. */
int cli_fail(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with the verb's usage; returns CLI_MISUSED. */
int cli_misused(const struct cli *c, const char *verb, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Sends {"verb":...} and waits for the reply.  'event' (may be NULL) sees what comes before it and
 * answers false to stop. Takes ownership of 'request'.  0 and '*ret' (the caller deletes it; may
 * be NULL), CLI_FAILED after the error was printed. */
int cli_ask(const struct cli *c, cJSON *request, bool (*event)(void *arg, const cJSON *event),
            void *arg, cJSON **ret);
/* The same while the bytes of 'fd' go up as DATA; 'progress' hears how many have gone. */
int cli_upload(const struct cli *c, cJSON *request, int fd,
               void (*progress)(void *arg, size_t sent), void *arg, cJSON **ret);
/* The same from a function: bytes, 0 at the end, -errno. */
int cli_upload_from(const struct cli *c, cJSON *request,
                    ssize_t (*read)(void *arg, char *data, size_t size),
                    void (*progress)(void *arg, size_t sent), void *arg, cJSON **ret);
/* {"verb": name} to be added to. */
cJSON *cli_request(const char *verb);
/* Prints JSON for -o json; deletes it; returns CLI_DONE. */
int cli_print_json(cJSON *o);

/* The gateway's base URL, e.g. "http://127.0.0.1:8080". */
const char *cli_gateway(const struct cli *c, char *dst, size_t size);

/* Waits until a function is ready, saying what it waits for: all its replicas are of its newest
 * deployment and answer, which is 'generation' (of the answer to "deploy"; 0: not known) or later.
 * CLI_FAILED after a message. */
int cli_wait_ready(const struct cli *c, const char *name, const char *namespace,
                   uint64_t generation, bool print);
/* The generation that the answer to "deploy" names; 0 where it is an older agent's. */
uint64_t cli_generation(const cJSON *reply);

/* Is this output a terminal (colour, progress)? */
bool cli_on_terminal(int fd);

/* Text from outside made fit for a terminal, in one of 16 buffers that go round. */
const char *cli_safe(const char *text);

#endif

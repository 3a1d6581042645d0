#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
        const char *name;
        int (*main)(void);
} functions[] = {
        { "env", env_main },
        { "figlet", figlet_main },
        { "hello", hello_main },
        { "hello-http", hello_http_main },
        { "hello-streaming", hello_streaming_main },
        { "load", load_main },
        { "qr", qr_main },
        { "wordcount", wordcount_main },
};

size_t read_input(char ret[static INPUT_BYTES + 1]) {
        size_t n = fread(ret, 1, INPUT_BYTES, stdin);

        while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == '\r'))
                n--;
        ret[n] = '\0';
        return n;
}

const char *board_name(void) {
        static char host[65];
        const char *board = getenv("BRAMBLE_NODE");

        if (board && board[0])
                return board;
        return gethostname(host, sizeof(host) - 1) == 0 ? host : "?";
}

unsigned query_number(const char *name, unsigned most, unsigned otherwise) {
        const char *at = getenv("Http_Query");
        size_t len = strlen(name);

        while (at && *at) {
                if (strncmp(at, name, len) == 0 && at[len] == '=') {
                        unsigned long v = strtoul(at + len + 1, NULL, 10);

                        return v >= 1 && v <= most ? (unsigned)v : otherwise;
                }
                at = strchr(at, '&');
                at = at ? at + 1 : NULL;
        }
        return otherwise;
}

int main(int argc, char **argv) {
        const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
        const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

        for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
                if (strcmp(name, functions[i].name) == 0)
                        return functions[i].main();
        fprintf(stderr, "there is no function '%s' in here\n", name);
        return 2;
}

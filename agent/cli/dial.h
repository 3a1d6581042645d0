/* dial - the connection to an agent, for those that keep one; cli_ask() is for one request. */
#ifndef BRAMBLE_CLI_DIAL_H
#define BRAMBLE_CLI_DIAL_H

#include "base/fail.h"
#include "cli/cli.h"
#include "io/link.h"

enum { CLI_ADDRESS = SIZE_ADDRESS + 32 };

/* The first address of a name; waits for the resolver.  -ENOENT and a sentence. */
int cli_resolve(const char *host, char *dst, size_t size, struct fail *f);
/* This board's unix socket or (--host) mutual TLS; 'ops' as in io/link.h.  A sentence where it
 * fails at once. */
int cli_dial(const struct cli *c, uv_loop_t *loop, const struct link_ops *ops, void *arg,
             struct link **ret, struct fail *f);

#endif

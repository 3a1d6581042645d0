/* hostname - gives the machine its name through systemd-hostnamed. */
#ifndef BRAMBLE_IO_HOSTNAME_H
#define BRAMBLE_IO_HOSTNAME_H

#include <uv.h>

struct hostname;

/* 'done': 0, or negative errno with a sentence.  Each hostname_set() answers once. */
typedef void (*hostname_cb)(void *arg, int result, const char *why);

/* -ENOMEM.  The bus is opened by the first hostname_set(). */
int hostname_open(uv_loop_t *loop, hostname_cb done, void *arg, struct hostname **ret);
/* Static and running name; nothing is asked where the machine is called so already.  A second
 * call before 'done' replaces the first. */
void hostname_set(struct hostname *h, const char *name);
void hostname_close(struct hostname *h);

#endif

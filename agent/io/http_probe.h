/* http_probe - asks a server on this board one question over plain HTTP: is it well? */
#ifndef BRAMBLE_IO_HTTP_PROBE_H
#define BRAMBLE_IO_HTTP_PROBE_H

#include <stdint.h>
#include <uv.h>

enum { HTTP_PROBE_MS = 3000 };

/* GET PATH of 127.0.0.1:PORT.  'done' comes once and later: the answer's status (200), or negative
 * errno: -ECONNREFUSED, -ETIMEDOUT after HTTP_PROBE_MS, -EPROTO (no HTTP), others of the socket.
 * Errors of the call itself: -ENOMEM, -EINVAL (a path longer than 64). */
typedef void (*http_probe_cb)(void *arg, int status);
int http_probe(uv_loop_t *loop, uint16_t port, const char *path, http_probe_cb done, void *arg);

#endif

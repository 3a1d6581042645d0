/* container - runs function containers through containerd's gRPC API: image, snapshot, container,
 * task, limits, output and exit.  Namespace openfaas-fn. */
#ifndef BRAMBLE_IO_CONTAINER_H
#define BRAMBLE_IO_CONTAINER_H

#include "base/fail.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct containers;

struct container_spec {
        const char *id;    /* "figlet.openfaas-fn.7": also the snapshot's key; letters, digits and
                            * between them . _ -, at most 76 (containerd's rule) */
        const char *group; /* containers of one group share a shim: "figlet.openfaas-fn" */
        const char *image; /* normalised reference, present and unpacked */
        const char *netns; /* path; "" or NULL: a network of its own with nothing in it */
        const char *hostname;
        const char *watchdog;      /* host path of fwatchdog, mounted where the image has none */
        const char *process;       /* envProcess ("" or NULL: the image's own) */
        const char *const *env;    /* NULL-terminated NAME=VALUE; later ones win over the image's */
        const char *const *labels; /* NULL-terminated name, value, name, value */
        const char *secrets;       /* host folder that becomes /var/openfaas/secrets and is given
                                    * to the container's user; "" or NULL: none */
        uint64_t memory_bytes;     /* limit; 0: none */
        uint32_t cpu_millicores;   /* limit; 0: none */
        bool read_only_root;
};

enum container_status { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_STOPPED };

/* What containerd already knows at agent start: to be adopted. */
struct container_found {
        const char *id;
        enum container_status status;
        uint32_t pid;
        uint32_t n_labels;
        const char *const *labels; /* name, value pairs */
};

struct containers_ops {
        /* containerd answers or stopped answering. */
        void (*available)(void *arg, bool yes, const char *why);
        /* A container's process ended by itself or by container_stop: once, and after the 'done'
         * of its start.  255 where nobody knows the status.  What is left of the container is
         * there until container_stop.  One that ended while no agent ran is not told: it is
         * CONTAINER_STOPPED in containers_list. */
        void (*exited)(void *arg, const char *id, uint32_t status, bool oom);
        /* One line of output without its newline (longer ones in pieces of 8 KB).  Comes also for
         * a container that ended, until container_stop is done.  Must not close 'containers'. */
        void (*output)(void *arg, const char *id, const char *stream, const char *text, size_t len);
};

struct containers_config {
        const char *socket;  /* containerd's */
        const char *io_dir;  /* FIFOs for output: "/run/bramble/io" */
        const char *runtime; /* path of crun or runc, "" or NULL picks crun where it works */
};

/* Retries for ever in the background; everything else is -ENOTCONN until 'available'.  The process
 * must ignore SIGPIPE. */
int containers_open(uv_loop_t *loop, const struct containers_config *config,
                    const struct containers_ops *ops, void *arg, struct containers **ret,
                    struct fail *f);
/* Whatever is under way ends with -ECANCELED before this returns, then no callback comes.
 * Containers run on.  NULL is a no-op. */
void containers_close(struct containers *c);
/* Does this board's kernel enforce spec.memory_bytes?  A Pi's may have the controller off
 * (cgroup_enable=memory in cmdline.txt turns it on); containers then run without the limit. */
bool containers_limit_memory(const struct containers *c);

/* Every callback comes exactly once, asynchronously; 'why' is a sentence or "".  Where the function
 * itself fails (-ENOTCONN, -EINVAL for a bad id, -ENOMEM, -EEXIST) it does not come. */
typedef void (*container_cb)(void *arg, int result, const char *why);

/* Snapshot, container, task, start: 0 when the process runs.  On failure nothing is left (what
 * cannot be removed because containerd is away is removed when it is back).  'spec' is copied.
 * -ENOENT: the image, its layers or its USER is not here; -ENOEXEC: it is for other processors;
 * -ECANCELED: container_stop came.  -EEXIST at once: it is there already; an id that is being
 * stopped is fine, the start waits. */
int container_start(struct containers *c, const struct container_spec *spec, container_cb done,
                    void *arg);
/* The first process of a container that runs, as this board counts them; 0: there is none. */
uint32_t container_pid(struct containers *c, const char *id);
/* SIGTERM, after 'grace_ms' (0: at once) SIGKILL; deletes task, container and snapshot.  0 also
 * where it is gone.  On failure (containerd went away) call it again. */
int container_stop(struct containers *c, const char *id, unsigned grace_ms, container_cb done,
                   void *arg);
/* 'each' for every container of the namespace, then 'done'.  Running ones have their output
 * attached again. */
int containers_list(struct containers *c, void (*each)(void *arg, const struct container_found *f),
                    container_cb done, void *arg);

/* --- images (io/image_*.c) ---
 * Whatever was begun here and has not called 'done' must be aborted before containers_close().
 * Results besides containerd's own: -EBADMSG what came is no image or damaged, -ENOENT a part is
 * missing, -ENOEXEC it is for another kind of machine, -ENOSPC no room, -EROFS.  What failed leaves
 * nothing behind, and takes nothing away from images that were there. */

/* An import: bytes of a tar (OCI layout or docker-archive) in, images out. */
struct image_import;
struct image_imported {
        const char *name;   /* normalised reference */
        const char *digest; /* "sha256:..." of what the name means: a manifest or an index */
        uint64_t size_bytes;
        int64_t since_unix; /* images_list: when it came; 0: not known */
};
typedef void (*image_imported_cb)(void *arg, int result, const char *why,
                                  const struct image_imported *images, size_t n);
/* 'name' overrides the reference in the tar where not NULL (-EINVAL: it is none). 'drained' is
 * called when image_import_write() may go on after it said -EAGAIN. */
int image_import_begin(struct containers *c, const char *name, void (*drained)(void *arg),
                       image_imported_cb done, void *arg, struct image_import **ret);
/* Takes all bytes.  0; -EAGAIN: taken, but wait for 'drained' before the next; any other error:
 * 'done' follows with the sentence. */
int image_import_write(struct image_import *i, const void *data, size_t len);
/* No more bytes: 'done' follows.  */
void image_import_end(struct image_import *i);
/* Gives up; 'done' does not follow. */
void image_import_abort(struct image_import *i);

/* Images of the namespace that are whole and unpacked. */
int images_list(struct containers *c, void (*each)(void *arg, const struct image_imported *image),
                container_cb done, void *arg);
int image_remove(struct containers *c, const char *name, container_cb done, void *arg);

/* Which of these blobs are not in the store.  -E2BIG, -EINVAL, -ENOTCONN, -ENOMEM at once. */
enum { IMAGE_MISSING_MAX = 256 };
typedef void (*image_missing_cb)(void *arg, int result, const char *why, const bool *missing,
                                 size_t n);
int image_missing(struct containers *c, const char (*digests)[SIZE_DIGEST], size_t n,
                  image_missing_cb done, void *arg);

/* Reading a blob for a peer: 'chunk' with pieces of at most 64 KB, at the end one of len 0, then
 * 'done'; -ENOENT. Return false from chunk to stop: 'done' follows with -ECANCELED.
 * image_read_resume() after image_read_pause(); both and cancel may be called inside chunk. After
 * image_read_cancel() nothing follows. */
struct image_read;
int image_read(struct containers *c, const char *digest,
               bool (*chunk)(void *arg, const void *data, size_t len), container_cb done, void *arg,
               struct image_read **ret);
void image_read_pause(struct image_read *r);
void image_read_resume(struct image_read *r);
void image_read_cancel(struct image_read *r);

/* Fetching an image from peers or a registry; where 'digest' is that of an index, the manifest for
 * this board comes with it.  Asks 'want' for each missing blob ('size_bytes' 0: not known, the
 * manifest; image_fetch_blob_end() may be called inside it); the caller opens a link to a
 * peer, feeds image_fetch_data() and ends with image_fetch_blob_end(). Blobs are verified by
 * containerd against their digest.  Then unpacks; 'done' when the image is ready to run. */
struct image_fetch;
int image_fetch(struct containers *c, const char *name, const char *digest,
                void (*want)(void *arg, const char *digest, uint64_t size_bytes), container_cb done,
                void *arg, struct image_fetch **ret);
/* 0, -EAGAIN: taken, but pause the link until 'drained'.  Any other error: these bytes are of no
 * use, end the blob.  'digest' of image_fetch() is that of the manifest or index, as image_imported
 * has it.
 */
int image_fetch_data(struct image_fetch *i, const void *data, size_t len,
                     void (*drained)(void *arg), void *drained_arg);
/* result 0: the blob is complete; else the peer failed: the same blob is wanted again (from
 * another peer), at most 4 times, then 'done' with -EIO. */
void image_fetch_blob_end(struct image_fetch *i, int result);
void image_fetch_abort(struct image_fetch *i);
/* Inside 'want': it is an index or a manifest, which registries keep apart from other blobs; and
 * how often the same blob was asked for before. */
bool image_fetch_is_manifest(const struct image_fetch *i);
unsigned image_fetch_attempts(const struct image_fetch *i);
/* Bytes of layers that are here and that there are; both 0 while that is not known. */
void image_fetch_progress(const struct image_fetch *i, uint64_t *ret_here, uint64_t *ret_all);

/* What this board runs best, as build tools write it: "linux/arm/v7". */
const char *image_platform_here(void);

/* "alpine" -> "docker.io/library/alpine:latest", "functions/alpine" ->
 * "docker.io/functions/alpine:latest".  -EINVAL for what is no reference. */
int image_normalise(const char *name, char ret[static SIZE_IMAGE]);

#endif

/* container_internal - what the files of io/container*.c and io/image_*.c share.  Not for others.
 */
#ifndef BRAMBLE_IO_CONTAINER_INTERNAL_H
#define BRAMBLE_IO_CONTAINER_INTERNAL_H

#include "base/list.h"
#include "io/container.h"
#include "io/containerd_api.h"
#include "io/grpc.h"

struct containers {
        uv_loop_t *loop;
        struct grpc *grpc; /* sends containerd-namespace: openfaas-fn with every call */
        struct containers_ops ops;
        void *arg;
};

#endif

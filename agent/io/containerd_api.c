#include "io/containerd_api.h"

#define CTR_DEFINE(name, name_path, reply_type, timeout)   \
        const struct grpc_method ctr_##name = {            \
                .path = "/containerd.services." name_path, \
                .reply = &ctr__##reply_type##__descriptor, \
                .timeout_ms = (timeout),                   \
        };
CTR_METHODS(CTR_DEFINE)

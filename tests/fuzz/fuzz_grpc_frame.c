/* A stream of gRPC messages in reads of any size; and the two status headers. */
#include "base/buf.h"
#include "io/containerd_api.h"
#include "io/grpc_frame.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every message that is split off lies inside the data, and together they cover it in order. */
static void split(const uint8_t *data, size_t size) {
        size_t at = 0;

        for (;;) {
                const uint8_t *message;
                ProtobufCMessage *m;
                size_t len, used;
                int r = grpc_frame_next(data + at, size - at, MOST, &message, &len, &used);

                if (r <= 0)
                        break;
                assert(len <= MOST && used == len + GRPC_PREFIX_BYTES && used <= size - at);
                assert(message == data + at + GRPC_PREFIX_BYTES);
                m = protobuf_c_message_unpack(ctr_events_subscribe.reply, NULL, len, message);
                if (m)
                        protobuf_c_message_free_unpacked(m, NULL);
                at += used;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char text[64];
        int r;

        split(data, size);
        r = grpc_status_errno((const char *)data, size);
        assert(r <= 0);
        (void)grpc_status_text(text, sizeof(text), (const char *)data, size);
        assert(strlen(text) < sizeof(text) && strlen(text) <= size);
        for (const char *p = text; *p; p++)
                assert(*p >= ' ' && *p <= '~');
        return 0;
}

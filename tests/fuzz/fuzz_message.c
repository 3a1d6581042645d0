/* fuzz_message - hello, view, join and joined; the first byte chooses. */
#include "core/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct message_joined joined;
        struct formation_view view;
        struct message_hello hello;
        struct board board;

        if (size == 0)
                return 0;
        switch (data[0] % 4) {
        case 0:
                (void)message_hello_decode(data + 1, size - 1, &hello);
                break;
        case 1:
                (void)message_view_decode(data + 1, size - 1, &view);
                break;
        case 2:
                (void)message_join_decode(data + 1, size - 1, &board);
                break;
        default:
                (void)message_joined_decode(data + 1, size - 1, &joined);
        }
        return 0;
}

/* fuzz_message - hello, view, join and joined; the first byte chooses. */
#include "fuzz.h"

#include "core/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct message_joined joined;
        struct formation_view view;
        struct message_hello hello;
        struct board board;

        if (size == 0)
                return 0;
        switch (data[0] % 4) {
        case 0:
                fuzz_took = message_hello_decode(data + 1, size - 1, &hello) == 0;
                break;
        case 1:
                fuzz_took = message_view_decode(data + 1, size - 1, &view) == 0;
                break;
        case 2:
                fuzz_took = message_join_decode(data + 1, size - 1, &board) == 0;
                break;
        default:
                fuzz_took = message_joined_decode(data + 1, size - 1, &joined) == 0;
        }
        return 0;
}

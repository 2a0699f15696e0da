// SPDX-License-Identifier: Apache-2.0
// test: uses=schemas
// Any datagram of a client or a broker: refused with a reason, or the same message again.
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "schemas/wire_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

// Reads every byte that a user of the message would read.
static void use(const struct control_message *message)
{
    size_t total = 0;
    if (message->type == CONTROL_REQUEST) {
        for (size_t i = 0; i < message->request.field_count; i++) {
            total += strlen(message->request.fields[i].name);
            total += strlen(message->request.fields[i].value);
        }
    } else if (message->type == CONTROL_PART) {
        total = strnlen(message->part.text, message->part.text_bytes + 1);
        SB_ASSERT(total == message->part.text_bytes);
    }
    SB_ASSERT(total <= LIMIT_MESSAGE_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct control_message message;
    static uint8_t again[LIMIT_MESSAGE_BYTES_MAX];
    char reason[256];
    for (int way = CONTROL_TO_CLIENT; way <= CONTROL_TO_BROKER; way++) {
        // The count in the header, so that the body is reached.
        size_t fd_count = size_bytes > 4 ? data[4] : 0;
        int result = wire_control_decode(data, size_bytes, fd_count, (enum control_direction)way,
                                         &message, reason, sizeof reason);
        SB_ASSERT((result == 0) == (reason[0] == '\0'));
        SB_ASSERT(message.arena_used <= sizeof message.arena);
        if (result == 0) {
            use(&message);
            int encoded = wire_control_encode(&message, again, sizeof again);
            SB_ASSERT(encoded >= 0 && (size_t)encoded == size_bytes);
        }
    }
    return 0;
}

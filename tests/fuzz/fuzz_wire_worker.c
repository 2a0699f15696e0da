// SPDX-License-Identifier: Apache-2.0
// test: uses=schemas
// Any datagram, each direction, each phase: refused with a reason, or the same message again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "schemas/wire_worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

// Reads every byte that a user of the message would read.
static size_t read_strings(const struct wire_param *params, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += strlen(params[i].name) + strlen(params[i].value);
    }
    return total;
}

static void use(const struct wire_message *message)
{
    size_t total = 0;
    if (message->type == WIRE_SETUP) {
        total = read_strings(message->setup.params, message->setup.param_count);
        for (size_t i = 0; i < message->setup.link_count; i++) {
            total += strlen(message->setup.links[i].port) + strlen(message->setup.links[i].peer);
        }
    } else if (message->type == WIRE_CONFIG) {
        total = read_strings(message->config.params, message->config.param_count);
    }
    SB_ASSERT(total <= LIMIT_MESSAGE_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct wire_message message;
    static uint8_t again[LIMIT_MESSAGE_BYTES_MAX];
    char reason[256];
    for (int way = WIRE_TO_WORKER; way <= WIRE_TO_BROKER; way++) {
        for (int phase = WIRE_CONNECTED; phase <= WIRE_RUNNING; phase++) {
            // The count in the header, so that the body is reached.
            size_t fd_count = size_bytes > 4 ? data[4] : 0;
            int result =
                wire_worker_decode(data, size_bytes, fd_count, (enum wire_direction)way,
                                   (enum wire_phase)phase, &message, reason, sizeof reason);
            SB_ASSERT((result == 0) == (reason[0] == '\0'));
            SB_ASSERT(message.arena_used <= sizeof message.arena);
            if (result == 0) {
                use(&message);
                int encoded = wire_worker_encode(&message, again, sizeof again);
                SB_ASSERT(encoded >= 0 && (size_t)encoded == size_bytes);
            }
        }
    }
    return 0;
}

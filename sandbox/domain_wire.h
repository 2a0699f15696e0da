// SPDX-License-Identifier: Apache-2.0
// What the broker and process 1 of a domain say to each other, one datagram each.
#pragma once

#include <stdint.h>

#define DOMAIN_FD 3  // of process 1: its end of the socket
#define DOMAIN_CONFIG "/tmp/roudi.toml"
#define DOMAIN_TEXT_BYTES 16384

enum domain_message_kind {
    DOMAIN_START = 1,   // to process 1: text is RouDi's configuration
    DOMAIN_PROBE = 2,   // to process 1: look whether RouDi answers
    DOMAIN_HERE = 3,    // to the broker, with a pidfd of process 1: workers can be put inside
    DOMAIN_READY = 4,   // to the broker: RouDi is ready for clients
    DOMAIN_PROBED = 5,  // to the broker: value 1 = it answers, 0 = it does not
    DOMAIN_FAILED = 6,  // to the broker: text says why RouDi did not become ready, or ended
};

// Sent as long as its text is.
struct domain_message {
    uint32_t kind;
    uint32_t value;
    char text[DOMAIN_TEXT_BYTES];
};

// SPDX-License-Identifier: Apache-2.0
// Puts converters into links whose ends turn out not to meet when formats are negotiated.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker/broker.h"

// One link that shall be joined, as negotiation sees it. Everything is borrowed.
struct joining_link {
    struct actual_link *link;
    const struct sb_format *settled;  // another link into the same input carries it; or NULL
};

// No format was found for these links together: converters are put into one of them, so that the
// rest has one constraint less. Returns 0 when that was done and their nodes are being started.
// Else a negative errno, with a reason added to text where there is more to say than that no format
// was found.
int joining_try(struct broker *broker, const struct joining_link *links, size_t count, char *text,
                size_t text_bytes);

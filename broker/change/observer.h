// SPDX-License-Identifier: Apache-2.0
// Taps: a read-only observer of an output, as a worker of its own on a link of its own.
//
// The link is `latest` with one claim, so its reader can keep one slot, which the pool has for it,
// and no more; the writer never waits for it. Node and link are part of the actual graph only: what
// is wanted, saved and compared does not know them.
#pragma once

#include <stdint.h>

#include "broker/broker.h"
#include "broker/graph/catalog.h"

struct observer_settings {
    const char *socket;   // of who listens: processors/tap
    int64_t interval_ns;  // least time between two frames, 0 = every one that it can get
    uint64_t bytes;       // of each frame that are sent
    bool is_rgb;          // video is sent as rgb
};

// Begins to tap an output of a node that is alive. program is the processor `tap`. Returns 0 and
// the id of its node; -EBUSY when the output has no room for one more link; -ENOMEM.
int observer_open(struct broker *broker, struct actual_node *from, const char *port,
                  const struct catalog_entry *program, const struct observer_settings *settings,
                  char out_id[LIMIT_NODE_ID_BYTES_MAX]);

// The tap has not read the generation before the newest to its end, so no further one can begin.
bool observer_is_in_the_way(const struct broker *broker, const char *id);

// Ends it, whatever it is doing. A node that is gone already is fine.
void observer_close(struct broker *broker, const char *id);

// SPDX-License-Identifier: Apache-2.0
// The bell page of one worker's life: what the broker wants of it, the graph's clock, and the word
// that wakes it. The broker keeps the only writable mapping.
#pragma once

#include <stdint.h>

#include "schemas/status_layout.h"

struct bell {
    struct bell_page *page;  // owned: writable mapping, NULL before bell_open()
    uint64_t size_bytes;
    int reader_fd;  // owned: read-only, given to the worker; -1 after bell_close()
};

// The graph's clock. Tick n is due at epoch_ns + (n - base) * period.
struct bell_clock {
    int64_t from_ns;
    int64_t epoch_ns;
    uint64_t base;
    uint32_t fps_numerator;
    uint32_t fps_denominator;
};

// Makes the page; want is HOLD. Returns 0 or a negative errno.
int bell_open(struct bell *bell, const struct bell_clock *clock);
void bell_close(struct bell *bell);

// Bumps the word and wakes the worker: after every control message and every change of the page.
void bell_ring(struct bell *bell);

// Changes what is wanted, and rings. The same want again does nothing.
void bell_want(struct bell *bell, enum worker_want want);

// Writes the other copy of the clock, then the index; readers never retry. Rings.
void bell_set_clock(struct bell *bell, const struct bell_clock *clock);

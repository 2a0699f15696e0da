// SPDX-License-Identifier: Apache-2.0
// How long the calls of a node took, over all its lives, as its workers say. Their own words:
// nothing depends on them, and they cannot overflow a sum.
#pragma once

#include <stdint.h>

#include "schemas/status_layout.h"

struct call_times {
    uint64_t busy_ns;
    uint64_t longest_ns;
    uint64_t counts[LAYOUT_CALL_TIMES];
};

// Adds what a status page says. NULL adds nothing.
void call_times_add_page(struct call_times *times, const struct status_page *page);

// The time that this part of the calls, in thousandths, did not exceed, to an eighth of it, and not
// above the longest. -1 when there was no call.
int64_t call_times_quantile_ns(const struct call_times *times, uint32_t permille);

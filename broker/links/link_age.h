// SPDX-License-Identifier: Apache-2.0
// How old the frames of a link are, from looks at its cursors. Pure.
//
// The broker reads no frame, so it knows when it saw a frame first, not when it was made: every age
// is at most as long as the true one, and shorter by one interval between two looks at most.
#pragma once

#include <stdint.h>

struct link_age {
    uint64_t newest;    // seq of the newest frame at the last look, 0 = none yet
    int64_t newest_ns;  // when it was seen first
    uint64_t mark;      // a frame that was not taken yet, 0 = none
    int64_t mark_ns;    // when it was seen first
};

// tail: seq of the newest frame, 0 = none. head: seq of the oldest one that waits; above tail when
// none does.
void link_age_note(struct link_age *age, uint64_t head, uint64_t tail, int64_t now_ns);

// What waits begins to age now.
void link_age_rearm(struct link_age *age, int64_t now_ns);

// Age of the newest frame, -1 when there was none.
int64_t link_age_newest_ns(const struct link_age *age, int64_t now_ns);

// Age of the oldest frame that waits, 0 when none does.
int64_t link_age_head_ns(const struct link_age *age, int64_t now_ns);

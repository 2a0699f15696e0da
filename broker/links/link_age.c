// SPDX-License-Identifier: Apache-2.0
// Keeps one frame in sight until it is taken.
#include "broker/links/link_age.h"

void link_age_note(struct link_age *age, uint64_t head, uint64_t tail, int64_t now_ns)
{
    if (tail == 0) {
        age->mark = 0;  // nothing, or memory that is gone
        return;
    }
    if (tail != age->newest) {
        age->newest = tail;
        age->newest_ns = now_ns;
    }
    if (head > tail) {
        age->mark = 0;
    } else if (age->mark < head) {
        age->mark = tail;
        age->mark_ns = now_ns;
    }
}

void link_age_rearm(struct link_age *age, int64_t now_ns)
{
    age->mark_ns = now_ns;
}

int64_t link_age_newest_ns(const struct link_age *age, int64_t now_ns)
{
    return age->newest == 0 ? -1 : now_ns - age->newest_ns;
}

int64_t link_age_head_ns(const struct link_age *age, int64_t now_ns)
{
    return age->mark == 0 ? 0 : now_ns - age->mark_ns;
}

// SPDX-License-Identifier: Apache-2.0
// Compares each look at a worker with the one before.
#include "broker/supervision/progress.h"

static bool has_moved(const struct progress *progress, const struct progress_look *look)
{
    if (!progress->has_look || look->step != progress->step ||
        look->is_inside != progress->was_inside) {
        return true;
    }
    // One call must end, whatever it publishes meanwhile.
    return !look->is_inside && look->moved != progress->moved;
}

// The look before saw the step before, and the worker read the clock after that look: it can only
// have been for this step.
static bool is_word_exact(const struct progress *progress, const struct progress_look *look)
{
    return progress->has_look && look->is_inside && look->step == progress->step + 1 &&
           look->entered_ns > progress->looked_ns && look->entered_ns <= look->now_ns;
}

int64_t progress_note(struct progress *progress, const struct progress_look *look)
{
    bool is_owing = (look->is_inside || look->is_work_there) && !look->is_held_up;
    if (has_moved(progress, look)) {
        progress->since_ns = is_word_exact(progress, look) ? look->entered_ns : look->now_ns;
        progress->is_rearmed = false;
    } else if (!is_owing) {
        progress->since_ns = look->now_ns;
    }
    progress->has_look = true;
    progress->step = look->step;
    progress->moved = look->moved;
    progress->was_inside = look->is_inside;
    progress->looked_ns = look->now_ns;
    return is_owing ? progress->since_ns : INT64_MAX;
}

void progress_rearm(struct progress *progress, int64_t now_ns)
{
    progress->since_ns = now_ns;
    progress->is_rearmed = true;
}

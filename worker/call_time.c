// SPDX-License-Identifier: Apache-2.0
// Times some of the steps of a node and tells what they took.
#include "worker/call_time.h"

#include "base/clock.h"

// What has to pass from one step that is timed to the next.
#define TIMED_EVERY_NS (32 * CLOCK_NS_PER_US)

void call_time_begin(struct sb_node *node)
{
    if (node->step < node->timed_soon) {
        return;
    }
    // The first one stands for itself: its number goes on from another life.
    uint64_t since = node->step - node->timed_step;
    node->timed_for = node->timed_step == 0 || since > CALL_TIME_STEPS_MAX ? 1 : (uint32_t)since;
    node->timed_step = node->step;
    node->timed_due = node->step + CALL_TIME_STEPS_MAX;
    node->timed_begun_ns = node->clock_ns;
    node->timed_wait_ns = 0;
    // A manual processor is in one call for its whole life.
    node->is_step_timed = node->mode != SB_MODE_MANUAL;
}

// Of short calls that each come after a sleep, one in so many is timed.
#define SLEEPS_MAX 8

// Steps until about TIMED_EVERY_NS have passed.
static uint64_t steps_to_next(int64_t took_ns)
{
    int64_t steps = TIMED_EVERY_NS / (took_ns > 0 ? took_ns : 1);
    return steps < 1 ? 1 : steps > CALL_TIME_STEPS_MAX ? CALL_TIME_STEPS_MAX : (uint64_t)steps;
}

void call_time_end(struct sb_node *node)
{
    struct status_page *status = node->status;
    int64_t took_ns = clock_now_ns() - node->timed_begun_ns - node->timed_wait_ns;
    took_ns = took_ns > 0 ? took_ns : 0;
    // Several steps in one call: it is told as one.
    uint64_t count = node->step == node->timed_step ? node->timed_for : 1;
    node->is_step_timed = false;
    uint64_t steps = steps_to_next(took_ns);
    node->timed_due = node->step + steps;
    node->timed_soon = node->step + (steps < SLEEPS_MAX ? steps : SLEEPS_MAX);
    status_add(&status->busy_ns, (uint64_t)took_ns * count);
    status_add(&status->call_times[layout_call_time(took_ns)], count);
    if ((uint64_t)took_ns > atomic_load_explicit(&status->longest_ns, memory_order_relaxed)) {
        atomic_store_explicit(&status->longest_ns, (uint64_t)took_ns, memory_order_relaxed);
    }
}

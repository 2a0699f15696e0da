// SPDX-License-Identifier: Apache-2.0
// Runs the steps of a node in each of the four modes until it ends.
#include "worker/cycle.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "worker/activation.h"
#include "worker/carrier_keep.h"
#include "worker/control.h"
#include "worker/input.h"
#include "worker/node_log.h"
#include "worker/output.h"
#include "worker/rest.h"
#include "worker/step.h"
#include "worker/tick.h"
#include "worker/uplink.h"

// Least pause of a loop without an interval: it yields, so that it cannot starve its neighbours.
#define LOOP_YIELD_NS (100 * CLOCK_NS_PER_US)

enum round { ROUND_AGAIN, ROUND_OVER };

static bool is_source(const struct sb_node *node)
{
    return node->input_link_count == 0;
}

// All inputs that were ever linked have ended: nothing will come any more.
static bool is_all_over(struct sb_node *node)
{
    if (is_source(node)) {
        return false;
    }
    bool is_any_linked = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        is_any_linked = is_any_linked || sb_input_is_linked(&node->inputs[i]);
        if (input_is_open(&node->inputs[i])) {
            return false;
        }
    }
    return is_any_linked;
}

static void tell_ends(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct sb_input *input = &node->inputs[i];
        if (input->is_end_told || !input_is_over(input)) {
            continue;
        }
        input->is_end_told = true;
        if (node->processor->on_end != NULL) {
            step_open(node);
            step_enter(node, node->step + 1);
            step_leave(node, node->processor->on_end(node, input));
        }
    }
}

// Kept out of the way of the steps: it needs room for a futex set.
__attribute__((noinline)) static enum round look_at_all(struct sb_node *node)
{
    for (;;) {
        if (is_bell_rung(node)) {
            control_poll(node);
        }
        if (node->has_deferred_config) {
            control_apply_deferred(node);
        }
        if (sb_node_should_stop(node)) {
            return ROUND_OVER;
        }
        if (node->want == WANT_RUN || node->want == WANT_DRAIN) {
            return ROUND_AGAIN;
        }
        struct futex_set set;
        status_phase(node, node->want == WANT_PAUSE ? WORKER_PAUSED : WORKER_READY);
        rest_begin(node, &set);
        rest_wait(node, &set, FUTEX_NO_DEADLINE);
    }
}

// Nothing new from the broker, and nothing to end for: what is true between most steps.
static bool is_undisturbed(const struct sb_node *node)
{
    return !is_bell_rung(node) && !node->has_deferred_config && node->want == WANT_RUN &&
           !node->is_finishing && node->step_limit == 0 && !node->is_broker_gone;
}

// Between steps: the broker's word, parameters that waited, a pause. ROUND_OVER at the end.
static inline enum round look_around(struct sb_node *node)
{
    if (is_undisturbed(node)) {
        return ROUND_AGAIN;
    }
    return look_at_all(node);
}

static int call_frames(struct sb_node *node, size_t count)
{
    node->step_frame = &node->frames[0];
    if (node->processor->on_frames != NULL) {
        return node->processor->on_frames(node, node->frames, count);
    }
    int result = 0;
    for (size_t i = 0; i < count && node->processor->on_frame != NULL; i++) {
        node->step_frame = &node->frames[i];
        int failed = node->processor->on_frame(node, &node->frames[i]);
        result = failed < 0 ? failed : result;
    }
    return result;
}

static void run_reactive(struct sb_node *node)
{
    while (look_around(node) == ROUND_AGAIN) {
        step_open(node);
        size_t count = activation_collect(node);
        if (node->is_format_refused) {
            return;
        }
        if (count > 0) {
            step_enter(node, node->step + 1);
            step_leave(node, call_frames(node, count));
            continue;
        }
        tell_ends(node);
        if (is_all_over(node)) {
            return;
        }
        status_phase(node, WORKER_IDLE);
        int64_t deadline_ns = activation_deadline_ns(node);
        rest_for_input(node, NULL, activation_wish(node), activation_is_ready, &deadline_ns,
                       deadline_ns);
    }
}

static void run_tick(struct sb_node *node)
{
    while (look_around(node) == ROUND_AGAIN) {
        uint64_t number;
        int64_t due_ns;
        tell_ends(node);
        if (is_all_over(node)) {
            return;
        }
        status_phase(node, WORKER_IDLE);
        if (tick_wait(node, &number, &due_ns) != 1 || node->processor->on_tick == NULL) {
            continue;
        }
        node->tick_due_ns = due_ns;
        step_open(node);
        step_enter(node, number);
        step_leave(node, node->processor->on_tick(node, number, due_ns));
        status_add(&node->status->ticks, 1);
    }
}

// Returns early when the node should stop or pause; other messages do not shorten the interval.
static void rest_until(struct sb_node *node, int64_t until_ns)
{
    struct futex_set set;
    node->is_clock_stale = true;
    while (clock_now_ns() < until_ns && look_around(node) == ROUND_AGAIN) {
        rest_begin(node, &set);
        futex_set_wait(&set, until_ns);
    }
}

static void run_continuous(struct sb_node *node)
{
    while (look_around(node) == ROUND_AGAIN && node->processor->on_loop != NULL) {
        int64_t begun_ns = node->interval_ns > 0 ? clock_now_ns() : 0;
        tell_ends(node);
        if (is_all_over(node)) {
            return;
        }
        uint64_t published = atomic_load_explicit(&node->status->frames_out, memory_order_relaxed);
        step_open(node);
        step_enter(node, node->step + 1);
        int result = node->processor->on_loop(node);
        bool has_taken = node->taken_count > 0;
        step_leave(node, result);
        bool has_worked = has_taken || published != atomic_load_explicit(&node->status->frames_out,
                                                                         memory_order_relaxed);
        status_phase(node, WORKER_IDLE);
        if (node->interval_ns > 0) {
            rest_until(node, begun_ns + node->interval_ns);
        } else if (!has_worked && !node->is_finishing) {
            rest_until(node, clock_now_ns() + LOOP_YIELD_NS);
        }
    }
}

void cycle_fail(struct sb_node *node, const char *call, int code)
{
    struct wire_failed *failed = &uplink_begin(node, WIRE_FAILED)->failed;
    failed->code = code;
    snprintf(failed->text, sizeof failed->text, "%s: %s", call, node_log_error_text(node, code));
    uplink_send(node);
    node->is_failed = true;
    node->is_finishing = true;
    node->is_step_canceled = true;
    if (!node->is_exit_forced) {
        node->is_exit_forced = true;
        node->exit_status = SB_EXIT_FAILED;
    }
}

static void run_manual(struct sb_node *node)
{
    if (look_around(node) == ROUND_AGAIN && node->processor->run != NULL) {
        step_open(node);
        step_enter(node, node->step + 1);
        int result = node->processor->run(node);
        if (result < 0 && result != -ECANCELED && !node->is_exit_forced) {
            // It was the whole life, so there is no next step to go on with.
            cycle_fail(node, "run", result);
        }
        step_leave(node, result);
    }
}

static void run_mode(struct sb_node *node)
{
    switch (node->mode) {
    case SB_MODE_TICK:
        run_tick(node);
        break;
    case SB_MODE_CONTINUOUS:
        run_continuous(node);
        break;
    case SB_MODE_MANUAL:
        run_manual(node);
        break;
    case SB_MODE_REACTIVE:
    case SB_MODE_DEFAULT:
    default:
        run_reactive(node);
        break;
    }
}

static bool is_stopped(const struct sb_node *node)
{
    // The page itself: who saw the stop by sb_node_should_stop() did not look at the bell.
    uint32_t want = atomic_load_explicit(&node->bell->want, memory_order_acquire);
    return node->is_broker_gone || want == WANT_STOP;
}

// Another worker goes on with its links, unless it came to its own end just now.
static bool is_replaced(const struct sb_node *node)
{
    uint32_t want = atomic_load_explicit(&node->bell->want, memory_order_acquire);
    return want == WANT_LEAVE && !node->is_finishing && !node->is_broker_gone;
}

int cycle_run(struct sb_node *node)
{
    run_mode(node);
    status_phase(node, WORKER_DRAINING);
    if (is_replaced(node)) {
        node->is_failed = true;
        node->exit_status = node->is_exit_forced ? node->exit_status : SB_EXIT_FINISHED;
    }
    if (node->is_failed) {
        // The streams do not end here: a next life goes on with them, or the broker ends them.
        return node->exit_status;
    }
    bool is_early = is_stopped(node);
    if (!is_early && node->processor->on_drain != NULL) {
        step_call(node, node->processor->on_drain);
    }
    int status = node->is_exit_forced ? node->exit_status : SB_EXIT_FINISHED;
    if (node->is_broker_gone) {
        status = SB_EXIT_FAILED;
    }
    // Also when it was stopped: consumers that drain must not wait for more.
    output_end_all(node);
    if (!is_early) {
        carrier_keep_linger(node);
    }
    uplink_begin(node, WIRE_ENDED)->ended.exit_status = (uint32_t)status;
    uplink_send(node);
    return status;
}

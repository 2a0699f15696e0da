// SPDX-License-Identifier: Apache-2.0
// What a processor asks of its node and its outputs, apart from frames.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "worker/control.h"
#include "worker/input.h"
#include "worker/node_log.h"
#include "worker/rest.h"
#include "worker/runtime.h"
#include "worker/step.h"
#include "worker/tick.h"

const char *sb_node_id(const struct sb_node *node)
{
    return node->id;
}

uint32_t sb_node_generation(const struct sb_node *node)
{
    return node->generation;
}

void sb_node_set_data(struct sb_node *node, void *data)
{
    node->data = data;
}

void *sb_node_data(const struct sb_node *node)
{
    return node->data;
}

// Nothing comes in, so that no end of an input will ever tell it to end.
static bool is_source(const struct sb_node *node)
{
    return node->live_input_count == 0;
}

bool sb_node_should_stop(const struct sb_node *node)
{
    // Asked from loops that may never call anything that waits, so it looks at the page itself.
    uint32_t want = atomic_load_explicit(&node->bell->want, memory_order_acquire);
    bool is_enough = node->step_limit > 0 && node->step >= node->step_limit;
    return node->is_broker_gone || node->is_finishing || is_enough || want == WANT_STOP ||
           want == WANT_LEAVE || (want == WANT_DRAIN && is_source(node));
}

bool sb_node_is_paused(const struct sb_node *node)
{
    return atomic_load_explicit(&node->bell->want, memory_order_acquire) == WANT_PAUSE;
}

void sb_node_finish(struct sb_node *node)
{
    node->is_finishing = true;
}

void sb_node_fail_data(struct sb_node *node, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    node_log_list(node, SB_LOG_ERROR, format, list);
    va_end(list);
    node->is_finishing = true;
    node->is_exit_forced = true;
    node->exit_status = SB_EXIT_BAD_DATA;
}

int sb_node_error(struct sb_node *node, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(node->error, sizeof node->error, format, list);
    va_end(list);
    return code;
}

static bool is_any_ready(struct sb_node *node, void *context)
{
    (void)context;
    bool is_all_over = node->input_count > 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (input_has_frame(&node->inputs[i])) {
            return true;
        }
        is_all_over = is_all_over && !input_is_open(&node->inputs[i]);
    }
    return is_all_over && node->live_input_count > 0;
}

int sb_node_wait(struct sb_node *node, int64_t deadline_ns)
{
    if (sb_node_should_stop(node)) {
        return -ECANCELED;
    }
    control_apply_in_wait(node);
    (void)step_settle(node);
    int ready = rest_inside_call(node, NULL, is_any_ready, NULL, deadline_ns);
    return sb_node_should_stop(node) && ready != 1 ? -ECANCELED : ready;
}

int64_t sb_now_ns(void)
{
    return clock_now_ns();
}

int64_t sb_node_tick_period_ns(const struct sb_node *node)
{
    return tick_period_ns(node);
}

uint64_t sb_node_missed_ticks(const struct sb_node *node)
{
    return node->missed_ticks;
}

struct sb_output *sb_node_output(struct sb_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (strcmp(node->outputs[i].name, name) == 0) {
            return &node->outputs[i];
        }
    }
    return NULL;
}

const char *sb_output_name(const struct sb_output *output)
{
    return output->name;
}

bool sb_output_is_linked(const struct sb_output *output)
{
    return output->live_count > 0;
}

const struct sb_format *sb_output_format(const struct sb_output *output)
{
    if (output->now != NULL) {
        return &output->now->format;
    }
    // Nobody has a say in the format of an output without a link: it is the best one.
    return output->live_count == 0 && output->offer_count > 0 ? &output->offers[0] : NULL;
}

void sb_output_set_data(struct sb_output *output, void *data)
{
    output->data = data;
}

void *sb_output_data(const struct sb_output *output)
{
    return output->data;
}

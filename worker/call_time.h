// SPDX-License-Identifier: Apache-2.0
// How long the call-backs of a node take, for those who look: told in the status page.
//
// Two looks at the clock cost as much as a small frame. So a long call is timed each time, and
// short ones so seldom that the looks cost less than a hundredth of what they measure, a little
// more often after a sleep, when the clock is read anyway. Each stands for the steps since the one
// before it.
#pragma once

#include "worker/runtime.h"

#define CALL_TIME_STEPS_MAX 256

// A step begins, and node->clock_ns is now: it is timed unless the last one was just before.
void call_time_begin(struct sb_node *node);

// It is over.
void call_time_end(struct sb_node *node);

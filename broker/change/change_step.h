// SPDX-License-Identifier: Apache-2.0
// The steps of a change: how each kind begins, when it is done, and what happens when it is not.
#pragma once

#include "broker/broker.h"
#include "broker/change/change_state.h"

// Begins one step.
void change_step_begin(struct broker *broker, struct change *change, struct change_item *item);

// Looks at one that has begun; may do its next part. May call change_fail().
void change_step_look(struct broker *broker, struct change *change, struct change_item *item);

// Its time is over: what can be done without is done without, else change_fail().
void change_step_expire(struct broker *broker, struct change *change, struct change_item *item);

// How long it may take.
int64_t change_step_limit_ns(const struct change_item *item);

// SPDX-License-Identifier: Apache-2.0
// Watches workers that run: who makes no progress although it could is ended, with the reason.
#pragma once

#include "broker/broker.h"

// When the next look is due, INT64_MAX = nothing runs that could be overdue.
int64_t watch_due_ns(const struct broker *broker);

// Looks at every worker that runs.
void watch_look(struct broker *broker, int64_t now_ns);

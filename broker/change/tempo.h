// SPDX-License-Identifier: Apache-2.0
// Another rate of the graph's clock, at the same tick in every worker.
#pragma once

#include "broker/broker.h"

// The clock that follows on one: it comes into force at a tick of that one, which is due at the
// same instant by both, at least two periods and 50 ms ahead, so that every worker has seen it by
// then. Pure.
struct bell_clock tempo_follow(const struct bell_clock *clock, const struct graph_fraction *fps,
                               int64_t now_ns);

// Gives the graph's rate to every worker, when it is another one.
void tempo_set(struct broker *broker);

// SPDX-License-Identifier: Apache-2.0
// A lossless join that waits for itself: one way to it holds back more frames than the other can
// keep. It is nobody's stall: the full link grows, and where it cannot, the graph stops.
#pragma once

#include "broker/broker.h"

// One look, after those at the workers. Acts when two looks with nothing moved in between see the
// same.
void deadlock_look(struct broker *broker);

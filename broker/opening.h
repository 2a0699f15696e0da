// SPDX-License-Identifier: Apache-2.0
// The start of a graph that was loaded; ending.h is the other end.
#pragma once

#include "broker/broker.h"

// Starts every node. What fails at once ends the graph as anything that fails later does.
void opening_start(struct broker *broker);

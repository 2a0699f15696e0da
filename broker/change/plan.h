// SPDX-License-Identifier: Apache-2.0
// What a change would do, before anything is done.
#pragma once

#include <jansson.h>

#include "broker/broker.h"

// One document: the steps in their order, the memory of every output and link afterwards and in
// all, the rights that change, and the frames that wait on links which go. NULL without memory.
json_t *plan_json(struct broker *broker, const struct graph *after);

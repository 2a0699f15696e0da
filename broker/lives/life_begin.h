// SPDX-License-Identifier: Apache-2.0
// The begin of lives: processes, and what the launcher says of them.
#pragma once

#include "broker/broker.h"

// Starts a life of the node and gives it its process now. What fails is the end of that life, so
// there is no result.
void life_begin(struct broker *broker, struct actual_node *node);

// An event of the launcher.
void life_begin_on_launch(struct broker *broker, const struct launch_event *event);

// The memory thread has made a status page. Takes the job.
void life_begin_on_status_made(struct broker *broker, struct memory_job *job);

// Its deadline has passed.
void life_begin_on_deadline(struct broker *broker, struct actual_node *node);

// SPDX-License-Identifier: Apache-2.0
// From offers to memory: which outputs can be agreed now, and when everybody can start.
#pragma once

#include "broker/broker.h"

// A worker said which formats an output can give.
void wiring_on_formats(struct broker *broker, struct actual_output *output,
                       const struct wire_formats *formats);

// A link was added to an output: what its worker offered is to be agreed about once more. One that
// has not offered yet does so when it has opened.
void wiring_offer_again(struct actual_output *output);

// Agrees and orders what can be, and sends START when nothing is left to do. Call it after
// everything that may let something go on.
void wiring_advance(struct broker *broker);

// Tells of formats that wait for a second now, because other links stand against them.
void wiring_tell_held(struct broker *broker, int64_t now_ns);

// True while a producer waits until the readers of its output have read on (room.h): nobody may say
// when they have.
bool wiring_is_awaiting(const struct broker *broker);

// Gives such a producer its memory however far its readers are. Returns 0; -EBUSY when something
// else stands against it; -ENOMEM with a sentence in text.
int wiring_force(struct broker *broker, struct actual_output *output, char *text,
                 size_t text_bytes);

// Whether one of the formats that `offers` has would do for every link of `output`, also for those
// that are held. They differ where another worker is to take over the output. True when nothing was
// offered yet.
bool wiring_can_agree(const struct broker *broker, const struct actual_output *output,
                      const struct actual_output *offers);

// Lets the graph run when every node is ready.
void wiring_check_ready(struct broker *broker);

// SPDX-License-Identifier: Apache-2.0
// What outputs say they can give, and when the broker is told.
#pragma once

#include "worker/runtime.h"

// Offers that are known without a call: text, binary, and what the processor said in open().
void output_offer_defaults(struct sb_node *node);

// An input has a format: outputs that follow it offer the same.
void output_offer_follow(struct sb_node *node, const struct sb_input *input);

// True when the format is among what was offered last.
bool output_offer_has(const struct sb_output *output, const struct sb_format *format);

// The output has its first link, or its first again: nobody may have heard its offers.
void output_offer_again(struct sb_output *output);

// Sends what was offered and not sent yet.
void output_offer_send(struct sb_node *node);

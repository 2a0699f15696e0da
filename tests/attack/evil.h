// SPDX-License-Identifier: Apache-2.0
// What the attacks of the processor `evil` share.
#pragma once

// What the one who runs the attack tells about the host.
struct evil_target {
    const char *path;  // "" = nothing
    long number;
};

// One line: result below 0 is a refusal, with the reason in errno.
void evil_tried(const char *what, long result);

void evil_note(const char *what, long number);

#define ATTACK(name, function) void function(const struct evil_target *target);
#include "attack/evil.def"
#undef ATTACK

// SPDX-License-Identifier: Apache-2.0
// What the launcher says to its broker.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/launch_steps.h"
#include "sandbox/launcher_wire.h"

void launcher_reply_open(int socket);

// Sends it, with a descriptor where fd is one. Waits while the queue is full: nothing is more
// urgent, and a broker that is gone ends the wait.
void launcher_reply(const struct launcher_answer *what, int fd);

void launcher_reply_failure(uint32_t serial, enum launch_step step, int error);

// Nobody is there to hear anything, or it is not our broker any more: from now on nothing is sent.
void launcher_reply_end(void);
bool launcher_reply_is_ended(void);

// SPDX-License-Identifier: Apache-2.0
// `streambroker --machine`: what this machine can enforce, asked of the code that enforces it.
#pragma once

// Prints one JSON array of {name, ok, text} to stdout: each wall, each meter, users of their own.
// Starts nothing. Returns the exit status.
int machine_command(void);

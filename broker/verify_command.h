// SPDX-License-Identifier: Apache-2.0
// `streambroker --verify FILE`: who signed a program, and whether that is enough to run it.
#pragma once

#define VERIFY_KEYS_DEFAULT "/etc/streambroker/keys"

// Judges the program as a graph with `signatures: {policy: require}` would; remembers nothing. keys
// is a folder or file of keys, NULL = VERIFY_KEYS_DEFAULT where that is there. One line goes to
// stdout when it may run, to stderr when not. Returns the exit status: 0, 66, 70 or 77.
int verify_command(const char *path, const char *keys);

// SPDX-License-Identifier: Apache-2.0
// What the launcher keeps of the process that it was forked from.
#pragma once

#define LAUNCHER_SETUP_SOCKET_FD 3

// Keeps stderr (for a failed check), the socket under its number, and nothing else. Signals of the
// terminal are ignored: the broker decides what they mean. Returns the descriptor that tells of
// children, or a negative errno.
int launcher_setup(int socket);

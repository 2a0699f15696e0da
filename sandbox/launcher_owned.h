// SPDX-License-Identifier: Apache-2.0
// The socket file of the broker, which the launcher removes when the broker cannot any more.
#pragma once

#include <sys/types.h>

// A path that is too long for a socket is none. Which file it is says device and inode.
void launcher_owned_set(const char *path, size_t length, dev_t device, ino_t inode);

// Removes it, unless there is another file in its place by now.
void launcher_owned_unlink(void);

// SPDX-License-Identifier: Apache-2.0
// The control socket in the file system: one broker per name, nobody else's folder.
#pragma once

#include "base/diag.h"
#include "schemas/control_path.h"

struct control_socket {
    int fd;  // owned: listens, non-blocking
    char path[CONTROL_PATH_BYTES_MAX];
};

// Makes the socket: at path, or where control_path.h puts that of the graph when path is NULL. The
// folder must be the user's own and writable by nobody else; the default one is made (0700). The
// socket of a dead broker is replaced. Call it before any thread exists: it sets the umask.
// Returns 0; -EADDRINUSE when a broker lives there, -EPERM for a folder that is not safe, or
// another negative errno, each with a sentence in out_why.
int control_socket_open(const char *path, const char *graph, struct control_socket *out_socket,
                        struct diag *out_why);

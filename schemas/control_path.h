// SPDX-License-Identifier: Apache-2.0
// Where the control socket of a broker is: by name, in a folder of the user's own.
#pragma once

#include <stddef.h>

#define CONTROL_PATH_BYTES_MAX 108  // of sun_path, terminator included

// The folder: $XDG_RUNTIME_DIR/streambroker, else /run/streambroker for root, else
// /tmp/streambroker-UID. Returns 0, or -ENAMETOOLONG when no socket in it could have a name.
int control_path_folder(char *out, size_t size_bytes);

// The socket of a graph in that folder: NAME.sock. Returns 0 or -ENAMETOOLONG.
int control_path_socket(const char *graph, char *out, size_t size_bytes);

// SPDX-License-Identifier: Apache-2.0
// The transports that links can name: where their libraries are. The broker loads none of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "schemas/wire_worker.h"

struct graph_link;

#define TRANSPORTS_RING "ring"

// True when payloads of the link lie in its pool.
bool transports_is_ring(const struct graph_link *link);

// The folders that are looked in, with ':' between: those of $STREAMBROKER_TRANSPORT_PATH that are
// absolute, then the install's.
void transports_path(char out_path[WIRE_TRANSPORT_PATH_BYTES_MAX]);

// Looks for the library of a transport in these folders. Returns 0; -ENOENT when there is none;
// -EPERM when somebody else could have written it; others; with a sentence part in out_why.
int transports_find(const char *path, const char *name, struct diag *out_why);

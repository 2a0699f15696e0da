// SPDX-License-Identifier: Apache-2.0
// Finds the broker that is meant, and the list of all of them.
#pragma once

#include <stdbool.h>

#include <streambroker/control.h>

#include "tools/verb.h"

// --socket, --graph, or the only broker of this user; for at most timeout_ms. Returns 0, or an exit
// status after a line on stderr. is_quiet: that no broker is there is said by the status only.
int reach_broker(const struct verb_call *call, int timeout_ms, bool is_quiet,
                 struct sb_control **out_control);

// The verb `list`.
int reach_list(const struct verb_call *call);

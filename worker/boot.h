// SPDX-License-Identifier: Apache-2.0
// From the first line of main to READY: descriptor 3, HELLO, SETUP, open(), memory and links.
#pragma once

#include "worker/runtime.h"

// Makes the node and its ports from the descriptor, without a link. Returns 0 or -ENOMEM.
int boot_init(struct sb_node *node, const struct sb_processor *processor);

// Links and settings of a SETUP message. Returns 0, or -EPROTO when it names a port that is not
// there.
int boot_apply_setup(struct sb_node *node, const struct wire_setup *setup);

// The whole start as a worker of a broker. Returns 0 when READY was sent, else a negative errno
// (the broker was told why when it could be).
int boot_run(struct sb_node *node);

void boot_fini(struct sb_node *node);
